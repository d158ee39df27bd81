//! The typed tables that Actions fill: which column is read from which key.
//!
//! The keys are those of Huntr's API reference, with what its later versions and live payloads have besides.

use crate::domain::{
    Column,
    Kind::{Boolean, Id, Integer, Json, Real, Text, Time},
    Row, Table, Value,
};

use super::{salary, stages::stage_of_category};

const DELETED_AT: Column = Column::new("deleted_at", Time);

/// What Huntr calls a job without a title.
const NO_TITLE: &str = "No Job Title";

pub(super) static ACTIONS: Table = Table {
    name: "actions",
    key: &["id"],
    columns: &[
        Column::new("event_id", Integer),
        Column::of("action_type", "actionType", Id),
        Column::of("event_type", "eventType", Id),
        Column::of("occurred_at", "date", Time),
        Column::of("created_at", "createdAt", Time),
        Column::new("owner_member_id", Id),
        Column::new("creator_member_id", Id),
        Column::new("member_id", Id),
        Column::new("job_id", Id),
        Column::new("employer_id", Id),
        Column::new("activity_id", Id),
        Column::new("activity_category_id", Id),
        Column::new("activity_category", Text),
        Column::new("note_id", Id),
        Column::new("contact_id", Id),
        Column::of("board_id", "boardId", Id),
        Column::new("from_list_id", Id),
        Column::new("from_list", Text),
        Column::new("from_stage", Text),
        Column::new("to_list_id", Id),
        Column::new("to_list", Text),
        Column::new("to_stage", Text),
        Column::of("created_by_workflow", "createdByWorkflow", Boolean),
        Column::new("job_post_id", Id),
        Column::new("document_id", Id),
        Column::new("goal_id", Id),
        Column::new("goal_enrollment_id", Id),
        Column::new("organization_invitation_id", Id),
        Column::new("candidate_id", Id),
        Column::of("update", "update", Json),
        Column::new("payload", Json),
        DELETED_AT,
    ],
    derived: &[],
    derive: nothing,
    merges: false,
    last: "last_action_id",
};

pub(super) static STAGE_CHANGES: Table = Table {
    name: "stage_changes",
    key: &["action_id"],
    columns: &[
        Column::new("job_id", Id),
        Column::new("member_id", Id),
        Column::new("from_list_id", Id),
        Column::new("from_list", Text),
        Column::new("from_stage", Text),
        Column::new("to_list_id", Id),
        Column::new("to_list", Text),
        Column::new("to_stage", Text),
        Column::new("occurred_at", Time),
        Column::new("created_at", Time),
        DELETED_AT,
    ],
    derived: &[],
    derive: nothing,
    merges: false,
    last: "last_action_id",
};

pub(super) static MEMBERS: Table = Table {
    name: "members",
    key: &["id"],
    columns: &[
        Column::of("given_name", "givenName", Text),
        Column::of("family_name", "familyName", Text),
        Column::of("full_name", "fullName", Text),
        Column::of("email", "email", Text),
        Column::of("is_active", "isActive", Boolean),
        Column::of("created_at", "createdAt", Time),
        Column::of("last_seen_at", "lastSeenAt", Time),
        Column::of("board_ids", "boardIds", Json),
        Column::new("advisor_id", Id),
        Column::new("advisor_name", Text),
        Column::new("advisor_email", Text),
        DELETED_AT,
    ],
    derived: &[],
    derive: nothing,
    merges: true,
    last: "last_action_id",
};

pub(super) static MEMBER_FIELD_VALUES: Table = Table {
    name: "member_field_values",
    key: &["member_id", "field_id"],
    columns: &[
        Column::of("value", "value", Json),
        Column::new("value_text", Text),
        DELETED_AT,
    ],
    derived: &[],
    derive: nothing,
    merges: true,
    last: "last_action_id",
};

pub(super) static JOBS: Table = Table {
    name: "jobs",
    key: &["id"],
    columns: &[
        Column {
            placeholder: Some(NO_TITLE),
            ..Column::of("title", "title", Text)
        },
        Column::of("description", "description", Text),
        Column::of("html_description", "htmlDescription", Text),
        Column::of("salary", "salary", Text),
        Column::of("url", "url", Text),
        Column::of("location", "location", Json),
        Column::of("created_at", "createdAt", Time),
        Column::of("deadline_at", "deadline", Time),
        Column::new("employer_id", Id),
        Column::new("owner_member_id", Id),
        Column::new("creator_member_id", Id),
        Column::of("board_id", "boardId", Id),
        Column::of("list_id", "listId", Id),
        Column::new("list_name", Text),
        Column::new("stage", Text),
        Column::new("job_post_id", Id),
        Column::of("application_at", "applicationDate", Time),
        Column::of("first_interview_at", "firstInterviewDate", Time),
        Column::of("second_interview_at", "secondInterviewDate", Time),
        Column::of("offer_at", "offerDate", Time),
        DELETED_AT,
    ],
    derived: &[
        Column::new("salary_min", Real),
        Column::new("salary_max", Real),
    ],
    derive: salary_range,
    merges: true,
    last: "last_action_id",
};

pub(super) static EMPLOYERS: Table = Table {
    name: "employers",
    key: &["id"],
    columns: &[
        Column::of("name", "name", Text),
        Column::of("domain", "domain", Text),
        Column::of("description", "description", Text),
        Column::of("location", "location", Text),
        Column::of("founded_year", "foundedYear", Integer),
        Column::of("is_partner", "isPartner", Boolean),
        Column::of("job_count", "jobCount", Integer),
        Column::of("application_count", "applicationCount", Integer),
        Column::of("interview_count", "interviewCount", Integer),
        Column::of("offer_count", "offerCount", Integer),
        DELETED_AT,
    ],
    derived: &[],
    derive: nothing,
    merges: true,
    last: "last_action_id",
};

pub(super) static ACTIVITIES: Table = Table {
    name: "activities",
    key: &["id"],
    columns: &[
        Column::of("title", "title", Text),
        Column::of("note", "note", Text),
        Column::new("category_id", Id),
        Column::new("category", Text),
        Column::new("job_id", Id),
        Column::new("employer_id", Id),
        Column::new("owner_member_id", Id),
        Column::new("creator_member_id", Id),
        Column::of("completed", "completed", Boolean),
        Column::of("start_at", "startAt", Time),
        Column::of("end_at", "endAt", Time),
        Column::of("completed_at", "completedAt", Time),
        Column::of("created_at", "createdAt", Time),
        Column::of("created_by_workflow", "createdByWorkflow", Boolean),
        DELETED_AT,
    ],
    derived: &[Column::new("event_at", Time), Column::new("stage", Text)],
    derive: time_and_stage,
    merges: true,
    last: "last_action_id",
};

pub(super) static NOTES: Table = Table {
    name: "notes",
    key: &["id"],
    columns: &[
        Column::of("text", "text", Text),
        Column::of("html_text", "htmlText", Text),
        Column::new("job_id", Id),
        Column::new("employer_id", Id),
        Column::new("owner_member_id", Id),
        Column::new("creator_member_id", Id),
        Column::of("member_id", "memberId", Id),
        Column::of("created_at", "createdAt", Time),
        DELETED_AT,
    ],
    derived: &[],
    derive: nothing,
    merges: true,
    last: "last_action_id",
};

pub(super) static CONTACTS: Table = Table {
    name: "contacts",
    key: &["id"],
    columns: &[
        Column::of("first_name", "firstName", Text),
        Column::of("last_name", "lastName", Text),
        Column::of("email", "email", Text),
        Column::of("title", "title", Text),
        Column::of("location", "location", Text),
        Column::of("profiles", "profiles", Json),
        Column::new("owner_member_id", Id),
        Column::new("creator_member_id", Id),
        Column::of("created_at", "createdAt", Time),
        DELETED_AT,
    ],
    derived: &[],
    derive: nothing,
    merges: true,
    last: "last_action_id",
};

pub(super) static CONTACT_JOBS: Table = Table {
    name: "contact_jobs",
    key: &["contact_id", "job_id"],
    columns: &[DELETED_AT],
    derived: &[],
    derive: nothing,
    merges: true,
    last: "last_action_id",
};

pub(super) static CONTACT_EMPLOYERS: Table = Table {
    name: "contact_employers",
    key: &["contact_id", "employer_id"],
    columns: &[DELETED_AT],
    derived: &[],
    derive: nothing,
    merges: true,
    last: "last_action_id",
};

/// The one with a row for each event.
pub(in crate::providers) const JOURNAL: &Table = &ACTIONS;

/// All of them.
pub(in crate::providers) static TABLES: [&Table; 11] = [
    &ACTIONS,
    &STAGE_CHANGES,
    &MEMBERS,
    &MEMBER_FIELD_VALUES,
    &JOBS,
    &EMPLOYERS,
    &ACTIVITIES,
    &NOTES,
    &CONTACTS,
    &CONTACT_JOBS,
    &CONTACT_EMPLOYERS,
];

fn nothing(_row: &Row) -> Vec<Value> {
    Vec::new()
}

/// When it was: scheduled, else done, else written down. And the stage that its category stands for.
fn time_and_stage(row: &Row) -> Vec<Value> {
    let times = ["start_at", "completed_at", "created_at"];
    let mut times = times
        .map(|name| row.get(ACTIVITIES.position(name)))
        .into_iter();
    let event_at = times.find(|time| time.as_text().is_some());
    let category = row.get(ACTIVITIES.position("category")).as_text();
    vec![
        event_at.cloned().unwrap_or(Value::Null),
        Value::text(category.and_then(stage_of_category)),
    ]
}

fn salary_range(row: &Row) -> Vec<Value> {
    let text = row.get(JOBS.position("salary")).as_text();
    let real = |amount: Option<f64>| amount.map_or(Value::Null, Value::Real);
    let range = text.and_then(salary::range);
    vec![
        real(range.map(|(min, _)| min)),
        real(range.map(|(_, max)| max)),
    ]
}
