//! What can go wrong with the spool.

use std::{
    error::Error,
    fmt,
    path::{Path, PathBuf},
};

use crate::store::{StoreError, sqlite::is_corrupt};

/// The spool's failure.
pub struct SpoolError {
    dir: PathBuf,
    cause: StoreError,
}

impl SpoolError {
    pub(super) fn new(dir: &Path, cause: StoreError) -> Self {
        Self {
            dir: dir.to_owned(),
            cause,
        }
    }

    /// Whether the file is all right, and only full or in use by another process.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self.cause,
            StoreError::Unavailable(_) | StoreError::SpoolFull | StoreError::DiskFull
        )
    }

    /// Whether the file is damaged.
    pub(super) fn is_damage(&self) -> bool {
        matches!(&self.cause, StoreError::Misconfigured(cause) if is_corrupt(cause))
    }
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dir = self.dir.display();
        match self.cause {
            StoreError::Locked { .. } => write!(
                f,
                "the spool in {dir} is in use by another `huntr-receiver`, which empties it by itself; \
                 each receiver needs a spool.dir of its own"
            ),
            StoreError::SpoolFull | StoreError::DiskFull => {
                write!(f, "the spool in {dir} (spool.dir) takes nothing more")
            }
            _ => write!(f, "the spool in {dir} (spool.dir) cannot be used"),
        }
    }
}

impl Error for SpoolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            StoreError::Locked { .. } => None,
            // Its own words are about the database.
            StoreError::Unavailable(cause)
            | StoreError::Refused(cause)
            | StoreError::Misconfigured(cause) => Some(cause),
            cause => Some(cause),
        }
    }
}

/// The chain of messages, as for [`StoreError`].
impl fmt::Debug for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
