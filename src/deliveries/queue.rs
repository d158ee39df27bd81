//! What a worker has to send: fresh deliveries, and those that have failed, each in order of arrival.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::outlet::{Job, Lane};

#[derive(Debug)]
pub(super) struct Queue {
    fresh: VecDeque<Job>,
    backlog: VecDeque<Job>,
    /// How many jobs a batch has at most.
    max_batch: usize,
    /// The lane that was served last: where both wait, they take turns.
    last: Lane,
}

impl Queue {
    pub(super) fn new(max_batch: usize) -> Self {
        Self {
            fresh: VecDeque::new(),
            backlog: VecDeque::new(),
            max_batch: max_batch.max(1),
            last: Lane::Backlog,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.fresh.len() + self.backlog.len()
    }

    /// How many of one lane wait.
    pub(super) fn waiting(&self, lane: Lane) -> usize {
        match lane {
            Lane::Fresh => self.fresh.len(),
            Lane::Backlog => self.backlog.len(),
        }
    }

    pub(super) fn push(&mut self, job: Job) {
        match job.lane {
            Lane::Fresh => self.fresh.push_back(job),
            Lane::Backlog => self.backlog.push_back(job),
        }
    }

    /// The next batch, all of one lane. `spare_backlog` says whether the backlog may have another call.
    pub(super) fn next(&mut self, spare_backlog: bool, now: Instant) -> Option<Vec<Job>> {
        let fresh = self.is_ready(Lane::Fresh, now);
        let backlog = spare_backlog && self.is_ready(Lane::Backlog, now);
        self.last = match (fresh, backlog) {
            (true, true) if self.last == Lane::Fresh => Lane::Backlog,
            (true, _) => Lane::Fresh,
            (false, true) => Lane::Backlog,
            (false, false) => return None,
        };
        let max_batch = self.max_batch;
        let lane = self.lane(self.last);
        let count = lane.len().min(max_batch);
        Some(lane.drain(..count).collect())
    }

    /// One job, to see whether the sink takes it.
    pub(super) fn next_probe(&mut self) -> Option<Vec<Job>> {
        let job = self
            .fresh
            .pop_front()
            .or_else(|| self.backlog.pop_front())?;
        Some(vec![job])
    }

    /// When the next batch has gathered for long enough.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let firsts = [self.fresh.front(), self.backlog.front()];
        firsts.into_iter().flatten().map(|job| job.ready_at).min()
    }

    /// Takes out all that match.
    pub(super) fn take(&mut self, is_meant: impl Fn(&Job) -> bool) -> Vec<Job> {
        let mut taken = Vec::new();
        for lane in [&mut self.fresh, &mut self.backlog] {
            let (out, rest): (VecDeque<_>, VecDeque<_>) =
                std::mem::take(lane).into_iter().partition(&is_meant);
            taken.extend(out);
            *lane = rest;
        }
        taken
    }

    fn is_ready(&self, lane: Lane, now: Instant) -> bool {
        let lane = match lane {
            Lane::Fresh => &self.fresh,
            Lane::Backlog => &self.backlog,
        };
        let first = lane.front();
        first.is_some_and(|first| lane.len() >= self.max_batch || first.ready_at <= now)
    }

    fn lane(&mut self, lane: Lane) -> &mut VecDeque<Job> {
        match lane {
            Lane::Fresh => &mut self.fresh,
            Lane::Backlog => &mut self.backlog,
        }
    }
}
