//! Jobs on the members' boards: how far they got, when they were applied for, which of them have stalled.

use chrono::{Datelike, TimeDelta};
use huntr_receiver::{
    domain::Timestamp,
    providers::huntr::organization::{Activity, Job},
};
use serde_json::json;

use super::{
    figure::Figure,
    truth::{
        ACCEPTED, APPLIED, DECLINED, INTERVIEWED, OFFERED, REJECTED, SCREENED, Step, Truth,
        grouped, name,
    },
};

pub(super) fn job_milestones(truth: &Truth) -> Figure {
    let rows = truth.jobs().map(|(number, job)| {
        let reached = |step: &Step| truth.reached(number, job, step);
        json!({
            "job_id": job.id,
            "member_id": truth.owner(job).person.id,
            "employer_id": truth.history.employers[job.employer].id,
            "saved_at": job.created_at,
            "applied_at": reached(&APPLIED),
            "screened_at": reached(&SCREENED),
            "interviewed_at": reached(&INTERVIEWED),
            "offered_at": reached(&OFFERED),
            "accepted_at": reached(&ACCEPTED),
            "declined_at": reached(&DECLINED),
            "rejected_at": reached(&REJECTED),
        })
    });
    Figure::new("job_milestones", &["job_id"], rows)
}

/// Jobs that were applied for, and when first.
fn applied<'a>(truth: &Truth<'a>) -> impl Iterator<Item = (&'a Job, Timestamp)> {
    let jobs = truth.jobs();
    jobs.filter_map(move |(number, job)| Some((job, truth.reached(number, job, &APPLIED)?)))
}

pub(super) fn applications(truth: &Truth) -> Figure {
    let rows = applied(truth).map(|(job, at)| {
        json!({
            "member_id": truth.owner(job).person.id,
            "job_id": job.id,
            "applied_at": at,
        })
    });
    Figure::new("applications", &["job_id"], rows)
}

pub(super) fn applications_per_week(truth: &Truth) -> Figure {
    let weeks = grouped(applied(truth).map(|(job, at)| {
        let day = at.date_naive();
        let monday = day - TimeDelta::days(day.weekday().num_days_from_monday().into());
        ((job.member, monday), job)
    }));
    let rows = weeks.into_iter().map(|((number, monday), jobs)| {
        let member = &truth.history.members[number];
        json!({
            "member_id": member.person.id,
            "name": name(&member.person),
            "cohort": member.cohort(),
            "week_starts_on": monday,
            "applications": jobs.len(),
        })
    });
    let key = &["member_id", "week_starts_on"];
    Figure::new("applications_per_week", key, rows)
}

/// Every job on a board is saved.
const FUNNEL: [(&str, Option<&Step>); 6] = [
    ("saved", None),
    ("applied", Some(&APPLIED)),
    ("screened", Some(&SCREENED)),
    ("interviewed", Some(&INTERVIEWED)),
    ("offered", Some(&OFFERED)),
    ("accepted", Some(&ACCEPTED)),
];

pub(super) fn funnel_by_cohort(truth: &Truth) -> Figure {
    let cohorts = truth
        .jobs()
        .map(|pair| (truth.owner(pair.1).cohort(), pair));
    let mut rows = Vec::new();
    for (cohort, jobs) in grouped(cohorts) {
        for (number, (word, step)) in (1..).zip(FUNNEL) {
            let so_far = jobs.iter().filter(|(number, job)| {
                step.is_none_or(|step| truth.reached(*number, job, step).is_some())
            });
            let owners = grouped(so_far.map(|(_, job)| (job.member, job)));
            rows.push(json!({
                "cohort": cohort,
                "step_number": number,
                "step": word,
                "jobs": owners.values().map(Vec::len).sum::<usize>(),
                "members": owners.len(),
            }));
        }
    }
    Figure::new("funnel_by_cohort", &["cohort", "step_number"], rows)
}

/// Lists between application and decision.
const UNDECIDED: [&str; 5] = [
    "APPLY",
    "PHONE_SCREEN",
    "PHONE_INTERVIEW",
    "ON_SITE_INTERVIEW",
    "OFFER_RECEIVED",
];

pub(super) fn stalled_jobs(truth: &Truth) -> Figure {
    let rows = truth.jobs().filter_map(|(number, job)| {
        let (member, list) = (truth.owner(job), job.list()?);
        let is_searched = member.is_active && truth.placement(job.member).is_none();
        let stage = list.stage.filter(|stage| UNDECIDED.contains(stage))?;
        let last_at = last_activity(truth, number, job);
        let has_stalled = truth.now - last_at > TimeDelta::days(14);
        let is_overdue = |start_at: Option<Timestamp>| start_at.is_some_and(|at| at < truth.now);
        let overdue = truth
            .activities(number)
            .filter(|activity| !activity.completed && is_overdue(activity.start_at));
        (is_searched && has_stalled).then(|| {
            json!({
                "job_id": job.id,
                "title": job.title.unwrap_or("No Job Title"),
                "employer_id": truth.history.employers[job.employer].id,
                "member_id": member.person.id,
                "name": name(&member.person),
                "cohort": member.cohort(),
                "advisor_name": truth.advisor(member).map(name),
                "stage": stage,
                "list_name": list.name,
                "last_activity_at": last_at,
                "days_stalled": (truth.now - last_at).num_days(),
                "overdue_tasks": overdue.count(),
            })
        })
    });
    Figure::new("stalled_jobs", &["job_id"], rows)
}

/// The last thing done, the last move, or what is planned ahead.
fn last_activity(truth: &Truth, number: usize, job: &Job) -> Timestamp {
    let activities = truth.activities(number);
    let counting =
        activities.filter(|activity| activity.completed || activity.event_at() > truth.now);
    let times = counting.map(Activity::event_at);
    let moves = job.moves.iter().map(|came| came.at);
    times.chain(moves).max().unwrap_or(job.created_at)
}
