//! Members join, change, leave; and how many of them there are.

use chrono::{NaiveTime, TimeDelta};
use serde_json::{Value, json};

use super::{
    Content, FieldValue, Member, Person, Tally,
    boards::BOARDS,
    fields,
    history::By,
    words,
    world::{Draft, World, seconds},
};
use crate::domain::Timestamp;

/// When each cohort graduates, in days since the beginning.
const COHORTS: [i64; 6] = [-20, 10, 40, 75, 110, 150];

impl World {
    /// Makes the organisation and plans who will join.
    pub(super) fn found(&mut self, members: u32) {
        let advisors = 2 + members / 40;
        for _ in 0..advisors {
            let advisor = self.person();
            self.history.advisors.push(advisor);
        }
        self.make_partners(members);
        self.set_goals();
        for number in 0..members as usize {
            let cohort = number % COHORTS.len();
            let days = COHORTS[cohort] - 15 + i64::from(self.dice.between(0..=25));
            let day = self.now + TimeDelta::days(days.max(0));
            let midnight = day.date_naive().and_time(NaiveTime::MIN).and_utc();
            let at = midnight + self.dice.seconds(25_200..=79_200);
            self.plan(at.max(self.now), Self::join, cohort);
        }
    }

    pub(super) fn person(&mut self) -> Person {
        let given_name = self.dice.pick(&words::GIVEN_NAMES);
        let family_name = self.dice.pick(&words::FAMILY_NAMES);
        let id = self.id();
        let (given, family) = (words::plain(given_name), words::plain(family_name));
        // The number keeps two of the same name apart.
        let number = self.history.members.len() + self.history.advisors.len();
        let mut email = format!("{given}.{family}{number}@example.com");
        if self.dice.percent(5) {
            email = email.to_uppercase();
        }
        Person {
            id,
            given_name,
            family_name,
            email,
            created_at: self.now,
            last_seen_at: self.now,
            last_seen_as_told: None,
        }
    }

    fn graduation(&mut self, cohort: usize) -> Timestamp {
        let is_later = self.dice.percent(8);
        let days = COHORTS[cohort] + if is_later { 14 } else { 0 };
        self.history.starts_at + TimeDelta::days(days)
    }

    fn join(&mut self, cohort: usize) {
        let board = &BOARDS[self.dice.index(BOARDS.len())];
        let graduates_at = self.graduation(cohort);
        let advisors = self.history.advisors.len();
        let advisor = self.dice.percent(60).then(|| self.dice.index(advisors));
        let member = Member {
            person: self.person(),
            board,
            board_id: self.id(),
            list_ids: board
                .lists
                .iter()
                .map(|_| self.ids.next(self.now))
                .collect(),
            advisor,
            fields: fields::first(&mut self.dice, cohort, graduates_at),
            is_active: true,
            deleted_at: None,
            placed_at: None,
            last_acted_at: None,
            actions: Tally::default(),
            energy: self.dice.between(1..=4),
        };
        let number = self.history.members.len();
        self.history.members.push(member);
        let (invitation, value) = self.invitation(number);
        let draft = Draft {
            kind: "MEMBER_CREATED",
            member: Some(number),
            ..Draft::default()
        };
        let draft = draft.with("organizationInvitation", value);
        self.tell(&draft.with("organizationInvitationId", invitation));
        self.plan_search(number);
    }

    fn invitation(&mut self, member: usize) -> (Value, Value) {
        let ago = self.dice.seconds(600..=90_000);
        let invited_at = (self.now - ago).max(self.history.starts_at);
        let id = json!(self.ids.next(invited_at));
        let template = json!(self.id());
        let member = &self.history.members[member];
        let person = &member.person;
        let lists = member.board.lists.iter().zip(&member.list_ids);
        let lists = lists.map(|(list, id)| json!({ "id": id, "name": list.name }));
        let value = json!({
            "id": id,
            "toEmail": person.email,
            "createdAt": seconds(invited_at),
            "boardName": format!("{}’s job search", person.given_name),
            "to": {
                "id": person.id,
                "givenName": person.given_name,
                "familyName": person.family_name,
                "email": person.email,
                "createdAt": seconds(person.created_at),
            },
            "boardTemplate": {
                "id": template,
                "name": member.board.name,
                "listTemplates": lists.collect::<Vec<_>>(),
            },
            "memberFieldValues": [],
        });
        (id, value)
    }

    /// One in twelve never does anything.
    fn plan_search(&mut self, member: usize) {
        self.perhaps(35, 1..=20, Self::edit_profile, member);
        self.perhaps(2, 20..=150, Self::delete_member, member);
        if self.dice.percent(8) {
            self.perhaps(30, 40..=90, Self::deactivate, member);
            return;
        }
        self.plan_in_days(0..=4, Self::add_job, member);
        self.perhaps(70, 0..=10, Self::upload, member);
        self.perhaps(30, 5..=25, Self::enroll, member);
        for _ in 0..self.dice.between(0..=5) {
            self.plan_in_days(1..=60, Self::act_alone, member);
        }
    }

    /// A field, or the advisor.
    fn edit_profile(&mut self, member: usize) {
        if self.history.members[member].is_gone() {
            return;
        }
        let update = if self.history.members[member].advisor.is_none() {
            let advisor = self.dice.index(self.history.advisors.len());
            self.history.members[member].advisor = Some(advisor);
            json!({ "advisorId": self.history.advisors[advisor].id })
        } else {
            let value = self.next_field(member);
            fields::set(&mut self.history.members[member].fields, value.clone());
            json!({ "memberFieldValues": [value] })
        };
        self.perhaps(30, 5..=40, Self::edit_profile, member);
        let by = if self.dice.percent(60) {
            self.an_advisor(member)
        } else {
            By::Owner
        };
        self.tell_of_member("MEMBER_UPDATED", member, by, Some(update));
    }

    /// Those who began without a graduation may get one.
    fn next_field(&mut self, member: usize) -> FieldValue {
        let values = &self.history.members[member].fields;
        let undecided = fields::text(values, fields::GRADUATION) == Some("to be decided");
        if undecided {
            let day = (self.now + TimeDelta::days(10)).date_naive();
            let value = Content::Text(day.to_string());
            return FieldValue {
                field_id: fields::GRADUATION,
                value,
            };
        }
        fields::later(&mut self.dice, values)
    }

    /// Usually done for members who have found a job.
    pub(super) fn deactivate(&mut self, member: usize) {
        if self.history.members[member].is_gone() {
            return;
        }
        self.history.members[member].is_active = false;
        let by = self.an_advisor(member);
        self.tell_of_member("MEMBER_DEACTIVATED", member, by, None);
    }

    fn delete_member(&mut self, member: usize) {
        if self.history.members[member].is_gone() {
            return;
        }
        self.history.members[member].deleted_at = Some(self.now);
        let by = self.an_advisor(member);
        self.tell_of_member("MEMBER_DELETED", member, by, None);
    }

    fn tell_of_member(&mut self, kind: &'static str, member: usize, by: By, update: Option<Value>) {
        let draft = Draft {
            kind,
            by,
            member: Some(member),
            update,
            ..Draft::default()
        };
        let id = json!(self.history.members[member].person.id);
        let is_left = kind != "MEMBER_UPDATED";
        self.tell(&if is_left {
            draft.with("memberId", id)
        } else {
            draft
        });
    }
}
