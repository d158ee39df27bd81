//! What has happened in the organisation, as plain facts: what a test compares the tables and views with.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Board, Category, FieldValue, List, ObjectId, fields};
use crate::domain::Timestamp;

/// Everything that is so at the end of what has been told. Numbers of members, jobs and so on are places in the
/// lists here.
#[derive(Debug)]
pub struct History {
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Who look after members.
    pub advisors: Vec<Person>,
    /// Who seek jobs, in the order in which they joined.
    pub members: Vec<Member>,
    /// In the order in which they were first heard of.
    pub employers: Vec<Employer>,
    /// The cards on all boards.
    pub jobs: Vec<Job>,
    /// What was done, or is to be done.
    pub activities: Vec<Activity>,
    /// What was written to jobs.
    pub notes: Vec<Note>,
    /// Who members know.
    pub contacts: Vec<Contact>,
    /// How many Actions of each type there were, each counted once.
    pub actions: BTreeMap<&'static str, usize>,
}

/// A person with an account.
#[derive(Debug)]
pub struct Person {
    /// The account's id.
    pub id: ObjectId,
    /// Such as "Ada".
    pub given_name: &'static str,
    /// Such as "Abara".
    pub family_name: &'static str,
    /// At example.com.
    pub email: String,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When the person last did something here.
    pub last_seen_at: Timestamp,
    /// The newest of what Actions say of that: only some do.
    pub last_seen_as_told: Option<Timestamp>,
}

/// Who did something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum By {
    /// The member whose board it is.
    #[default]
    Owner,
    /// The advisor of this number.
    Advisor(usize),
    /// Huntr itself, when a job came to a stage.
    Workflow,
    /// Somebody of another kind, such as an employer's.
    Other,
}

/// A job seeker.
#[derive(Debug)]
pub struct Member {
    /// Who it is.
    pub person: Person,
    /// The board that the member began with.
    pub board: &'static Board,
    /// The board's id.
    pub board_id: ObjectId,
    /// The ids of its lists, from left to right.
    pub list_ids: Vec<ObjectId>,
    /// Who looks after the member.
    pub advisor: Option<usize>,
    /// The values of custom fields that are set.
    pub fields: Vec<FieldValue>,
    /// False since the deactivation.
    pub is_active: bool,
    /// When the account was deleted.
    pub deleted_at: Option<Timestamp>,
    /// When the member accepted an offer.
    pub placed_at: Option<Timestamp>,
    /// The newest Action on the member's board that the member took.
    pub last_acted_at: Option<Timestamp>,
    /// The Actions on the member's board, by who took them.
    pub actions: Tally,
    pub(super) energy: u32,
}

/// How many Actions were whose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// The owner's.
    pub own: usize,
    /// Advisors'.
    pub advisors: usize,
    /// The workflows'.
    pub workflow: usize,
}

impl Member {
    /// The cohort, as it stands in the custom field.
    #[must_use]
    pub fn cohort(&self) -> Option<&str> {
        fields::text(&self.fields, fields::COHORT)
    }

    /// The program, as it stands in the custom field.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        fields::text(&self.fields, fields::PROGRAM)
    }

    /// The day of the graduation, where the custom field has one.
    #[must_use]
    pub fn graduated_on(&self) -> Option<NaiveDate> {
        fields::text(&self.fields, fields::GRADUATION)?.parse().ok()
    }

    pub(super) fn is_gone(&self) -> bool {
        self.deleted_at.is_some() || !self.is_active
    }
}

/// An employer, perhaps one of several for the same company.
#[derive(Debug)]
pub struct Employer {
    /// The employer's id.
    pub id: ObjectId,
    /// In some spelling.
    pub name: String,
    /// Employers of one company have the same, or none.
    pub domain: Option<String>,
    /// Equal for the employers that are one company in truth.
    pub company: usize,
    /// The year, where it is known.
    pub founded_year: Option<u32>,
    /// Whether it is a partner of the organisation.
    pub is_partner: bool,
    pub(super) description: &'static str,
    pub(super) location: &'static str,
}

/// A card on a board.
#[derive(Debug)]
pub struct Job {
    /// The job's id.
    pub id: ObjectId,
    /// Whose it is.
    pub member: usize,
    /// Whose job it would be.
    pub employer: usize,
    /// `None` while it is "No Job Title".
    pub title: Option<&'static str>,
    /// What is said of the pay.
    pub salary: Option<Salary>,
    /// Where it was found.
    pub url: Option<String>,
    /// Until when one may apply.
    pub deadline_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// Who added it.
    pub created_by: By,
    /// The way it went over the board; the first is where it was added.
    pub moves: Vec<Move>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    pub(super) list: usize,
    pub(super) place: Option<usize>,
}

/// A salary in somebody's own words.
#[derive(Debug, Clone, PartialEq)]
pub struct Salary {
    /// The words.
    pub text: String,
    /// The least and the greatest amount in it, where there is one.
    pub range: Option<(f64, f64)>,
}

/// A job came to a list.
#[derive(Debug, Clone, Copy)]
pub struct Move {
    /// The Action that tells of it.
    pub action: ObjectId,
    /// When.
    pub at: Timestamp,
    /// `None` when it was added.
    pub from: Option<&'static List>,
    /// Where it went.
    pub to: &'static List,
}

impl Job {
    /// The list it is in.
    #[must_use]
    pub fn list(&self) -> Option<&'static List> {
        self.moves.last().map(|last| last.to)
    }
}

/// Something that was done, or is to be done.
#[derive(Debug)]
pub struct Activity {
    /// The activity's id.
    pub id: ObjectId,
    /// Whose it is.
    pub member: usize,
    /// For which job.
    pub job: Option<usize>,
    /// What it is.
    pub category: &'static Category,
    /// Whether it is done.
    pub completed: bool,
    /// For when it is planned, or when it was.
    pub start_at: Option<Timestamp>,
    /// Until when.
    pub end_at: Option<Timestamp>,
    /// When it was ticked.
    pub completed_at: Option<Timestamp>,
    /// When it was noted.
    pub created_at: Timestamp,
    /// Who noted it.
    pub created_by: By,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    pub(super) note: &'static str,
}

impl Activity {
    /// The time that counts.
    #[must_use]
    pub fn event_at(&self) -> Timestamp {
        let known = self.start_at.or(self.completed_at);
        known.unwrap_or(self.created_at)
    }
}

/// Something written to a job.
#[derive(Debug)]
pub struct Note {
    /// The note's id.
    pub id: ObjectId,
    /// To which job.
    pub job: usize,
    /// What it says.
    pub text: String,
    /// Who wrote it.
    pub created_by: By,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

/// Somebody whom a member knows.
#[derive(Debug)]
pub struct Contact {
    /// The contact's id.
    pub id: ObjectId,
    /// Who knows them.
    pub member: usize,
    /// Such as "Ada".
    pub first_name: &'static str,
    /// Such as "Abara".
    pub last_name: &'static str,
    /// Their position.
    pub title: Option<&'static str>,
    /// The jobs they are linked with; their employers are linked too.
    pub jobs: Vec<usize>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}
