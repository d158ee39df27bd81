//! What only a server has: replicas beside us, settings and privileges that are not ours, and its own words.

use std::{net::TcpListener, time::Duration};

use huntr_receiver::{
    domain::{Insertion, NewEvent},
    store::{EventStore, Store, StoreError, postgres::PostgresStore},
};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use super::samples::{event, id_of, to, with_body};
use crate::postgres::{
    COMMIT_TIMEOUT, connect, create_database, execute, fresh_database, on_every_connection,
};

async fn failure_of(url: &str, commit_timeout: Duration) -> StoreError {
    let answer = PostgresStore::connect(&url.into(), commit_timeout).await;
    answer.err().expect("no connection")
}

/// Both orders, many times: unsorted batches would wait for each other's rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_never_deadlock_and_agree_on_every_event() {
    let url = fresh_database().await;
    let (a, b) = (connect(&url).await, connect(&url).await);
    for round in 0..60 {
        let ids: Vec<String> = (0..40)
            .map(|number| format!("{}-{round}", number * 7 % 40))
            .collect();
        let to_event = |body: &'static [u8]| {
            let with_body = move |id: &String| with_body(id, body);
            ids.iter().map(with_body).collect::<Vec<NewEvent>>()
        };
        let (to_a, mut to_b) = (to_event(b"one"), to_event(b"other"));
        to_b.reverse();
        to_b.rotate_left(round % 40);
        let (by_a, by_b) = tokio::join!(a.insert_events(&to_a), b.insert_events(&to_b));
        let (by_a, by_b) = (by_a.expect("stored by a"), by_b.expect("stored by b"));

        for (event, answer) in to_a.iter().zip(by_a) {
            let position = to_b
                .iter()
                .position(|other| other.delivery_id == event.delivery_id);
            let others = by_b[position.expect("the same ids")];
            assert_eq!(id_of(answer), id_of(others));
            let stored = |answer| matches!(answer, Insertion::Stored(_));
            assert!(stored(answer) != stored(others), "{answer:?} {others:?}");
        }
    }
    let pool = PgPool::connect(&url).await.expect("connected");
    let count = "select (select count(*) from events), (select count(*) from event_conflicts)";
    let counts: (i64, i64) = sqlx::query_as(count)
        .fetch_one(&pool)
        .await
        .expect("counted");
    assert_eq!(counts, (60 * 40, 60 * 40));
}

#[tokio::test]
async fn a_missing_database_is_a_matter_of_configuration() {
    let url = fresh_database().await;
    let failure = failure_of(&format!("{url}_not"), COMMIT_TIMEOUT).await;
    assert!(
        matches!(failure, StoreError::Misconfigured(_)),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_away_may_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "postgres://postgres@{}/x",
        listener.local_addr().expect("an address")
    );
    let silent = failure_of(&url, Duration::from_millis(50)).await;
    assert!(
        matches!(silent, StoreError::Unavailable(sqlx::Error::PoolTimedOut)),
        "{silent:?}"
    );
    drop(listener);
    let refused = failure_of(&url, COMMIT_TIMEOUT).await;
    assert!(
        matches!(refused, StoreError::Unavailable(sqlx::Error::Io(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_read_only_database_takes_no_commit() {
    let url = fresh_database().await;
    execute(
        &url,
        &on_every_connection("default_transaction_read_only = on"),
    )
    .await;
    let store = connect(&url).await;
    let ping = store.ping().await;
    assert!(matches!(ping, Err(StoreError::ReadOnly)), "{ping:?}");
    let insertion = store.insert_events(&[event("a")]).await;
    assert!(
        matches!(insertion, Err(StoreError::Unavailable(_))),
        "{insertion:?}"
    );
}

#[tokio::test]
async fn a_user_who_may_not_write_is_told_what_to_grant() {
    let url = fresh_database().await;
    let store = connect(&format!("{url}?options[role]=pg_monitor")).await;
    let ping = store.ping().await.expect_err("no privileges");
    assert!(!ping.is_transient());
    assert_eq!(
        ping.to_string(),
        "the database's user lacks privileges: select on events, insert on events, \
         insert on event_conflicts, insert on deliveries, usage on sequence events_id_seq"
    );
    let insertion = store.insert_events(&[event("a")]).await;
    assert!(
        matches!(insertion, Err(StoreError::Misconfigured(_))),
        "{insertion:?}"
    );
    // No more and no less is needed for events, their duplicates, conflicts and deliveries.
    let grants = "grant select, insert on events to pg_monitor;
                  grant insert on event_conflicts, deliveries to pg_monitor;
                  grant usage on sequence events_id_seq to pg_monitor";
    execute(&url, grants).await;
    store.ping().await.expect("all privileges");
    let wanted = NewEvent {
        deliveries: vec![to("orders")],
        ..event("a")
    };
    let batch = [wanted, event("a"), with_body("a", b"another")];
    for _ in 0..2 {
        store.insert_events(&batch).await.expect("stored");
    }
}

#[tokio::test]
async fn an_id_too_long_for_the_index_is_refused() {
    let store = connect(&fresh_database().await).await;
    // Digests, since what repeats itself would be compressed until it fits.
    let long: String = (0..1_000_u32)
        .flat_map(|number| Sha256::digest(number.to_be_bytes()))
        .map(char::from)
        .filter(char::is_ascii_graphic)
        .collect();
    let answer = store.insert_events(&[event(&long)]).await;
    assert!(matches!(answer, Err(StoreError::Refused(_))), "{answer:?}");
}

#[tokio::test]
async fn an_error_quotes_no_row() {
    let url = fresh_database().await;
    execute(
        &url,
        "alter table events add constraint none check (provider = 'none')",
    )
    .await;
    let store = connect(&url).await;
    let failure = store
        .insert_events(&[with_body("a", b"secret")])
        .await
        .expect_err("refused");
    let shown = format!("{failure:?}");
    assert!(shown.contains("violates check constraint"), "{shown}");
    assert!(
        !shown.contains("Failing row") && !shown.contains("736563726574"),
        "{shown}"
    );
}

#[tokio::test]
async fn every_table_and_column_carries_a_comment() {
    let pool = PgPool::connect(&fresh_database().await)
        .await
        .expect("connected");
    let silent = "
        select format('%s.%s', relname, attname)
        from pg_class join pg_attribute on attrelid = pg_class.oid
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
          and relname <> '_sqlx_migrations' and attnum > 0 and not attisdropped
          and (col_description(pg_class.oid, attnum) is null or obj_description(pg_class.oid) is null)";
    let silent: Vec<String> = sqlx::query_scalar(silent)
        .fetch_all(&pool)
        .await
        .expect("read");
    assert!(silent.is_empty(), "{silent:?}");
}

#[tokio::test]
async fn a_database_that_lacks_characters_is_refused() {
    let url = create_database("encoding latin1 locale \'C\' template template0").await;
    let refused = PostgresStore::connect(&url.into(), COMMIT_TIMEOUT).await;
    assert!(matches!(refused, Err(StoreError::NotUtf8 { .. })));
}
