//! Who has found a job, how soon after graduation, and what share of a cohort that is.

use serde_json::json;

use super::scene::Scene;

on_both_databases!(
    the_first_acceptance_counts,
    rates_are_of_those_who_graduated_long_enough_ago,
    whoever_searches_takes_longer_than_whoever_found,
    what_is_no_date_is_no_graduation,
    what_an_advisor_tries_out_counts_nowhere,
);

/// Six members, of whom four are placed.
async fn a_spring_and_an_autumn(scene: &Scene) {
    scene.fields().await;
    let (long_ago, lately) = (scene.day(100), scene.day(20));
    let spring = |graduation| [("Cohort", "Spring"), ("Graduation", graduation)];
    // Placed after 20 days; what came later changes nothing.
    scene.member("ada", &spring(&long_ago)).await;
    scene.job("a", "ada", json!({"employer_id": "acme"})).await;
    scene.done("Apply", "a", "ada", 90).await;
    scene.done("Accept Offer", "a", "ada", 80).await;
    scene.done("Accept Offer", "a", "ada", 79).await;
    scene.moved("a", "ada", "OFFER_ACCEPTED", 70).await;
    // Placed after 40 days, as the board alone tells.
    scene.member("ben", &spring(&long_ago)).await;
    scene.job("b", "ben", json!({})).await;
    scene.moved("b", "ben", "APPLY", 85).await;
    scene.moved("b", "ben", "OFFER_ACCEPTED", 60).await;
    scene.moved("b", "ben", "OFFER_RECEIVED", 59).await;
    // Means to accept, and has not.
    scene.member("cyd", &spring(&long_ago)).await;
    scene.job("c", "cyd", json!({})).await;
    scene.done("Apply", "c", "cyd", 50).await;
    scene
        .activity("Accept Offer", "c", "cyd", -3, json!({}))
        .await;
    // Placed; nobody knows when she graduated. No job is named.
    scene.member("dee", &[("Cohort", "Spring")]).await;
    scene.done("Accept Offer", "", "dee", 5).await;
    // Graduated lately, and placed after ten days.
    scene.member("fay", &spring(&lately)).await;
    scene.job("f", "fay", json!({})).await;
    scene.done("Accept Offer", "f", "fay", 10).await;

    autumn(scene, &long_ago).await;
}

/// Nobody of whom anything counts.
async fn autumn(scene: &Scene, long_ago: &str) {
    let held = [("Cohort", "Autumn"), ("Graduation", long_ago)];
    let gone = || json!({"deleted_at": scene.ago(1)});
    scene.member_with("gus", gone(), &held).await;
    scene.done("Accept Offer", "", "gus", 80).await;
    scene.member("hal", &held).await;
    scene.job("h", "hal", gone()).await;
    scene.done("Accept Offer", "h", "hal", 80).await;
    scene.moved("h", "hal", "OFFER_ACCEPTED", 80).await;
    scene.member("ivy", &held).await;
    let deleted = json!({"completed": true, "deleted_at": scene.ago(1)});
    scene.activity("Accept Offer", "", "ivy", 80, deleted).await;
    scene.done("Follow Up", "", "ivy", 80).await;
    // An advisor, and somebody of whom there is nothing but an id.
    scene.member("kim", &held).await;
    scene
        .member_with("lou", json!({"advisor_id": "kim"}), &[])
        .await;
    scene.row("members", json!({"id": "a stub"})).await;
}

async fn the_first_acceptance_counts(scene: Scene) {
    a_spring_and_an_autumn(&scene).await;
    let columns =
        "member_id, cohort, placed_at, placed_by, job_id, employer_id, days_after_graduation";
    let [ada, ben, dee, fay] = [80, 60, 5, 10].map(|days| scene.day(days));
    assert_eq!(
        scene.ask(columns, "placements order by member_id").await,
        [
            format!("ada | Spring | {ada} | activity | a | acme | 20"),
            format!("ben | Spring | {ben} | stage | b | - | 40"),
            format!("dee | Spring | {dee} | activity | - | - | -"),
            format!("fay | Spring | {fay} | activity | f | - | 10"),
        ]
    );
}

async fn rates_are_of_those_who_graduated_long_enough_ago(scene: Scene) {
    a_spring_and_an_autumn(&scene).await;
    let columns = "cohort, days, members, graduates, placed, placement_rate";
    let order = "placement_rates order by cohort is null, cohort, days";
    assert_eq!(
        scene.ask(columns, order).await,
        [
            "Autumn | 30 | 2 | 2 | 0 | 0",
            "Autumn | 60 | 2 | 2 | 0 | 0",
            "Autumn | 90 | 2 | 2 | 0 | 0",
            "Autumn | 180 | 2 | 0 | 0 | -",
            "Spring | 30 | 5 | 3 | 1 | 0.333",
            "Spring | 60 | 5 | 3 | 2 | 0.667",
            "Spring | 90 | 5 | 3 | 2 | 0.667",
            "Spring | 180 | 5 | 0 | 0 | -",
            "- | 30 | 1 | 0 | 0 | -",
            "- | 60 | 1 | 0 | 0 | -",
            "- | 90 | 1 | 0 | 0 | -",
            "- | 180 | 1 | 0 | 0 | -",
        ]
    );
}

/// Placed after 10, 20 and 40 days, and one who searches: the middle of all four is 30.
async fn whoever_searches_takes_longer_than_whoever_found(scene: Scene) {
    a_spring_and_an_autumn(&scene).await;
    let columns =
        "cohort, graduates, graduates_placed, graduates_searching, median_days_from_graduation,
         median_days_of_all_graduates, applicants, applicants_placed, median_days_from_application";
    let order = "days_to_placement order by cohort is null, cohort";
    assert_eq!(
        scene.ask(columns, order).await,
        [
            "Autumn | 2 | 0 | 2 | - | - | 0 | 0 | -",
            "Spring | 4 | 3 | 1 | 20 | 30 | 3 | 2 | 17.5",
            "- | 0 | 0 | 0 | - | - | 0 | 0 | -",
        ]
    );
}

async fn what_is_no_date_is_no_graduation(scene: Scene) {
    scene.fields().await;
    for (member, graduation) in [
        ("1", "2026-02-28"),
        ("2", "2024-02-29T10:00:00.000Z"),
        ("3", "12/31/2025"),
        ("4", " 2026-05-01 "),
        ("5", "2026-02-31"),
        ("6", "2026-13-01"),
        ("7", "2025-02-29"),
        ("8", "31/12/2025"),
        ("9", "2026-00-10"),
        ("a", "2026-01-00"),
        ("b", "0000-01-01"),
        ("c", "soon"),
        ("d", "2026-05-01 or so"),
        ("e", "２０２６-05-01"),
        ("f", ""),
    ] {
        scene.member(member, &[("Graduation", graduation)]).await;
    }
    let dates = scene
        .ask(
            "member_id, graduated_on",
            "member_profiles where graduated_on is not null order by 1",
        )
        .await;
    let expected = [
        "1 | 2026-02-28",
        "2 | 2024-02-29",
        "3 | 2025-12-31",
        "4 | 2026-05-01",
    ];
    assert_eq!(sorted(dates), expected);
    let unreadable = scene
        .ask(
            "affected, total",
            "data_quality where measure = 'members whose graduation is no date'",
        )
        .await;
    assert_eq!(unreadable, ["10 | 15"]);
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort_unstable();
    lines
}

async fn what_an_advisor_tries_out_counts_nowhere(scene: Scene) {
    scene.fields().await;
    scene.member("ada", &[]).await;
    let advised = json!({"advisor_id": "ada", "advisor_name": "Ada"});
    scene.member_with("ben", advised, &[]).await;
    let pay =
        json!({"salary": "90000", "salary_min": 90_000, "salary_max": 90_000, "stage": "APPLY"});
    scene.job("demo", "ada", pay).await;
    for category in ["Apply", "Offer Received", "Accept Offer"] {
        scene.done(category, "demo", "ada", 30).await;
    }
    for view in [
        "placements",
        "funnel_by_cohort",
        "applications_per_week",
        "stalled_jobs",
        "offer_decisions",
        "accepted_salaries",
    ] {
        assert_eq!(scene.ask("count(*)", view).await, ["0"], "{view}");
    }
}
