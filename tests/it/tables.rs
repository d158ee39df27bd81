//! The typed tables: the same whatever order the events come in, on both stores.

mod histories;
mod laws;
mod oddities;
mod on_stores;
mod statistics;

use huntr_receiver::{
    domain::{EventRecord, Rows, Said},
    providers::reading,
};

/// What an event says.
fn project(event: &EventRecord) -> Vec<Said> {
    reading(&event.summary.provider).project(event)
}

/// What many events say, read one after the other.
fn fold<'a>(events: impl IntoIterator<Item = &'a EventRecord>) -> Rows {
    let mut rows = Rows::default();
    rows.extend(events.into_iter().flat_map(project));
    rows
}
