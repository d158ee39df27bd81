//! What is to happen, drawn from a seed: how long, how much, and which faults when.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// `kill -9`, and a start after a while.
    ReceiverKilled,
    /// `SIGTERM`, and a start after a while.
    ReceiverStopped,
    /// The receiver's wall clock is elsewhere.
    ClockJumps,
    /// `kill -9` of the postmaster, and a start after a while.
    DatabaseKilled,
    /// None of the database's processes runs.
    DatabasePaused,
    /// `pg_ctl restart`, fast or immediate.
    DatabaseRestarted,
    /// `pg_terminate_backend`, again and again.
    ConnectionsTerminated,
    /// `default_transaction_read_only`.
    DatabaseReadOnly,
    /// The disk that the database is on is full.
    DatabaseFull,
    /// Somebody else holds a lock that every commit needs.
    DatabaseLocked,
    /// The disk that the spool is on is full.
    SpoolFull,
    /// Everything between receiver and database is late.
    RoadSlow,
    /// Nothing comes through between receiver and database, and nobody says so.
    RoadSilent,
    /// Connections to the database are reset as soon as they are open.
    RoadCut,
    /// Connections to the database are reset in the middle of an answer.
    RoadCutMidAnswer,
    /// A sink does not answer.
    SinkHangs,
    /// A sink says 200 and resets the connection, or takes an event and says 500.
    SinkLies,
    /// A sink is gone.
    SinkDies,
}

use Fault::{
    ClockJumps, ConnectionsTerminated, DatabaseFull, DatabaseKilled, DatabaseLocked,
    DatabasePaused, DatabaseReadOnly, DatabaseRestarted, ReceiverKilled, ReceiverStopped, RoadCut,
    RoadCutMidAnswer, RoadSilent, RoadSlow, SinkDies, SinkHangs, SinkLies, SpoolFull,
};

/// All that can happen to a receiver with a server for a database.
pub(super) const ON_POSTGRES: &[Fault] = &[
    ReceiverKilled,
    ReceiverStopped,
    ClockJumps,
    DatabaseKilled,
    DatabasePaused,
    DatabaseRestarted,
    ConnectionsTerminated,
    DatabaseReadOnly,
    DatabaseFull,
    DatabaseLocked,
    SpoolFull,
    RoadSlow,
    RoadSilent,
    RoadCut,
    RoadCutMidAnswer,
    SinkHangs,
    SinkLies,
    SinkDies,
];

/// What can happen to one with a file.
pub(super) const ON_SQLITE: &[Fault] = &[
    ReceiverKilled,
    ReceiverStopped,
    ClockJumps,
    DatabaseFull,
    DatabaseLocked,
    SpoolFull,
    SinkHangs,
    SinkLies,
    SinkDies,
];

/// What is to happen.
pub(super) struct Scenario {
    pub(super) seed: u64,
    pub(super) length: Duration,
    /// Deliveries a second.
    pub(super) rate: u32,
    pub(super) plan: Vec<Planned>,
}

/// A fault in its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned {
    pub(super) fault: Fault,
    pub(super) at: Duration,
    pub(super) lasts: Duration,
    /// Decides what else there is to decide about it.
    pub(super) chance: u64,
}

/// Independent parts of what a seed decides, so that a change of one leaves the others as they were.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Plan,
    Mail,
    Pauses,
}

/// The chance of this part.
pub(super) fn chance(seed: u64, part: Part) -> ChaCha8Rng {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(part as u64);
    chance
}

/// About the time between two faults. They last up to three times as long, so that they overlap.
const GAP: Duration = Duration::from_secs(2);
const SHORTEST: Duration = Duration::from_millis(300);

impl Scenario {
    /// At least so long, with each of these faults at least once.
    pub(super) fn of(seed: u64, faults: &[Fault], length: Duration) -> Self {
        let mut chance = chance(seed, Part::Plan);
        let deck = GAP * u32::try_from(faults.len()).expect("a few faults");
        let length = length.max(deck);
        let mut plan = Vec::new();
        let mut begin = Duration::ZERO;
        while begin + deck <= length {
            let mut faults = faults.to_vec();
            faults.shuffle(&mut chance);
            for fault in faults {
                plan.push(Planned {
                    fault,
                    at: begin + chance.random_range(Duration::ZERO..GAP),
                    lasts: chance.random_range(SHORTEST..GAP * 3),
                    chance: chance.random(),
                });
                begin += GAP;
            }
        }
        Self {
            seed,
            length,
            rate: chance.random_range(40..80),
            plan,
        }
    }
}
