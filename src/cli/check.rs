//! `check`: whether `serve` would work, without changing anything.

use std::process::ExitCode;

use serde::Serialize;

use super::output;
use crate::{
    config::Config,
    store::{self, DatabaseUrl, StoreError},
};

/// Check the configuration, the secrets and the database; change nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n    huntr-receiver check --config receiver.toml")]
pub(super) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One line of the report.
#[derive(Debug, Serialize)]
struct Finding {
    what: String,
    ok: bool,
    detail: String,
}

pub(super) async fn run(config: &Config, args: &Args) -> anyhow::Result<ExitCode> {
    config.require_sources()?;
    let mut findings = Vec::new();
    for (name, source) in &config.sources {
        let detail = if source.trusts_everybody() {
            "verify = false: everybody who can reach the URL is believed"
        } else {
            "the secrets are there"
        };
        findings.push(Finding::new(format!("sources.{name}"), true, detail));
    }
    findings.push(database(config).await);
    for name in config.sinks.keys() {
        let detail = "its deliveries are recorded; this version does not deliver them yet";
        findings.push(Finding::new(format!("sinks.{name}"), true, detail));
    }
    if args.json {
        output::json(&findings)?;
    } else {
        let row = |finding: &Finding| {
            let ok = if finding.ok { "ok" } else { "FAILED" };
            [finding.what.clone(), ok.to_owned(), finding.detail.clone()]
        };
        output::table(["checked", "", ""], findings.iter().map(row))?;
    }
    let all_well = findings.iter().all(|finding| finding.ok);
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Finding {
    fn new(what: impl Into<String>, ok: bool, detail: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ok,
            detail: detail.into(),
        }
    }
}

async fn database(config: &Config) -> Finding {
    let what = format!("database.url ({})", config.database.url);
    if let DatabaseUrl::Sqlite(path) = &config.database.url
        && !path.exists()
    {
        return Finding::new(what, true, "not there yet; `serve` creates it");
    }
    match reach(config).await {
        Ok(0) => Finding::new(what, true, "reachable, writable, up to date"),
        Ok(pending) if config.database.migrate => Finding::new(
            what,
            true,
            format!("reachable, writable; migrations that `serve` will apply: {pending}"),
        ),
        Ok(pending) => {
            let detail =
                format!("migrations that are not applied: {pending}; run `huntr-receiver migrate`");
            Finding::new(what, false, detail)
        }
        Err(error) => Finding::new(what, false, format!("{error:?}")),
    }
}

async fn reach(config: &Config) -> Result<usize, StoreError> {
    let store = store::open_existing(&config.database).await?;
    store.ping().await?;
    let pending = store.pending_migrations().await?;
    store.close().await;
    Ok(pending)
}
