//! The receiver, put together: built whole before it serves, and taken down in the order in which events flow.

mod background;
mod preparation;
mod running;

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, info, warn};

use self::{background::Background, preparation::Preparation, running::Running};
use crate::{
    config::Config,
    deliveries::Deliveries,
    domain::{Clock, Name, SystemClock},
    http::{self, admin, health::Readiness, receive::Receiver, server::Server},
    intake::{Committer, Intake, Keeper, RefusalLog, Spooler, note_usage},
    metrics::SourceMetrics,
    providers::Sources,
    spool::Spool,
    store::{self, Store},
};

/// Connections that may wait to be accepted, as far as the system allows.
const BACKLOG: u32 = 4096;
/// Histograms gather samples until they are read or swept.
const METRICS_SWEEP: Duration = Duration::from_secs(5);

/// A receiver that listens, and does not accept yet.
pub struct Application {
    store: Arc<dyn Store>,
    spool: Arc<Spool>,
    public: Server,
    admin: Server,
    committer: Committer,
    spooler: Spooler,
    keepers: Vec<Keeper>,
    background: Background,
    preparation: Preparation,
    is_prepared: bool,
    readiness: Readiness,
    metrics: PrometheusHandle,
    drain_delay: Duration,
    drains: TaskTracker,
}

impl Application {
    /// Opens the database, migrates it, and binds both listeners. A database that is away is waited for later.
    ///
    /// # Errors
    ///
    /// When the database is not usable as it is set up, or an address is taken.
    pub async fn build(config: &Config, metrics: PrometheusHandle) -> anyhow::Result<Self> {
        warn_of_surprises(config);
        let store = store::open_for_serving(&config.database)
            .await
            .with_context(|| format!("opening the database {}", config.database.url))?;
        let mut preparation = Preparation::new(Arc::clone(&store), config);
        let has_served = Spool::path_in(&config.spool.dir).exists();
        let is_prepared = preparation.begin(has_served).await?;
        let spool = Arc::new(Spool::new(&config.spool));
        let spool_is_well = spool.has_room().await;
        if let Err(error) = &spool_is_well {
            error!(
                ?error,
                "the spool cannot be used: while the database is away, deliveries will be refused"
            );
        }

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
        let (intake, works) = Intake::new(
            &config.intake,
            config.server.max_body,
            Arc::clone(&store),
            Arc::clone(&spool),
            Arc::new(outbox),
            config.database.commit_timeout,
        );
        let (refusals, keepers) =
            RefusalLog::new(&sources, &store, &config.rejected_requests, &clock);
        if is_prepared {
            works.gate.open();
        }
        works.spool_trouble.note(!matches!(spool_is_well, Ok(true)));
        let readiness = Readiness::new(works.gate.clone(), works.spool_trouble.clone());
        readiness.probe(&*store, &spool).await;
        let metrics_of = |name: &Name| (name.clone(), SourceMetrics::of(name));
        let receiver = Receiver {
            metrics: sources.keys().map(metrics_of).collect(),
            sources,
            intake,
            refusals,
            clock,
            limits: config.server.request_limits(),
            trusted_proxies: config.server.trusted_proxies.clone(),
            drains: drains.clone(),
        };
        let public = http::public(Arc::new(receiver), readiness.clone());
        Ok(Self {
            store,
            spool,
            public: Server {
                listener: bind(config.server.listen, "server.listen")?,
                router: public,
                limits: config.server.connection_limits(),
            },
            admin: Server {
                listener: bind(config.server.admin_listen, "server.admin_listen")?,
                router: admin::admin(metrics.clone(), config.server.admin_token.as_ref()),
                limits: config.server.admin_connection_limits(),
            },
            committer: works.committer,
            spooler: works.spooler,
            keepers,
            background: Background {
                gate: works.gate,
                drainer: works.drainer,
                deliveries,
                with_tables: config.tables.enabled,
            },
            preparation,
            is_prepared,
            readiness,
            metrics,
            drain_delay: config.server.drain_delay,
            drains,
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
        let (mut running, mut preparation, mut background) = self.start();
        let mut stopping = pin!(async {
            stop.await;
            readiness.drain();
            tokio::time::sleep(drain_delay).await;
        });
        loop {
            tokio::select! {
                () = &mut stopping => break,
                // Half a receiver is worse than none: whoever supervises the process starts it anew.
                part = running.ended_early() => bail!("the {part} ended by itself, see the log"),
                () = preparation.finish(), if background.is_some() => {
                    if let Some(background) = background.take() {
                        background.start(&mut running);
                    }
                }
            }
        }
        // Else it would keep its connection to the database for as long as this lasts.
        drop(preparation);
        running.stop().await;
        info!("stopped");
        Ok(())
    }

    /// Starts all that can do without the database, and if it is prepared, the rest. Else what is left to do.
    fn start(self) -> (Running, Preparation, Option<Background>) {
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
        let mut running = Running::new(self.store, self.spool, self.drains);
        running.servers.spawn(|closing| self.public.run(closing));
        running.servers.spawn(|closing| self.admin.run(closing));
        running
            .committer
            .spawn(|closing| self.committer.run(closing));
        running.spooler.spawn(|closing| self.spooler.run(closing));
        let (store, spool) = (Arc::clone(&running.store), Arc::clone(&running.spool));
        running
            .chores
            .spawn(|closing| self.readiness.watch(store, spool, closing));
        let spool = Arc::clone(&running.spool);
        running
            .chores
            .spawn(|closing| sweep(self.metrics, spool, closing));
        for keeper in self.keepers {
            running.chores.spawn(|closing| keeper.run(closing));
        }
        let mut background = Some(self.background);
        if self.is_prepared
            && let Some(background) = background.take()
        {
            background.start(&mut running);
        }
        (running, self.preparation, background)
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

/// The configured sources, ready to verify.
#[must_use]
pub fn build_sources(config: &Config) -> Sources {
    let allow_from = config.server.allow_from.as_ref();
    config
        .sources
        .iter()
        .map(|(name, source)| (name.clone(), source.source(name.clone(), allow_from)))
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

async fn sweep(metrics: PrometheusHandle, spool: Arc<Spool>, closing: CancellationToken) {
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            () = tokio::time::sleep(METRICS_SWEEP) => {
                metrics.run_upkeep();
                note_usage(&spool).await;
            }
        }
    }
}
