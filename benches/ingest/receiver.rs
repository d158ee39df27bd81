//! The receiver's own binary, as its users run it, seen from outside.

use std::{
    fmt,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    ops::Sub,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Bytes};
use serde::Deserialize;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

use crate::{
    senders::{SECRET, connect},
    sink::Sink,
};

/// Until a process that has nothing to do has settled.
const SETTLING: Duration = Duration::from_secs(3);
/// Linux counts processor time in hundredths of a second, whatever the kernel's own clock.
const TICK: Duration = Duration::from_millis(10);

/// A receiver, killed when dropped.
pub(super) struct Receiver {
    process: Child,
    address: SocketAddr,
    admin_address: SocketAddr,
    _folder: TempDir,
}

/// What it has used and done since its start.
pub(super) struct Usage {
    pub(super) cpu: Duration,
    pub(super) rows: f64,
    pub(super) commits: f64,
}

/// Resident memory, in kilobytes.
pub(super) struct Memory {
    all: u64,
    anonymous: u64,
}

#[derive(Deserialize)]
struct Started {
    #[serde(rename = "address.public")]
    address: SocketAddr,
    #[serde(rename = "address.admin")]
    admin_address: SocketAddr,
}

impl Receiver {
    /// Starts on free ports, with a sink if there is one, and waits until it has settled.
    pub(super) async fn start(database: &str, sink: Option<&Sink>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_huntr-receiver"));
        command
            .args([
                "serve",
                "--listen=127.0.0.1:0",
                "--admin-listen=127.0.0.1:0",
            ])
            .env_clear()
            .env("HUNTR_WEBHOOK_SECRET", SECRET)
            .env("DATABASE_URL", database)
            .env("RECEIVER__LOG__FORMAT", "json")
            .current_dir(folder.path())
            .stderr(Stdio::piped());
        if let Some(sink) = sink {
            command
                .env("RECEIVER__SINKS__BENCH__KIND", "http")
                .env("RECEIVER__SINKS__BENCH__URL", sink.url())
                .env("RECEIVER__SINKS__BENCH__ALLOW_PRIVATE", "true");
        }
        let mut process = command.spawn().context("starting the receiver")?;
        let mut log = BufReader::new(process.stderr.take().context("the receiver has no log")?);
        let started: Started = loop {
            let mut line = String::new();
            if log.read_line(&mut line)? == 0 {
                bail!("the receiver did not start");
            }
            match serde_json::from_str(&line) {
                Ok(started) => break started,
                Err(_) if line.contains(r#""level":"INFO""#) => {}
                Err(_) => eprint!("{line}"),
            }
        };
        std::thread::spawn(move || io::copy(&mut log, &mut io::stderr()));
        tokio::time::sleep(SETTLING).await;
        Ok(Self {
            process,
            address: started.address,
            admin_address: started.admin_address,
            _folder: folder,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn memory(&self) -> anyhow::Result<Memory> {
        let status = self.proc("status")?;
        let kilobytes = |name| -> anyhow::Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            Ok(number
                .with_context(|| format!("{name} is missing"))?
                .parse()?)
        };
        Ok(Memory {
            all: kilobytes("VmRSS:")?,
            anonymous: kilobytes("RssAnon:")?,
        })
    }

    pub(super) async fn usage(&self) -> anyhow::Result<Usage> {
        let metrics = self.metrics().await?;
        let number = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse().ok())
                .unwrap_or(0.0)
        };
        Ok(Usage {
            cpu: self.cpu()?,
            rows: number("huntr_receiver_commit_batch_events_sum"),
            commits: number("huntr_receiver_commit_batch_events_count"),
        })
    }

    async fn metrics(&self) -> anyhow::Result<String> {
        let request = Request::get("/metrics")
            .header("host", "receiver")
            .body(Empty::<Bytes>::new())?;
        let (mut sender, connection) = connect(self.admin_address).await?;
        let exchange = async {
            let answer = sender
                .send_request(request)
                .await?
                .into_body()
                .collect()
                .await?;
            // The connection ends with its sender.
            drop(sender);
            Ok::<_, hyper::Error>(answer.to_bytes())
        };
        let (answer, ended) = tokio::join!(exchange, connection);
        ended?;
        Ok(String::from_utf8(answer?.into())?)
    }

    /// In user mode and in the kernel: the 14th and 15th field, where the 2nd may hold spaces.
    fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = self.proc("stat")?;
        let (_, fields) = stat.rsplit_once(')').context("an unknown form of stat")?;
        let ticks = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(str::parse::<u32>);
        Ok(TICK * ticks.sum::<Result<u32, _>>()?)
    }

    fn proc(&self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.process.id());
        std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Err(error) = self.process.kill().and_then(|()| self.process.wait()) {
            eprintln!("stopping the receiver: {error}");
        }
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            rows: self.rows - before.rows,
            commits: self.commits - before.commits,
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = |kilobytes: u64| (kilobytes / 1000, kilobytes % 1000 / 100);
        let ((all, all_tenths), (own, own_tenths)) = (tenths(self.all), tenths(self.anonymous));
        write!(
            f,
            "{all}.{all_tenths} MB (its data {own}.{own_tenths} MB, the rest its program)"
        )
    }
}

pub(super) async fn count_sqlite(url: &str) -> anyhow::Result<u64> {
    let mut connection = SqliteConnection::connect(url).await?;
    let rows: i64 = sqlx::query_scalar("select count(*) from events")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(u64::try_from(rows)?)
}

pub(super) async fn count_delivered_sqlite(url: &str) -> anyhow::Result<u64> {
    let mut connection = SqliteConnection::connect(url).await?;
    let sql = "select count(*) from deliveries where state = 'delivered'";
    let rows: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(u64::try_from(rows)?)
}
