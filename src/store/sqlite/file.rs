//! The files of an embedded database: who may read them, and who serves from them.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::store::StoreError;

/// Creates the file and its folder where they are missing, for nobody else to read. SQLite gives the files
/// it puts beside it the same mode.
pub(crate) fn create(path: &Path) -> Result<PathBuf, StoreError> {
    let path = std::path::absolute(path).map_err(|source| unusable(path, source))?;
    if let Some(folder) = path.parent() {
        create_folder(folder).map_err(|source| unusable(folder, source))?;
    }
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .map_err(|source| unusable(&path, source))?;
    existing(&path)
}

/// The one true path of a file that is there: SQLite takes a name such as `:memory:` or `file:…` for
/// something else, and two names of one file would have two lock files.
pub(crate) fn existing(path: &Path) -> Result<PathBuf, StoreError> {
    let path = fs::canonicalize(path).map_err(|source| unusable(path, source))?;
    if path.to_str().is_none() {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "its path is not valid UTF-8");
        return Err(unusable(&path, source));
    }
    if !path.is_file() {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "it is not a file");
        return Err(unusable(&path, source));
    }
    Ok(path)
}

/// Takes the lock that only one serving process can have. It is held until the file is dropped.
pub(crate) fn lock_for_serving(path: &Path) -> Result<File, StoreError> {
    lock(path, ".lock")
}

/// Takes the lock that only one rebuilding process can have. It is held until the file is dropped.
pub(super) fn lock_for_rebuilding(path: &Path) -> Result<File, StoreError> {
    let lock = lock(path, ".rebuild.lock");
    lock.map_err(|error| match error {
        StoreError::Locked { .. } => StoreError::Rebuilding,
        error => error,
    })
}

fn lock(path: &Path, suffix: &str) -> Result<File, StoreError> {
    let mut lock_path = OsString::from(path);
    lock_path.push(suffix);
    let lock_path = Path::new(&lock_path);
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(lock_path)
        .map_err(|source| unusable(lock_path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
            path: path.display().to_string(),
        }),
        Err(TryLockError::Error(source)) => Err(unusable(lock_path, source)),
    }
}

/// Creates the missing folders. Each is synced into its parent: a database is only as durable as its path.
fn create_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|path| !path.exists())
        .collect();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    for parent in missing.iter().filter_map(|path| path.parent()) {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

pub(crate) fn unusable(path: &Path, source: io::Error) -> StoreError {
    StoreError::Io {
        path: path.display().to_string(),
        source,
    }
}

/// Which file was opened, so that it is noticed when another one, or none, has its place: the open one
/// would go on taking events that nobody finds again.
pub(crate) struct Identity {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Identity {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn of(path: &Path) -> Result<Self, StoreError> {
        let metadata = fs::metadata(path).map_err(|source| unusable(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    /// Whether the file is still in its place.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let is_same =
            |metadata: fs::Metadata| (metadata.dev(), metadata.ino()) == (self.device, self.inode);
        if fs::metadata(&self.path).is_ok_and(is_same) {
            return Ok(());
        }
        Err(StoreError::Replaced {
            path: self.path.display().to_string(),
        })
    }
}
