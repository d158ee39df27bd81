//! `serve`: runs the receiver until a signal stops it.

use std::{net::SocketAddr, pin::pin, process::ExitCode};

use anyhow::{Context, bail};
use tokio_util::sync::CancellationToken;

use crate::{app::Application, config::Config, metrics, shutdown::Signals};

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
    // From here on, so that a signal during the start is not missed.
    let mut signals = Signals::listen()?;
    let metrics = metrics::install().context("collecting metrics")?;
    let application = Application::build(config, metrics).await?;
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
