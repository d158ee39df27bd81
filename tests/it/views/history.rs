//! Every view of Huntr's tables, compared row by row with what has truly happened in a sample organisation.
//!
//! The figures are worked out of its history alone, which the tables and their bodies have no part in, by what the
//! views say of themselves.

mod employers;
mod figure;
mod jobs;
mod offers;
mod people;
mod placements;
mod quality;
mod stages;
mod truth;

use std::collections::BTreeSet;

use chrono::DateTime;
use huntr_receiver::{domain::Timestamp, providers::huntr::organization::Organization};

use self::{
    figure::Figure,
    truth::{ACCEPTED, Truth, graduation},
};
use super::{scene::Scene, schema::views};
use crate::organization;

/// As many as it takes for the history to have everything that views leave out.
const MEMBERS: u32 = 89;
const SEED: u64 = 7;
/// What is Hunty's is not in the history of Huntr's members.
const OTHERS: [&str; 2] = ["hunty_last_events", "hunty_transitions"];

/// In the middle of a day, which tells days from 24 hours.
fn now() -> Timestamp {
    let now = DateTime::parse_from_rfc3339("2026-06-01T15:30:00Z");
    now.expect("a time").to_utc()
}

#[tokio::test]
async fn every_view_tells_what_happened_on_sqlite() {
    compare(Scene::on_sqlite_at(now()).await).await;
}

#[tokio::test]
async fn every_view_tells_what_happened_on_postgres() {
    compare(Scene::on_postgres_at(now()).await).await;
}

/// Without these, a view that counts them would not be found out.
#[test]
fn the_history_has_what_does_not_count() {
    let mut organization = Organization::new(MEMBERS, SEED, now());
    organization.by_ref().for_each(drop);
    let history = organization.history();
    let truth = Truth::of(history);
    let is_left = |member: usize| history.members[member].deleted_at.is_some();
    let jobs = history.jobs.iter().enumerate();
    let mut accepted =
        jobs.filter(|(number, job)| truth.reached(*number, job, &ACCEPTED).is_some());
    assert!(accepted.clone().any(|(_, job)| job.deleted_at.is_some()));
    assert!(accepted.any(|(_, job)| is_left(job.member)));
    for category in [
        "Apply",
        "Offer Received",
        "Accept Offer",
        "Decline Offer",
        "Rejected",
    ] {
        let mut activities = history.activities.iter();
        assert!(activities.any(|activity| {
            activity.category.name == category
                && activity.completed
                && activity.deleted_at.is_some()
        }));
    }
    let mut members = history.members.iter();
    assert!(members.clone().any(|member| !member.is_active));
    assert!(members.any(|member| graduation(member).is_some() && member.graduated_on().is_none()));
}

async fn compare(scene: Scene) {
    let organization = organization::fill(scene.store(), MEMBERS, SEED, scene.now()).await;
    let figures = figures(&Truth::of(organization.history()));
    let views = views(&scene).await;
    let compared = figures.iter().map(|figure| figure.view).chain(OTHERS);
    assert_eq!(
        compared.collect::<BTreeSet<_>>(),
        views.keys().map(String::as_str).collect()
    );
    let mut differences = Vec::new();
    for figure in figures {
        let columns = &views[figure.view];
        let rows = scene.ask_in_full(&columns.join(", "), figure.view).await;
        differences.extend(figure.differs_from(columns, rows));
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n\n"));
}

fn figures(truth: &Truth) -> Vec<Figure> {
    vec![
        people::member_profiles(truth),
        people::inactive_members(truth),
        people::advisor_share(truth),
        employers::employer_groups(truth),
        employers::employer_outcomes(truth),
        jobs::job_milestones(truth),
        jobs::applications(truth),
        jobs::applications_per_week(truth),
        jobs::funnel_by_cohort(truth),
        jobs::stalled_jobs(truth),
        stages::stage_stays(truth),
        stages::time_in_stage(truth),
        stages::stage_conversions(truth),
        offers::acceptances(truth),
        offers::offer_decisions(truth),
        offers::accepted_salaries(truth),
        placements::placements(truth),
        placements::placement_rates(truth),
        placements::days_to_placement(truth),
        quality::data_quality(truth),
    ]
}
