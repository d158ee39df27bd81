//! `ca_file`: certificate authorities that are believed besides those of the system.

use std::path::PathBuf;

use reqwest::Certificate;
use serde::{Deserialize, Deserializer, de::Error};

/// The certificates of a PEM file, read when the configuration was.
#[derive(Debug, Clone)]
pub(in crate::sinks) struct ExtraRoots(Vec<Certificate>);

impl ExtraRoots {
    pub(super) fn certificates(&self) -> impl Iterator<Item = Certificate> {
        self.0.iter().cloned()
    }
}

impl<'de> Deserialize<'de> for ExtraRoots {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = PathBuf::deserialize(deserializer)?;
        let pem = std::fs::read(path)
            .map_err(|error| D::Error::custom(format!("cannot be read: {error}")))?;
        match Certificate::from_pem_bundle(&pem) {
            Ok(certificates) if !certificates.is_empty() => Ok(Self(certificates)),
            _ => Err(D::Error::custom(
                "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)",
            )),
        }
    }
}
