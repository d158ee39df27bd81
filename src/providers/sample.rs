//! Valid bodies that ship with the receiver: what `send` posts, and what the tests start from.

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
