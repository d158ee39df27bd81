//! What the ledger is asked when it is to be proved.

use std::collections::BTreeSet;

use huntr_receiver::{
    domain::NewEvent,
    store::{Store, Tally},
};

use super::{
    database::Database,
    samples::{event, to},
};

on_both_stores!(events_that_a_sink_never_got_are_counted_from_its_first);

async fn events_that_a_sink_never_got_are_counted_from_its_first(store: &dyn Store, _: &Database) {
    let of = |id: &str, event_type: &str, sinks: &[&str]| NewEvent {
        event_type: Some(event_type.to_owned()),
        deliveries: sinks.iter().map(|sink| to(sink)).collect(),
        ..event(id)
    };
    let batch = [
        of("before there was a sink", "JOB_MOVED", &[]),
        of("a", "JOB_MOVED", &["crm"]),
        of("b", "JOB_MOVED", &["archive"]),
        of("c", "NOTE_CREATED", &[]),
        of("d", "NOTE_CREATED", &["crm", "archive"]),
    ];
    store.insert_events(&batch).await.expect("stored");
    let tally = async |sink: &str, types: Option<&[&str]>| {
        let types = types.map(|types| types.iter().map(ToString::to_string).collect());
        let types: Option<BTreeSet<String>> = types;
        let tally = store.unrouted_events(sink, types.as_ref()).await;
        let Tally { count, example } = tally.expect("counted");
        (count, example)
    };
    assert_eq!(tally("crm", None).await, (2, Some(3)));
    assert_eq!(tally("crm", Some(&["NOTE_CREATED"])).await, (1, Some(4)));
    assert_eq!(tally("archive", Some(&["JOB_MOVED"])).await, (0, None));
    assert_eq!(tally("without any", None).await, (0, None));
}
