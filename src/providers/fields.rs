//! What can be wrong with a list of the fields that an organisation keeps on its members.

use crate::domain::MemberFields;

/// Reads the answer of a provider's API.
pub type FieldsReader = fn(&[u8]) -> Result<MemberFields, FieldsError>;

/// Why an answer is no list of fields.
#[derive(Debug, thiserror::Error)]
pub enum FieldsError {
    /// Or not in UTF-8.
    #[error("it is not JSON")]
    NotJson,
    /// Neither itself nor under `data`.
    #[error("it has no list of fields")]
    NoList,
    /// Every field would be taken for removed.
    #[error("its list has no fields: nothing was changed")]
    Empty,
    /// Something in the list is something else.
    #[error("number {number} in it is no field")]
    NoField {
        /// Its place, from 1.
        number: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}
