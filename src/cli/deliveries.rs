//! `deliveries`: looks at what is to be delivered, and makes it run again or not at all.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Subcommand, builder::PossibleValuesParser, builder::TypedValueParser};
use indicatif::ProgressBar;
use serde::Serialize;

use super::{Misuse, output, time};
use crate::{
    config::Config,
    domain::{DeliveryState, DeliverySummary, EventId, Name, Timestamp, iso_millis},
    store::{self, DeliveryFilter, Store},
};

/// So many are changed in one go, so that nothing is locked for long.
const PORTION: u32 = 1000;

/// Look at the deliveries; retry or cancel many of them
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n    huntr-receiver deliveries list --state dead\n    huntr-receiver deliveries retry --sink crm"
)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Retry(Retry),
    Cancel(Cancel),
}

/// List deliveries, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n    huntr-receiver deliveries list --sink crm --state pending")]
struct List {
    #[command(flatten)]
    selection: Selection,
    /// Only in this state
    #[arg(long, value_parser = state())]
    state: Option<DeliveryState>,
    /// Only with an id below this one: the next page
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Deliver again what was given up
///
/// The attempts count on, and the time after which a delivery is given up begins anew. What is being delivered
/// at this moment is left alone.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n    huntr-receiver deliveries retry --sink crm --since 2d --dry-run"
)]
struct Retry {
    #[command(flatten)]
    selection: Selection,
    /// Those in this state; pending ones become due at once
    #[arg(long, default_value = "dead", value_parser = state())]
    state: DeliveryState,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Drop pending deliveries, also to a sink that is no longer configured
///
/// Calls under way are not called back, and for a second or two a running receiver may start more.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n    huntr-receiver deliveries cancel --sink old-crm",
    group = clap::ArgGroup::new("which").required(true).multiple(true).args(["sink", "id", "event"])
)]
struct Cancel {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, clap::Args)]
struct ChangeArgs {
    /// Only this delivery
    #[arg(long, value_name = "ID")]
    id: Option<i64>,
    /// Count them, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which deliveries.
#[derive(Debug, clap::Args)]
struct Selection {
    /// Only to this sink
    #[arg(long)]
    sink: Option<String>,
    /// Only of this event
    #[arg(long, value_name = "ID")]
    event: Option<i64>,
    /// Only of events of this type, such as `JOB_MOVED`
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only of events received at or after this time (2026-11-21T10:00:00Z, 2026-11-21, or 3d for so long ago)
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    since: Option<Timestamp>,
    /// Only of events received before this time
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    until: Option<Timestamp>,
}

impl Selection {
    fn filter(&self) -> DeliveryFilter {
        DeliveryFilter {
            sink: self.sink.clone(),
            event: self.event.map(EventId),
            event_type: self.event_type.clone(),
            since: self.since,
            until: self.until,
            ..DeliveryFilter::default()
        }
    }

    /// A misspelt name matches nothing, which must not look like nothing to do.
    async fn require_known_sink(&self, config: &Config, store: &dyn Store) -> anyhow::Result<()> {
        let Some(sink) = &self.sink else {
            return Ok(());
        };
        let routes = config.routes();
        let everything = DeliveryFilter {
            sink: Some(sink.clone()),
            ..DeliveryFilter::default()
        };
        let is_known = routes.has(sink) || !store.list_deliveries(&everything, 1).await?.is_empty();
        let names: Vec<&str> = routes.names().map(|name| &**name).collect();
        let configured = match names.join(", ") {
            names if names.is_empty() => "none is configured".to_owned(),
            names => format!("configured are: {names}"),
        };
        anyhow::ensure!(
            is_known,
            Misuse(format!(
                "--sink {sink}: there is no such sink and no delivery to one; {configured}"
            ))
        );
        Ok(())
    }
}

fn state() -> impl TypedValueParser<Value = DeliveryState> {
    PossibleValuesParser::new(DeliveryState::ALL.map(DeliveryState::as_str))
        .try_map(|text| text.parse::<DeliveryState>())
}

/// What was done.
#[derive(Debug, Serialize)]
struct Report {
    deliveries: u64,
    dry_run: bool,
}

pub(super) async fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    let store = store::open_existing(&config.database)
        .await
        .with_context(|| format!("opening the database {}", config.database.url))?;
    match &args.command {
        Command::List(args) => args.run(config, &*store).await?,
        Command::Retry(args) => args.run(config, &*store).await?,
        Command::Cancel(args) => args.run(config, &*store).await?,
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

impl List {
    async fn run(&self, config: &Config, store: &dyn Store) -> anyhow::Result<()> {
        let filter = DeliveryFilter {
            state: self.state,
            before: self.before,
            ..self.selection.filter()
        };
        let deliveries = store.list_deliveries(&filter, self.limit).await?;
        if deliveries.is_empty() {
            self.selection.require_known_sink(config, store).await?;
        }
        if self.json {
            return output::json(&deliveries);
        }
        let headers = [
            "id",
            "event",
            "type",
            "sink",
            "state",
            "attempts",
            "next attempt at",
            "last error",
        ];
        output::table(headers, deliveries.iter().map(row))
    }
}

fn row(delivery: &DeliverySummary) -> [String; 8] {
    let next_attempt_at = match delivery.state {
        DeliveryState::Pending => iso_millis(&delivery.next_attempt_at),
        _ => String::new(),
    };
    [
        delivery.id.to_string(),
        delivery.event_id.to_string(),
        delivery.event_type.clone().unwrap_or_default(),
        delivery.sink.clone(),
        delivery.state.to_string(),
        delivery.attempts.to_string(),
        next_attempt_at,
        delivery.last_error.clone().unwrap_or_default(),
    ]
}

impl Retry {
    async fn run(&self, config: &Config, store: &dyn Store) -> anyhow::Result<()> {
        let filter = DeliveryFilter {
            id: self.change.id,
            state: Some(self.state),
            ..self.selection.filter()
        };
        let sinks = sinks_of(store, &filter).await?;
        let report = change(store, filter, self.change.dry_run, Change::Retry).await?;
        if report.deliveries == 0 {
            self.selection.require_known_sink(config, store).await?;
        }
        if !self.change.dry_run {
            // Who does not hear it looks by itself: what is done is done.
            store.announce(&sinks).await.ok();
        }
        print("to be delivered again", &report, self.change.json)
    }
}

impl Cancel {
    async fn run(&self, config: &Config, store: &dyn Store) -> anyhow::Result<()> {
        let filter = DeliveryFilter {
            id: self.change.id,
            state: Some(DeliveryState::Pending),
            ..self.selection.filter()
        };
        let report = change(store, filter, self.change.dry_run, Change::Cancel).await?;
        if report.deliveries == 0 {
            self.selection.require_known_sink(config, store).await?;
        }
        print("cancelled", &report, self.change.json)
    }
}

#[derive(Clone, Copy)]
enum Change {
    Retry,
    Cancel,
}

/// Changes all that pass the filter, portion by portion.
async fn change(
    store: &dyn Store,
    mut filter: DeliveryFilter,
    dry_run: bool,
    change: Change,
) -> anyhow::Result<Report> {
    if dry_run {
        let deliveries = store.count_deliveries(&filter).await?;
        return Ok(Report {
            deliveries,
            dry_run,
        });
    }
    let progress = ProgressBar::new(store.count_deliveries(&filter).await?);
    let mut deliveries = 0;
    loop {
        let changed = match change {
            Change::Retry => store.retry_deliveries(&filter, PORTION).await?,
            Change::Cancel => {
                let reason = "cancelled by `deliveries cancel`";
                store.cancel_deliveries(&filter, PORTION, reason).await?
            }
        };
        let Some(lowest) = changed.iter().min() else {
            break;
        };
        filter.before = Some(*lowest);
        deliveries += changed.len() as u64;
        progress.inc(changed.len() as u64);
    }
    progress.finish_and_clear();
    Ok(Report {
        deliveries,
        dry_run,
    })
}

/// The sinks that have something to do after a retry.
async fn sinks_of(store: &dyn Store, filter: &DeliveryFilter) -> anyhow::Result<Vec<Name>> {
    if let Some(sink) = &filter.sink {
        return Ok(sink.parse().into_iter().collect());
    }
    let page = store.list_deliveries(filter, PORTION).await?;
    let mut sinks: Vec<Name> = page
        .into_iter()
        .filter_map(|delivery| delivery.sink.parse().ok())
        .collect();
    sinks.sort_unstable();
    sinks.dedup();
    Ok(sinks)
}

fn print(what: &str, report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(report);
    }
    let would = if report.dry_run { " (dry run)" } else { "" };
    output::line(&format!("{what}: {}{would}", report.deliveries))
}
