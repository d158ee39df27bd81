//! What storing a batch answers, and what it leaves behind.

use huntr_receiver::{
    domain::{Insertion, NewEvent, Origin},
    store::Store,
};

use super::{
    database::{Database, Table},
    samples::{at, event, id_of, name, with_body},
};

on_both_stores!(
    an_empty_batch_is_nothing,
    answers_come_in_the_order_of_the_events,
    ids_are_in_order_of_arrival,
    an_event_is_stored_once,
    the_same_id_in_another_source_is_another_event,
    a_repetition_within_a_batch_is_a_duplicate,
    the_first_body_wins,
    another_body_is_kept_once,
    a_body_comes_back_byte_for_byte,
    everything_comes_back_as_it_was_given,
    ids_are_compared_byte_by_byte,
);

/// Whoever reads the events by their ids, as a replay does, finds those of one commit as they came.
async fn ids_are_in_order_of_arrival(store: &dyn Store, _: &Database) {
    let known = store.insert_events(&[event("m")]).await.expect("stored");
    let arrival = ["z", "b", "m", "z", "a", "y"].map(event);
    let insertions = store.insert_events(&arrival).await.expect("stored");
    let ids: Vec<_> = insertions.into_iter().map(id_of).collect();
    assert_eq!((ids[2], ids[3]), (id_of(known[0]), ids[0]));
    let new = [ids[0], ids[1], ids[4], ids[5]];
    assert!(new.is_sorted(), "{new:?}");
}

async fn an_empty_batch_is_nothing(store: &dyn Store, _: &Database) {
    assert_eq!(store.insert_events(&[]).await.expect("stored"), []);
}

async fn answers_come_in_the_order_of_the_events(store: &dyn Store, _: &Database) {
    let batch = ["c", "a", "b"].map(event);
    let answers = store.insert_events(&batch).await.expect("stored");
    assert_eq!(answers.len(), 3);
    for (answer, event) in answers.into_iter().zip(&batch) {
        assert!(matches!(answer, Insertion::Stored(_)));
        let record = store
            .find_event(id_of(answer))
            .await
            .expect("read")
            .expect("found");
        assert_eq!(record.summary.delivery_id, event.delivery_id);
    }
}

async fn an_event_is_stored_once(store: &dyn Store, database: &Database) {
    let first = store.insert_events(&[event("a")]).await.expect("stored");
    let id = id_of(first[0]);
    let again = store
        .insert_events(&["b", "a", "c"].map(event))
        .await
        .expect("stored");
    assert!(matches!(
        again[..],
        [Insertion::Stored(_), Insertion::Duplicate(found), Insertion::Stored(_)] if found == id
    ));
    assert_eq!(database.count(Table::Events).await, 3);
    assert_eq!(database.count(Table::Conflicts).await, 0);
}

async fn the_same_id_in_another_source_is_another_event(store: &dyn Store, _: &Database) {
    let elsewhere = NewEvent {
        source: name("huntr-eu"),
        ..event("a")
    };
    let answers = store
        .insert_events(&[event("a"), elsewhere])
        .await
        .expect("stored");
    assert!(matches!(answers[..], [Insertion::Stored(a), Insertion::Stored(b)] if a != b));
}

async fn a_repetition_within_a_batch_is_a_duplicate(store: &dyn Store, database: &Database) {
    let batch = ["b", "a", "b", "b"].map(event);
    let answers = store.insert_events(&batch).await.expect("stored");
    let id = id_of(answers[0]);
    assert_eq!(answers[0], Insertion::Stored(id));
    assert!(matches!(answers[1], Insertion::Stored(_)));
    assert_eq!(answers[2..], [Insertion::Duplicate(id); 2]);
    assert_eq!(database.count(Table::Events).await, 2);
    assert_eq!(database.count(Table::Conflicts).await, 0);
}

async fn the_first_body_wins(store: &dyn Store, _: &Database) {
    let batch = [with_body("a", b"first"), with_body("a", b"second")];
    let id = id_of(store.insert_events(&batch).await.expect("stored")[0]);
    store
        .insert_events(&[with_body("a", b"third")])
        .await
        .expect("stored");
    let record = store.find_event(id).await.expect("read").expect("found");
    assert_eq!(record.body, &b"first"[..]);
}

async fn another_body_is_kept_once(store: &dyn Store, database: &Database) {
    let second = |millis| NewEvent {
        received_at: at(millis),
        ..with_body("a", b"second")
    };
    let batch = [
        with_body("a", b"first"),
        second(1),
        second(2),
        with_body("a", b"first"),
    ];
    store.insert_events(&batch).await.expect("stored");
    let batch = [
        second(3),
        with_body("a", b"third"),
        with_body("a", b"third"),
    ];
    store.insert_events(&batch).await.expect("stored");
    store
        .insert_events(&[with_body("a", b"first"), second(4)])
        .await
        .expect("stored");

    let kept: Vec<Vec<u8>> = database
        .column("select body from event_conflicts order by body")
        .await;
    assert_eq!(kept, [b"second".as_slice(), b"third"]);
    let times: Vec<chrono::DateTime<chrono::Utc>> = database
        .column("select received_at from event_conflicts order by body")
        .await;
    assert_eq!(times[0], at(1), "the time of the first of them");
}

async fn a_body_comes_back_byte_for_byte(store: &dyn Store, _: &Database) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let bodies = [
        every_byte,
        b"".into(),
        b"\0\0".into(),
        b"\xff\xfe{\"a\":\"\xc3\x28\"}".into(),
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        let sent = NewEvent {
            body: body.clone().into(),
            ..event(&number.to_string())
        };
        let id = id_of(store.insert_events(&[sent]).await.expect("stored")[0]);
        assert_eq!(
            store
                .find_event(id)
                .await
                .expect("read")
                .expect("found")
                .body,
            body
        );
    }
}

async fn everything_comes_back_as_it_was_given(store: &dyn Store, _: &Database) {
    let sent = NewEvent {
        source: name("hunty"),
        provider: "hunty",
        delivery_id: "8f14e45f".to_owned(),
        event_type: Some("applicant.created é".to_owned()),
        occurred_at: Some(at(-1)),
        received_at: at(999),
        origin: Origin::Reverify,
        envelope_version: Some(2),
        signature: Some("sha256=00ff".to_owned()),
        body: b"{}".as_slice().into(),
        problem: Some("no date".to_owned()),
        deliveries: Vec::new(),
    };
    let bare = NewEvent {
        event_type: None,
        ..event("bare")
    };
    let batch = [sent, bare];
    let answers = store.insert_events(&batch).await.expect("stored");
    let [sent, _] = &batch;

    let record = store
        .find_event(id_of(answers[0]))
        .await
        .expect("read")
        .expect("found");
    assert_eq!(record.summary.id, id_of(answers[0]));
    assert_eq!(record.summary.source, *sent.source);
    assert_eq!(record.summary.provider, sent.provider);
    assert_eq!(record.summary.delivery_id, sent.delivery_id);
    assert_eq!(record.summary.event_type, sent.event_type);
    assert_eq!(record.summary.occurred_at, sent.occurred_at);
    assert_eq!(record.summary.received_at, sent.received_at);
    assert_eq!(record.summary.origin, "reverify");
    assert_eq!(record.summary.envelope_version, sent.envelope_version);
    assert_eq!(record.summary.problem, sent.problem);
    assert_eq!(record.signature, sent.signature);

    let record = store
        .find_event(id_of(answers[1]))
        .await
        .expect("read")
        .expect("found");
    assert_eq!(record.summary.event_type, None);
    assert_eq!(record.summary.occurred_at, None);
    assert_eq!(record.summary.envelope_version, None);
    assert_eq!(record.summary.problem, None);
    assert_eq!(record.signature, None);
}

async fn ids_are_compared_byte_by_byte(store: &dyn Store, _: &Database) {
    let ids = [
        "a", "A", "a ", " a", "a\t", "é", "e\u{301}", "ß", "ss", "ﬁ", "fi", "1", "01", "1.0", "",
    ];
    let answers = store.insert_events(&ids.map(event)).await.expect("stored");
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Insertion::Stored(_)))
    );
    let again = store.insert_events(&ids.map(event)).await.expect("stored");
    for (first, second) in answers.into_iter().zip(again) {
        assert_eq!(second, Insertion::Duplicate(id_of(first)));
    }
}
