//! Rows of the typed tables: what many events say of one thing becomes one row, in whatever order they come.
//!
//! A row is a join of what each event says: for each column the newest event wins, by its [`Version`]. Joining is
//! associative, commutative and idempotent, so arrival order, repetition and rebuilding change nothing.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::value::RawValue;

use super::{Timestamp, iso_millis};

/// A typed table. Every table has the column `source` before its key.
#[derive(Debug)]
pub struct Table {
    /// Its name in the database.
    pub name: &'static str,
    /// What tells the rows of one source apart.
    pub key: &'static [&'static str],
    /// What events say of a row.
    pub columns: &'static [Column],
    /// What follows from the columns, in the order in which `derive` gives it.
    pub derived: &'static [Column],
    /// Works out the derived columns.
    pub derive: fn(&Row) -> Vec<Value>,
    /// Whether several events speak of one row.
    pub merges: bool,
    /// The column with the id of the newest event that speaks of a row.
    pub last: &'static str,
}

/// A column of a [`Table`].
#[derive(Debug)]
pub struct Column {
    /// Its name in the database.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// The key of the sender's object that it is read from, where it is one.
    pub key: Option<&'static str>,
    /// What is said for want of anything better: it never replaces another text, however new it is.
    pub placeholder: Option<&'static str>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A short text that tells one thing from others, such as an id: so short that every index takes it.
    Id,
    /// A moment in UTC.
    Time,
    /// True or false.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// A number with a fraction.
    Real,
    /// Whatever JSON the sender put there.
    Json,
}

/// What stands in a column.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// Nothing, as the sender said or as it cannot be held.
    #[default]
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Real(f64),
    /// Text without NUL; a time in the form of [`iso_millis`].
    Text(String),
    /// JSON that every database takes.
    Json(Box<RawValue>),
}

/// Which event something is from: the newest wins, and of two at the same time the one with the higher id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The event's time in milliseconds from 1970; an event without one is older than all others.
    pub at: Option<i64>,
    /// The event's id, compared byte by byte.
    pub id: Arc<str>,
}

/// What is known of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// In the order of the table's columns; nothing where no event has said anything.
    cells: Vec<Option<Cell>>,
    /// The time of the oldest event that speaks of it, in milliseconds from 1970.
    first_seen: Option<i64>,
    /// The newest event that speaks of it.
    last: Version,
}

#[derive(Debug, Clone, PartialEq)]
struct Cell {
    value: Value,
    version: Version,
}

/// The source, and the key.
pub type Key = Vec<String>;

/// What an event says of one row.
pub type Said = (&'static Table, Key, Row);

/// Rows of several tables.
#[derive(Debug, Clone, Default)]
pub struct Rows(BTreeMap<&'static str, (&'static Table, BTreeMap<Key, Row>)>);

impl Table {
    /// The place of a column among [`Table::columns`].
    ///
    /// # Panics
    ///
    /// When the table has no such column: names are written by us, and a test tries all of them.
    #[must_use]
    pub fn position(&self, column: &str) -> usize {
        let position = self.columns.iter().position(|known| known.name == column);
        position.unwrap_or_else(|| unreachable!("{} has no column {column}", self.name))
    }
}

impl Column {
    /// A column that is not read from one key of the sender's.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            key: None,
            placeholder: None,
        }
    }

    /// A column that is read from this key.
    #[must_use]
    pub const fn of(name: &'static str, key: &'static str, kind: Kind) -> Self {
        Self {
            key: Some(key),
            ..Self::new(name, kind)
        }
    }

    /// How much a value weighs: a heavier one wins however old it is.
    fn weight(&self, value: &Value) -> bool {
        match (self.placeholder, value) {
            (Some(placeholder), Value::Text(text)) => text != placeholder,
            _ => true,
        }
    }
}

impl Value {
    /// A time.
    #[must_use]
    pub fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Null, |time| Self::Text(iso_millis(&time)))
    }

    /// A text that may be missing.
    #[must_use]
    pub fn text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text.into()))
    }

    /// JSON; its `null` is nothing.
    #[must_use]
    pub fn json(json: Box<RawValue>) -> Self {
        if json.get() == "null" {
            Self::Null
        } else {
            Self::Json(json)
        }
    }

    /// The text, when it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Real(a), Self::Real(b)) => a.to_bits() == b.to_bits(),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Json(a), Self::Json(b)) => a.get() == b.get(),
            _ => false,
        }
    }
}

impl Row {
    /// A row that this event speaks of, and says nothing more about yet.
    #[must_use]
    pub fn new(table: &Table, version: Version) -> Self {
        Self {
            cells: vec![None; table.columns.len()],
            first_seen: version.at,
            last: version,
        }
    }

    /// A row as it is stored: each column with the event it is from, if any has spoken of it.
    #[must_use]
    pub fn stored(
        first_seen: Option<i64>,
        last: Version,
        cells: impl IntoIterator<Item = Option<(Value, Version)>>,
    ) -> Self {
        let cell = |(value, version)| Cell { value, version };
        Self {
            cells: cells.into_iter().map(|known| known.map(cell)).collect(),
            first_seen,
            last,
        }
    }

    /// What the row's newest event says of a column.
    pub fn set(&mut self, column: usize, value: Value) {
        if let Some(cell) = self.cells.get_mut(column) {
            let version = self.last.clone();
            *cell = Some(Cell { value, version });
        }
    }

    /// What stands in a column.
    #[must_use]
    pub fn get(&self, column: usize) -> &Value {
        let cell = self.cells.get(column).and_then(Option::as_ref);
        cell.map_or(&Value::Null, |cell| &cell.value)
    }

    /// Each column's event, for those that any has spoken of.
    pub fn versions(&self) -> impl Iterator<Item = (usize, &Version)> {
        let cells = self.cells.iter().enumerate();
        cells.filter_map(|(column, cell)| Some((column, &cell.as_ref()?.version)))
    }

    /// The time of the oldest event that speaks of it, in milliseconds from 1970.
    #[must_use]
    pub fn first_seen(&self) -> Option<i64> {
        self.first_seen
    }

    /// The newest event that speaks of it.
    #[must_use]
    pub fn last(&self) -> &Version {
        &self.last
    }

    /// Takes over what is newer in the other.
    pub fn join(&mut self, table: &Table, other: Self) {
        self.first_seen = match (self.first_seen, other.first_seen) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        if other.last > self.last {
            self.last = other.last;
        }
        let columns = table.columns.iter();
        for ((ours, theirs), column) in self.cells.iter_mut().zip(other.cells).zip(columns) {
            let strength = |cell: &Cell| (column.weight(&cell.value), cell.version.clone());
            if let Some(theirs) = theirs
                && ours
                    .as_ref()
                    .is_none_or(|ours| strength(&theirs) >= strength(ours))
            {
                *ours = Some(theirs);
            }
        }
    }
}

impl Rows {
    /// Adds what an event, or many, say of a row.
    pub fn add(&mut self, table: &'static Table, key: Key, row: Row) {
        let (_, rows) = self.0.entry(table.name).or_insert((table, BTreeMap::new()));
        match rows.entry(key) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(row);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                entry.get_mut().join(table, row);
            }
        }
    }

    /// The tables that have rows, by name.
    pub fn tables(&self) -> impl Iterator<Item = (&'static Table, &BTreeMap<Key, Row>)> {
        self.0.values().map(|(table, rows)| (*table, rows))
    }

    /// Takes the tables apart.
    pub fn into_tables(self) -> impl Iterator<Item = (&'static Table, BTreeMap<Key, Row>)> {
        self.0.into_values()
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.values().map(|(_, rows)| rows.len()).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|(_, rows)| rows.is_empty())
    }
}

/// Joins what is said of the same row.
impl Extend<Said> for Rows {
    fn extend<T: IntoIterator<Item = Said>>(&mut self, said: T) {
        for (table, key, row) in said {
            self.add(table, key, row);
        }
    }
}
