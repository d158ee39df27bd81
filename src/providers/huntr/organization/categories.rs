//! The 23 categories of activities, with the ids they have in this organisation.

use serde::Serialize;

/// A category of activities.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Category {
    /// Its id, which other organisations do not share.
    pub id: &'static str,
    /// Its name, which they do.
    pub name: &'static str,
}

const fn category(id: &'static str, name: &'static str) -> Category {
    Category { id, name }
}

pub(super) static CATEGORIES: [Category; 23] = [
    category("69a54a88eb41608a922828ab", "Apply"),
    category("69a54a885418ce03607e2122", "On Site Interview"),
    category("69a54a88aa40a52dfa84a04f", "Offer Received"),
    category("69a54a8810c8a1b9a0f3d101", "Email"),
    category("69a54a8810c8a1b9a0f3d102", "Meeting"),
    category("69a54a8810c8a1b9a0f3d103", "Phone Call"),
    category("69a54a8810c8a1b9a0f3d104", "Reach Out"),
    category("69a54a8810c8a1b9a0f3d105", "Get Reference"),
    category("69a54a8810c8a1b9a0f3d106", "Prep Cover Letter"),
    category("69a54a8810c8a1b9a0f3d107", "Prep Resume"),
    category("69a54a8810c8a1b9a0f3d108", "Follow Up"),
    category("69a54a8810c8a1b9a0f3d109", "Send Availability"),
    category("69a54a8810c8a1b9a0f3d10a", "Prep for Interview"),
    category("69a54a8810c8a1b9a0f3d10b", "Phone Screen"),
    category("69a54a8810c8a1b9a0f3d10c", "Phone Interview"),
    category("69a54a8810c8a1b9a0f3d10d", "Assignment"),
    category("69a54a8810c8a1b9a0f3d10e", "Rejected"),
    category("69a54a8810c8a1b9a0f3d10f", "Decline Offer"),
    category("69a54a8810c8a1b9a0f3d110", "Accept Offer"),
    category("69a54a8810c8a1b9a0f3d111", "Send Thank You"),
    category("69a54a8810c8a1b9a0f3d112", "Networking Event"),
    category("69a54a8810c8a1b9a0f3d113", "Application Withdrawn"),
    category("69a54a8810c8a1b9a0f3d114", "Other"),
];

/// What a job seeker does for a job before and beside interviews.
pub(super) const CHORES: [&str; 13] = [
    "Email",
    "Meeting",
    "Phone Call",
    "Reach Out",
    "Get Reference",
    "Prep Cover Letter",
    "Prep Resume",
    "Follow Up",
    "Send Availability",
    "Prep for Interview",
    "Send Thank You",
    "Networking Event",
    "Other",
];

/// What an employer asks a job seeker to.
pub(super) const INTERVIEWS: [&str; 4] = [
    "Phone Screen",
    "Phone Interview",
    "Assignment",
    "On Site Interview",
];

/// The category of this name.
pub(super) fn named(name: &str) -> &'static Category {
    let found = CATEGORIES.iter().find(|category| category.name == name);
    found.unwrap_or_else(|| unreachable!("there is no category {name}"))
}
