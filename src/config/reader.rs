//! Reads the merged configuration section by section, and goes on after a mistake to find the next one.

use std::collections::BTreeMap;

use figment::{
    Figment,
    error::{Actual, Kind},
    value::{Dict, Value},
};
use serde::de::DeserializeOwned;

use super::{ConfigError, DEFAULTS, Problem};
use crate::domain::Name;

/// Pairs of a key below the section, and a sentence.
type Problems = Vec<(String, String)>;

pub(super) struct Reader {
    figment: Figment,
    tree: Dict,
    problems: Vec<Problem>,
}

impl Reader {
    pub(super) fn new(figment: Figment) -> Result<Self, ConfigError> {
        let tree = figment.extract::<Dict>().map_err(|error| {
            let place = error.metadata.as_ref().map_or_else(|| "(the file)".into(), |metadata| {
                metadata.source.as_ref().map_or_else(|| metadata.name.to_string(), ToString::to_string)
            });
            ConfigError::of(place, without_excerpt(&error.kind.to_string()))
        })?;
        Ok(Self { figment, tree, problems: Vec::new() })
    }

    /// The merged tree, before it is read.
    pub(super) fn tree(&mut self) -> &mut Dict {
        &mut self.tree
    }

    /// Reads one section; `None` when something is wrong with it.
    pub(super) fn section<T: DeserializeOwned>(
        &mut self,
        key: &str,
        problems: impl Fn(&T) -> Problems,
    ) -> Option<T> {
        let section = self.tree.remove(key).unwrap_or_else(|| Dict::new().into());
        self.read(key, section, Value::deserialize::<T>, problems)
    }

    /// Reads a section of named entries, whose option `tag` tells how each is to be read.
    pub(super) fn entries<T>(
        &mut self,
        key: &str,
        tag: &str,
        read: fn(&str, &Value) -> figment::error::Result<T>,
        problems: impl Fn(&T) -> Problems,
    ) -> BTreeMap<Name, T> {
        let entries = match self.tree.remove(key) {
            None => return BTreeMap::new(),
            Some(Value::Dict(_, entries)) => entries,
            Some(_) => {
                self.note(key.to_owned(), "must be a table");
                return BTreeMap::new();
            }
        };
        let mut named = BTreeMap::new();
        for (name, mut entry) in entries {
            let path = format!("{key}.{name}");
            let Ok(name) = name.parse::<Name>() else {
                self.note(path, "is not a name: 1 to 63 characters of a-z, 0-9, _ and -");
                continue;
            };
            let Value::Dict(_, options) = &mut entry else {
                self.note(path, "must be a table");
                continue;
            };
            let Some(kind) = options.remove(tag).and_then(Value::into_string) else {
                self.note(format!("{path}.{tag}"), "is missing, or no text");
                continue;
            };
            let read_kind = |value: &Value| {
                read(&kind, value).map_err(|error| match error.kind {
                    // The kind itself is not known.
                    Kind::UnknownVariant(..) if error.path.is_empty() => error.with_path(tag),
                    _ => error,
                })
            };
            if let Some(value) = self.read(&path, entry, read_kind, &problems) {
                named.insert(name, value);
            }
        }
        named
    }

    /// Says what is wrong, if anything is.
    pub(super) fn finish(mut self) -> Result<(), ConfigError> {
        for section in std::mem::take(&mut self.tree).into_keys() {
            self.note(section, "there is no such section");
        }
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(ConfigError { problems: self.problems })
    }

    /// Reads a section again and again, each time without the option that was wrong before.
    fn read<T>(
        &mut self,
        section: &str,
        mut value: Value,
        read: impl Fn(&Value) -> figment::error::Result<T>,
        problems: impl Fn(&T) -> Problems,
    ) -> Option<T> {
        let found_before = self.problems.len();
        let mut removed: Vec<String> = Vec::new();
        loop {
            let error = match read(&value) {
                Ok(read) => {
                    for (key, why) in problems(&read) {
                        self.note(format!("{section}.{key}"), &why);
                    }
                    return (self.problems.len() == found_before).then_some(read);
                }
                Err(error) => error,
            };
            let mut path = error.path.clone();
            if let Kind::UnknownField(name, _) = &error.kind {
                path.push(name.clone());
            } else if let Kind::MissingField(name) = &error.kind {
                path.push(name.to_string());
            }
            let full = [&[section.to_owned()], &path[..]].concat().join(".");
            let missing = matches!(error.kind, Kind::MissingField(_));
            if missing && removed.contains(&full) {
                // Only missing because it was wrong, which was noted.
                return None;
            }
            self.note(full.clone(), &describe(&error.kind));
            if missing || !remove(&mut value, &path, &full) {
                return None;
            }
            removed.push(full);
        }
    }

    fn note(&mut self, key: String, why: &str) {
        let place = self.figment.find_metadata(&key).filter(|metadata| !is_default(metadata));
        let place = place.map(|metadata| match &metadata.source {
            Some(source) => format!(" (in {source})"),
            None => format!(" (in {})", metadata.name),
        });
        let why = format!("{why}{}", place.unwrap_or_default());
        self.problems.push(Problem { key, why });
    }
}

fn is_default(metadata: &figment::Metadata) -> bool {
    metadata.name.starts_with("TOML source string")
}

/// Takes a wrong option out, and puts its default in. Tells whether there was such an option.
fn remove(section: &mut Value, path: &[String], full: &str) -> bool {
    let Some((key, rest)) = path.split_first() else { return false };
    let Value::Dict(_, options) = section else { return false };
    match options.get_mut(key) {
        Some(inner @ Value::Dict(..)) if !rest.is_empty() => remove(inner, rest, full),
        Some(_) => {
            options.remove(key);
            let default = Figment::from(<figment::providers::Toml as figment::providers::Format>::string(DEFAULTS))
                .find_value(full);
            if let Ok(default) = default {
                options.insert(key.clone(), default);
            }
            true
        }
        None => false,
    }
}

/// What is wrong, without the value: it might be a secret in the wrong place.
fn describe(kind: &Kind) -> String {
    match kind {
        Kind::Message(why) => why.clone(),
        Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
            format!("must be {expected}, not {}", type_of(actual))
        }
        Kind::UnknownField(_, known) => format!("there is no such option; there are {}", known.join(", ")),
        Kind::UnknownVariant(_, known) => format!("must be one of {}", known.join(", ")),
        Kind::MissingField(_) => "is missing".into(),
        Kind::InvalidLength(length, expected) => format!("must be {expected}, not {length} long"),
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => "is out of range".into(),
        _ => "is not of the right kind".into(),
    }
}

fn type_of(actual: &Actual) -> &'static str {
    match actual {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "a number",
        Actual::Char(_) | Actual::Str(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "something else",
    }
}

/// A parser's message without the lines it quotes.
fn without_excerpt(message: &str) -> String {
    let lines = message.lines().filter(|line| !line.contains('|') && !line.trim().is_empty());
    lines.collect::<Vec<_>>().join(": ")
}
