//! `replay`: delivers stored events again to a sink, or for the first time to a new one.

use std::{num::NonZeroU32, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use indicatif::ProgressBar;
use serde::Serialize;

use super::{Misuse, output, time};
use crate::{
    config::Config,
    deliveries::Routes,
    domain::{EventId, EventSummary, Name, Timestamp},
    store::{self, EventFilter, Replay, Store},
};

/// Events looked at in one go.
const PAGE: u32 = 500;

/// Deliver stored events again to a sink, or for the first time to a new one
///
/// What the sink does not want by its `types` and `when` is left out, and what is pending anyway stays as it
/// is. The receiver that runs on the database delivers them, behind what is fresh.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n    huntr-receiver replay --sink crm --since 7d --dry-run\n    huntr-receiver replay --sink crm --since 7d --rate 20"
)]
pub(super) struct Args {
    /// To this sink
    #[arg(long)]
    sink: String,
    /// Only events of this source
    #[arg(long)]
    source: Option<String>,
    /// Only events of this type, such as `JOB_MOVED`
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only events received at or after this time (2026-11-21T10:00:00Z, 2026-11-21, or 3d for so long ago)
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    since: Option<Timestamp>,
    /// Only events received before this time
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    until: Option<Timestamp>,
    /// Spread them over time: so many become due a second
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,
    /// Count them, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was done.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Events that pass the filters and that the sink wants by its `types`.
    events: u64,
    /// Deliveries that are pending because of it; the others were pending before.
    replayed: u64,
    dry_run: bool,
}

pub(super) async fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    let name: Name = args.sink.parse().map_err(|_| no_sink(args))?;
    let routes = config.routes();
    if !routes.has(&name) {
        return Err(no_sink(args).into());
    }
    let store = store::open_existing(&config.database)
        .await
        .with_context(|| format!("opening the database {}", config.database.url))?;
    let report = replay(&*store, &routes, &name, args).await?;
    if !args.dry_run {
        // Who does not hear it looks by itself: what is done is done.
        store.announce(std::slice::from_ref(&name)).await.ok();
    }
    store.close().await;
    if args.json {
        output::json(&report)?;
    } else if args.dry_run {
        output::line(&format!("events to replay: {}", report.events))?;
    } else {
        let pending_before = report.events - report.replayed;
        output::line(&format!(
            "replayed: {} (pending before: {pending_before})",
            report.replayed
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn no_sink(args: &Args) -> Misuse {
    Misuse(format!(
        "there is no sink {} in the configuration",
        args.sink
    ))
}

/// Goes through the events from the oldest to the newest, so that the sink gets them in that order.
async fn replay(
    store: &dyn Store,
    routes: &Routes,
    sink: &Name,
    args: &Args,
) -> anyhow::Result<Report> {
    let mut filter = EventFilter {
        source: args.source.clone(),
        event_type: args.event_type.clone(),
        since: args.since,
        until: args.until,
        limit: PAGE,
        ..EventFilter::default()
    };
    let mut report = Report {
        dry_run: args.dry_run,
        ..Report::default()
    };
    let progress = ProgressBar::new_spinner();
    loop {
        let page = store.list_events_forward(&filter).await?;
        let Some(last) = page.last() else { break };
        filter.after = Some(last.id);
        let mut replays = Vec::new();
        for event in &page {
            if routes.wants(sink, event.event_type.as_deref()) {
                let delay = delay(args.rate, report.events);
                report.events += 1;
                replays.push(of_event(store, routes, sink, event, delay).await?);
            }
        }
        if !args.dry_run {
            report.replayed += store.replay_deliveries(sink, &replays).await?;
        }
        progress.set_message(format!("{} events", report.events));
        progress.tick();
    }
    progress.finish_and_clear();
    Ok(report)
}

async fn of_event(
    store: &dyn Store,
    routes: &Routes,
    sink: &Name,
    event: &EventSummary,
    delay: Duration,
) -> anyhow::Result<Replay> {
    let order_key = if routes.is_in_order(sink) {
        let EventId(id) = event.id;
        let Some(event) = store.find_event(event.id).await? else {
            bail!("event {id} vanished while it was being replayed");
        };
        routes.order_key(sink, &event.summary.provider, &event.body)
    } else {
        None
    };
    Ok(Replay {
        event: event.id,
        order_key,
        delay,
    })
}

/// When the event with this number is due, so that there are no more than `rate` in a second.
fn delay(rate: Option<NonZeroU32>, number: u64) -> Duration {
    let Some(rate) = rate else {
        return Duration::ZERO;
    };
    let rate = u64::from(rate.get());
    let millis = (number % rate) * 1000 / rate;
    Duration::from_secs(number / rate) + Duration::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_spreads_the_replay_over_time() {
        let rate = NonZeroU32::new(4);
        let delays = [0, 1, 3, 4, 9].map(|number| delay(rate, number).as_millis());
        assert_eq!(delays, [0, 250, 750, 1000, 2250]);
        assert_eq!(delay(None, 1_000_000), Duration::ZERO);
    }
}
