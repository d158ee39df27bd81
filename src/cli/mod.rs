//! The commands. Results go to standard output, the log to standard error.

mod audit;
mod check;
mod deliveries;
mod drain;
mod events;
mod fields;
mod migrate;
mod output;
mod rebuild;
mod replay;
mod reverify;
mod seal;
mod send;
mod serve;
mod time;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use tracing::warn;

use crate::{
    config::{Config, ConfigError, Overrides},
    store::Store,
    telemetry,
};

/// Receives Huntr and Hunty webhooks and never loses one.
///
/// Without a command it serves. A secret in the environment is all it needs to start.
#[derive(Debug, Parser)]
#[command(
    name = "huntr-receiver",
    version,
    max_term_width = 100,
    after_help = "Example:\n    HUNTR_WEBHOOK_SECRET=try-me huntr-receiver"
)]
struct Cli {
    /// The configuration file; what it leaves out has its default
    #[arg(long, global = true, env = "RECEIVER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Check(check::Args),
    Migrate(migrate::Args),
    Send(send::Args),
    Events(events::Args),
    Deliveries(deliveries::Args),
    Replay(replay::Args),
    Rebuild(rebuild::Args),
    Audit(audit::Args),
    Reverify(reverify::Args),
    Drain(drain::Args),
    Fields(fields::Args),
}

/// An argument that does not fit the configuration, or the other arguments.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misuse(String);

impl Misuse {
    fn no_source(name: &str) -> Self {
        Self(format!("there is no source {name} in the configuration"))
    }
}

/// Refuses a database that lacks what this version's queries are made for.
async fn require_schema(store: &dyn Store) -> anyhow::Result<()> {
    match store.pending_migrations().await? {
        0 => Ok(()),
        pending => bail!(
            "migrations that are not applied to the database: {pending}; run `huntr-receiver migrate` first"
        ),
    }
}

/// Runs the command that the command line names.
///
/// The exit code is 0 when it is done, 1 when it failed, and 2 when it or the configuration was wrong.
#[must_use]
pub fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            let wrongly_used = error.is::<ConfigError>() || error.is::<Misuse>();
            if wrongly_used {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    telemetry::quieten_panics();
    let command = cli
        .command
        .unwrap_or(Command::Serve(serve::Args::default()));
    // Before the first secret is read.
    let sealed = match command {
        Command::Serve(_) => seal::seal(),
        _ => Ok(()),
    };
    let flags = match &command {
        Command::Serve(args) => args.flags(),
        _ => Vec::new(),
    };
    let config = Config::load(&Overrides {
        file: cli.config,
        flags,
    })?;
    telemetry::install(&config.log)?;
    if let Err(error) = sealed {
        warn!(%error, "other processes of this user may read this one's memory, and so may who finds its core dump");
    }
    // Whatever speaks TLS finds it here. It fails where it was done already.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let outcome = runtime.block_on(async {
        match command {
            Command::Serve(_) => serve::run(&config).await,
            Command::Check(args) => check::run(&config, &args).await,
            Command::Migrate(_) => migrate::run(&config).await,
            Command::Send(args) => send::run(&config, &args).await,
            Command::Events(args) => events::run(&config, &args).await,
            Command::Deliveries(args) => deliveries::run(&config, &args).await,
            Command::Replay(args) => replay::run(&config, &args).await,
            Command::Rebuild(args) => rebuild::run(&config, &args).await,
            Command::Audit(args) => audit::run(&config, &args).await,
            Command::Reverify(args) => reverify::run(&config, &args).await,
            Command::Drain(args) => drain::run(&config, &args).await,
            Command::Fields(args) => fields::run(&config, &args).await,
        }
    });
    // What still blocks, such as a name that is being looked up, is not waited for.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Everybody on a machine can read the arguments of everybody's processes.
    const SECRETS: [&str; 7] = [
        "secret",
        "token",
        "password",
        "credential",
        "key",
        "database",
        "authorization",
    ];

    fn arguments(command: &clap::Command) -> Vec<String> {
        let own = command.get_arguments().map(|argument| {
            let names = argument.get_value_names().unwrap_or_default();
            format!("{} {names:?}", argument.get_id()).to_lowercase()
        });
        let below = command.get_subcommands().flat_map(arguments);
        own.chain(below).collect()
    }

    #[test]
    fn no_argument_takes_a_secret() {
        let arguments = arguments(&Cli::command());
        assert!(
            arguments
                .iter()
                .any(|argument| argument.starts_with("admin_listen"))
        );
        for argument in arguments {
            let secret = SECRETS.iter().find(|secret| argument.contains(*secret));
            assert_eq!(secret, None, "{argument}");
        }
    }
}
