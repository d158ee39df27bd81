//! Everything around the receiver, and how each fault comes and goes.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use tokio::time::sleep;

use super::{
    chronicle::Chronicle,
    clock::Clock,
    disk::Disk,
    receiver::{Past, Receiver},
    scenario::{Fault, Planned, Scenario},
    sinks::Sinks,
    store::Store,
    strangers::{MAX_BODY, REQUEST_TIMEOUT},
    tell,
};
use crate::support::{Setup, until};

pub(super) struct World {
    pub(super) setup: Arc<Setup>,
    pub(super) address: SocketAddr,
    pub(super) chronicle: Arc<Chronicle>,
    pub(super) sinks: Sinks,
    receiver: Receiver,
    store: Store,
    clock: Option<Clock>,
    spool: Option<Disk>,
}

/// Megabytes of disk for the spool.
const SPOOL: u64 = 32;

impl World {
    /// A receiver that receives, and all is well.
    pub(super) async fn begin(store: Store, setup: Setup) -> Self {
        let (sinks, clock, spool) = (Sinks::start().await, Clock::new(), Disk::of(SPOOL));
        let address = free_address();
        let mut setup = setup
            .listening_on(address)
            .with_tables()
            .config(&format!(
                "[server]\nmax_body = \"{MAX_BODY} B\"\nrequest_timeout = \"{}s\"\n[deliveries]\nlease = \"5s\"\n",
                REQUEST_TIMEOUT.as_secs()
            ))
            .config(&sinks.config().await);
        if let Some(spool) = &spool {
            let folder = spool.folder().join("spool");
            setup = setup.config(&format!("[spool]\ndir = \"{}\"\n", folder.display()));
        }
        if let Some(clock) = &clock {
            setup = clock.worn_by(setup);
        }
        let (setup, chronicle) = (Arc::new(setup), Arc::new(Chronicle::begin()));
        let world = Self {
            receiver: Receiver::keep(Arc::clone(&setup), Arc::clone(&chronicle)),
            setup,
            address,
            chronicle,
            sinks,
            store,
            clock,
            spool,
        };
        world.receives().await;
        world
    }

    /// Waits until a receiver listens.
    async fn receives(&self) {
        let connect = async || tokio::net::TcpStream::connect(self.address).await.ok();
        until(connect).await;
    }

    /// Lets everything happen in its time, and waits until it is over.
    pub(super) async fn suffer(&self, scenario: &Scenario) {
        let faults = scenario.plan.iter().map(|planned| async {
            sleep(planned.at).await;
            self.bear(*planned).await;
        });
        join_all(faults).await;
        if let Some(clock) = &self.clock {
            clock.stay_ahead();
        }
        self.chronicle.note("all faults are over");
    }

    async fn bear(
        &self,
        Planned {
            fault,
            lasts,
            chance,
            ..
        }: Planned,
    ) {
        let mut chance = ChaCha8Rng::seed_from_u64(chance);
        self.chronicle.note(format!("{fault:?} for {lasts:?}"));
        match fault {
            Fault::ReceiverKilled => self.receiver.kill(lasts).await,
            Fault::ReceiverStopped => self.receiver.stop(lasts).await,
            Fault::ClockJumps => self.clock_jumps(lasts, &mut chance).await,
            Fault::SpoolFull => {
                if let Some(spool) = &self.spool {
                    spool.is_full_for(lasts).await;
                }
            }
            Fault::SinkHangs => self.sinks.one_hangs_for(lasts).await,
            Fault::SinkLies => self.sinks.one_lies_for(lasts).await,
            Fault::SinkDies => self.sinks.one_is_dead_for(lasts).await,
            _ => self.store.bear(fault, lasts, &mut chance).await,
        }
        self.chronicle.note(format!("{fault:?} is over"));
    }

    async fn clock_jumps(&self, lasts: Duration, chance: &mut ChaCha8Rng) {
        if let Some(clock) = &self.clock {
            let hour = 3600;
            clock.jump(chance.random_range(-24 * hour..24 * hour));
            sleep(lasts).await;
            clock.jump(0);
        }
    }

    /// What cannot happen here, and why.
    pub(super) fn spared(&self) -> Vec<String> {
        let mut spared = Vec::new();
        if self.spool.is_none() {
            spared.push("full disks, as only root can mount small ones".to_owned());
        }
        if self.clock.is_none() {
            spared.push("jumps of the clock, as libfaketime is not installed".to_owned());
        }
        spared
    }

    /// The receiver is told to stop, and is not started again.
    pub(super) async fn receiver_ends(&self) -> Past {
        self.receiver.end().await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Where it was lost is not where it is missed.
        if std::thread::panicking() {
            tell(&self.chronicle.to_string());
        }
    }
}

/// One that nobody gets who asks for any, and no other test tries, so that it is still free after each restart.
fn free_address() -> SocketAddr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id() * 8 % 9_000;
    loop {
        let port = 10_000 + first + TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(port).expect("a free port");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
