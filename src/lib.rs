//! A receiver of webhooks that loses none: each is authenticated, its raw bytes are made durable, then it is
//! answered 200. Understanding and delivering come after that, from what is stored, as often as needed.
//!
//! # The way of an event
//!
//! ```text
//!  POST /webhooks/{source}
//!        │
//!  http::receive        path, method, credential's form, encoding, length, then the body within its limits
//!        │
//!  providers            Verified ──▶ NewEvent: its id, type and time, and the bytes as they came
//!        │              Unverified ── 401 ──▶ intake::RefusalLog ──▶ rejected_requests ──▶ `reverify`, another day
//!        │
//!  deliveries::Routes   which sinks want an event of this type
//!        │
//!  intake::submit       waits in a bounded queue; the committer takes what has gathered as one batch
//!        │              while the database takes nothing: the spooler, with a queue of its own ──▶ spool
//!        │                                                                                           │
//!  store                one transaction a batch: events, event_conflicts, deliveries ◀── drainer ────┘
//!        │
//!  200                  {"status":"stored"}, {"status":"duplicate"}, or {"status":"spooled"}
//!        │
//!  deliveries::Outbox   hands each delivery, leased with the commit, to its sink's worker; what finds no room
//!        │              there waits in the database until the worker claims it
//!        │
//!  worker, courier      filter, format, one call to the sink with a time limit, and what becomes of it
//!        │
//!  settler              the outcome and the attempt, written down: delivered, dead, or pending until the next
//! ```
//!
//! # The modules, in reading order
//!
//! - [`domain`]: the words all others are written in: event, name, origin, clock. No I/O.
//! - [`providers`]: the senders, a folder each: how a request proves itself, and what a body says. Sample bodies.
//! - [`store`]: where events become durable: one trait, PostgreSQL and SQLite behind it.
//! - [`spool`]: where deliveries wait on disk while the store is away.
//! - [`sinks`]: where events go, a file a kind: how each is reached, and what it takes for an answer. Filters in
//!   CEL and templates.
//! - [`intake`]: the way into the store: the memory bodies may take, the group committer, the refused requests.
//! - [`projections`]: the typed tables.
//! - [`deliveries`]: from an event to the sinks that want it: leases, retries, order, formats.
//! - [`http`]: both listeners: receiving, health, metrics, and the one table of errors and their statuses.
//! - [`config`]: defaults, file, environment and flags merged, and all that is wrong with them told at once.
//! - [`app`]: everything put together, and taken down in the order in which events flow.
//! - [`cli`]: the commands.
//!
//! Beside the way, of use to several: [`secret`] (secrets by reference), [`units`] (durations and rates in the
//! configuration), [`networks`] (lists of them), `disk` (whether it can be written to), `sampling` (a bound on log
//! lines), [`metrics`] (every metric by name), [`telemetry`] (the log), [`shutdown`] (the signals).
//!
//! A module uses only those above it in this list and those beside the way. Each owns its `Config`; [`config`]
//! gathers them, so that nothing below [`app`] needs it.
//!
//! # What always holds
//!
//! 1. What is particular to a vendor lives in its folder in [`providers`]; elsewhere vendors are only named to people.
//! 2. A body becomes an event only through [`Verified`](providers::Verified), which only a provider can make.
//! 3. After verification nothing is refused for what it says. It is stored as it came, with the problem noted.
//! 4. Only what the [`Store`](store::Store) or the [`Spool`](spool::Spool) has committed is acknowledged.
//! 5. A transaction waits for the database and for nothing else: whoever calls a sink has a lease, and no connection.
//! 6. A background loop is a thin shell around one step.
//! 7. `/live` touches nothing, and the public listener serves webhooks and health only.
//! 8. A request is bounded in everything it takes: connection, headers, body, memory, place in the queue, time.
//!    So is a delivery: place in memory, bytes, calls at once, time.
//! 9. No body and no secret gets into a log, an error or an answer.

pub mod app;
pub mod cli;
pub mod config;
pub mod deliveries;
mod disk;
pub mod domain;
pub mod http;
pub mod intake;
pub mod metrics;
pub mod networks;
pub mod projections;
pub mod providers;
mod sampling;
pub mod secret;
pub mod shutdown;
pub mod sinks;
pub mod spool;
pub mod store;
pub mod telemetry;
pub mod units;
