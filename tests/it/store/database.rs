//! A migrated database of a test's own: through the store, and behind its back.

use huntr_receiver::store::{Schema, Store, sqlite::SqliteStore};
use sqlx::{
    Decode, Executor, PgPool, Postgres, Sqlite, SqlitePool, Type,
    postgres::PgRow,
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use tempfile::TempDir;

use crate::postgres;

pub(super) struct Database {
    pub(super) store: Box<dyn Store>,
    sql: Sql,
}

enum Sql {
    Sqlite { pool: SqlitePool, _folder: TempDir },
    Postgres(PgPool),
}

impl Database {
    pub(super) async fn sqlite() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("receiver.db");
        let store = SqliteStore::open(&path).await.expect("opening");
        store.migrate().await.expect("migrating");
        let options = SqliteConnectOptions::new().filename(&path);
        Self {
            store: Box::new(store),
            sql: Sql::Sqlite {
                pool: SqlitePool::connect_lazy_with(options),
                _folder: folder,
            },
        }
    }

    pub(super) async fn postgres() -> Self {
        let url = postgres::fresh_database().await;
        Self {
            store: Box::new(postgres::connect(&url).await),
            sql: Sql::Postgres(PgPool::connect_lazy(&url).expect("a URL")),
        }
    }

    pub(super) fn is_sqlite(&self) -> bool {
        matches!(self.sql, Sql::Sqlite { .. })
    }

    /// Runs the statement for the backend this is.
    pub(super) async fn execute(&self, sqlite: &'static str, postgres: &'static str) {
        match &self.sql {
            Sql::Sqlite { pool, .. } => pool.execute(sqlite).await.map(drop),
            Sql::Postgres(pool) => pool.execute(postgres).await.map(drop),
        }
        .expect("executing a statement");
    }

    /// The one column of a query.
    pub(super) async fn column<T>(&self, sql: &'static str) -> Vec<T>
    where
        T: Send + Unpin + Type<Postgres> + Type<Sqlite>,
        T: for<'r> Decode<'r, Postgres> + for<'r> Decode<'r, Sqlite>,
        (T,): for<'r> sqlx::FromRow<'r, PgRow> + for<'r> sqlx::FromRow<'r, SqliteRow>,
    {
        match &self.sql {
            Sql::Sqlite { pool, .. } => sqlx::query_scalar(sql).fetch_all(pool).await,
            Sql::Postgres(pool) => sqlx::query_scalar(sql).fetch_all(pool).await,
        }
        .expect("querying")
    }

    pub(super) async fn count(&self, table: Table) -> i64 {
        self.column(match table {
            Table::Events => "select count(*) from events",
            Table::Conflicts => "select count(*) from event_conflicts",
            Table::Deliveries => "select count(*) from deliveries",
        })
        .await[0]
    }
}

#[derive(Clone, Copy)]
pub(super) enum Table {
    Events,
    Conflicts,
    Deliveries,
}
