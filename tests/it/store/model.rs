//! Any sequence of batches is answered as a map in memory would answer it.

use std::collections::{BTreeMap, BTreeSet};

use huntr_receiver::domain::{EventId, Insertion, NewEvent};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::runtime::Runtime;

use super::{
    database::{Database, Table},
    samples::{event, name, to},
};

/// An event of few possible ids, bodies and sinks, so that they meet.
#[derive(Debug, Clone)]
struct Draft {
    delivery_id: &'static str,
    body: &'static str,
    sinks: usize,
}

fn draft() -> impl Strategy<Value = Draft> {
    let ids = prop::sample::select(&["a", "A", "b", "b ", "é"][..]);
    let bodies = prop::sample::select(&["", "1", "2", "1\0"][..]);
    (ids, bodies, 0..3_usize).prop_map(|(delivery_id, body, sinks)| Draft {
        delivery_id,
        body,
        sinks,
    })
}

/// What the tables should hold.
#[derive(Default)]
struct Model {
    events: BTreeMap<String, (EventId, String)>,
    conflicts: BTreeSet<(EventId, String)>,
    deliveries: usize,
}

impl Model {
    /// Checks one answer, and takes note of it.
    fn expect(&mut self, draft: &Draft, answer: Insertion) {
        let Some((id, body)) = self.events.get(draft.delivery_id) else {
            let Insertion::Stored(id) = answer else {
                panic!("{draft:?} is new, but the answer was {answer:?}");
            };
            assert!(self.events.values().all(|(other, _)| *other != id));
            let first = (id, draft.body.to_owned());
            self.events.insert(draft.delivery_id.to_owned(), first);
            self.deliveries += draft.sinks;
            return;
        };
        assert_eq!(answer, Insertion::Duplicate(*id), "{draft:?}");
        if body != draft.body {
            self.conflicts.insert((*id, draft.body.to_owned()));
        }
    }
}

async fn behaves_as_the_model(database: &Database, source: &str, batches: &[Vec<Draft>]) {
    let tables = [Table::Events, Table::Conflicts, Table::Deliveries];
    let mut before = [0; 3];
    for (count, table) in before.iter_mut().zip(tables) {
        *count = database.count(table).await;
    }
    let mut model = Model::default();
    for batch in batches {
        let to_event = |draft: &Draft| NewEvent {
            source: name(source),
            body: draft.body.into(),
            deliveries: (0..draft.sinks).map(|sink| to(&sink.to_string())).collect(),
            ..event(draft.delivery_id)
        };
        let events: Vec<NewEvent> = batch.iter().map(to_event).collect();
        let answers = database.store.insert_events(&events).await.expect("stored");
        assert_eq!(answers.len(), batch.len());
        for (draft, answer) in batch.iter().zip(answers) {
            model.expect(draft, answer);
        }
    }
    for (id, body) in model.events.values() {
        let record = database
            .store
            .find_event(*id)
            .await
            .expect("read")
            .expect("found");
        assert_eq!(record.body, body.as_bytes());
    }
    let expected = [model.events.len(), model.conflicts.len(), model.deliveries];
    for ((table, before), expected) in tables.into_iter().zip(before).zip(expected) {
        let added = database.count(table).await - before;
        assert_eq!(usize::try_from(added), Ok(expected));
    }
}

fn check(cases: u32, open: impl AsyncFnOnce() -> Database) {
    let runtime = Runtime::new().expect("a runtime");
    let database = runtime.block_on(open());
    // A source of its own for each case: they share the database, but no event.
    let case = std::cell::Cell::new(0_u32);
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&vec(vec(draft(), 0..8), 0..6), |batches| {
            case.set(case.get() + 1);
            let source = case.get().to_string();
            runtime.block_on(behaves_as_the_model(&database, &source, &batches));
            Ok(())
        })
        .expect("the model's answers");
}

#[test]
fn sqlite_answers_as_the_model() {
    check(128, Database::sqlite);
}

#[test]
fn postgres_answers_as_the_model() {
    check(128, Database::postgres);
}
