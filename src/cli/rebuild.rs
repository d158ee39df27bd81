//! `rebuild`: fills the typed tables again from the events, and exchanges them when they are ready.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::output;
use crate::{
    config::Config,
    projections::rebuild::{RebuildError, Rebuilt, rebuild},
    store::{self, EventFilter, Store},
};

/// Fill the typed tables again from `events`
///
/// New tables are filled beside the old ones, which stay as they are until all is ready; then they are exchanged in
/// one transaction, with views, grants and comments. The receiver may run meanwhile. What was interrupted goes on
/// where it was.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n    huntr-receiver rebuild\n    huntr-receiver rebuild --restart --json"
)]
pub(super) struct Args {
    /// Begin anew, also where one was interrupted
    #[arg(long)]
    restart: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Report {
    /// Events that were read, before an interruption included.
    events: u64,
    /// Rows whose events have been removed: they stay.
    kept: u64,
    /// Events that came in meanwhile.
    caught_up: u64,
    seconds: f64,
    resumed: bool,
}

pub(super) async fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    let store = store::open_existing(&config.database)
        .await
        .with_context(|| format!("opening the database {}", config.database.url))?;
    super::require_schema(&*store).await?;
    let started = Instant::now();
    let bar = progress_bar(&*store).await?;
    let rebuilt = rebuild(&*store, args.restart, &|done| show(&bar, done)).await;
    bar.finish_and_clear();
    store.close().await;
    let rebuilt = match rebuilt {
        Err(error @ RebuildError::Unclean(_)) => return Err(error.into()),
        rebuilt => rebuilt.context("the typed tables are as they were")?,
    };
    let report = Report {
        events: rebuilt.events,
        kept: rebuilt.kept,
        caught_up: rebuilt.caught_up,
        seconds: started.elapsed().as_secs_f64(),
        resumed: rebuilt.resumed,
    };
    if args.json {
        output::json(&report)?;
    } else {
        output::line(&report.sentence())?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Report {
    fn sentence(&self) -> String {
        let resumed = if self.resumed { ", resumed" } else { "" };
        let Self {
            events,
            kept,
            caught_up,
            seconds,
            ..
        } = self;
        format!(
            "rebuilt from {events} events in {seconds:.1} s{resumed} (rows kept without their events: {kept}, \
             events taken over from meanwhile: {caught_up})"
        )
    }
}

/// Ids have gaps, but about so many events there are.
async fn progress_bar(store: &dyn Store) -> anyhow::Result<ProgressBar> {
    let newest = EventFilter {
        limit: 1,
        ..EventFilter::default()
    };
    let newest = store.list_events(&newest).await?;
    let about = newest.first().map_or(0, |event| event.id.0.unsigned_abs());
    let bar = ProgressBar::new(about);
    bar.set_style(ProgressStyle::with_template(
        "{wide_bar} {human_pos} of about {human_len} events, {per_sec}, {eta} left {msg}",
    )?);
    bar.enable_steady_tick(Duration::from_millis(500));
    Ok(bar)
}

fn show(bar: &ProgressBar, done: Rebuilt) {
    if done.resumed {
        bar.set_message("(resumed)");
    }
    bar.set_position(done.events);
}
