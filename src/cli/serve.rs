//! `serve`: runs the receiver until a signal stops it.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::Context;

use crate::{app::Application, config::Config, metrics, shutdown};

/// Run the receiver (the default command)
///
///     HUNTR_WEBHOOK_SECRET=try-me huntr-receiver serve --listen 127.0.0.1:8080
#[derive(Debug, Default, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The public listener; overrides server.listen
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The admin listener; overrides server.admin_listen
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,
}

impl Args {
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        [("server.listen", self.listen), ("server.admin_listen", self.admin_listen)]
            .into_iter()
            .filter_map(|(key, address)| Some((key, address?.to_string())))
            .collect()
    }
}

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    config.require_sources()?;
    // From here on, so that a signal during the start is not missed.
    let stop = shutdown::signalled()?;
    let metrics = metrics::install().context("collecting metrics")?;
    Application::build(config, metrics).await?.run_until_stopped(stop).await?;
    Ok(ExitCode::SUCCESS)
}
