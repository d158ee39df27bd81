//! Reads the merged configuration section by section, and goes on after a mistake to find the next one.

use std::collections::BTreeMap;

use figment::{
    Figment, Metadata,
    error::Kind,
    providers::{Format, Toml},
    value::{Dict, Value},
};
use serde::de::DeserializeOwned;

use super::{
    ConfigError, DEFAULTS, Problem,
    wording::{describe, without_excerpt},
};
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
            let place = error.metadata.map_or_else(
                || "(the configuration)".into(),
                |metadata| metadata.name.to_string(),
            );
            ConfigError::of(place, without_excerpt(&error.kind.to_string()))
        })?;
        Ok(Self {
            figment,
            tree,
            problems: Vec::new(),
        })
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
                self.note(
                    path,
                    "is not a name: 1 to 63 characters of a-z, 0-9, _ and -",
                );
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

    /// Takes out an entry of a section that may not be there.
    pub(super) fn refuse(&mut self, full_key: &str, why: &str) {
        let Some((section, name)) = full_key.split_once('.') else {
            return;
        };
        if let Some(Value::Dict(_, entries)) = self.tree.get_mut(section)
            && entries.remove(name).is_some()
        {
            self.note(full_key.into(), why);
        }
    }

    /// Says what is wrong, if anything is.
    pub(super) fn finish(mut self) -> Result<(), ConfigError> {
        for section in std::mem::take(&mut self.tree).into_keys() {
            self.note(section, "there is no such section");
        }
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(ConfigError {
            problems: self.problems,
        })
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
        let full = |path: &[String]| [&[section.to_owned()], path].concat().join(".");
        let mut removed: Vec<Vec<String>> = Vec::new();
        loop {
            let error = match read(&value) {
                Ok(read) => {
                    for (key, why) in problems(&read) {
                        let path: Vec<_> = key.split('.').map(ToOwned::to_owned).collect();
                        let original = before_removal(&path, &removed);
                        // An option that was wrong is not missing.
                        if !removed.iter().any(|removed| removed.starts_with(&original)) {
                            self.note(full(&original), &why);
                        }
                    }
                    return (self.problems.len() == found_before).then_some(read);
                }
                Err(error) => error,
            };
            let mut path = error.path;
            let missing = matches!(error.kind, Kind::MissingField(_));
            if let Kind::MissingField(name) = &error.kind {
                path.push(name.to_string());
            }
            let mut original = before_removal(&path, &removed);
            let noted = removed.contains(&original);
            if noted && !missing {
                // Its default is wrong as well, so there is no end to it.
                return None;
            }
            let key = full(&original);
            if missing {
                // The table that lacks it goes as a whole, and what is beside it is read on.
                path.pop();
                original.pop();
            }
            let wrong = remove(&mut value, &path, &key);
            if !noted {
                self.note(key, &describe(&error.kind, wrong.as_ref()));
            }
            wrong?;
            removed.push(original);
        }
    }

    /// Notes what is wrong with an option.
    pub(super) fn note(&mut self, key: String, why: &str) {
        // An item of a list comes from where the list comes from.
        let option = match key.rsplit_once('.') {
            Some((list, index)) if index.parse::<usize>().is_ok() => list,
            _ => &key,
        };
        let metadata = self.figment.find_metadata(option);
        let place = metadata
            .filter(|metadata| !is_default(metadata))
            .map(|metadata| format!(" (in {})", metadata.name));
        let why = format!("{why}{}", place.unwrap_or_default());
        self.problems.push(Problem { key, why });
    }
}

fn is_default(metadata: &Metadata) -> bool {
    metadata.name.starts_with("TOML source string")
}

/// Takes a wrong option out, and puts its default in.
fn remove(section: &mut Value, path: &[String], full: &str) -> Option<Value> {
    let (key, rest) = path.split_first()?;
    match section {
        Value::Dict(_, options) if rest.is_empty() => {
            let wrong = options.remove(key)?;
            if let Ok(default) = Figment::from(Toml::string(DEFAULTS)).find_value(full) {
                options.insert(key.clone(), default);
            }
            Some(wrong)
        }
        Value::Dict(_, options) => remove(options.get_mut(key)?, rest, full),
        Value::Array(_, items) => {
            let index = key.parse().ok().filter(|index| *index < items.len())?;
            Some(items.remove(index))
        }
        _ => None,
    }
}

/// The path by which the user knows an option: what was taken out of a list counts.
fn before_removal(path: &[String], removed: &[Vec<String>]) -> Vec<String> {
    let mut original: Vec<String> = Vec::new();
    for part in path {
        let taken = removed
            .iter()
            .filter_map(|path| match path.strip_prefix(&original[..])? {
                [item] => item.parse::<usize>().ok(),
                _ => None,
            });
        let part = match part.parse::<usize>() {
            // In ascending order, as a list is read from its beginning.
            Ok(position) => taken
                .fold(position, |index, taken| index + usize::from(taken <= index))
                .to_string(),
            Err(_) => part.clone(),
        };
        original.push(part);
    }
    original
}
