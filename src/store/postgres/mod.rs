//! The store on a PostgreSQL server, which any number of receivers share.

mod announcements;
mod audit;
mod column;
mod conflicts;
mod deliveries;
mod error;
mod events;
mod fields;
mod insert;
mod leases;
mod migrations;
mod patience;
mod rebuild;
mod rejected;
mod selection;
mod settle;
mod statistics;
mod tables;
mod writer;

use std::{str::FromStr, time::Duration};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    ConnectOptions, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use self::{error::store_error, writer::Writer};
use super::{Store, StoreError};

/// Connections for everything but the events themselves.
const POOL_SIZE: u32 = 8;

const SETTINGS: &str = "select current_setting('fsync')::bool, current_setting('full_page_writes')::bool, \
     current_setting('server_encoding')";

/// Read-only is on in a standby too, not only where `default_transaction_read_only` is set. A privilege on
/// single columns counts, as does a table that is not there yet: only what surely fails is told.
const CAN_COMMIT: &str = "
select current_setting('transaction_read_only')::bool as read_only,
       (select string_agg(privilege || ' on ' || name, ', ')
        from (values ('select', 'events'), ('insert', 'events'), ('insert', 'event_conflicts'),
                     ('insert', 'deliveries'), ('usage', 'sequence events_id_seq')) as needed (privilege, name)
        where case when privilege = 'usage'
                   then not has_sequence_privilege(to_regclass('events_id_seq'), privilege)
                   else not has_any_column_privilege(to_regclass(name), privilege)
              end) as missing";

/// Events in a PostgreSQL database.
pub struct PostgresStore {
    options: PgConnectOptions,
    writer: Writer,
    pool: PgPool,
}

impl PostgresStore {
    /// A store on the server, which is not connected to yet.
    ///
    /// A connection that takes longer than `commit_timeout` to come by counts as failed.
    ///
    /// # Errors
    ///
    /// When the URL is wrong.
    pub fn new(url: &SecretString, commit_timeout: Duration) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url.expose_secret())
            .map_err(store_error)?
            .application_name("huntr-receiver")
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(POOL_SIZE)
            .acquire_timeout(commit_timeout)
            .connect_lazy_with(options.clone());
        Ok(Self {
            writer: Writer::new(options.clone(), commit_timeout),
            options,
            pool,
        })
    }

    /// As [`new`](Self::new), connected, and with a [look at how the server is set up](Store::check_server).
    ///
    /// # Errors
    ///
    /// When the URL is wrong, the server cannot be reached, or it turns us away.
    pub async fn connect(url: &SecretString, commit_timeout: Duration) -> Result<Self, StoreError> {
        let store = Self::new(url, commit_timeout)?;
        store.check_server().await?;
        Ok(store)
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn check_server(&self) -> Result<(), StoreError> {
        let mut connection = self.writer.connect().await.map_err(store_error)?;
        check_settings(&mut connection).await?;
        self.writer.keep(connection).await;
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let (read_only, missing): (bool, Option<String>) = sqlx::query_as(CAN_COMMIT)
            .fetch_one(&self.pool)
            .await
            .map_err(store_error)?;
        match missing {
            _ if read_only => Err(StoreError::ReadOnly),
            Some(missing) => Err(StoreError::Forbidden { missing }),
            None => Ok(()),
        }
    }

    async fn close(&self) {
        self.writer.close().await;
        self.pool.close().await;
    }
}

/// Refuses a server that cannot hold what is sent, and warns of one that may lose it.
async fn check_settings(connection: &mut PgConnection) -> Result<(), StoreError> {
    let settings = sqlx::query_as(SETTINGS).fetch_one(connection).await;
    let (fsync, full_page_writes, encoding): (bool, bool, String) =
        settings.map_err(store_error)?;
    if encoding != "UTF8" {
        return Err(StoreError::NotUtf8 { encoding });
    }
    if !fsync {
        tracing::warn!(
            "the database server runs with fsync = off: a power cut loses acknowledged events; set it on"
        );
    }
    if !full_page_writes {
        tracing::warn!(
            "the database server runs with full_page_writes = off: a power cut can corrupt the database, \
             unless its file system writes pages whole"
        );
    }
    Ok(())
}
