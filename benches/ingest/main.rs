//! How many deliveries a second the receiver makes durable, beside what `pgbench` inserts one by one.
//!
//! Rounds alternate on one throw-away PostgreSQL, so that whatever else the machine does slows both.
//! `cargo bench --bench ingest -- --help` lists the options; `docs/benchmarks.md` explains the output.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark's result is what it prints"
)]

mod flood;
mod postgres;
mod receiver;
mod senders;
mod sink;

use std::{
    fmt,
    io::Write,
    time::{Duration, Instant},
};

use anyhow::ensure;
use clap::Parser;

use crate::{postgres::Postgres, receiver::Receiver, senders::Deliveries, sink::Sink};

#[derive(Debug, Parser)]
#[command(about = "Deliveries made durable per second, beside pgbench's single-row inserts")]
struct Args {
    /// Rounds, of which the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Length of each half of a round
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Senders at once, and clients of pgbench
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    senders: u32,
    /// Only the part with a sink
    #[arg(long)]
    sink_only: bool,
    /// Only the part beside a flood of so many unauthenticated requests a second
    #[arg(long, value_name = "REQUESTS", value_parser = clap::value_parser!(u32).range(1..))]
    flood: Option<u32>,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

/// What the receiver did in one round.
struct Round {
    acks_per_second: f64,
    /// Milliseconds from the request to the end of its answer.
    p50: f64,
    p99: f64,
    rows_per_commit: f64,
    /// Microseconds of the receiver's own processor time for each answer.
    cpu_per_ack: f64,
}

fn main() -> anyhow::Result<()> {
    // The senders share the cores with what they measure: one thread is all they get.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(run(&Args::parse()))
}

async fn run(args: &Args) -> anyhow::Result<()> {
    let postgres = Postgres::start().await?;
    let deliveries = Deliveries::sign(args.seconds);
    println!(
        "{} senders, bodies of {} bytes, {} rounds of {} s each; PostgreSQL {}; {}\n",
        args.senders,
        Deliveries::body(0).len(),
        args.rounds,
        args.seconds,
        postgres.version().await?,
        machine(),
    );
    if let Some(requests) = args.flood {
        return flood::beside(args, requests, &postgres, &deliveries).await;
    }
    if !args.sink_only {
        on_postgres(args, &postgres, &deliveries).await?;
    }
    with_a_sink_on_postgres(args, &postgres, &deliveries).await?;
    drop(postgres);
    if !args.sink_only {
        on_sqlite(args, &deliveries).await?;
    }
    with_a_sink_on_sqlite(args, &deliveries).await
}

async fn on_postgres(
    args: &Args,
    postgres: &Postgres,
    deliveries: &Deliveries,
) -> anyhow::Result<()> {
    let receiver = Receiver::start(postgres.url(), None).await?;
    let idle = receiver.memory()?;

    println!("PostgreSQL  fsync ms  pgbench tps  ratio  {Header}");
    let (mut ratios, mut tps, mut acks) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..=args.rounds {
        let fsync = fsync()?;
        postgres.empty().await?;
        let inserted = postgres.pgbench(args.senders, args.seconds, &Deliveries::body(0))?;
        postgres.empty().await?;
        let (round, acknowledged) = measure(args, &receiver, deliveries, None).await?;
        let rows = postgres.count().await?;
        ensure!(
            rows == acknowledged,
            "{acknowledged} deliveries were acknowledged, and there are {rows} rows"
        );
        let ratio = round.acks_per_second / inserted;
        println!("{number:>10}  {fsync:>8.2}  {inserted:>11.0}  {ratio:>5.2}  {round}");
        ratios.push(ratio);
        tps.push(inserted);
        acks.push(round.acks_per_second);
    }
    println!(
        "\nacks/s {}, pgbench tps {}, ratio {}",
        Spread(&acks, 0),
        Spread(&tps, 0),
        Spread(&ratios, 2)
    );
    println!(
        "resident when idle: {idle}; after load: {}\n",
        receiver.memory()?
    );
    Ok(())
}

/// As many as are acknowledged are to be delivered, to a sink that takes everything.
async fn with_a_sink_on_postgres(
    args: &Args,
    postgres: &Postgres,
    deliveries: &Deliveries,
) -> anyhow::Result<()> {
    let sink = Sink::start()?;
    let receiver = Receiver::start(postgres.url(), Some(&sink)).await?;
    println!("One sink, PostgreSQL  {FanOutHeader}");
    let mut rounds = Vec::new();
    for number in 1..=args.rounds {
        postgres.empty().await?;
        let delivered = async || postgres.count_delivered().await;
        let round = fan_out(args, &receiver, &sink, deliveries, delivered).await?;
        println!("{number:>20}  {round}");
        rounds.push(round);
    }
    FanOut::summarise(&rounds);
    println!("resident after load: {}\n", receiver.memory()?);
    Ok(())
}

async fn with_a_sink_on_sqlite(args: &Args, deliveries: &Deliveries) -> anyhow::Result<()> {
    println!("One sink, SQLite      {FanOutHeader}");
    let mut rounds = Vec::new();
    for number in 1..=args.rounds {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite:{}", folder.path().join("receiver.db").display());
        let sink = Sink::start()?;
        let receiver = Receiver::start(&url, Some(&sink)).await?;
        let delivered = async || receiver::count_delivered_sqlite(&url).await;
        let round = fan_out(args, &receiver, &sink, deliveries, delivered).await?;
        println!("{number:>20}  {round}");
        rounds.push(round);
    }
    FanOut::summarise(&rounds);
    println!();
    Ok(())
}

/// One round of the senders, and what the sink got of it.
async fn fan_out(
    args: &Args,
    receiver: &Receiver,
    sink: &Sink,
    deliveries: &Deliveries,
    delivered: impl AsyncFn() -> anyhow::Result<u64>,
) -> anyhow::Result<FanOut> {
    let before = sink.taken();
    let started = Instant::now();
    let (round, acknowledged) = measure(args, receiver, deliveries, None).await?;
    let loaded = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let rate = (sink.taken() - before) as f64 / loaded;
    let resting = Instant::now();
    while delivered().await? < acknowledged {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rest = resting.elapsed().as_secs_f64();
    let taken = sink.taken() - before;
    ensure!(
        taken == acknowledged,
        "{acknowledged} deliveries were acknowledged, and the sink took {taken}"
    );
    Ok(FanOut { rate, rest, round })
}

async fn on_sqlite(args: &Args, deliveries: &Deliveries) -> anyhow::Result<()> {
    println!("SQLite      fsync ms  {Header}");
    let mut acks = Vec::new();
    let mut memory = None;
    for number in 1..=args.rounds {
        let fsync = fsync()?;
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite:{}", folder.path().join("receiver.db").display());
        let receiver = Receiver::start(&url, None).await?;
        let idle = receiver.memory()?;
        let (round, acknowledged) = measure(args, &receiver, deliveries, None).await?;
        let loaded = receiver.memory()?;
        let rows = receiver::count_sqlite(&url).await?;
        ensure!(
            rows == acknowledged,
            "{acknowledged} deliveries were acknowledged, and there are {rows} rows"
        );
        println!("{number:>10}  {fsync:>8.2}  {round}");
        acks.push(round.acks_per_second);
        memory.get_or_insert((idle, loaded));
    }
    println!("\nacks/s {}", Spread(&acks, 0));
    if let Some((idle, loaded)) = memory {
        println!("resident when idle: {idle}; after load: {loaded}");
    }
    Ok(())
}

/// One round of the senders; also how many deliveries were acknowledged as stored.
async fn measure(
    args: &Args,
    receiver: &Receiver,
    deliveries: &Deliveries,
    rate: Option<u32>,
) -> anyhow::Result<(Round, u64)> {
    let before = receiver.usage().await?;
    let time = Duration::from_secs(args.seconds);
    let run = senders::run(receiver.address(), args.senders, time, deliveries, rate).await?;
    let used = receiver.usage().await? - before;

    let acknowledged = run.latencies.len();
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let acks = acknowledged as f64;
    let mut latencies = run.latencies;
    latencies.sort_unstable();
    let percentile = |percent: usize| {
        let index = (acknowledged * percent / 100).min(acknowledged.saturating_sub(1));
        latencies
            .get(index)
            .map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    };
    let round = Round {
        acks_per_second: acks / run.elapsed.as_secs_f64(),
        p50: percentile(50),
        p99: percentile(99),
        rows_per_commit: used.rows / used.commits,
        cpu_per_ack: used.cpu.as_secs_f64() * 1e6 / acks,
    };
    Ok((round, acknowledged as u64))
}

/// What became of one round's deliveries.
struct FanOut {
    /// Deliveries the sink took in a second, while the senders were sending.
    rate: f64,
    /// Seconds until the last of them was recorded as delivered, once they had stopped.
    rest: f64,
    round: Round,
}

impl FanOut {
    fn ratio(&self) -> f64 {
        self.rate / self.round.acks_per_second
    }

    fn summarise(rounds: &[Self]) {
        let rates: Vec<f64> = rounds.iter().map(|round| round.rate).collect();
        let ratios: Vec<f64> = rounds.iter().map(Self::ratio).collect();
        println!(
            "\ndelivered/s {}, ratio to acks/s {}",
            Spread(&rates, 0),
            Spread(&ratios, 2)
        );
    }
}

/// The columns of a [`FanOut`].
struct FanOutHeader;

impl fmt::Display for FanOutHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "delivered/s  ratio  rest s  {Header}")
    }
}

impl fmt::Display for FanOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rate, ratio, rest) = (self.rate, self.ratio(), self.rest);
        write!(f, "{rate:>11.0}  {ratio:>5.2}  {rest:>6.2}  {}", self.round)
    }
}

/// The columns of a [`Round`].
struct Header;

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(" acks/s   p50 ms   p99 ms  rows/commit  CPU µs/ack")
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            acks_per_second,
            p50,
            p99,
            rows_per_commit,
            cpu_per_ack,
        } = self;
        write!(f, "{acks_per_second:>7.0}  {p50:>7.1}  {p99:>7.1}  ")?;
        write!(f, "{rows_per_commit:>11.1}  {cpu_per_ack:>10.0}")
    }
}

/// The median of some numbers with the least and the greatest, to so many decimal places.
struct Spread<'a>(&'a [f64], usize);

impl fmt::Display for Spread<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(numbers, places) = *self;
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let Some((least, greatest)) = sorted.first().zip(sorted.last()) else {
            return f.write_str("-");
        };
        let upper = sorted.len() / 2;
        let median = f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[upper]);
        write!(
            f,
            "{median:.places$} ({least:.places$}–{greatest:.places$})"
        )
    }
}

/// Milliseconds in which a page reaches the disk. Everything here waits for that, and where others write to
/// the same disk it changes from minute to minute.
fn fsync() -> anyhow::Result<f64> {
    const PAGES: u32 = 50;
    let mut file = tempfile::tempfile()?;
    let started = Instant::now();
    for _ in 0..PAGES {
        file.write_all(&[0; 8192])?;
        file.sync_data()?;
    }
    Ok(started.elapsed().as_secs_f64() * 1000.0 / f64::from(PAGES))
}

/// The processors, and how busy others keep them: what makes two runs differ.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown");
    format!("{cores} cores, load {load} at the start")
}
