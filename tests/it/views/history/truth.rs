//! What has happened, in the words in which people ask for it. What was deleted does not count, nor does what belongs
//! to a member or a job that was.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use huntr_receiver::{
    domain::Timestamp,
    providers::huntr::organization::{Activity, Content, GRADUATION, History, Job, Member, Person},
};

/// What tells that a job came so far: activities of these categories, and lists that stand for these stages.
pub(super) struct Step {
    categories: &'static [&'static str],
    stages: &'static [&'static str],
}

const fn step(categories: &'static [&'static str], stages: &'static [&'static str]) -> Step {
    Step { categories, stages }
}

pub(super) const APPLIED: Step = step(&["Apply"], &["APPLY"]);
pub(super) const SCREENED: Step = step(&["Phone Screen"], &["PHONE_SCREEN"]);
pub(super) const INTERVIEWED: Step = step(
    &["Phone Interview", "On Site Interview"],
    &["PHONE_INTERVIEW", "ON_SITE_INTERVIEW"],
);
pub(super) const OFFERED: Step = step(&["Offer Received"], &["OFFER_RECEIVED"]);
pub(super) const ACCEPTED: Step = step(&["Accept Offer"], &["OFFER_ACCEPTED"]);
pub(super) const DECLINED: Step = step(&["Decline Offer"], &["OFFER_DECLINED"]);
pub(super) const REJECTED: Step = step(&["Rejected"], &["REJECTED"]);

/// Something that tells of a step. Of two at the same time, the activity comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Evidence {
    pub(super) at: Timestamp,
    /// `activity` or `stage`.
    pub(super) told_by: &'static str,
}

/// A member's first acceptance.
pub(super) struct Placement<'a> {
    pub(super) evidence: Evidence,
    pub(super) job: &'a Job,
}

/// The history, read for the figures. Nobody in it applies for anything, or accepts it, without a job on the board.
pub(super) struct Truth<'a> {
    pub(super) history: &'a History,
    pub(super) now: Timestamp,
    activities: BTreeMap<usize, Vec<&'a Activity>>,
}

impl<'a> Truth<'a> {
    pub(super) fn of(history: &'a History) -> Self {
        let kept = history.activities.iter();
        let kept = kept.filter(|activity| activity.deleted_at.is_none());
        Self {
            history,
            now: history.ends_at,
            activities: grouped(kept.filter_map(|activity| Some((activity.job?, activity)))),
        }
    }

    pub(super) fn today(&self) -> NaiveDate {
        self.now.date_naive()
    }

    /// Members, with their numbers.
    pub(super) fn seekers(&self) -> impl Iterator<Item = (usize, &'a Member)> {
        let members = self.history.members.iter().enumerate();
        members.filter(|(_, member)| member.deleted_at.is_none())
    }

    /// Jobs, with their numbers.
    pub(super) fn jobs(&self) -> impl Iterator<Item = (usize, &'a Job)> {
        let jobs = self.history.jobs.iter().enumerate();
        jobs.filter(move |(_, job)| {
            job.deleted_at.is_none() && self.history.members[job.member].deleted_at.is_none()
        })
    }

    pub(super) fn owner(&self, job: &Job) -> &'a Member {
        &self.history.members[job.member]
    }

    pub(super) fn advisor(&self, member: &Member) -> Option<&'a Person> {
        Some(&self.history.advisors[member.advisor?])
    }

    /// What there is to do for a job, and what was done.
    pub(super) fn activities(&self, job: usize) -> impl Iterator<Item = &'a Activity> {
        self.activities.get(&job).into_iter().flatten().copied()
    }

    /// Everything that tells that a job came so far.
    pub(super) fn evidence(&self, number: usize, job: &Job, step: &Step) -> Vec<Evidence> {
        let done = self.activities(number).filter(|activity| {
            activity.completed && step.categories.contains(&activity.category.name)
        });
        let done = done.map(|activity| (activity.event_at(), "activity"));
        let came = job.moves.iter().filter(|came| {
            let stage = came.to.stage;
            stage.is_some_and(|stage| step.stages.contains(&stage))
        });
        let came = came.map(|came| (came.at, "stage"));
        done.chain(came)
            .map(|(at, told_by)| Evidence { at, told_by })
            .collect()
    }

    /// When a job first came so far.
    pub(super) fn reached(&self, number: usize, job: &Job, step: &Step) -> Option<Timestamp> {
        let evidence = self.evidence(number, job, step).into_iter();
        evidence.map(|evidence| evidence.at).min()
    }

    pub(super) fn placement(&self, member: usize) -> Option<Placement<'a>> {
        let own = self.jobs().filter(|(_, job)| job.member == member);
        let accepted = own.flat_map(|(number, job)| {
            let evidence = self.evidence(number, job, &ACCEPTED).into_iter();
            evidence.map(move |evidence| Placement { evidence, job })
        });
        accepted.min_by_key(|placement| (placement.evidence, placement.job.id))
    }
}

pub(super) fn name(person: &Person) -> String {
    format!("{} {}", person.given_name, person.family_name)
}

/// What the field holds, be it a day or not.
pub(super) fn graduation(member: &Member) -> Option<&str> {
    member.fields.iter().find_map(|field| match &field.value {
        Content::Text(text) if field.field_id == GRADUATION => Some(text.as_str()),
        _ => None,
    })
}

pub(super) fn grouped<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, Vec<V>> {
    let mut groups: BTreeMap<K, Vec<V>> = BTreeMap::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().push(value);
    }
    groups
}

/// In days of 24 hours.
pub(super) fn days(span: TimeDelta) -> f64 {
    span.as_seconds_f64() / 86_400.0
}

pub(super) fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| float(part) / float(whole))
}

/// The value below which so many quarters of them are; between two values, as near to each as it is.
pub(super) fn quartile(values: impl IntoIterator<Item = f64>, quarters: usize) -> Option<f64> {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let place = quarters * values.len().checked_sub(1)?;
    let (below, above) = (values[place / 4], values[place.div_ceil(4)]);
    let way = float(place % 4) / 4.0;
    // What never ends is as far from itself as from anything.
    let between = if below.total_cmp(&above).is_eq() {
        0.0
    } else {
        (above - below) * way
    };
    Some(below + between)
}

pub(super) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quartile(values, 2)
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("not that many"))
}
