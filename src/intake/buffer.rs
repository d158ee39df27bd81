//! The memory that bodies may take up, from their first byte to their commit.

use std::sync::Arc;

use bytesize::ByteSize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So much of every body comes out of the half for small ones. Nearly all deliveries are smaller.
const SMALL: usize = 64 * 1024;

/// A bound on the bytes held for all requests together.
///
/// A body is held before it is known to be authentic. So that strangers who send long ones and stall
/// cannot keep everybody out, what is longer than usual has only half of the memory to share.
#[derive(Debug, Clone)]
pub struct Buffer {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Buffer {
    /// Room for so many bytes, and for at least one of the longest bodies.
    #[must_use]
    pub fn new(size: ByteSize, longest: ByteSize) -> Self {
        let half = size.as_u64() / 2;
        let room = |bytes: u64| {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS)))
        };
        Self {
            small: room(half.max(SMALL as u64)),
            large: room(half.max(longest.as_u64())),
        }
    }

    /// Reserves nothing yet.
    #[must_use]
    pub fn reservation(&self) -> Reservation {
        Reservation {
            buffer: self.clone(),
            held: 0,
            permits: [None, None],
        }
    }
}

/// A part of a [`Buffer`], given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    buffer: Buffer,
    held: usize,
    permits: [Option<OwnedSemaphorePermit>; 2],
}

impl Reservation {
    /// Reserves so many bytes more, as they arrive; `false` when there is no room.
    #[must_use]
    pub fn grow(&mut self, bytes: usize) -> bool {
        let small = bytes.min(SMALL.saturating_sub(self.held));
        let [of_small, of_large] = &mut self.permits;
        let taken = take(&self.buffer.small, of_small, small)
            && take(&self.buffer.large, of_large, bytes - small);
        if taken {
            self.held += bytes;
        }
        taken
    }
}

fn take(from: &Arc<Semaphore>, held: &mut Option<OwnedSemaphorePermit>, bytes: usize) -> bool {
    if bytes == 0 {
        return true;
    }
    let Ok(bytes) = u32::try_from(bytes) else {
        return false;
    };
    let Ok(more) = Arc::clone(from).try_acquire_many_owned(bytes) else {
        return false;
    };
    match held {
        Some(held) => held.merge(more),
        None => *held = Some(more),
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_comes_back() {
        let buffer = Buffer::new(ByteSize::b(2 * SMALL as u64), ByteSize::b(0));
        let mut one = buffer.reservation();
        assert!(one.grow(SMALL - 10));
        let mut two = buffer.reservation();
        assert!(!two.grow(11) && two.grow(10));
        drop(one);
        assert!(two.grow(SMALL - 10));
    }

    #[test]
    fn large_bodies_leave_room_for_small_ones() {
        let buffer = Buffer::new(ByteSize::mib(2), ByteSize::mib(1));
        let mut large: Vec<_> = (0..3).map(|_| buffer.reservation()).collect();
        let fit = large
            .iter_mut()
            .map(|large| large.grow(512 * 1024))
            .filter(|fits| *fits);
        assert_eq!(fit.count(), 2);
        let mut small = buffer.reservation();
        assert!(small.grow(SMALL));
    }
}
