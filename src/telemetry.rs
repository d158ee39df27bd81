//! The process's own log: readable on a terminal, JSON otherwise, always on standard error.

use std::{
    io::{IsTerminal, Write, stderr},
    panic::Location,
};

use serde::Deserialize;
use tracing::error;
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

/// `[log]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How a line is written.
    pub format: LogFormat,
    /// What is logged, in the syntax of `RUST_LOG`, which sets it too.
    pub filter: Filter,
}

/// Directives that [`EnvFilter`] takes.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Filter(String);

impl TryFrom<String> for Filter {
    type Error = String;

    fn try_from(directives: String) -> Result<Self, String> {
        match EnvFilter::builder().parse(&directives) {
            Ok(_) => Ok(Self(directives)),
            Err(error) => Err(format!("is not a filter like \"info\": {error}")),
        }
    }
}

/// Libraries that are never heard, as they log what must not be logged: lapin the messages that a broker gives
/// back, and the login.
const TALKATIVE: [&str; 1] = ["lapin"];

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// [`LogFormat::Text`] on a terminal, [`LogFormat::Json`] otherwise.
    Auto,
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

/// Starts logging, for the whole process.
///
/// # Errors
///
/// When something else logs already.
pub fn install(config: &Config) -> anyhow::Result<()> {
    let terminal = stderr().is_terminal();
    let filter = EnvFilter::new(&config.filter.0);
    let text = match config.format {
        LogFormat::Auto => terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let (text, json) = if text {
        (
            Some(fmt::layer().with_writer(stderr).with_ansi(terminal)),
            None,
        )
    } else {
        (
            None,
            Some(fmt::layer().json().flatten_event(true).with_writer(stderr)),
        )
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(|place| {
            !TALKATIVE.contains(&library(place.target()))
        }))
        .with(text)
        .with(json)
        .try_init()?;
    Ok(())
}

fn library(target: &str) -> &str {
    target.split("::").next().unwrap_or_default()
}

/// From here on a panic is told by its place alone, before there is a log as well: its message may quote a body or a
/// secret.
pub fn quieten_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(Location::to_string);
        if tracing::dispatcher::has_been_set() {
            error!(panic.location = place, "a task panicked");
        } else {
            let place = place.unwrap_or_default();
            // With standard error gone, nobody is left to tell.
            writeln!(stderr().lock(), "error: the program panicked at {place}").ok();
        }
    }));
}
