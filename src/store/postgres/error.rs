//! What PostgreSQL's error codes mean to us.

use crate::store::{
    StoreError,
    error::{Class, classify},
};

/// The failure, told apart by its SQLSTATE.
pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    classify(error, of_sqlstate)
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>: the first two characters are the class.
fn of_sqlstate(code: &str) -> Class {
    // What the connection prepared is out of date: another replica has migrated. A new one prepares anew.
    // And what the server has no word for, such as a file of its own that a full disk does not take.
    if ["0A000", "XX000"].contains(&code) {
        return Class::Unavailable;
    }
    match code.get(..2).unwrap_or_default() {
        // 08 connection, 25 read-only or timed-out transaction, 26 a pooler lost our statement,
        // 40 deadlock or serialization, 53 resources (disk full), 55 locked, 57 shutdown or cancelled,
        // 58 the server's own I/O.
        "08" | "25" | "26" | "40" | "53" | "55" | "57" | "58" => Class::Unavailable,
        // 22 data, 23 constraint, 44 check option, 54 too long for an index, P0 raised by a trigger.
        "22" | "23" | "44" | "54" | "P0" => Class::Refused,
        // Above all 28 authentication, 3D database, 3F schema, 42 table, column or privilege, XX damaged data; and
        // what only somebody's trigger can raise.
        _ => Class::Misconfigured,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart_by_what_to_do() {
        for later in [
            "08006", "0A000", "25006", "40P01", "53100", "55P03", "57P01", "58030", "XX000",
        ] {
            assert_eq!(of_sqlstate(later), Class::Unavailable, "{later}");
        }
        for never in ["22021", "23514", "23502", "54000", "P0001"] {
            assert_eq!(of_sqlstate(never), Class::Refused, "{never}");
        }
        for set_up in ["28P01", "3D000", "3F000", "42P01", "42501", "XX002", ""] {
            assert_eq!(of_sqlstate(set_up), Class::Misconfigured, "{set_up}");
        }
    }
}
