//! `migrate`: brings the database's schema up to date.

use std::process::ExitCode;

use anyhow::Context;

use super::output;
use crate::{config::Config, store};

/// Apply the database migrations that are not applied yet (`serve` does it too)
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n    DATABASE_URL=postgres://receiver@db/receiver huntr-receiver migrate"
)]
pub(super) struct Args {}

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let store = store::open(&config.database)
        .await
        .with_context(|| format!("opening the database {}", config.database.url))?;
    let applied = store.migrate().await?;
    store.close().await;
    output::line(&match applied {
        0 => format!("{} is up to date", config.database.url),
        1 => format!("applied 1 migration to {}", config.database.url),
        _ => format!("applied {applied} migrations to {}", config.database.url),
    })?;
    Ok(ExitCode::SUCCESS)
}
