//! The receiver's database, read and changed behind its back.

use sqlx::{
    AssertSqlSafe, Connection, Executor, FromRow, PgConnection, SqliteConnection, postgres::PgRow,
    sqlite::SqliteRow,
};

use crate::support::Setup;

/// A connection to it.
pub(crate) enum Database {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

macro_rules! on_either {
    ($database:ident, $connection:ident => $work:expr) => {
        match $database {
            Database::Sqlite($connection) => $work,
            Database::Postgres($connection) => $work,
        }
    };
}

impl Database {
    pub(crate) async fn of(setup: &Setup) -> Self {
        let url = setup.database_url();
        if url.starts_with("sqlite:") {
            let connection = SqliteConnection::connect(&url).await;
            Self::Sqlite(connection.expect("connecting"))
        } else {
            let connection = PgConnection::connect(&url).await;
            Self::Postgres(connection.expect("connecting"))
        }
    }

    /// The number that a statement gives.
    pub(crate) async fn number(&mut self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        let number =
            on_either!(self, connection => sqlx::query_scalar(sql).fetch_one(connection).await);
        number.expect("a number")
    }

    /// The texts that a statement gives, row by row.
    pub(crate) async fn texts(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        let texts =
            on_either!(self, connection => sqlx::query_scalar(sql).fetch_all(connection).await);
        texts.expect("texts")
    }

    /// The rows that a statement gives.
    pub(crate) async fn rows<T>(&mut self, sql: &str) -> Vec<T>
    where
        T: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let sql = AssertSqlSafe(sql.to_owned());
        let rows = on_either!(self, connection => sqlx::query_as(sql).fetch_all(connection).await);
        rows.expect("rows")
    }

    pub(crate) async fn execute(&mut self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        on_either!(self, connection => connection.execute(sql).await.map(drop)).expect("executing");
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// What each event's sender calls it.
    pub(crate) async fn events(&mut self) -> Vec<String> {
        self.texts("select delivery_id from events order by delivery_id")
            .await
    }

    /// Checks that deliveries and attempts tell the same story.
    pub(crate) async fn is_consistent(&mut self) {
        let contradictions = [
            // Attempts are numbered from 1, without a gap.
            "select count(*) from deliveries where attempts <> \
             (select count(*) from delivery_attempts where delivery_id = deliveries.id)",
            "select count(*) from deliveries where attempts <> \
             (select coalesce(max(attempt), 0) from delivery_attempts where delivery_id = deliveries.id)",
            // What was delivered was so by one of its attempts.
            "select count(*) from deliveries where state = 'delivered' and not exists \
             (select 1 from delivery_attempts where delivery_id = deliveries.id \
              and outcome = 'delivered')",
            "select count(*) from deliveries where (state = 'delivered') <> (delivered_at is not null)",
            "select count(*) from deliveries where state <> 'pending' and leased_by is not null",
            "select count(*) from deliveries where state = 'delivered' and last_error is not null",
        ];
        for contradiction in contradictions {
            assert_eq!(self.number(contradiction).await, 0, "{contradiction}");
        }
    }
}
