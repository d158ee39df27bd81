//! Whether something could be written to a disk, and how much, without writing.

use std::{
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, AtFlags, CWD, accessat, statvfs};

/// Whether a file that is there could be read and written.
pub(crate) fn may_write(file: &Path) -> io::Result<()> {
    may(file, Access::READ_OK | Access::WRITE_OK)
}

/// Whether a file could be made, with the folders above it that are missing. If not, says at which folder it fails.
pub(crate) fn may_create(file: &Path) -> Result<(), (PathBuf, io::Error)> {
    let file = std::path::absolute(file).map_err(|error| (file.to_owned(), error))?;
    let folder = file.ancestors().skip(1).find(|folder| folder.exists());
    let folder = folder.unwrap_or(Path::new("/"));
    let checked = if folder.is_dir() {
        may(folder, Access::WRITE_OK | Access::EXEC_OK)
    } else {
        Err(io::ErrorKind::NotADirectory.into())
    };
    checked.map_err(|error| (folder.to_owned(), error))
}

/// The bytes that are free for us on the disk of a folder, and all it has; `None` when nobody knows.
pub(crate) fn space(folder: &Path) -> Option<(u64, u64)> {
    let disk = statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
    Some((bytes(disk.f_bavail), bytes(disk.f_blocks)))
}

fn may(path: &Path, access: Access) -> io::Result<()> {
    Ok(accessat(CWD, path, access, AtFlags::EACCESS)?)
}
