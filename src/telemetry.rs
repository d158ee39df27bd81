//! The process's own log: readable on a terminal, JSON otherwise, always on standard error.

use std::io::{IsTerminal, stderr};

use serde::Deserialize;
use tracing::error;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// What is logged without `RUST_LOG`: all that matters, without the database's small talk.
const USUAL: &str = "info,sqlx::postgres::notice=warn,rustls_platform_verifier=off";

/// `[log]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How a line is written.
    pub format: LogFormat,
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// [`LogFormat::Text`] on a terminal, [`LogFormat::Json`] otherwise.
    Auto,
    /// For people.
    Text,
    /// For programs: one object a line.
    Json,
}

/// Starts logging, for the whole process. `RUST_LOG` sets the level, `info` by default.
///
/// # Errors
///
/// When something else logs already.
pub fn install(config: &Config) -> anyhow::Result<()> {
    let terminal = stderr().is_terminal();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
    let text = match config.format {
        LogFormat::Auto => terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let (text, json) = if text {
        (
            Some(fmt::layer().with_writer(stderr).with_ansi(terminal)),
            None,
        )
    } else {
        (
            None,
            Some(fmt::layer().json().flatten_event(true).with_writer(stderr)),
        )
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(text)
        .with(json)
        .try_init()?;
    log_panics();
    Ok(())
}

/// A panic is logged by its place alone: its message may quote a body.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        error!(panic.location = place, "a task panicked");
    }));
}
