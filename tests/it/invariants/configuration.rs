//! A configuration file: it is accepted, or refused by the keys of what is wrong, without repeating a value. The input
//! is the file.

use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
    value::{Dict, Value},
};
use huntr_receiver::config::{Config, ConfigError};

use super::CANARY;

/// What would be read from elsewhere.
const ELSEWHERE: [&str; 4] = ["file:", "ca_file", "path", "\\"];

/// Checks a file.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if ELSEWHERE.iter().any(|elsewhere| text.contains(elsewhere)) {
        return;
    }
    let read = Config::over_defaults(Toml::string(text));
    let again = Config::over_defaults(Toml::string(text));
    assert_eq!(told(&read), told(&again), "reading twice differs");
    match read {
        Ok(config) => {
            drop(config.routes());
            config
                .sources
                .values()
                .for_each(|source| drop(source.build()));
        }
        Err(error) => refused(&error),
    }
    let Ok(options) = Figment::from(Toml::string(text)).extract::<Dict>() else {
        return;
    };
    let places = Value::from(options.clone());
    for place in 0..texts(&places).min(64) {
        let mut options = Value::from(options.clone());
        replace(&mut options, &mut place.clone());
        let options = Serialized::defaults(options);
        // What is accepted is no secret: a template, a path, a name.
        if let Err(error) = Config::over_defaults(options) {
            let said = format!("{error}\n{error:?}");
            assert!(!said.contains(CANARY), "{said}");
        }
    }
}

fn told(read: &Result<Config, ConfigError>) -> String {
    match read {
        Ok(config) => format!("{config:?}"),
        Err(error) => format!("{error}\n{error:?}"),
    }
}

fn refused(error: &ConfigError) {
    let mut problems = 0;
    for (key, why) in error.problems() {
        assert!(!key.is_empty() && !why.is_empty(), "{key:?}: {why:?}");
        problems += 1;
    }
    assert!(problems > 0);
}

/// How many texts there are.
fn texts(value: &Value) -> usize {
    match value {
        Value::String(..) => 1,
        Value::Dict(_, options) => options.values().map(texts).sum(),
        Value::Array(_, items) => items.iter().map(texts).sum(),
        _ => 0,
    }
}

/// Puts the canary into the place of a text.
fn replace(value: &mut Value, place: &mut usize) {
    match value {
        Value::String(_, text) => {
            if *place == 0 {
                CANARY.clone_into(text);
            }
            *place = place.wrapping_sub(1);
        }
        Value::Dict(_, options) => options.values_mut().for_each(|value| replace(value, place)),
        Value::Array(_, items) => items.iter_mut().for_each(|value| replace(value, place)),
        _ => {}
    }
}
