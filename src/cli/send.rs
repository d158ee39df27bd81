//! `send`: signs bodies as the vendor would and posts them to a running receiver.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    pin::pin,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Misuse, output};
use crate::{
    app::build_sources,
    config::Config,
    providers::{Sample, Source, Sources},
};

/// Posts under way at once.
const CONCURRENCY: usize = 32;
/// Longer than any receiver should take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sign sample deliveries, or a file, and post them to a running receiver
///
/// A sample keeps its id, so that posting it again is answered "duplicate"; with --count, each delivery
/// has a new id. The exit code is 0 when every answer is 200.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n    huntr-receiver send --all\n    huntr-receiver send --type JOB_MOVED --count 1000 --rate 200\n    huntr-receiver send --url https://hooks.example.com --source huntr --file action.json"
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
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// At most so many a second
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(1..))]
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
}

/// One kind of body on its way to one source.
struct Letter<'a> {
    source: &'a Source,
    name: String,
    content: Content,
}

enum Content {
    Sample(&'static Sample),
    File(Bytes),
}

/// What became of one kind of body, equal for all that are counted together.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Outcome {
    source: String,
    sample: String,
    status: Option<u16>,
    answer: String,
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
    let letters = choose(&sources, args)?;
    let client = client()?;
    let progress = ProgressBar::new(letters.len() as u64 * args.count.unwrap_or(1));

    let mut tally: BTreeMap<Outcome, (Option<i64>, usize)> = BTreeMap::new();
    // Far enough from every other run's first number, so that no two runs share an id.
    let first_number = rand::random::<u64>() >> 24 << 24;
    let deliveries = (0..args.count.unwrap_or(1)).flat_map(|_| &letters);
    let mut outcomes = pin!(
        stream::iter((first_number..).zip(deliveries))
            .zip(pace(args.rate))
            .map(|((number, letter), ())| {
                let number = args.count.map(|_| number);
                post(&client, &args.url, letter, number)
            })
            .buffered(CONCURRENCY)
    );
    while let Some((outcome, event)) = outcomes.next().await {
        let (first_event, count) = tally.entry(outcome).or_insert((event, 0));
        *first_event = first_event.or(event);
        *count += 1;
        progress.inc(1);
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

fn choose<'a>(sources: &'a Sources, args: &Args) -> anyhow::Result<Vec<Letter<'a>>> {
    let chosen: Vec<&Source> = match &args.source {
        Some(name) => vec![
            sources
                .get(name.as_str())
                .ok_or_else(|| Misuse::no_source(name))?,
        ],
        None => sources
            .values()
            .filter(|source| source.provider().sign(b"").is_some())
            .collect(),
    };
    ensure!(
        !chosen.is_empty(),
        Misuse("no source has a secret to sign with".into())
    );
    let letters: Vec<_> = if let Some(path) = &args.what.file {
        let body = Bytes::from(
            std::fs::read(path).with_context(|| format!("reading {}", path.display()))?,
        );
        let [source] = chosen[..] else {
            bail!(Misuse(
                "--file goes to one source: name it with --source".into()
            ))
        };
        vec![Letter {
            source,
            name: path.display().to_string(),
            content: Content::File(body),
        }]
    } else {
        let wanted = |sample: &&Sample| match &args.what.event_type {
            Some(name) => sample.name == name,
            None => sample.documented,
        };
        let letter = |source, sample: &'static Sample| Letter {
            source,
            name: sample.name.to_owned(),
            content: Content::Sample(sample),
        };
        chosen
            .into_iter()
            .flat_map(|source| {
                source
                    .provider()
                    .samples()
                    .iter()
                    .filter(wanted)
                    .map(move |sample| letter(source, sample))
            })
            .collect()
    };
    if letters.is_empty() {
        let names = sources
            .values()
            .flat_map(|source| source.provider().samples())
            .map(|sample| sample.name);
        let names = Vec::from_iter(names.collect::<BTreeSet<_>>()).join(", ");
        bail!(Misuse(format!(
            "there is no such sample; there are {names}"
        )));
    }
    Ok(letters)
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

/// Follows no redirect: a webhook's sender would not either.
fn client() -> anyhow::Result<reqwest::Client> {
    // Fails only when a provider is installed already, which is just as well.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .user_agent(concat!("huntr-receiver/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("preparing to send")
}

async fn post(
    client: &reqwest::Client,
    base: &Url,
    letter: &Letter<'_>,
    number: Option<u64>,
) -> (Outcome, Option<i64>) {
    #[derive(Deserialize)]
    struct Received {
        status: String,
        event: Option<i64>,
    }
    let provider = letter.source.provider();
    let body = match (&letter.content, number) {
        (Content::File(body), _) => body.clone(),
        (Content::Sample(sample), None) => Bytes::from_static(sample.body.as_bytes()),
        (Content::Sample(sample), Some(number)) => provider.renumber(sample, number).into(),
    };
    let url = format!(
        "{}/webhooks/{}",
        base.as_str().trim_end_matches('/'),
        letter.source.name()
    );
    let mut request = client.post(url).header("content-type", "application/json");
    if let Some((name, value)) = provider.sign(&body) {
        request = request.header(name, value);
    }
    let answer = |status, answer| Outcome {
        source: letter.source.name().to_string(),
        sample: letter.name.clone(),
        status,
        answer,
    };
    match request.body(body).send().await {
        Err(error) => (answer(None, describe(&error)), None),
        Ok(response) => {
            let status = response.status().as_u16();
            match response.json::<Received>().await {
                Ok(received) => (answer(Some(status), received.status), received.event),
                Err(_) => (answer(Some(status), "refused".into()), None),
            }
        }
    }
}

/// The innermost cause, without the URL, whose query might be a secret.
fn describe(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
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
