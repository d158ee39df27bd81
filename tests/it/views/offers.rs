//! What becomes of offers, and what the accepted ones pay.

use serde_json::json;

use super::scene::Scene;

on_both_databases!(
    the_first_decision_counts,
    salaries_are_those_that_can_be_read
);

async fn the_first_decision_counts(scene: Scene) {
    scene.member("ada", &[]).await;
    for job in ["1", "2", "3", "4", "5", "6", "7"] {
        scene.job(job, "ada", json!({})).await;
    }
    scene.done("Offer Received", "1", "ada", 20).await;
    scene.done("Accept Offer", "1", "ada", 18).await;
    scene.done("Decline Offer", "1", "ada", 5).await;
    scene.moved("2", "ada", "OFFER_RECEIVED", 20).await;
    scene.moved("2", "ada", "OFFER_DECLINED", 13).await;
    scene.done("Offer Received", "3", "ada", 20).await;
    scene.done("Rejected", "3", "ada", 10).await;
    // Rejected first, and then an offer all the same: it is open.
    scene.moved("4", "ada", "REJECTED", 30).await;
    scene.done("Offer Received", "4", "ada", 12).await;
    // Nobody wrote down that there was an offer.
    scene.moved("5", "ada", "OFFER_ACCEPTED", 6).await;
    scene
        .activity("Offer Received", "6", "ada", 3, json!({}))
        .await;
    scene.moved("7", "ada", "REJECTED", 3).await;

    let [twenty, twelve] = [20, 12].map(|days| scene.day(days));
    let [first, second, third, fifth] = [18, 13, 10, 6].map(|days| scene.day(days));
    let columns = "job_id, offered_at, decision, decided_at, days";
    assert_eq!(
        scene.ask(columns, "offer_decisions order by job_id").await,
        [
            format!("1 | {twenty} | accepted | {first} | 2"),
            format!("2 | {twenty} | declined | {second} | 7"),
            format!("3 | {twenty} | rejected | {third} | 10"),
            format!("4 | {twelve} | open | - | 12"),
            format!("5 | - | accepted | {fifth} | -"),
        ]
    );
}

/// Annual: 50, 60, 80 and 100 thousand. One is by the hour, one is in words, one is missing.
async fn salaries_are_those_that_can_be_read(scene: Scene) {
    scene.fields().await;
    scene.member("ada", &[("Program", "Data")]).await;
    scene.member("ben", &[]).await;
    for (job, salary, min, max) in [
        ("1", "50k", Some(50_000), Some(50_000)),
        ("2", "55–65k", Some(55_000), Some(65_000)),
        ("3", "80k", Some(80_000), Some(80_000)),
        ("4", "100k", Some(100_000), Some(100_000)),
        ("5", "45 an hour", Some(45), Some(45)),
        ("6", "competitive", None, None),
        ("7", " ", None, None),
    ] {
        scene
            .job(
                job,
                "ada",
                json!({"salary": salary, "salary_min": min, "salary_max": max}),
            )
            .await;
        scene.done("Accept Offer", job, "ada", 10).await;
        // Told of twice, and counted once.
        scene.moved(job, "ada", "OFFER_ACCEPTED", 9).await;
    }
    scene
        .job("8", "ada", json!({"salary_min": 1e6, "salary_max": 1e6}))
        .await;
    scene.job("9", "ben", json!({})).await;
    scene.done("Accept Offer", "9", "ben", 10).await;

    let columns = "program, accepted_jobs, with_salary, with_amount, with_annual_amount, share_with_annual_amount,
         p25_salary, median_salary, p75_salary";
    assert_eq!(
        scene
            .ask(columns, "accepted_salaries order by program is null")
            .await,
        [
            "Data | 7 | 6 | 5 | 4 | 0.571 | 57500 | 70000 | 85000",
            "- | 1 | 0 | 0 | 0 | 0 | - | - | -",
        ]
    );
}
