//! Where events go: a file a kind, all of one shape. A sink is told what to send and says what became of it;
//! when, how often and to whom is decided in `deliveries`.
//!
//! A kind has a `Config` with its own options, and `Config::build` makes its [`Sink`]. Each is a cargo feature
//! of the kind's name.

#[cfg(any(feature = "nats", feature = "rabbitmq", feature = "redis"))]
#[cfg_attr(
    not(all(feature = "nats", feature = "rabbitmq")),
    expect(dead_code, reason = "not every kind uses all of it")
)]
mod broker;
#[cfg(any(feature = "s3", feature = "sqs"))]
mod cloud;
mod common;
#[cfg(feature = "file")]
mod file;
mod filter;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "nats")]
mod nats;
#[cfg(any(feature = "http", feature = "slack"))]
mod outbound;
#[cfg(feature = "rabbitmq")]
mod rabbitmq;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "s3")]
mod s3;
mod sink;
#[cfg(feature = "slack")]
mod slack;
#[cfg(feature = "sqs")]
mod sqs;
#[cfg(feature = "stdout")]
mod stdout;
mod template;

use std::path::{Path, PathBuf};

use figment::{
    error::Kind as ErrorKind,
    value::{Dict, Value},
};

pub use common::{Common, Format, OrderBy, Retry};
pub use filter::{Filter, FilterError};
pub use sink::{Failure, Fault, Message, Receipt, Sink, SinkError};
pub use template::{Template, TemplateError};

/// `[sinks.<name>]`.
#[derive(Debug, Clone)]
pub struct Config {
    /// What sinks of every kind have.
    pub common: Common,
    kind: Kind,
    file: Option<PathBuf>,
}

/// Makes the list of kinds: the name that `kind = "…"` and the cargo feature have, and the module.
macro_rules! kinds {
    ($($feature:literal $variant:ident $module:ident),+ $(,)?) => {
        /// The names of all kinds, built in or not.
        pub const KINDS: &[&str] = &[$($feature),+];

        /// A kind, with its own options.
        #[derive(Debug, Clone)]
        enum Kind {
            $(#[cfg(feature = $feature)] $variant($module::Config),)+
        }

        #[cfg_attr(
            not(any($(feature = $feature),+)),
            expect(unused_variables, reason = "built without a kind, there is nothing to look at")
        )]
        impl Kind {
            fn read(kind: &str, options: &Value) -> figment::error::Result<Self> {
                match (kind, options) {
                    $(#[cfg(feature = $feature)]
                    ($feature, options) => options.deserialize().map(Self::$variant),
                    #[cfg(not(feature = $feature))]
                    ($feature, _) => Err(not_built_in($feature)),)+
                    (kind, _) => Err(ErrorKind::UnknownVariant(kind.into(), KINDS).into()),
                }
            }

            fn problems(&self, common: &Common) -> Vec<(String, String)> {
                match *self {
                    $(#[cfg(feature = $feature)] Self::$variant(ref config) => config.problems(common),)+
                }
            }

            fn format(&self, common: &Common) -> Format {
                match *self {
                    $(#[cfg(feature = $feature)] Self::$variant(ref config) => config.format(common),)+
                }
            }

            fn build(&self, common: &Common) -> Result<Box<dyn Sink>, SinkError> {
                match *self {
                    $(#[cfg(feature = $feature)]
                    Self::$variant(ref config) => Ok(Box::new(config.build(common)?)),)+
                }
            }
        }
    };
}

kinds! {
    "http" Http http,
    "slack" Slack slack,
    "file" File file,
    "stdout" Stdout stdout,
    "nats" Nats nats,
    "kafka" Kafka kafka,
    "rabbitmq" Rabbitmq rabbitmq,
    "redis" Redis redis,
    "s3" S3 s3,
    "sqs" Sqs sqs,
}

impl Config {
    /// Reads the options of a sink of that kind.
    ///
    /// # Errors
    ///
    /// When there is no such kind, this binary was built without it, or an option is wrong.
    pub fn read(kind: &str, options: &Value) -> figment::error::Result<Self> {
        let (common, particular) = split(options);
        // What is missing ends the reading, and only a kind has options that must be there.
        let common = common.deserialize().map_err(name_all_options)?;
        let path = particular.find_ref("path").and_then(Value::as_str);
        let file = path.filter(|_| kind == "file").map(PathBuf::from);
        let kind = Kind::read(kind, &particular).map_err(name_all_options)?;
        Ok(Self { common, kind, file })
    }

    /// What is wrong with the options taken together: pairs of a key and a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = self.common.problems(&self.format());
        problems.extend(self.kind.problems(&self.common));
        problems
    }

    /// The file it writes, if it writes one: nobody else may.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What is sent.
    #[must_use]
    pub fn format(&self) -> Format {
        self.kind.format(&self.common)
    }

    /// Makes the sink. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// When its client cannot be made of these options.
    pub fn build(&self) -> Result<Box<dyn Sink>, SinkError> {
        self.kind.build(&self.common)
    }
}

/// What one kind knows nothing of may be a slip in what all kinds have.
fn name_all_options(mut error: figment::Error) -> figment::Error {
    if let ErrorKind::UnknownField(_, known) = error.kind
        && error.path.len() == 1
    {
        let options = [&["kind"], &Common::OPTIONS[..], known].concat().join(", ");
        error.kind = ErrorKind::Message(format!("there is no such option; there are {options}"));
    }
    error
}

/// The options that every kind has, and those of the kind itself.
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

#[cfg_attr(
    feature = "all-sinks",
    expect(dead_code, reason = "everything is built in")
)]
fn not_built_in(kind: &str) -> figment::Error {
    format!(
        "this program was built without the kind {kind}; build it with `cargo build --release --features {kind}`, or \
         use the image, which has every kind"
    )
    .into()
}
