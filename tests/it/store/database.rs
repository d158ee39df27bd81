//! A migrated database of a test's own: through the store, and behind its back.

use huntr_receiver::store::{Schema, Store, sqlite::SqliteStore};
use sqlx::{
    AssertSqlSafe, Decode, Executor, PgPool, Postgres, Sqlite, SqlitePool, Type,
    postgres::PgRow,
    sqlite::{SqliteConnectOptions, SqliteRow},
};
use tempfile::TempDir;

use crate::postgres;

pub(crate) struct Database {
    pub(crate) store: Box<dyn Store>,
    sql: Sql,
}

enum Sql {
    Sqlite { pool: SqlitePool, _folder: TempDir },
    Postgres(PgPool),
}

impl Database {
    pub(crate) async fn sqlite() -> Self {
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

    pub(crate) async fn postgres() -> Self {
        let url = postgres::fresh_database().await;
        Self {
            store: Box::new(postgres::connect(&url).await),
            sql: Sql::Postgres(PgPool::connect_lazy(&url).expect("a URL")),
        }
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.sql, Sql::Sqlite { .. })
    }

    /// Every row of a table as JSON, in the order of the texts.
    pub(crate) async fn rows(&self, table: &str) -> Vec<String> {
        let query = match &self.sql {
            Sql::Postgres(_) => format!("select row_to_json({table})::text from {table}"),
            Sql::Sqlite { pool, .. } => {
                let columns = format!("select name from pragma_table_info('{table}')");
                let columns: Vec<String> = sqlx::query_scalar(AssertSqlSafe(columns))
                    .fetch_all(pool)
                    .await
                    .expect("the columns");
                let pairs: Vec<_> = columns
                    .iter()
                    .map(|name| format!("'{name}', \"{name}\""))
                    .collect();
                format!("select json_object({}) from {table}", pairs.join(", "))
            }
        };
        let query = AssertSqlSafe(query);
        let rows: sqlx::Result<Vec<String>> = match &self.sql {
            Sql::Sqlite { pool, .. } => sqlx::query_scalar(query).fetch_all(pool).await,
            Sql::Postgres(pool) => sqlx::query_scalar(query).fetch_all(pool).await,
        };
        let mut rows = rows.expect("the rows");
        rows.sort_unstable();
        rows
    }

    /// Runs the statement for the backend this is.
    pub(crate) async fn execute(&self, sqlite: &'static str, postgres: &'static str) {
        match &self.sql {
            Sql::Sqlite { pool, .. } => pool.execute(sqlite).await.map(drop),
            Sql::Postgres(pool) => pool.execute(postgres).await.map(drop),
        }
        .expect("executing a statement");
    }

    /// The one column of a query.
    pub(crate) async fn column<T>(&self, sql: &'static str) -> Vec<T>
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

    pub(crate) async fn count(&self, table: Table) -> i64 {
        self.column(match table {
            Table::Events => "select count(*) from events",
            Table::Conflicts => "select count(*) from event_conflicts",
            Table::Deliveries => "select count(*) from deliveries",
        })
        .await[0]
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Table {
    Events,
    Conflicts,
    Deliveries,
}
