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
mod census;
mod cloud_event;
mod courier;
mod errands;
mod herald;
mod outbox;
mod outlet;
mod queue;
mod render;
mod retry;
mod room;
mod route;
mod settler;
mod worker;

use std::{
    collections::BTreeMap,
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
    courier::Courier,
    errands::Claimant,
    herald::Herald,
    outlet::Outlet,
    settler::{Settled, Settler},
    worker::Worker,
};
use crate::{
    domain::{Clock, Name},
    sampling::Sampler,
    shutdown::Group,
    sinks::{self, OrderBy, SinkError},
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

impl Deliveries {
    /// A worker for each sink, and the way to them.
    ///
    /// # Errors
    ///
    /// When a sink cannot be made of its options.
    pub fn new(
        config: &Config,
        sinks: &BTreeMap<Name, sinks::Config>,
        store: &Arc<dyn Store>,
        clock: &Arc<dyn Clock>,
    ) -> Result<(Self, Outbox), UnusableSink> {
        let holder: Arc<str> = format!("{:016x}", rand::random::<u64>()).into();
        let (settlements, queue) = mpsc::unbounded_channel::<Settled>();
        let records_fail = Arc::new(AtomicBool::new(false));
        let mut workers = Vec::new();
        let mut outlets = BTreeMap::new();
        for (name, sink) in sinks {
            let in_order = sink.common.order_by == Some(OrderBy::Entity);
            let courier = courier(name, sink, clock)?;
            let linger = courier.sink.linger();
            let (outlet, arrivals) = Outlet::new(name.clone(), in_order, linger);
            let outlet = Arc::new(outlet);
            outlets.insert(name.clone(), Arc::clone(&outlet));
            let claimant = Claimant {
                store: Arc::clone(store),
                outlet,
                holder: Arc::clone(&holder),
                term: config.lease,
                records_fail: Arc::clone(&records_fail),
            };
            let concurrency = sink.common.concurrency;
            let settlements = settlements.clone();
            workers.push(Worker::new(
                courier,
                claimant,
                concurrency,
                arrivals,
                settlements,
            ));
        }
        let herald = Arc::new(Herald::default());
        let outbox = Outbox {
            outlets: outlets.clone(),
            herald: Arc::clone(&herald),
            holder: Arc::clone(&holder),
            term: config.lease,
        };
        let settler = Settler {
            store: Arc::clone(store),
            holder,
            queue,
            records_fail,
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

fn courier(
    name: &Name,
    sink: &sinks::Config,
    clock: &Arc<dyn Clock>,
) -> Result<Courier, UnusableSink> {
    let built = sink.build().map_err(|source| UnusableSink {
        name: name.clone(),
        source,
    })?;
    Ok(Courier {
        name: name.clone(),
        sink: built,
        filter: sink.common.when.clone(),
        renderer: Renderer::new(sink.format()),
        timeout: sink.common.timeout,
        retry: sink.common.retry,
        clock: Arc::clone(clock),
        hurry: CancellationToken::new(),
        undecided: Mutex::new(Sampler::new(20)),
    })
}
