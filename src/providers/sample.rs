//! Valid bodies that ship with the receiver: what `send` posts, and what the tests start from.

use crate::domain::Timestamp;

/// One body as its vendor would send it, about invented people.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// What it is called on the command line: its event type, with a version where there are several.
    pub name: &'static str,
    /// The bytes.
    pub body: &'static str,
    /// Whether the vendor's documents speak of it; what only receivers have seen is posted when asked for by name.
    pub documented: bool,
}

impl Sample {
    /// The body with another text at a top-level key.
    pub(super) fn with(&self, key: &str, text: String) -> String {
        let mut body: serde_json::Value = serde_json::from_str(self.body)
            .unwrap_or_else(|error| unreachable!("the sample {} is JSON: {error}", self.name));
        body[key] = text.into();
        format!("{body:#}")
    }
}

/// A body of an invented history, in its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// When it would arrive.
    pub at: Timestamp,
    /// The bytes.
    pub body: String,
}

/// Bodies in the order in which they arrive, made one by one.
pub type Arrivals = Box<dyn Iterator<Item = Arrival>>;

/// The sample `samples/<name>.json` of the folder it stands in.
macro_rules! sample {
    ($name:literal, documented: $documented:literal) => {
        $crate::providers::Sample {
            name: $name,
            body: include_str!(concat!("samples/", $name, ".json")),
            documented: $documented,
        }
    };
}
pub(super) use sample;
