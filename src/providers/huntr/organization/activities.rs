//! What members do, or plan to do: noted, put off, done, deleted.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    Activity, categories,
    history::By,
    words,
    world::{Draft, World, seconds},
};
use crate::domain::Timestamp;

/// When, and whether it is done.
#[derive(Clone, Copy)]
pub(super) struct Doing {
    pub(super) by: Option<By>,
    /// Now, if it is done and nothing else is said.
    pub(super) start_at: Option<Timestamp>,
    pub(super) end_at: Option<Timestamp>,
    pub(super) completed: bool,
}

impl Doing {
    pub(super) fn done() -> Self {
        Self {
            by: None,
            start_at: None,
            end_at: None,
            completed: true,
        }
    }
}

impl World {
    /// Done now or some days ago, or planned for some day.
    pub(super) fn some_doing(&mut self) -> Doing {
        if self.dice.percent(65) {
            let ago = self.dice.seconds(3_600..=259_200);
            let long_ago = (self.now - ago).max(self.history.starts_at);
            let start_at = self.dice.percent(15).then_some(long_ago);
            return Doing {
                start_at,
                ..Doing::done()
            };
        }
        let start_at = self.some_day(1..=9);
        let takes = self.dice.seconds(1_800..=7_200);
        Doing {
            by: None,
            start_at: Some(start_at),
            end_at: self.dice.percent(60).then_some(start_at + takes),
            completed: false,
        }
    }

    pub(super) fn act_for(&mut self, job: usize, category: &'static str, doing: Doing) {
        let member = self.history.jobs[job].member;
        self.note_activity(member, Some(job), category, doing);
    }

    pub(super) fn act_alone(&mut self, member: usize) {
        if self.history.members[member].is_gone() {
            return;
        }
        let alone = ["Networking Event", "Prep Resume", "Meeting", "Other"];
        let category = self.dice.pick(&alone);
        let doing = self.some_doing();
        self.note_activity(member, None, category, doing);
    }

    fn note_activity(
        &mut self,
        member: usize,
        job: Option<usize>,
        category: &'static str,
        doing: Doing,
    ) {
        let by = doing.by.unwrap_or_else(|| self.somebody(member));
        let start_at = doing.start_at.unwrap_or(self.now);
        let is_by_workflow = by == By::Workflow;
        let done_at = if is_by_workflow { start_at } else { self.now };
        let note = if is_by_workflow {
            ""
        } else {
            self.dice.pick(&words::ACTIVITY_NOTES)
        };
        let activity = Activity {
            id: self.id(),
            member,
            job,
            category: categories::named(category),
            completed: doing.completed,
            start_at: Some(start_at),
            end_at: doing.end_at,
            completed_at: doing.completed.then_some(done_at),
            created_at: self.now,
            created_by: by,
            deleted_at: None,
            note,
        };
        let number = self.history.activities.len();
        self.history.activities.push(activity);
        self.tell_of_activity("ACTIVITY_CREATED", number, by, None);
        if !doing.completed {
            self.plan_the_rest(number, start_at);
        }
        self.perhaps(3, 0..=10, Self::delete_activity, number);
    }

    /// Some of what is planned is put off, some is never done.
    fn plan_the_rest(&mut self, activity: usize, start_at: Timestamp) {
        if self.dice.percent(20) {
            let early = (start_at - TimeDelta::hours(5)).max(self.now + TimeDelta::minutes(1));
            self.plan(early, Self::postpone, activity);
        } else if self.dice.percent(70) {
            let after = self.dice.seconds(600..=90_000);
            self.plan(start_at + after, Self::complete, activity);
        }
    }

    fn is_settled(&self, activity: usize) -> bool {
        let activity = &self.history.activities[activity];
        activity.deleted_at.is_some()
            || self.history.members[activity.member].is_gone()
            || activity.job.is_some_and(|job| self.is_over(job))
    }

    fn postpone(&mut self, activity: usize) {
        if self.is_settled(activity) {
            return;
        }
        let later = self.some_day(2..=6);
        let known = &mut self.history.activities[activity];
        known.start_at = Some(later);
        known.end_at = known.end_at.map(|_| later + TimeDelta::hours(1));
        let end_at = known.end_at.map(seconds);
        let member = known.member;
        let mut update = json!({ "startAt": seconds(later) });
        if let Some(end_at) = end_at {
            update["endAt"] = end_at;
        }
        let by = self.somebody(member);
        self.tell_of_activity("ACTIVITY_UPDATED", activity, by, Some(update));
        if self.dice.percent(70) {
            self.plan(later + TimeDelta::hours(2), Self::complete, activity);
        }
    }

    fn complete(&mut self, activity: usize) {
        if self.is_settled(activity) {
            return;
        }
        let known = &mut self.history.activities[activity];
        known.completed = true;
        known.completed_at = Some(self.now);
        let update = json!({ "completed": true, "completedAt": seconds(self.now) });
        self.tell_of_activity("ACTIVITY_UPDATED", activity, By::Owner, Some(update));
    }

    fn delete_activity(&mut self, activity: usize) {
        if self.is_settled(activity) {
            return;
        }
        self.history.activities[activity].deleted_at = Some(self.now);
        self.tell_of_activity("ACTIVITY_DELETED", activity, By::Owner, None);
    }

    fn tell_of_activity(
        &mut self,
        kind: &'static str,
        activity: usize,
        by: By,
        update: Option<Value>,
    ) {
        let known = &self.history.activities[activity];
        let draft = Draft {
            kind,
            by,
            member: Some(known.member),
            job: known.job,
            activity: Some(activity),
            update,
            ..Draft::default()
        };
        self.tell(&draft);
    }
}
