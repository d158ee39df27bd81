//! The queue in front of what takes batches: bounded, and closed to what would wait there for too long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::mpsc, time::Instant};

use super::Submission;

/// A new batch counts for so much of the average: one part in so many.
const INERTIA: u64 = 4;

/// Where submissions are handed in. Cheap to clone.
#[derive(Clone)]
pub(super) struct Queue {
    sender: mpsc::Sender<Submission>,
    pace: Pace,
    max_batch: usize,
    /// The longest wait that is worth while.
    patience: Duration,
}

impl Queue {
    /// A queue for so many, its other end, and where the one there notes its pace.
    pub(super) fn new(
        capacity: usize,
        max_batch: usize,
        patience: Duration,
    ) -> (Self, mpsc::Receiver<Submission>, Pace) {
        let (sender, receiver) = mpsc::channel(capacity);
        let pace = Pace::default();
        let queue = Self {
            sender,
            pace: pace.clone(),
            max_batch,
            patience,
        };
        (queue, receiver, pace)
    }

    /// Hands a submission in. Gives it back when the queue is full, is too slow, or has come to its end.
    #[expect(clippy::result_large_err, reason = "it is handed in elsewhere then")]
    pub(super) fn offer(&self, submission: Submission) -> Result<(), Submission> {
        let waiting = self.sender.max_capacity() - self.sender.capacity();
        if self.pace.time_for(waiting / self.max_batch) > self.patience {
            return Err(submission);
        }
        self.sender
            .try_send(submission)
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(submission)
                | mpsc::error::TrySendError::Closed(submission) => submission,
            })
    }
}

/// How long batches take. Cheap to clone; read by many, written by the one that takes them.
#[derive(Debug, Clone)]
pub(super) struct Pace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    epoch: Instant,
    /// Nanoseconds that a batch takes, averaged.
    average: AtomicU64,
    /// When the batch under way began, in nanoseconds since the epoch and one more; none when 0.
    began: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self(Arc::new(Inner {
            epoch: Instant::now(),
            average: AtomicU64::new(0),
            began: AtomicU64::new(0),
        }))
    }
}

impl Pace {
    /// A batch begins.
    pub(super) fn begin(&self) {
        self.0.began.store(self.now() + 1, Ordering::Relaxed);
    }

    /// The batch that has begun is through.
    pub(super) fn end(&self) {
        let took = self.under_way().unwrap_or(0);
        self.0.began.store(0, Ordering::Relaxed);
        let average = self.0.average.load(Ordering::Relaxed);
        let average = average - average / INERTIA + took / INERTIA;
        self.0.average.store(average, Ordering::Relaxed);
    }

    /// About how long it takes from now on until the batch under way, if there is one, and so many more are through.
    /// Nothing when nothing is in front of us, however long the last ones took: else nobody would ever find out
    /// that it is faster again.
    fn time_for(&self, batches: usize) -> Duration {
        let under_way = self.under_way();
        let batches = batches as u64 + u64::from(under_way.is_some());
        let average = self.0.average.load(Ordering::Relaxed);
        let each = average.max(under_way.unwrap_or(0));
        Duration::from_nanos(each.saturating_mul(batches))
    }

    /// For how long the batch under way has been.
    fn under_way(&self) -> Option<u64> {
        match self.0.began.load(Ordering::Relaxed) {
            0 => None,
            began => Some(self.now().saturating_sub(began - 1)),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_is_estimated_by_whole_batches() {
        let pace = Pace::default();
        assert_eq!(pace.time_for(0), Duration::ZERO);
        for _ in 0..40 {
            pace.begin();
            tokio::time::advance(Duration::from_millis(100)).await;
            pace.end();
        }
        let one = pace.time_for(1);
        assert!(one > Duration::from_millis(95) && one <= Duration::from_millis(100));
        assert_eq!(pace.time_for(20), one * 20);
        pace.begin();
        assert_eq!(pace.time_for(0), one, "the one under way");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_nobody_in_front_is_let_in_however_slow_it_was() {
        let pace = Pace::default();
        pace.begin();
        tokio::time::advance(Duration::from_mins(1)).await;
        pace.end();
        assert_eq!(pace.time_for(0), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_that_hangs_is_noticed_while_it_does() {
        let pace = Pace::default();
        pace.begin();
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(pace.time_for(1), Duration::from_secs(6));
    }
}
