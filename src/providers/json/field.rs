//! One top-level value of a body, read as what it should be.

use serde_json::value::RawValue;

use crate::domain::Timestamp;

/// An id or a type is at most so many bytes long.
const MAX_TEXT: usize = 255;
/// Times beyond this many seconds from 1970 are typing errors or milliseconds (the year 5138).
const MAX_SECONDS: f64 = 1e11;
/// The beginning of the year 1 in Unix seconds: what has an ISO-8601 form of the usual width.
const MIN_SECONDS: f64 = -62_135_596_800.0;

/// One top-level key of the body.
#[derive(Debug, Clone, Copy)]
pub(in crate::providers) enum Field<'a> {
    Absent,
    Once(&'a RawValue),
    Repeated,
}

impl Field<'_> {
    pub(in crate::providers) fn is_present(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// A string of 1–255 bytes without control characters; `None` when absent or null.
    pub(in crate::providers) fn text(&self) -> Result<Option<String>, &'static str> {
        let Some(raw) = self.once()? else {
            return Ok(None);
        };
        if !raw.starts_with('"') {
            return Err("is not a string");
        }
        let text: String = serde_json::from_str(raw).map_err(|_| "is not valid text")?;
        match text.len() {
            0 => Err("is empty"),
            1..=MAX_TEXT if text.chars().any(char::is_control) => Err("has control characters"),
            1..=MAX_TEXT => Ok(Some(text)),
            _ => Err("is longer than 255 bytes"),
        }
    }

    /// Like [`Field::text`], but it must be there.
    pub(in crate::providers) fn required_text(&self) -> Result<Option<String>, &'static str> {
        self.text()?.map(Some).ok_or("is missing")
    }

    /// A number; `None` when absent or null.
    pub(in crate::providers) fn number(&self) -> Result<Option<f64>, &'static str> {
        let Some(raw) = self.once()? else {
            return Ok(None);
        };
        parse_number(raw).map(Some)
    }

    /// A number, or a string that holds one; `None` when absent or null.
    pub(in crate::providers) fn number_or_text(&self) -> Result<Option<f64>, &'static str> {
        let Some(raw) = self.once()? else {
            return Ok(None);
        };
        let bare = raw
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        parse_number(bare.unwrap_or(raw)).map(Some)
    }

    fn once(&self) -> Result<Option<&str>, &'static str> {
        match self {
            Self::Absent => Ok(None),
            Self::Once(raw) if raw.get() == "null" => Ok(None),
            Self::Once(raw) => Ok(Some(raw.get())),
            Self::Repeated => Err("occurs twice"),
        }
    }
}

/// The moment so many seconds after 1970, to the millisecond.
pub(in crate::providers) fn unix_seconds(seconds: f64) -> Result<Timestamp, &'static str> {
    const OUT_OF_RANGE: &str = "is out of range";
    if !(MIN_SECONDS..=MAX_SECONDS).contains(&seconds) {
        return Err(OUT_OF_RANGE);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range was just checked"
    )]
    let millis = (seconds * 1000.0).round() as i64;
    Timestamp::from_timestamp_millis(millis).ok_or(OUT_OF_RANGE)
}

fn parse_number(text: &str) -> Result<f64, &'static str> {
    serde_json::from_str(text).map_err(|_| "is not a number")
}
