//! `check`: whether `serve` would work, without changing anything.

mod sinks;
mod spool;

use std::process::ExitCode;

use serde::Serialize;

use super::output;
use crate::{
    app::build_sources,
    config::Config,
    store::{self, DatabaseUrl, StoreError},
};

/// Check the configuration, the secrets, the database and every sink; change nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n    huntr-receiver check --config receiver.toml")]
pub(super) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One line of the report.
#[derive(Debug, Clone, Serialize)]
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
    findings.extend(database(config).await);
    findings.push(spool::check(config));
    findings.extend(sinks::check(config, &build_sources(config)).await);
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

async fn database(config: &Config) -> Vec<Finding> {
    let what = format!("database.url ({})", config.database.url);
    if let DatabaseUrl::Sqlite(path) = &config.database.url
        && !path.exists()
    {
        let detail = "not there yet; `serve` creates it";
        return vec![Finding::new(what, true, detail)];
    }
    let mut left_over = Vec::new();
    let finding = match reach(config, &mut left_over).await {
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
    };
    left_over.insert(0, finding);
    left_over
}

async fn reach(config: &Config, left_over: &mut Vec<Finding>) -> Result<usize, StoreError> {
    let store = store::open_existing(&config.database).await?;
    store.ping().await?;
    let pending = store.pending_migrations().await?;
    if pending == 0 {
        *left_over = sinks::left_over(config, &*store).await;
    }
    store.close().await;
    Ok(pending)
}
