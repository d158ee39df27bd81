//! Which database, as the configuration names it.

use std::{fmt, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de::Error};

use crate::secret;

/// `sqlite:PATH`, or `postgres://user@host/db`. May hold a password, so it is never printed whole.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// An embedded database in this file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(SecretString),
}

impl DatabaseUrl {
    fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let url = url::Url::parse(text)
                .map_err(|error| format!("is not a valid postgres URL: {error}"))?;
            check(&url)?;
            return Ok(Self::Postgres(text.into()));
        }
        match text.strip_prefix("sqlite:") {
            Some(path) => file(path.strip_prefix("//").unwrap_or(path)).map(Self::Sqlite),
            None => Err("must start with postgres:// or sqlite:".into()),
        }
    }
}

/// The file of an embedded database. What means something else to SQLite's own URLs would make a file of
/// that name.
fn file(path: &str) -> Result<PathBuf, String> {
    if path.is_empty() {
        return Err("names no file; write sqlite:data/receiver.db".into());
    }
    if path.starts_with(':') {
        return Err(
            "must name a file, which keeps the events; write sqlite:data/receiver.db".into(),
        );
    }
    if let Some((path, _)) = path.split_once('?') {
        return Err(format!(
            "takes no parameters after a ?; write sqlite:{path}"
        ));
    }
    Ok(path.into())
}

/// What sqlx reads of a postgres URL's query. What it does not know it would log, value and all.
const KNOWN_PARAMETERS: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// Refuses a URL that a password with unescaped characters has torn apart: a part of it would count as
/// host, path or query, and be shown. The error repeats nothing of it.
fn check(url: &url::Url) -> Result<(), String> {
    if url.path().contains('@') || url.fragment().is_some() {
        return Err("has a / @ # or ? in the password; write them as %2F %40 %23 and %3F".into());
    }
    let known = |key: &str| KNOWN_PARAMETERS.contains(&key) || key.starts_with("options[");
    if url.query_pairs().all(|(key, _)| known(&key)) {
        return Ok(());
    }
    Err("has an unknown parameter after the ?, or a ? in the password, to be written as %3F".into())
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let text = match secret::Reference::parse(&text) {
            Some(reference) => reference.resolve().map_err(D::Error::custom)?,
            None => text.into(),
        };
        Self::parse(text.expose_secret()).map_err(D::Error::custom)
    }
}

/// Without user, password and query, any of which may be secret.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(text) => match url::Url::parse(text.expose_secret()) {
                Ok(url) => write!(
                    f,
                    "postgres://{}{}",
                    url.host_str().unwrap_or("localhost"),
                    url.path()
                ),
                Err(_) => f.write_str("postgres://…"),
            },
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let url = DatabaseUrl::parse(
            "postgres://user:hunter2@db.example.com:5433/receiver?password=hunter2",
        );
        assert_eq!(
            url.expect("a URL").to_string(),
            "postgres://db.example.com/receiver"
        );
    }

    #[test]
    fn a_url_torn_apart_by_its_password_is_refused_without_repeating_it() {
        for url in [
            "postgres://u:12/hunter2@host/db",
            "postgres://u:12#hunter2@host/db",
            "postgres://u:12?hunter2@host/db",
            "postgres://u@host/db?pasword=hunter2",
            "postgres://u:hunter2@host:port/db",
        ] {
            let why = DatabaseUrl::parse(url).expect_err("a refusal");
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn a_file_is_named_with_or_without_slashes() {
        for (url, path) in [
            ("sqlite:data/receiver.db", "data/receiver.db"),
            ("sqlite://data/receiver.db", "data/receiver.db"),
            ("sqlite:///data/receiver.db", "/data/receiver.db"),
            ("sqlite:/data/a:b.db", "/data/a:b.db"),
        ] {
            let parsed = DatabaseUrl::parse(url).expect("a URL");
            assert!(matches!(parsed, DatabaseUrl::Sqlite(file) if file.to_str() == Some(path)));
        }
    }

    #[test]
    fn what_is_more_than_a_files_name_is_refused_with_what_to_write() {
        for (url, instead) in [
            ("sqlite:x.db?mode=rwc", "sqlite:x.db"),
            ("sqlite:///x.db?", "sqlite:/x.db"),
            ("sqlite::memory:", "sqlite:data/receiver.db"),
            ("sqlite://:memory:?cache=shared", "sqlite:data/receiver.db"),
            ("sqlite:", "sqlite:data/receiver.db"),
        ] {
            let why = DatabaseUrl::parse(url).expect_err("a refusal");
            assert!(why.ends_with(&format!("; write {instead}")), "{why}");
        }
    }
}
