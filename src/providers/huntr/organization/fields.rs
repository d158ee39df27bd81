//! The custom fields of members, as the organisation's own list `member_fields.json` has them.

use serde::Serialize;

use super::{dice::Dice, words};
use crate::domain::Timestamp;

/// What the API answers when it is asked for the member fields: names for the ids in the webhooks.
pub const MEMBER_FIELDS: &str = include_str!("member_fields.json");

/// The field "Cohort".
pub const COHORT: &str = "69a7f49baba39ac2f6d0bd53";
/// The field "Graduation", a day such as 2026-05-29.
pub const GRADUATION: &str = "69a7f4c2d17b6a0f5c3e9a10";
/// The field "Program".
pub const PROGRAM: &str = "69a7f4e91c5d2b7e80f4a6c3";
const SKILLS: &str = "69a7f526655f81a4bef6bdca";
const LOCATION: &str = "69a7f57ed672b15c50b6824c";

/// The value of a custom field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldValue {
    /// Which field.
    pub field_id: &'static str,
    /// Its value.
    pub value: Content,
}

/// What stands in a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// A text, a day, or one choice.
    Text(String),
    /// Several choices.
    Choices(&'static [&'static str]),
}

/// A text in a field that is set.
pub(super) fn text<'a>(values: &'a [FieldValue], field: &str) -> Option<&'a str> {
    match &values.iter().find(|value| value.field_id == field)?.value {
        Content::Text(text) => Some(text),
        Content::Choices(_) => None,
    }
}

/// Sets a field, or changes it.
pub(super) fn set(values: &mut Vec<FieldValue>, value: FieldValue) {
    values.retain(|old| old.field_id != value.field_id);
    values.push(value);
}

/// What is known of a member who joins; of a few, nothing.
pub(super) fn first(dice: &mut Dice, cohort: usize, graduates_at: Timestamp) -> Vec<FieldValue> {
    let mut values = Vec::new();
    if dice.percent(10) {
        return values;
    }
    let mut set = |field_id, text: String| {
        let value = Content::Text(text);
        values.push(FieldValue { field_id, value });
    };
    if dice.percent(97) {
        set(COHORT, format!("C{}", 11 + cohort));
    }
    if dice.percent(92) {
        let day = graduates_at.date_naive().to_string();
        let undecided = dice.percent(3);
        set(
            GRADUATION,
            if undecided {
                "to be decided".into()
            } else {
                day
            },
        );
    }
    if dice.percent(95) {
        set(PROGRAM, dice.pick(&words::PROGRAMS).to_owned());
    }
    if dice.percent(30) {
        values.push(skills(dice));
    }
    values
}

/// What a member tells later.
pub(super) fn later(dice: &mut Dice, values: &[FieldValue]) -> FieldValue {
    if text(values, PROGRAM).is_none() && dice.percent(50) {
        let value = Content::Text(dice.pick(&words::PROGRAMS).to_owned());
        return FieldValue {
            field_id: PROGRAM,
            value,
        };
    }
    if dice.percent(50) {
        return skills(dice);
    }
    let (_, place, ..) = dice.pick(&words::PLACES);
    let value = Content::Text(place.to_owned());
    FieldValue {
        field_id: LOCATION,
        value,
    }
}

fn skills(dice: &mut Dice) -> FieldValue {
    let value = Content::Choices(dice.pick(&words::SKILLS));
    FieldValue {
        field_id: SKILLS,
        value,
    }
}
