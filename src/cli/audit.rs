//! `audit`: proves that events, deliveries and typed tables tell one story.

use std::{process::ExitCode, time::Duration};

use anyhow::Context;

use super::output;
use crate::{
    config::Config,
    domain::{Clock, SystemClock},
    projections::audit::{Finding, Scope, audit},
    store,
};

/// Prove that events, deliveries and typed tables tell one story; change nothing
///
/// Every event has its row or a delivery that will write it, nothing is pending past its time, and the typed tables
/// say what the events say. What was given up for a sink, and what a sink never got, is counted and no failure. The
/// receiver may run meanwhile. The exit code is 1 when something is not as it should be. With --full, what an
/// interrupted rebuild has left is removed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n    huntr-receiver audit\n    huntr-receiver audit --full --json"
)]
pub(super) struct Args {
    /// Work out every row of the typed tables again, aside, and compare every column
    #[arg(long)]
    full: bool,
    /// What has been due for longer than this is late
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = humantime::parse_duration)]
    late_after: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    let store = store::open_existing(&config.database)
        .await
        .with_context(|| format!("opening the database {}", config.database.url))?;
    super::require_schema(&*store).await?;
    let routes = config.routes();
    let sinks = routes.types();
    let sinks = sinks.map(|(name, types)| (name.to_string(), types.cloned()));
    let scope = Scope {
        sinks: sinks.collect(),
        with_tables: config.tables.enabled,
        late_before: SystemClock.now() - args.late_after,
        full: args.full,
    };
    let findings = audit(&*store, &scope).await?;
    store.close().await;
    if args.json {
        output::json(&findings)?;
    } else {
        let rows = findings.iter().map(row);
        output::table(["checked", "", "count", "example", "remedy"], rows)?;
    }
    let all_well = findings.iter().all(|finding| finding.ok);
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn row(finding: &Finding) -> [String; 5] {
    let ok = if finding.ok { "ok" } else { "FAILED" };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        finding.what.clone(),
        ok.to_owned(),
        finding.count.to_string(),
        text(&finding.example),
        text(&finding.remedy),
    ]
}
