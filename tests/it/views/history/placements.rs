//! Who was placed, and how long that took.

use chrono::{NaiveDate, TimeDelta};
use huntr_receiver::{domain::Timestamp, providers::huntr::organization::Member};
use serde_json::{Value, json};

use super::{
    figure::{Figure, rounded},
    truth::{APPLIED, Placement, Truth, days, grouped, median, name, share},
};

fn after(graduated_on: NaiveDate, placement: &Placement) -> TimeDelta {
    placement.evidence.at.date_naive() - graduated_on
}

pub(super) fn placements(truth: &Truth) -> Figure {
    let rows = truth.seekers().filter_map(|(number, member)| {
        let placement = truth.placement(number)?;
        let graduated_on = member.graduated_on();
        Some(json!({
            "member_id": member.person.id,
            "name": name(&member.person),
            "cohort": member.cohort(),
            "program": member.program(),
            "graduated_on": graduated_on,
            "placed_at": placement.evidence.at,
            "placed_by": placement.evidence.told_by,
            "job_id": placement.job.id,
            "employer_id": truth.history.employers[placement.job.employer].id,
            "days_after_graduation": graduated_on.map(|day| after(day, &placement).num_days()),
        }))
    });
    Figure::new("placements", &["member_id"], rows)
}

/// Members by their cohorts.
type Cohort<'a> = (Option<&'a str>, Vec<(usize, &'a Member)>);

fn cohorts<'a>(truth: &Truth<'a>) -> impl Iterator<Item = Cohort<'a>> {
    let members = truth.seekers();
    grouped(members.map(|(number, member)| (member.cohort(), (number, member)))).into_iter()
}

pub(super) fn placement_rates(truth: &Truth) -> Figure {
    let mut rows = Vec::new();
    for (cohort, members) in cohorts(truth) {
        for days in [30, 60, 90, 180] {
            let span = TimeDelta::days(days);
            let due = members.iter().filter_map(|(number, member)| {
                let day = member.graduated_on()?;
                let is_due = day + span <= truth.today();
                is_due.then(|| (day, truth.placement(*number)))
            });
            let due: Vec<_> = due.collect();
            let is_placed = |(day, placement): &&(NaiveDate, Option<Placement>)| {
                let placement = placement.as_ref();
                placement.is_some_and(|placement| after(*day, placement) <= span)
            };
            let placed = due.iter().filter(is_placed).count();
            rows.push(json!({
                "cohort": cohort,
                "days": days,
                "members": members.len(),
                "graduates": due.len(),
                "placed": placed,
                "placement_rate": share(placed, due.len()),
            }));
        }
    }
    Figure::new("placement_rates", &["cohort", "days"], rows)
}

pub(super) fn days_to_placement(truth: &Truth) -> Figure {
    let rows = cohorts(truth).map(|(cohort, members)| of_cohort(truth, cohort, &members));
    Figure::new("days_to_placement", &["cohort"], rows)
}

fn of_cohort(truth: &Truth, cohort: Option<&str>, members: &[(usize, &Member)]) -> Value {
    // Whoever still searches takes for ever.
    let graduates: Vec<f64> = members
        .iter()
        .filter_map(|(number, member)| {
            let day = member.graduated_on()?;
            let placement = truth.placement(*number);
            let took = placement.map_or(f64::INFINITY, |placement| days(after(day, &placement)));
            (day <= truth.today()).then_some(took)
        })
        .collect();
    let placed = || graduates.iter().copied().filter(|took| took.is_finite());
    let applicants: Vec<Option<f64>> = members
        .iter()
        .filter_map(|(number, _)| {
            let applied_at = first_application(truth, *number)?;
            let placed_at = truth
                .placement(*number)
                .map(|placement| placement.evidence.at);
            let took = placed_at.map(|placed_at| placed_at - applied_at);
            Some(took.filter(|took| *took >= TimeDelta::zero()).map(days))
        })
        .collect();
    let took = || applicants.iter().copied().flatten();
    json!({
        "cohort": cohort,
        "graduates": graduates.len(),
        "graduates_placed": placed().count(),
        "graduates_searching": graduates.len() - placed().count(),
        "median_days_from_graduation": median(placed()),
        "median_days_of_all_graduates": median(graduates.iter().copied()).filter(|took| took.is_finite()),
        "applicants": applicants.len(),
        "applicants_placed": took().count(),
        "median_days_from_application": rounded(median(took())),
    })
}

fn first_application(truth: &Truth, member: usize) -> Option<Timestamp> {
    let own = truth.jobs().filter(|(_, job)| job.member == member);
    own.filter_map(|(number, job)| truth.reached(number, job, &APPLIED))
        .min()
}
