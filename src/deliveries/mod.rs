//! From an event to the sinks that want it: routed when it comes in, delivered in the background.
//!
//! A delivery is a row, committed with its event. Whoever works on it has a lease on it, renews the lease while it
//! works, and settles it; no transaction and no connection is held while a sink is called. In reading order:
//!
//! - `route`: which sinks want an event.
//! - `outbox`: hands what was just committed to the workers here, already leased.
//! - `worker`: one for each sink; claims what nobody has handed over, calls the sink, keeps the leases.
//! - `courier`: one call: filter, format, send, and what becomes of each delivery.
//! - `settler`: writes down what became of them.
//! - `retry`, `breaker`: when a delivery, and when a sink, is tried again. Pure.

mod breaker;
mod call;
mod census;
mod cloud_event;
mod courier;
mod errands;
mod herald;
mod outbox;
mod outlet;
mod projector;
mod queue;
mod render;
mod retry;
mod room;
mod route;
mod settler;
mod worker;

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use outbox::Outbox;
pub use render::{RenderError, Renderer, payload};
pub use route::Routes;

use self::{
    call::Carrier,
    courier::Courier,
    errands::Claimant,
    herald::Herald,
    outlet::Outlet,
    projector::Projector,
    settler::{Settled, Settler},
    worker::Worker,
};
use crate::{
    domain::{Clock, Name},
    sampling::Sampler,
    shutdown::Group,
    sinks::{self, OrderBy, Retry, SinkError},
    store::Store,
    units,
};

/// Shorter leases would end while a delivery is still under way.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);
/// With longer ones, nobody would take over for hours.
const LONGEST_LEASE: Duration = Duration::from_hours(1);

/// `[deliveries]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How long a delivery stays with a receiver that does not answer for it any more.
    #[serde(deserialize_with = "units::timeout")]
    pub lease: Duration,
}

impl Config {
    /// What is wrong with the options taken together: pairs of a key and a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        if !(SHORTEST_LEASE..=LONGEST_LEASE).contains(&self.lease) {
            return vec![("lease".into(), "must be from 1s to 1h".into())];
        }
        Vec::new()
    }
}

/// The typed tables are given up on no more than other sinks are.
const TABLES_RETRY: Retry = Retry {
    initial: Duration::from_secs(1),
    max: Duration::from_mins(1),
    give_up_after: Duration::from_hours(365 * 24),
};
/// While one batch is written, the next one is read.
const TABLES_CONCURRENCY: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// All workers, before they work.
pub struct Deliveries {
    workers: Vec<Worker>,
    settler: Settler,
    herald: Arc<Herald>,
    outlets: BTreeMap<Name, Arc<Outlet>>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

/// A sink that cannot be made of its options.
#[derive(Debug, thiserror::Error)]
#[error("sinks.{name}")]
pub struct UnusableSink {
    name: Name,
    source: SinkError,
}

/// What all workers share.
struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    holder: Arc<str>,
    term: Duration,
    settlements: mpsc::UnboundedSender<Settled>,
    records_fail: Arc<AtomicBool>,
}

impl Deliveries {
    /// A worker for each sink, one for the typed tables if they are wanted, and the way to them.
    ///
    /// # Errors
    ///
    /// When a sink cannot be made of its options.
    pub fn new(
        config: &Config,
        sinks: &BTreeMap<Name, sinks::Config>,
        with_tables: bool,
        store: &Arc<dyn Store>,
        clock: &Arc<dyn Clock>,
    ) -> Result<(Self, Outbox), UnusableSink> {
        let (settlements, queue) = mpsc::unbounded_channel();
        let shared = Shared {
            store: Arc::clone(store),
            clock: Arc::clone(clock),
            holder: format!("{:016x}", rand::random::<u64>()).into(),
            term: config.lease,
            settlements,
            records_fail: Arc::new(AtomicBool::new(false)),
        };
        let mut workers = Vec::new();
        let mut outlets = BTreeMap::new();
        for (name, sink) in sinks {
            let (outlet, worker) = shared.sink(name, sink)?;
            outlets.insert(name.clone(), outlet);
            workers.push(worker);
        }
        if with_tables {
            let (outlet, worker) = shared.tables();
            outlets.insert(outlet.name.clone(), outlet);
            workers.push(worker);
        }
        let herald = Arc::new(Herald::default());
        let outbox = Outbox {
            routes: Routes::new(sinks, with_tables),
            outlets: outlets.clone(),
            herald: Arc::clone(&herald),
            holder: Arc::clone(&shared.holder),
            term: config.lease,
        };
        let settler = Settler {
            store: shared.store,
            holder: shared.holder,
            queue,
            records_fail: shared.records_fail,
        };
        let deliveries = Self {
            workers,
            settler,
            herald,
            outlets,
            store: Arc::clone(store),
            clock: Arc::clone(clock),
        };
        Ok((deliveries, outbox))
    }

    /// Starts the workers, and what they all need. The settler ends by itself after the last worker.
    pub fn start(self, workers: &mut Group, settler: &mut Group, chores: &mut Group) {
        let (store, clock) = (Arc::clone(&self.store), self.clock);
        chores.spawn(|closing| census::run(store, clock, closing));
        if self.workers.is_empty() {
            return;
        }
        for worker in self.workers {
            workers.spawn(|closing| worker.run(closing));
        }
        settler.spawn(|closing| self.settler.run(closing));
        let store = Arc::clone(&self.store);
        chores.spawn(|closing| self.herald.run(store, closing));
        chores.spawn(|closing| herald::listen(self.store, self.outlets, closing));
    }
}

impl Shared {
    fn sink(
        &self,
        name: &Name,
        sink: &sinks::Config,
    ) -> Result<(Arc<Outlet>, Worker), UnusableSink> {
        let built = sink.build().map_err(|source| UnusableSink {
            name: name.clone(),
            source,
        })?;
        let common = &sink.common;
        let courier = Courier {
            name: name.clone(),
            sink: built,
            filter: common.when.clone(),
            renderer: Renderer::new(sink.format()),
            timeout: common.timeout,
            retry: common.retry,
            clock: Arc::clone(&self.clock),
            hurry: CancellationToken::new(),
            undecided: Mutex::new(Sampler::new(20)),
        };
        let in_order = common.order_by == Some(OrderBy::Entity);
        let carrier = Arc::new(courier);
        Ok(self.worker(
            name.clone(),
            in_order,
            carrier,
            common.retry,
            common.concurrency,
        ))
    }

    fn tables(&self) -> (Arc<Outlet>, Worker) {
        let name = Name::tables();
        let projector = Projector {
            name: name.clone(),
            store: Arc::clone(&self.store),
            holder: Arc::clone(&self.holder),
            retry: TABLES_RETRY,
            clock: Arc::clone(&self.clock),
            hurry: CancellationToken::new(),
        };
        let carrier = Arc::new(projector);
        self.worker(name, false, carrier, TABLES_RETRY, TABLES_CONCURRENCY)
    }

    fn worker(
        &self,
        name: Name,
        in_order: bool,
        carrier: Arc<dyn Carrier>,
        retry: Retry,
        concurrency: NonZeroUsize,
    ) -> (Arc<Outlet>, Worker) {
        let (outlet, arrivals) = Outlet::new(name, in_order, carrier.linger());
        let outlet = Arc::new(outlet);
        let claimant = Claimant {
            store: Arc::clone(&self.store),
            outlet: Arc::clone(&outlet),
            holder: Arc::clone(&self.holder),
            term: self.term,
            records_fail: Arc::clone(&self.records_fail),
        };
        let clock = Arc::clone(&self.clock);
        let settlements = self.settlements.clone();
        let worker = Worker::new(
            carrier,
            claimant,
            clock,
            retry,
            concurrency,
            arrivals,
            settlements,
        );
        (outlet, worker)
    }
}
