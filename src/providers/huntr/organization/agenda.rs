//! What is still to come, in the order in which it will.

use std::collections::BTreeMap;

use crate::domain::Timestamp;

/// Things in the order of their time; of the same time, as they were added.
pub(super) struct Agenda<T> {
    things: BTreeMap<(Timestamp, u64), T>,
    added: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self {
            things: BTreeMap::new(),
            added: 0,
        }
    }
}

impl<T> Agenda<T> {
    pub(super) fn add(&mut self, at: Timestamp, thing: T) {
        self.things.insert((at, self.added), thing);
        self.added += 1;
    }

    /// When the first thing is due.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.things.keys().next().map(|(at, _)| *at)
    }

    pub(super) fn pop(&mut self) -> Option<(Timestamp, T)> {
        let ((at, _), thing) = self.things.pop_first()?;
        Some((at, thing))
    }
}
