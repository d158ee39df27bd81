//! Databases in which it is always the same time, for what is compared to the second.

use huntr_receiver::domain::{Timestamp, iso_millis};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};

use super::{Scene, Sql};
use crate::postgres;

impl Scene {
    pub(in crate::views) async fn on_sqlite_at(now: Timestamp) -> Self {
        let scene = Self::on_sqlite().await;
        if let Sql::Sqlite { pool, .. } = &scene.sql {
            stop_the_clock(pool, now).await;
        }
        Self { now, ..scene }
    }

    pub(in crate::views) async fn on_postgres_at(now: Timestamp) -> Self {
        let url = postgres::database_at(&now).await;
        let pool = PgPool::connect_lazy(&url).expect("a URL");
        let store = Box::new(postgres::connect(&url).await);
        Self {
            now,
            ..Self::of(store, Sql::Postgres(pool))
        }
    }

    pub(in crate::views) fn now(&self) -> Timestamp {
        self.now
    }
}

/// `SQLite` takes no other clock than the machine's, so the views are made again with the time where they ask for it.
async fn stop_the_clock(pool: &SqlitePool, now: Timestamp) {
    let asking =
        "select name, sql from sqlite_schema where type = 'view' and instr(sql, '''now''') > 0";
    let views: Vec<(String, String)> = sqlx::query_as(asking)
        .fetch_all(pool)
        .await
        .expect("the views");
    assert!(views.len() > 4, "{views:?}");
    let now = format!("'{}'", iso_millis(&now));
    for (name, sql) in views {
        let again = format!("drop view {name}; {}", sql.replace("'now'", &now));
        let made = sqlx::raw_sql(AssertSqlSafe(again)).execute(pool).await;
        made.expect("making the view again");
    }
}
