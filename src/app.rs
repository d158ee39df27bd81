//! The receiver, put together: built whole before it serves, and taken down in the order in which events flow.

mod running;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use self::running::Running;
use crate::{
    config::Config,
    deliveries::Deliveries,
    domain::{Clock, Name, SystemClock},
    http::{self, admin, health::Readiness, receive::Receiver, server::Server},
    intake::{Commits, Committer, Intake, Keeper, RefusalLog},
    metrics::DeliveryMetrics,
    projections::statistics,
    providers::{Source, Sources},
    shutdown::Group,
    store::{self, Store},
};

/// Connections that may wait to be accepted, as far as the system allows.
const BACKLOG: u32 = 4096;
/// Histograms gather samples until they are read or swept.
const METRICS_SWEEP: Duration = Duration::from_secs(5);

/// A receiver that listens, and does not accept yet.
pub struct Application {
    store: Arc<dyn Store>,
    public: Server,
    admin: Server,
    committer: Committer,
    deliveries: Deliveries,
    keepers: Vec<Keeper>,
    readiness: Readiness,
    commits: Commits,
    metrics: PrometheusHandle,
    drain_delay: Duration,
    drains: TaskTracker,
    with_tables: bool,
}

impl Application {
    /// Opens the database, migrates it, and binds both listeners.
    ///
    /// # Errors
    ///
    /// When the database is not usable, or an address is taken.
    pub async fn build(config: &Config, metrics: PrometheusHandle) -> anyhow::Result<Self> {
        warn_of_surprises(config);
        let store = store::open_for_serving(&config.database)
            .await
            .with_context(|| format!("opening the database {}", config.database.url))?;
        prepare_schema(&*store, config.database.migrate).await?;
        let told = store.set_tables_settings(&config.tables.settings()).await;
        told.context("telling the views which fields they read")?;
        let orphaned = store.release_orphaned_leases().await;
        orphaned.context("releasing the leases of the last run")?;

        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let sources = Arc::new(build_sources(config));
        let drains = TaskTracker::new();
        let (deliveries, outbox) = Deliveries::new(
            &config.deliveries,
            &config.sinks,
            config.tables.enabled,
            &store,
            &clock,
        )?;
        let (intake, committer) = Intake::new(
            &config.intake,
            config.server.max_body,
            Arc::clone(&store),
            Arc::new(outbox),
            config.database.commit_timeout,
        );
        let (refusals, keepers) =
            RefusalLog::new(&sources, &store, &config.rejected_requests, &clock);
        let commits = committer.commits();
        let readiness = Readiness::default();
        readiness.probe(&*store, &commits).await;
        let metrics_of = |name: &Name| (name.clone(), DeliveryMetrics::of(name));
        let receiver = Receiver {
            metrics: sources.keys().map(metrics_of).collect(),
            sources,
            routes: config.routes(),
            intake,
            refusals,
            clock,
            limits: config.server.request_limits(),
            drains: drains.clone(),
        };
        let public = http::public(Arc::new(receiver), readiness.clone());
        let limits = config.server.connection_limits();
        Ok(Self {
            store,
            public: Server {
                listener: bind(config.server.listen, "server.listen")?,
                router: public,
                limits,
            },
            admin: Server {
                listener: bind(config.server.admin_listen, "server.admin_listen")?,
                router: admin::admin(metrics.clone()),
                limits,
            },
            committer,
            deliveries,
            keepers,
            readiness,
            commits,
            metrics,
            drain_delay: config.server.drain_delay,
            drains,
            with_tables: config.tables.enabled,
        })
    }

    /// Serves until `stop`, then takes everything down: readiness, listeners, commits, connections.
    ///
    /// # Errors
    ///
    /// When a part of the receiver ended before its time.
    pub async fn run_until_stopped(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let readiness = self.readiness.clone();
        let drain_delay = self.drain_delay;
        let mut running = self.start();
        let stopping = async {
            stop.await;
            readiness.drain();
            tokio::time::sleep(drain_delay).await;
        };
        tokio::select! {
            () = stopping => {}
            // Half a receiver is worse than none: whoever supervises the process starts it anew.
            part = running.ended_early() => bail!("the {part} ended by itself, see the log"),
        }
        running.stop().await;
        info!("stopped");
        Ok(())
    }

    fn start(self) -> Running {
        info!(
            address.public = self
                .public
                .listener
                .local_addr()
                .map(tracing::field::display)
                .ok(),
            address.admin = self
                .admin
                .listener
                .local_addr()
                .map(tracing::field::display)
                .ok(),
            "receiving"
        );
        let mut servers = Group::default();
        servers.spawn(|closing| self.public.run(closing));
        servers.spawn(|closing| self.admin.run(closing));
        let mut committer = Group::default();
        committer.spawn(|closing| self.committer.run(closing));
        let mut chores = Group::default();
        let (mut workers, mut settler) = (Group::default(), Group::default());
        self.deliveries
            .start(&mut workers, &mut settler, &mut chores);
        chores.spawn(|closing| {
            self.readiness
                .watch(Arc::clone(&self.store), self.commits, closing)
        });
        chores.spawn(|closing| sweep(self.metrics, closing));
        if self.with_tables {
            chores.spawn(|closing| statistics::run(Arc::clone(&self.store), closing));
        }
        for keeper in self.keepers {
            chores.spawn(|closing| keeper.run(closing));
        }
        Running {
            servers,
            drains: self.drains,
            committer,
            workers,
            settler,
            chores,
            store: self.store,
        }
    }
}

fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    let listen = || {
        let socket = if address.is_ipv6() {
            TcpSocket::new_v6()
        } else {
            TcpSocket::new_v4()
        }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().with_context(|| format!("{key}: listening on {address}"))
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

/// The configured sources, ready to verify.
#[must_use]
pub fn build_sources(config: &Config) -> Sources {
    config
        .sources
        .iter()
        .map(|(name, source)| (name.clone(), Source::new(name.clone(), source.build())))
        .collect()
}

/// What is configured and not what one would expect.
fn warn_of_surprises(config: &Config) {
    for (name, _) in config
        .sources
        .iter()
        .filter(|(_, source)| source.trusts_everybody())
    {
        warn!(
            source.name = %name,
            "verify = false: everybody who can reach this URL can write into the database"
        );
    }
}

async fn sweep(metrics: PrometheusHandle, closing: CancellationToken) {
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            () = tokio::time::sleep(METRICS_SWEEP) => metrics.run_upkeep(),
        }
    }
}
