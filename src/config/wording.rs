//! Says what is wrong with an option, and never its value.

use figment::{
    error::{Actual, Kind},
    value::Value,
};

/// What is wrong, without the value: it might be a secret in the wrong place.
pub(super) fn describe(kind: &Kind, wrong: Option<&Value>) -> String {
    match kind {
        Kind::Message(why) if why.starts_with("relative URL without a base") => {
            "is not a URL like https://example.com".into()
        }
        Kind::Message(why) => match wrong.and_then(Value::as_str) {
            Some(value) => why.replace(&format!(": {value:?}"), ""),
            None => why.clone(),
        },
        Kind::InvalidType(actual, wanted) => {
            format!("must be {}, not {}", expected(wanted), type_of(actual))
        }
        Kind::InvalidValue(_, wanted) => format!("must be {}", expected(wanted)),
        Kind::UnknownField(_, known) => {
            format!("there is no such option; there are {}", known.join(", "))
        }
        Kind::UnknownVariant(_, known) => format!("must be one of {}", known.join(", ")),
        Kind::MissingField(_) => "is missing".into(),
        Kind::InvalidLength(length, wanted) => {
            format!("must be {}, not {length} long", expected(wanted))
        }
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => "is out of range".into(),
        _ => "is not of the right kind".into(),
    }
}

/// What Rust's types call themselves, in the words of [`type_of`].
fn expected(wanted: &str) -> &str {
    match wanted {
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a string" | "path string" => "a text",
        "an integer or string" | "parsable string" | "integer overflow" => "a size like \"2 MiB\"",
        "u32" => "a whole number from 0 to 4294967295",
        "usize" => "a whole number, 0 or more",
        "a nonzero usize" => "a whole number, 1 or more",
        wanted if wanted.starts_with("struct ") => "a table",
        wanted => wanted,
    }
}

fn type_of(actual: &Actual) -> &'static str {
    match actual {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "a number",
        Actual::Char(_) | Actual::Str(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "something else",
    }
}

/// A parser's message without the lines it quotes.
pub(super) fn without_excerpt(message: &str) -> String {
    let lines = message
        .lines()
        .filter(|line| !line.contains('|') && !line.trim().is_empty());
    lines.collect::<Vec<_>>().join(": ")
}
