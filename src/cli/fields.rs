//! `fields import`: tells the views what the organisation calls its own fields.

use std::{io::Read, path::Path, process::ExitCode};

use anyhow::Context;
use serde::Serialize;

use super::{Misuse, output};
use crate::{
    config::Config,
    domain::{Clock, MemberFields, Name, SystemClock},
    store::{self, Imported},
};

/// Tell the names of the organisation's own member fields, such as the cohort
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n    huntr-receiver fields import member-fields.json")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Import(ImportArgs),
}

/// Take over the fields from a file with the answer of the API
///
/// Webhooks name a field by its id alone. After this, the options of [tables] may name it as people do.
/// Where the file holds the whole list, fields that are not in it are marked as deleted.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n    huntr-receiver fields import member-fields.json\n    huntr-receiver fields import --source huntr member-fields.json"
)]
struct ImportArgs {
    /// The file, or - for the standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// Whose fields they are; not needed where only one source has any
    #[arg(long)]
    source: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What the import found and did.
#[derive(Debug, Serialize)]
struct Report {
    source: String,
    /// Fields in the file.
    fields: usize,
    /// Fields that were not known before.
    added: usize,
    /// Fields that the file does not have any more.
    removed: usize,
    /// Whether the file is the whole list.
    whole: bool,
}

pub(super) async fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    let Command::Import(args) = &args.command;
    config.require_sources()?;
    let source = choose(config, args.source.as_deref())?;
    let fields = read(config, source, &args.file)?;
    let store = store::open_existing(&config.database)
        .await
        .with_context(|| format!("opening the database {}", config.database.url))?;
    let imported = store
        .import_fields(source, &fields, SystemClock.now())
        .await;
    let Imported { added, removed } = imported.context("importing the fields")?;
    store.close().await;
    let report = Report {
        source: source.to_string(),
        fields: fields.fields.len(),
        added,
        removed,
        whole: fields.are_all,
    };
    if args.json {
        output::json(&report)?;
    } else {
        let row = [
            report.source,
            report.fields.to_string(),
            report.added.to_string(),
            report.removed.to_string(),
        ];
        output::table(["source", "fields", "added", "removed"], [row])?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The named source, or the only one whose provider has fields.
fn choose<'a>(config: &'a Config, name: Option<&str>) -> Result<&'a Name, Misuse> {
    let with_fields = || {
        let sources = config.sources.iter();
        sources.filter_map(|(name, source)| source.fields_reader().map(|_| name))
    };
    if let Some(name) = name {
        let named = config.sources.keys().find(|source| &***source == name);
        let named = named.ok_or_else(|| Misuse::no_source(name))?;
        return with_fields()
            .find(|source| *source == named)
            .ok_or_else(|| {
                Misuse(format!(
                    "the provider of the source {name} has no member fields"
                ))
            });
    }
    let mut candidates = with_fields();
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Misuse(
            "no source in the configuration is of a provider with member fields".into(),
        )),
        (Some(_), Some(_)) => {
            let names: Vec<_> = with_fields().map(ToString::to_string).collect();
            Err(Misuse(format!(
                "several sources have member fields: say which with --source ({})",
                names.join(", ")
            )))
        }
    }
}

fn read(config: &Config, source: &Name, file: &str) -> anyhow::Result<MemberFields> {
    let answer = if file == "-" {
        let mut answer = Vec::new();
        std::io::stdin()
            .read_to_end(&mut answer)
            .context("reading the standard input")?;
        answer
    } else {
        std::fs::read(Path::new(file)).with_context(|| format!("reading {file}"))?
    };
    let read = config
        .sources
        .get(source)
        .and_then(|source| source.fields_reader())
        .context("the source has no fields")?;
    let file = if file == "-" {
        "the standard input"
    } else {
        file
    };
    read(&answer).with_context(|| format!("{file} is no answer of GET /member-fields"))
}
