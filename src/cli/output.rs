//! How results are printed: a table for people, JSON for programs.

use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// Prints one line.
pub(super) fn line(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(stdout().lock(), "{text}")?)
}

/// Prints what a sender wrote; to a terminal without what would steer it.
pub(super) fn foreign(text: &str) -> anyhow::Result<()> {
    if !stdout().is_terminal() {
        return line(text);
    }
    let harmless = |c: char| !c.is_control() || c == '\n' || c == '\t';
    line(&text.replace(|c| !harmless(c), "\u{FFFD}"))
}

/// Prints bytes as they are.
pub(super) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = stdout().lock();
    stdout.write_all(bytes)?;
    // What follows the last newline would be written on exit, when nobody sees it fail.
    Ok(stdout.flush()?)
}

/// Prints a value as indented JSON.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Prints rows under their headers, as wide as the terminal at most.
pub(super) fn table<const N: usize>(
    headers: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> anyhow::Result<()> {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .add_rows(rows);
    if headers != [""; N] {
        table.set_header(headers);
    }
    line(&table.to_string())
}

/// Says on standard error why the command failed.
pub(super) fn complain(error: &anyhow::Error) {
    let mut message = format!("error: {error}");
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Many errors repeat their cause in their own message.
        if !message.ends_with(&cause) {
            message.push_str("\n  because ");
            message.push_str(&cause);
        }
    }
    // With standard error gone, nobody is left to tell.
    writeln!(stderr().lock(), "{message}").ok();
}

/// Whether the reader of our output, such as `head`, has seen enough.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
