//! Copies rows into a table in PostgreSQL's text format.

use std::{collections::BTreeMap, fmt::Write};

use sqlx::PgConnection;

use crate::{
    domain::{Key, Row, Table, Value},
    store::typed_rows::{columns, list, moment, versions_text},
};

/// What is sent at once.
const PIECE: usize = 256 * 1024;

/// What is looked through at once.
const CHUNK: usize = 64;

/// Copies rows into the table of this name, which has none of them.
pub(super) async fn copy(
    connection: &mut PgConnection,
    table: &Table,
    name: &str,
    rows: &BTreeMap<Key, Row>,
) -> sqlx::Result<()> {
    let columns = list(columns(table).map(|(name, _)| name));
    let sql = format!("copy {name} ({columns}) from stdin");
    let mut copying = connection.copy_in_raw(&sql).await?;
    let mut text = String::with_capacity(2 * PIECE);
    for (key, row) in rows {
        write_row(&mut text, table, key, row)?;
        if text.len() > PIECE {
            copying.send(text.as_bytes()).await?;
            text.clear();
        }
    }
    copying.send(text.as_bytes()).await?;
    copying.finish().await.map(drop)
}

/// In the order of [`columns`].
fn write_row(text: &mut String, table: &Table, key: &Key, row: &Row) -> sqlx::Result<()> {
    for part in key {
        escape(text, part);
        text.push('\t');
    }
    for position in 0..table.columns.len() {
        write_value(text, row.get(position));
        text.push('\t');
    }
    for value in (table.derive)(row) {
        write_value(text, &value);
        text.push('\t');
    }
    for at in [row.first_seen(), row.last().at] {
        text.push_str(at.and_then(moment).as_deref().unwrap_or("\\N"));
        text.push('\t');
    }
    escape(text, &row.last().id);
    if table.merges {
        text.push('\t');
        escape(text, &versions_text(table, row)?);
    }
    text.push('\n');
    Ok(())
}

fn write_value(text: &mut String, value: &Value) {
    let written = match value {
        Value::Null => write!(text, "\\N"),
        Value::Boolean(value) => write!(text, "{value}"),
        Value::Integer(value) => write!(text, "{value}"),
        Value::Real(value) => write!(text, "{value}"),
        Value::Text(value) => {
            escape(text, value);
            Ok(())
        }
        Value::Json(value) => {
            escape(text, value.get());
            Ok(())
        }
    };
    // A string takes everything.
    written.ok();
}

/// A backslash stands before what would end the column or the row.
fn escape(text: &mut String, value: &str) {
    let mut written = 0;
    for (number, chunk) in value.as_bytes().chunks(CHUNK).enumerate() {
        // Without a way out in the middle, many bytes are looked at in one go.
        if !chunk
            .iter()
            .fold(false, |found, byte| found | is_special(*byte))
        {
            continue;
        }
        for (place, byte) in (number * CHUNK..).zip(chunk) {
            if is_special(*byte) {
                // All of these are ASCII, which is nowhere a part of another character.
                text.push_str(&value[written..place]);
                text.push_str(match byte {
                    b'\n' => "\\n",
                    b'\r' => "\\r",
                    b'\t' => "\\t",
                    _ => "\\\\",
                });
                written = place + 1;
            }
        }
    }
    text.push_str(&value[written..]);
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'\\' | b'\n' | b'\r' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_special_character_is_found_wherever_it_stands() {
        for length in 0..3 * CHUNK {
            let plain = "ü".repeat(length);
            let mut text = String::new();
            escape(&mut text, &format!("{plain}\\{plain}\n"));
            assert_eq!(text, format!("{plain}\\\\{plain}\\n"));
        }
    }

    #[test]
    fn what_would_end_a_column_is_escaped() {
        let mut text = String::new();
        escape(&mut text, "a\tb\\N\r\nc");
        assert_eq!(text, "a\\tb\\\\N\\r\\nc");
    }
}
