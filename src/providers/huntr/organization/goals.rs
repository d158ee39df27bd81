//! Goals: so many applications a week, who takes part, and how each week goes.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    ObjectId,
    categories::named,
    history::By,
    world::{Draft, World, seconds},
};
use crate::domain::Timestamp;

/// The goals and who takes part; the typed tables know nothing of them, so they are no part of the history.
#[derive(Default)]
pub(super) struct Goals {
    goals: Vec<Goal>,
    enrollments: Vec<Enrollment>,
}

struct Goal {
    id: ObjectId,
    name: String,
    target: u32,
}

struct Enrollment {
    id: ObjectId,
    goal: usize,
    member: usize,
    week: Option<Week>,
    weeks: u32,
}

#[derive(Clone, Copy)]
struct Week {
    id: ObjectId,
    starts_at: Timestamp,
    count: u32,
}

impl World {
    pub(super) fn set_goals(&mut self) {
        for target in [3, 5] {
            self.plan_in_days(0..=0, Self::set_goal, target);
        }
    }

    fn set_goal(&mut self, target: usize) {
        let goal = Goal {
            id: self.id(),
            name: format!("{target} applications a week"),
            target: u32::try_from(target).unwrap_or_default(),
        };
        let number = self.goals.goals.len();
        self.goals.goals.push(goal);
        self.tell_of_goal("GOAL_CREATED", number, None);
        self.plan_in_days(10..=20, Self::edit_goal, number);
    }

    fn edit_goal(&mut self, goal: usize) {
        let name = format!("Every week: {}", self.goals.goals[goal].name);
        let update = json!({ "name": name });
        self.goals.goals[goal].name = name;
        self.tell_of_goal("GOAL_UPDATED", goal, Some(update));
    }

    fn tell_of_goal(&mut self, kind: &'static str, goal: usize, update: Option<Value>) {
        let draft = Draft {
            kind,
            by: By::Advisor(0),
            update,
            ..Draft::default()
        };
        let goal = self.goals.goals[goal].to_json();
        self.tell(&draft.with("goal", goal));
    }

    pub(super) fn enroll(&mut self, member: usize) {
        if self.history.members[member].is_gone() || self.goals.goals.is_empty() {
            return;
        }
        let enrollment = Enrollment {
            id: self.id(),
            goal: self.dice.index(self.goals.goals.len()),
            member,
            week: None,
            weeks: self.dice.between(2..=8),
        };
        let number = self.goals.enrollments.len();
        self.goals.enrollments.push(enrollment);
        let by = self.an_advisor(member);
        self.tell_of_enrollment("GOAL_ENROLLMENT_CREATED", number, by, None);
        self.plan_in_days(1..=7, Self::begin_week, number);
    }

    fn begin_week(&mut self, enrollment: usize) {
        let member = self.goals.enrollments[enrollment].member;
        if self.history.members[member].is_gone() {
            return;
        }
        let week = Week {
            id: self.id(),
            starts_at: self.now,
            count: 0,
        };
        self.goals.enrollments[enrollment].week = Some(week);
        self.tell_of_week("GOAL_PROGRESS_IN_PROGRESS", enrollment, "IN_PROGRESS");
        for day in 1..=self.dice.between(0..=3) {
            self.plan_in_days(day..=day, Self::count, enrollment);
        }
        self.plan_in(TimeDelta::days(7), Self::end_week, enrollment);
    }

    fn count(&mut self, enrollment: usize) {
        let known = &mut self.goals.enrollments[enrollment];
        let Some(week) = known.week.as_mut() else {
            return;
        };
        week.count += 1;
        self.tell_of_week("GOAL_PROGRESS_UPDATED", enrollment, "IN_PROGRESS");
    }

    fn end_week(&mut self, enrollment: usize) {
        let known = &mut self.goals.enrollments[enrollment];
        let Some(week) = known.week else {
            return;
        };
        let leaves = self.dice.percent(4);
        known.weeks = if leaves { 0 } else { known.weeks - 1 };
        let is_last = known.weeks == 0;
        let target = self.goals.goals[known.goal].target;
        if leaves {
            self.tell_of_week("GOAL_PROGRESS_UNENROLLED", enrollment, "UNENROLLED");
        } else if week.count >= target {
            self.tell_of_week("GOAL_PROGRESS_COMPLETED", enrollment, "COMPLETE");
        } else {
            self.tell_of_week("GOAL_PROGRESS_INCOMPLETE", enrollment, "INCOMPLETE");
        }
        self.goals.enrollments[enrollment].week = None;
        if is_last {
            let by = self.an_advisor(self.goals.enrollments[enrollment].member);
            let update = json!({ "status": "CONCLUDED" });
            self.tell_of_enrollment("GOAL_ENROLLMENT_CONCLUDED", enrollment, by, Some(update));
        } else {
            self.plan_in_days(0..=1, Self::begin_week, enrollment);
        }
    }

    fn tell_of_week(&mut self, kind: &'static str, enrollment: usize, status: &str) {
        let known = &self.goals.enrollments[enrollment];
        let Some(week) = known.week else {
            return;
        };
        let target = self.goals.goals[known.goal].target;
        let progress = json!({
            "id": week.id,
            "goalId": self.goals.goals[known.goal].id,
            "goalEnrollmentId": known.id,
            "status": status,
            "progressIndex": known.weeks,
            "objectiveNumericCount": week.count,
            "objectiveNumericTarget": target,
            "objectiveEntity": "Activity",
            "objectiveActivityIds": [],
            "objectiveJobIds": [],
            "objectiveContactIds": [],
            "start": seconds(week.starts_at),
            "end": seconds(week.starts_at + TimeDelta::days(7)),
        });
        let update = json!({ "status": status, "objectiveNumericCount": week.count });
        let draft = self.enrollment_draft(kind, enrollment, By::Workflow, Some(update));
        self.tell(&draft.with("goalProgress", progress));
    }

    fn tell_of_enrollment(
        &mut self,
        kind: &'static str,
        enrollment: usize,
        by: By,
        update: Option<Value>,
    ) {
        let draft = self.enrollment_draft(kind, enrollment, by, update);
        self.tell(&draft);
    }

    fn enrollment_draft(
        &self,
        kind: &'static str,
        enrollment: usize,
        by: By,
        update: Option<Value>,
    ) -> Draft {
        let known = &self.goals.enrollments[enrollment];
        let goal = &self.goals.goals[known.goal];
        let person = &self.history.members[known.member].person;
        let value = json!({
            "id": known.id,
            "goalId": goal.id,
            "status": if known.weeks == 0 { "CONCLUDED" } else { "ACTIVE" },
            "ownerMember": {
                "id": person.id,
                "givenName": person.given_name,
                "familyName": person.family_name,
                "email": person.email,
                "createdAt": seconds(person.created_at),
            },
        });
        let draft = Draft {
            kind,
            by,
            member: Some(known.member),
            update,
            ..Draft::default()
        };
        draft
            .with("goal", goal.to_json())
            .with("goalEnrollment", value)
    }
}

impl Goal {
    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "status": "ACTIVE",
            "scheduleType": "RECURRING",
            "objectiveEntity": "Activity",
            "objectiveTargetType": "NUMERIC",
            "objectiveEntityConditions": [
                { "operator": "IS_IN", "key": "_activityCategory", "value": [named("Apply").id] },
            ],
            "objectiveNumericTarget": self.target,
            "enrollmentType": "MANUAL",
        })
    }
}
