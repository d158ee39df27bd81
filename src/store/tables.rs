//! What is asked of a store about the typed tables.

use async_trait::async_trait;

use super::{KeptKeys, Rebuild, RebuildPlan, StoreError};
use crate::domain::{Key, Rows, Settlement, Table};

/// The typed tables, which the events' rows are joined into.
#[async_trait]
pub trait TableStore {
    /// Joins rows into the tables and records that the deliveries they are from are done, in one transaction.
    ///
    /// # Errors
    ///
    /// Nothing of it is written, or (when the connection broke during the commit) it is unknown whether it is.
    /// [`StoreError::Refused`] means that one of the rows is to blame.
    async fn apply(
        &self,
        rows: &Rows,
        holder: &str,
        settlements: &[Settlement],
    ) -> Result<(), StoreError>;

    /// So many events' rows may be applied at once, at most.
    fn most_applied_at_once(&self) -> usize;

    /// Begins to fill the tables again, or goes on where it was interrupted.
    ///
    /// # Errors
    ///
    /// [`StoreError::Rebuilding`] when somebody else does.
    async fn rebuild(&self, plan: RebuildPlan) -> Result<Box<dyn Rebuild>, StoreError>;

    /// Looks at so many keys of a table that has a row for each event, from after this one, for those whose event
    /// is no more.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn kept_keys(
        &self,
        table: &'static Table,
        after: Option<&Key>,
        limit: u32,
    ) -> Result<KeptKeys, StoreError>;

    /// Rows by their keys, as JSON with every column by its name.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn typed_rows(
        &self,
        table: &'static Table,
        keys: &[Key],
    ) -> Result<Vec<String>, StoreError>;

    /// Brings up to date what the database's planner knows of the tables, where the database does not by itself.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or written.
    async fn refresh_statistics(&self, tables: &[&'static Table]) -> Result<(), StoreError>;

    /// Those of the keys that a table has rows of.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    async fn known_keys(&self, table: &'static Table, keys: &[Key])
    -> Result<Vec<Key>, StoreError>;
}
