//! `kill -9` at any moment: what got its 200 is in the table afterwards, once.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{sync::Notify, task::JoinSet};

use crate::{
    ledger::Ledger,
    support::{PATIENCE, SIGNATURE, Setup, client, sign},
};

const KILLS: u32 = 20;
const SENDERS: usize = 16;
/// Fixed, so that a failure can be looked at again; the moments still differ from kill to kill.
const SEED: u64 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_on_sqlite() {
    kill_again_and_again(Setup::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_on_postgres() {
    kill_again_and_again(Setup::postgres().await).await;
}

async fn kill_again_and_again(setup: Setup) {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut acknowledged = HashMap::new();
    for round in 0..KILLS {
        let moment = random.random_range(1..400);
        acknowledged.extend(send_until_killed(&setup, round, moment).await);
    }
    // The server comes up once more, as after any crash, and then the ledger is read.
    let receiver = setup.start();
    assert_eq!(receiver.get("/ready").await.status, 200);

    let stored = Ledger::of(&setup).await.events().await;
    let mut bodies = HashMap::new();
    for event in &stored {
        let again = bodies.insert(
            event.summary.delivery_id.clone(),
            (event.summary.id.0, event.body.clone()),
        );
        assert!(
            again.is_none(),
            "{} is stored twice",
            event.summary.delivery_id
        );
    }
    assert!(acknowledged.len() > KILLS as usize, "there was a load");
    for (id, (event, body)) in acknowledged {
        assert_eq!(
            bodies.get(&id),
            Some(&(event, body.into())),
            "{id} was acknowledged"
        );
    }
}

/// Sends from many senders until so many were acknowledged, kills the receiver in the middle of it, and
/// gives what was acknowledged: the event's id and its body, by delivery id.
async fn send_until_killed(
    setup: &Setup,
    round: u32,
    moment: usize,
) -> HashMap<String, (i64, String)> {
    let mut receiver = setup.start();
    let url = receiver.url("/webhooks/huntr");
    let acknowledged = Arc::new(Mutex::new(HashMap::new()));
    let count = Arc::new(AtomicUsize::new(0));
    let reached = Arc::new(Notify::new());
    let client = client();
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let (client, url) = (client.clone(), url.clone());
        let (acknowledged, count, reached) = (
            Arc::clone(&acknowledged),
            Arc::clone(&count),
            Arc::clone(&reached),
        );
        senders.spawn(async move {
            for number in 0.. {
                let id = format!("{round}-{sender}-{number}");
                let body = format!(
                    r#"{{"id":"{id}","actionType":"JOB_MOVED","note":{{"text":"\u2019"}}}}"#
                );
                let request = client
                    .post(&url)
                    .header(SIGNATURE, sign(body.as_bytes()))
                    .body(body.clone());
                // The kill breaks the connection: before the 200 nothing was promised.
                let Ok(response) = request.send().await else {
                    return;
                };
                assert_eq!(response.status(), 200);
                let Ok(answer) = response.json::<serde_json::Value>().await else {
                    return;
                };
                let event = answer["event"].as_i64().expect("an event's id");
                acknowledged
                    .lock()
                    .expect("the list")
                    .insert(id, (event, body));
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
    Arc::into_inner(acknowledged)
        .expect("all senders are done")
        .into_inner()
        .expect("the list")
}
