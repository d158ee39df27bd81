//! What a flood of requests without a signature takes from the authentic ones.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use crate::{
    Args, Header, Round, Spread, measure, postgres::Postgres, receiver::Receiver,
    senders::Deliveries,
};

/// Connections the flood comes over.
const CONNECTIONS: usize = 32;
/// Requests written at once on each of them, so that the flood itself takes little of the processors.
const PIPELINED: usize = 16;

const REQUEST: &str =
    "POST /webhooks/huntr HTTP/1.1\r\nhost: receiver\r\ncontent-length: 2\r\n\r\n{}";

/// Rounds alternate: with the flood, and without.
pub(super) async fn beside(
    args: &Args,
    requests: u32,
    postgres: &Postgres,
    deliveries: &Deliveries,
) -> anyhow::Result<()> {
    let receiver = Receiver::start(postgres.url(), None).await?;
    let saturated = compare(args, requests, None, postgres, &receiver, deliveries).await?;
    let mut rates: Vec<f64> = saturated;
    rates.sort_by(f64::total_cmp);
    let median = rates.get(rates.len() / 2).copied().unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is positive, and far below 2^32"
    )]
    let half = (median / 2.0).max(1.0) as u32;
    compare(args, requests, Some(half), postgres, &receiver, deliveries).await?;
    println!("resident after load: {}", receiver.memory()?);
    Ok(())
}

/// Gives the rates without the flood.
async fn compare(
    args: &Args,
    requests: u32,
    rate: Option<u32>,
    postgres: &Postgres,
    receiver: &Receiver,
    deliveries: &Deliveries,
) -> anyhow::Result<Vec<f64>> {
    match rate {
        None => println!("As fast as possible  refused/s  {Header}"),
        Some(rate) => println!("At {rate:>6} a second   refused/s  {Header}"),
    }
    let (mut without, mut ratios) = (Vec::new(), Vec::new());
    for number in 1..=args.rounds {
        postgres.empty().await?;
        let (alone, _) = measure(args, receiver, deliveries, rate).await?;
        print_round(number, "alone", 0.0, &alone);
        postgres.empty().await?;
        let flood = Flood::start(receiver.address(), requests)?;
        let (flooded, _) = measure(args, receiver, deliveries, rate).await?;
        print_round(number, "flooded", flood.stop()?, &flooded);
        ratios.push(flooded.acks_per_second / alone.acks_per_second);
        without.push(alone.acks_per_second);
    }
    println!(
        "\nacks/s with the flood, of those without {}\n",
        Spread(&ratios, 2)
    );
    Ok(without)
}

fn print_round(number: u32, name: &str, refused: f64, round: &Round) {
    println!("{number:>11} {name:<7}  {refused:>9.0}  {round}");
}

/// A thread that floods until it is stopped.
struct Flood {
    started: Instant,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Flood {
    fn start(address: SocketAddr, requests: u32) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let connection = TcpStream::connect(address).context("connecting to the receiver")?;
            connection.set_nodelay(true)?;
            connections.push(connection);
        }
        let flooding = {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            move || flood(connections, requests, &stop, &answered)
        };
        Ok(Self {
            started: Instant::now(),
            stop,
            answered,
            thread: std::thread::spawn(flooding),
        })
    }

    /// Stops, and tells how many requests were refused in a second.
    fn stop(self) -> anyhow::Result<f64> {
        self.stop.store(true, Ordering::Relaxed);
        let elapsed = self.started.elapsed().as_secs_f64();
        if let Ok(flooded) = self.thread.join() {
            flooded?;
        }
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let answered = self.answered.load(Ordering::Relaxed) as f64;
        Ok(answered / elapsed)
    }
}

/// One connection after the other gets a handful of requests when they are due, once those before are answered.
fn flood(
    mut connections: Vec<TcpStream>,
    requests: u32,
    stop: &AtomicBool,
    answered: &AtomicU64,
) -> anyhow::Result<()> {
    let burst = REQUEST.repeat(PIPELINED);
    let interval = Duration::from_secs(PIPELINED as u64) / requests;
    let mut answer_length = None;
    let mut buffer = vec![0; 64 * 1024];
    let mut due = Instant::now();
    let mut sent = vec![false; connections.len()];
    while !stop.load(Ordering::Relaxed) {
        for (connection, sent) in connections.iter_mut().zip(&mut sent) {
            if *sent {
                match answer_length {
                    Some(length) => connection.read_exact(&mut buffer[..length])?,
                    None => answer_length = Some(first_answer(connection, &mut buffer)?),
                }
                answered.fetch_add(PIPELINED as u64, Ordering::Relaxed);
            }
            let now = Instant::now();
            if now < due {
                std::thread::sleep(due - now);
            }
            due += interval;
            connection.write_all(burst.as_bytes())?;
            *sent = true;
        }
    }
    Ok(())
}

/// The length of the answers to all that is written at once: it is always the same.
fn first_answer(connection: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<usize> {
    const REFUSED: &[u8] = b"HTTP/1.1 401 ";
    let mut read = 0;
    loop {
        let more = connection.read(&mut buffer[read..])?;
        ensure!(
            more > 0,
            "the receiver has closed a connection of the flood"
        );
        read += more;
        let answers = buffer[..read].windows(REFUSED.len());
        if answers.filter(|part| *part == REFUSED).count() == PIPELINED
            && buffer[..read].ends_with(b"}}")
        {
            return Ok(read);
        }
    }
}
