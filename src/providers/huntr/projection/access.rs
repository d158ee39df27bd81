//! What is embedded in an Action, by its key.

use serde_json::Value as Json;

use super::Object;
use crate::{
    domain::Timestamp,
    providers::json::{id, unix_seconds},
};

pub(super) fn object<'a>(json: &'a Object, key: &str) -> Option<&'a Object> {
    json.get(key)?.as_object()
}

pub(super) fn objects<'a>(
    json: &'a Object,
    key: &str,
) -> impl Iterator<Item = &'a Object> + use<'a> {
    let list = json.get(key).and_then(Json::as_array);
    list.into_iter().flatten().filter_map(Json::as_object)
}

/// What is embedded in an Action and has a member, an employer or both embedded in turn.
pub(super) fn embedded(json: &Object) -> impl Iterator<Item = &Object> + use<'_> {
    let of_activity = || object(object(json, "activity")?, "job");
    let named = ["job", "activity", "note", "contact"].map(|key| object(json, key));
    named
        .into_iter()
        .flatten()
        .chain(of_activity())
        .chain(objects(json, "jobs"))
}

pub(super) fn id_at(json: &Object, key: &str) -> Option<String> {
    id(json.get(key)?)
}

pub(super) fn id_in(json: &Object, key: &str) -> Option<String> {
    id_at(object(json, key)?, "id")
}

/// A field's value as text: several choices with commas between them.
pub(super) fn plain(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        Json::Array(values) => {
            let values: Vec<_> = values.iter().filter_map(plain).collect();
            Some(values.join(", "))
        }
        other => Some(other.to_string()),
    }
}

pub(super) fn seconds(json: &Object, key: &str) -> Option<Timestamp> {
    unix_seconds(json.get(key)?.as_f64()?).ok()
}
