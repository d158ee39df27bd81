//! The organisation while its history unfolds: a clock, chance, what is due, and what has happened.

use std::{collections::BTreeMap, ops::RangeInclusive};

use chrono::{NaiveTime, TimeDelta};
use serde_json::{Map, Value, json};

use super::{
    History, ObjectId, agenda::Agenda, body::render, dice::Dice, goals::Goals, history::By,
    ids::Ids, paperwork::Document, partners::Partners, posts::JobPost,
};
use crate::domain::Timestamp;

pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) dice: Dice,
    pub(super) ids: Ids,
    pub(super) history: History,
    pub(super) agenda: Agenda<Task>,
    /// Bodies on their way.
    pub(super) post: Agenda<String>,
    pub(super) documents: Vec<Document>,
    pub(super) goals: Goals,
    pub(super) partners: Partners,
    pub(super) posts: Vec<JobPost>,
}

/// Something that happens to the member, the job or whatever has that number.
type Act = fn(&mut World, usize);

/// Something that is due.
pub(super) struct Task {
    act: Act,
    on: usize,
}

/// An Action before it has an id and a time. Numbers are places in the lists of the history.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) kind: &'static str,
    pub(super) by: By,
    pub(super) member: Option<usize>,
    pub(super) job: Option<usize>,
    pub(super) employer: Option<usize>,
    pub(super) activity: Option<usize>,
    pub(super) note: Option<usize>,
    pub(super) contact: Option<usize>,
    pub(super) from: Option<usize>,
    pub(super) to: Option<usize>,
    /// The jobs of a contact or a document.
    pub(super) jobs: Option<Vec<usize>>,
    pub(super) update: Option<Value>,
    /// What only some types have.
    pub(super) rest: Map<String, Value>,
}

impl Draft {
    pub(super) fn with(mut self, key: &str, value: Value) -> Self {
        self.rest.insert(key.to_owned(), value);
        self
    }
}

/// What an Action has of the moment.
pub(super) struct Moment {
    pub(super) id: ObjectId,
    pub(super) at: Timestamp,
    /// Whether members are embedded with all that live payloads have.
    pub(super) in_full: bool,
}

impl World {
    pub(super) fn new(seed: u64, starts_at: Timestamp, ends_at: Timestamp) -> Self {
        let mut dice = Dice::new(seed);
        let ids = Ids::new(dice.number());
        let history = History {
            starts_at,
            ends_at,
            advisors: Vec::new(),
            members: Vec::new(),
            employers: Vec::new(),
            jobs: Vec::new(),
            activities: Vec::new(),
            notes: Vec::new(),
            contacts: Vec::new(),
            actions: BTreeMap::new(),
        };
        Self {
            now: starts_at,
            dice,
            ids,
            history,
            agenda: Agenda::default(),
            post: Agenda::default(),
            documents: Vec::new(),
            goals: Goals::default(),
            partners: Partners::default(),
            posts: Vec::new(),
        }
    }

    /// A new id of this moment.
    pub(super) fn id(&mut self) -> ObjectId {
        self.ids.next(self.now)
    }

    /// Plans what is to happen; what would come after the end never does.
    pub(super) fn plan(&mut self, at: Timestamp, act: Act, on: usize) {
        if at <= self.history.ends_at {
            self.agenda.add(at, Task { act, on });
        }
    }

    pub(super) fn plan_in(&mut self, delay: TimeDelta, act: Act, on: usize) {
        self.plan(self.now + delay, act, on);
    }

    /// Plans for one of the next days, at a time when people are awake.
    pub(super) fn plan_in_days(&mut self, days: RangeInclusive<u32>, act: Act, on: usize) {
        let at = self.some_day(days);
        self.plan(at, act, on);
    }

    /// Plans for one of the next days, or not.
    pub(super) fn perhaps(&mut self, chance: u32, days: RangeInclusive<u32>, act: Act, on: usize) {
        if self.dice.percent(chance) {
            self.plan_in_days(days, act, on);
        }
    }

    /// A time on one of the next days.
    pub(super) fn some_day(&mut self, days: RangeInclusive<u32>) -> Timestamp {
        let day = self.now + self.dice.days(days);
        let midnight = day.date_naive().and_time(NaiveTime::MIN).and_utc();
        let time = midnight + self.dice.seconds(25_200..=79_200);
        // What is left of today may be little.
        time.max(self.now + TimeDelta::seconds(30))
    }

    /// The member, or now and then an advisor on the member's behalf.
    pub(super) fn somebody(&mut self, member: usize) -> By {
        if self.dice.percent(7) {
            self.an_advisor(member)
        } else {
            By::Owner
        }
    }

    /// The member's advisor, or another who stands in.
    pub(super) fn an_advisor(&mut self, member: usize) -> By {
        let any = self.dice.index(self.history.advisors.len());
        By::Advisor(self.history.members[member].advisor.unwrap_or(any))
    }

    /// Lets something have happened: an Action of it is on its way.
    pub(super) fn tell(&mut self, draft: &Draft) -> ObjectId {
        let id = self.id();
        let in_full = self.dice.percent(25);
        let at = self.now;
        self.record(draft);
        self.record_what_is_told(draft, in_full);
        let body = render(&self.history, draft, &Moment { id, at, in_full });
        self.send(draft.by == By::Workflow, body);
        id
    }

    fn record(&mut self, draft: &Draft) {
        *self.history.actions.entry(draft.kind).or_default() += 1;
        if let By::Advisor(advisor) = draft.by {
            self.history.advisors[advisor].last_seen_at = self.now;
        }
        let Some(member) = draft.member.filter(|_| draft.kind != "MEMBER_DELETED") else {
            return;
        };
        let member = &mut self.history.members[member];
        match draft.by {
            By::Owner => {
                member.actions.own += 1;
                member.last_acted_at = Some(self.now);
                member.person.last_seen_at = self.now;
            }
            By::Advisor(_) => member.actions.advisors += 1,
            By::Workflow => member.actions.workflow += 1,
            By::Other => {}
        }
    }

    /// Whoever is embedded in full comes with when they were last seen; the subject of an Action always is.
    fn record_what_is_told(&mut self, draft: &Draft, in_full: bool) {
        let is_subject = draft.kind.starts_with("MEMBER_");
        let member = draft.member.filter(|_| in_full || is_subject);
        let advisor = match draft.by {
            By::Advisor(advisor) if in_full => Some(advisor),
            _ => None,
        };
        let members = member.map(|member| &mut self.history.members[member].person);
        let advisors = advisor.map(|advisor| &mut self.history.advisors[advisor]);
        for person in members.into_iter().chain(advisors) {
            person.last_seen_as_told = Some(person.last_seen_at);
        }
    }

    /// Most arrive at once, some late, about one in a hundred twice.
    fn send(&mut self, by_workflow: bool, body: String) {
        let late = self.dice.between(1..=1000);
        let delay = match late {
            1..=5 => 3_600..=43_200,
            6..=30 => 60..=3_600,
            31..=100 => 3..=60,
            _ if by_workflow && late <= 300 => 10..=300,
            _ => 0..=2,
        };
        let arrives_at = self.now + self.dice.seconds(delay);
        if self.dice.percent(1) {
            let again_at = arrives_at + self.dice.seconds(5..=1_800);
            self.post.add(again_at, body.clone());
        }
        self.post.add(arrives_at, body);
    }

    /// Does what is due next; false when nothing is left to be done.
    pub(super) fn step(&mut self) -> bool {
        let Some((at, task)) = self.agenda.pop() else {
            return false;
        };
        self.now = at;
        (task.act)(self, task.on);
        true
    }
}

/// The seconds that Actions have for times.
pub(super) fn seconds(at: Timestamp) -> Value {
    json!(at.timestamp())
}
