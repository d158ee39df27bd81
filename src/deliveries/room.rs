//! Bounds what a worker has in memory: so many deliveries, and so many bytes of bodies.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::Place;

/// Room for deliveries. A body longer than all of it takes all of it.
#[derive(Debug)]
pub(super) struct Room {
    deliveries: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    max_bytes: u32,
}

impl Room {
    pub(super) fn new(deliveries: usize, max_bytes: u32) -> Self {
        Self {
            deliveries: Arc::new(Semaphore::new(deliveries)),
            bytes: Arc::new(Semaphore::new(max_bytes as usize)),
            max_bytes,
        }
    }

    /// A place for a body of that length, if there is one now.
    pub(super) fn place(&self, length: usize) -> Option<Place> {
        let delivery = Arc::clone(&self.deliveries).try_acquire_owned().ok()?;
        let bytes = Arc::clone(&self.bytes)
            .try_acquire_many_owned(self.bytes_for(length))
            .ok()?;
        Some(Place { delivery, bytes })
    }

    /// Half of the bytes that are free, and places for `most` deliveries, as far as there are any. The other half
    /// is left for those who come meanwhile.
    pub(super) fn reserve(&self, most: u32) -> Option<Reserved> {
        let free = u32::try_from(self.deliveries.available_permits()).unwrap_or(u32::MAX);
        let count = free.min(most);
        let free_bytes = u32::try_from(self.bytes.available_permits()).unwrap_or(u32::MAX);
        let half = free_bytes.div_ceil(2);
        if count == 0 || free_bytes == 0 {
            return None;
        }
        let deliveries = Arc::clone(&self.deliveries)
            .try_acquire_many_owned(count)
            .ok()?;
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(half).ok()?;
        Some(Reserved { deliveries, bytes })
    }

    fn bytes_for(&self, length: usize) -> u32 {
        u32::try_from(length).map_or(self.max_bytes, |length| length.min(self.max_bytes))
    }
}

/// Places that are still to be given to deliveries.
#[derive(Debug)]
pub(super) struct Reserved {
    deliveries: OwnedSemaphorePermit,
    bytes: OwnedSemaphorePermit,
}

impl Reserved {
    /// How many deliveries have a place.
    pub(super) fn deliveries(&self) -> u32 {
        u32::try_from(self.deliveries.num_permits()).unwrap_or(u32::MAX)
    }

    /// How many bytes they may have together.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.num_permits() as u64
    }

    /// The place of one delivery. The last body may be longer than what is left.
    pub(super) fn place(&mut self, length: usize) -> Option<Place> {
        let delivery = self.deliveries.split(1)?;
        let bytes = self.bytes.split(length.min(self.bytes.num_permits()))?;
        Some(Place { delivery, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_until_it_is_dropped() {
        let room = Room::new(2, 100);
        let first = room.place(60).expect("room");
        assert!(room.place(60).is_none(), "too many bytes");
        let second = room.place(40).expect("room");
        assert!(room.place(0).is_none(), "too many deliveries");
        drop((first, second));
        let long = room.place(1_000_000).expect("one long body always fits");
        assert!(room.place(1).is_none());
        drop(long);
        assert!(room.place(1).is_some());
    }

    #[test]
    fn what_was_reserved_and_not_used_is_given_back() {
        let room = Room::new(3, 100);
        let mut reserved = room.reserve(2).expect("room");
        assert_eq!((reserved.deliveries(), reserved.bytes()), (2, 50));
        assert!(room.place(51).is_none() && room.place(50).is_some());
        let place = reserved.place(500).expect("the last one may be longer");
        drop(reserved);
        assert!(room.place(50).is_some());
        assert!(room.place(51).is_none());
        drop(place);
        assert!(room.place(100).is_some());
    }
}
