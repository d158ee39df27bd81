//! Decides how long a failed delivery waits: exponential backoff with full jitter.

use std::time::Duration;

use rand::{Rng, RngExt};

use crate::sinks::Retry;

/// How long to wait before the next attempt, after so many that failed.
///
/// Anything from nothing to a limit that doubles with each attempt, so that deliveries which failed together do
/// not come again together; but not less than the sink has asked for.
pub(super) fn delay(
    retry: &Retry,
    failed_attempts: u32,
    asked_for: Option<Duration>,
    rng: &mut impl Rng,
) -> Duration {
    let limit = limit(retry, failed_attempts);
    let jittered = limit.mul_f64(rng.random::<f64>());
    jittered.max(asked_for.unwrap_or_default())
}

/// The longest wait after so many failed attempts.
pub(super) fn limit(retry: &Retry, failed_attempts: u32) -> Duration {
    let doublings = failed_attempts.saturating_sub(1).min(31);
    retry
        .initial
        .checked_mul(1 << doublings)
        .map_or(retry.max, |limit| limit.min(retry.max))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    const RETRY: Retry = Retry {
        initial: Duration::from_secs(1),
        max: Duration::from_mins(10),
        give_up_after: Duration::from_hours(72),
    };

    #[test]
    fn the_limit_doubles_up_to_the_longest() {
        let limits = [1, 2, 3, 10, 11, 12, u32::MAX].map(|failed| limit(&RETRY, failed).as_secs());
        assert_eq!(limits, [1, 2, 4, 512, 600, 600, 600]);
    }

    proptest! {
        #[test]
        fn a_delay_is_within_its_limit_and_what_was_asked_for(
            failed in 1u32..100,
            asked in proptest::option::of(0u64..10_000),
            seed: u64,
        ) {
            let asked = asked.map(Duration::from_secs);
            let delay = delay(&RETRY, failed, asked, &mut SmallRng::seed_from_u64(seed));
            prop_assert!(delay >= asked.unwrap_or_default());
            prop_assert!(delay <= limit(&RETRY, failed).max(asked.unwrap_or_default()));
        }
    }

    #[test]
    fn deliveries_that_failed_together_come_again_spread_out() {
        let mut rng = SmallRng::seed_from_u64(1);
        let delays: Vec<_> = (0..1000)
            .map(|_| delay(&RETRY, 5, None, &mut rng))
            .collect();
        let early = delays.iter().filter(|delay| delay.as_secs() < 8).count();
        assert!(
            (400..600).contains(&early),
            "half of them in the first half: {early}"
        );
    }
}
