//! Keeps a worker's leases: claims what is due, renews what takes long, gives back what is not sent.

use std::{collections::HashSet, sync::atomic::Ordering, time::Duration};

use tokio::time::Instant;
use tracing::warn;

use super::Worker;
use crate::{
    deliveries::{
        breaker::Permit,
        errands::{Answer, Claimed},
        outlet::{Job, Lane},
    },
    domain::EventId,
    store::StoreError,
};

/// Deliveries claimed at once, at most.
const MAX_CLAIM: u32 = 256;
/// Between two looks for failures that are due again: many small claims cost more than one larger one.
const RETRY_SPACING: Duration = Duration::from_millis(100);
/// With fewer than so many found, nothing waits in the database any more, and hand-overs may begin.
const CAUGHT_UP: usize = 32;
/// How often to look whether something is due that nobody has told of.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// How often to ask whether what waits in memory is still wanted.
const CHECK: Duration = Duration::from_secs(1);

impl Worker {
    pub(super) fn start_claim(&mut self, now: Instant) {
        let has_room_for_backlog = self.queue.waiting(Lane::Backlog) < self.enough;
        let refill_backlog = self.backlog_left_out && has_room_for_backlog;
        let retry_is_due = self.retry_look().is_some_and(|at| at <= now);
        let is_time = self.look_at <= now || refill_backlog || retry_is_due;
        let records_fail = self.claimant.records_fail.load(Ordering::Relaxed);
        if self.claiming || !is_time || records_fail {
            return;
        }
        let (most, lanes) = match self.breaker.permit(now) {
            Permit::All => (MAX_CLAIM, [true, true]),
            Permit::Probe if self.queue.len() == 0 => (1, self.queue.lanes_to_probe()),
            _ => return,
        };
        let has_enough = |lane| self.queue.waiting(lane) >= self.enough;
        // However full one lane is, the other is looked at.
        let outlet = &self.claimant.outlet;
        let fresh = (lanes[0] && !has_enough(Lane::Fresh))
            .then(|| outlet.fresh.reserve(most))
            .flatten();
        self.backlog_left_out = has_enough(Lane::Backlog);
        let backlog = (lanes[1] && !self.backlog_left_out)
            .then(|| outlet.backlog.reserve(most))
            .flatten();
        if fresh.is_none() && backlog.is_none() {
            return;
        }
        self.claiming = true;
        self.claimed_at = Some(now);
        if retry_is_due {
            self.retry_at = None;
        }
        self.look_at = now + LOOK;
        let claim = self.claimant.clone().claim(fresh, backlog, most == 1);
        self.errands.spawn(claim);
    }

    /// When to look for the first failure that is due again.
    pub(super) fn retry_look(&self) -> Option<Instant> {
        let retry_at = self.retry_at?;
        let not_before = self.claimed_at.map(|claimed_at| claimed_at + RETRY_SPACING);
        Some(not_before.map_or(retry_at, |not_before| retry_at.max(not_before)))
    }

    /// Renews the leases that have used up a third of their time: most deliveries never need it.
    pub(super) fn start_renewal(&mut self, now: Instant) {
        if self.renewing || self.renew_at > now {
            return;
        }
        let term = self.claimant.term;
        self.renew_at = now + term / 6;
        let ending = self
            .leases
            .iter()
            .filter(|(_, until)| **until < now + term * 2 / 3);
        let events: Vec<EventId> = ending.map(|(event, _)| *event).collect();
        if events.is_empty() {
            return;
        }
        self.renewing = true;
        self.errands.spawn(self.claimant.clone().renew(events));
    }

    /// What waits in memory for long may have been cancelled meanwhile.
    pub(super) fn start_check(&mut self, now: Instant) {
        if self.renewing || self.check_at > now {
            return;
        }
        self.check_at = now + CHECK;
        let Some(before) = now.checked_sub(CHECK) else {
            return;
        };
        let events = self.queue.leased_before(before, self.claimant.term);
        if !events.is_empty() {
            self.renewing = true;
            self.errands.spawn(self.claimant.clone().check(events));
        }
    }

    /// Waiting for the answer of an errand that has panicked would be the sink's end.
    pub(super) fn hear_or_go_on(&mut self, answer: Option<Answer>) {
        if let Some(answer) = answer {
            self.hear(answer);
        } else {
            (self.claiming, self.renewing) = (false, false);
        }
    }

    fn hear(&mut self, answer: Answer) {
        match answer {
            Answer::Claimed(Ok(claimed)) => {
                self.note_database(None);
                self.claiming = false;
                self.take_up(claimed);
            }
            Answer::Claimed(Err(error)) => {
                self.claiming = false;
                self.note_database(Some(&error));
            }
            Answer::Renewed { asked, until, held } => {
                self.renewing = false;
                match held {
                    Ok(held) => self.renewed(&asked, &held, until),
                    Err(error) => self.note_database(Some(&error)),
                }
            }
            Answer::Released(Ok(())) => {}
            // They run out by themselves.
            Answer::Released(Err(error)) => self.note_database(Some(&error)),
        }
    }

    pub(super) fn take_up(&mut self, claimed: Claimed) {
        if !claimed.jobs.is_empty() {
            // There may be more.
            self.look_at = Instant::now();
        }
        let outlet = &self.claimant.outlet;
        let caught_up = claimed.fresh.is_some_and(|fresh| fresh < CAUGHT_UP);
        if caught_up && self.breaker.is_closed() && !outlet.in_order {
            outlet.set_keeps_up(true);
        }
        for job in claimed.jobs {
            let event = job.event.summary.id;
            self.leases.insert(event, job.leased_until);
            // With a lease that ran out while it was sent, it is ours once more and needs no second call.
            if !self.under_way.contains(&event) {
                self.queue.push(job);
            }
        }
    }

    fn renewed(&mut self, asked: &[EventId], held: &[EventId], until: Option<Instant>) {
        for event in held {
            if let (Some(lease), Some(until)) = (self.leases.get_mut(event), until) {
                *lease = until;
            }
        }
        let held: HashSet<&EventId> = held.iter().collect();
        let lost: HashSet<&EventId> = asked.iter().filter(|event| !held.contains(event)).collect();
        for event in &lost {
            self.leases.remove(event);
        }
        // What is under way cannot be called back; the rest is somebody else's, or cancelled.
        self.queue.take(|job| lost.contains(&job.event.summary.id));
    }

    /// Gives jobs back to the database.
    pub(super) fn release(&mut self, jobs: &[Job]) {
        if jobs.is_empty() {
            return;
        }
        let events: Vec<EventId> = jobs.iter().map(|job| job.event.summary.id).collect();
        for event in &events {
            self.leases.remove(event);
        }
        self.errands.spawn(self.claimant.clone().release(events));
    }

    pub(super) fn note_database(&mut self, error: Option<&StoreError>) {
        if let Some(error) = error
            && !self.database_fails
        {
            warn!(
                sink.name = %self.name,
                ?error,
                "the database cannot be asked for deliveries; trying again"
            );
        }
        self.database_fails = error.is_some();
    }
}
