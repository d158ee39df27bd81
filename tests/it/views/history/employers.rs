//! Employers, and how far jobs get with each.

use huntr_receiver::providers::huntr::organization::Employer;
use serde_json::json;

use super::{
    figure::Figure,
    truth::{
        ACCEPTED, APPLIED, DECLINED, INTERVIEWED, OFFERED, REJECTED, SCREENED, Step, Truth, grouped,
    },
};

/// What the rows of one company have in common: its domain, or its name as it was first entered.
fn group(truth: &Truth, employer: &Employer) -> String {
    let first = &truth.history.employers[employer.company];
    let name = || first.name.trim_end_matches(" Inc").to_lowercase();
    first.domain.clone().unwrap_or_else(name)
}

pub(super) fn employer_groups(truth: &Truth) -> Figure {
    let rows = truth.history.employers.iter().map(|employer| {
        json!({
            "employer_id": employer.id,
            "employer_group": group(truth, employer),
            "name": employer.name,
            "domain": employer.domain,
            "is_partner": employer.is_partner,
        })
    });
    Figure::new("employer_groups", &["employer_id"], rows)
}

pub(super) fn employer_outcomes(truth: &Truth) -> Figure {
    let employers = truth.history.employers.iter();
    let companies = grouped(employers.map(|employer| (employer.company, employer)));
    let jobs = grouped(truth.jobs().map(|(number, job)| {
        let company = truth.history.employers[job.employer].company;
        (company, (number, job))
    }));
    let rows = companies.into_iter().map(|(company, rows)| {
        let jobs = jobs.get(&company).map_or(&[][..], Vec::as_slice);
        let count = |step: &Step| {
            let jobs = jobs.iter();
            jobs.filter(|(number, job)| truth.reached(*number, job, step).is_some())
                .count()
        };
        json!({
            "employer_group": group(truth, rows[0]),
            "name": rows.iter().map(|row| &row.name).min(),
            "is_partner": rows.iter().any(|row| row.is_partner),
            "employers": rows.len(),
            "jobs": jobs.len(),
            "applied": count(&APPLIED),
            "screened": count(&SCREENED),
            "interviewed": count(&INTERVIEWED),
            "offered": count(&OFFERED),
            "accepted": count(&ACCEPTED),
            "declined": count(&DECLINED),
            "rejected": count(&REJECTED),
        })
    });
    Figure::new("employer_outcomes", &["employer_group"], rows)
}
