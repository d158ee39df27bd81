//! Rows of the typed tables as JSON: what both backends read, and what they write.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::DateTime;
use serde::{
    Deserialize, Serialize, Serializer,
    de::Error as _,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::{Value as Json, value::RawValue};

use super::KeptKeys;
use crate::domain::{Key, Kind, Row, Table, Timestamp, Value, Version, iso_millis};

/// The columns of the key, with the source.
pub(super) fn key_columns(table: &Table) -> impl Iterator<Item = &'static str> + use<> {
    std::iter::once("source").chain(table.key.iter().copied())
}

/// Every column, with what it holds.
pub(super) fn columns(table: &Table) -> impl Iterator<Item = (&'static str, Kind)> + use<> {
    let said = table.columns.iter().chain(table.derived);
    let versions = table.merges.then_some(("column_versions", Kind::Json));
    key_columns(table)
        .map(|name| (name, Kind::Id))
        .chain(said.map(|column| (column.name, column.kind)))
        .chain([
            ("first_seen_at", Kind::Time),
            ("updated_at", Kind::Time),
            (table.last, Kind::Id),
        ])
        .chain(versions)
}

/// A list of columns. One of them is a keyword.
pub(super) fn list<'a>(columns: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = columns.map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}

/// Every column but the key's set to what was to be inserted.
pub(super) fn overwritten(table: &Table) -> String {
    let is_key = |name: &str| key_columns(table).any(|key| key == name);
    let said = columns(table).filter(|(name, _)| !is_key(name));
    let set: Vec<_> = said
        .map(|(name, _)| format!("\"{name}\" = excluded.\"{name}\""))
        .collect();
    set.join(", ")
}

/// Counts the rows that differ between a table and another of its shape, and gives the key of one of them.
/// `differs` tells two values apart, nulls included.
pub(super) fn differing(table: &Table, other: &str, differs: &str) -> String {
    let name = table.name;
    let of = |name: &str| {
        let columns = columns(table).map(|(column, _)| format!("{name}.\"{column}\""));
        columns.collect::<Vec<_>>().join(", ")
    };
    let key = list(key_columns(table));
    let example = key.replace(", ", " || ' ' || ");
    format!(
        "select count(*), min({example}) from {name} full join {other} using ({key}) \
         where ({}) {differs} ({})",
        of(name),
        of(other)
    )
}

/// The rows, joined with what is known of them.
pub(super) fn joined(
    table: &Table,
    mut known: BTreeMap<Key, Row>,
    rows: &BTreeMap<Key, Row>,
) -> BTreeMap<Key, Row> {
    for (key, row) in rows {
        match known.get_mut(key) {
            Some(known) => known.join(table, row.clone()),
            None => {
                known.insert(key.clone(), row.clone());
            }
        }
    }
    known
}

/// The keys that have a mark, and the one that has none: the last that was looked at.
pub(super) fn kept(keys: Vec<(String, String, bool)>) -> KeptKeys {
    let (mut kept, mut last) = (Vec::new(), None);
    for (source, id, is_kept) in keys {
        if is_kept {
            kept.push(vec![source, id]);
        } else {
            last = Some(vec![source, id]);
        }
    }
    KeptKeys { kept, last }
}

/// Rows as one array of JSON.
///
/// # Errors
///
/// When there is no memory for it.
pub fn write<'a>(
    table: &'a Table,
    rows: impl Iterator<Item = (&'a Key, &'a Row)>,
) -> Result<String, sqlx::Error> {
    let rows: Vec<_> = rows.map(|(key, row)| Written { table, key, row }).collect();
    serde_json::to_string(&rows).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// A row as an object: a column each.
struct Written<'a> {
    table: &'a Table,
    key: &'a Key,
    row: &'a Row,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { table, key, row } = self;
        let mut map = serializer.serialize_map(None)?;
        for (name, part) in key_columns(table).zip(*key) {
            map.serialize_entry(name, part)?;
        }
        for (position, column) in table.columns.iter().enumerate() {
            serialize_value(&mut map, column.name, row.get(position))?;
        }
        for (column, value) in table.derived.iter().zip((table.derive)(row)) {
            serialize_value(&mut map, column.name, &value)?;
        }
        map.serialize_entry("first_seen_at", &row.first_seen().and_then(moment))?;
        map.serialize_entry("updated_at", &row.last().at.and_then(moment))?;
        map.serialize_entry(table.last, &*row.last().id)?;
        if table.merges {
            map.serialize_entry("column_versions", &Versions { table, row })?;
        }
        map.end()
    }
}

fn serialize_value<M: SerializeMap>(
    map: &mut M,
    name: &str,
    value: &Value,
) -> Result<(), M::Error> {
    match value {
        Value::Null => map.serialize_entry(name, &()),
        Value::Boolean(value) => map.serialize_entry(name, value),
        Value::Integer(value) => map.serialize_entry(name, value),
        Value::Real(value) => map.serialize_entry(name, value),
        Value::Text(value) => map.serialize_entry(name, value),
        Value::Json(value) => map.serialize_entry(name, value),
    }
}

/// A time as it is written.
pub(super) fn moment(millis: i64) -> Option<String> {
    Timestamp::from_timestamp_millis(millis)
        .as_ref()
        .map(iso_millis)
}

/// What is in `column_versions`.
pub(super) fn versions_text(table: &Table, row: &Row) -> Result<String, sqlx::Error> {
    let text = serde_json::to_string(&Versions { table, row });
    text.map_err(|error| sqlx::Error::Encode(error.into()))
}

/// `{"<event's id>": [<its time>, "<column>", …], …}`: most rows are from a few events.
struct Versions<'a> {
    table: &'a Table,
    row: &'a Row,
}

impl Serialize for Versions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut by_event: BTreeMap<&Version, Vec<&str>> = BTreeMap::new();
        for (position, version) in self.row.versions() {
            let names = by_event.entry(version).or_default();
            names.extend(self.table.columns.get(position).map(|column| column.name));
        }
        let mut map = serializer.serialize_map(Some(by_event.len()))?;
        for (version, names) in by_event {
            map.serialize_entry(
                &*version.id,
                &VersionOf {
                    at: version.at,
                    names,
                },
            )?;
        }
        map.end()
    }
}

struct VersionOf<'a> {
    at: Option<i64>,
    names: Vec<&'a str>,
}

impl Serialize for VersionOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(1 + self.names.len()))?;
        list.serialize_element(&self.at)?;
        for name in &self.names {
            list.serialize_element(name)?;
        }
        list.end()
    }
}

/// Reads a row that [`write()`] has written, as the database gives it back.
///
/// # Errors
///
/// When it is not of the table's shape.
pub fn read(table: &Table, text: &str) -> Result<(Key, Row), sqlx::Error> {
    parse(table, text).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Reads no more than a row's key.
pub(super) fn read_key(table: &Table, text: &str) -> Result<Key, sqlx::Error> {
    let parse = || {
        let object: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text)?;
        let get = |name: &str| object.get(name).map_or("null", |raw| raw.get());
        let key = key_columns(table).map(|name| serde_json::from_str(get(name)));
        key.collect::<serde_json::Result<Key>>()
    };
    parse().map_err(|error| sqlx::Error::Decode(error.into()))
}

fn parse(table: &Table, text: &str) -> serde_json::Result<(Key, Row)> {
    let object: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(text)?;
    let get = |name: &str| object.get(name).map_or("null", |raw| raw.get());
    let key = key_columns(table).map(|name| serde_json::from_str(get(name)));
    let key = key.collect::<serde_json::Result<Key>>()?;
    let mut versions = versions(get("column_versions"))?;
    let cells = table.columns.iter().map(|column| {
        let version = versions.remove(column.name);
        version
            .map(|version| Ok((value(column.kind, get(column.name))?, version)))
            .transpose()
    });
    let cells = cells.collect::<serde_json::Result<Vec<_>>>()?;
    let last = Version {
        at: millis(get("updated_at"))?,
        id: Arc::from(serde_json::from_str::<String>(get(table.last))?),
    };
    Ok((key, Row::stored(millis(get("first_seen_at"))?, last, cells)))
}

fn versions(text: &str) -> serde_json::Result<HashMap<String, Version>> {
    let by_event: BTreeMap<String, Vec<Json>> = serde_json::from_str(text)?;
    let mut versions = HashMap::new();
    for (id, mut parts) in by_event {
        let names = parts.split_off(1.min(parts.len()));
        let version = Version {
            at: parts.first().and_then(Json::as_i64),
            id: Arc::from(id),
        };
        for name in names {
            let name = serde_json::from_value(name)?;
            versions.insert(name, version.clone());
        }
    }
    Ok(versions)
}

fn value(kind: Kind, text: &str) -> serde_json::Result<Value> {
    if text == "null" {
        return Ok(Value::Null);
    }
    Ok(match kind {
        // SQLite has 0 and 1.
        Kind::Boolean => Value::Boolean(matches!(text, "true" | "1")),
        Kind::Integer => Value::Integer(serde_json::from_str(text)?),
        Kind::Real => Value::Real(serde_json::from_str(text)?),
        Kind::Text | Kind::Id => Value::Text(serde_json::from_str(text)?),
        Kind::Time => Value::time(time(text)?),
        Kind::Json => Value::Json(RawValue::from_string(text.to_owned())?),
    })
}

fn time(text: &str) -> serde_json::Result<Option<Timestamp>> {
    let text: Option<Cow<'_, str>> =
        Deserialize::deserialize(&mut serde_json::Deserializer::from_str(text))?;
    let time = text.map(|text| DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc()));
    time.transpose().map_err(serde_json::Error::custom)
}

fn millis(text: &str) -> serde_json::Result<Option<i64>> {
    Ok(time(text)?.map(|time| time.timestamp_millis()))
}
