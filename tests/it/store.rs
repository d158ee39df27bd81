//! Holds both stores to one behaviour: each is written once, and runs on SQLite and on PostgreSQL.

/// Makes a test of each behaviour for each store: `sqlite::name` and `postgres::name`.
macro_rules! on_both_stores {
    ($($behaviour:ident),+ $(,)?) => {
        mod sqlite {
            use crate::store::database::Database;
            $(#[tokio::test]
            async fn $behaviour() {
                let database = Database::sqlite().await;
                super::$behaviour(&*database.store, &database).await;
            })+
        }

        mod postgres {
            use crate::store::database::Database;
            $(#[tokio::test]
            async fn $behaviour() {
                let database = Database::postgres().await;
                super::$behaviour(&*database.store, &database).await;
            })+
        }
    };
}

mod audits;
pub(crate) mod database;
mod deliveries;
mod durability;
mod events;
mod fields;
mod leases;
mod lists;
mod migrations;
mod model;
mod only_postgres;
mod only_sqlite;
mod postgres_writer;
mod rejected;
pub(crate) mod samples;
mod selection;
mod settlements;
