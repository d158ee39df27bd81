//! What can go wrong in a store, told apart by what the caller should do.

/// A store's failure.
#[derive(Debug, thiserror::Error)]
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
    /// The database answers, but takes no writes now.
    #[error("the database is read-only")]
    ReadOnly,
    /// A row that has just been found is gone; somebody deletes while we write.
    #[error("an event vanished while its duplicate was being recorded")]
    Vanished,
    /// Another process has this embedded database open for serving.
    #[error("{path} is in use by another `huntr-receiver serve`; stop it, or set another database.url")]
    Locked {
        /// The database's file.
        path: String,
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
