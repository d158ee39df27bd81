//! Deliveries are listed, and many of them made to run again or not at all.

use std::time::Duration;

use huntr_receiver::{
    domain::{DeliveryState, EventId, NewDelivery, NewEvent, Outcome},
    store::{Claim, DeliveryFilter, Replay, Store},
};

use super::{
    database::Database,
    leases::{claim_as, settlement, stored},
    samples::{at, event, name, to},
};

on_both_stores!(
    a_list_is_filtered_and_newest_first,
    the_dead_are_retried,
    what_is_being_delivered_is_not_retried,
    the_pending_are_cancelled_and_no_others,
    a_replay_makes_a_delivery_pending_again_or_anew,
    what_is_replayed_later_holds_nothing_back_before,
    what_is_pending_is_counted_by_sink,
);

/// Four deliveries to `crm`: pending, delivered, dead, cancelled. And one to `archive`.
async fn one_of_each(store: &dyn Store) -> Vec<EventId> {
    let wanted = |id: &str, minute: i64| NewEvent {
        deliveries: vec![to("crm")],
        received_at: at(minute * 60_000),
        ..event(id)
    };
    let moved = NewEvent {
        event_type: Some("JOB_MOVED".into()),
        deliveries: vec![to("archive")],
        ..event("moved")
    };
    let ids = stored(
        store,
        vec![
            wanted("pending", 0),
            wanted("delivered", 1),
            wanted("dead", 2),
            wanted("cancelled", 3),
            moved,
        ],
    )
    .await;
    claim_as(store, |claim| Claim {
        term: Duration::ZERO,
        ..claim
    })
    .await;
    let batch = [
        settlement(ids[1], Outcome::Delivered),
        settlement(
            ids[2],
            Outcome::Dead {
                error: "broken".into(),
            },
        ),
        settlement(
            ids[3],
            Outcome::Cancelled {
                reason: "unwanted".into(),
            },
        ),
        settlement(
            ids[0],
            Outcome::Retry {
                error: "away".into(),
                delay: Duration::ZERO,
                give_up_after: Duration::from_hours(1),
            },
        ),
    ];
    store.settle_deliveries("a", &batch).await.expect("settled");
    ids
}

async fn states(database: &Database) -> Vec<String> {
    database
        .column("select sink || ' ' || state from deliveries order by event_id, sink")
        .await
}

async fn a_list_is_filtered_and_newest_first(store: &dyn Store, _: &Database) {
    let ids = one_of_each(store).await;
    let list = async |filter: DeliveryFilter| {
        let listed = store.list_deliveries(&filter, 10).await.expect("listed");
        let count = store.count_deliveries(&filter).await.expect("counted");
        assert_eq!(listed.len() as u64, count);
        let events = listed.iter().map(|delivery| delivery.event_id);
        events.collect::<Vec<_>>()
    };
    let all = DeliveryFilter::default;
    let crm = DeliveryFilter {
        sink: Some("crm".into()),
        ..all()
    };
    assert_eq!(list(all()).await.len(), 5);
    let newest_first: Vec<_> = list(crm.clone()).await;
    assert_eq!(newest_first.len(), 4);
    let dead = DeliveryFilter {
        state: Some(DeliveryState::Dead),
        ..all()
    };
    assert_eq!(list(dead).await, [ids[2]]);
    let of_event = DeliveryFilter {
        event: Some(ids[1]),
        ..all()
    };
    assert_eq!(list(of_event).await, [ids[1]]);
    let of_type = DeliveryFilter {
        event_type: Some("JOB_MOVED".into()),
        ..all()
    };
    assert_eq!(list(of_type).await, [ids[4]]);
    let between = DeliveryFilter {
        since: Some(at(60_000)),
        until: Some(at(180_000)),
        ..crm
    };
    let mut found = list(between).await;
    found.sort_unstable();
    assert_eq!(found, ids[1..3]);

    let page = store.list_deliveries(&all(), 2).await.expect("listed");
    assert!(page[0].id > page[1].id);
    let next = DeliveryFilter {
        before: Some(page[1].id),
        ..all()
    };
    let next = store.list_deliveries(&next, 10).await.expect("listed");
    assert_eq!(next.len(), 3);
    let shown = next
        .iter()
        .chain(&page)
        .find(|delivery| delivery.event_id == ids[2]);
    let shown = shown.expect("the dead one");
    assert_eq!(
        (
            shown.state,
            shown.sink.as_str(),
            shown.source.as_str(),
            shown.last_error.as_deref()
        ),
        (DeliveryState::Dead, "crm", "huntr", Some("broken"))
    );
}

async fn the_dead_are_retried(store: &dyn Store, database: &Database) {
    let ids = one_of_each(store).await;
    let dead = DeliveryFilter {
        state: Some(DeliveryState::Dead),
        ..DeliveryFilter::default()
    };
    let retried = store.retry_deliveries(&dead, 10).await.expect("retried");
    assert_eq!(retried.len(), 1);
    assert_eq!(
        store.retry_deliveries(&dead, 10).await.expect("retried"),
        [0; 0]
    );
    let due = claim_as(store, |claim| Claim {
        backlog: true,
        ..claim
    })
    .await;
    assert!(due.contains(&ids[2]), "{due:?}");
    assert_eq!(states(database).await[2], "crm pending");
}

async fn what_is_being_delivered_is_not_retried(store: &dyn Store, _: &Database) {
    let ids = one_of_each(store).await;
    let one = DeliveryFilter {
        event: Some(ids[0]),
        ..DeliveryFilter::default()
    };
    claim_as(store, |claim| Claim {
        backlog: true,
        ..claim
    })
    .await;
    assert_eq!(
        store.retry_deliveries(&one, 10).await.expect("asked"),
        [0; 0]
    );
}

async fn the_pending_are_cancelled_and_no_others(store: &dyn Store, database: &Database) {
    one_of_each(store).await;
    let crm = DeliveryFilter {
        sink: Some("crm".into()),
        ..DeliveryFilter::default()
    };
    let cancelled = store
        .cancel_deliveries(&crm, 10, "by hand")
        .await
        .expect("cancelled");
    assert_eq!(cancelled.len(), 1);
    assert_eq!(
        states(database).await,
        [
            "crm cancelled",
            "crm delivered",
            "crm dead",
            "crm cancelled",
            "archive pending"
        ]
    );
    let why: Vec<String> = database
        .column("select last_error from deliveries where state = 'cancelled' order by event_id")
        .await;
    assert_eq!(why, ["by hand", "unwanted"]);
}

async fn a_replay_makes_a_delivery_pending_again_or_anew(store: &dyn Store, database: &Database) {
    let ids = one_of_each(store).await;
    let replays: Vec<Replay> = ids
        .iter()
        .map(|event| Replay {
            event: *event,
            order_key: Some("ada".into()),
            delay: Duration::ZERO,
        })
        .collect();
    let replayed = store.replay_deliveries(&name("crm"), &replays).await;
    assert_eq!(replayed.expect("replayed"), 4, "all but the pending one");
    assert_eq!(
        states(database).await,
        [
            "crm pending",
            "crm pending",
            "crm pending",
            "crm pending",
            "archive pending",
            "crm pending"
        ]
    );
    let due = claim_as(store, |claim| Claim {
        backlog: true,
        ..claim
    })
    .await;
    assert_eq!(due.len(), 5);

    let later = [Replay {
        delay: Duration::from_hours(1),
        ..replays[4].clone()
    }];
    store
        .replay_deliveries(&name("new"), &later)
        .await
        .expect("replayed");
    let new = name("new");
    let due = claim_as(store, |claim| Claim {
        sink: Box::leak(Box::new(new)),
        backlog: true,
        ..claim
    })
    .await;
    assert_eq!(due, []);
}

async fn what_is_replayed_later_holds_nothing_back_before(store: &dyn Store, _: &Database) {
    let about_ada = |id: &str, deliveries: Vec<NewDelivery>| NewEvent {
        deliveries,
        ..event(id)
    };
    let old = stored(store, vec![about_ada("old", Vec::new())]).await;
    let later = [Replay {
        event: old[0],
        order_key: Some("ada".into()),
        delay: Duration::from_hours(1),
    }];
    let replayed = store.replay_deliveries(&name("crm"), &later).await;
    assert_eq!(replayed.expect("replayed"), 1);
    let fresh = NewDelivery {
        order_key: Some("ada".into()),
        ..to("crm")
    };
    let fresh = stored(store, vec![about_ada("fresh", vec![fresh])]).await;
    let due = claim_as(store, |claim| Claim {
        in_order: true,
        ..claim
    });
    assert_eq!(due.await, fresh);
}

async fn what_is_pending_is_counted_by_sink(store: &dyn Store, _: &Database) {
    one_of_each(store).await;
    let pending = store.pending_deliveries().await.expect("counted");
    let counts: Vec<_> = pending
        .iter()
        .map(|pending| (pending.sink.as_str(), pending.count))
        .collect();
    assert_eq!(counts, [("archive", 1), ("crm", 1)]);
}
