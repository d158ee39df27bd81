//! `serve`: runs the receiver until a signal stops it.

use std::{net::SocketAddr, pin::pin, process::ExitCode};

use anyhow::{Context, bail};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    app::Application, config::Config, http::ADMIN_CONNECTIONS, metrics, shutdown::Signals,
};

/// Descriptors for all but connections: the database, files, the runtime.
const DESCRIPTORS_BESIDE: u64 = 64;

/// Run the receiver (the default command)
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Example:\n    HUNTR_WEBHOOK_SECRET=try-me huntr-receiver serve --listen 127.0.0.1:8080"
)]
pub(super) struct Args {
    /// The public listener; overrides `server.listen`
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The admin listener; overrides `server.admin_listen`
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,
}

impl Args {
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        [
            ("server.listen", self.listen),
            ("server.admin_listen", self.admin_listen),
        ]
        .into_iter()
        .filter_map(|(key, address)| Some((key, address?.to_string())))
        .collect()
    }
}

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    config.require_sources()?;
    let mut config = config.clone();
    config.server.max_connections = affordable(config.server.max_connections);
    let config = &config;
    // From here on, so that a signal during the start is not missed.
    let mut signals = Signals::listen()?;
    let metrics = metrics::install().context("collecting metrics")?;
    let application = tokio::select! {
        application = Application::build(config, metrics) => application?,
        () = signals.next() => return Ok(ExitCode::SUCCESS),
    };
    let stop = CancellationToken::new();
    let mut running = pin!(application.run_until_stopped(stop.cancelled()));
    tokio::select! {
        result = &mut running => result?,
        () = signals.next() => {
            stop.cancel();
            tokio::select! {
                result = &mut running => result?,
                () = signals.next() => bail!("stopped at once by a second signal; what was in flight got no 200"),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// As many connections as there are descriptors for: each takes one, on both listeners, and the usual limit is far lower.
fn affordable(max_connections: usize) -> usize {
    let beside = ADMIN_CONNECTIONS as u64 + DESCRIPTORS_BESIDE;
    let wanted = max_connections as u64 + beside;
    let limit = match rlimit::increase_nofile_limit(wanted) {
        Ok(limit) => limit,
        Err(error) => {
            warn!(%error, "the limit on open files cannot be raised");
            return max_connections;
        }
    };
    if limit >= wanted {
        return max_connections;
    }
    let affordable = limit.saturating_sub(beside).max(limit / 4).max(1);
    warn!(
        limit,
        wanted,
        connections = affordable,
        "the limit on open files is too low for server.max_connections: fewer are taken; raise it (ulimit -n, LimitNOFILE)"
    );
    usize::try_from(affordable).unwrap_or(max_connections)
}
