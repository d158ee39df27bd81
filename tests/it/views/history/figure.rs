//! What a view ought to tell, and how it differs from what the view tells.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use huntr_receiver::domain::iso_millis;
use serde_json::{Map, Value, json};

type Row = Map<String, Value>;

/// So many rows that differ are shown.
const SHOWN: usize = 3;

/// The rows of a view, as the history has them.
pub(super) struct Figure {
    pub(super) view: &'static str,
    key: &'static [&'static str],
    rows: Vec<Row>,
}

impl Figure {
    /// A view whose rows are told apart by the columns of the key. Each row is an object with every column but the
    /// source, which is always the same.
    pub(super) fn new(
        view: &'static str,
        key: &'static [&'static str],
        rows: impl IntoIterator<Item = Value>,
    ) -> Self {
        let rows = rows.into_iter().map(|row| match row {
            Value::Object(row) => row,
            other => panic!("{view}: {other} is no row"),
        });
        Self {
            view,
            key,
            rows: rows.collect(),
        }
    }

    /// Nothing, or the first rows that are not the same on both sides.
    pub(super) fn differs_from(
        &self,
        columns: &[String],
        found: Vec<Vec<Value>>,
    ) -> Option<String> {
        assert!(!self.rows.is_empty(), "{}: nothing is compared", self.view);
        let rows = found.into_iter().map(|values| {
            let mut row: Row = columns.iter().cloned().zip(values).collect();
            assert_eq!(row.remove("source"), Some("huntr".into()), "{}", self.view);
            row
        });
        let found = self.by_key(rows);
        let expected = self.by_key(self.rows.iter().cloned());
        let keys: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
        let differing: Vec<_> = keys
            .into_iter()
            .map(|key| (expected.get(key), found.get(key)))
            .filter(|(expected, found)| !are_same(*expected, *found))
            .collect();
        let shown = differing.iter().take(SHOWN).map(|(expected, found)| {
            let [expected, found] = [expected, found].map(|row| shown(*row));
            format!("  history: {expected}\n  view:    {found}")
        });
        (!differing.is_empty()).then(|| {
            let count = format!("{} of {}", differing.len(), expected.len().max(found.len()));
            let shown: Vec<_> = shown.collect();
            format!("{}: {count} rows differ\n{}", self.view, shown.join("\n"))
        })
    }

    fn by_key(&self, rows: impl Iterator<Item = Row>) -> BTreeMap<Vec<String>, Row> {
        let mut by_key = BTreeMap::new();
        for row in rows {
            let cells = self.key.iter().map(|name| plain(&row[*name]).to_string());
            let other = by_key.insert(cells.collect(), row);
            assert_eq!(other, None, "{}: two rows with one key", self.view);
        }
        by_key
    }
}

/// A number that the view rounds to two places.
pub(super) fn rounded(number: Option<f64>) -> Value {
    number.map_or(Value::Null, |number| json!({ "rounded": number }))
}

fn are_same(expected: Option<&Row>, found: Option<&Row>) -> bool {
    let (Some(expected), Some(found)) = (expected, found) else {
        return false;
    };
    let is_in = |(name, value): (&String, &Value)| {
        let found = found.get(name);
        found.is_some_and(|found| agree(value, found))
    };
    expected.len() == found.len() && expected.iter().all(is_in)
}

/// Fractions are worked out in another order here; and halves are rounded up or down.
fn agree(expected: &Value, found: &Value) -> bool {
    let (number, tolerance) = match &expected["rounded"] {
        Value::Null => (expected, 1e-6),
        number => (number, 0.005 + 1e-6),
    };
    match (number.as_f64(), found.as_f64()) {
        (Some(number), Some(found)) => (number - found).abs() <= tolerance,
        _ => plain(expected) == plain(found),
    }
}

/// In the same form, whoever wrote it: times with milliseconds, true and false as 1 and 0.
fn plain(value: &Value) -> Value {
    match value {
        Value::Bool(value) => u8::from(*value).into(),
        Value::String(text) => match DateTime::parse_from_rfc3339(text) {
            Ok(time) => iso_millis(&time.to_utc()).into(),
            Err(_) => text.as_str().into(),
        },
        other => other.get("rounded").unwrap_or(other).clone(),
    }
}

fn shown(row: Option<&Row>) -> String {
    let Some(row) = row else {
        return "no such row".to_owned();
    };
    let cells = row.iter().map(|(name, value)| (name, plain(value)));
    json!(cells.collect::<BTreeMap<_, _>>()).to_string()
}
