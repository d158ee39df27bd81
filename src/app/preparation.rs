//! Prepares the database for serving, also one that comes later than the receiver.

use std::{pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use tokio::time::{Instant, sleep, timeout};
use tracing::{error, info, warn};

use crate::{
    config::Config,
    projections,
    store::{Store, StoreError},
};

/// How long a start waits for the database. Then the receiver takes deliveries into the spool, whether the database is
/// away or long migrations run.
const START: Duration = Duration::from_secs(3);
/// Between two attempts: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));

/// Between two lines about what somebody has to mend.
const REMINDER: Duration = Duration::from_mins(1);

type Attempt = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// All that a database needs before it takes events.
pub(super) struct Preparation {
    database: Database,
    /// The one under way.
    attempt: Attempt,
}

/// The database, and what it is to be told.
#[derive(Clone)]
struct Database {
    store: Arc<dyn Store>,
    url: String,
    migrate: bool,
    tables: projections::Config,
}

impl Preparation {
    pub(super) fn new(store: Arc<dyn Store>, config: &Config) -> Self {
        let database = Database {
            store,
            url: config.database.url.to_string(),
            migrate: config.database.migrate,
            tables: config.tables.clone(),
        };
        let attempt = database.clone().attempt();
        Self { database, attempt }
    }

    /// The first attempt, for as long as a start can wait. Tells whether the database is prepared.
    ///
    /// # Errors
    ///
    /// When the database is there, and cannot be used as it is set up; unless the receiver `has_served` before, for
    /// then deliveries come, which would be lost.
    pub(super) async fn begin(&mut self, has_served: bool) -> anyhow::Result<bool> {
        match timeout(START, &mut self.attempt).await {
            Ok(Ok(())) => return Ok(true),
            Ok(Err(error)) if !may_pass(&error) && !has_served => return Err(error),
            Ok(Err(error)) if !may_pass(&error) => {
                error!(
                    error = format!("{error:#}"),
                    "the database cannot be used as it is set up; until it can, deliveries wait in the spool"
                );
                self.attempt = self.database.clone().attempt();
            }
            Ok(Err(error)) => {
                warn!(
                    error = format!("{error:#}"),
                    "the database is not there yet; until it is, deliveries wait in the spool"
                );
                self.attempt = self.database.clone().attempt();
            }
            Err(_) => {
                warn!("the database is not ready yet; until it is, deliveries wait in the spool");
            }
        }
        Ok(false)
    }

    /// Tries until the database is prepared.
    pub(super) async fn finish(&mut self) {
        let mut pause = PAUSES.0;
        let mut reminded_at = Instant::now();
        while let Err(error) = (&mut self.attempt).await {
            self.attempt = self.database.clone().attempt();
            // What is wrong with the set-up can be mended meanwhile. To give up would lose deliveries.
            if !may_pass(&error) && reminded_at.elapsed() >= REMINDER {
                reminded_at = Instant::now();
                error!(
                    error = format!("{error:#}"),
                    "the database cannot be used; deliveries wait in the spool"
                );
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

impl Database {
    fn attempt(self) -> Attempt {
        Box::pin(self.prepare())
    }

    async fn prepare(self) -> anyhow::Result<()> {
        let store = &*self.store;
        let opened = store.check_server().await;
        opened.with_context(|| format!("opening the database {}", self.url))?;
        prepare_schema(store, self.migrate).await?;
        let told = store.set_tables_settings(&self.tables.settings()).await;
        told.context("telling the views which fields they read")?;
        let orphaned = store.release_orphaned_leases().await;
        orphaned.context("releasing the leases of the last run")?;
        Ok(())
    }
}

/// Migrates only when there is something to migrate: a role that may not create tables can still serve.
async fn prepare_schema(store: &dyn Store, migrate: bool) -> anyhow::Result<()> {
    let pending = store.pending_migrations().await;
    let pending = pending.context("reading the database's migrations")?;
    ensure!(
        pending == 0 || migrate,
        "{pending} migrations are not applied and database.migrate is false: run `huntr-receiver migrate`"
    );
    if pending > 0 {
        let applied = store.migrate().await.context("migrating the database")?;
        info!(migrations = applied, "the database is migrated");
    }
    Ok(())
}

/// Whether the same may succeed later without anybody's doing.
fn may_pass(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<StoreError>();
    cause.is_some_and(StoreError::is_transient)
}
