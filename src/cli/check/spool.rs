//! Whether deliveries could wait in the spool, and whether some do.

use super::Finding;
use crate::{
    config::Config,
    disk,
    spool::{Spool, SpoolError},
};

pub(super) async fn check(config: &Config) -> Finding {
    let dir = &config.spool.dir;
    let what = format!("spool.dir ({})", dir.display());
    let file = Spool::path_in(dir);
    if !file.exists() {
        return match disk::may_create(&file) {
            Ok(()) => Finding::new(what, true, "not there yet; `serve` creates it"),
            Err((folder, error)) => {
                let detail = format!("{} cannot be written to: {error}", folder.display());
                Finding::new(what, false, detail)
            }
        };
    }
    match usage(config).await {
        Ok(detail) => Finding::new(what, true, detail),
        Err(error) if error.is_in_use() => {
            Finding::new(what, true, "in use by the receiver that runs")
        }
        Err(error) => Finding::new(what, false, format!("{error:?}")),
    }
}

async fn usage(config: &Config) -> Result<String, SpoolError> {
    let spool = Spool::open_existing(&config.spool.dir).await?;
    let usage = spool.usage().await?;
    spool.close().await;
    Ok(match (usage.waiting, usage.refused) {
        (0, 0) => "empty".into(),
        (waiting, 0) => {
            format!("deliveries that `serve` or `drain` will take into the database: {waiting}")
        }
        (waiting, refused) => format!(
            "deliveries that `serve` or `drain` will take into the database: {waiting}; that the database has refused: {refused}"
        ),
    })
}
