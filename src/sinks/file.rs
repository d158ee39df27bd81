//! `kind = "file"`: appends each message to a file, one line of JSON each.

mod log;
mod rotated;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytesize::ByteSize;
use serde::Deserialize;
use tokio::{sync::Mutex, task::spawn_blocking};

use self::log::Log;
use super::{Common, Format, Message, Receipt, Sink, SinkError};
use crate::{disk, domain::SystemClock, units};

/// Messages that are written, and synced to the disk, together.
const MAX_BATCH: usize = 500;

/// `[sinks.<name>]` with this kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The file.
    path: PathBuf,
    /// The file is put aside before it grows beyond this; 0 for never.
    #[serde(default = "hundred_mebibytes")]
    rotate_size: ByteSize,
    /// The file is put aside with the first message after so long; 0 for never.
    #[serde(default = "one_day", deserialize_with = "units::duration")]
    rotate_age: Duration,
    /// How many files that were put aside are kept; all when left out.
    keep: Option<NonZeroUsize>,
    /// Whether a message counts as delivered only when it is on the disk.
    #[serde(default = "yes")]
    sync: bool,
}

impl Config {
    pub(super) fn problems(&self, _common: &Common) -> Vec<(String, String)> {
        let why = match self.path.file_name() {
            _ if self.path.is_dir() || self.path.as_os_str().as_encoded_bytes().ends_with(b"/") => {
                "is a folder; name a file in it, such as events.ndjson"
            }
            None => "must be the path of a file, such as data/events.ndjson",
            Some(_) => return Vec::new(),
        };
        vec![("path".into(), why.into())]
    }

    #[expect(clippy::unused_self, reason = "one shape for all kinds")]
    pub(super) fn format(&self, common: &Common) -> Format {
        common.format()
    }

    #[expect(clippy::unnecessary_wraps, reason = "one shape for all kinds")]
    pub(super) fn build(&self, _common: &Common) -> Result<FileSink, SinkError> {
        let never = |limit: u64| (limit > 0).then_some(limit);
        let log = Log::new(log::Options {
            path: self.path.clone(),
            rotate_size: never(self.rotate_size.as_u64()),
            rotate_age: Some(self.rotate_age).filter(|age| !age.is_zero()),
            keep: self.keep,
            sync: self.sync,
            clock: Arc::new(SystemClock),
        });
        Ok(FileSink {
            path: self.path.clone(),
            log: Arc::new(Mutex::new(log)),
        })
    }
}

/// Appends to a file.
pub(super) struct FileSink {
    path: PathBuf,
    log: Arc<Mutex<Log>>,
}

#[async_trait]
impl Sink for FileSink {
    fn max_batch(&self) -> usize {
        MAX_BATCH
    }

    async fn deliver(&self, messages: &[Message]) -> Vec<Result<Receipt, SinkError>> {
        let mut lines = Vec::new();
        for message in messages {
            lines.extend_from_slice(&message.line());
            lines.push(b'\n');
        }
        // Waited for here and not on the thread: a stuck disk holds one thread, however many calls give up.
        let mut log = Arc::clone(&self.log).lock_owned().await;
        let appended = spawn_blocking(move || log.append(&lines)).await;
        let outcome = appended.unwrap_or_else(|_| Err("the writing was broken off".into()));
        messages
            .iter()
            .map(|_| match &outcome {
                Ok(()) => Ok(Receipt::default()),
                Err(trouble) => Err(SinkError::retry(trouble.as_str())),
            })
            .collect()
    }

    async fn check(&self) -> Result<String, SinkError> {
        let path = self.path.clone();
        let checked = spawn_blocking(move || check(&path)).await;
        let outcome = checked.unwrap_or_else(|_| Err("the check was broken off".into()));
        outcome.map_err(SinkError::retry)
    }
}

/// Whether the file could be appended to, or created.
fn check(path: &Path) -> Result<String, String> {
    let explain = |path: &Path, error| log::explain("cannot be written to", path, &error);
    let path =
        std::path::absolute(path).map_err(|error| log::explain("is no path", path, &error))?;
    if let Some(metadata) = log::existing(&path)? {
        disk::may_write(&path).map_err(|error| explain(&path, error))?;
        return Ok(format!(
            "{} is there, {}",
            path.display(),
            ByteSize(metadata.len())
        ));
    }
    disk::may_create(&path).map_err(|(folder, error)| explain(&folder, error))?;
    Ok(format!(
        "{} will be created with the first message",
        path.display()
    ))
}

fn hundred_mebibytes() -> ByteSize {
    ByteSize::mib(100)
}

fn one_day() -> Duration {
    Duration::from_hours(24)
}

fn yes() -> bool {
    true
}
