//! Whether deliveries could wait in the spool.

use super::Finding;
use crate::{config::Config, disk, spool::Spool};

/// Looks and opens nothing: what another user opened would be left as that user's.
pub(super) fn check(config: &Config) -> Finding {
    let dir = &config.spool.dir;
    let what = format!("spool.dir ({})", dir.display());
    let file = Spool::path_in(dir);
    let checked = if file.exists() {
        let checked = disk::may_write(&file).map_err(|error| (file, error));
        checked.map(|()| "there, writable")
    } else {
        disk::may_create(&file).map(|()| "not there yet; `serve` creates it")
    };
    match checked {
        Ok(detail) => Finding::new(what, true, detail),
        Err((path, error)) => {
            let detail = format!("{} cannot be written to: {error}", path.display());
            Finding::new(what, false, detail)
        }
    }
}
