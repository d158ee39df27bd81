//! The memory that bodies may take up, from their first byte to their commit.

use std::{future::pending, pin::pin, sync::Arc, time::Duration};

use bytesize::ByteSize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::arriving::{Arrival, Arriving, Entry};

/// So much of every body comes out of the half for small ones. Nearly all deliveries are smaller.
const SMALL: usize = 256 * 1024;

/// How long a body waits for room that others may make. Senders that have to try again may not.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many bodies may wait for each part: what has arrived of them is in memory all the same.
const MOST_WAITING: usize = 256;
/// Between two looks for a body that gives way.
const SEARCH_INTERVAL: Duration = Duration::from_millis(50);

/// A bound on the bytes held for all requests together.
///
/// A body is held before it is known to be authentic. So that strangers who send some and stall cannot keep
/// everybody out, a body that is slow gives way when another one finds no room; what is longer than usual has only
/// half of the memory to share; and of the other half, a quarter is for those that come whole, as nearly all do.
#[derive(Debug, Clone)]
pub struct Buffer {
    small: Part,
    /// For small bodies that come whole, when there is no room in `small`.
    whole: Part,
    large: Part,
}

#[derive(Debug, Clone)]
struct Part {
    room: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    arriving: Arc<Arriving>,
    /// Whether one waits although nobody could give way: what was verified is committed soon.
    is_patient: bool,
}

impl Buffer {
    /// Room for so many bytes, and for at least one of the longest bodies.
    #[must_use]
    pub fn new(size: ByteSize, longest: ByteSize) -> Self {
        let half = size.as_u64() / 2;
        Self {
            small: Part::new((half - half / 4).max(SMALL as u64), false),
            whole: Part::new(half / 4, false),
            large: Part::new(half.max(longest.as_u64()), true),
        }
    }

    /// Reserves nothing yet.
    #[must_use]
    pub fn reservation(&self) -> Reservation {
        Reservation {
            buffer: self.clone(),
            covered: 0,
            arrival: None,
            small: Held::default(),
            whole: Held::default(),
            large: Held::default(),
        }
    }
}

/// A part of a [`Buffer`], given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    buffer: Buffer,
    covered: usize,
    /// While the body is arriving, unless it came in one piece.
    arrival: Option<Arc<Arrival>>,
    small: Held,
    whole: Held,
    large: Held,
}

/// What a reservation has of one part.
#[derive(Debug, Default)]
struct Held {
    room: Option<OwnedSemaphorePermit>,
    entry: Option<Entry>,
}

impl Reservation {
    /// Reserves room for a body of which so many bytes have `arrived`, and which becomes `longest` at most.
    /// `false` when there is no room for it.
    ///
    /// The small part takes up what has arrived, so that holding room costs a stranger as much. Past it, the
    /// rest is taken at once, after a wait if need be: long bodies that each held a piece and waited for the
    /// next would wait for each other.
    pub async fn cover(&mut self, arrived: usize, longest: usize) -> bool {
        if arrived < longest {
            let arrival = self.arrival.get_or_insert_with(Arrival::begin);
            arrival.has_brought(arrived);
        }
        if arrived <= self.covered {
            return true;
        }
        let small = arrived.min(SMALL).saturating_sub(self.covered);
        let large = if arrived > SMALL {
            longest.saturating_sub(self.covered.max(SMALL))
        } else {
            0
        };
        let arrival = self.arrival.as_ref();
        let whole = self.arrival.is_none()
            && (self.small.take_now(&self.buffer.small, small)
                || self.whole.take_now(&self.buffer.whole, small));
        let taken = (whole || self.small.take(&self.buffer.small, small, arrival).await)
            && self.large.take(&self.buffer.large, large, arrival).await;
        if taken {
            self.covered = if arrived > SMALL { longest } else { arrived };
        }
        taken
    }

    /// Resolves when the body, which is slow, has to give way to others. It never does once it is complete.
    pub async fn gives_way(&self) {
        match &self.arrival {
            Some(arrival) => arrival.gives_way().await,
            None => pending().await,
        }
    }

    /// The whole body is here.
    pub fn complete(&mut self) {
        self.arrival = None;
        self.small.entry = None;
        self.large.entry = None;
    }

    /// Reserves room for a whole body, if there is some now.
    pub(super) fn cover_now(&mut self, bytes: usize) -> bool {
        let Buffer {
            small,
            whole,
            large,
        } = &self.buffer;
        let short = bytes.min(SMALL);
        (self.small.take_now(small, short) || self.whole.take_now(whole, short))
            && self.large.take_now(large, bytes.saturating_sub(SMALL))
    }
}

impl Part {
    fn new(bytes: u64, is_patient: bool) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        Self {
            room: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            arriving: Arc::default(),
            is_patient,
        }
    }
}

impl Held {
    async fn take(&mut self, part: &Part, bytes: usize, arrival: Option<&Arc<Arrival>>) -> bool {
        // Of the large half, nearly always.
        if bytes == 0 {
            return true;
        }
        if let Some(arrival) = arrival
            && self.entry.is_none()
        {
            self.entry = Some(part.arriving.enter(arrival));
        }
        self.take_now(part, bytes) || self.take_later(part, bytes, arrival).await
    }

    fn take_now(&mut self, part: &Part, bytes: usize) -> bool {
        if bytes == 0 {
            return true;
        }
        let Ok(bytes) = u32::try_from(bytes) else {
            return false;
        };
        match Arc::clone(&part.room).try_acquire_many_owned(bytes) {
            Ok(room) => self.keep(room),
            Err(_) => false,
        }
    }

    async fn take_later(
        &mut self,
        part: &Part,
        bytes: usize,
        arrival: Option<&Arc<Arrival>>,
    ) -> bool {
        let Ok(bytes) = u32::try_from(bytes) else {
            return false;
        };
        let Ok(_turn) = part.waiting.try_acquire() else {
            return false;
        };
        let deadline = Instant::now() + PATIENCE;
        let mut room = pin!(Arc::clone(&part.room).acquire_many_owned(bytes));
        while Instant::now() < deadline {
            if !part.arriving.press(arrival) && !part.is_patient {
                return false;
            }
            let told = async {
                match arrival {
                    Some(arrival) => arrival.gives_way().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = told => return false,
                room = &mut room => return room.is_ok_and(|room| self.keep(room)),
                () = tokio::time::sleep(SEARCH_INTERVAL) => {}
            }
        }
        false
    }

    fn keep(&mut self, more: OwnedSemaphorePermit) -> bool {
        match &mut self.room {
            Some(room) => room.merge(more),
            None => self.room = Some(more),
        }
        true
    }
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
        assert!(!two.cover(11, 12).await && two.cover(10, 12).await);
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
    /// Time passes until a body has to give way.
    async fn pushed_out(reservation: &Reservation) -> bool {
        let pushed_out = tokio::time::timeout(2 * PATIENCE, reservation.gives_way());
        pushed_out.await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_stalls_gives_way_to_who_sends() {
        let buffer = Buffer::new(ByteSize::b(2 * SMALL as u64), ByteSize::b(0));
        let mut stalled = buffer.reservation();
        assert!(stalled.cover(SMALL, SMALL + 1).await);
        let mut one = buffer.reservation();
        let making_room = async {
            assert!(pushed_out(&stalled).await);
            drop(stalled);
        };
        let (covered, ()) = tokio::join!(one.cover(100, 101), making_room);
        assert!(covered);
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_fast_enough_stays() {
        let longest = 10 * SMALL;
        let buffer = Buffer::new(ByteSize::b(2 * SMALL as u64), ByteSize::b(longest as u64));
        let mut fast = buffer.reservation();
        assert!(fast.cover(SMALL, longest).await);
        let mut other = buffer.reservation();
        let sending = async {
            for part in 1..=4 {
                tokio::time::sleep(Duration::from_millis(500)).await;
                assert!(fast.cover(SMALL + part * SMALL / 2, longest).await);
            }
        };
        let (covered, ()) = tokio::join!(other.cover(1, 2), sending);
        assert!(!covered);
        // From now on it brings nothing more.
        let mut other = buffer.reservation();
        let (_, gave_way) = tokio::join!(other.cover(1, 2), pushed_out(&fast));
        assert!(gave_way);
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_that_want_each_others_room_one_gets_it() {
        let buffer = Buffer::new(ByteSize::b(2 * SMALL as u64), ByteSize::b(0));
        let (mut one, mut other) = (buffer.reservation(), buffer.reservation());
        let part = SMALL / 2;
        assert!(one.cover(part, SMALL).await && other.cover(part, SMALL).await);
        let finish = async |mut body: Reservation| body.cover(part + 10, SMALL).await;
        let (one, other) = tokio::join!(finish(one), finish(other));
        assert!(one != other);
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_gives_way_nobody_waits() {
        let buffer = Buffer::new(ByteSize::b(2 * SMALL as u64), ByteSize::b(0));
        let mut verified = buffer.reservation();
        assert!(verified.cover(SMALL, SMALL).await);
        let began = Instant::now();
        assert!(!buffer.reservation().cover(1, 2).await);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_whole_need_not_wait_for_those_that_stall() {
        let buffer = Buffer::new(ByteSize::b(2 * SMALL as u64), ByteSize::b(0));
        let mut stalled = buffer.reservation();
        assert!(stalled.cover(SMALL, SMALL + 1).await);
        let began = Instant::now();
        assert!(buffer.reservation().cover(SMALL / 4, SMALL / 4).await);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
