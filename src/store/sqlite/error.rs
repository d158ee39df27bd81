//! What SQLite's result codes mean to us.

use sqlx::error::DatabaseError;

use crate::store::{
    StoreError,
    error::{Class, classify},
};

/// The failure, told apart by its extended result code.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    classify(error, of_result_code)
}

/// Whether the file or its file system takes no writes.
pub(super) fn is_read_only(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| primary(&code) == Some(8))
}

/// Whether the file is no database, or one whose pages contradict each other.
pub(crate) fn is_corrupt(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| matches!(primary(&code), Some(11 | 26)))
}

/// Whether the file may not grow, or its disk is full.
pub(crate) fn is_full(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| primary(&code) == Some(13))
}

/// <https://www.sqlite.org/rescode.html>
fn of_result_code(code: &str) -> Class {
    match primary(code) {
        // 5 busy, 6 locked, 7 out of memory, 8 read-only, 9 interrupted, 10 I/O, 13 full, 14 cannot open,
        // 15 a race for the locks of the WAL.
        Some(5..=10 | 13..=15) => Class::Unavailable,
        // 18 too big, 19 constraint, 20 mismatch.
        Some(18..=20) => Class::Refused,
        // Above all 1 no such table, 11 corrupt, 26 not a database.
        _ => Class::Misconfigured,
    }
}

/// The low byte of an extended result code.
fn primary(code: &str) -> Option<u32> {
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart_by_what_to_do() {
        // Busy (snapshot), an fsync that failed, full, read-only (moved), cannot open (a folder).
        for later in ["517", "1034", "13", "1032", "526"] {
            assert_eq!(of_result_code(later), Class::Unavailable, "{later}");
        }
        // Unique, check, raised by a trigger, too big, of another type.
        for never in ["2067", "275", "1811", "18", "20"] {
            assert_eq!(of_result_code(never), Class::Refused, "{never}");
        }
        for set_up in ["1", "11", "26", "no number"] {
            assert_eq!(of_result_code(set_up), Class::Misconfigured, "{set_up}");
        }
    }
}
