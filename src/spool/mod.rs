//! Where deliveries wait while the database is away: on disk before they are acknowledged, in an SQLite file of ours.
//!
//! What is in it is taken out only after the database has it, and the database stores each delivery once. One process
//! at a time has a spool open: two that serve different databases would take in each other's deliveries.

mod error;
mod file;
mod rows;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytesize::ByteSize;
use serde::Deserialize;
use tokio::sync::Mutex;

pub use self::error::SpoolError;
use self::file::{Lock, SpoolFile};
use crate::{domain::NewEvent, store::StoreError};

/// Less room than that is none.
const LITTLE: u64 = 64 * 1024;
/// Smaller ones would hold hardly a delivery.
const SMALLEST: ByteSize = ByteSize::mib(1);

/// `[spool]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder of the spool.
    pub dir: PathBuf,
    /// What the deliveries in it may take on the disk.
    pub max_size: ByteSize,
}

impl Config {
    /// What is wrong with the options taken together: pairs of a key and a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        if self.max_size < SMALLEST {
            return vec![("max_size".into(), format!("must be at least {SMALLEST}"))];
        }
        Vec::new()
    }
}

/// A delivery's place in the spool, by the order in which they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolId {
    /// Which opening of the file it was read from: another file, put in its place meanwhile, has ids of its own.
    opening: u64,
    row: i64,
}

/// A delivery in the spool.
#[derive(Debug)]
pub struct Spooled {
    /// Its place.
    pub id: SpoolId,
    /// The delivery, wanted by no sink yet; or why its row cannot be read.
    pub event: Result<NewEvent, String>,
}

/// How full a spool is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Deliveries that wait for the database.
    pub waiting: u64,
    /// Deliveries that the database has refused.
    pub refused: u64,
    /// Bytes that they take on the disk.
    pub bytes: u64,
}

/// A spool: opened when it is first needed, and anew after a failure, as after its disk was away.
pub struct Spool {
    dir: PathBuf,
    max_size: ByteSize,
    /// The lock is not with the file, on which somebody may still work while it is opened anew.
    open: Mutex<Option<(Arc<SpoolFile>, Lock)>>,
}

impl Spool {
    /// The configured spool. Touches nothing yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            dir: config.dir.clone(),
            max_size: config.max_size,
            open: Mutex::default(),
        }
    }

    /// A spool that is there, to be emptied.
    ///
    /// # Errors
    ///
    /// When there is none, or it cannot be used.
    pub async fn open_existing(dir: &Path) -> Result<Self, SpoolError> {
        let opened = SpoolFile::open_existing(dir).await;
        let (file, lock) = opened.map_err(|error| SpoolError::new(dir, error))?;
        Ok(Self {
            dir: dir.to_owned(),
            max_size: ByteSize::b(u64::MAX),
            open: Mutex::new(Some((Arc::new(file), lock))),
        })
    }

    /// The file in a spool's folder.
    #[must_use]
    pub fn path_in(dir: &Path) -> PathBuf {
        dir.join(file::NAME)
    }

    /// Makes deliveries durable, in one transaction.
    ///
    /// # Errors
    ///
    /// When the spool is full, or its disk does not take them. None of them is in the spool then.
    pub async fn push(&self, events: &[NewEvent]) -> Result<(), SpoolError> {
        let mut file = self.file().await?;
        let mut pushed = file.push(events).await;
        // Somebody else has closed it, who saw it fail.
        if pushed.is_err() && !self.is_open(&file).await {
            file = self.file().await?;
            pushed = file.push(events).await;
        }
        self.conclude(&file, pushed).await
    }

    /// The deliveries that have waited longest for the database, oldest first: at most `limit` of them, with at most
    /// `max_bytes` of bodies and one body more.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub async fn read(&self, limit: u32, max_bytes: u64) -> Result<Vec<Spooled>, SpoolError> {
        let file = self.file().await?;
        let read = file.read(limit, max_bytes).await;
        self.conclude(&file, read).await
    }

    /// Takes deliveries out which the database has. Those of a file that is not in its place any more are left.
    ///
    /// # Errors
    ///
    /// When they are still there.
    pub async fn remove(&self, ids: &[SpoolId]) -> Result<(), SpoolError> {
        let file = self.file().await?;
        let removed = file.remove(ids).await;
        self.conclude(&file, removed).await
    }

    /// Passes over a delivery from now on, because the database refuses it.
    ///
    /// # Errors
    ///
    /// When that cannot be noted.
    pub async fn set_aside(&self, id: SpoolId, why: &str) -> Result<(), SpoolError> {
        let file = self.file().await?;
        let noted = file.set_aside(id, why).await;
        self.conclude(&file, noted).await
    }

    /// Lets everything that was [set aside](Self::set_aside) wait for the database again.
    ///
    /// # Errors
    ///
    /// When that cannot be noted.
    pub async fn try_again(&self) -> Result<(), SpoolError> {
        let file = self.file().await?;
        let noted = file.try_again().await;
        self.conclude(&file, noted).await
    }

    /// How full it is.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn usage(&self) -> Result<Usage, SpoolError> {
        let file = self.file().await?;
        let usage = file.usage().await;
        self.conclude(&file, usage).await
    }

    /// Whether there is room for the usual deliveries, within its bounds and on its disk.
    ///
    /// # Errors
    ///
    /// When it cannot be used.
    pub async fn has_room(&self) -> Result<bool, SpoolError> {
        let usage = self.usage().await?;
        let within_bounds = usage.bytes + LITTLE <= self.max_size.as_u64();
        Ok(within_bounds && file::leaves_reserve(&self.dir))
    }

    /// Gives back to the disk what an emptied spool still takes.
    ///
    /// # Errors
    ///
    /// When another process uses it at this moment.
    pub async fn shrink(&self) -> Result<(), SpoolError> {
        let file = self.file().await?;
        let shrunk = file.shrink().await;
        self.conclude(&file, shrunk).await
    }

    /// Closes the file. What comes after opens it again.
    pub async fn close(&self) {
        if let Some((file, _lock)) = self.open.lock().await.take() {
            file.close().await;
        }
    }

    /// The open file.
    async fn file(&self) -> Result<Arc<SpoolFile>, SpoolError> {
        let mut open = self.open.lock().await;
        if let Some((file, _)) = &*open {
            return Ok(Arc::clone(file));
        }
        // Whoever opens it anew finds the old one closed, and is no other process's.
        let opened = SpoolFile::create(&self.dir, self.max_size).await;
        let (file, lock) = opened.map_err(|error| SpoolError::new(&self.dir, error))?;
        let file = Arc::new(file);
        *open = Some((Arc::clone(&file), lock));
        Ok(file)
    }

    async fn is_open(&self, file: &Arc<SpoolFile>) -> bool {
        let open = self.open.lock().await;
        open.as_ref()
            .is_some_and(|(open, _)| Arc::ptr_eq(open, file))
    }

    /// A file that has failed is not used again, unless it is merely full or busy.
    async fn conclude<T>(
        &self,
        file: &Arc<SpoolFile>,
        outcome: Result<T, StoreError>,
    ) -> Result<T, SpoolError> {
        let error = match outcome {
            Ok(value) => return Ok(value),
            Err(error) => SpoolError::new(&self.dir, error),
        };
        if !error.is_passing() {
            let mut open = self.open.lock().await;
            if let Some((file, lock)) = open.take_if(|(open, _)| Arc::ptr_eq(open, file)) {
                file.close().await;
                if error.is_damage() {
                    file::put_aside(&self.dir, &lock);
                }
            }
        }
        Err(error)
    }
}
