//! Which employers are one, and how far jobs get with them.

use serde_json::json;

use super::scene::Scene;

on_both_databases!(
    the_same_employer_has_many_rows,
    jobs_of_one_employer_are_counted_together,
);

async fn the_same_employer_has_many_rows(scene: Scene) {
    for (id, name, domain) in [
        ("01", Some("Acme, Inc."), Some("acme.example.com")),
        (
            "02",
            Some("ACME - Berlin"),
            Some("https://www.Acme.example.com/"),
        ),
        ("03", Some("Borealis GmbH"), None),
        ("04", Some("  borealis | Careers"), Some("")),
        ("05", Some("Borealis - Oslo"), None),
        ("06", Some("Borealis & Sons"), None),
        ("07", Some("Co"), None),
        ("08", None, None),
        ("09", Some("BOREALIS CO. LTD."), None),
    ] {
        scene
            .row(
                "employers",
                json!({"id": id, "name": name, "domain": domain}),
            )
            .await;
    }
    let gone = json!({"id": "10", "name": "Borealis", "deleted_at": scene.ago(1)});
    scene.row("employers", gone).await;
    assert_eq!(
        scene
            .ask(
                "employer_id, employer_group",
                "employer_groups order by employer_id"
            )
            .await,
        [
            "01 | acme.example.com",
            "02 | acme.example.com",
            "03 | borealis",
            "04 | borealis",
            "05 | borealis",
            "06 | borealis & sons",
            "07 | co",
            "08 | -",
            "09 | borealis co",
        ]
    );
}

async fn jobs_of_one_employer_are_counted_together(scene: Scene) {
    scene.member("ada", &[]).await;
    scene
        .member_with("ben", json!({"deleted_at": scene.ago(1)}), &[])
        .await;
    for (id, name, is_partner) in [
        ("1", Some("Acme"), Some(true)),
        ("2", Some("Acme Inc"), None),
        ("3", Some("Borealis"), Some(false)),
        ("4", None, None),
    ] {
        scene
            .row(
                "employers",
                json!({"id": id, "name": name, "is_partner": is_partner}),
            )
            .await;
    }
    let at = |employer| json!({"employer_id": employer});
    scene.job("a", "ada", at("1")).await;
    scene.done("Apply", "a", "ada", 30).await;
    scene.done("Phone Interview", "a", "ada", 20).await;
    scene.done("On Site Interview", "a", "ada", 15).await;
    scene.done("Offer Received", "a", "ada", 10).await;
    scene.done("Decline Offer", "a", "ada", 9).await;
    scene.job("b", "ada", at("2")).await;
    scene.moved("b", "ada", "APPLY", 30).await;
    scene.moved("b", "ada", "REJECTED", 20).await;
    scene
        .activity("Phone Interview", "b", "ada", -3, json!({}))
        .await;
    scene.job("c", "ben", at("2")).await;
    scene.done("Apply", "c", "ben", 30).await;
    scene.job("d", "ada", at("4")).await;

    let columns = "employer_group, name, is_partner, employers, jobs, applied, screened, interviewed, offered, accepted,
         declined, rejected";
    assert_eq!(
        scene
            .ask(columns, "employer_outcomes order by employer_group")
            .await,
        [
            "acme | Acme | 1 | 2 | 2 | 2 | 0 | 1 | 1 | 0 | 1 | 1",
            "borealis | Borealis | 0 | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0",
        ]
    );
}
