//! The memory that bodies may take up, from their first byte to their commit.

use std::{sync::Arc, time::Duration};

use bytesize::ByteSize;
use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So much of every body comes out of the half for small ones. Nearly all deliveries are smaller.
const SMALL: usize = 64 * 1024;

/// How long a body waits for room. Senders that have to try again may not.
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
    /// Reserves room for so many bytes of a body that has `arrived` so far and becomes `longest` at most.
    /// Waits for a moment when there is none; `false` when there is none even then.
    ///
    /// A body's room is taken at once, small part and large, as soon as it is known to be needed: bodies
    /// that each held a piece and waited for the next would wait for each other.
    pub async fn cover(&mut self, arrived: usize, longest: usize) -> bool {
        if arrived <= self.held {
            return true;
        }
        let wanted = if arrived > SMALL {
            longest
        } else {
            longest.min(SMALL)
        };
        let small = wanted.min(SMALL).saturating_sub(self.held);
        let large = wanted.saturating_sub(self.held.max(SMALL));
        let [of_small, of_large] = &mut self.permits;
        let taken = take(&self.buffer.small, of_small, small).await
            && take(&self.buffer.large, of_large, large).await;
        if taken {
            self.held = wanted;
        }
        taken
    }

    /// Reserves room for a whole body, if there is some now.
    pub(super) fn try_cover(&mut self, bytes: usize) -> bool {
        let covered = std::pin::pin!(self.cover(bytes, bytes)).now_or_never();
        covered.unwrap_or(false)
    }
}

async fn take(
    from: &Arc<Semaphore>,
    held: &mut Option<OwnedSemaphorePermit>,
    bytes: usize,
) -> bool {
    if bytes == 0 {
        return true;
    }
    let Ok(bytes) = u32::try_from(bytes) else {
        return false;
    };
    let room = Arc::clone(from).acquire_many_owned(bytes);
    let Ok(Ok(more)) = tokio::time::timeout(PATIENCE, room).await else {
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

    #[tokio::test(start_paused = true)]
    async fn what_is_reserved_comes_back() {
        let buffer = Buffer::new(ByteSize::b(2 * SMALL as u64), ByteSize::b(0));
        let mut one = buffer.reservation();
        assert!(one.cover(10, SMALL - 10).await);
        let mut two = buffer.reservation();
        assert!(!two.cover(11, 11).await && two.cover(10, 10).await);
        drop(one);
        assert!(two.cover(11, SMALL).await);
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
