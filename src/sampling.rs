//! A bound on how often something is worth a log line.

use std::time::Duration;

use tokio::time::Instant;

/// Lets so many through in each second, and counts the rest.
#[derive(Debug)]
pub(crate) struct Sampler {
    per_second: u32,
    second: Option<Instant>,
    passed: u32,
    held_back: u64,
}

/// What a [`Sampler`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sample {
    /// Worth a line; so many before it were not.
    Taken { held_back: u64 },
    /// One too many.
    HeldBack,
}

impl Sampler {
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            per_second,
            second: None,
            passed: 0,
            held_back: 0,
        }
    }

    pub(crate) fn next(&mut self, now: Instant) -> Sample {
        let a_second = Duration::from_secs(1);
        if self.second.is_none_or(|start| now - start >= a_second) {
            self.second = Some(now);
            self.passed = 0;
        }
        if self.passed < self.per_second {
            self.passed += 1;
            Sample::Taken {
                held_back: std::mem::take(&mut self.held_back),
            }
        } else {
            self.held_back += 1;
            Sample::HeldBack
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_a_trickle_is_shown() {
        let start = Instant::now();
        let mut sampler = Sampler::new(2);
        assert_eq!(sampler.next(start), Sample::Taken { held_back: 0 });
        assert_eq!(sampler.next(start), Sample::Taken { held_back: 0 });
        assert_eq!(sampler.next(start), Sample::HeldBack);
        let later = start + Duration::from_secs(1);
        assert_eq!(sampler.next(later), Sample::Taken { held_back: 1 });
    }
}
