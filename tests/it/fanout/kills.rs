//! `kill -9` in the middle of deliveries: nothing is lost, and only what was in flight comes twice.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{sync::Notify, task::JoinSet};

use super::{Database, Hook, SENDERS, SOON, all_delivered, on_both_stores, report};
use crate::{
    sinks::web_server::Behaviour,
    support::{PATIENCE, SIGNATURE, Setup, action, client, sign},
};

const KILLS: usize = 20;
const SEED: u64 = 34;
/// What one sink has in memory at most: 1024 fresh deliveries and 256 others.
const PLACES: usize = 1024 + 256;
/// Long enough that none runs out while its holder lives, on a busy machine.
const LEASE: &str = "[deliveries]\nlease = \"4s\"\n";

on_both_stores!(what_was_acknowledged_arrives_and_only_what_was_in_flight_twice);

/// A delivery that somebody has a lease on is queued, being sent, or sent and not recorded yet: it is in flight.
/// A kill makes each of these come again at most once, and no other. So an event arrives at most once more than
/// there were kills during which a receiver, now dead, had the lease.
async fn what_was_acknowledged_arrives_and_only_what_was_in_flight_twice(setup: Setup) {
    let hook = Hook::start().await;
    hook.answer_by(|call| Behaviour::Late {
        status: if call.number % 7 == 0 { 500 } else { 200 },
        after: Duration::from_millis(call.number as u64 % 5),
    });
    let options = format!("concurrency = 16\n{SOON}");
    let setup = setup.config(LEASE).config(&hook.sink("crm", &options));
    let mut random = StdRng::seed_from_u64(SEED);
    let mut acknowledged = BTreeSet::new();
    let mut in_flight: HashMap<String, BTreeSet<String>> = HashMap::new();
    let (mut database, mut most) = (None, 0);
    for round in 0..KILLS {
        let moment = random.random_range(1..150);
        acknowledged.extend(send_until_killed(&setup, round, moment).await);
        let database = match &mut database {
            Some(database) => database,
            none => none.insert(Database::of(&setup).await),
        };
        let leased = "select events.delivery_id || ' ' || leased_by from deliveries \
                      join events on events.id = event_id where state = 'pending' and leased_by is not null";
        let leased = database.texts(leased).await;
        let mut holders: HashMap<String, usize> = HashMap::new();
        for lease in &leased {
            let (id, holder) = lease.split_once(' ').expect("an id and a holder");
            *holders.entry(holder.to_owned()).or_default() += 1;
            in_flight
                .entry(id.to_owned())
                .or_default()
                .insert(holder.to_owned());
        }
        most = most.max(holders.values().copied().max().unwrap_or_default());
    }
    assert!(most <= PLACES, "{most} in flight at once");

    let _receiver = setup.start();
    let mut database = database.expect("connected");
    all_delivered(&mut database).await;
    let taken = hook.taken();
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|id| !taken.contains_key(*id))
        .collect();
    assert_eq!(lost, [""; 0]);
    let arrived: BTreeSet<_> = taken.keys().cloned().collect();
    assert_eq!(arrived, database.events().await.into_iter().collect());
    let leases = |id: &String| in_flight.get(id).map_or(0, BTreeSet::len);
    for (id, times) in &taken {
        assert!(
            *times <= 1 + leases(id),
            "{id} came {times} times, leased {} times",
            leases(id)
        );
    }
    report!(
        "{} events, {} in flight at {KILLS} kills (at most {most} at once), {} duplicates",
        taken.len(),
        in_flight.values().map(BTreeSet::len).sum::<usize>(),
        hook.duplicates()
    );
    assert!(!in_flight.is_empty(), "the kills met deliveries");
}

/// Sends from many senders until so many were acknowledged, kills the receiver, and gives what was acknowledged.
async fn send_until_killed(setup: &Setup, round: usize, moment: usize) -> Vec<String> {
    let mut receiver = setup.start();
    let url = receiver.url("/webhooks/huntr");
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let (count, reached) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let client = client();
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let (client, url) = (client.clone(), url.clone());
        let (acknowledged, count) = (Arc::clone(&acknowledged), Arc::clone(&count));
        let reached = Arc::clone(&reached);
        senders.spawn(async move {
            for number in 0.. {
                let id = format!("{round}-{sender}-{number}");
                let body = action(&id);
                let request = client.post(&url).header(SIGNATURE, sign(body.as_bytes()));
                // The kill breaks the connection: before the 200 nothing was promised.
                let Ok(response) = request.body(body).send().await else {
                    return;
                };
                assert_eq!(response.status(), 200);
                acknowledged.lock().expect("the list").push(id);
                if count.fetch_add(1, Ordering::Relaxed) + 1 == moment {
                    reached.notify_one();
                }
            }
        });
    }
    let load = tokio::time::timeout(PATIENCE, reached.notified()).await;
    load.expect("so many acknowledgements");
    receiver.kill();
    while let Some(sender) = senders.join_next().await {
        sender.expect("a sender");
    }
    let acknowledged = Arc::into_inner(acknowledged).expect("all senders are done");
    acknowledged.into_inner().expect("the list")
}
