//! A file of lines that only grows: appended to whole lines at a time, put aside when it is large or old.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Write},
    num::NonZeroUsize,
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::rotated;
use crate::domain::{Clock, Timestamp};

/// What is known of the file, and of when it is put aside.
pub(super) struct Options {
    pub(super) path: PathBuf,
    pub(super) rotate_size: Option<u64>,
    pub(super) rotate_age: Option<Duration>,
    pub(super) keep: Option<NonZeroUsize>,
    pub(super) sync: bool,
    pub(super) clock: Arc<dyn Clock>,
}

/// The file, opened with the first line.
pub(super) struct Log {
    options: Options,
    open: Option<Open>,
}

struct Open {
    file: File,
    /// Which file it is: another one may have taken its place.
    identity: (u64, u64),
    began_at: Timestamp,
    /// Whether it ends within a line that somebody began and did not end.
    is_torn: bool,
}

impl Log {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            open: None,
        }
    }

    /// Appends whole lines in one write. With `sync` they are on the disk when this returns.
    ///
    /// The error is a sentence for people. None of the lines counts as written then.
    pub(super) fn append(&mut self, lines: &[u8]) -> Result<(), String> {
        self.reopen_where_needed(lines.len() as u64)?;
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(Open::at(&self.options)?),
        };
        let appended = open.append(lines, self.options.sync);
        appended.map_err(|error| {
            // After a failed sync it is unknown what is on the disk, and a later sync would not tell.
            self.open = None;
            explain("cannot be written to", &self.options.path, &error)
        })
    }

    /// Lets go of the file when another is in its place, and puts it aside when its time has come.
    fn reopen_where_needed(&mut self, coming: u64) -> Result<(), String> {
        let path = &self.options.path;
        let metadata = existing(path)?;
        let Some(metadata) = metadata else {
            self.open = None;
            return Ok(());
        };
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.identity != identity(&metadata))
        {
            self.open = None;
        }
        let began_at = self
            .open
            .as_ref()
            .map_or_else(|| began_at(&metadata, &self.options), |open| open.began_at);
        if metadata.len() == 0 || !self.is_due(metadata.len() + coming, began_at) {
            return Ok(());
        }
        self.open = None;
        rotated::put_aside(path, self.options.clock.now(), self.options.keep)
            .and_then(|()| self.sync_folder())
            .map_err(|error| explain("cannot be put aside", &self.options.path, &error))
    }

    fn is_due(&self, size: u64, began_at: Timestamp) -> bool {
        let age = (self.options.clock.now() - began_at)
            .to_std()
            .unwrap_or_default();
        self.options.rotate_size.is_some_and(|limit| size > limit)
            || self.options.rotate_age.is_some_and(|limit| age >= limit)
    }

    /// A name is as durable as its folder.
    fn sync_folder(&self) -> io::Result<()> {
        if self.options.sync {
            sync_folder(&self.options.path)
        } else {
            Ok(())
        }
    }
}

impl Open {
    /// Opens the file; creates it, for nobody else to read, and its folders where they are missing.
    fn at(options: &Options) -> Result<Self, String> {
        let path = &options.path;
        open(path, options.sync)
            .and_then(|file| {
                let metadata = file.metadata()?;
                Ok(Self {
                    identity: identity(&metadata),
                    began_at: began_at(&metadata, options),
                    is_torn: ends_within_a_line(&file, metadata.len())?,
                    file,
                })
            })
            .map_err(|error| explain("cannot be opened", path, &error))
    }

    fn append(&mut self, lines: &[u8], sync: bool) -> io::Result<()> {
        let before = self.file.metadata()?.len();
        // What was begun stays as it is, on a line of its own.
        let mended = self.is_torn.then(|| [b"\n", lines].concat());
        let mut written = 0;
        let appended = write_all(&self.file, mended.as_deref().unwrap_or(lines), &mut written)
            .and_then(|()| if sync { self.file.sync_data() } else { Ok(()) });
        match appended {
            Ok(()) => self.is_torn = false,
            Err(_) => self.take_back(before, written),
        }
        appended
    }

    /// Takes back the part of the lines that was written, unless somebody else has written too. Where that
    /// fails, the next opening finds the torn line.
    fn take_back(&self, before: u64, written: u64) {
        let is_ours = |metadata: Metadata| metadata.len() == before + written;
        if written > 0 && self.file.metadata().is_ok_and(is_ours) {
            self.file.set_len(before).ok();
        }
    }
}

/// Usually one write, so that lines of two programs do not mix; counts what has come that far.
fn write_all(mut file: &File, lines: &[u8], written: &mut u64) -> io::Result<()> {
    let mut rest = lines;
    while !rest.is_empty() {
        match file.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => {
                *written += count as u64;
                rest = &rest[count..];
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The file, if it is there.
///
/// The error says that something else is.
pub(super) fn existing(path: &Path) -> Result<Option<Metadata>, String> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
        // Opening a pipe that nobody reads would not end.
        Ok(_) => Err(format!(
            "{} is not a file: correct `path`, or use kind = \"stdout\"",
            path.display()
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(explain("cannot be reached", path, &error)),
    }
}

/// What happened to the file, and what to do.
pub(super) fn explain(what: &str, path: &Path, error: &io::Error) -> String {
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; make room on its disk",
        ErrorKind::PermissionDenied => {
            "; let the user that runs the receiver write to it and its folder"
        }
        ErrorKind::ReadOnlyFilesystem => "; choose a path on a disk that can be written to",
        ErrorKind::NotADirectory | ErrorKind::IsADirectory => "; correct `path`",
        ErrorKind::FileTooLarge => "; choose a smaller `rotate_size`",
        _ => "",
    };
    format!("{} {what}: {error}{remedy}", path.display())
}

fn open(path: &Path, sync: bool) -> io::Result<File> {
    let path = std::path::absolute(path)?;
    let missing: Vec<&Path> = path.ancestors().take_while(|path| !path.exists()).collect();
    if let Some(folder) = path.parent().filter(|_| missing.len() > 1) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)?;
    if sync {
        missing.iter().try_for_each(|path| sync_folder(path))?;
    }
    Ok(file)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn ends_within_a_line(file: &File, length: u64) -> io::Result<bool> {
    let Some(last) = length.checked_sub(1) else {
        return Ok(false);
    };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte != *b"\n")
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// When the file was created; a disk that does not keep that is asked for the last change instead.
fn began_at(metadata: &Metadata, options: &Options) -> Timestamp {
    let known = metadata.created().or_else(|_| metadata.modified());
    known.map_or_else(|_| options.clock.now(), Timestamp::from)
}

#[cfg(test)]
mod tests;
