//! Makes of what a sender wrote what every database and every parser takes, with as little change as possible.
//!
//! NUL and lone surrogates become U+FFFD, numbers that no machine has and what is nested too deeply become null.

use serde::de::IgnoredAny;

/// PostgreSQL, SQLite and `serde_json` read at least so many levels.
const MAX_DEPTH: usize = 100;
/// PostgreSQL takes at most 16,383 digits after the point of a number, however many of them are zero.
const MAX_NUMBER: usize = 1000;
const MAX_EXPONENT: u16 = 1000;
/// What cannot be said, in JSON.
const REPLACEMENT: &str = "\\ufffd";

/// The body as tame JSON; `None` when it is not JSON in UTF-8.
pub(in crate::providers) fn tame(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    // Of what is JSON for sure, the tokens are easily told apart.
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut tamer = Tamer {
        rest: text,
        tame: String::with_capacity(text.len()),
    };
    tamer.run();
    Some(tamer.tame)
}

fn fits(number: &str) -> bool {
    let exponent = number.split(['e', 'E']).nth(1);
    let is_near = |exponent: &str| {
        let exponent = exponent.parse().map(i16::unsigned_abs);
        exponent.is_ok_and(|exponent| exponent <= MAX_EXPONENT)
    };
    number.len() <= MAX_NUMBER
        && exponent.is_none_or(is_near)
        && number.parse().is_ok_and(f64::is_finite)
}

struct Tamer<'a> {
    rest: &'a str,
    tame: String,
}

impl Tamer<'_> {
    fn run(&mut self) {
        let mut depth = 0;
        while let Some(byte) = self.rest.bytes().next() {
            match byte {
                b'"' => self.string(),
                b'-' | b'0'..=b'9' => self.number(),
                b'{' | b'[' if depth == MAX_DEPTH => {
                    self.skip_nested();
                    self.tame.push_str("null");
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.copy(1);
                }
                b'}' | b']' => {
                    depth -= 1;
                    self.copy(1);
                }
                _ => self.copy(1),
            }
        }
    }

    /// Outside of strings all is ASCII.
    fn copy(&mut self, length: usize) {
        let (copied, rest) = self.rest.split_at(length);
        self.tame.push_str(copied);
        self.rest = rest;
    }

    fn number(&mut self) {
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
        let length = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(length);
        self.tame
            .push_str(if fits(number) { number } else { "null" });
        self.rest = rest;
    }

    fn string(&mut self) {
        self.copy(1);
        loop {
            let length = self.rest.find(['"', '\\']).unwrap_or(self.rest.len());
            self.copy(length);
            match self.rest.as_bytes() {
                [b'\\', b'u', ..] => self.unicode(),
                [b'\\', _, ..] => self.copy(2),
                [_, ..] => return self.copy(1),
                [] => return,
            }
        }
    }

    fn unicode(&mut self) {
        let unit = |text: &str| {
            let digits = text.strip_prefix("\\u")?.get(..4)?;
            u16::from_str_radix(digits, 16).ok()
        };
        let first = unit(self.rest).unwrap_or_default();
        let second = self.rest.get(6..).and_then(unit);
        match (first, second) {
            (0xd800..0xdc00, Some(0xdc00..0xe000)) => self.copy(12),
            (0 | 0xd800..0xe000, _) => {
                self.tame.push_str(REPLACEMENT);
                self.rest = self.rest.get(6..).unwrap_or_default();
            }
            _ => self.copy(6),
        }
    }

    /// Goes past what begins here, to its end.
    fn skip_nested(&mut self) {
        let kept = self.tame.len();
        let mut depth = 0;
        loop {
            match self.rest.bytes().next() {
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth -= 1,
                Some(b'"') => {
                    self.string();
                    self.tame.truncate(kept);
                    continue;
                }
                Some(_) => {}
                None => return,
            }
            self.rest = &self.rest[1..];
            if depth == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn tamed(text: &str) -> String {
        tame(text.as_bytes()).expect("JSON")
    }

    #[test]
    fn what_is_tame_stays_as_it_is() {
        for text in [
            r#"{"a": 1.10, "b": "\u00e9\ud83d\ude00\\u0000", "c": [1e3, -0.5E-2]}"#,
            "\"text\"",
            " 7 ",
        ] {
            assert_eq!(tamed(text), text);
        }
    }

    #[test]
    fn what_databases_refuse_is_replaced() {
        for (wild, tame) in [
            (r#"{"a\u0000b":"\u0000"}"#, r#"{"a\ufffdb":"\ufffd"}"#),
            (
                r#"["\ud83d","\ude00\ud83d","\uD83Dx"]"#,
                r#"["\ufffd","\ufffd\ufffd","\ufffdx"]"#,
            ),
            ("[1e999,-1E400,1e-999,0e1]", "[null,null,1e-999,0e1]"),
            (r#"{"x":"1e999"}"#, r#"{"x":"1e999"}"#),
        ] {
            assert_eq!(tamed(wild), tame);
        }
        let long = "9".repeat(400);
        assert_eq!(tamed(&format!("[{long}]")), "[null]");
    }

    #[test]
    fn what_is_nested_too_deeply_is_left_out() {
        let deep = format!("{}\"]\"{}", "[".repeat(100_000), "]".repeat(100_000));
        let tame = tamed(&format!(r#"{{"deep":{deep},"id":"a"}}"#));
        let value: Value = serde_json::from_str(&tame).expect("JSON");
        assert_eq!(value["id"], "a");
    }

    #[test]
    fn what_is_not_json_is_nothing() {
        for body in [&b"{"[..], b"", b"\xff", b"{} x", b"{'a':1}", b"NaN"] {
            assert_eq!(tame(body), None);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_json_becomes_json_that_everybody_reads(
            text in r#"(\[|\{"k":|"(\\u(0000|d8[0-9a-f]{2}|dc[0-9a-f]{2}|00e9)|[a-z])*",?|[0-9]{1,4}(e[0-9]{1,4})?,?|\]|\}){1,12}"#
        ) {
            if let Some(tame) = tame(text.as_bytes()) {
                let value: Value = serde_json::from_str(&tame)?;
                prop_assert!(!value.to_string().contains("\\u0000"));
            }
        }
    }
}
