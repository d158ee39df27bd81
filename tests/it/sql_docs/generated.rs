//! The part of `docs/sql.md` that is written from a migrated database: the typed tables, the views, and what the
//! queries of `docs/queries.sql` answer in a sample organisation.
//!
//! `UPDATE_DOCS=1 cargo test --test it sql_docs` writes it anew.

use std::{collections::BTreeMap, fmt::Write, path::Path};

use chrono::DateTime;
use huntr_receiver::{
    domain::Rows,
    providers::{Sample, reading, sample_event},
    store::{Schema, TableStore, sqlite::SqliteStore},
};
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;

use super::{HUNTY_V1, HUNTY_V2};
use crate::{organization, postgres};

pub(super) const BEGIN: &str =
    "<!-- From here on this page is generated from a migrated database. -->\n";
const QUERIES: &str = include_str!("../../../docs/queries.sql");
/// What the views call now.
const NOW: &str = "2026-06-01T00:00:00Z";
/// So many rows of an answer are shown.
const SHOWN: usize = 5;
/// The ledger's tables are described by hand.
const LEDGER: [&str; 6] = [
    "events",
    "event_conflicts",
    "rejected_requests",
    "deliveries",
    "delivery_attempts",
    "_sqlx_migrations",
];

#[derive(sqlx::FromRow)]
struct Relation {
    name: String,
    is_view: bool,
    comment: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Column {
    name: String,
    kind: String,
    comment: Option<String>,
}

const RELATIONS: &str = "
select relname as name, relkind = 'v' as is_view, obj_description(oid) as comment
from pg_class
where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v') and not relispartition
order by relkind = 'v', oid";

const COLUMNS: &str = "
select attname as name, format_type(atttypid, atttypmod) as kind, col_description(attrelid, attnum) as comment
from pg_attribute
where attrelid = $1::regclass and attnum > 0 and not attisdropped
order by attnum";

#[tokio::test]
async fn the_generated_part_is_current() {
    let mut connection = PgConnection::connect(&sample_database().await)
        .await
        .expect("connected");
    let kinds = kinds_in_sqlite().await;
    let queries = queries();
    let mut text = String::new();
    let relations: Vec<Relation> = sqlx::query_as(RELATIONS)
        .fetch_all(&mut connection)
        .await
        .expect("the tables and views");
    for relation in relations {
        if LEDGER.contains(&&*relation.name) {
            continue;
        }
        describe(&mut text, &mut connection, &relation, &kinds).await;
        if relation.is_view {
            let query = queries.get(&*relation.name);
            let query = query.unwrap_or_else(|| panic!("{} has no query", relation.name));
            answer(&mut text, &mut connection, query).await;
        }
    }
    compare(&text);
}

/// A database of a sample organisation, and of what else there are samples of.
async fn sample_database() -> String {
    let now = DateTime::parse_from_rfc3339(NOW).expect("a time").to_utc();
    let url = postgres::database_at(&now).await;
    let store = postgres::connect(&url).await;
    organization::fill(&store, 60, 7, now).await;
    for body in [HUNTY_V1, HUNTY_V2] {
        let sample = Sample {
            name: "sample",
            body,
            documented: true,
        };
        let event = sample_event("hunty", &sample, now);
        let mut rows = Rows::default();
        rows.extend(reading("hunty").project(&event));
        store.apply(&rows, "the tests", &[]).await.expect("applied");
    }
    url
}

/// The type of each column there, by table or view and column.
async fn kinds_in_sqlite() -> BTreeMap<(String, String), String> {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("receiver.db");
    let store = SqliteStore::open(&path).await.expect("opened");
    store.migrate().await.expect("migrated");
    let url = format!("sqlite:{}?mode=ro", path.display());
    let mut connection = SqliteConnection::connect(&url).await.expect("connected");
    let kinds: Vec<(String, String, String)> = sqlx::query_as(
        "select objects.name, columns.name, lower(columns.type)
         from sqlite_schema as objects join pragma_table_info(objects.name) as columns
         where objects.type in ('table', 'view')",
    )
    .fetch_all(&mut connection)
    .await
    .expect("the columns");
    let kinds = kinds.into_iter();
    kinds
        .map(|(table, column, kind)| ((table, column), kind))
        .collect()
}

/// The queries of the file, by the view they are for, each with its question.
fn queries() -> BTreeMap<&'static str, (&'static str, &'static str)> {
    let blocks = QUERIES.split("-- name: ").skip(1);
    let blocks = blocks.map(|block| {
        let (name, rest) = block.split_once('\n').expect("a name");
        let (question, query) = rest.split_once('\n').expect("a question");
        (
            name.trim(),
            (question.trim_start_matches("-- "), query.trim()),
        )
    });
    blocks.collect()
}

async fn describe(
    text: &mut String,
    connection: &mut PgConnection,
    relation: &Relation,
    kinds: &BTreeMap<(String, String), String>,
) {
    let name = &relation.name;
    let comment = relation.comment.as_deref().unwrap_or_default();
    write!(text, "\n### `{name}`\n\n{comment}\n\n").expect("text");
    text.push_str("| Column | PostgreSQL | SQLite | |\n|---|---|---|---|\n");
    let columns: Vec<Column> = sqlx::query_as(COLUMNS)
        .bind(name)
        .fetch_all(connection)
        .await
        .expect("the columns");
    for column in columns {
        let kind = kinds.get(&(name.clone(), column.name.clone()));
        let kind = match kind.map_or("", String::as_str) {
            "" => String::new(),
            kind => format!("`{kind}`"),
        };
        let comment = column.comment.unwrap_or_default().replace('|', "\\|");
        let of_postgres = column
            .kind
            .replace("timestamp with time zone", "timestamptz");
        let name = column.name;
        writeln!(text, "| `{name}` | `{of_postgres}` | {kind} | {comment} |").expect("text");
    }
}

/// A question, its query, and the beginning of the answer.
async fn answer(
    text: &mut String,
    connection: &mut PgConnection,
    (question, query): &(&'static str, &'static str),
) {
    write!(text, "\n{question}\n\n```sql\n{query}\n```\n\n").expect("text");
    let rows = format!(
        "select row_to_json(answer)::text from ({}) as answer",
        query.trim_end_matches(';')
    );
    let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(rows))
        .fetch_all(connection)
        .await
        .unwrap_or_else(|error| panic!("{error}:\n{query}"));
    if rows.is_empty() {
        text.push_str("In the sample organisation: none.\n");
        return;
    }
    let shown: Vec<Map<String, Value>> = rows
        .iter()
        .take(SHOWN)
        .map(|row| serde_json::from_str(row).expect("a row"))
        .collect();
    let names: Vec<&str> = shown[0].keys().map(String::as_str).collect();
    writeln!(text, "| {} |", names.join(" | ")).expect("text");
    writeln!(text, "|{}", "---|".repeat(names.len())).expect("text");
    for row in &shown {
        let cells: Vec<String> = row.values().map(cell).collect();
        writeln!(text, "| {} |", cells.join(" | ")).expect("text");
    }
    if rows.len() > SHOWN {
        text.push_str("| … |\n");
    }
}

fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        // The last digits of a mean depend on the order in which the rows are read.
        Value::Number(number) if number.is_f64() => {
            let rounded = format!("{:.4}", number.as_f64().unwrap_or_default());
            let rounded = rounded.trim_end_matches('0');
            rounded.trim_end_matches('.').to_owned()
        }
        other => other.to_string(),
    };
    text.replace('|', "\\|")
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests decides whether the page is written"
)]
fn compare(generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sql.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (by_hand, current) = page.split_once(BEGIN).expect("the mark in the page");
    if current == generated {
        return;
    }
    let mut lines = current.lines().zip(generated.lines());
    let first = lines.find(|(current, generated)| current != generated);
    assert!(
        std::env::var_os("UPDATE_DOCS").is_some(),
        "docs/sql.md is not current: UPDATE_DOCS=1 cargo test --test it sql_docs; {first:?}"
    );
    std::fs::write(&path, format!("{by_hand}{BEGIN}{generated}")).expect("writing the page");
}
