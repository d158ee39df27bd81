//! The sample organisation: always the same, and like the real thing.

mod tables;

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::*;
use crate::{
    domain::iso_millis,
    providers::huntr::{action, salary, stages},
};

fn end() -> Timestamp {
    Timestamp::from_timestamp(1_780_272_000, 0).expect("a time")
}

/// All deliveries, and what has happened.
fn told(members: u32, seed: u64) -> (Vec<Arrival>, Organization) {
    let mut organization = Organization::new(members, seed, end());
    let arrivals = organization.by_ref().collect();
    (arrivals, organization)
}

fn json(arrival: &Arrival) -> Value {
    serde_json::from_str(&arrival.body).expect("JSON")
}

fn digest(members: u32, seed: u64) -> String {
    let mut hash = Sha256::new();
    for arrival in told(members, seed).0 {
        hash.update(iso_millis(&arrival.at));
        hash.update(arrival.body);
    }
    base16ct::lower::encode_string(&hash.finalize())
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_every_machine() {
    insta::assert_snapshot!(digest(3, 7), @"a1eebfc462b1f85d74698ae782567ab3cb270b963ea3449f1d7cea20fc0c63f2");
    assert_ne!(digest(3, 7), digest(3, 8));
}

#[test]
fn deliveries_come_in_the_order_of_their_arrival() {
    let (arrivals, _) = told(20, 1);
    assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
    let times: Vec<_> = arrivals
        .iter()
        .map(|arrival| json(arrival)["createdAt"].as_i64())
        .collect();
    assert!(!times.is_sorted(), "some are late");
}

#[test]
fn every_body_is_read_without_a_problem_and_within_the_half_year() {
    let (arrivals, organization) = told(40, 7);
    let history = organization.history();
    assert_eq!(history.ends_at, end());
    for arrival in &arrivals {
        let envelope = action::read(arrival.body.as_bytes());
        assert_eq!(envelope.problem, None, "{}", arrival.body);
        let at = envelope.occurred_at.expect("a time");
        assert!(history.starts_at <= at && at <= history.ends_at, "{at}");
        assert!(at <= arrival.at, "nothing arrives before it happens");
    }
}

#[test]
fn about_one_in_a_hundred_comes_twice_and_never_with_another_body() {
    let (arrivals, organization) = told(100, 7);
    let mut bodies = HashMap::new();
    let mut again = 0;
    for arrival in &arrivals {
        let id = action::read(arrival.body.as_bytes()).delivery_id;
        if let Some(body) = bodies.insert(id, &arrival.body) {
            assert_eq!(body, &arrival.body);
            again += 1;
        }
    }
    assert!(
        again * 200 > arrivals.len() && again * 50 < arrivals.len(),
        "{again}"
    );
    let told: usize = organization.history().actions.values().sum();
    assert_eq!(bodies.len(), told);
}

#[test]
fn a_full_organisation_tells_of_every_documented_type() {
    let (arrivals, organization) = told(200, 7);
    assert_eq!(organization.history().actions.len(), 43);
    let each = arrivals.len() / 200;
    assert!((100..150).contains(&each), "{each} a member");
    let categories: BTreeSet<_> = organization
        .history()
        .activities
        .iter()
        .map(|activity| activity.category.name)
        .collect();
    assert_eq!(categories.len(), 23);
}

#[test]
fn what_the_workflow_makes_comes_after_the_move_and_has_no_creator() {
    let (arrivals, _) = told(30, 7);
    let mut made = 0;
    for action in arrivals.iter().map(json) {
        if action["activity"]["createdByWorkflow"] == true
            && action["actionType"] == "ACTIVITY_CREATED"
        {
            let delay = action["createdAt"]
                .as_i64()
                .zip(action["activity"]["startAt"].as_i64())
                .map(|(made, moved)| made - moved);
            assert!((10..=90).contains(&delay.expect("both times")), "{action}");
            assert_eq!(action["creatorMember"], Value::Null);
            made += 1;
        }
    }
    assert!(made > 100, "{made}");
}

#[test]
fn the_words_mean_what_the_history_says() {
    for board in &boards::BOARDS {
        for list in board.lists {
            assert_eq!(stages::stage(list.name), list.stage, "{}", list.name);
        }
    }
    let (_, organization) = told(30, 7);
    let salaries = organization
        .history()
        .jobs
        .iter()
        .filter_map(|job| job.salary.as_ref());
    for known in salaries {
        assert_eq!(salary::range(&known.text), known.range, "{}", known.text);
    }
    let fields: Value = serde_json::from_str(MEMBER_FIELDS).expect("JSON");
    for (id, name) in [
        (COHORT, "Cohort"),
        (GRADUATION, "Graduation"),
        (PROGRAM, "Program"),
    ] {
        let fields = fields["data"].as_array().expect("a list");
        assert!(
            fields
                .iter()
                .any(|field| field["id"] == id && field["name"] == name),
            "{name}"
        );
    }
}
