//! The receiver's wall clock, which can be set. Its monotonic clock stays as it is.

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};

use tempfile::TempDir;

use crate::support::Setup;

/// The library that tells programs another time.
const LIBRARY: &str = "libfaketimeMT.so.1";

pub(super) struct Clock {
    library: PathBuf,
    folder: TempDir,
    /// In seconds.
    farthest_ahead: Mutex<i64>,
}

impl Clock {
    /// A clock that goes right; none where libfaketime is not installed.
    pub(super) fn new() -> Option<Self> {
        let folders = Path::new("/usr/lib").read_dir().ok()?;
        let library = folders
            .filter_map(Result::ok)
            .map(|folder| folder.path().join("faketime").join(LIBRARY))
            .find(|path| path.exists())?;
        let clock = Self {
            library,
            folder: tempfile::tempdir().expect("a folder"),
            farthest_ahead: Mutex::new(0),
        };
        clock.jump(0);
        Some(clock)
    }

    /// Lets a receiver go by it.
    pub(super) fn worn_by(&self, setup: Setup) -> Setup {
        setup
            .environment("LD_PRELOAD", &self.library.display().to_string())
            .environment(
                "FAKETIME_TIMESTAMP_FILE",
                &self.file().display().to_string(),
            )
            .environment("FAKETIME_CACHE_DURATION", "1")
            .environment("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .environment("FAKETIME_DONT_RESET", "1")
            // Else a killed program leaves shared memory behind.
            .environment("FAKETIME_DISABLE_SHM", "1")
            .environment("NO_FAKE_STAT", "1")
    }

    /// From now on it is so many seconds ahead of, or behind, what it would be.
    pub(super) fn jump(&self, seconds: i64) {
        let mut farthest = self.farthest_ahead.lock().expect("the clock");
        *farthest = seconds.max(*farthest);
        let new = self.folder.path().join("new");
        std::fs::write(&new, format!("{seconds:+}\n")).expect("writing the time");
        std::fs::rename(new, self.file()).expect("setting the clock");
    }

    /// What was put off while the clock was ahead is due only by such a clock.
    pub(super) fn stay_ahead(&self) {
        let farthest = *self.farthest_ahead.lock().expect("the clock");
        self.jump(farthest);
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("time")
    }
}
