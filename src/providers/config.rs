//! `[sources.<name>]`: the options that sources of every provider have, and those of the provider.

use figment::{
    error::Kind,
    value::{Dict, Value},
};
use serde::Deserialize;

use super::{FieldsReader, Provider, Source, huntr, hunty};
use crate::{domain::Name, networks::Networks, units::Rate};

/// One source's options.
#[derive(Debug, Clone)]
pub struct Config {
    common: Common,
    protocol: Protocol,
}

/// What sources of every provider have.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Common {
    /// Who may post; as `server.allow_from` says when left out.
    allow_from: Option<Networks>,
    /// How many authentic deliveries are taken; any number when left out.
    rate_limit: Option<Rate>,
}

impl Common {
    /// The options' names: what else is in a source's table belongs to its provider.
    const OPTIONS: [&str; 2] = ["allow_from", "rate_limit"];
}

/// Which provider, with its own options.
#[derive(Debug, Clone)]
enum Protocol {
    /// `provider = "huntr"`.
    Huntr(huntr::Config),
    /// `provider = "hunty"`.
    Hunty(hunty::Config),
}

impl Config {
    /// Reads the options of a source of the named provider.
    ///
    /// # Errors
    ///
    /// When there is no such provider, or an option is wrong.
    pub fn read(provider: &str, options: &Value) -> figment::error::Result<Self> {
        let (common, particular) = split(options);
        let common = common.deserialize().map_err(name_all_options)?;
        let protocol = match provider {
            huntr::PROVIDER => particular.deserialize().map(Protocol::Huntr),
            hunty::PROVIDER => particular.deserialize().map(Protocol::Hunty),
            other => {
                Err(Kind::UnknownVariant(other.into(), &[huntr::PROVIDER, hunty::PROVIDER]).into())
            }
        };
        let protocol = protocol.map_err(name_all_options)?;
        Ok(Self { common, protocol })
    }

    /// What is wrong with the options taken together: pairs of a key and a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = match &self.protocol {
            Protocol::Huntr(config) => config.problems(),
            Protocol::Hunty(config) => config.problems(),
        };
        if self
            .common
            .allow_from
            .as_ref()
            .is_some_and(Networks::is_empty)
        {
            let why =
                "is empty, so nobody could post; write [\"0.0.0.0/0\", \"::/0\"] for everybody";
            problems.push(("allow_from".into(), why.into()));
        }
        problems
    }

    /// Whether requests are believed without a proof.
    #[must_use]
    pub fn trusts_everybody(&self) -> bool {
        match &self.protocol {
            Protocol::Huntr(config) => !config.verify,
            Protocol::Hunty(config) => !config.verify,
        }
    }

    /// How the provider's API tells of fields that an organisation keeps on its members; `None` where there are none.
    #[must_use]
    pub fn fields_reader(&self) -> Option<FieldsReader> {
        match self.protocol {
            Protocol::Huntr(_) => Some(huntr::Config::read_fields),
            Protocol::Hunty(_) => None,
        }
    }

    /// Makes the source, which everybody in these networks may post to, unless it has some of its own.
    #[must_use]
    pub fn source(&self, name: Name, allow_from: Option<&Networks>) -> Source {
        let allow_from = self.common.allow_from.as_ref().or(allow_from).cloned();
        Source::new(name, self.build())
            .allowing(allow_from)
            .limited_to(self.common.rate_limit)
    }

    /// Makes the provider.
    #[must_use]
    pub fn build(&self) -> Box<dyn Provider> {
        match &self.protocol {
            Protocol::Huntr(config) => Box::new(huntr::Huntr::new(config)),
            Protocol::Hunty(config) => Box::new(hunty::Hunty::new(config)),
        }
    }
}

/// What one provider knows nothing of may be a slip in what all sources have.
fn name_all_options(mut error: figment::Error) -> figment::Error {
    if let Kind::UnknownField(_, known) = error.kind
        && error.path.len() == 1
    {
        let options = [&["provider"], known, &Common::OPTIONS[..]]
            .concat()
            .join(", ");
        error.kind = Kind::Message(format!("there is no such option; there are {options}"));
    }
    error
}

/// The options that every source has, and those of its provider.
fn split(options: &Value) -> (Value, Value) {
    let Value::Dict(tag, options) = options else {
        return (Dict::new().into(), options.clone());
    };
    let (common, particular): (Dict, Dict) = options
        .clone()
        .into_iter()
        .partition(|(key, _)| Common::OPTIONS.contains(&key.as_str()));
    (Value::Dict(*tag, common), Value::Dict(*tag, particular))
}
