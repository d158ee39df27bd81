//! The one parser of the answering path: picks a few keys out of a body and notes what is odd about it.
//!
//! It accepts every text that RFC 8259 calls JSON, so that an id counts even where the rest holds a
//! lone surrogate or a number no machine has; such things are noted as a problem, because a database
//! or a consumer further down may not read them.

mod cell;
mod field;
mod readable;
mod tamed;

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::{
    Deserializer,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::error::Category;
use sha2::{Digest, Sha256};

use self::readable::Readable;
pub(super) use cell::{cell, id};
pub(super) use field::{Field, unix_seconds};
pub(super) use tamed::tame;

/// The picked top-level values of a JSON object, in the order of the names asked for.
pub(super) struct Object<'a, const N: usize> {
    pub(super) fields: [Field<'a>; N],
    /// What is odd about the body as a whole.
    pub(super) problems: Problems,
}

/// Reads a body as an object; the error is a problem to note.
pub(super) fn object<'a, const N: usize>(
    body: &'a [u8],
    names: &[&'static str; N],
) -> Result<Object<'a, N>, String> {
    let text = std::str::from_utf8(body)
        .map_err(|error| format!("not UTF-8 (from byte {})", error.valid_up_to()))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let picked = deserializer
        .deserialize_map(Pick { names })
        .and_then(|picked| deserializer.end().map(|()| picked))
        .map_err(|error| match error.classify() {
            // Only these two kinds of message are free of the sender's words.
            Category::Syntax | Category::Eof => format!("not JSON: {error}"),
            Category::Data | Category::Io => "not a JSON object".to_owned(),
        })?;
    let mut problems = Problems::default();
    if let Err(error) = serde_json::from_str::<Readable>(text) {
        problems.note(error.to_string());
    }
    if picked.repeats {
        problems.note("a key occurs twice");
    }
    Ok(Object {
        fields: picked.fields,
        problems,
    })
}

/// What is odd about a body, collected while it is read. Never a word of the body itself.
#[derive(Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    pub(super) fn note(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// The value, or nothing and a note of what is wrong with that key.
    pub(super) fn take<T>(
        &mut self,
        key: &str,
        read: Result<Option<T>, &'static str>,
    ) -> Option<T> {
        read.unwrap_or_else(|why| {
            self.note(format!("{key} {why}"));
            None
        })
    }

    pub(super) fn into_text(self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join("; "))
    }
}

/// The key of deduplication for a body that has no usable id of its own.
pub(super) fn digest_id(body: &[u8]) -> String {
    format!(
        "sha256:{}",
        base16ct::lower::encode_string(&Sha256::digest(body))
    )
}

/// Picks the named keys out of the top level and skips over the rest.
struct Pick<'n, const N: usize> {
    names: &'n [&'static str; N],
}

struct Picked<'a, const N: usize> {
    fields: [Field<'a>; N],
    repeats: bool,
}

impl<'de, const N: usize> Visitor<'de> for Pick<'_, N> {
    type Value = Picked<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = [Field::Absent; N];
        let mut repeats = false;
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key_seed(Key)? {
            match self.names.iter().position(|name| name.as_bytes() == &*key) {
                Some(index) => {
                    let value = map.next_value()?;
                    fields[index] = match fields[index] {
                        Field::Absent => Field::Once(value),
                        Field::Once(_) | Field::Repeated => Field::Repeated,
                    };
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            repeats |= !seen.insert(key);
        }
        Ok(Picked { fields, repeats })
    }
}

/// A key, borrowed from the body unless it is written with escapes. As bytes, since an escaped lone
/// surrogate is no text.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, [u8]>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, [u8]>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_bytes<E: de::Error>(self, key: &'de [u8]) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_bytes<E: de::Error>(self, key: &[u8]) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Id = Result<Option<String>, &'static str>;

    /// The id, and the problem of the body as a whole; or why there is no object.
    fn read(body: &[u8]) -> Result<(Id, Option<String>), String> {
        object(body, &["id"]).map(|object| (object.fields[0].text(), object.problems.into_text()))
    }

    #[test]
    fn an_id_counts_however_odd_the_rest_is() {
        for (rest, problem) in [
            (r#""\ud800""#, "unexpected end of hex escape"),
            (r#""\ud800\u0041""#, "lone leading surrogate"),
            (r#""\udc00 x""#, "lone leading surrogate"),
            ("1e999", "number out of range"),
            (r#""\u0000""#, "a NUL character"),
            (r#"{"a\u0000b": 1}"#, "a NUL character"),
        ] {
            let body = format!(r#"{{"id":"a","rest":{rest}}}"#);
            let (id, found) = read(body.as_bytes()).expect("an object");
            assert_eq!(id, Ok(Some("a".to_owned())), "{rest}");
            let found = found.expect("a problem");
            assert!(found.contains(problem), "{found}");
        }
    }

    #[test]
    fn depth_is_noted_and_stops_nothing() {
        let levels = 1_000_000;
        let body = format!(
            r#"{{"id":"a","x":{}{}}}"#,
            "[".repeat(levels),
            "]".repeat(levels)
        );
        let (id, problem) = read(body.as_bytes()).expect("an object");
        assert_eq!(id, Ok(Some("a".to_owned())));
        assert!(
            problem
                .expect("a problem")
                .starts_with("recursion limit exceeded")
        );
    }

    #[test]
    fn what_is_no_object_says_so_without_quoting_it() {
        for (body, problem) in [
            (
                &b""[..],
                "not JSON: EOF while parsing a value at line 1 column 0",
            ),
            (b"hello", "not JSON: expected value at line 1 column 1"),
            (b"[]", "not a JSON object"),
            (b"\"secret\"", "not a JSON object"),
            (b"{\"id\":\"a\xff\"}", "not UTF-8 (from byte 8)"),
            (b"{} {}", "not JSON: trailing characters at line 1 column 4"),
        ] {
            assert_eq!(read(body).map(|_| ()).expect_err("a problem"), problem);
        }
    }

    #[test]
    fn an_id_must_be_one_short_text() {
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(256));
        for (body, why) in [
            (r#"{"id":5}"#, "is not a string"),
            (r#"{"id":["a"]}"#, "is not a string"),
            (r#"{"id":""}"#, "is empty"),
            (r#"{"id":"a\u0000"}"#, "has control characters"),
            (r#"{"id":"a\u0085"}"#, "has control characters"),
            (r#"{"id":"\ud800"}"#, "is not valid text"),
            (r#"{"id":"a","id":"a"}"#, "occurs twice"),
            (&long, "is longer than 255 bytes"),
        ] {
            let (id, _) = read(body.as_bytes()).expect("an object");
            assert_eq!(id, Err(why), "{why}");
        }
        assert_eq!(read(br#"{"id":null}"#).expect("an object").0, Ok(None));
        assert_eq!(
            read(br#"{"\u0069d":"a"}"#).expect("an object").0,
            Ok(Some("a".to_owned()))
        );
    }

    #[test]
    fn a_repeated_key_is_noted() {
        let (_, problem) = read(br#"{"id":"a","b":1,"b":2}"#).expect("an object");
        assert_eq!(problem.as_deref(), Some("a key occurs twice"));
    }

    #[test]
    fn a_time_has_a_range() {
        assert!(unix_seconds(1_588_634_675.5).is_ok());
        for out in [1e12, -1e12, f64::NAN, f64::INFINITY] {
            assert_eq!(unix_seconds(out), Err("is out of range"));
        }
    }
}
