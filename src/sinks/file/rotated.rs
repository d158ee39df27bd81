//! The files that were put aside: `<path>.<time>`, and how many of them are kept.

use std::{
    ffi::OsString,
    fs,
    io::{self, ErrorKind},
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use chrono::NaiveDateTime;
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use tracing::warn;

use crate::domain::Timestamp;

/// Sorts as the times do.
const TIME: &str = "%Y%m%dT%H%M%S%.3fZ";

/// Renames the file after the time, and deletes the oldest beyond what is kept.
pub(super) fn put_aside(path: &Path, now: Timestamp, keep: Option<NonZeroUsize>) -> io::Result<()> {
    rename_after(path, now)?;
    if let Some(keep) = keep {
        // What could not be deleted is tried again with the next file; nothing is lost by it.
        if let Err(error) = delete_beyond(path, keep.get()) {
            warn!(file.path = %path.display(), %error, "an old file could not be deleted");
        }
    }
    Ok(())
}

fn rename_after(path: &Path, now: Timestamp) -> io::Result<()> {
    let time = now.format(TIME).to_string();
    let mut name = named(path, &time);
    for number in 1.. {
        match rename(path, &name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                name = named(path, &format!("{time}-{number}"));
            }
            // Another program that appends to it has put it aside just now.
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            renamed => return renamed,
        }
    }
    Ok(())
}

/// Renames without replacing what has the name, even when it gets it at this very moment.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some disks cannot do that in one step.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if to.exists() => {
            Err(ErrorKind::AlreadyExists.into())
        }
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => fs::rename(from, to),
        renamed => Ok(renamed?),
    }
}

fn named(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(suffix);
    name.into()
}

fn delete_beyond(path: &Path, keep: usize) -> io::Result<()> {
    let mut aside = all(path)?;
    aside.sort();
    let beyond = aside.len().saturating_sub(keep);
    aside.drain(..beyond).try_for_each(fs::remove_file)
}

/// Those that were put aside, and nothing else that may stand beside the file.
fn all(path: &Path) -> io::Result<Vec<PathBuf>> {
    let path = std::path::absolute(path)?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(Vec::new());
    };
    let prefix = format!("{}.", name.to_string_lossy());
    let mut found = Vec::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        let name = entry.file_name();
        let suffix = name.to_str().and_then(|name| name.strip_prefix(&prefix));
        if suffix.is_some_and(is_time) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn is_time(suffix: &str) -> bool {
    let (time, number) = suffix.split_once('-').unwrap_or((suffix, "1"));
    NaiveDateTime::parse_from_str(time, TIME).is_ok() && number.parse::<u32>().is_ok()
}
