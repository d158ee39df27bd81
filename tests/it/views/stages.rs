//! How far jobs get, how long they stay where they are, and where they go from there.

use serde_json::json;

use super::scene::Scene;

on_both_databases!(
    a_funnel_counts_jobs_and_members_once,
    every_stay_has_its_length,
    a_job_goes_forth_and_back,
    jobs_without_news_are_stalled,
);

async fn a_funnel_counts_jobs_and_members_once(scene: Scene) {
    scene.fields().await;
    scene.member("ada", &[("Cohort", "Spring")]).await;
    scene.member("ben", &[("Cohort", "Spring")]).await;
    scene.member("cyd", &[]).await;
    // The move and the workflow's activity tell of one application.
    scene.job("1", "ada", json!({})).await;
    scene.moved("1", "ada", "APPLY", 20).await;
    scene.done("Apply", "1", "ada", 20).await;
    scene.done("Apply", "1", "ada", 19).await;
    scene.done("Phone Screen", "1", "ada", 15).await;
    scene.done("On Site Interview", "1", "ada", 14).await;
    scene.done("Phone Interview", "1", "ada", 13).await;
    scene.done("Offer Received", "1", "ada", 10).await;
    scene.moved("1", "ada", "OFFER_ACCEPTED", 9).await;
    // Went back to the beginning: it was applied for all the same.
    scene.job("2", "ada", json!({})).await;
    scene.moved("2", "ada", "APPLY", 20).await;
    scene.moved("2", "ada", "WISHLIST", 18).await;
    // Planned, not done.
    scene.job("3", "ben", json!({})).await;
    scene.done("Apply", "3", "ben", 12).await;
    scene
        .activity("Phone Interview", "3", "ben", -2, json!({}))
        .await;
    scene
        .job("4", "ben", json!({"deleted_at": scene.ago(1)}))
        .await;
    scene.done("Apply", "4", "ben", 12).await;
    scene.job("5", "cyd", json!({})).await;
    scene.row("jobs", json!({"id": "a stub"})).await;

    let funnel = scene
        .ask(
            "cohort, step, jobs, members",
            "funnel_by_cohort order by cohort is null, step_number",
        )
        .await;
    assert_eq!(
        funnel,
        [
            "Spring | saved | 3 | 2",
            "Spring | applied | 3 | 2",
            "Spring | screened | 1 | 1",
            "Spring | interviewed | 1 | 1",
            "Spring | offered | 1 | 1",
            "Spring | accepted | 1 | 1",
            "- | saved | 1 | 1",
            "- | applied | 0 | 0",
            "- | screened | 0 | 0",
            "- | interviewed | 0 | 0",
            "- | offered | 0 | 0",
            "- | accepted | 0 | 0",
        ]
    );
}

/// One job goes back and applies anew, one goes to a list that stands for no stage, one is gone.
async fn two_boards(scene: &Scene) {
    scene.member("ada", &[]).await;
    scene.job("1", "ada", json!({})).await;
    for (stage, days_ago) in [
        ("WISHLIST", 30),
        ("APPLY", 20),
        ("WISHLIST", 15),
        ("APPLY", 10),
    ] {
        scene.moved("1", "ada", stage, days_ago).await;
    }
    scene.job("2", "ada", json!({})).await;
    scene.moved("2", "ada", "APPLY", 8).await;
    scene.moved("2", "ada", "", 6).await;
    scene
        .job("3", "ada", json!({"deleted_at": scene.ago(1)}))
        .await;
    scene.moved("3", "ada", "APPLY", 90).await;
}

/// Applied: 2, 5 and, until now, 10 days. Wishlist: 5 and 10.
async fn every_stay_has_its_length(scene: Scene) {
    two_boards(&scene).await;
    let columns = "stage, stays, open_stays, p25_days, median_days, p75_days";
    assert_eq!(
        scene
            .ask(columns, "time_in_stage order by stage is null, stage")
            .await,
        [
            "APPLY | 3 | 1 | 3.5 | 5 | 7.5",
            "WISHLIST | 2 | 0 | 6.25 | 7.5 | 8.75",
            "- | 1 | 1 | 6 | 6 | 6",
        ]
    );
}

async fn a_job_goes_forth_and_back(scene: Scene) {
    two_boards(&scene).await;
    let columns = "stage, next_stage, moves, share_of_moves, median_days";
    let order = "stage_conversions order by stage, next_stage is null, next_stage";
    assert_eq!(
        scene.ask(columns, order).await,
        [
            "APPLY | WISHLIST | 1 | 0.5 | 5",
            "APPLY | - | 1 | 0.5 | 2",
            "WISHLIST | APPLY | 2 | 1 | 7.5",
        ]
    );
}

async fn jobs_without_news_are_stalled(scene: Scene) {
    let applied = || json!({"stage": "APPLY", "list_name": "Applied"});
    scene.member("ada", &[]).await;
    scene.job("nothing since", "ada", applied()).await;
    scene.done("Apply", "nothing since", "ada", 40).await;
    scene.moved("nothing since", "ada", "APPLY", 41).await;
    // What was to be done three days ago was not.
    scene
        .activity("Follow Up", "nothing since", "ada", 3, json!({}))
        .await;
    scene.job("moved lately", "ada", applied()).await;
    scene.done("Apply", "moved lately", "ada", 40).await;
    scene.moved("moved lately", "ada", "APPLY", 5).await;
    scene.job("interview next week", "ada", applied()).await;
    scene.done("Apply", "interview next week", "ada", 40).await;
    scene
        .activity(
            "Phone Interview",
            "interview next week",
            "ada",
            -7,
            json!({}),
        )
        .await;
    scene
        .job("on the wishlist", "ada", json!({"stage": "WISHLIST"}))
        .await;
    scene.job("only its stage is known", "ada", applied()).await;
    scene
        .job(
            "gone",
            "ada",
            json!({"stage": "APPLY", "deleted_at": scene.ago(1)}),
        )
        .await;
    // Whoever is placed, or was deactivated, waits for no answer.
    scene.member("ben", &[]).await;
    scene.job("of one who is placed", "ben", applied()).await;
    scene.done("Accept Offer", "", "ben", 30).await;
    scene
        .member_with("cyd", json!({"is_active": false}), &[])
        .await;
    scene.job("of one who has left", "cyd", applied()).await;

    let stalled = scene
        .ask(
            "job_id, stage, days_stalled, overdue_tasks",
            "stalled_jobs order by days_stalled",
        )
        .await;
    assert_eq!(
        stalled,
        [
            "nothing since | APPLY | 40 | 1",
            "only its stage is known | APPLY | 150 | 0",
        ]
    );
}
