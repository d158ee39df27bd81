//! What is missing or odd: in this organisation, nothing but what people leave out.

use serde_json::json;

use super::{
    figure::Figure,
    truth::{ACCEPTED, Truth, graduation, share},
};

/// No request is refused here, so that measure has no row.
pub(super) fn data_quality(truth: &Truth) -> Figure {
    let measures = [people(truth), boards(truth), events(truth)].concat();
    let rows = measures.into_iter().map(|(measure, affected, total)| {
        json!({
            "measure": measure,
            "affected": affected,
            "total": total,
            "share": share(affected, total),
        })
    });
    Figure::new("data_quality", &["measure"], rows)
}

/// What is counted, in how many cases it is so, and of how many.
type Measure = (&'static str, usize, usize);

fn people(truth: &Truth) -> Vec<Measure> {
    let seekers: Vec<_> = truth.seekers().map(|(_, member)| member).collect();
    let advisors = truth.history.advisors.iter();
    let acting = advisors.filter(|person| person.last_seen_at > person.created_at);
    let without_cohort = seekers.iter().filter(|member| member.cohort().is_none());
    let without_day = seekers.iter().filter(|member| graduation(member).is_none());
    let with_no_day = seekers
        .iter()
        .filter(|member| graduation(member).is_some() && member.graduated_on().is_none());
    vec![
        (
            "members known only by their id",
            0,
            seekers.len() + acting.count(),
        ),
        (
            "members without a cohort",
            without_cohort.count(),
            seekers.len(),
        ),
        (
            "members without a graduation date",
            without_day.count(),
            seekers.len(),
        ),
        (
            "members whose graduation is no date",
            with_no_day.count(),
            seekers.len(),
        ),
    ]
}

fn boards(truth: &Truth) -> Vec<Measure> {
    let jobs: Vec<_> = truth.jobs().collect();
    let without_title = jobs.iter().filter(|(_, job)| job.title.is_none());
    let without_stage = jobs
        .iter()
        .filter(|(_, job)| job.list().is_some_and(|list| list.stage.is_none()));
    let accepted = jobs
        .iter()
        .filter(|(number, job)| truth.reached(*number, job, &ACCEPTED).is_some());
    let accepted: Vec<_> = accepted.collect();
    let without_salary = accepted.iter().filter(|(_, job)| job.salary.is_none());
    let activities = truth.history.activities.iter().filter(|activity| {
        let job = activity.job.map(|job| &truth.history.jobs[job]);
        activity.deleted_at.is_none()
            && truth.history.members[activity.member].deleted_at.is_none()
            && job.is_none_or(|job| job.deleted_at.is_none())
    });
    let employers = truth.history.employers.len();
    vec![
        ("jobs known only by their id", 0, jobs.len()),
        ("jobs without a title", without_title.count(), jobs.len()),
        ("jobs without an employer", 0, jobs.len()),
        (
            "jobs on a list that stands for no stage",
            without_stage.count(),
            jobs.len(),
        ),
        ("accepted offers without an employer", 0, accepted.len()),
        (
            "accepted offers without a salary",
            without_salary.count(),
            accepted.len(),
        ),
        ("employers known only by their id", 0, employers),
        ("activities without a category", 0, activities.count()),
    ]
}

fn events(truth: &Truth) -> Vec<Measure> {
    let actions: usize = truth.history.actions.values().sum();
    [
        "actions of an unknown type",
        "events that were not understood",
        "events that no webhook brought",
        "events that were refused at first",
        "events with another body under the same id",
    ]
    .map(|measure| (measure, 0, actions))
    .to_vec()
}
