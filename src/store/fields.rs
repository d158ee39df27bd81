//! What is asked of a store so that the views know an organisation's own fields.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{MemberFields, Name, Timestamp};

/// The names of fields, and which of them mean something to the views.
#[async_trait]
pub trait FieldStore {
    /// Sets options that the views read: pairs of a name and a value. Others stay as they are.
    ///
    /// # Errors
    ///
    /// When the database does not take them.
    async fn set_tables_settings(&self, settings: &[(&str, &str)]) -> Result<(), StoreError>;

    /// Takes over a source's fields. Where these are all of them, the others are marked as deleted.
    ///
    /// # Errors
    ///
    /// When the database does not take them; then nothing has changed.
    async fn import_fields(
        &self,
        source: &Name,
        fields: &MemberFields,
        now: Timestamp,
    ) -> Result<Imported, StoreError>;
}

/// What an import changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Fields that were not known, or deleted.
    pub added: usize,
    /// Fields that are not there any more.
    pub removed: usize,
}

impl Imported {
    /// Compares the fields with the ids of those that were known and not deleted.
    pub(super) fn of(fields: &MemberFields, known: &[String]) -> (Self, Vec<String>) {
        let mut ids: Vec<&str> = fields.fields.iter().map(|field| &*field.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let is_gone = |id: &&String| fields.are_all && ids.binary_search(&&***id).is_err();
        let gone: Vec<_> = known.iter().filter(is_gone).cloned().collect();
        let is_new = |id: &&&str| !known.iter().any(|known| known == **id);
        let imported = Self {
            added: ids.iter().filter(is_new).count(),
            removed: gone.len(),
        };
        (imported, gone)
    }
}
