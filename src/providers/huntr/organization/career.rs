//! Jobs go their way over the board: applications, interviews, offers, answers.

use serde_json::json;

use super::{
    Move,
    activities::Doing,
    boards::Role,
    categories,
    history::By,
    world::{Draft, World},
};
use crate::domain::Timestamp;

impl World {
    /// Puts a job into a list, and lets the workflow make what goes with it.
    pub(super) fn come_to(
        &mut self,
        job: usize,
        from: Option<usize>,
        to: usize,
        kind: &'static str,
        by: By,
    ) {
        self.history.jobs[job].list = to;
        let draft = Draft {
            kind,
            by,
            from,
            to: Some(to),
            ..self.about(job)
        };
        let action = self.tell(&draft);
        let lists = self.history.members[self.history.jobs[job].member]
            .board
            .lists;
        self.history.jobs[job].moves.push(Move {
            action,
            at: self.now,
            from: from.map(|from| &lists[from]),
            to: &lists[to],
        });
        if lists[to].workflow().is_some() {
            let soon = self.dice.seconds(10..=90);
            self.plan_in(soon, Self::workflow, job);
        }
    }

    /// The activity of the stage, dated back to when the job came there.
    fn workflow(&mut self, job: usize) {
        let Some(Move { at, to, .. }) = self.history.jobs[job].moves.last().copied() else {
            return;
        };
        if let Some(category) = to.workflow()
            && !self.is_over(job)
        {
            self.act_for(job, category, Doing::workflow(at));
        }
    }

    fn move_to(&mut self, job: usize, to: usize) {
        let known = &self.history.jobs[job];
        let (from, member) = (known.list, known.member);
        let by = self.somebody(member);
        self.come_to(job, Some(from), to, "JOB_MOVED", by);
    }

    /// Decides how it goes on with a job that is in no final list.
    pub(super) fn advance(&mut self, job: usize) {
        if self.is_over(job) || self.rests(job) {
            return;
        }
        let known = &self.history.jobs[job];
        let list = known.list;
        let board = self.history.members[known.member].board;
        let chance = self.dice.between(0..=99);
        match board.lists[list].role {
            Role::Lead if chance < 62 => self.go_on(job),
            Role::Applied | Role::Talk => match chance {
                0..46 => self.go_on(job),
                46..70 => self.be_rejected(job),
                70..75 => self.go_back(job),
                75..80 => self.withdraw(job),
                _ => {}
            },
            // The rest stay where they are.
            _ => {}
        }
    }

    /// Those who have found a job pursue few others.
    fn rests(&mut self, job: usize) -> bool {
        let member = self.history.jobs[job].member;
        let is_placed = self.history.members[member].placed_at.is_some();
        is_placed && self.dice.percent(75)
    }

    /// To the next list or one further.
    fn go_on(&mut self, job: usize) {
        let known = &self.history.jobs[job];
        let (list, board) = (known.list, self.history.members[known.member].board);
        let skips = usize::from(self.dice.percent(35));
        let next = (list + 1 + skips).min(board.steps());
        let is_offer = board.lists[next].role == Role::Offer;
        if is_offer && self.dice.percent(12) {
            // Noted, but not moved.
            self.act_for(job, "Offer Received", Doing::done());
        } else {
            self.move_to(job, next);
        }
        if is_offer {
            self.plan_in_days(1..=12, Self::answer, job);
        } else {
            self.plan_in_days(2..=12, Self::advance, job);
        }
    }

    fn go_back(&mut self, job: usize) {
        let list = self.history.jobs[job].list;
        self.move_to(job, list.saturating_sub(1));
        self.plan_in_days(2..=12, Self::advance, job);
    }

    /// A list for it, an activity, or both.
    fn end_in(&mut self, job: usize, role: Role, category: &'static str, noted: u32) {
        let member = self.history.jobs[job].member;
        let list = self.history.members[member].board.list(role);
        if let Some(list) = list {
            self.move_to(job, list);
        }
        let by_workflow = list.is_some_and(|list| {
            let lists = self.history.members[member].board.lists;
            lists[list].workflow().is_some()
        });
        if list.is_none() || !by_workflow && self.dice.percent(noted) {
            self.act_for(job, category, Doing::done());
        }
    }

    fn be_rejected(&mut self, job: usize) {
        self.end_in(job, Role::Rejected, "Rejected", 40);
    }

    fn withdraw(&mut self, job: usize) {
        self.end_in(job, Role::Withdrawn, "Application Withdrawn", 100);
    }

    /// Accepts an offer, declines it, hears that it is taken back, or lets it wait.
    fn answer(&mut self, job: usize) {
        let member = self.history.jobs[job].member;
        if self.is_over(job) {
            return;
        }
        let is_placed = self.history.members[member].placed_at.is_some();
        match self.dice.between(0..=99) {
            0..55 if !is_placed => self.accept(job),
            0..80 => self.end_in(job, Role::Declined, "Decline Offer", 0),
            80..86 => self.be_rejected(job),
            _ => {}
        }
    }

    fn accept(&mut self, job: usize) {
        let member = self.history.jobs[job].member;
        self.history.members[member].placed_at = Some(self.now);
        self.end_in(job, Role::Accepted, "Accept Offer", 0);
        if self.history.jobs[job].salary.is_none() && self.dice.percent(60) {
            self.name_salary(job);
        }
        self.perhaps(65, 3..=20, Self::deactivate, member);
    }

    fn name_salary(&mut self, job: usize) {
        let salary = self.salary();
        let draft = Draft {
            kind: "JOB_UPDATED",
            update: Some(json!({ "salary": salary.text })),
            ..self.about(job)
        };
        self.history.jobs[job].salary = Some(salary);
        self.tell(&draft);
    }

    /// Something is done for a job, or planned.
    pub(super) fn act(&mut self, job: usize) {
        if self.is_over(job) || self.rests(job) {
            return;
        }
        let known = &self.history.jobs[job];
        let role = self.history.members[known.member].board.lists[known.list].role;
        let category = match role {
            Role::Lead if self.dice.percent(10) => "Apply",
            Role::Applied | Role::Talk if self.dice.percent(25) => {
                self.dice.pick(&categories::INTERVIEWS)
            }
            _ => self.dice.pick(&categories::CHORES),
        };
        let doing = self.some_doing();
        self.act_for(job, category, doing);
    }
}

/// When something began that the workflow notes.
impl Doing {
    fn workflow(moved_at: Timestamp) -> Self {
        Self {
            by: Some(By::Workflow),
            start_at: Some(moved_at),
            ..Self::done()
        }
    }
}
