//! `send`: signs bodies as the vendor would and posts them to a running receiver.

mod letter;
mod organization;
mod postman;

use std::{collections::BTreeMap, path::PathBuf, pin::pin, process::ExitCode, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use indicatif::ProgressBar;
use serde::Serialize;
use url::Url;

use self::postman::{Outcome, Postman};
use super::{Misuse, output};
use crate::{app::build_sources, config::Config, domain::Timestamp, providers::Source};

/// Posts under way at once.
const CONCURRENCY: usize = 32;

/// Sign sample deliveries, or a file, and post them to a running receiver
///
/// A sample keeps its id, so that posting it again is answered "duplicate"; with --count, each delivery
/// has a new id. --organization posts a made-up history instead: many members seek jobs for half a year,
/// in about 125 Actions each; some arrive late, some twice. With the same seed and end its bytes are the
/// same, so that what did not get through can be posted again. The exit code is 0 when every answer is 200.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n    huntr-receiver send --all\n    huntr-receiver send --type JOB_MOVED --count 1000 --rate 200\n    huntr-receiver send --url https://hooks.example.com --source huntr --file action.json\n    huntr-receiver send --organization 200 --seed 7"
)]
pub(super) struct Args {
    /// The receiver's base URL, with http:// or https://
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: Url,
    /// Post to this source; by default to all that have a secret
    #[arg(long)]
    source: Option<String>,
    #[command(flatten)]
    what: What,
    /// Post each so many times, with new ids (a file keeps its own)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "organization")]
    count: Option<u64>,
    /// Which of all organisations of that size [default: 1]
    #[arg(long, conflicts_with_all = ["all", "event_type", "file"])]
    seed: Option<u64>,
    /// When the organisation's half year ends: a time, a day, or an age such as 3d [default: last midnight, UTC]
    #[arg(long, value_name = "TIME", value_parser = organization::end, conflicts_with_all = ["all", "event_type", "file"])]
    ends: Option<Timestamp>,
    /// At most so many a second
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// The sample of every documented event type
    #[arg(long)]
    all: bool,
    /// The sample of this name: an event type of Huntr (`JOB_MOVED`, `TEST`, …), or v1 or v2 of Hunty
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// The bytes of this file
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The history of a sample organisation with so many members
    #[arg(long, value_name = "MEMBERS", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    organization: Option<u32>,
}

/// Everything to be posted, made as it goes.
struct Round<'a> {
    parcels: Box<dyn Iterator<Item = Parcel<'a>> + 'a>,
    /// What the progress of the last one is, or about so.
    length: u64,
}

/// One body on its way to one source.
struct Parcel<'a> {
    source: &'a Source,
    /// What it is counted as.
    name: String,
    body: Bytes,
    /// How far everything is once this is posted.
    progress: u64,
}

/// An [`Outcome`] with what is not equal about it.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_event: Option<i64>,
    count: usize,
}

pub(super) async fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    config.require_sources()?;
    let sources = build_sources(config);
    let round = match args.what.organization {
        Some(members) => organization::round(&sources, args, members)?,
        None => letter::round(&sources, args)?,
    };
    let postman = &Postman::new(args.url.clone())?;
    let progress = ProgressBar::new(round.length);

    let mut tally: BTreeMap<Outcome, (Option<i64>, usize)> = BTreeMap::new();
    let parcels = stream::iter(round.parcels).zip(pace(args.rate));
    let mut outcomes = pin!(
        parcels
            .map(|(parcel, ())| async move { (parcel.progress, postman.post(parcel).await) })
            .buffered(CONCURRENCY)
    );
    while let Some((position, (outcome, event))) = outcomes.next().await {
        let (first_event, count) = tally.entry(outcome).or_insert((event, 0));
        *first_event = first_event.or(event);
        *count += 1;
        progress.set_position(position);
    }
    progress.finish_and_clear();

    let all_well = tally.keys().all(|outcome| outcome.status == Some(200));
    let rows = tally
        .into_iter()
        .map(|(outcome, (first_event, count))| Row {
            outcome,
            first_event,
            count,
        });
    print(rows.collect(), args.json)?;
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// An item for each delivery that may go out, as time goes by.
fn pace(rate: Option<u32>) -> impl Stream<Item = ()> {
    match rate {
        None => stream::repeat(()).left_stream(),
        Some(rate) => {
            let interval = tokio::time::interval(Duration::from_secs(1) / rate);
            stream::unfold(interval, |mut interval| async {
                interval.tick().await;
                Some(((), interval))
            })
            .right_stream()
        }
    }
}

fn print(rows: Vec<Row>, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(&rows);
    }
    let row = |row: Row| {
        [
            row.outcome.source,
            row.outcome.sample,
            row.outcome
                .status
                .map_or_else(|| "-".to_owned(), |status| status.to_string()),
            row.outcome.answer,
            row.first_event
                .map(|event| event.to_string())
                .unwrap_or_default(),
            row.count.to_string(),
        ]
    };
    let headers = [
        "source",
        "sample",
        "status",
        "answer",
        "first event",
        "count",
    ];
    output::table(headers, rows.into_iter().map(row))
}
