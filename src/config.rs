//! The configuration: defaults, file, environment, flags, in that order, and everything wrong with it at once.

mod reader;
#[cfg(test)]
mod tests;
mod wording;

use std::{collections::BTreeMap, fmt, path::PathBuf};

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Map, Value},
};

use self::reader::Reader;
use crate::{
    deliveries::{self, Routes},
    domain::Name,
    http, intake, projections,
    providers::{self, CONVENTIONAL_SOURCES, ConventionalSource},
    sinks, spool,
    store::{self, DatabaseUrl, RejectedBudget},
    telemetry,
};

/// Every option with its default and a sentence on it: `config/receiver.toml`.
pub const DEFAULTS: &str = include_str!("../config/receiver.toml");

/// Everything that can be configured, checked and with its secrets resolved.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is the section of the same name")]
pub struct Config {
    pub server: http::Config,
    pub intake: intake::Config,
    pub database: store::Config,
    pub rejected_requests: RejectedBudget,
    pub log: telemetry::Config,
    pub deliveries: deliveries::Config,
    pub spool: spool::Config,
    pub tables: projections::Config,
    pub sources: BTreeMap<Name, providers::Config>,
    pub sinks: BTreeMap<Name, sinks::Config>,
}

/// What is not in a file: where the file is, and what the command line says.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--config`, else `RECEIVER_CONFIG`.
    pub file: Option<PathBuf>,
    /// Flags: pairs of a full key and a value.
    pub flags: Vec<(&'static str, String)>,
}

/// Everything that is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

/// One thing that is wrong, by its full key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    key: String,
    why: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not usable:")?;
        for Problem { key, why } in &self.problems {
            write!(f, "\n  {key}: {why}")?;
        }
        Ok(())
    }
}

impl ConfigError {
    fn of(key: impl Into<String>, why: impl Into<String>) -> Self {
        let problem = Problem {
            key: key.into(),
            why: why.into(),
        };
        Self {
            problems: vec![problem],
        }
    }

    /// All that is wrong: pairs of a full key and a sentence.
    pub fn problems(&self) -> impl Iterator<Item = (&str, &str)> {
        let problems = self.problems.iter();
        problems.map(|problem| (problem.key.as_str(), problem.why.as_str()))
    }
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    ///
    /// With all that is wrong, each by its full key. A secret is in none of it.
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(path) = &overrides.file {
            let name = path.display().to_string();
            // Read here, and once: a missing file is an error, and a pipe gives its content only once.
            let text = std::fs::read_to_string(path)
                .map_err(|error| ConfigError::of(&name, format!("cannot be read: {error}")))?;
            figment = figment.merge(Layer {
                name,
                options: Toml::string(&text),
            });
        }
        for (variable, key) in [("DATABASE_URL", "database.url"), ("RUST_LOG", "log.filter")] {
            if let Some(value) = environment(variable) {
                figment = figment.merge(Layer {
                    name: variable.into(),
                    options: Serialized::default(key, value),
                });
            }
        }
        let options = Env::prefixed("RECEIVER__").split("__");
        figment = figment.merge(Layer {
            name: "the environment".into(),
            options,
        });
        for (key, value) in &overrides.flags {
            let options = Serialized::default(key, value);
            figment = figment.merge(Layer {
                name: "the command line".into(),
                options,
            });
        }
        Self::read(figment)
    }

    /// Reads options that are laid over the defaults, with neither flags nor what the environment says of options.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn over_defaults(options: impl Provider) -> Result<Self, ConfigError> {
        Self::read(Figment::from(Toml::string(DEFAULTS)).merge(options))
    }

    fn read(figment: Figment) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(figment)?;
        fill_in_conventions(reader.tree());

        let server = reader.section::<http::Config>("server", http::Config::problems);
        let intake = reader.section("intake", intake::Config::problems);
        let database = reader.section("database", |_: &store::Config| Vec::new());
        let rejected_requests =
            reader.section("rejected_requests", |_: &RejectedBudget| Vec::new());
        let log = reader.section("log", |_: &telemetry::Config| Vec::new());
        let deliveries = reader.section("deliveries", deliveries::Config::problems);
        let spool = reader.section("spool", spool::Config::problems);
        let tables = reader.section("tables", projections::Config::problems);
        reader.refuse("sinks.tables", "this name is reserved for the typed tables");
        let sources = reader.entries(
            "sources",
            "provider",
            providers::Config::read,
            providers::Config::problems,
        );
        let sinks = reader.entries(
            "sinks",
            "kind",
            sinks::Config::read,
            sinks::Config::problems,
        );
        for (key, why) in shared_files(&sinks, database.as_ref()) {
            reader.note(key, &why);
        }
        reader.finish()?;

        let unread = || ConfigError::of("(the configuration)", "could not be read");
        Ok(Self {
            server: server.ok_or_else(unread)?,
            intake: intake.ok_or_else(unread)?,
            database: database.ok_or_else(unread)?,
            rejected_requests: rejected_requests.ok_or_else(unread)?,
            log: log.ok_or_else(unread)?,
            deliveries: deliveries.ok_or_else(unread)?,
            spool: spool.ok_or_else(unread)?,
            tables: tables.ok_or_else(unread)?,
            sources,
            sinks,
        })
    }

    /// Which sinks want which events.
    #[must_use]
    pub fn routes(&self) -> Routes {
        Routes::new(&self.sinks, self.tables.enabled)
    }

    /// The sources, of which receiving needs at least one.
    ///
    /// # Errors
    ///
    /// When there is none; tells which variable would make one.
    pub fn require_sources(&self) -> Result<(), ConfigError> {
        if !self.sources.is_empty() {
            return Ok(());
        }
        let why = format!(
            "there is none, so nobody could post anything; set {} (what \"Reveal\" shows in Huntr's \
             Developers tab) or {} (the value given to Hunty), or name a source in a file",
            CONVENTIONAL_SOURCES[0].secret_variable, CONVENTIONAL_SOURCES[1].secret_variable,
        );
        Err(ConfigError::of("sources", why))
    }
}

/// Sinks that would write into a file that somebody else writes: another sink, or the database.
fn shared_files(
    sinks: &BTreeMap<Name, sinks::Config>,
    database: Option<&store::Config>,
) -> Vec<(String, String)> {
    let mut owners = BTreeMap::new();
    if let Some(DatabaseUrl::Sqlite(path)) = database.map(|database| &database.url) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        owners.insert(path, "database.url".to_owned());
    }
    let mut shared = Vec::new();
    for (name, sink) in sinks {
        let Some(file) = sink.file() else { continue };
        let key = format!("sinks.{name}.path");
        // `./events.ndjson` is the same as `events.ndjson`.
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        match owners.get(&file) {
            Some(owner) => shared.push((key, format!("is the file of {owner}, too"))),
            None => drop(owners.insert(file, key)),
        }
    }
    shared
}

/// Options, and where they come from, in the user's words.
struct Layer<P> {
    name: String,
    options: P,
}

impl<P: Provider> Provider for Layer<P> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> figment::error::Result<Map<Profile, Dict>> {
        self.options.data()
    }
}

/// What a bare environment asks for, where the configuration says nothing.
fn fill_in_conventions(tree: &mut Dict) {
    let no_source_in = |sources: &Value| sources.as_dict().is_some_and(Dict::is_empty);
    if tree.get("sources").is_none_or(no_source_in) {
        let conventional: Dict = CONVENTIONAL_SOURCES
            .iter()
            .filter_map(conventional_source)
            .collect();
        tree.insert("sources".into(), conventional.into());
    }
    if environment("RECEIVER_ADMIN_TOKEN").is_some()
        && let Some(Value::Dict(_, server)) = tree.get_mut("server")
    {
        server
            .entry("admin_token".into())
            .or_insert_with(|| "env:RECEIVER_ADMIN_TOKEN".into());
    }
}

fn conventional_source(source: &ConventionalSource) -> Option<(String, Value)> {
    environment(source.secret_variable)?;
    let secret = format!("env:{}", source.secret_variable);
    let mut options = Dict::from([
        ("provider".into(), source.name.into()),
        ("secrets".into(), vec![secret].into()),
    ]);
    if let Some((option, variable)) = source.option_variable
        && let Some(value) = environment(variable)
    {
        options.insert(option.into(), value.into());
    }
    Some((source.name.into(), options.into()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the environment is configuration, and this is where it is read"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
