//! What the planner of PostgreSQL knows of the typed tables as wholes: the server itself looks at partitions only.

use huntr_receiver::{providers::tables, store::TableStore};
use sqlx::{Connection, PgConnection};

use super::{fold, histories::Dice};
use crate::postgres::{connect, fresh_database};

/// The typed tables that are known, and when the newest of them was analyzed.
async fn known(connection: &mut PgConnection) -> (i64, Option<String>) {
    sqlx::query_as(
        "select (select count(distinct tablename) from pg_stats where inherited),
                (select max(last_analyze)::text from pg_stat_user_tables
                 where relname in ('actions', 'jobs', 'members'))",
    )
    .fetch_one(connection)
    .await
    .expect("the statistics")
}

#[tokio::test]
async fn the_planner_gets_to_know_tables_once_there_is_something_in_them() {
    let url = fresh_database().await;
    let store = connect(&url).await;
    let mut connection = PgConnection::connect(&url).await.expect("connected");
    let tables: Vec<_> = tables().collect();
    let refresh = async || store.refresh_statistics(&tables).await.expect("refreshed");

    refresh().await;
    assert_eq!(known(&mut connection).await, (0, None));

    let rows = fold(&Dice::new(1).history());
    let filled = rows.tables().filter(|(_, rows)| !rows.is_empty()).count();
    store.apply(&rows, "nobody", &[]).await.expect("applied");
    refresh().await;
    let (count, analyzed_at) = known(&mut connection).await;
    assert_eq!(usize::try_from(count), Ok(filled));
    assert!(analyzed_at.is_some());

    refresh().await;
    let again = known(&mut connection).await;
    assert_eq!(again, (count, analyzed_at), "nothing has changed since");
}
