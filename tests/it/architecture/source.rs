//! Rust source taken apart: code without comments, and the texts in it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A source file.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// From the crate's folder: `src/http/receive.rs`.
    pub(super) path: String,
    /// As it is written.
    pub(super) text: String,
    /// Without comments, and with the texts empty.
    pub(super) code: String,
    /// What stands between quotation marks, except in tests.
    pub(super) texts: Vec<String>,
}

/// All Rust files in a folder and its folders, in order.
pub(super) fn files(folder: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    gather(&root.join(folder), &mut paths);
    paths.sort();
    let file = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("reading source");
        let path = path
            .strip_prefix(root)
            .expect("a path in the crate")
            .display()
            .to_string();
        File::new(path, text)
    };
    paths.iter().map(file).collect()
}

/// The names in a folder.
pub(super) fn names(folder: &str) -> BTreeSet<String> {
    let entries = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .read_dir()
        .expect("reading a folder");
    entries
        .map(|entry| entry.expect("an entry").file_name().display().to_string())
        .collect()
}

fn gather(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().expect("reading a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            gather(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

impl File {
    pub(super) fn new(path: String, text: String) -> Self {
        let (code, _) = take_apart(&text);
        let (_, texts) = take_apart(without_tests(&path, &text));
        Self {
            path,
            text,
            code,
            texts,
        }
    }

    /// The module on the crate's top level that it belongs to.
    pub(super) fn module(&self) -> String {
        let name = self.path.split('/').nth(1).unwrap_or_default();
        name.strip_suffix(".rs").unwrap_or(name).to_owned()
    }

    /// The code without its tests.
    pub(super) fn production(&self) -> &str {
        without_tests(&self.path, &self.code)
    }

    /// The modules on the crate's top level that it names, in `use` and elsewhere.
    pub(super) fn modules_used(&self) -> BTreeSet<String> {
        let by_path = self.code.split("crate::").skip(1).flat_map(first_segments);
        // `#[serde(with = "crate::units::duration")]` is a path, too.
        let by_name = self
            .texts
            .iter()
            .filter_map(|text| text.strip_prefix("crate::"))
            .flat_map(first_segments);
        by_path.chain(by_name).collect()
    }
}

/// Unit tests stand at the end of their file, or in a file `tests.rs`.
fn without_tests<'a>(path: &str, text: &'a str) -> &'a str {
    if path.ends_with("/tests.rs") {
        return "";
    }
    text.split_once("#[cfg(test)]\nmod tests {")
        .map_or(text, |(before, _)| before)
}

/// `a` of `a::b`, and `a` and `c` of `{a::b, c::{d, e}}`.
fn first_segments(path: &str) -> Vec<String> {
    let identifier = |text: &str| {
        let text = text.trim_start();
        text.split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![identifier(path)];
    };
    let (mut depth, mut start, mut segments) = (1, 0, Vec::new());
    for (at, c) in group.char_indices() {
        let ends = depth == 1 && (c == ',' || c == '}');
        if ends {
            segments.push(identifier(&group[start..at]));
            start = at + 1;
        }
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    // After the last comma comes nothing.
    segments.retain(|segment| !segment.is_empty());
    segments
}

/// The code without comments and with empty texts, and the texts.
fn take_apart(source: &str) -> (String, Vec<String>) {
    let (mut code, mut texts) = (String::new(), Vec::new());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if let Some((text, after)) = raw_text(rest).or_else(|| quoted_text(rest)) {
            code.push_str("\"\"");
            texts.push(text.to_owned());
            rest = after;
        } else if let Some(after) = ["'\"'", "'\\''", "b'\"'"]
            .iter()
            .find_map(|c| rest.strip_prefix(c))
        {
            // A quotation mark that begins no text.
            rest = after;
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    (code, texts)
}

/// `r"…"`, `r#"…"#` and so on.
fn raw_text(rest: &str) -> Option<(&str, &str)> {
    let marks = rest.strip_prefix('r')?;
    let hashes = &marks[..marks.len() - marks.trim_start_matches('#').len()];
    marks[hashes.len()..]
        .strip_prefix('"')?
        .split_once(&format!("\"{hashes}"))
}

fn quoted_text(rest: &str) -> Option<(&str, &str)> {
    let text = rest.strip_prefix('"')?;
    let mut escaped = false;
    let end = text.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some((&text[..end], &text[end + 1..]))
}

#[test]
fn source_is_taken_apart() {
    let source = r##"
use crate::{a::{self, b}, c, d::E}; // use crate::not
let x = ("crate::f::g", r#"say "hi" // here"#, '"', "a \"quoted\" word");
"##;
    let file = File::new("src/x/y.rs".into(), source.into());
    assert_eq!(file.module(), "x");
    assert_eq!(
        file.modules_used(),
        ["a", "c", "d", "f"].map(ToOwned::to_owned).into()
    );
    assert_eq!(
        file.texts,
        ["crate::f::g", r#"say "hi" // here"#, r#"a \"quoted\" word"#]
    );
    assert_eq!(file.code.lines().last(), Some(r#"let x = ("", "", , "");"#));
}
