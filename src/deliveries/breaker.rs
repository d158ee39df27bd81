//! Stops calling a sink that does not take anything, and probes whether it does again.

use std::time::Duration;

use rand::{Rng, RngExt};
use tokio::time::Instant;

use super::retry;
use crate::sinks::Retry;

/// So many calls in a row fail before the sink counts as down. More than are usually under way at once, so that
/// one hiccup does not count as an outage.
const FAILURES: u32 = 10;
/// The longest wait between two probes: a sink that is back should not stand idle for long.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit {
    /// Everything.
    All,
    /// One call, to see whether the sink takes it.
    Probe,
    /// Nothing before this time.
    NotBefore(Instant),
    /// Nothing until the probe under way has ended.
    NotDuringProbe,
}

/// A circuit breaker. Only calls count: waiting behind it is no attempt.
#[derive(Debug)]
pub(super) struct Breaker {
    retry: Retry,
    state: State,
    /// How many times it has opened: what an earlier call says is no news.
    openings: u64,
}

#[derive(Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant, probes: u32 },
    Probing { probes: u32 },
}

impl Breaker {
    pub(super) fn new(retry: Retry) -> Self {
        Self {
            retry,
            state: State::Closed { failures: 0 },
            openings: 0,
        }
    }

    /// Goes with a call that begins now, and comes back with what it says.
    pub(super) fn openings(&self) -> u64 {
        self.openings
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    pub(super) fn permit(&self, now: Instant) -> Permit {
        match self.state {
            State::Closed { .. } => Permit::All,
            State::Open { until, .. } if until <= now => Permit::Probe,
            State::Open { until, .. } => Permit::NotBefore(until),
            State::Probing { .. } => Permit::NotDuringProbe,
        }
    }

    /// A call that [`Permit::Probe`] allowed begins.
    pub(super) fn probe(&mut self) {
        if let State::Open { probes, .. } = self.state {
            self.state = State::Probing { probes };
        }
    }

    /// A call to the sink ended, and the sink took or refused what was sent: it is there.
    pub(super) fn succeeded(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    /// A call to the sink failed. Tells whether that has opened the breaker.
    pub(super) fn failed(
        &mut self,
        openings: u64,
        asked_for: Option<Duration>,
        now: Instant,
        rng: &mut impl Rng,
    ) -> bool {
        if openings != self.openings {
            return false;
        }
        let probes = match self.state {
            State::Closed { failures } if failures + 1 < FAILURES => {
                self.state = State::Closed {
                    failures: failures + 1,
                };
                return false;
            }
            State::Closed { .. } => 1,
            State::Probing { probes } => probes.saturating_add(1),
            State::Open { .. } => return false,
        };
        let limit = retry::limit(&self.retry, probes).min(LONGEST_PAUSE);
        // At least half of it, so that a sink which is down is left alone for a while.
        let pause = limit.mul_f64(rng.random_range(0.5..=1.0));
        let pause = pause.max(asked_for.unwrap_or_default().min(LONGEST_PAUSE));
        self.openings += 1;
        self.state = State::Open {
            until: now + pause,
            probes,
        };
        true
    }

    /// The probe did not take place: there was nothing to send.
    pub(super) fn did_not_probe(&mut self, openings: u64, now: Instant) {
        if let State::Probing { probes } = self.state
            && openings == self.openings
        {
            self.state = State::Open { until: now, probes };
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    struct Sink {
        breaker: Breaker,
        rng: SmallRng,
        now: Instant,
    }

    impl Sink {
        fn new() -> Self {
            Self {
                breaker: Breaker::new(Retry::default()),
                rng: SmallRng::seed_from_u64(7),
                now: Instant::now(),
            }
        }

        fn fails(&mut self, times: u32) -> bool {
            (0..times).fold(false, |opened, _| {
                let openings = self.breaker.openings();
                self.breaker.failed(openings, None, self.now, &mut self.rng) || opened
            })
        }

        fn permit(&self) -> Permit {
            self.breaker.permit(self.now)
        }

        /// Waits until a probe is due.
        fn wait(&mut self) -> Duration {
            let Permit::NotBefore(until) = self.permit() else {
                panic!("nothing to wait for: {:?}", self.permit());
            };
            let pause = until - self.now;
            self.now = until;
            pause
        }
    }

    #[test]
    fn failures_between_successes_do_not_open_it() {
        let mut sink = Sink::new();
        for _ in 0..100 {
            assert!(!sink.fails(FAILURES - 1));
            sink.breaker.succeeded();
        }
        assert_eq!(sink.permit(), Permit::All);
    }

    #[test]
    fn a_sink_that_is_down_is_probed_less_and_less_often_and_then_works_again() {
        let mut sink = Sink::new();
        assert!(sink.fails(FAILURES));
        assert!(!sink.fails(5), "calls that were under way change nothing");
        let mut pauses = Vec::new();
        for _ in 0..10 {
            pauses.push(sink.wait());
            assert_eq!(sink.permit(), Permit::Probe);
            sink.breaker.probe();
            assert_eq!(sink.permit(), Permit::NotDuringProbe);
            assert!(sink.fails(1));
        }
        assert!(pauses[0] <= Duration::from_secs(1), "{pauses:?}");
        assert!(
            pauses[9] >= LONGEST_PAUSE / 2 && pauses[9] <= LONGEST_PAUSE,
            "{pauses:?}"
        );
        sink.wait();
        sink.breaker.probe();
        sink.breaker.succeeded();
        assert_eq!(sink.permit(), Permit::All);
        assert!(!sink.fails(1), "it has all its chances again");
    }

    #[test]
    fn what_began_before_it_opened_says_nothing_of_the_probe() {
        let mut sink = Sink::new();
        let before = sink.breaker.openings();
        sink.fails(FAILURES);
        sink.wait();
        sink.breaker.probe();
        assert!(!sink.breaker.failed(before, None, sink.now, &mut sink.rng));
        sink.breaker.did_not_probe(before, sink.now);
        assert_eq!(sink.permit(), Permit::NotDuringProbe);
    }

    #[test]
    fn a_probe_without_anything_to_send_is_due_again() {
        let mut sink = Sink::new();
        sink.fails(FAILURES);
        sink.wait();
        sink.breaker.probe();
        sink.breaker
            .did_not_probe(sink.breaker.openings(), sink.now);
        assert_eq!(sink.permit(), Permit::Probe);
    }

    #[test]
    fn a_sink_that_asks_for_time_gets_it() {
        let mut sink = Sink::new();
        sink.fails(FAILURES - 1);
        let asked = Duration::from_secs(30);
        let openings = sink.breaker.openings();
        assert!(
            sink.breaker
                .failed(openings, Some(asked), sink.now, &mut sink.rng)
        );
        assert!(sink.wait() >= asked);
    }
}
