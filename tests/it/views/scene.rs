//! A few rows of the typed tables, in the words of the job search, and what a query says of them.

mod frozen;

use chrono::{DateTime, TimeDelta};
use huntr_receiver::{
    domain::{Clock, SystemClock, Timestamp, iso_millis},
    store::{Schema, Store, sqlite::SqliteStore},
};
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::postgres;

/// The fields of the organisation: id and name.
const FIELDS: [(&str, &str); 3] = [
    ("field-cohort", "Cohort"),
    ("field-graduation", "Graduation"),
    ("field-program", "Program"),
];

/// A migrated database of a test's own.
pub(super) struct Scene {
    store: Box<dyn Store>,
    sql: Sql,
    now: Timestamp,
}

enum Sql {
    Sqlite { pool: SqlitePool, _folder: TempDir },
    Postgres(PgPool),
}

impl Scene {
    pub(super) async fn on_sqlite() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("receiver.db");
        let store = SqliteStore::open(&path).await.expect("opening");
        store.migrate().await.expect("migrating");
        let options = SqliteConnectOptions::new().filename(&path);
        let sql = Sql::Sqlite {
            pool: SqlitePool::connect_lazy_with(options),
            _folder: folder,
        };
        Self::of(Box::new(store), sql)
    }

    pub(super) async fn on_postgres() -> Self {
        let url = postgres::fresh_database().await;
        let pool = PgPool::connect_lazy(&url).expect("a URL");
        Self::of(Box::new(postgres::connect(&url).await), Sql::Postgres(pool))
    }

    fn of(store: Box<dyn Store>, sql: Sql) -> Self {
        let now = SystemClock.now();
        Self { store, sql, now }
    }

    pub(super) fn is_sqlite(&self) -> bool {
        matches!(self.sql, Sql::Sqlite { .. })
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The time so many days ago; in the future with a negative number.
    pub(super) fn ago(&self, days: i64) -> String {
        iso_millis(&(self.now - TimeDelta::days(days)))
    }

    /// The day so many days ago, as people write it into a field.
    pub(super) fn day(&self, days_ago: i64) -> String {
        self.ago(days_ago)[..10].to_owned()
    }

    /// Adds a row: what is not given is null.
    pub(super) async fn row(&self, table: &str, row: Value) {
        let Value::Object(mut row) = row else {
            panic!("{row} is no row");
        };
        row.entry("source").or_insert("huntr".into());
        let columns: Vec<_> = row.keys().map(|name| format!("\"{name}\"")).collect();
        let columns = columns.join(", ");
        let values = Value::Object(row.clone()).to_string();
        match &self.sql {
            Sql::Sqlite { pool, .. } => {
                let each: Vec<_> = row
                    .keys()
                    .map(|name| format!("?1 ->> '$.{name}'"))
                    .collect();
                let each = each.join(", ");
                let sql = format!("insert into {table} ({columns}) values ({each})");
                let insert = sqlx::query(AssertSqlSafe(sql)).bind(values);
                insert.execute(pool).await.map(drop)
            }
            Sql::Postgres(pool) => {
                let sql = format!(
                    "insert into {table} ({columns})
                     select {columns} from json_populate_record(null::{table}, $1::text::json)"
                );
                let insert = sqlx::query(AssertSqlSafe(sql)).bind(values);
                insert.execute(pool).await.map(drop)
            }
        }
        .expect("inserting a row");
    }

    /// Names the fields, and lets the views read them by these names.
    pub(super) async fn fields(&self) {
        for (id, name) in FIELDS {
            self.row("member_fields", json!({"id": id, "name": name}))
                .await;
        }
        let settings = [
            ("cohort_field", "Cohort"),
            ("graduation_field", "Graduation"),
            ("program_field", "Program"),
        ];
        let set = self.store().set_tables_settings(&settings).await;
        set.expect("set");
    }

    /// A member, and what the fields hold, by their names.
    pub(super) async fn member(&self, id: &str, held: &[(&str, &str)]) {
        self.member_with(id, json!({}), held).await;
    }

    pub(super) async fn member_with(&self, id: &str, more: Value, held: &[(&str, &str)]) {
        let row = json!({
            "id": id, "full_name": id, "email": format!("{id}@example.com"), "is_active": true,
            "created_at": self.ago(200),
        });
        self.row("members", with(row, more)).await;
        for (name, value) in held {
            let field = FIELDS.iter().find(|(_, known)| known == name);
            let (field, _) = field.expect("a known field");
            let row = json!({"member_id": id, "field_id": field, "value_text": value});
            self.row("member_field_values", row).await;
        }
    }

    /// A job on a member's board.
    pub(super) async fn job(&self, id: &str, owner: &str, more: Value) {
        let row = json!({
            "id": id, "title": "Gardener", "owner_member_id": owner, "created_at": self.ago(150),
        });
        self.row("jobs", with(row, more)).await;
    }

    /// Something a member has done for a job, so many days ago.
    pub(super) async fn done(&self, category: &str, job: &str, owner: &str, days_ago: i64) {
        let done = json!({"completed": true});
        self.activity(category, job, owner, days_ago, done).await;
    }

    pub(super) async fn activity(
        &self,
        category: &str,
        job: &str,
        owner: &str,
        days_ago: i64,
        more: Value,
    ) {
        let row = json!({
            "id": format!("{category} {job} {owner} {days_ago}"), "category": category,
            "stage": stage(category), "job_id": (!job.is_empty()).then_some(job),
            "owner_member_id": owner, "completed": false,
            "start_at": self.ago(days_ago), "event_at": self.ago(days_ago),
        });
        self.row("activities", with(row, more)).await;
    }

    /// A job goes to a list; of an empty stage are the lists that stand for none.
    pub(super) async fn moved(&self, job: &str, owner: &str, stage: &str, days_ago: i64) {
        let row = json!({
            "action_id": format!("{job} {days_ago}"), "job_id": job, "member_id": owner,
            "to_list": "a list", "to_stage": (!stage.is_empty()).then_some(stage),
            "occurred_at": self.ago(days_ago),
        });
        self.row("stage_changes", row).await;
    }

    /// The answer, a line for each row: nothing is `-`, true and false are 1 and 0, times are days.
    pub(super) async fn ask(&self, columns: &str, rest: &str) -> Vec<String> {
        let rows = self.ask_in_full(columns, rest).await;
        rows.iter().map(|row| line(row)).collect()
    }

    /// The answer as it is, a list of values for each row.
    pub(super) async fn ask_in_full(&self, columns: &str, rest: &str) -> Vec<Vec<Value>> {
        let array = match &self.sql {
            Sql::Sqlite { .. } => "json_array",
            Sql::Postgres(_) => "json_build_array",
        };
        let sql = format!("select cast({array}({columns}) as text) from {rest}");
        let query = AssertSqlSafe(sql.clone());
        let rows: sqlx::Result<Vec<String>> = match &self.sql {
            Sql::Sqlite { pool, .. } => sqlx::query_scalar(query).fetch_all(pool).await,
            Sql::Postgres(pool) => sqlx::query_scalar(query).fetch_all(pool).await,
        };
        let rows = rows.unwrap_or_else(|error| panic!("{error}:\n{sql}"));
        let array = |row: &String| serde_json::from_str(row).expect("an array");
        rows.iter().map(array).collect()
    }
}

/// The stage that a category stands for.
fn stage(category: &str) -> Option<&'static str> {
    Some(match category {
        "Apply" => "APPLY",
        "Phone Screen" => "PHONE_SCREEN",
        "Phone Interview" => "PHONE_INTERVIEW",
        "On Site Interview" => "ON_SITE_INTERVIEW",
        "Offer Received" => "OFFER_RECEIVED",
        "Accept Offer" => "OFFER_ACCEPTED",
        "Decline Offer" => "OFFER_DECLINED",
        "Rejected" => "REJECTED",
        _ => return None,
    })
}

fn with(row: Value, more: Value) -> Value {
    let (Value::Object(mut row), Value::Object(more)) = (row, more) else {
        panic!("objects");
    };
    row.extend::<Map<_, _>>(more);
    row.into()
}

fn line(row: &[Value]) -> String {
    let cells: Vec<_> = row.iter().map(cell).collect();
    cells.join(" | ")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(value) => u8::from(*value).to_string(),
        Value::Number(number) => {
            let thousandths = (number.as_f64().expect("a number") * 1000.0).round();
            (thousandths / 1000.0).to_string()
        }
        Value::String(text) => match DateTime::parse_from_rfc3339(text) {
            Ok(time) => time.to_utc().date_naive().to_string(),
            Err(_) => text.clone(),
        },
        other => other.to_string(),
    }
}
