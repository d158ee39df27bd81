//! What is asked of a store about the typed tables.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{Rows, Settlement};

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
}
