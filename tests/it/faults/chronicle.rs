//! What was done and when, a line each: the first thing to read when a promise was broken.

use std::{
    fmt::{self, Display},
    sync::Mutex,
    time::{Duration, Instant},
};

/// Lines with their time since the beginning.
pub(super) struct Chronicle {
    begun: Instant,
    lines: Mutex<Vec<(Duration, String)>>,
}

impl Chronicle {
    pub(super) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            lines: Mutex::default(),
        }
    }

    pub(super) fn note(&self, what: impl Display) {
        let line = (self.begun.elapsed(), what.to_string());
        self.lines.lock().expect("the chronicle").push(line);
    }
}

impl Display for Chronicle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, what) in self.lines.lock().expect("the chronicle").iter() {
            writeln!(f, "{:9.3} {what}", at.as_secs_f64())?;
        }
        Ok(())
    }
}
