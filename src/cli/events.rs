//! `events`: looks at what is stored.

use std::process::ExitCode;

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use clap::Subcommand;
use serde::Serialize;

use super::{output, time};
use crate::{
    config::Config,
    domain::{EventId, EventRecord, EventSummary, Timestamp, iso_millis},
    store::{self, EventFilter, Store},
};

/// Look at the stored events
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n    huntr-receiver events list --type JOB_MOVED --since 3d\n    huntr-receiver events show 42"
)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List events, newest first
    #[command(after_help = "Example:\n    huntr-receiver events list --problems --limit 20")]
    List {
        /// Only of this source
        #[arg(long)]
        source: Option<String>,
        /// Only of this event type, such as `JOB_MOVED`
        #[arg(long = "type", value_name = "TYPE")]
        event_type: Option<String>,
        /// Only received at or after this time (2026-11-21T10:00:00Z, 2026-11-21, or 3d for so long ago)
        #[arg(long, value_name = "TIME", value_parser = time::parse)]
        since: Option<Timestamp>,
        /// Only received before this time
        #[arg(long, value_name = "TIME", value_parser = time::parse)]
        until: Option<Timestamp>,
        /// Only those that could not be wholly understood
        #[arg(long)]
        problems: bool,
        /// Only with an id below this one: the next page
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one event, with its body
    #[command(after_help = "Example:\n    huntr-receiver events show 42 --body > action.json")]
    Show {
        /// The event's id
        id: i64,
        /// Print JSON
        #[arg(long, conflicts_with = "body")]
        json: bool,
        /// Print the body alone, byte for byte
        #[arg(long)]
        body: bool,
    },
}

pub(super) async fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    let store = store::open_existing(&config.database)
        .await
        .with_context(|| format!("opening the database {}", config.database.url))?;
    match &args.command {
        Command::List {
            source,
            event_type,
            since,
            until,
            problems,
            before,
            limit,
            json,
        } => {
            let filter = EventFilter {
                source: source.clone(),
                event_type: event_type.clone(),
                since: *since,
                until: *until,
                problems_only: *problems,
                before: before.map(EventId),
                limit: *limit,
                ..EventFilter::default()
            };
            list(&*store, &filter, *json).await?;
        }
        Command::Show { id, json, body } => show(&*store, EventId(*id), *json, *body).await?,
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn list(store: &dyn Store, filter: &EventFilter, json: bool) -> anyhow::Result<()> {
    let events = store.list_events(filter).await?;
    if json {
        return output::json(&events);
    }
    let row = |event: &EventSummary| {
        [
            event.id.to_string(),
            iso_millis(&event.received_at),
            event.source.clone(),
            event.event_type.clone().unwrap_or_default(),
            event.delivery_id.clone(),
            event.problem.clone().unwrap_or_default(),
        ]
    };
    let headers = [
        "id",
        "received at",
        "source",
        "type",
        "delivery id",
        "problem",
    ];
    output::table(headers, events.iter().map(row))
}

async fn show(store: &dyn Store, id: EventId, json: bool, body: bool) -> anyhow::Result<()> {
    let Some(event) = store.find_event(id).await? else {
        bail!("there is no event {id}");
    };
    if body {
        return output::bytes(&event.body);
    }
    if json {
        return output::json(&Whole::from(&event));
    }
    let EventRecord {
        summary,
        signature,
        body,
    } = &event;
    let rows = [
        ("id", summary.id.to_string()),
        ("source", summary.source.clone()),
        ("provider", summary.provider.clone()),
        ("delivery id", summary.delivery_id.clone()),
        ("type", summary.event_type.clone().unwrap_or_default()),
        (
            "occurred at",
            summary
                .occurred_at
                .as_ref()
                .map(iso_millis)
                .unwrap_or_default(),
        ),
        ("received at", iso_millis(&summary.received_at)),
        ("origin", summary.origin.clone()),
        (
            "envelope version",
            summary
                .envelope_version
                .map(|v| v.to_string())
                .unwrap_or_default(),
        ),
        ("signature", signature.clone().unwrap_or_default()),
        ("problem", summary.problem.clone().unwrap_or_default()),
        ("body", format!("{} bytes", body.len())),
    ];
    output::table(["", ""], rows.map(|(key, value)| [key.to_owned(), value]))?;
    output::foreign(&String::from_utf8_lossy(body))
}

/// An event as JSON, with the body as text where it is text.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    summary: &'a EventSummary,
    signature: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

impl<'a> From<&'a EventRecord> for Whole<'a> {
    fn from(event: &'a EventRecord) -> Self {
        let text = std::str::from_utf8(&event.body).ok();
        Self {
            summary: &event.summary,
            signature: event.signature.as_deref(),
            body: text,
            body_base64: text.is_none().then(|| BASE64_STANDARD.encode(&event.body)),
        }
    }
}
