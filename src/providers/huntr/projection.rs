//! What an Action says of the rows of the typed tables.
//!
//! Whatever is embedded in an Action is a part of the whole, so only the keys that are there say something. What is
//! only named by its id gets a row as well. Nothing here fails: what cannot be understood is left out, and is in
//! `actions.payload`.

mod access;
mod activities;
mod contacts;
mod employers;
mod jobs;
mod lists;
mod members;
mod notes;
mod record;

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use self::access::{id_at, id_in, object, seconds};
use crate::{
    domain::{EventRecord, Row, Said, Table, Timestamp, Value, Version},
    providers::json::{cell, tame},
};

type Object = Map<String, Json>;

/// What an event says of rows.
pub(super) fn project(event: &EventRecord) -> Vec<Said> {
    let payload = tame(&event.body);
    let json = payload
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    let object = match json {
        Some(Json::Object(object)) => object,
        _ => Object::new(),
    };
    let mut action = Action::of(event, &object);
    action.record(event, payload);
    action.members();
    action.employers();
    action.jobs();
    action.activity();
    action.note();
    action.contact();
    action.stage_change();
    action.said
}

/// An Action while it is read.
struct Action<'a> {
    json: &'a Object,
    source: &'a str,
    /// What happened, in the words of Actions.
    what: What<'a>,
    version: Version,
    owner: Option<String>,
    creator: Option<String>,
    said: Vec<Said>,
}

/// An action type, such as `JOB_MOVED`.
#[derive(Clone, Copy)]
struct What<'a>(&'a str);

impl<'a> What<'a> {
    /// The Events of old had other words for some of it (API reference, "Events").
    fn of(json: &'a Object) -> Self {
        let text = |key: &str| json.get(key).and_then(Json::as_str);
        Self(match (text("actionType"), text("eventType")) {
            (Some(action_type), _) => action_type,
            (None, Some("JOB_ADDED")) => "JOB_CREATED",
            (None, Some(event_type)) => event_type,
            (None, None) => "",
        })
    }

    fn is_about(self, subject: &str) -> bool {
        let rest = self.0.strip_prefix(subject);
        rest.is_some_and(|rest| {
            matches!(
                rest,
                "_CREATED" | "_UPDATED" | "_MOVED" | "_DELETED" | "_DEACTIVATED"
            )
        })
    }

    fn deletes(self) -> bool {
        self.0.ends_with("_DELETED")
    }

    fn creates(self) -> bool {
        self.0.ends_with("_CREATED")
    }
}

impl<'a> Action<'a> {
    fn of(event: &'a EventRecord, json: &'a Object) -> Self {
        let what = What::of(json);
        let version = Version {
            at: time(json, &event.summary.delivery_id),
            id: Arc::from(&*event.summary.delivery_id),
        };
        // In an Event of old `member` is the owner; in an Action about a member it is that member.
        let owner = id_in(json, "ownerMember").or_else(|| {
            let is_owner = !what.0.starts_with("MEMBER_");
            is_owner.then(|| id_in(json, "member"))?
        });
        Self {
            json,
            source: &event.summary.source,
            what,
            version,
            owner,
            creator: id_in(json, "creatorMember"),
            said: Vec::new(),
        }
    }

    fn member_id(&self) -> Option<String> {
        id_in(self.json, "member").or_else(|| id_at(self.json, "memberId"))
    }

    /// The id of what is embedded under `key` or named by `key` and "Id".
    fn reference(&self, key: &str) -> Option<String> {
        id_at(self.json, &format!("{key}Id")).or_else(|| id_in(self.json, key))
    }

    fn employer_id(&self) -> Option<String> {
        let nested = |key: &str| id_in(object(self.json, key)?, "employer");
        self.reference("employer")
            .or_else(|| nested("job"))
            .or_else(|| nested("activity"))
    }

    fn job_id(&self) -> Option<String> {
        self.reference("job")
            .or_else(|| id_in(object(self.json, "activity")?, "job"))
    }

    fn category(&self) -> Option<&'a Object> {
        let nested = || object(object(self.json, "activity")?, "activityCategory");
        object(self.json, "activityCategory").or_else(nested)
    }

    /// A row about which nothing is said yet.
    fn row(&self, table: &Table) -> Row {
        Row::new(table, self.version.clone())
    }

    /// A row with what an object says of it.
    fn read(&self, table: &Table, object: &Object) -> Row {
        let mut row = self.row(table);
        for (position, column) in table.columns.iter().enumerate() {
            if let Some(json) = column.key.and_then(|key| object.get(key)) {
                row.set(position, cell(column.kind, json));
            }
        }
        row
    }

    fn add(&mut self, table: &'static Table, ids: &[&str], row: Row) {
        let key = std::iter::once(self.source).chain(ids.iter().copied());
        let key = key.map(str::to_owned).collect();
        self.said.push((table, key, row));
    }

    /// What is deleted stays deleted, unless a newer Action about itself brings it back.
    fn mark_deleted(&self, table: &Table, row: &mut Row, subject: &str) {
        if self.what.is_about(subject) {
            let deleted_at = self
                .what
                .deletes()
                .then(|| self.version.at.and_then(Timestamp::from_timestamp_millis));
            let deleted_at = match deleted_at {
                Some(None) => Value::time(Some(Timestamp::UNIX_EPOCH)),
                Some(at) => Value::time(at),
                None => Value::Null,
            };
            row.set(table.position("deleted_at"), deleted_at);
        }
    }

    /// Whose it is; and who made it when, as far as this is the Action that made it.
    fn tell_of_origin(&self, row: &mut Row, table: &Table, subject: &str) {
        refer(row, table, "owner_member_id", self.owner.clone());
        if self.what.is_about(subject) && self.what.creates() {
            refer(row, table, "creator_member_id", self.creator.clone());
            let created_at = table.position("created_at");
            if row.get(created_at).as_text().is_none() {
                let at = self.version.at.and_then(Timestamp::from_timestamp_millis);
                row.set(created_at, Value::time(at));
            }
        }
    }
}

/// Sets a reference that is there; one that is not says nothing.
fn refer(row: &mut Row, table: &Table, column: &str, id: Option<String>) {
    if id.is_some() {
        row.set(table.position(column), Value::text(id));
    }
}

/// When it was, for the order of things: when it was noted, else when it happened, else what its id says.
fn time(json: &Object, id: &str) -> Option<i64> {
    let time = seconds(json, "createdAt").or_else(|| seconds(json, "date"));
    time.or_else(|| object_id_time(id))
        .map(|time| time.timestamp_millis())
}

/// The first four bytes of a `MongoDB` `ObjectId` are Unix seconds; ids in the documents agree with `createdAt`.
fn object_id_time(id: &str) -> Option<Timestamp> {
    let is_object_id = id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let seconds = is_object_id.then(|| u32::from_str_radix(id.get(..8)?, 16).ok())??;
    Timestamp::from_timestamp(seconds.into(), 0)
}
