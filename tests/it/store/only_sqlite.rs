//! What only a file of one's own has: its mode, its lock, its readers, and one writer for all.

use std::{os::unix::fs::PermissionsExt, path::Path};

use huntr_receiver::{
    domain::{NewEvent, RejectedRequest, iso_millis},
    store::{EventFilter, EventStore, Schema, Store, StoreError, sqlite::SqliteStore},
};

use super::{
    database::Database,
    samples::{at, event, name, to},
};

fn mode(path: &Path) -> u32 {
    let metadata = std::fs::metadata(path).expect("metadata");
    metadata.permissions().mode() & 0o777
}

#[tokio::test]
async fn new_files_and_folders_are_for_nobody_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a/b/receiver.db");
    let store = SqliteStore::open_for_serving(&path).await.expect("opened");
    store.migrate().await.expect("migrated");
    store.insert_events(&[event("a")]).await.expect("stored");
    assert_eq!(mode(&folder.path().join("a")), 0o700);
    assert_eq!(mode(&folder.path().join("a/b")), 0o700);
    for name in ["receiver.db", "receiver.db-wal", "receiver.db.lock"] {
        assert_eq!(mode(&folder.path().join("a/b").join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn one_process_serves_from_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("receiver.db");
    let link = folder.path().join("link.db");
    let serving = SqliteStore::open_for_serving(&path).await.expect("opened");
    std::os::unix::fs::symlink(&path, &link).expect("linked");
    for path in [&path, &link] {
        let second = SqliteStore::open_for_serving(path).await.err();
        assert!(
            matches!(second, Some(StoreError::Locked { .. })),
            "{second:?}"
        );
    }
    // Commands may come alongside.
    serving.migrate().await.expect("migrated");
    let beside = SqliteStore::open(&path).await.expect("opened");
    beside.insert_events(&[event("a")]).await.expect("stored");
    serving.insert_events(&[event("b")]).await.expect("stored");

    serving.close().await;
    SqliteStore::open_for_serving(&path)
        .await
        .expect("opened after the close");
}

#[tokio::test]
async fn a_missing_file_is_not_created_for_reading() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("receiver.db");
    let missing = SqliteStore::open_existing(&path)
        .await
        .err()
        .expect("an error");
    assert!(matches!(missing, StoreError::Io { .. }));
    assert!(missing.to_string().contains("receiver.db"));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("receiver.db");
    let text = "not a database, but long enough to have the header of one: ".repeat(20);
    std::fs::write(&path, &text).expect("written");
    let refused = SqliteStore::open(&path).await.err();
    assert!(
        matches!(refused, Some(StoreError::Misconfigured(_))),
        "{refused:?}"
    );
    assert_eq!(std::fs::read_to_string(&path).expect("read"), text);
}

#[tokio::test]
async fn stored_events_are_read_by_another_process() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("receiver.db");
    let serving = SqliteStore::open_for_serving(&path).await.expect("opened");
    serving.migrate().await.expect("migrated");
    serving.insert_events(&[event("a")]).await.expect("stored");
    for served in [true, false] {
        let reading = SqliteStore::open_existing(&path).await.expect("opened");
        let filter = EventFilter {
            limit: 10,
            ..EventFilter::default()
        };
        let listed = reading.list_events(&filter).await.expect("listed");
        assert_eq!(listed.len(), 1, "served: {served}");
        assert_eq!(reading.pending_migrations().await.expect("counted"), 0);
        serving.close().await;
    }
}

#[tokio::test]
async fn times_are_text_of_one_width() {
    let database = Database::sqlite().await;
    let batch = [
        NewEvent {
            received_at: at(0),
            occurred_at: Some(at(120)),
            ..event("a")
        },
        NewEvent {
            received_at: at(1),
            deliveries: vec![to("orders")],
            ..event("b")
        },
    ];
    database.store.insert_events(&batch).await.expect("stored");
    let times: Vec<String> = database
        .column(
            "select received_at from events union all select occurred_at from events where id = 1
             union all select created_at from deliveries union all select next_attempt_at from deliveries",
        )
        .await;
    let (of_events, of_deliveries) = times.split_at(3);
    assert_eq!(
        of_events,
        [
            "2026-11-21T10:00:00.000Z",
            "2026-11-21T10:00:00.001Z",
            "2026-11-21T10:00:00.120Z",
        ]
    );
    for written_by_the_database in of_deliveries {
        let time: huntr_receiver::domain::Timestamp =
            written_by_the_database.parse().expect("a time");
        assert_eq!(iso_millis(&time), *written_by_the_database);
    }
}

#[tokio::test]
async fn at_most_one_background_batch_is_ahead_of_an_event() {
    let database = Database::sqlite().await;
    // Notes what was there at the moment the event was stored.
    let sql = "create table ahead (count integer not null);
               create trigger note_what_was_ahead after insert on events
               begin insert into ahead select count(*) from rejected_requests; end";
    database.execute(sql, "").await;
    let flood = vec![
        RejectedRequest {
            source: name("huntr"),
            received_at: at(0),
            reason: "mismatch",
            headers: serde_json::Map::new(),
            body: "x".into(),
        };
        200
    ];
    let (store, batch) = (&database.store, [event("a")]);
    let (one, other, events) = tokio::join!(
        store.keep_rejected(&flood),
        store.keep_rejected(&flood),
        store.insert_events(&batch),
    );
    one.and(other).expect("kept");
    events.expect("stored");
    assert_eq!(
        database.column::<i64>("select count from ahead").await,
        [64]
    );
}

#[tokio::test]
async fn a_file_that_is_gone_takes_nothing_more() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("receiver.db");
    let store = SqliteStore::open(&path).await.expect("opening");
    store.migrate().await.expect("migrating");
    store.insert_events(&[event("a")]).await.expect("inserting");
    std::fs::rename(&path, folder.path().join("moved.db")).expect("moving the file");
    for failure in [
        store.insert_events(&[event("b")]).await.map(drop),
        store.ping().await,
    ] {
        assert!(
            matches!(failure, Err(StoreError::Replaced { .. })),
            "{failure:?}"
        );
    }
}
