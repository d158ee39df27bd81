//! The tables that come of the deliveries are what the history says.

use std::collections::BTreeMap;

use super::{end, told};
use crate::{
    domain::{self, EventId, EventRecord, EventSummary, Row, Rows, Table, Timestamp, iso_millis},
    providers::{
        Arrival,
        huntr::{
            action,
            organization::{COHORT, GRADUATION, History, Job, PROGRAM, fields},
            projection::project,
            tables::{
                ACTIVITIES, CONTACT_JOBS, CONTACTS, EMPLOYERS, JOBS, MEMBER_FIELD_VALUES, MEMBERS,
                NOTES, STAGE_CHANGES,
            },
        },
    },
};

/// The rows that the projection makes of the deliveries.
struct Tables(BTreeMap<&'static str, (&'static Table, BTreeMap<String, Row>)>);

impl Tables {
    fn of(arrivals: &[Arrival]) -> Self {
        let mut rows = Rows::default();
        let events = arrivals.iter().map(|arrival| event(&arrival.body));
        rows.extend(events.flat_map(|event| project(&event)));
        let named = |(table, rows): (&'static Table, BTreeMap<Vec<String>, Row>)| {
            let rows = rows.into_iter().map(|(key, row)| (key[1..].join("/"), row));
            (table.name, (table, rows.collect()))
        };
        Self(rows.into_tables().map(named).collect())
    }

    fn count(&self, table: &Table) -> usize {
        self.0[table.name].1.len()
    }

    /// What stands there, as text.
    fn get(&self, table: &Table, id: &str, column: &str) -> String {
        let (table, rows) = &self.0[table.name];
        let row = rows.get(id).expect("a row");
        match row.get(table.position(column)) {
            domain::Value::Null => or_null(None::<String>),
            domain::Value::Text(text) => text.clone(),
            domain::Value::Boolean(value) => value.to_string(),
            other => panic!("{column} has {other:?}"),
        }
    }
}

fn event(body: &str) -> EventRecord {
    let envelope = action::read(body.as_bytes());
    EventRecord {
        summary: EventSummary {
            id: EventId(1),
            source: "huntr".into(),
            provider: "huntr".into(),
            delivery_id: envelope.delivery_id,
            event_type: envelope.event_type,
            occurred_at: envelope.occurred_at,
            received_at: end(),
            origin: "webhook".into(),
            envelope_version: None,
            problem: None,
        },
        signature: None,
        body: body.to_owned().into(),
    }
}

fn or_null(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

fn time(at: Option<Timestamp>) -> String {
    or_null(at.as_ref().map(iso_millis))
}

/// Late, twice or out of order: it makes no difference.
#[test]
fn jobs_and_activities() {
    let (arrivals, organization) = told(20, 7);
    let history = organization.history();
    let tables = Tables::of(&arrivals);
    assert_eq!(tables.count(&JOBS), history.jobs.len());
    for job in &history.jobs {
        compare_job(&tables, history, job);
    }
    let moves: usize = history.jobs.iter().map(|job| job.moves.len()).sum();
    assert_eq!(tables.count(&STAGE_CHANGES), moves);
    assert_eq!(tables.count(&ACTIVITIES), history.activities.len());
    for activity in &history.activities {
        let id = activity.id.to_string();
        let get = |column| tables.get(&ACTIVITIES, &id, column);
        assert_eq!(get("category"), activity.category.name);
        assert_eq!(get("completed"), activity.completed.to_string());
        assert_eq!(get("start_at"), time(activity.start_at));
        assert_eq!(get("completed_at"), time(activity.completed_at));
        assert_eq!(get("deleted_at"), time(activity.deleted_at));
        let job = activity.job.map(|job| history.jobs[job].id);
        assert_eq!(get("job_id"), or_null(job));
    }
}

fn compare_job(tables: &Tables, history: &History, job: &Job) {
    let id = job.id.to_string();
    let get = |column| tables.get(&JOBS, &id, column);
    let list = job.list().expect("a list");
    assert_eq!(get("title"), job.title.unwrap_or("No Job Title"));
    assert_eq!(
        get("salary"),
        or_null(job.salary.as_ref().map(|salary| &salary.text))
    );
    assert_eq!(get("list_name"), list.name);
    assert_eq!(get("stage"), or_null(list.stage));
    assert_eq!(get("deleted_at"), time(job.deleted_at));
    assert_eq!(get("deadline_at"), time(job.deadline_at));
    let owner = &history.members[job.member];
    assert_eq!(get("owner_member_id"), owner.person.id.to_string());
    assert_eq!(
        get("employer_id"),
        history.employers[job.employer].id.to_string()
    );
    for step in &job.moves {
        let id = step.action.to_string();
        let get = |column| tables.get(&STAGE_CHANGES, &id, column);
        assert_eq!(get("occurred_at"), time(Some(step.at)));
        assert_eq!(get("from_list"), or_null(step.from.map(|list| list.name)));
        assert_eq!(get("to_stage"), or_null(step.to.stage));
    }
}

#[test]
fn members_and_their_fields() {
    let (arrivals, organization) = told(30, 7);
    let history = organization.history();
    let tables = Tables::of(&arrivals);
    for member in &history.members {
        let id = member.person.id.to_string();
        let get = |column| tables.get(&MEMBERS, &id, column);
        assert_eq!(get("is_active"), member.is_active.to_string(), "{id}");
        assert_eq!(get("deleted_at"), time(member.deleted_at), "{id}");
        let advisor = member.advisor.map(|advisor| history.advisors[advisor].id);
        assert_eq!(get("advisor_id"), or_null(advisor), "{id}");
        for field in [COHORT, GRADUATION, PROGRAM] {
            if let Some(value) = fields::text(&member.fields, field) {
                let key = format!("{id}/{field}");
                let known = tables.get(&MEMBER_FIELD_VALUES, &key, "value_text");
                assert_eq!(known, value);
            }
        }
    }
    let fields = history.members.iter().map(|member| member.fields.len());
    assert_eq!(tables.count(&MEMBER_FIELD_VALUES), fields.sum::<usize>());
}

#[test]
fn employers_notes_and_contacts() {
    let (arrivals, organization) = told(20, 7);
    let history = organization.history();
    let tables = Tables::of(&arrivals);
    assert_eq!(tables.count(&EMPLOYERS), history.employers.len());
    for employer in &history.employers {
        let id = employer.id.to_string();
        let get = |column| tables.get(&EMPLOYERS, &id, column);
        assert_eq!(get("is_partner"), employer.is_partner.to_string());
        assert_eq!(get("name"), employer.name);
        assert_eq!(get("domain"), or_null(employer.domain.as_deref()));
    }
    assert_eq!(tables.count(&NOTES), history.notes.len());
    for note in &history.notes {
        let id = note.id.to_string();
        let get = |column| tables.get(&NOTES, &id, column);
        assert_eq!(get("text"), note.text);
        assert_eq!(get("deleted_at"), time(note.deleted_at));
    }
    assert_eq!(tables.count(&CONTACTS), history.contacts.len());
    for contact in &history.contacts {
        let id = contact.id.to_string();
        let get = |column| tables.get(&CONTACTS, &id, column);
        assert_eq!(get("title"), or_null(contact.title));
        assert_eq!(get("deleted_at"), time(contact.deleted_at));
    }
    let links = history.contacts.iter().map(|contact| contact.jobs.len());
    assert_eq!(tables.count(&CONTACT_JOBS), links.sum::<usize>());
}
