//! `reverify`: gives refused requests another chance with today's secrets.

use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;
use tracing::error;

use super::{Misuse, output};
use crate::{
    app::build_sources,
    config::Config,
    deliveries::Routes,
    domain::{Insertion, NewEvent, Origin, RejectedId, StoredRejection},
    providers::Source,
    store::{self, Store, StoreError},
};

/// Requests looked at in one go; each may be as large as `server.max_body`.
const PAGE: u32 = 16;

/// Accept the refused requests that match today's secrets
///
/// Run it after a wrong secret was mended: nothing that was refused because of it is lost.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n    huntr-receiver reverify --source huntr")]
pub(super) struct Args {
    /// Only of this source
    #[arg(long)]
    source: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What became of the refused requests of one source.
#[derive(Debug, Default, Serialize)]
struct Report {
    source: String,
    /// Now events.
    accepted: usize,
    /// Events already, by another way.
    duplicates: usize,
    /// As unauthentic as before.
    still_refused: usize,
    /// Authentic, but the database does not take them; they stay where they are.
    failed: usize,
}

pub(super) async fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    config.require_sources()?;
    let sources = build_sources(config);
    if let Some(name) = &args.source
        && !sources.contains_key(name.as_str())
    {
        return Err(Misuse::no_source(name).into());
    }
    let routes = config.routes();
    let store = store::open_existing(&config.database)
        .await
        .with_context(|| format!("opening the database {}", config.database.url))?;
    let mut reports = Vec::new();
    for source in sources.values() {
        if args
            .source
            .as_deref()
            .is_none_or(|name| name == &**source.name())
        {
            reports.push(reverify(&*store, source, &routes).await?);
        }
    }
    store.close().await;
    if args.json {
        output::json(&reports)?;
    } else {
        let row = |report: &Report| {
            [
                report.source.clone(),
                report.accepted.to_string(),
                report.duplicates.to_string(),
                report.still_refused.to_string(),
                report.failed.to_string(),
            ]
        };
        output::table(
            [
                "source",
                "accepted",
                "duplicates",
                "still refused",
                "failed",
            ],
            reports.iter().map(row),
        )?;
    }
    let all_well = reports.iter().all(|report| report.failed == 0);
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn reverify(store: &dyn Store, source: &Source, routes: &Routes) -> anyhow::Result<Report> {
    let mut report = Report {
        source: source.name().to_string(),
        ..Report::default()
    };
    let mut after = RejectedId(0);
    loop {
        let page = store.list_rejected(source.name(), after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(report);
        };
        after = last.id;
        let seen = page.len();
        let (ids, events): (Vec<_>, Vec<_>) = page
            .into_iter()
            .filter_map(|request| accept(source, routes, request))
            .unzip();
        report.still_refused += seen - ids.len();
        // Stored first, removed then: between the two, a request is there twice and never not at all.
        let mut stored = Vec::with_capacity(ids.len());
        for (id, insertion) in ids.into_iter().zip(insert(store, &events).await?) {
            match insertion {
                Some(Insertion::Stored(_)) => report.accepted += 1,
                Some(Insertion::Duplicate(_)) => report.duplicates += 1,
                None => {
                    report.failed += 1;
                    continue;
                }
            }
            stored.push(id);
        }
        store.remove_rejected(&stored).await?;
    }
}

/// Inserts all at once, or one by one if the database refuses one of them: `None` for that one.
async fn insert(
    store: &dyn Store,
    events: &[NewEvent],
) -> Result<Vec<Option<Insertion>>, StoreError> {
    match store.insert_events(events).await {
        Ok(insertions) => return Ok(insertions.into_iter().map(Some).collect()),
        Err(StoreError::Refused(_)) => {}
        Err(error) => return Err(error),
    }
    let mut insertions = Vec::with_capacity(events.len());
    for event in events {
        match store.insert_events(std::slice::from_ref(event)).await {
            Ok(insertion) => insertions.extend(insertion.into_iter().map(Some)),
            Err(error @ StoreError::Refused(_)) => {
                error!(?error, event.delivery_id, "the database refuses an event");
                insertions.push(None);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(insertions)
}

fn accept(
    source: &Source,
    routes: &Routes,
    request: StoredRejection,
) -> Option<(RejectedId, NewEvent)> {
    let provider = source.provider();
    let credential = provider.recall(&request.headers)?;
    let verified = provider.verify(credential, request.body.into()).ok()?;
    let event = source.event(verified, request.received_at, Origin::Reverify);
    Some((request.id, routes.route(event)))
}
