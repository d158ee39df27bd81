//! The typed tables, as somebody sees them who reads them with SQL.

use std::collections::BTreeMap;

use super::{Database, none_left};
use crate::support::{Running, Setup};

pub(super) const TABLES: [&str; 13] = [
    "actions",
    "stage_changes",
    "members",
    "member_field_values",
    "jobs",
    "employers",
    "activities",
    "notes",
    "contacts",
    "contact_jobs",
    "contact_employers",
    "hunty_events",
    "hunty_entities",
];

/// Posts a sample of everything the vendors send, and waits until the tables have it.
pub(super) async fn post_samples(setup: &Setup, receiver: &Running, database: &mut Database) {
    let url = receiver.url("");
    let sent = setup
        .command()
        .args(["send", "--all", "--count", "3", "--url", &url])
        .output()
        .expect("sending");
    let said = String::from_utf8_lossy(&sent.stderr);
    assert!(sent.status.success(), "{said}");
    none_left(database, "state <> 'delivered'").await;
}

/// Every row of every table, each as a text of all its columns.
pub(super) async fn contents(database: &mut Database) -> BTreeMap<&'static str, Vec<String>> {
    let mut contents = BTreeMap::new();
    for table in TABLES {
        let sql = if database.is_sqlite() {
            let columns = format!(
                "select group_concat('\"' || name || '\"', ', ' order by cid) from pragma_table_info('{table}')"
            );
            let columns = database.texts(&columns).await.join("");
            format!("select json_array({columns}) from {table} order by 1")
        } else {
            format!("select row_to_json(t)::text collate \"C\" from {table} as t order by 1")
        };
        contents.insert(table, database.texts(&sql).await);
    }
    contents
}
