//! Sinks that do anything at any time, from a fixed seed: in the end all is delivered.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{Database, Hook, all_delivered, ids, on_both_stores, post_all, report};
use crate::{sinks::web_server::Behaviour, support::Setup};

on_both_stores!(whatever_sinks_do_all_is_delivered_in_the_end);

const EVENTS: usize = 150;
const OPTIONS: &str = "timeout = \"400ms\"\nretry = { initial = \"10ms\", max = \"100ms\" }";

async fn whatever_sinks_do_all_is_delivered_in_the_end(setup: Setup) {
    let hooks = [
        Hook::start().await,
        Hook::start().await,
        Hook::start().await,
    ];
    let mut setup = setup.config("[deliveries]\nlease = \"2s\"\n");
    for (number, hook) in hooks.iter().enumerate() {
        let seed = 1000 * number as u64;
        hook.answer_by(move |call| {
            misbehave(&mut StdRng::seed_from_u64(seed + call.number as u64))
        });
        let concurrency = [1, 8, 64][number];
        let order = ["order_by = \"entity\"", "", ""][number];
        let options = format!("concurrency = {concurrency}\n{order}\n{OPTIONS}");
        setup = setup.config(&hook.sink(&format!("sink-{number}"), &options));
    }
    let receiver = setup.start();
    let mut database = Database::of(&setup).await;
    let events = ids("event", EVENTS);
    post_all(&[&receiver], &events).await;
    all_delivered(&mut database).await;
    for hook in &hooks {
        hook.took(&events);
        report!(
            "{} calls for {EVENTS} events, {} taken twice",
            hook.count(),
            hook.duplicates()
        );
    }
}

/// Seven of ten calls go well.
fn misbehave(random: &mut StdRng) -> Behaviour {
    let late = |random: &mut StdRng, status| Behaviour::Late {
        status,
        after: Duration::from_millis(random.random_range(0..100)),
    };
    match random.random_range(0..100) {
        0..50 => Behaviour::status(200),
        50..70 => late(random, 204),
        70..75 => Behaviour::status(503).with_header("retry-after", "0"),
        75..80 => Behaviour::status([408, 425, 429, 500][random.random_range(0..4)]),
        80..85 => late(random, 500),
        85..90 => Behaviour::Close,
        90..95 => Behaviour::CloseWithin,
        95..98 => Behaviour::Drip,
        _ => Behaviour::Hang,
    }
}
