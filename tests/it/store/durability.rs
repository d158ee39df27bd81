//! All of a batch or nothing, and a store that works on after whatever went wrong.

use std::{
    future::poll_fn,
    pin::pin,
    task::Poll::{Pending, Ready},
};

use huntr_receiver::{
    domain::{Insertion, NewEvent},
    store::{Store, StoreError},
};

use super::{
    database::{Database, Table},
    samples::{event, id_of, to},
};

on_both_stores!(
    a_refused_row_refuses_its_batch,
    a_failure_that_ends_the_transaction_is_survived,
    a_batch_dropped_half_way_is_stored_whole_or_not_at_all,
    concurrent_batches_store_each_event_once,
    a_ping_passes_where_a_commit_would,
    after_close_everything_fails,
);

fn wanted(delivery_id: &str) -> NewEvent {
    NewEvent {
        deliveries: vec![to("orders")],
        ..event(delivery_id)
    }
}

async fn assert_refused(store: &dyn Store, database: &Database) {
    let poison = NewEvent {
        event_type: Some("POISON".to_owned()),
        ..wanted("z")
    };
    let batch = [wanted("a"), wanted("b"), poison];
    let answer = store.insert_events(&batch).await;
    assert!(matches!(answer, Err(StoreError::Refused(_))), "{answer:?}");
    assert_eq!(database.count(Table::Events).await, 0);
    assert_eq!(database.count(Table::Deliveries).await, 0);

    let answers = store.insert_events(&batch[..2]).await.expect("stored");
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Insertion::Stored(_)))
    );
    assert_eq!(database.count(Table::Deliveries).await, 2);
}

async fn a_refused_row_refuses_its_batch(store: &dyn Store, database: &Database) {
    database
        .execute(
            "create trigger no_poison before insert on events when new.event_type = 'POISON'
             begin select raise(abort, 'poison'); end",
            "alter table events add constraint no_poison check (event_type <> 'POISON')",
        )
        .await;
    assert_refused(store, database).await;
}

/// As SQLite does by itself when the disk is full.
async fn a_failure_that_ends_the_transaction_is_survived(store: &dyn Store, database: &Database) {
    database
        .execute(
            "create trigger no_poison before insert on events when new.event_type = 'POISON'
             begin select raise(rollback, 'poison'); end",
            "create function no_poison() returns trigger language plpgsql as
               $$ begin raise 'poison'; end $$;
             create trigger no_poison before insert on events for each row
               when (new.event_type = 'POISON') execute function no_poison()",
        )
        .await;
    assert_refused(store, database).await;
}

async fn a_batch_dropped_half_way_is_stored_whole_or_not_at_all(
    store: &dyn Store,
    database: &Database,
) {
    for wakes in 0..40 {
        let batch = ["a", "b", "c", "d"].map(|id| wanted(&format!("{id}{wakes}")));
        let before = database.count(Table::Events).await;
        {
            let mut insertion = pin!(store.insert_events(&batch));
            let mut left = wakes;
            poll_fn(|context| match insertion.as_mut().poll(context) {
                Pending if left > 0 => {
                    left -= 1;
                    Pending
                }
                _ => Ready(()),
            })
            .await;
        }
        let answers = store.insert_events(&batch).await.expect("stored");
        let stored = answers
            .iter()
            .filter(|answer| matches!(answer, Insertion::Stored(_)))
            .count();
        assert!(stored == 0 || stored == 4, "{answers:?}");
        assert_eq!(database.count(Table::Events).await, before + 4);
        assert_eq!(database.count(Table::Deliveries).await, before + 4);
    }
}

async fn concurrent_batches_store_each_event_once(store: &dyn Store, database: &Database) {
    let batch = ["a", "b", "c"].map(wanted);
    let (first, second, third) = tokio::join!(
        store.insert_events(&batch),
        store.insert_events(&batch),
        store.insert_events(&batch),
    );
    let answers = [first, second, third].map(|answers| answers.expect("stored"));
    for position in 0..3 {
        let of_one = answers.each_ref().map(|answers| answers[position]);
        let stored = of_one
            .iter()
            .filter(|answer| matches!(answer, Insertion::Stored(_)));
        assert_eq!(stored.count(), 1);
        assert!(
            of_one
                .iter()
                .all(|&answer| id_of(answer) == id_of(of_one[0]))
        );
    }
    assert_eq!(database.count(Table::Deliveries).await, 3);
}

async fn a_ping_passes_where_a_commit_would(store: &dyn Store, _: &Database) {
    for _ in 0..3 {
        store.ping().await.expect("a database that takes commits");
        store.insert_events(&[event("a")]).await.expect("stored");
    }
}

async fn after_close_everything_fails(store: &dyn Store, _: &Database) {
    store.insert_events(&[event("a")]).await.expect("stored");
    store.close().await;
    let answer = store.insert_events(&[event("b")]).await;
    assert!(
        matches!(answer, Err(StoreError::Unavailable(_))),
        "{answer:?}"
    );
    let answer = store.ping().await;
    assert!(
        matches!(answer, Err(StoreError::Unavailable(_))),
        "{answer:?}"
    );
}
