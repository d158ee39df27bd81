//! LISTEN and NOTIFY: receivers on one database tell each other that something is due.

use async_trait::async_trait;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};

use super::error::store_error;
use crate::{
    domain::Name,
    store::{Announcements, StoreError},
};

const CHANNEL: &str = "huntr_receiver_deliveries_due";

const ANNOUNCE: &str = "select pg_notify($1, sink) from unnest($2::text[]) as sink";

pub(super) async fn announce(pool: &PgPool, sinks: &[Name]) -> Result<(), StoreError> {
    let sinks: Vec<&str> = sinks.iter().map(|sink| &**sink).collect();
    sqlx::query(ANNOUNCE)
        .bind(CHANNEL)
        .bind(sinks)
        .execute(pool)
        .await
        .map(drop)
        .map_err(store_error)
}

/// Listens on a connection of its own, which a pool of one makes anew when it is lost.
pub(super) async fn listen(options: PgConnectOptions) -> Result<Listener, StoreError> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(options);
    let mut listener = PgListener::connect_with(&pool).await.map_err(store_error)?;
    listener.listen(CHANNEL).await.map_err(store_error)?;
    Ok(Listener(listener))
}

pub(super) struct Listener(PgListener);

#[async_trait]
impl Announcements for Listener {
    async fn next(&mut self) -> Result<Option<String>, StoreError> {
        let notification = self.0.try_recv().await.map_err(store_error)?;
        Ok(notification.map(|notification| notification.payload().to_owned()))
    }
}
