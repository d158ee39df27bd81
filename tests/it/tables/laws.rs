//! What events say joins to the same rows in every order, split and repetition.

use std::collections::BTreeMap;

use huntr_receiver::domain::{Rows, Said};

use super::{histories::Dice, project};

const HISTORIES: u64 = 1000;
const ORDERS: usize = 5;

/// Everything there is in the rows, by table and key.
fn told(rows: &Rows) -> Vec<String> {
    let tables = rows.tables();
    let rows = tables.flat_map(|(table, rows)| {
        rows.iter().map(|(key, row)| {
            let derived = (table.derive)(row);
            format!("{} {key:?} {row:?} {derived:?}", table.name)
        })
    });
    rows.collect()
}

fn joined(said: &[Vec<Said>]) -> Rows {
    let mut rows = Rows::default();
    rows.extend(said.iter().flatten().cloned());
    rows
}

/// Takes rows apart again.
fn apart(rows: Rows) -> impl Iterator<Item = Said> {
    let tables = rows.into_tables();
    tables.flat_map(|(table, rows)| rows.into_iter().map(move |(key, row)| (table, key, row)))
}

#[test]
fn order_splits_and_repetitions_change_nothing() {
    for seed in 0..HISTORIES {
        let mut dice = Dice::new(seed);
        let said: Vec<_> = dice.history().iter().map(project).collect();
        let expected = told(&joined(&said));
        for _ in 0..ORDERS {
            let order = dice.shuffled_twice(&said);
            let (early, late) = order.split_at(dice.below(order.len()));
            let mut rows = joined(late);
            rows.extend(apart(joined(early)));
            assert_eq!(told(&rows), expected, "the history of seed {seed}");
        }
    }
}

/// The table of what a column names.
fn parent(column: &str) -> Option<&'static str> {
    Some(match column {
        "owner_member_id" | "creator_member_id" | "member_id" => "members",
        "job_id" => "jobs",
        "employer_id" => "employers",
        "activity_id" => "activities",
        "note_id" => "notes",
        "contact_id" => "contacts",
        _ => return None,
    })
}

#[test]
fn whatever_is_named_has_a_row() {
    for seed in 0..HISTORIES {
        for event in Dice::new(seed).history() {
            let rows = joined(&[project(&event)]);
            let tables: BTreeMap<_, _> = rows
                .tables()
                .map(|(table, rows)| (table.name, rows))
                .collect();
            for (table, rows) in rows.tables() {
                for (key, row) in rows {
                    let keys = table
                        .key
                        .iter()
                        .copied()
                        .zip(key.iter().skip(1).map(|part| Some(&**part)));
                    let columns = table.columns.iter().enumerate();
                    let columns =
                        columns.map(|(place, column)| (column.name, row.get(place).as_text()));
                    for (column, id) in keys.chain(columns) {
                        let (Some(parent), Some(id)) = (parent(column), id) else {
                            continue;
                        };
                        let key = vec![key[0].clone(), id.to_owned()];
                        let is_there = tables
                            .get(parent)
                            .is_some_and(|rows| rows.contains_key(&key));
                        assert!(is_there, "{}.{column} in {event:?}", table.name);
                    }
                }
            }
        }
    }
}

#[test]
fn every_event_has_one_row_of_its_own() {
    for seed in 0..HISTORIES {
        for event in Dice::new(seed).history() {
            let rows = joined(&[project(&event)]);
            let own = |table: &str| matches!(table, "actions" | "hunty_events");
            let own = rows.tables().filter(|(table, _)| own(table.name));
            let count: usize = own.map(|(_, rows)| rows.len()).sum();
            assert_eq!(count, 1, "the history of seed {seed}");
        }
    }
}
