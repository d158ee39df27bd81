//! The queries of `docs/sql.md`: each answers, on the databases it is for.

mod generated;

use std::time::Duration;

use huntr_receiver::{
    domain::{Attempt, Clock, NewEvent, Outcome, RejectedRequest, Settlement, SystemClock},
    store::{Claim, Schema, Store, sqlite::SqliteStore},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::{
    postgres,
    store::samples::{event, name, to},
};

const DOCUMENT: &str = include_str!("../../docs/sql.md");
const JOB_MOVED: &str = include_str!("../../src/providers/huntr/samples/JOB_MOVED.json");
const HUNTY_V1: &str = include_str!("../../src/providers/hunty/samples/v1.json");
const HUNTY_V2: &str = include_str!("../../src/providers/hunty/samples/v2.json");

/// The part of the page that is not generated.
fn by_hand() -> &'static str {
    DOCUMENT.split(generated::BEGIN).next().unwrap_or_default()
}

/// The queries that are not marked, in a comment at their beginning, as being for the other database.
fn queries_not_for(other: &str) -> Vec<&'static str> {
    let mark = format!("-- {other}");
    let blocks = by_hand().split("```sql\n").skip(1);
    let queries = blocks.map(|block| block.split_once("```").expect("the end of a block").0);
    queries.filter(|query| !query.starts_with(&mark)).collect()
}

/// Something for each query to find, and bytes that are no JSON, which must not stop one.
async fn fill(store: &dyn Store) {
    let of = |provider, delivery_id, body: &'static [u8]| NewEvent {
        source: name(provider),
        provider,
        event_type: Some("JOB_MOVED".to_owned()),
        received_at: SystemClock.now(),
        body: body.into(),
        deliveries: vec![to("crm")],
        ..event(delivery_id)
    };
    let unreadable = |provider| NewEvent {
        problem: Some("not JSON".to_owned()),
        ..of(provider, "unreadable", b"\xff{")
    };
    let batch = [
        of("huntr", "moved", JOB_MOVED.as_bytes()),
        of("huntr", "moved", b"another body"),
        of("hunty", "v1", HUNTY_V1.as_bytes()),
        of("hunty", "v2", HUNTY_V2.as_bytes()),
        unreadable("huntr"),
        unreadable("hunty"),
    ];
    store.insert_events(&batch).await.expect("stored");
    let refused = RejectedRequest {
        source: name("huntr"),
        received_at: SystemClock.now(),
        reason: "mismatch",
        headers: serde_json::Map::new(),
        body: "{}".into(),
    };
    store.keep_rejected(&[refused]).await.expect("kept");
    deliver(store).await;
}

/// The first delivery succeeds, the second may be tried again, the rest is dead.
async fn deliver(store: &dyn Store) {
    let claim = Claim {
        holder: "the tests",
        term: Duration::from_mins(5),
        sink: &name("crm"),
        backlog: false,
        in_order: false,
        limit: 10,
        max_bytes: 1 << 20,
    };
    let claimed = store.claim_deliveries(&claim).await.expect("claimed");
    let failure = || "away".to_owned();
    let retry = Outcome::Retry {
        error: failure(),
        delay: Duration::from_mins(1),
        give_up_after: Duration::from_hours(1),
    };
    let dead = std::iter::repeat_with(|| Outcome::Dead { error: failure() });
    let outcomes = [Outcome::Delivered, retry].into_iter().chain(dead);
    let settlements: Vec<_> = claimed
        .iter()
        .zip(outcomes)
        .map(|(claimed, outcome)| Settlement {
            event: claimed.event.summary.id,
            sink: name("crm"),
            outcome,
            attempt: Some(Attempt {
                started_at: SystemClock.now(),
                duration: Duration::from_millis(12),
                status_code: None,
                response: None,
            }),
        })
        .collect();
    assert!(settlements.len() > 2, "one for each query");
    let settled = store.settle_deliveries(claim.holder, &settlements).await;
    settled.expect("settled");
}

#[tokio::test]
async fn each_answers_on_sqlite() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("receiver.db");
    let store = SqliteStore::open(&path).await.expect("opened");
    store.migrate().await.expect("migrated");
    fill(&store).await;

    let url = format!("sqlite:{}?mode=ro", path.display());
    let mut connection = SqliteConnection::connect(&url).await.expect("connected");
    for query in queries_not_for("PostgreSQL") {
        let answer = sqlx::raw_sql(AssertSqlSafe(query))
            .fetch_all(&mut connection)
            .await;
        let rows = answer.unwrap_or_else(|error| panic!("{error}:\n{query}"));
        assert!(!rows.is_empty(), "found nothing:\n{query}");
    }
}

#[tokio::test]
async fn each_answers_on_postgres() {
    let url = postgres::fresh_database().await;
    fill(&postgres::connect(&url).await).await;

    let mut connection = PgConnection::connect(&url).await.expect("connected");
    for query in queries_not_for("SQLite") {
        let answer = sqlx::raw_sql(AssertSqlSafe(query))
            .fetch_all(&mut connection)
            .await;
        let rows = answer.unwrap_or_else(|error| panic!("{error}:\n{query}"));
        assert!(!rows.is_empty(), "found nothing:\n{query}");
    }
}

#[test]
fn there_are_queries_for_each_database() {
    let blocks = by_hand().matches("```sql").count();
    let [postgres, sqlite] = ["SQLite", "PostgreSQL"].map(|other| queries_not_for(other).len());
    assert!(sqlite > 0 && postgres > 0);
    assert!(sqlite < blocks && postgres < blocks, "some are for one");
    assert!(sqlite + postgres > blocks, "and some for both");
}
