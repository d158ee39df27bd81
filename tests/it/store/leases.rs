//! Deliveries are claimed by lease, worked on without a transaction, and settled.

use std::{sync::Arc, time::Duration};

use huntr_receiver::{
    domain::{EventId, Lease, NewDelivery, NewEvent, Outcome, Place, Settlement},
    store::{Claim, DeliveryFilter, Held, Store},
};
use tokio::{sync::Semaphore, time::Instant};

use super::{
    database::Database,
    samples::{at, event, id_of, name, to},
};

on_both_stores!(
    what_is_due_is_claimed_once,
    a_lease_that_has_run_out_is_somebody_elses,
    a_lease_may_be_taken_with_the_commit,
    a_lease_is_renewed_for_whoever_has_it,
    it_is_told_which_leases_are_held,
    a_lease_that_is_given_back_makes_the_delivery_due,
    a_claim_is_bounded_in_bytes,
    a_claim_brings_the_whole_event,
    in_order_a_delivery_waits_for_the_earlier_ones_about_the_same_thing,
    claims_at_the_same_time_share_nothing,
);

const TERM: Duration = Duration::from_mins(5);
const OVER_AT_ONCE: Duration = Duration::ZERO;

fn wanted(delivery_id: &str) -> NewEvent {
    NewEvent {
        deliveries: vec![to("crm")],
        ..event(delivery_id)
    }
}

/// Stores them one after the other.
pub(super) async fn stored(store: &dyn Store, events: Vec<NewEvent>) -> Vec<EventId> {
    let mut ids = Vec::with_capacity(events.len());
    for event in events {
        let insertions = store.insert_events(&[event]).await.expect("stored");
        ids.push(id_of(insertions[0]));
    }
    ids
}

/// Claims fresh deliveries to the sink `crm`.
async fn claim(store: &dyn Store, holder: &str, term: Duration, limit: u32) -> Vec<EventId> {
    claim_as(store, |claim| Claim {
        holder,
        term,
        limit,
        ..claim
    })
    .await
}

pub(super) async fn claim_as<'a>(
    store: &dyn Store,
    change: impl FnOnce(Claim<'a>) -> Claim<'a>,
) -> Vec<EventId> {
    let crm = name("crm");
    let usual = Claim {
        holder: "a",
        term: TERM,
        // It lives as long as the test.
        sink: Box::leak(Box::new(crm)),
        backlog: false,
        in_order: false,
        limit: 10,
        max_bytes: 1 << 20,
    };
    let claimed = store.claim_deliveries(&change(usual)).await;
    let claimed = claimed.expect("claimed");
    claimed
        .iter()
        .map(|claimed| claimed.event.summary.id)
        .collect()
}

pub(super) fn settlement(event: EventId, outcome: Outcome) -> Settlement {
    Settlement {
        event,
        sink: name("crm"),
        outcome,
        attempt: None,
    }
}

fn sorted(mut ids: Vec<EventId>) -> Vec<EventId> {
    ids.sort_unstable();
    ids
}

async fn what_is_due_is_claimed_once(store: &dyn Store, _: &Database) {
    let other = NewEvent {
        deliveries: vec![to("archive")],
        ..event("other")
    };
    let ids = stored(store, vec![wanted("a"), wanted("b"), wanted("c"), other]).await;
    let first = claim(store, "a", TERM, 2).await;
    let second = claim(store, "b", TERM, 2).await;
    assert_eq!((first.len(), second.len()), (2, 1));
    assert_eq!(sorted([first, second].concat()), ids[..3]);
    assert_eq!(claim(store, "a", TERM, 2).await, []);
}

async fn a_lease_that_has_run_out_is_somebody_elses(store: &dyn Store, _: &Database) {
    let ids = stored(store, vec![wanted("a")]).await;
    assert_eq!(claim(store, "dead", OVER_AT_ONCE, 1).await, ids);
    assert_eq!(claim(store, "heir", TERM, 1).await, ids);
    assert_eq!(claim(store, "third", TERM, 1).await, []);
}

fn lease(term: Duration) -> Lease {
    let place = || {
        let room = Arc::new(Semaphore::new(1));
        room.try_acquire_owned().expect("room")
    };
    Lease {
        holder: "a".into(),
        term,
        taken_at: Instant::now(),
        place: Place {
            delivery: place(),
            bytes: place(),
        },
    }
}

async fn a_lease_may_be_taken_with_the_commit(store: &dyn Store, database: &Database) {
    let leased = |id: &str, term| NewEvent {
        deliveries: vec![NewDelivery {
            lease: Some(lease(term)),
            ..to("crm")
        }],
        ..event(id)
    };
    let ids = stored(store, vec![leased("a", TERM), leased("b", OVER_AT_ONCE)]).await;
    assert_eq!(claim(store, "heir", TERM, 10).await, ids[1..]);
    let holders: Vec<String> = database
        .column("select leased_by from deliveries order by event_id")
        .await;
    assert_eq!(holders, ["a", "heir"]);
}

async fn a_lease_is_renewed_for_whoever_has_it(store: &dyn Store, _: &Database) {
    let ids = stored(store, vec![wanted("a"), wanted("b")]).await;
    claim(store, "a", OVER_AT_ONCE, 1).await;
    claim(store, "a", OVER_AT_ONCE, 1).await;
    let crm = name("crm");
    let held = |holder| Held {
        holder,
        sink: &crm,
        events: &ids,
    };
    assert_eq!(
        store.renew_leases(&held("b"), TERM).await.expect("asked"),
        []
    );
    let renewed = store.renew_leases(&held("a"), TERM).await.expect("asked");
    let held_by_a = renewed.len();
    assert!(held_by_a >= 1);
    assert_eq!(claim(store, "b", TERM, 10).await.len(), 2 - held_by_a);
}

async fn it_is_told_which_leases_are_held(store: &dyn Store, _: &Database) {
    let ids = stored(store, ["a", "b", "c"].map(wanted).into()).await;
    claim(store, "us", TERM, 2).await;
    claim(store, "them", TERM, 1).await;
    let filter = DeliveryFilter {
        event: Some(ids[0]),
        ..DeliveryFilter::default()
    };
    let cancelled = store.cancel_deliveries(&filter, 10, "not wanted").await;
    assert_eq!(cancelled.expect("cancelled").len(), 1);
    let crm = name("crm");
    let held = Held {
        holder: "us",
        sink: &crm,
        events: &ids,
    };
    let held = store.held_leases(&held).await.expect("an answer");
    assert_eq!(held, [ids[1]]);
}

async fn a_lease_that_is_given_back_makes_the_delivery_due(store: &dyn Store, _: &Database) {
    let ids = stored(store, vec![wanted("a"), wanted("b")]).await;
    claim(store, "a", TERM, 10).await;
    let crm = name("crm");
    let release = async |holder| {
        let held = Held {
            holder,
            sink: &crm,
            events: &ids[..1],
        };
        store.release_leases(&held).await.expect("released");
    };
    release("somebody else").await;
    assert_eq!(claim(store, "b", TERM, 10).await, []);
    release("a").await;
    assert_eq!(claim(store, "b", TERM, 10).await, ids[..1]);
}

async fn a_claim_is_bounded_in_bytes(store: &dyn Store, _: &Database) {
    let heavy = |id: &str| NewEvent {
        body: vec![b'x'; 1000].into(),
        ..wanted(id)
    };
    let ids = stored(store, ["a", "b", "c", "d"].map(heavy).into()).await;
    let bounded = async |max_bytes| {
        claim_as(store, |claim| Claim { max_bytes, ..claim })
            .await
            .len()
    };
    assert_eq!(bounded(1).await, 1, "one body more always passes");
    assert_eq!(bounded(1001).await, 2);
    assert_eq!(bounded(1 << 20).await, ids.len() - 3);
}

async fn a_claim_brings_the_whole_event(store: &dyn Store, _: &Database) {
    let sent = || NewEvent {
        occurred_at: Some(at(5)),
        signature: Some("c2lnbg==".into()),
        body: b"\xff\0not JSON"[..].into(),
        problem: Some("not JSON".into()),
        ..wanted("a")
    };
    let ids = stored(store, vec![sent()]).await;
    let crm = name("crm");
    let claim = Claim {
        holder: "a",
        term: TERM,
        sink: &crm,
        backlog: false,
        in_order: false,
        limit: 1,
        max_bytes: 1,
    };
    let claimed = store.claim_deliveries(&claim).await.expect("claimed");
    assert_eq!(claimed[0].attempts, 0);
    let found = store
        .find_event(ids[0])
        .await
        .expect("read")
        .expect("found");
    assert_eq!(claimed[0].event, found);
    assert_eq!(found.body, sent().body);
}

async fn in_order_a_delivery_waits_for_the_earlier_ones_about_the_same_thing(
    store: &dyn Store,
    _: &Database,
) {
    let about = |id: &str, key: Option<&str>| NewEvent {
        deliveries: vec![NewDelivery {
            order_key: key.map(Into::into),
            ..to("crm")
        }],
        ..event(id)
    };
    let mut ids = Vec::new();
    for (id, key) in [
        ("ada 1", Some("ada")),
        ("ada 2", Some("ada")),
        ("bob 1", Some("bob")),
        ("nobody 1", None),
        ("nobody 2", None),
    ] {
        ids.extend(stored(store, vec![about(id, key)]).await);
    }
    let claim = async |backlog| {
        let claimed = claim_as(store, |claim| Claim {
            in_order: true,
            backlog,
            ..claim
        });
        sorted(claimed.await)
    };
    assert_eq!(claim(false).await, [ids[0], ids[2], ids[3], ids[4]]);
    assert_eq!(claim(false).await, []);
    let fails = Outcome::Retry {
        error: "away".into(),
        delay: Duration::ZERO,
        give_up_after: TERM,
    };
    let settle = async |event, outcome| {
        let batch = [settlement(event, outcome)];
        let settled = store.settle_deliveries("a", &batch).await;
        settled.expect("settled");
    };
    settle(ids[0], fails).await;
    assert_eq!(claim(false).await, [], "it is still to come");
    assert_eq!(claim(true).await, [ids[0]]);
    settle(ids[0], Outcome::Delivered).await;
    assert_eq!(claim(false).await, [ids[1]]);
}

async fn claims_at_the_same_time_share_nothing(store: &dyn Store, _: &Database) {
    const COUNT: usize = 60;
    let events = (0..COUNT).map(|number| wanted(&number.to_string()));
    let ids = stored(store, events.collect()).await;
    let claims = (0..8).map(|_| claim(store, "a", TERM, 10));
    let claimed = futures_util::future::join_all(claims).await.concat();
    let distinct: std::collections::BTreeSet<_> = claimed.iter().copied().collect();
    assert_eq!(distinct.len(), claimed.len(), "each of them once");
    let rest = claim(store, "a", TERM, 100).await;
    assert_eq!(sorted([claimed, rest].concat()), ids);
}
