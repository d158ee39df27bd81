//! What can go wrong in a store, told apart by what the caller should do.

use std::{error::Error, fmt};

use sqlx::error::DatabaseError;

/// A store's failure.
#[derive(thiserror::Error)]
pub enum StoreError {
    /// The database cannot take it now, but may later: away, read-only, full, too slow, too busy.
    #[error("the database is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// The database will never take one of these rows.
    #[error("the database refused a row")]
    Refused(#[source] sqlx::Error),
    /// The database and this program do not fit: schema, permissions, configuration.
    #[error("the database is not usable as it is set up")]
    Misconfigured(#[source] sqlx::Error),
    /// A migration failed, or the schema is not the one this version knows.
    #[error("the migrations could not be applied")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A commit did not end, so its connection was given up. It may have succeeded.
    #[error("the database does not answer")]
    Hanging,
    /// The database answers, but takes no writes now.
    #[error("the database is read-only")]
    ReadOnly,
    /// The database answers, but its user may not write what a commit has to write.
    #[error("the database's user lacks privileges: {missing}")]
    Forbidden {
        /// The privileges to grant, as in `insert on events`.
        missing: String,
    },
    /// A row that has just been found is gone; somebody deletes while we write.
    #[error("an event vanished while its duplicate was being recorded")]
    Vanished,
    /// The spool has as much as it may have.
    #[error("spool.max_size is reached, or its disk is full")]
    SpoolFull,
    /// The disk has no more than what is needed for taking deliveries out of the spool.
    #[error("its disk is full")]
    DiskFull,
    /// Another process has this embedded database open for serving.
    #[error(
        "{path} is in use by another `huntr-receiver serve`; stop it, or set another database.url"
    )]
    Locked {
        /// The database's file.
        path: String,
    },
    /// Another process fills the typed tables again.
    #[error(
        "a rebuild or a full audit of the typed tables is already running: wait until it has ended"
    )]
    Rebuilding,
    /// Something that is not ours depends on a part of the database that is to be exchanged.
    #[error(
        "something of yours depends on a partition of a typed table: {what}. Drop it, run this again, and make it anew: \
         a view on the table itself instead of its partition; foreign keys to typed tables cannot stay"
    )]
    InTheWay {
        /// What the database says of it.
        what: String,
    },
    /// The file is not the one that was opened: what is written now would be found by nobody.
    #[error("{path} was removed or replaced while it was in use; restart the receiver")]
    Replaced {
        /// The database's file.
        path: String,
    },
    /// The server stores text in an encoding that lacks most characters.
    #[error("the database is encoded in {encoding}; create it with encoding UTF8")]
    NotUtf8 {
        /// The server's encoding.
        encoding: String,
    },
    /// A file or folder of the embedded database cannot be used.
    #[error("{path} cannot be used")]
    Io {
        /// The file or folder.
        path: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
}

impl StoreError {
    /// Whether another row may be taken where this one was not. Somebody's trigger or foreign key can fail with almost
    /// any error, which then looks like the whole database's.
    #[must_use]
    pub fn may_be_a_row(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Misconfigured(_) | Self::Vanished => true,
            // A statement that was cancelled for its time, what is not supported, what the server has no word for.
            Self::Unavailable(cause) => {
                let code = cause.as_database_error().and_then(DatabaseError::code);
                code.is_some_and(|code| ["57014", "0A000", "XX000"].contains(&&*code))
            }
            _ => false,
        }
    }

    /// Whether the same may succeed a little later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Hanging | Self::ReadOnly | Self::Vanished => true,
            Self::Refused(_)
            | Self::Misconfigured(_)
            | Self::Migration(_)
            | Self::Forbidden { .. }
            | Self::Locked { .. }
            | Self::Rebuilding
            | Self::InTheWay { .. }
            | Self::SpoolFull
            | Self::DiskFull
            | Self::Replaced { .. }
            | Self::NotUtf8 { .. }
            | Self::Io { .. } => false,
        }
    }
}

/// The chain of messages, and no more: PostgreSQL's own debug output quotes the row that failed, and a
/// body must never get into a log. Many a message ends with its cause's; that is said once.
impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let message = error.to_string();
            if !shown.ends_with(&message) {
                shown = format!("{shown}: {message}");
            }
            cause = error.source();
        }
        f.write_str(&shown)
    }
}

/// What a failure means, whichever database it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Try again later.
    Unavailable,
    /// Never with this row.
    Refused,
    /// Never with this database, until somebody changes it.
    Misconfigured,
    /// A row that another one refers to is gone.
    Vanished,
}

/// The failure as the caller sees it; `of_code` knows the codes of the database it came from.
pub(super) fn classify(error: sqlx::Error, of_code: fn(&str) -> Class) -> StoreError {
    let class = match &error {
        sqlx::Error::Database(database) => match database.code() {
            Some(_) if database.is_foreign_key_violation() => Class::Vanished,
            Some(code) => of_code(&code),
            None => Class::Misconfigured,
        },
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Class::Unavailable,
        // The values of one of the rows do not fit into a message to the database.
        sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) => Class::Refused,
        _ => Class::Misconfigured,
    };
    match class {
        Class::Unavailable => StoreError::Unavailable(error),
        Class::Refused => StoreError::Refused(error),
        Class::Misconfigured => StoreError::Misconfigured(error),
        Class::Vanished => StoreError::Vanished,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never(_: &str) -> Class {
        unreachable!("no code to look at")
    }

    #[test]
    fn a_broken_connection_is_worth_another_try() {
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        for error in [
            sqlx::Error::Io(reset),
            sqlx::Error::PoolTimedOut,
            sqlx::Error::Tls("no certificate".into()),
        ] {
            assert!(matches!(classify(error, never), StoreError::Unavailable(_)));
        }
    }

    #[test]
    fn a_wrong_url_is_not() {
        let error = sqlx::Error::Configuration("no such option".into());
        assert!(matches!(
            classify(error, never),
            StoreError::Misconfigured(_)
        ));
    }

    #[test]
    fn debug_output_is_the_chain_of_messages_each_said_once() {
        let error = StoreError::Refused(sqlx::Error::Encode("too long".into()));
        assert_eq!(
            format!("{error:?}"),
            "the database refused a row: error occurred while encoding a value: too long"
        );
    }
}
