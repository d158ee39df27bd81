//! The spool: what is acknowledged while the database is away is in the database when it is back, once.

mod bounds;
mod drain;
mod model;
mod outages;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::{
    ledger::Ledger,
    support::{Running, Setup, action, until},
};

/// A PostgreSQL database that a test takes away and gives back.
pub(crate) struct Outage {
    pub(crate) database: String,
    server: String,
}

impl Outage {
    pub(crate) fn of(setup: &Setup) -> Self {
        let url = setup.database_url();
        let (server, database) = url.rsplit_once('/').expect("a database's name");
        Self {
            database: database.to_owned(),
            server: format!("{server}/postgres"),
        }
    }

    /// Nobody gets in any more, and who was in is thrown out.
    pub(crate) async fn begin(&self) {
        let database = &self.database;
        self.run(&format!(
            "alter database {database} allow_connections false; \
             select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '{database}'"
        ))
        .await;
    }

    pub(crate) async fn end(&self) {
        let database = &self.database;
        self.run(&format!("alter database {database} allow_connections true"))
            .await;
    }

    /// Runs statements on the server, from outside of the database.
    pub(crate) async fn run(&self, sql: &str) {
        let mut connection = PgConnection::connect(&self.server)
            .await
            .expect("connecting");
        // Some statements want to be alone.
        for statement in sql.split("; ") {
            connection
                .execute(AssertSqlSafe(statement.to_owned()))
                .await
                .expect("executing");
        }
        connection.close().await.expect("closing");
    }
}

/// Posts Actions with these ids, one after the other, and gives what was answered.
pub(crate) async fn post(receiver: &Running, ids: &[impl AsRef<str>]) -> Vec<String> {
    let mut answers = Vec::new();
    for id in ids {
        let answer = receiver.post_signed(action(id.as_ref())).await;
        answers.push(format!("{} {}", answer.status, answer.said()));
    }
    answers
}

/// The delivery ids of all events, in the order of their ids, once there are so many.
pub(crate) async fn stored(setup: &Setup, count: usize) -> Vec<String> {
    let ledger = Ledger::of(setup).await;
    let events = until(async || {
        let events = ledger.events().await;
        (events.len() >= count).then_some(events)
    })
    .await;
    let id = |event: huntr_receiver::domain::EventRecord| event.summary.delivery_id;
    events.into_iter().map(id).collect()
}
