//! What events say joins to the same rows in every order, split and repetition.

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
