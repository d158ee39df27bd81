//! What a list's name, or an activity's category, says of a job's stage.
//!
//! Huntr's own table of names (API reference, "Workflows") is exact but for case; blanks are our leniency. Two
//! stages are ours: what a default board calls "wishlist" and "rejected".

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

const HUNTRS: &str = include_str!("stage_types.json");
const OURS: [(&str, &str); 2] = [("wishlist", "WISHLIST"), ("rejected", "REJECTED")];

/// The categories of activities that a workflow makes when a job reaches a stage, and "Rejected".
const CATEGORIES: [(&str, &str); 8] = [
    ("apply", "APPLY"),
    ("phone screen", "PHONE_SCREEN"),
    ("phone interview", "PHONE_INTERVIEW"),
    ("on site interview", "ON_SITE_INTERVIEW"),
    ("offer received", "OFFER_RECEIVED"),
    ("accept offer", "OFFER_ACCEPTED"),
    ("decline offer", "OFFER_DECLINED"),
    ("rejected", "REJECTED"),
];

static STAGES: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    // A test reads it.
    let types: BTreeMap<String, Vec<String>> = serde_json::from_str(HUNTRS).unwrap_or_default();
    let huntrs = types.into_iter().flat_map(|(stage, names)| {
        let names = names.into_iter();
        names.map(move |name| (name, stage.clone()))
    });
    let ours = OURS.map(|(name, stage)| (name.to_owned(), stage.to_owned()));
    huntrs.chain(ours).collect()
});

/// The stage that a list of this name stands for; most names stand for none.
pub(super) fn stage(list: &str) -> Option<&'static str> {
    STAGES.get(&normal(list)).map(String::as_str)
}

/// The stage that activities of this category stand for; most stand for none.
pub(super) fn stage_of_category(category: &str) -> Option<&'static str> {
    let category = normal(category);
    let mut known = CATEGORIES.iter();
    known.find_map(|(name, stage)| (*name == category).then_some(*stage))
}

/// In lower case, with single blanks between the words.
fn normal(name: &str) -> String {
    let words: Vec<_> = name.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_stage() {
        assert_eq!(STAGES.len(), 82 + 2);
        for (name, means) in [
            ("Applied", Some("APPLY")),
            ("  On-Site   Interview ", Some("ON_SITE_INTERVIEW")),
            ("offer rejected", Some("OFFER_DECLINED")),
            ("Rejected", Some("REJECTED")),
            ("WISHLIST", Some("WISHLIST")),
            ("rejected by them", None),
            ("Assignment", None),
            ("", None),
        ] {
            assert_eq!(stage(name), means, "{name}");
        }
    }

    #[test]
    fn the_kind_of_an_activity_is_its_category() {
        for (category, means) in [
            ("Accept Offer", Some("OFFER_ACCEPTED")),
            ("APPLY", Some("APPLY")),
            (" on site  interview", Some("ON_SITE_INTERVIEW")),
            ("Offer Accepted", None),
            ("Follow Up", None),
        ] {
            assert_eq!(stage_of_category(category), means, "{category}");
        }
    }
}
