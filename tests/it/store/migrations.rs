//! Which migrations are pending, and that applying them twice changes nothing.

use huntr_receiver::store::{Schema, Store, StoreError, sqlite::SqliteStore};
use sqlx::migrate::MigrateError;

use super::{database::Database, samples::event};
use crate::postgres::{connect, empty_database};

on_both_stores!(
    a_migrated_database_has_nothing_pending,
    a_newer_database_is_refused,
);

async fn a_migrated_database_has_nothing_pending(store: &dyn Store, _: &Database) {
    store.insert_events(&[event("a")]).await.expect("stored");
    assert_eq!(store.pending_migrations().await.expect("counted"), 0);
    assert_eq!(store.migrate().await.expect("migrated"), 0);
    store.insert_events(&[event("b")]).await.expect("stored");
}

async fn a_newer_database_is_refused(store: &dyn Store, database: &Database) {
    let newer =
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (9999, 'from the future', true, '', 0)";
    let blob =
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                values (9999, 'from the future', true, x'', 0)";
    database.execute(blob, newer).await;
    for answer in [store.pending_migrations().await, store.migrate().await] {
        let refused = matches!(
            answer,
            Err(StoreError::Migration(MigrateError::VersionMissing(9999)))
        );
        assert!(refused, "{answer:?}");
    }
}

async fn migrates_once(store: &dyn Store) {
    let pending = store.pending_migrations().await.expect("counted");
    assert!(pending > 0);
    let missing = store.insert_events(&[event("a")]).await;
    assert!(
        matches!(missing, Err(StoreError::Misconfigured(_))),
        "{missing:?}"
    );
    assert_eq!(store.migrate().await.expect("migrated"), pending);
    assert_eq!(store.pending_migrations().await.expect("counted"), 0);
    store.insert_events(&[event("a")]).await.expect("stored");
}

#[tokio::test]
async fn an_empty_sqlite_file_is_migrated_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(&folder.path().join("new.db"))
        .await
        .expect("opened");
    migrates_once(&store).await;
}

#[tokio::test]
async fn an_empty_postgres_database_is_migrated_once() {
    let store = connect(&empty_database().await).await;
    migrates_once(&store).await;
}

#[tokio::test]
async fn replicas_that_start_together_migrate_once() {
    let url = empty_database().await;
    let (a, b) = (connect(&url).await, connect(&url).await);
    let pending = a.pending_migrations().await.expect("counted");
    let (by_a, by_b) = tokio::join!(a.migrate(), b.migrate());
    assert_eq!(by_a.expect("migrated") + by_b.expect("migrated"), pending);
}

#[tokio::test]
async fn processes_that_open_one_file_together_migrate_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("new.db");
    let a = SqliteStore::open(&path).await.expect("opened");
    let b = SqliteStore::open(&path).await.expect("opened");
    let pending = a.pending_migrations().await.expect("counted");
    let (by_a, by_b) = tokio::join!(a.migrate(), b.migrate());
    assert_eq!(by_a.expect("migrated") + by_b.expect("migrated"), pending);
}
