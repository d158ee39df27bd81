//! Ids as `MongoDB` makes them: the second, five bytes for the machine, and a counter.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::domain::Timestamp;

/// Twelve bytes, written as 24 hexadecimal digits. Of two, the one made later is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    seconds: u32,
    rest: u64,
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}{:016x}", self.seconds, self.rest)
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Makes ids, none of them twice.
pub(super) struct Ids {
    machine: u64,
    count: u64,
}

impl Ids {
    const COUNTER: u64 = (1 << 24) - 1;

    pub(super) fn new(machine: u64) -> Self {
        Self {
            machine: machine & !Self::COUNTER,
            count: 0,
        }
    }

    pub(super) fn next(&mut self, at: Timestamp) -> ObjectId {
        self.count += 1;
        ObjectId {
            seconds: u32::try_from(at.timestamp()).unwrap_or_default(),
            rest: self.machine | (self.count & Self::COUNTER),
        }
    }
}
