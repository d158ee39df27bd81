//! The commands as people and scripts use them: what they print, and their exit codes.

mod check;
mod events;
mod fields;
mod help;
mod migrate;
mod organization;
mod send;

use std::path::Path;

use huntr_receiver::{
    domain::{Name, NewEvent, Origin, Timestamp},
    store::{EventStore, Schema, Store, sqlite::SqliteStore},
};

use crate::program::Program;

/// Where a program on the default database has its file.
const DATABASE: &str = "data/receiver.db";

/// A program with an embedded database that holds these events.
async fn with_events(events: &[NewEvent]) -> Program {
    let program = Program::with_source();
    let store = open(program.folder()).await;
    store.migrate().await.expect("migrating");
    store.insert_events(events).await.expect("storing");
    store.close().await;
    program
}

async fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join(DATABASE))
        .await
        .expect("opening the database")
}

/// An event of that minute, with only what a list shows.
fn event(minute: u32, source: &str, event_type: Option<&str>) -> NewEvent {
    let time: Timestamp = format!("2026-11-21T10:{minute:02}:00.5Z")
        .parse()
        .expect("a time");
    NewEvent {
        source: source.parse::<Name>().expect("a name"),
        provider: "huntr",
        delivery_id: format!("action-{minute}"),
        event_type: event_type.map(ToOwned::to_owned),
        occurred_at: Some(time - chrono::TimeDelta::seconds(1)),
        received_at: time,
        origin: Origin::Webhook,
        envelope_version: None,
        signature: Some("c2lnbmF0dXJl".into()),
        body: format!("{{\"id\":\"action-{minute}\"}}").into(),
        problem: None,
        deliveries: Vec::new(),
    }
}
