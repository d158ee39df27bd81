//! Gets events into the database, and their deliveries on their way; tells apart what the database refuses.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};
use tracing::debug;

use super::Outbox;
use crate::{
    domain::{EventId, Insertion, NewEvent},
    metrics,
    store::{Store, StoreError},
};

/// Between two tries of a batch that the database was not there for.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// When so many events alone are not taken, and none is, it is not because of what is in them.
const SUSPECTS: usize = 3;

/// The way into the database, for what was just received and for what comes out of the spool.
#[derive(Clone)]
pub(super) struct Inserter {
    pub(super) store: Arc<dyn Store>,
    pub(super) outbox: Arc<dyn Outbox>,
}

/// How hard to try.
#[derive(Debug, Clone, Copy)]
pub(super) enum Effort {
    /// Again and again until then.
    Until(Instant),
    /// Once, and no longer than until then.
    OnceUntil(Instant),
}

/// What is not in the database, each with its place in the batch, and why.
#[derive(Debug, Default)]
pub(super) struct Leftover {
    /// The database will never take these, for the reason given.
    pub(super) refused: Vec<(usize, NewEvent, String)>,
    /// The database does not take these now.
    pub(super) untaken: Vec<(usize, NewEvent)>,
    /// Why not.
    pub(super) cause: Option<StoreError>,
}

enum Fate {
    Stored(EventId),
    WasThere,
    Refused(String),
    Untaken,
}

impl Inserter {
    /// Inserts the events and hands their deliveries over. Each insertion is told at once, with its place.
    pub(super) async fn insert(
        &self,
        mut events: Vec<NewEvent>,
        effort: Effort,
        mut inserted: impl FnMut(usize, Insertion),
    ) -> Leftover {
        for event in &mut events {
            self.outbox.before_commit(event);
        }
        let mut fates: Vec<Fate> = events.iter().map(|_| Fate::Untaken).collect();
        let mut leftover = Leftover::default();
        let mut suspects = Vec::new();
        let mut any_inserted = false;
        let mut parts = vec![(0, &*events)];
        while let Some((start, part)) = parts.pop() {
            let error = match self.insert_part(part, effort).await {
                Ok(insertions) => {
                    any_inserted = true;
                    for (index, insertion) in (start..).zip(insertions) {
                        fates[index] = match insertion {
                            Insertion::Stored(id) => Fate::Stored(id),
                            Insertion::Duplicate(_) => Fate::WasThere,
                        };
                        inserted(index, insertion);
                    }
                    continue;
                }
                Err(error) => error,
            };
            let may_be_a_row =
                matches!(error, StoreError::Refused(_) | StoreError::Misconfigured(_));
            if !may_be_a_row {
                leftover.cause = Some(error);
                break;
            }
            if part.len() > 1 {
                // Halved until the row that is to blame stands alone, so that it takes none of the others along.
                let (left, right) = part.split_at(part.len() / 2);
                parts.extend([(start + left.len(), right), (start, left)]);
                continue;
            }
            if matches!(error, StoreError::Refused(_)) {
                fates[start] = Fate::Refused(format!("{error:?}"));
                continue;
            }
            // The database, or this row, at which somebody's trigger stumbles: that shows by the others.
            suspects.push((start, format!("{error:?}")));
            leftover.cause = Some(error);
            if !any_inserted && suspects.len() == SUSPECTS {
                // One more, from the other end: three of a kind may come one after the other.
                let Some((start, part)) = parts.first_mut().filter(|(_, part)| part.len() > 1)
                else {
                    break;
                };
                let (rest, last) = part.split_at(part.len() - 1);
                let last = (*start + rest.len(), last);
                *part = rest;
                parts.push(last);
            } else if !any_inserted && suspects.len() > SUSPECTS {
                break;
            }
        }
        if any_inserted
            && leftover
                .cause
                .take_if(|cause| cause.may_be_a_row())
                .is_some()
        {
            for (index, why) in suspects {
                fates[index] = Fate::Refused(why);
            }
        }
        for (index, (mut event, fate)) in events.into_iter().zip(fates).enumerate() {
            if let Fate::Stored(id) = fate {
                self.outbox.after_commit(id, event);
                continue;
            }
            // The leases on them end here.
            event.deliveries.clear();
            match fate {
                Fate::Stored(_) | Fate::WasThere => {}
                Fate::Refused(why) => leftover.refused.push((index, event, why)),
                Fate::Untaken => leftover.untaken.push((index, event)),
            }
        }
        leftover
    }

    async fn insert_part(
        &self,
        events: &[NewEvent],
        effort: Effort,
    ) -> Result<Vec<Insertion>, StoreError> {
        let started = Instant::now();
        let (Effort::Until(end) | Effort::OnceUntil(end)) = effort;
        loop {
            let commit = timeout_at(end, self.store.insert_events(events)).await;
            let error = match commit {
                Ok(Ok(insertions)) => {
                    metrics::commit_seconds(started.elapsed());
                    return Ok(insertions);
                }
                Ok(Err(error)) => error,
                Err(_) => StoreError::Hanging,
            };
            let again = matches!(effort, Effort::Until(_))
                && error.is_transient()
                && Instant::now() + RETRY_PAUSE < end;
            if !again {
                return Err(error);
            }
            debug!(?error, "commit failed, trying again");
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }
}
