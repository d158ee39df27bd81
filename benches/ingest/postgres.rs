//! A throw-away PostgreSQL with our schema, and `pgbench` on it.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use huntr_receiver::store::{Schema, Store, postgres::PostgresStore};
use sqlx::{Connection, Executor, PgConnection};
use tempfile::NamedTempFile;

/// Both halves of a round start with empty tables and no dirty pages.
const EMPTY: &str = "truncate events, event_conflicts, deliveries, delivery_attempts; checkpoint";

const COUNT: &str = "select count(*) from events";
const COUNT_DELIVERED: &str = "select count(*) from deliveries where state = 'delivered'";

/// What a row of a delivery holds, sent and inserted one at a time. `pgbench` counts each client's rows in `n`;
/// an id has as many characters as Huntr's, give or take.
const INSERT: &str = r"\set n :n + 1
\set id 1000000000000000000 + :client_id * 1000000000000 + :n
insert into events (source, provider, delivery_id, event_type, occurred_at, received_at, origin, envelope_version, signature, body, problem) values ('huntr', 'huntr', :id, 'JOB_MOVED', '2026-04-06T14:02:10Z', now(), 'webhook', null, :signature, :body, null);
";

/// A server, which stops when this process ends, however it ends: its standard input closes then.
pub(super) struct Postgres {
    url: String,
    process: Child,
}

impl Postgres {
    pub(super) async fn start() -> anyhow::Result<Self> {
        // Said before anything is started.
        pgbench_command()
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .context(MISSING)?;
        let mut process = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("running tests/postgres")?;
        let mut url = String::new();
        let output = process
            .stdout
            .take()
            .context("tests/postgres has no output")?;
        BufReader::new(output).read_line(&mut url)?;
        ensure!(!url.is_empty(), "tests/postgres started no server");
        url.truncate(url.trim_end().len());

        let store = PostgresStore::connect(&url.as_str().into(), Duration::from_secs(10)).await?;
        store.migrate().await?;
        store.close().await;
        Ok(Self { url, process })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The server's version; an error when it would cheat.
    pub(super) async fn version(&self) -> anyhow::Result<String> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let (version, fsync, synchronous_commit): (String, String, String) = sqlx::query_as(
            "select current_setting('server_version'), current_setting('fsync'),
                    current_setting('synchronous_commit')",
        )
        .fetch_one(&mut connection)
        .await?;
        ensure!(
            fsync == "on" && synchronous_commit == "on",
            "fsync and synchronous_commit must be on"
        );
        Ok(version)
    }

    pub(super) async fn empty(&self) -> anyhow::Result<()> {
        let mut connection = PgConnection::connect(&self.url).await?;
        connection.execute(EMPTY).await?;
        connection.close().await?;
        Ok(())
    }

    pub(super) async fn count(&self) -> anyhow::Result<u64> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let rows: i64 = sqlx::query_scalar(COUNT).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(u64::try_from(rows)?)
    }

    pub(super) async fn count_delivered(&self) -> anyhow::Result<u64> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let rows: i64 = sqlx::query_scalar(COUNT_DELIVERED)
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok(u64::try_from(rows)?)
    }

    /// Transactions a second of so many clients that insert a row each.
    pub(super) fn pgbench(&self, clients: u32, seconds: u64, body: &str) -> anyhow::Result<f64> {
        let script = NamedTempFile::with_suffix(".sql")?;
        std::fs::write(script.path(), INSERT)?;
        let output = pgbench_command()
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
            .arg(format!("--client={clients}"))
            .arg(format!("--time={seconds}"))
            .args([
                "--define=n=0",
                "--define=signature=u1Y0bJ8Dlh1Gd0q1GdbsAJeiTL0dJjW9bEhyp5SaTKk=",
            ])
            .arg(format!("--define=body={}", hexadecimal(body)))
            .arg("--file")
            .arg(script.path())
            .arg(&self.url)
            .output()
            .context(MISSING)?;
        let report = String::from_utf8_lossy(&output.stdout);
        let tps = report
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
        match tps {
            Some(tps) if output.status.success() => Ok(tps.parse()?),
            _ => bail!(
                "pgbench failed: {report}{}",
                String::from_utf8_lossy(&output.stderr)
            ),
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        if let Err(error) = self.process.wait() {
            eprintln!("tests/postgres: {error}");
        }
    }
}

const MISSING: &str =
    "running pgbench, which comes with PostgreSQL (Debian: apt install postgresql)";

fn pgbench_command() -> Command {
    Command::new("pgbench")
}

/// As PostgreSQL reads bytes from a text.
fn hexadecimal(body: &str) -> String {
    let mut text = "\\x".to_owned();
    for byte in body.bytes() {
        write!(text, "{byte:02x}").unwrap_or_else(|_| unreachable!("a string takes everything"));
    }
    text
}
