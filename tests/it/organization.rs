//! A sample organisation in a database: every event, and the rows of the typed tables.

use huntr_receiver::{
    domain::{EventRecord, Insertion, NewEvent, Rows, Timestamp},
    providers::{
        Arrival,
        huntr::organization::{COHORT, GRADUATION, Organization, PROGRAM},
        reading,
    },
    store::Store,
};

use crate::store::samples::event;

/// So many arrivals at once.
const BATCH: usize = 500;

/// Stores half a year of an organisation, which tells afterwards what happened in it. The views read its fields.
pub(crate) async fn fill(
    store: &dyn Store,
    members: u32,
    seed: u64,
    ends_at: Timestamp,
) -> Organization {
    let settings = [
        ("cohort_field", COHORT),
        ("graduation_field", GRADUATION),
        ("program_field", PROGRAM),
    ];
    store.set_tables_settings(&settings).await.expect("set");
    let mut organization = Organization::new(members, seed, ends_at);
    loop {
        let batch: Vec<NewEvent> = organization.by_ref().take(BATCH).map(arrived).collect();
        if batch.is_empty() {
            return organization;
        }
        let insertions = store.insert_events(&batch).await.expect("stored");
        let mut rows = Rows::default();
        for (event, insertion) in batch.into_iter().zip(insertions) {
            if let Insertion::Stored(id) = insertion {
                let reading = reading(event.provider);
                rows.extend(reading.project(&EventRecord::new(id, event)));
            }
        }
        store.apply(&rows, "the tests", &[]).await.expect("applied");
    }
}

fn arrived(Arrival { at, body }: Arrival) -> NewEvent {
    let envelope = reading("huntr").envelope(body.as_bytes());
    NewEvent {
        event_type: envelope.event_type,
        occurred_at: envelope.occurred_at,
        received_at: at,
        problem: envelope.problem,
        body: body.into(),
        ..event(&envelope.delivery_id)
    }
}
