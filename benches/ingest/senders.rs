//! Senders that post signed, unique Actions, each over a connection of its own that it keeps.

use std::{
    cell::Cell,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::future::try_join_all;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1::{self, Connection, SendRequest},
    header::HeaderValue,
};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use tokio::net::TcpStream;

pub(super) const SECRET: &str = "a secret of the benchmark's own";

const SAMPLE: &str = include_str!("../../src/providers/huntr/samples/JOB_MOVED.json");
const SAMPLE_ID: &str = "69d3bce2b9fe22495dabb9b6";
/// More than any receiver acknowledges in a second on the machines this runs on.
const SIGNED_PER_SECOND: u64 = 40_000;

/// Deliveries by their number, signed beforehand.
pub(super) struct Deliveries {
    signatures: Vec<HeaderValue>,
}

/// What the senders saw.
pub(super) struct Run {
    pub(super) elapsed: Duration,
    /// Microseconds of each delivery that was answered 200 and `stored`.
    pub(super) latencies: Vec<u32>,
}

impl Deliveries {
    /// Signs as many as can be sent in so many seconds.
    pub(super) fn sign(seconds: u64) -> Self {
        let keyed = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        let sign = |number| {
            let mac = keyed.clone().chain_update(Self::body(number)).finalize();
            HeaderValue::try_from(BASE64_STANDARD.encode(mac.into_bytes()))
                .unwrap_or_else(|_| unreachable!("base64 is a header's value"))
        };
        Self {
            signatures: (0..SIGNED_PER_SECOND * seconds).map(sign).collect(),
        }
    }

    /// The sample with an id of its own. The ids rise, as Huntr's do.
    pub(super) fn body(number: u64) -> String {
        SAMPLE.replacen(SAMPLE_ID, &format!("{number:024x}"), 1)
    }

    fn request(&self, number: u64) -> anyhow::Result<Request<Full<Bytes>>> {
        let signature = usize::try_from(number)
            .ok()
            .and_then(|number| self.signatures.get(number));
        let signature = signature.context("too few deliveries were signed beforehand")?;
        Ok(Request::post("/webhooks/huntr")
            .header("host", "receiver")
            .header("content-type", "application/json")
            .header("x-huntr-hmac-sha256", signature)
            .body(Full::from(Self::body(number)))?)
    }
}

/// Posts deliveries, from the first on, for so long, and waits for the last answers. As many as the receiver
/// takes, unless there is a rate: so many a second, over all senders.
pub(super) async fn run(
    address: SocketAddr,
    senders: u32,
    time: Duration,
    deliveries: &Deliveries,
    rate: Option<u32>,
) -> anyhow::Result<Run> {
    let connections = try_join_all((0..senders).map(|_| connect(address))).await?;
    let next = Cell::new(0);
    let started = Instant::now();
    let schedule = Schedule {
        started,
        deadline: started + time,
        interval: rate.map(|rate| Duration::from_secs(1) / rate),
    };
    let sending = connections.into_iter().map(|(sender, connection)| {
        let next = &next;
        async move {
            let sent = send(sender, schedule, deliveries, next);
            // The connection is what drives the sender, and ends with it.
            let (latencies, ended) = tokio::join!(sent, connection);
            ended?;
            latencies
        }
    });
    let latencies = try_join_all(sending).await?.concat();
    Ok(Run {
        elapsed: started.elapsed(),
        latencies,
    })
}

/// When deliveries are posted.
#[derive(Clone, Copy)]
struct Schedule {
    started: Instant,
    deadline: Instant,
    /// From one to the next, over all senders; as soon as possible without it.
    interval: Option<Duration>,
}

impl Schedule {
    /// Waits until the delivery of that number is due. `false` when it would be too late.
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    async fn wait_for(&self, number: u64) -> bool {
        if let Some(interval) = self.interval {
            let due =
                self.started + Duration::from_secs_f64(interval.as_secs_f64() * number as f64);
            tokio::time::sleep_until(due.min(self.deadline).into()).await;
        }
        Instant::now() < self.deadline
    }
}

/// One sender: each delivery is posted when the one before it is answered.
async fn send(
    mut sender: SendRequest<Full<Bytes>>,
    schedule: Schedule,
    deliveries: &Deliveries,
    next: &Cell<u64>,
) -> anyhow::Result<Vec<u32>> {
    let mut latencies = Vec::new();
    loop {
        let number = next.replace(next.get() + 1);
        if !schedule.wait_for(number).await {
            return Ok(latencies);
        }
        let request = deliveries.request(number)?;
        let posted = Instant::now();
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let answer = answer.into_body().collect().await?.to_bytes();
        latencies.push(u32::try_from(posted.elapsed().as_micros())?);
        ensure!(
            status == StatusCode::OK && answer.starts_with(br#"{"status":"stored""#),
            "the receiver answered {status}: {}",
            String::from_utf8_lossy(&answer)
        );
    }
}

/// A connection that is kept, and its two ends: one to send by, one to drive it.
pub(super) async fn connect<B>(
    address: SocketAddr,
) -> anyhow::Result<(SendRequest<B>, Connection<TokioIo<TcpStream>, B>)>
where
    B: hyper::body::Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + 'static,
{
    let stream = TcpStream::connect(address)
        .await
        .context("connecting to the receiver")?;
    stream.set_nodelay(true)?;
    Ok(http1::handshake(TokioIo::new(stream)).await?)
}
