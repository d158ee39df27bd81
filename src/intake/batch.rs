//! How what is queued becomes batches.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Submission;

/// The next that was handed in. From `closing` on nothing more is, and after what is still queued there is none.
pub(super) async fn next(
    queue: &mut mpsc::Receiver<Submission>,
    closing: &CancellationToken,
) -> Option<Submission> {
    loop {
        tokio::select! {
            biased;
            () = closing.cancelled(), if !queue.is_closed() => queue.close(),
            first = queue.recv() => return first,
        }
    }
}

/// How much is committed in one transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchLimits {
    pub(super) events: usize,
    /// And one body more.
    pub(super) bytes: u64,
}

impl BatchLimits {
    /// Takes what is queued. Those who were answered together post again together: as long as each look
    /// finds more, the others are let run and there is another look, rather than to commit the first of
    /// them alone while all the others wait. No time passes where nobody comes.
    pub(super) async fn gather(
        self,
        first: Submission,
        queue: &mut mpsc::Receiver<Submission>,
    ) -> Vec<Submission> {
        let mut bytes = first.event.body.len() as u64;
        let mut batch = vec![first];
        loop {
            let before = batch.len();
            while batch.len() < self.events && bytes < self.bytes {
                let Ok(next) = queue.try_recv() else {
                    break;
                };
                bytes += next.event.body.len() as u64;
                batch.push(next);
            }
            tokio::task::yield_now().await;
            let is_full = batch.len() >= self.events || bytes >= self.bytes;
            if is_full || (batch.len() == before && queue.is_empty()) {
                return batch;
            }
        }
    }
}
