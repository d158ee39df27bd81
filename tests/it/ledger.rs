//! What the tests read of a receiver's database, in its own SQL.

use huntr_receiver::{
    domain::{EventId, EventRecord},
    store::{EventFilter, Store, postgres::PostgresStore, sqlite::SqliteStore},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::{postgres::COMMIT_TIMEOUT, support::Setup};

/// The database behind a receiver, read beside it.
pub(crate) struct Ledger {
    url: String,
    store: Box<dyn Store>,
}

impl Ledger {
    pub(crate) async fn of(setup: &Setup) -> Self {
        let url = setup.database_url();
        let store: Box<dyn Store> = match url.strip_prefix("sqlite:") {
            Some(path) => Box::new(
                SqliteStore::open_existing(path.as_ref())
                    .await
                    .expect("the database"),
            ),
            None => Box::new(
                PostgresStore::connect(&url.clone().into(), COMMIT_TIMEOUT)
                    .await
                    .expect("the database"),
            ),
        };
        Self { url, store }
    }

    pub(crate) async fn event(&self, id: i64) -> EventRecord {
        self.store
            .find_event(EventId(id))
            .await
            .expect("reading")
            .expect("the event")
    }

    /// All events, oldest first.
    pub(crate) async fn events(&self) -> Vec<EventRecord> {
        let filter = EventFilter {
            limit: u32::from(u16::MAX) * 2,
            ..EventFilter::default()
        };
        let mut events = Vec::new();
        for summary in self
            .store
            .list_events(&filter)
            .await
            .expect("listing")
            .into_iter()
            .rev()
        {
            events.push(self.event(summary.id.0).await);
        }
        events
    }

    /// A number that a statement gives.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql.to_owned());
        if self.url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(&self.url)
                .await
                .expect("connecting");
            sqlx::query_scalar(sql)
                .fetch_one(&mut connection)
                .await
                .expect("a number")
        } else {
            let mut connection = PgConnection::connect(&self.url).await.expect("connecting");
            sqlx::query_scalar(sql)
                .fetch_one(&mut connection)
                .await
                .expect("a number")
        }
    }
}
