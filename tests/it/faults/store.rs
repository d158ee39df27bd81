//! Where the receiver keeps its events, and what can happen to that.

use std::time::Duration;

use rand::{RngExt, rngs::ChaCha8Rng};
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::time::{sleep, timeout};

use super::{
    cluster::Cluster,
    disk::Disk,
    road::{Road, Weather},
    scenario::{Fault, Scenario},
};
use crate::support::{Setup, until};

/// A database of the harness's own, on a small disk where one can be had.
pub(super) enum Store {
    Postgres { cluster: Cluster, road: Road },
    Sqlite { url: String, disk: Option<Disk> },
}

/// Megabytes for an empty database, and for a thousand deliveries in it.
const DATABASE: u64 = 256;
const THOUSAND_DELIVERIES: u64 = 24;

impl Store {
    /// A server, and a receiver that reaches it by a road.
    pub(super) async fn postgres(scenario: &Scenario) -> (Self, Setup) {
        let cluster = Cluster::start(Disk::of(room(scenario))).await;
        let road = Road::to(cluster.address()).await;
        let address = cluster.address().to_string();
        let setup = Setup::on(cluster.url.replace(&address, &road.address.to_string()));
        (Self::Postgres { cluster, road }, setup)
    }

    /// A file that does not exist yet.
    pub(super) fn sqlite(scenario: &Scenario) -> (Self, Setup) {
        let disk = Disk::of(room(scenario));
        let setup = match &disk {
            Some(disk) => Setup::on(format!("sqlite:{}/receiver.db", disk.folder().display())),
            None => Setup::sqlite(),
        };
        let url = setup.database_url();
        (Self::Sqlite { url, disk }, setup)
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Postgres { .. } => "postgres",
            Self::Sqlite { .. } => "sqlite",
        }
    }

    pub(super) async fn bear(&self, fault: Fault, lasts: Duration, chance: &mut ChaCha8Rng) {
        match self {
            Self::Postgres { cluster, road } => {
                on_postgres(fault, lasts, chance, cluster, road).await;
            }
            Self::Sqlite { url, disk } => on_sqlite(fault, lasts, url, disk.as_ref()).await,
        }
    }
}

async fn on_postgres(
    fault: Fault,
    lasts: Duration,
    chance: &mut ChaCha8Rng,
    cluster: &Cluster,
    road: &Road,
) {
    let ours = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                where datname = current_database() and pid <> pg_backend_pid()";
    let read_only = |mode| format!("alter system set default_transaction_read_only = {mode}");
    let reload = "select pg_reload_conf()";
    match fault {
        Fault::DatabaseKilled => cluster.is_killed_for(lasts).await,
        Fault::DatabasePaused => cluster.is_paused_for(lasts).await,
        Fault::DatabaseRestarted => {
            let mode = if chance.random() { "fast" } else { "immediate" };
            cluster.restarts(mode).await;
        }
        Fault::ConnectionsTerminated => {
            let again = async {
                loop {
                    cluster.execute(ours).await;
                    sleep(Duration::from_millis(chance.random_range(10..1000))).await;
                }
            };
            timeout(lasts, again).await.ok();
        }
        Fault::DatabaseReadOnly => {
            cluster.execute(&read_only("on")).await;
            cluster.execute(reload).await;
            sleep(lasts).await;
            cluster.execute(&read_only("off")).await;
            cluster.execute(reload).await;
        }
        Fault::DatabaseFull => cluster.has_no_room_for(lasts).await,
        Fault::DatabaseLocked => {
            let lock = "lock table events in exclusive mode";
            cluster.is_locked_for(lock, lasts).await;
        }
        Fault::RoadSlow => {
            let delay = Duration::from_millis(chance.random_range(20..1500));
            road.is_for(Weather::Slow(delay), lasts).await;
        }
        Fault::RoadSilent => road.is_for(Weather::Silent, lasts).await,
        Fault::RoadCut => road.is_for(Weather::Cut, lasts).await,
        Fault::RoadCutMidAnswer => {
            let most = chance.random_range(1..4000);
            road.is_for(Weather::CutAfter(most), lasts).await;
        }
        _ => unreachable!("{fault:?} is nothing of the database's"),
    }
}

async fn on_sqlite(fault: Fault, lasts: Duration, url: &str, disk: Option<&Disk>) {
    match (fault, disk) {
        (Fault::DatabaseFull, Some(disk)) => disk.is_full_for(lasts).await,
        (Fault::DatabaseFull, None) => {}
        (Fault::DatabaseLocked, _) => {
            let locking = async || {
                let mut connection = SqliteConnection::connect(url).await.ok()?;
                connection.execute("begin immediate").await.ok()?;
                Some(connection)
            };
            let connection = until(locking).await;
            sleep(lasts).await;
            // Closing it ends its transaction.
            connection.close().await.expect("closing");
        }
        _ => unreachable!("{fault:?} cannot happen to a file"),
    }
}

fn room(scenario: &Scenario) -> u64 {
    let deliveries = scenario.length.as_secs() * u64::from(scenario.rate);
    DATABASE + THOUSAND_DELIVERIES * deliveries.div_ceil(1000)
}
