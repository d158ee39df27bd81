//! Secrets by reference: `env:NAME` or `file:/path`, never a literal in a file.

use std::{fmt, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de::Error};

/// A secret whose reference was resolved when the configuration was read. Cannot be printed.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// A secret that is already at hand.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret's UTF-8 bytes, verbatim.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = SecretString::from(String::deserialize(deserializer)?);
        let Some(reference) = Reference::parse(text.expose_secret()) else {
            return Err(D::Error::custom(
                "is written out; secrets are kept out of the configuration: \
                 put it into an environment variable and write \"env:NAME\", \
                 or into a file and write \"file:/path\"",
            ));
        };
        let secret = reference.resolve().map_err(D::Error::custom)?;
        Ok(Self(secret))
    }
}

/// Where a secret is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// An environment variable.
    Env(String),
    /// A file; one trailing newline is not part of the secret.
    File(PathBuf),
}

impl Reference {
    /// `None` when the text is not a reference.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix("env:") {
            return Some(Self::Env(name.to_owned()));
        }
        text.strip_prefix("file:")
            .map(|path| Self::File(path.into()))
    }

    /// Fetches the secret.
    ///
    /// # Errors
    ///
    /// A sentence about the reference, never about the secret.
    pub fn resolve(&self) -> Result<SecretString, Unresolved> {
        let text = match self {
            Self::Env(name) => {
                variable(name).ok_or_else(|| self.unresolved("is not set, or not UTF-8"))?
            }
            Self::File(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| self.unresolved(format!("cannot be read: {error}")))?;
                let text = text.strip_suffix('\n').unwrap_or(&text);
                text.strip_suffix('\r').unwrap_or(text).to_owned()
            }
        };
        if text.is_empty() {
            return Err(self.unresolved("is empty"));
        }
        Ok(text.into())
    }

    fn unresolved(&self, why: impl Into<String>) -> Unresolved {
        Unresolved {
            reference: self.clone(),
            why: why.into(),
        }
    }
}

/// What is said of a URL in the configuration that has a login in it.
pub const LOGIN_WRITTEN_OUT: &str = "has a login written out in it; secrets are kept out of the configuration: \
     put the whole URL into an environment variable and write \"env:NAME\", \
     or into a file and write \"file:/path\"";

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// A reference that leads to no secret.
#[derive(Debug, thiserror::Error)]
#[error("{reference} {why}")]
pub struct Unresolved {
    reference: Reference,
    why: String,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a reference to the environment is resolved here and nowhere else"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_loses_one_trailing_newline_and_nothing_else() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        for (written, read) in [
            ("s\n", "s"),
            ("s\r\n", "s"),
            (" s \n\n", " s \n"),
            ("s", "s"),
        ] {
            std::fs::write(file.path(), written).expect("writing it");
            let secret = Reference::File(file.path().into())
                .resolve()
                .expect("a secret");
            assert_eq!(secret.expose_secret(), read);
        }
    }

    #[test]
    fn what_leads_nowhere_says_so_by_its_reference() {
        let missing = Reference::parse("env:HUNTR_RECEIVER_TEST_UNSET").expect("a reference");
        let error = missing.resolve().expect_err("the variable is not set");
        assert_eq!(
            error.to_string(),
            "env:HUNTR_RECEIVER_TEST_UNSET is not set, or not UTF-8"
        );
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let error = Reference::File(file.path().into())
            .resolve()
            .expect_err("an empty file");
        assert!(error.to_string().ends_with(" is empty"));
    }

    #[test]
    fn a_secret_is_not_in_its_debug_print() {
        assert!(!format!("{:?}", Secret::new("hush")).contains("hush"));
    }
}
