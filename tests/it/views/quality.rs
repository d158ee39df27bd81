//! What is missing or odd is counted.

use huntr_receiver::domain::{NewEvent, Origin, RejectedRequest};
use serde_json::json;

use super::scene::Scene;
use crate::store::samples::{event, name};

on_both_databases!(what_is_missing_is_counted, what_came_oddly_is_counted);

async fn measures(scene: &Scene) -> Vec<String> {
    scene
        .ask(
            "measure, affected, total",
            "data_quality where affected > 0 order by measure",
        )
        .await
}

async fn what_is_missing_is_counted(scene: Scene) {
    scene.fields().await;
    scene
        .member("ada", &[("Cohort", "Spring"), ("Graduation", "2026-05-01")])
        .await;
    scene.member("ben", &[("Graduation", "soon")]).await;
    scene
        .member_with("cyd", json!({"deleted_at": scene.ago(1)}), &[])
        .await;
    scene.row("members", json!({"id": "a stub"})).await;
    let titled = |title: &str| json!({"title": title, "employer_id": "1", "list_name": "My list"});
    scene.job("1", "ada", titled("No Job Title")).await;
    scene.job("2", "ada", json!({"salary": "50k"})).await;
    scene.row("jobs", json!({"id": "a stub"})).await;
    scene
        .row("employers", json!({"id": "1", "name": "Acme"}))
        .await;
    scene.row("employers", json!({"id": "a stub"})).await;
    scene.done("Accept Offer", "1", "ada", 9).await;
    scene.done("Accept Offer", "2", "ada", 8).await;
    scene.done("Accept Offer", "", "ben", 7).await;
    scene.row("activities", json!({"id": "what?"})).await;
    scene
        .row("actions", json!({"id": "1", "action_type": "JOB_MOVED"}))
        .await;
    scene
        .row("actions", json!({"id": "2", "event_type": "JOB_ADDED"}))
        .await;
    scene
        .row("actions", json!({"id": "3", "action_type": "MOON_LANDED"}))
        .await;
    scene.row("actions", json!({"id": "4"})).await;
    assert_eq!(
        measures(&scene).await,
        [
            "accepted offers without a salary | 2 | 3",
            "accepted offers without an employer | 2 | 3",
            "actions of an unknown type | 2 | 4",
            "activities without a category | 1 | 4",
            "employers known only by their id | 1 | 2",
            "jobs known only by their id | 1 | 3",
            "jobs on a list that stands for no stage | 1 | 3",
            "jobs without a title | 1 | 3",
            "jobs without an employer | 2 | 3",
            "members known only by their id | 1 | 3",
            "members whose graduation is no date | 1 | 2",
            "members without a cohort | 1 | 2",
        ]
    );
}

async fn what_came_oddly_is_counted(scene: Scene) {
    let by = |origin, delivery_id| NewEvent {
        origin,
        ..event(delivery_id)
    };
    let unreadable = NewEvent {
        problem: Some("not JSON".into()),
        ..event("d")
    };
    let batch = [
        event("a"),
        by(Origin::Reverify, "c"),
        unreadable,
        NewEvent {
            body: b"another body".as_slice().into(),
            ..event("a")
        },
    ];
    scene.store().insert_events(&batch).await.expect("stored");
    let refused = RejectedRequest {
        source: name("huntr"),
        received_at: scene.ago(0).parse().expect("a time"),
        reason: "mismatch",
        headers: serde_json::Map::new(),
        body: "{}".into(),
    };
    scene.store().keep_rejected(&[refused]).await.expect("kept");
    assert_eq!(
        measures(&scene).await,
        [
            "events that were not understood | 1 | 3",
            "events that were refused at first | 1 | 3",
            "events with another body under the same id | 1 | 3",
            "requests that are refused | 1 | 4",
        ]
    );
}
