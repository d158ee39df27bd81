//! `drain`: takes in the spool of a receiver that is gone.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context;
use indicatif::ProgressBar;
use serde::Serialize;

use super::{output, require_schema};
use crate::{config::Config, intake::Drainer, spool::Spool, store};

/// Take in the spool of a receiver that is gone
///
/// What waits there goes into the database, each delivery once; what is there already is known by its id. A receiver
/// that runs empties its spool by itself, and keeps others out of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n    huntr-receiver drain --spool /mnt/old-replica/data/spool")]
pub(super) struct Args {
    /// The folder that was the receiver's `spool.dir`
    #[arg(long, value_name = "DIR")]
    spool: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What became of what was in the spool.
#[derive(Debug, Serialize)]
struct Report {
    /// In the database now.
    moved: u64,
    /// The database refuses them; they stay in the spool.
    refused: u64,
}

pub(super) async fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    let store = store::open_existing(&config.database)
        .await
        .with_context(|| format!("opening the database {}", config.database.url))?;
    require_schema(&*store).await?;
    let spool = Spool::open_existing(&args.spool).await?;
    let waiting = spool.usage().await?;
    let outbox = Arc::new(config.routes());
    let mut drain = Drainer::of_another(spool, Arc::clone(&store), outbox, &config.intake);
    let bar = ProgressBar::new(waiting.waiting + waiting.refused);
    let outcome = drain
        .drain(|so_far| bar.set_position(so_far.moved + so_far.refused))
        .await;
    bar.finish_and_clear();
    let total = outcome.context("what was not moved is still in the spool")?;
    store.close().await;
    let report = Report {
        moved: total.moved,
        refused: total.refused,
    };
    if args.json {
        output::json(&report)?;
    } else {
        let row = [report.moved.to_string(), report.refused.to_string()];
        output::table(["moved", "refused"], [row])?;
    }
    Ok(if report.refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
