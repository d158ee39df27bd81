//! Who does how much, and who has stopped.

use serde_json::{Value, json};

use super::scene::Scene;

on_both_databases!(
    whoever_does_nothing_any_more_is_inactive,
    applications_are_counted_by_week,
    an_advisor_has_members_and_a_share_of_their_records,
);

/// An Action on a member's board.
async fn action(scene: &Scene, owner: &str, creator: &str, days_ago: i64, more: Value) {
    let mut row = json!({
        "id": format!("{owner} {creator} {days_ago}"), "action_type": "NOTE_CREATED",
        "owner_member_id": owner, "created_at": scene.ago(days_ago), "created_by_workflow": false,
    });
    if !creator.is_empty() {
        row["creator_member_id"] = creator.into();
    }
    for (name, value) in more.as_object().expect("an object") {
        row[name] = value.clone();
    }
    scene.row("actions", row).await;
}

async fn whoever_does_nothing_any_more_is_inactive(scene: Scene) {
    scene.fields().await;
    // What the advisor and a workflow do on her board is not hers.
    scene
        .member_with("ada", json!({"advisor_id": "kim"}), &[("Cohort", "Spring")])
        .await;
    action(&scene, "ada", "ada", 40, json!({})).await;
    action(&scene, "ada", "kim", 3, json!({})).await;
    action(
        &scene,
        "ada",
        "ada",
        2,
        json!({"created_by_workflow": true}),
    )
    .await;
    action(&scene, "ada", "", 1, json!({"created_by_workflow": true})).await;
    // Has never done anything himself, since he was invited.
    scene.member("ben", &[]).await;
    action(&scene, "ben", "kim", 190, json!({})).await;
    scene.member("cyd", &[]).await;
    action(&scene, "cyd", "cyd", 0, json!({})).await;
    // Placed, deactivated, deleted, an advisor, and nothing but an id.
    scene.member("dee", &[]).await;
    action(&scene, "dee", "dee", 50, json!({})).await;
    scene.done("Accept Offer", "", "dee", 50).await;
    scene
        .member_with("eve", json!({"is_active": false}), &[])
        .await;
    action(&scene, "eve", "eve", 50, json!({})).await;
    scene
        .member_with("fay", json!({"deleted_at": scene.ago(1)}), &[])
        .await;
    action(&scene, "fay", "fay", 50, json!({})).await;
    scene.member("kim", &[]).await;
    scene.row("members", json!({"id": "a stub"})).await;
    action(&scene, "a stub", "a stub", 50, json!({})).await;

    let columns = "member_id, name, cohort, last_action_at, days_inactive";
    let last = scene.day(40);
    assert_eq!(
        scene
            .ask(columns, "inactive_members order by member_id")
            .await,
        [
            format!("ada | ada | Spring | {last} | 40"),
            "ben | ben | - | - | 200".to_owned(),
            "cyd | cyd | - | ".to_owned() + &scene.day(0) + " | 0",
        ]
    );
}

/// The second of March 2026 is a Monday.
async fn applications_are_counted_by_week(scene: Scene) {
    scene.fields().await;
    scene.member("ada", &[("Cohort", "Spring")]).await;
    let apply = async |job: &str, id: &str, at: &str, completed: bool| {
        let row = json!({
            "id": id, "category": "Apply", "stage": "APPLY", "completed": completed, "event_at": at,
            "job_id": (!job.is_empty()).then_some(job), "owner_member_id": "ada",
        });
        scene.row("activities", row).await;
    };
    for job in ["1", "2", "3"] {
        scene.job(job, "ada", json!({})).await;
    }
    apply("1", "a", "2026-03-01T23:59:59.000Z", true).await;
    apply("2", "b", "2026-03-02T00:00:00.000Z", true).await;
    // The same job once more, for a job that has no card, and one that is only planned.
    apply("2", "c", "2026-03-11T10:00:00.000Z", true).await;
    apply("", "d", "2026-03-08T23:59:59.000Z", true).await;
    apply("3", "e", "2026-03-05T10:00:00.000Z", false).await;
    scene
        .member_with("ben", json!({"deleted_at": scene.ago(1)}), &[])
        .await;
    scene.done("Apply", "", "ben", 10).await;

    let columns = "member_id, name, cohort, week_starts_on, applications";
    assert_eq!(
        scene
            .ask(columns, "applications_per_week order by week_starts_on")
            .await,
        [
            "ada | ada | Spring | 2026-02-23 | 1",
            "ada | ada | Spring | 2026-03-02 | 2",
        ]
    );
}

async fn an_advisor_has_members_and_a_share_of_their_records(scene: Scene) {
    let advised = || json!({"advisor_id": "kim", "advisor_name": "Kim"});
    scene.member_with("ada", advised(), &[]).await;
    scene.member_with("ben", advised(), &[]).await;
    scene.member("kim", &[]).await;
    scene.member("cyd", &[]).await;
    scene.done("Accept Offer", "", "ada", 10).await;
    for (creator, days_ago) in [("ada", 9), ("ada", 8), ("kim", 7)] {
        action(&scene, "ada", creator, days_ago, json!({})).await;
    }
    action(&scene, "ben", "", 6, json!({"created_by_workflow": true})).await;
    // Nobody knows whose work that was.
    action(&scene, "ben", "", 5, json!({})).await;

    let columns = "advisor_id, advisor_name, members, active_members, placed_members, actions, by_member, by_others,
         by_workflow, share_by_others, share_by_workflow";
    assert_eq!(
        scene
            .ask(columns, "advisor_share order by advisor_id is null")
            .await,
        [
            "kim | Kim | 2 | 2 | 1 | 5 | 2 | 1 | 1 | 0.2 | 0.2",
            "- | - | 1 | 1 | 0 | 0 | 0 | 0 | 0 | - | -",
        ]
    );
}
