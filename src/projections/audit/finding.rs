//! What an audit says of one thing it has looked at.

use serde::Serialize;

use crate::store::Tally;

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What should be so.
    pub what: String,
    /// Whether it is.
    pub ok: bool,
    /// How many there are of what was looked for.
    pub count: u64,
    /// One of them, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// There should be none.
    pub(super) fn none(what: &str, tally: &Tally, of: &str) -> Self {
        Self {
            ok: tally.count == 0,
            ..Self::counted(what, tally, of)
        }
    }

    /// There may be some.
    pub(super) fn counted(what: &str, tally: &Tally, of: &str) -> Self {
        Self {
            what: what.to_owned(),
            ok: true,
            count: tally.count,
            example: tally.example.map(|id| format!("{of} {id}")),
            remedy: None,
        }
    }

    pub(super) fn remedy(self, remedy: &str) -> Self {
        let remedy = (self.count > 0).then(|| remedy.to_owned());
        Self { remedy, ..self }
    }
}
