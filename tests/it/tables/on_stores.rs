//! Through both databases: what is joined in memory is joined there.

use huntr_receiver::{
    domain::{EventRecord, Rows},
    providers::tables,
    store::Store,
};

use super::{fold, histories::Dice};
use crate::store::database::Database;

/// So many of the random histories.
const HISTORIES: u64 = 20;

#[tokio::test]
async fn rows_are_the_same_in_sqlite_whatever_the_order() {
    same_in_every_order(async || Database::sqlite().await).await;
}

#[tokio::test]
async fn rows_are_the_same_in_postgres_whatever_the_order() {
    same_in_every_order(async || Database::postgres().await).await;
}

async fn same_in_every_order(fresh: impl AsyncFn() -> Database) {
    let (one, other) = (fresh().await, fresh().await);
    for seed in 0..HISTORIES {
        let mut dice = Dice::new(seed);
        let mut events = dice.history();
        // A source each, so that the histories do not meet.
        for event in &mut events {
            event.summary.source = format!("source{seed}");
        }
        let shuffled = dice.shuffled_twice(&events);
        apply(&*one.store, &events, 1).await;
        apply(&*other.store, &shuffled, 7).await;
    }
    for table in tables() {
        let rows = dump(&one, table.name).await;
        assert!(!rows.is_empty(), "{} is empty", table.name);
        assert_eq!(rows, dump(&other, table.name).await, "{}", table.name);
    }
}

/// Applies events, so many at once.
async fn apply(store: &dyn Store, events: &[EventRecord], at_once: usize) {
    for batch in events.chunks(at_once) {
        let rows: Rows = fold(batch);
        store.apply(&rows, "nobody", &[]).await.expect("applied");
    }
}

/// Every row, in the order of the keys.
async fn dump(database: &Database, table: &'static str) -> Vec<String> {
    database.rows(table).await
}
