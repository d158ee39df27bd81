//! Chance that falls the same on every machine.

use std::ops::RangeInclusive;

use chrono::TimeDelta;
use rand::{Rng, SeedableRng, rngs::ChaCha8Rng};

/// A generator whose algorithm is its name, and arithmetic on whole numbers only.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(ChaCha8Rng::from_seed(bytes))
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    pub(super) fn between(&mut self, range: RangeInclusive<u32>) -> u32 {
        let (least, most) = range.into_inner();
        let sides = u64::from(most - least) + 1;
        // The bias of a multiplication is far below what a story shows.
        least + ((u64::from(self.0.next_u32()) * sides) >> 32) as u32
    }

    /// Whether something of this probability happens.
    pub(super) fn percent(&mut self, chance: u32) -> bool {
        self.between(1..=100) <= chance
    }

    /// Where in a list of this length.
    pub(super) fn index(&mut self, length: usize) -> usize {
        let last = u32::try_from(length.saturating_sub(1)).unwrap_or(u32::MAX);
        self.between(0..=last) as usize
    }

    pub(super) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.index(list.len())]
    }

    pub(super) fn seconds(&mut self, range: RangeInclusive<u32>) -> TimeDelta {
        TimeDelta::seconds(self.between(range).into())
    }

    pub(super) fn days(&mut self, range: RangeInclusive<u32>) -> TimeDelta {
        TimeDelta::days(self.between(range).into())
    }
}
