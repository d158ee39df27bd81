//! Whether the spool takes no deliveries, as far as is known.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Set when a commit to the spool failed, until one succeeds or the spool is found to be well again. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Trouble(Arc<AtomicBool>);

impl Trouble {
    /// Whether it takes none.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// It takes none, or takes some again.
    pub fn note(&self, is_there: bool) {
        self.0.store(is_there, Ordering::Relaxed);
    }
}
