//! Who is to be told of an event is committed with it.

use huntr_receiver::{domain::NewEvent, store::Store};

use super::{
    database::Database,
    samples::{at, event, to},
};

on_both_stores!(
    deliveries_are_committed_with_the_event,
    a_duplicate_makes_no_deliveries,
);

async fn deliveries_are_committed_with_the_event(store: &dyn Store, database: &Database) {
    let batch = [
        NewEvent {
            deliveries: vec![to("orders"), to("archive")],
            received_at: at(5),
            ..event("a")
        },
        event("b"),
        NewEvent {
            deliveries: vec![to("orders")],
            ..event("c")
        },
    ];
    store.insert_events(&batch).await.expect("stored");
    let rows: Vec<String> = database
        .column(
            "select delivery_id || ' ' || sink || ' ' || state || ' ' || attempts
             from deliveries join events on events.id = event_id order by delivery_id, sink",
        )
        .await;
    assert_eq!(
        rows,
        [
            "a archive pending 0",
            "a orders pending 0",
            "c orders pending 0"
        ]
    );
    let due_at_once: Vec<i64> = database
        .column("select count(*) from deliveries where created_at = next_attempt_at")
        .await;
    assert_eq!(due_at_once, [3]);
}

async fn a_duplicate_makes_no_deliveries(store: &dyn Store, database: &Database) {
    let wanted_by = |sink, id| NewEvent {
        deliveries: vec![to(sink)],
        ..event(id)
    };
    store
        .insert_events(&[wanted_by("orders", "a")])
        .await
        .expect("stored");
    let batch = [
        wanted_by("archive", "a"),
        wanted_by("orders", "b"),
        wanted_by("archive", "b"),
    ];
    store.insert_events(&batch).await.expect("stored");
    let sinks: Vec<String> = database
        .column("select sink from deliveries order by id")
        .await;
    assert_eq!(sinks, ["orders", "orders"]);
}
