//! Whether something has failed a short while ago.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// After a failure, it is worth another delivery to see whether it is still there.
const LASTS: Duration = Duration::from_secs(5);

/// When the last commit failed, if it did. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Trouble(Arc<Mutex<Option<Instant>>>);

impl Trouble {
    /// Whether the last commit failed, and that a short while ago.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        let failed_at = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed_at.is_some_and(|failed_at| failed_at.elapsed() < LASTS)
    }

    pub(super) fn note(&self, failed_at: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failed_at;
    }
}
