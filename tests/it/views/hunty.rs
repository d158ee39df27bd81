//! How things at Hunty change their status, and when a subscription was last heard of.

use huntr_receiver::{domain::NewEvent, store::EventFilter};
use serde_json::json;

use super::scene::Scene;
use crate::store::samples::event;

on_both_databases!(a_status_follows_another, the_newest_event_of_a_subscription);

async fn snapshot(scene: &Scene, entity: &str, status: Option<&str>, days_ago: i64) {
    let row = json!({
        "source": "hunty", "id": format!("{entity} {days_ago}"), "webhook_id": "wh_1", "domain": "candidate",
        "event": "CandidateStatusTransitionedEvent", "entity_id": entity, "status": status,
        "fired_at": scene.ago(days_ago),
    });
    scene.row("hunty_events", row).await;
}

/// Two candidates: new, then interviewed after 4 and 8 days. A snapshot without a change is no transition.
async fn a_status_follows_another(scene: Scene) {
    snapshot(&scene, "1", Some("new"), 20).await;
    snapshot(&scene, "1", Some("new"), 18).await;
    snapshot(&scene, "1", Some("interview"), 16).await;
    snapshot(&scene, "1", None, 15).await;
    snapshot(&scene, "2", Some("new"), 10).await;
    snapshot(&scene, "2", Some("interview"), 2).await;
    snapshot(&scene, "2", Some("new"), 1).await;
    // The payload itself tells what was before.
    let told = json!({
        "source": "hunty", "id": "3", "domain": "candidate", "entity_id": "3", "status": "hired",
        "previous_status": "interview", "fired_at": scene.ago(1),
    });
    scene.row("hunty_events", told).await;
    let columns = "domain, previous_status, status, transitions, entities, median_days_before";
    let order = "hunty_transitions order by previous_status is not null, previous_status, status";
    assert_eq!(
        scene.ask(columns, order).await,
        [
            "candidate | - | new | 2 | 2 | -",
            "candidate | interview | hired | 1 | 1 | -",
            "candidate | interview | new | 1 | 1 | 1",
            "candidate | new | interview | 2 | 2 | 6",
        ]
    );
}

async fn the_newest_event_of_a_subscription(scene: Scene) {
    let received_at = scene.ago(1).parse().expect("a time");
    let stored = NewEvent {
        received_at,
        ..event("a")
    };
    scene
        .store()
        .insert_events(&[stored])
        .await
        .expect("stored");
    let events = scene
        .store()
        .list_events(&EventFilter {
            limit: 1,
            ..EventFilter::default()
        })
        .await;
    let id = events.expect("listed")[0].id.0;
    for (number, webhook, days_ago, event_id) in [
        (1, "wh_1", 3, None),
        (2, "wh_1", 2, Some(id)),
        (3, "wh_2", 4, None),
    ] {
        let row = json!({
            "source": "hunty", "id": number.to_string(), "webhook_id": webhook, "domain": "candidate",
            "event": format!("event {number}"), "fired_at": scene.ago(days_ago), "event_id": event_id,
        });
        scene.row("hunty_events", row).await;
    }
    let columns = "webhook_id, events, last_event, last_fired_at, last_received_at, hours_since";
    let [one, two, four] = [1, 2, 4].map(|days| scene.day(days));
    assert_eq!(
        scene
            .ask(columns, "hunty_last_events order by webhook_id")
            .await,
        [
            format!("wh_1 | 2 | event 2 | {two} | {one} | 24"),
            format!("wh_2 | 1 | event 3 | {four} | - | 96"),
        ]
    );
}
