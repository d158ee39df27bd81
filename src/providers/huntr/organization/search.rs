//! Members look for jobs and put them on their boards.

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::{
    Job, Salary,
    boards::Role,
    words,
    world::{Draft, World, seconds},
};

impl World {
    /// Adds a job or a few, and plans the next day of searching.
    pub(super) fn add_job(&mut self, member: usize) {
        let state = &self.history.members[member];
        if state.is_gone() || state.placed_at.is_some() {
            return;
        }
        let energy = state.energy;
        let job = self.find(member);
        self.add(job);
        self.follow(job);
        if self.dice.percent(30 + 8 * energy) {
            let soon = self.dice.seconds(120..=3_600);
            self.plan_in(soon, Self::add_job, member);
        } else if self.dice.percent(80 + 4 * energy) {
            let pause = 9 - 2 * energy;
            self.plan_in_days(1..=pause.max(2), Self::add_job, member);
        }
    }

    fn find(&mut self, member: usize) -> usize {
        let employer = self.employer();
        let title = self.dice.pick(&words::TITLES);
        let has_title = self.dice.percent(85);
        let has_salary = self.dice.percent(45);
        let board = self.history.members[member].board;
        let applied = board.list(Role::Applied).unwrap_or_default();
        let list = if self.dice.percent(70) {
            self.dice.index(applied)
        } else {
            applied
        };
        let job = Job {
            id: self.id(),
            member,
            employer,
            title: has_title.then_some(title),
            salary: has_salary.then(|| self.salary()),
            url: self.dice.percent(60).then(|| self.url(employer)),
            deadline_at: None,
            created_at: self.now,
            created_by: self.somebody(member),
            moves: Vec::new(),
            deleted_at: None,
            list,
            place: self
                .dice
                .percent(60)
                .then(|| self.dice.index(words::PLACES.len())),
        };
        self.history.jobs.push(job);
        self.history.jobs.len() - 1
    }

    fn add(&mut self, job: usize) {
        let Job {
            list, created_by, ..
        } = self.history.jobs[job];
        self.come_to(job, None, list, "JOB_CREATED", created_by);
    }

    /// What may come of a job, besides its way over the board.
    fn follow(&mut self, job: usize) {
        self.plan_in_days(1..=9, Self::advance, job);
        let is_placeholder = self.history.jobs[job].title.is_none();
        self.perhaps(
            if is_placeholder { 90 } else { 40 },
            0..=3,
            Self::detail_job,
            job,
        );
        self.perhaps(30, 0..=15, Self::write, job);
        self.perhaps(18, 1..=20, Self::meet, job);
        self.perhaps(6, 5..=60, Self::delete_job, job);
        for _ in 0..self.dice.between(0..=5) {
            self.plan_in_days(0..=25, Self::act, job);
        }
    }

    /// A title for a job without one, and what else is found out.
    fn detail_job(&mut self, job: usize) {
        let known = &self.history.jobs[job];
        let (member, employer) = (known.member, known.employer);
        if self.is_over(job) {
            return;
        }
        let mut update = Map::new();
        if known.title.is_none() {
            let title = self.dice.pick(&words::TITLES);
            self.history.jobs[job].title = Some(title);
            update.insert("title".into(), json!(title));
        }
        if self.dice.percent(50) {
            let salary = self.salary();
            update.insert("salary".into(), json!(salary.text));
            self.history.jobs[job].salary = Some(salary);
        }
        if self.dice.percent(50) {
            let url = self.url(employer);
            update.insert("url".into(), json!(url));
            self.history.jobs[job].url = Some(url);
        }
        if update.is_empty() || self.dice.percent(10) {
            let deadline = self.now + TimeDelta::days(14);
            update.insert("deadline".into(), seconds(deadline));
            self.history.jobs[job].deadline_at = Some(deadline);
        }
        let draft = Draft {
            kind: "JOB_UPDATED",
            by: self.somebody(member),
            update: Some(Value::Object(update)),
            ..self.about(job)
        };
        self.tell(&draft);
    }

    fn delete_job(&mut self, job: usize) {
        if self.is_over(job) {
            return;
        }
        self.history.jobs[job].deleted_at = Some(self.now);
        let draft = Draft {
            kind: "JOB_DELETED",
            ..self.about(job)
        };
        self.tell(&draft);
    }

    /// Whether nothing more is said of a job.
    pub(super) fn is_over(&self, job: usize) -> bool {
        let job = &self.history.jobs[job];
        job.deleted_at.is_some() || self.history.members[job.member].is_gone()
    }

    /// An Action about a job, or about something that belongs to it.
    pub(super) fn about(&self, job: usize) -> Draft {
        Draft {
            member: Some(self.history.jobs[job].member),
            job: Some(job),
            ..Draft::default()
        }
    }

    /// In one of the ways in which people write it.
    pub(super) fn salary(&mut self) -> Salary {
        let thousands = self.dice.between(45..=150);
        let amount = f64::from(thousands) * 1000.0;
        let flat = Some((amount, amount));
        let upto = |more: u32| Some((amount, f64::from(thousands + more) * 1000.0));
        let (text, range) = match self.dice.between(0..=10) {
            0 | 1 => (format!("${thousands}k"), flat),
            2 | 3 => (format!("${thousands},000"), flat),
            4 => (
                format!("{thousands},000 - {},000 USD", thousands + 15),
                upto(15),
            ),
            5 => (format!("€{thousands}.000"), flat),
            6 => (format!("{thousands}–{}k €", thousands + 6), upto(6)),
            7 => (format!("CHF {thousands}'000"), flat),
            8 => (format!("{thousands}K + equity"), flat),
            9 => {
                let hourly = f64::from(thousands / 2) + 0.5;
                (format!("${hourly:.2}/hr"), Some((hourly, hourly)))
            }
            _ => ("competitive".to_owned(), None),
        };
        Salary { text, range }
    }

    fn url(&mut self, employer: usize) -> String {
        let number = self.dice.between(1000..=99_999);
        let domain = self.history.employers[employer].domain.as_deref();
        let domain = domain.unwrap_or("jobs.example.com");
        let scheme = if self.dice.percent(85) {
            "https://"
        } else {
            ""
        };
        format!("{scheme}{domain}/careers/{number}")
    }
}
