//! How long jobs stay on lists, and where they go from there.

use huntr_receiver::{
    domain::Timestamp,
    providers::huntr::organization::{Job, Move},
};
use serde_json::json;

use super::{
    figure::{Figure, rounded},
    truth::{Truth, days, grouped, median, quartile, share},
};

/// A job on a list, until it went on.
struct Stay<'a> {
    job: &'a Job,
    came: &'a Move,
    went: Option<&'a Move>,
    until: Timestamp,
}

impl Stay<'_> {
    fn days(&self) -> f64 {
        days(self.until - self.came.at)
    }
}

fn stays<'a>(truth: &Truth<'a>) -> impl Iterator<Item = Stay<'a>> {
    let now = truth.now;
    truth.jobs().flat_map(move |(_, job)| {
        let next = job.moves.iter().skip(1).map(Some).chain([None]);
        job.moves.iter().zip(next).map(move |(came, went)| Stay {
            job,
            came,
            went,
            until: went.map_or(now, |went| went.at),
        })
    })
}

pub(super) fn stage_stays(truth: &Truth) -> Figure {
    let rows = stays(truth).map(|stay| {
        json!({
            "job_id": stay.job.id,
            "member_id": truth.owner(stay.job).person.id,
            "list_name": stay.came.to.name,
            "stage": stay.came.to.stage,
            "entered_at": stay.came.at,
            "left_at": stay.went.map(|went| went.at),
            "is_open": stay.went.is_none(),
            "next_stage": stay.went.and_then(|went| went.to.stage),
            "days": stay.days(),
        })
    });
    Figure::new("stage_stays", &["job_id", "entered_at"], rows)
}

pub(super) fn time_in_stage(truth: &Truth) -> Figure {
    let stages = grouped(stays(truth).map(|stay| (stay.came.to.stage, stay)));
    let rows = stages.into_iter().map(|(stage, stays)| {
        let part = |quarters| rounded(quartile(stays.iter().map(Stay::days), quarters));
        let open = stays.iter().filter(|stay| stay.went.is_none());
        json!({
            "stage": stage,
            "stays": stays.len(),
            "open_stays": open.count(),
            "p25_days": part(1),
            "median_days": part(2),
            "p75_days": part(3),
        })
    });
    Figure::new("time_in_stage", &["stage"], rows)
}

pub(super) fn stage_conversions(truth: &Truth) -> Figure {
    let moves =
        stays(truth).filter_map(|stay| Some((stay.came.to.stage, (stay.went?.to.stage, stay))));
    let mut rows = Vec::new();
    for (stage, moves) in grouped(moves) {
        let all = moves.len();
        for (next_stage, stays) in grouped(moves) {
            rows.push(json!({
                "stage": stage,
                "next_stage": next_stage,
                "moves": stays.len(),
                "share_of_moves": share(stays.len(), all),
                "median_days": rounded(median(stays.iter().map(Stay::days))),
            }));
        }
    }
    Figure::new("stage_conversions", &["stage", "next_stage"], rows)
}
