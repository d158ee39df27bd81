//! The memory that bodies may take up, from their first byte to their commit.

use std::{sync::Arc, time::Duration};

use bytesize::ByteSize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So much of every body comes out of the half for small ones. Nearly all deliveries are smaller.
const SMALL: usize = 256 * 1024;

/// How long a long body waits for room. Senders that have to try again may not.
const PATIENCE: Duration = Duration::from_secs(2);

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
    /// Reserves room for a body of which so many bytes have `arrived`, and which becomes `longest` at most.
    /// `false` when there is no room for it.
    ///
    /// The small part takes up what has arrived, so that holding room costs a stranger as much. Past it, the
    /// rest is taken at once, after a wait if need be: long bodies that each held a piece and waited for the
    /// next would wait for each other.
    pub async fn cover(&mut self, arrived: usize, longest: usize) -> bool {
        if arrived <= self.held {
            return true;
        }
        let small = arrived.min(SMALL).saturating_sub(self.held);
        let large = if arrived > SMALL {
            longest.saturating_sub(self.held.max(SMALL))
        } else {
            0
        };
        let Self {
            buffer, permits, ..
        } = self;
        let [of_small, of_large] = permits;
        let taken = take_now(&buffer.small, of_small, small)
            && (take_now(&buffer.large, of_large, large)
                || take_later(&buffer.large, of_large, large).await);
        if taken {
            self.held = if arrived > SMALL { longest } else { arrived };
        }
        taken
    }

    /// Reserves room for a whole body, if there is some now.
    pub(super) fn cover_now(&mut self, bytes: usize) -> bool {
        let [of_small, of_large] = &mut self.permits;
        take_now(&self.buffer.small, of_small, bytes.min(SMALL))
            && take_now(&self.buffer.large, of_large, bytes.saturating_sub(SMALL))
    }
}

type Held = Option<OwnedSemaphorePermit>;

fn take_now(from: &Arc<Semaphore>, held: &mut Held, bytes: usize) -> bool {
    // Of the large half, nearly always.
    if bytes == 0 {
        return true;
    }
    let Ok(bytes) = u32::try_from(bytes) else {
        return false;
    };
    match Arc::clone(from).try_acquire_many_owned(bytes) {
        Ok(more) => keep(held, more),
        Err(_) => false,
    }
}

async fn take_later(from: &Arc<Semaphore>, held: &mut Held, bytes: usize) -> bool {
    let Ok(bytes) = u32::try_from(bytes) else {
        return false;
    };
    let room = Arc::clone(from).acquire_many_owned(bytes);
    match tokio::time::timeout(PATIENCE, room).await {
        Ok(Ok(more)) => keep(held, more),
        _ => false,
    }
}

fn keep(held: &mut Held, more: OwnedSemaphorePermit) -> bool {
    match held {
        Some(held) => held.merge(more),
        None => *held = Some(more),
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_reserved_comes_back() {
        let buffer = Buffer::new(ByteSize::b(2 * SMALL as u64), ByteSize::b(0));
        let mut one = buffer.reservation();
        assert!(one.cover(10, SMALL).await && one.cover(SMALL - 10, SMALL).await);
        let mut two = buffer.reservation();
        assert!(!two.cover(11, 11).await && two.cover(10, 10).await);
        drop(one);
        assert!(two.cover(SMALL, SMALL).await);
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_each_other_and_leave_room_for_small_ones() {
        let buffer = Buffer::new(ByteSize::mib(2), ByteSize::mib(1));
        let half = SMALL + 512 * 1024;
        let mut one = buffer.reservation();
        let mut two = buffer.reservation();
        assert!(one.cover(SMALL + 1, half).await && two.cover(SMALL + 1, half).await);
        let mut three = buffer.reservation();
        let waiting = three.cover(SMALL + 1, half);
        let mut small = buffer.reservation();
        assert!(small.cover(SMALL, SMALL).await);
        let ((), covered) = tokio::join!(async { drop(one) }, waiting);
        assert!(covered);
    }
}
