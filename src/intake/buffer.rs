//! The memory that bodies may take up, from their first byte to their commit.

use std::sync::Arc;

use bytesize::ByteSize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bound on the bytes held for all requests together.
#[derive(Debug, Clone)]
pub struct Buffer(Arc<Semaphore>);

impl Buffer {
    /// Room for so many bytes.
    #[must_use]
    pub fn new(size: ByteSize) -> Self {
        let bytes = usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Reserves nothing yet.
    #[must_use]
    pub fn reservation(&self) -> Reservation {
        Reservation {
            buffer: self.clone(),
            permit: None,
        }
    }

    /// Bytes that are free.
    #[must_use]
    pub fn free(&self) -> usize {
        self.0.available_permits()
    }
}

/// A part of a [`Buffer`], given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    buffer: Buffer,
    permit: Option<OwnedSemaphorePermit>,
}

impl Reservation {
    /// Reserves so many bytes more, as they arrive; `false` when there is no room.
    #[must_use]
    pub fn grow(&mut self, bytes: usize) -> bool {
        let Ok(bytes) = u32::try_from(bytes) else {
            return false;
        };
        let Ok(more) = Arc::clone(&self.buffer.0).try_acquire_many_owned(bytes) else {
            return false;
        };
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_comes_back() {
        let buffer = Buffer::new(ByteSize::b(100));
        let mut one = buffer.reservation();
        assert!(one.grow(60) && one.grow(30));
        let mut two = buffer.reservation();
        assert!(!two.grow(11) && two.grow(10));
        drop(one);
        assert_eq!(buffer.free(), 90);
        drop(two);
        assert_eq!(buffer.free(), 100);
    }
}
