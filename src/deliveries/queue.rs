//! What a worker has to send: fresh deliveries, and those that have failed, each in order of arrival.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::outlet::{Job, Lane};
use crate::domain::EventId;

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

    /// One job, to see whether the sink takes it. The lanes take turns.
    pub(super) fn next_probe(&mut self) -> Option<Vec<Job>> {
        let other = match self.last {
            Lane::Fresh => Lane::Backlog,
            Lane::Backlog => Lane::Fresh,
        };
        let (job, lane) = match (self.lane(other).pop_front(), other) {
            (Some(job), lane) => (job, lane),
            (None, _) => (self.lane(self.last).pop_front()?, self.last),
        };
        self.last = lane;
        Some(vec![job])
    }

    /// Whether the fresh and the backlog are to be asked for a probe: one after the other, so that nothing else
    /// has to work for what has failed to be tried again.
    pub(super) fn lanes_to_probe(&mut self) -> [bool; 2] {
        self.last = match self.last {
            Lane::Fresh => Lane::Backlog,
            Lane::Backlog => Lane::Fresh,
        };
        [self.last == Lane::Fresh, self.last == Lane::Backlog]
    }

    /// Those that wait on a lease taken before that time.
    pub(super) fn leased_before(&self, time: Instant, term: Duration) -> Vec<EventId> {
        let jobs = self.fresh.iter().chain(&self.backlog);
        let old = jobs.filter(|job| job.leased_until < time + term);
        old.map(|job| job.event.summary.id).collect()
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
