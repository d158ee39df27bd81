//! What becomes of offers, and what the accepted ones pay.

use huntr_receiver::providers::huntr::organization::Salary;
use serde_json::json;

use super::{
    figure::{Figure, rounded},
    truth::{
        ACCEPTED, DECLINED, OFFERED, REJECTED, Step, Truth, days, grouped, name, quartile, share,
    },
};

pub(super) fn acceptances(truth: &Truth) -> Figure {
    let mut rows = Vec::new();
    for (number, job) in truth.jobs() {
        for evidence in truth.evidence(number, job, &ACCEPTED) {
            let salary = job.salary.as_ref();
            rows.push(json!({
                "member_id": truth.owner(job).person.id,
                "job_id": job.id,
                "employer_id": truth.history.employers[job.employer].id,
                "salary": salary.map(|salary| &salary.text),
                "salary_min": salary.and_then(|salary| Some(salary.range?.0)),
                "salary_max": salary.and_then(|salary| Some(salary.range?.1)),
                "accepted_at": evidence.at,
                "told_by": evidence.told_by,
            }));
        }
    }
    Figure::new("acceptances", &["job_id", "accepted_at", "told_by"], rows)
}

pub(super) fn offer_decisions(truth: &Truth) -> Figure {
    let rows = truth.jobs().filter_map(|(number, job)| {
        let reached = |step: &Step| truth.reached(number, job, step);
        let (offered, accepted, declined) =
            (reached(&OFFERED), reached(&ACCEPTED), reached(&DECLINED));
        offered.or(accepted).or(declined)?;
        // Who is rejected before the offer is not rejected.
        let rejected = reached(&REJECTED).filter(|at| offered.is_none_or(|offered| *at >= offered));
        let decisions = [
            (accepted, "accepted"),
            (declined, "declined"),
            (rejected, "rejected"),
        ];
        let known = decisions.into_iter();
        let first = known
            .filter_map(|(at, decision)| Some((at?, decision)))
            .min_by_key(|(at, _)| *at);
        let decided_at = first.map(|(at, _)| at);
        let until = decided_at.unwrap_or(truth.now);
        let member = truth.owner(job);
        Some(json!({
            "job_id": job.id,
            "employer_id": truth.history.employers[job.employer].id,
            "member_id": member.person.id,
            "name": name(&member.person),
            "cohort": member.cohort(),
            "program": member.program(),
            "offered_at": offered,
            "decision": first.map_or("open", |(_, decision)| decision),
            "decided_at": decided_at,
            "days": rounded(offered.map(|offered| days(until - offered))),
        }))
    });
    Figure::new("offer_decisions", &["job_id"], rows)
}

/// In the middle, where there is a range.
fn amount(salary: &Salary) -> Option<f64> {
    let (least, most) = salary.range?;
    Some(f64::midpoint(least, most))
}

pub(super) fn accepted_salaries(truth: &Truth) -> Figure {
    let accepted = truth
        .jobs()
        .filter(|(number, job)| truth.reached(*number, job, &ACCEPTED).is_some());
    let programs = grouped(accepted.map(|(_, job)| (truth.owner(job).program(), job)));
    let rows = programs.into_iter().map(|(program, jobs)| {
        let salaries = || jobs.iter().filter_map(|job| job.salary.as_ref());
        let amounts = || salaries().filter_map(amount);
        let annual = || amounts().filter(|amount| *amount >= 1000.0);
        json!({
            "program": program,
            "accepted_jobs": jobs.len(),
            "with_salary": salaries().count(),
            "with_amount": amounts().count(),
            "with_annual_amount": annual().count(),
            "share_with_annual_amount": share(annual().count(), jobs.len()),
            "p25_salary": quartile(annual(), 1),
            "median_salary": quartile(annual(), 2),
            "p75_salary": quartile(annual(), 3),
        })
    });
    Figure::new("accepted_salaries", &["program"], rows)
}
