//! Reads a value of a sender's as what a column holds: what cannot be held is null, and stays in the event's body.

use serde_json::{Value as Json, value::RawValue};

use super::unix_seconds;
use crate::domain::{Kind, Value};

/// Longer ones are not the id of anything, and no index takes them.
const MAX_ID: usize = 255;

/// The value for a column of that kind. Times are Unix seconds.
pub(in crate::providers) fn cell(kind: Kind, json: &Json) -> Value {
    match kind {
        Kind::Text => text(json),
        Kind::Id => Value::text(id(json)),
        Kind::Time => Value::time(json.as_f64().and_then(|seconds| unix_seconds(seconds).ok())),
        Kind::Boolean => json.as_bool().map_or(Value::Null, Value::Boolean),
        Kind::Integer => integer(json).map_or(Value::Null, Value::Integer),
        Kind::Real => json.as_f64().map_or(Value::Null, Value::Real),
        Kind::Json => raw(json),
    }
}

/// An id: text of a bounded length, or a number.
pub(in crate::providers) fn id(json: &Json) -> Option<String> {
    let id = match json {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        _ => return None,
    };
    (1..=MAX_ID).contains(&id.len()).then_some(id)
}

fn text(json: &Json) -> Value {
    match json {
        Json::String(text) => Value::Text(text.clone()),
        Json::Number(number) => Value::Text(number.to_string()),
        _ => Value::Null,
    }
}

/// Also one that is written as a text, or with a fraction of zero.
fn integer(json: &Json) -> Option<i64> {
    let number = match json {
        Json::String(text) => return text.trim().parse().ok(),
        Json::Number(number) => number,
        _ => return None,
    };
    number.as_i64().or_else(|| {
        let real = number.as_f64().filter(|real| real.fract() == 0.0)?;
        // Beyond this a double does not tell one whole number from the next.
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        (real.abs() <= 9e15).then_some(real as i64)
    })
}

/// An empty object or text says nothing.
fn raw(json: &Json) -> Value {
    match json {
        Json::Object(object) if says_nothing(object) => Value::Null,
        Json::String(text) if text.is_empty() => Value::Null,
        json => {
            let raw = RawValue::from_string(json.to_string());
            raw.map_or(Value::Null, Value::json)
        }
    }
}

fn says_nothing(object: &serde_json::Map<String, Json>) -> bool {
    let mut values = object.values();
    values.all(|value| value.is_null() || value.as_str().is_some_and(str::is_empty))
}
