//! HTTP/2 without TLS, as proxies speak it: several requests at once, and peers that want nothing of their answers.

use super::delivery;
use crate::{
    ledger::Ledger,
    support::{PATIENCE, Running, SIGNATURE, Setup, Wire, action, sign},
};

const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame by hand.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload");
    [
        &length.to_be_bytes()[1..],
        &[kind, flags],
        &stream.to_be_bytes(),
        payload,
    ]
    .concat()
}

/// `GET /live`, without Huffman and without a table.
fn live(stream: u32) -> Vec<u8> {
    let fields = [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "receiver"),
        (":path", "/live"),
    ];
    let mut block = Vec::new();
    for (name, value) in fields {
        for text in [name, value] {
            if text == name {
                block.push(0);
            }
            block.push(u8::try_from(text.len()).expect("a short text"));
            block.extend(text.as_bytes());
        }
    }
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block)
}

/// Begins with these settings.
async fn connect(receiver: &Running, settings: &[u8]) -> Wire {
    let mut wire = receiver.connect().await;
    wire.send(PREFACE).await;
    wire.send(frame(SETTINGS, 0, 0, settings)).await;
    wire
}

/// The next frame's kind, stream and payload; `None` at the end.
async fn next(wire: &mut Wire) -> Option<(u8, u32, Vec<u8>)> {
    let head = wire.read(9).await.ok()?;
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    let payload = wire.read(length).await.ok()?;
    Some((head[3], stream, payload))
}

fn client() -> reqwest::Client {
    // Takes care of what every client needs.
    drop(crate::support::client());
    reqwest::Client::builder()
        .timeout(PATIENCE)
        .http2_prior_knowledge()
        .build()
        .expect("a client")
}

#[tokio::test]
async fn many_deliveries_share_one_connection() {
    let setup = Setup::sqlite().config("[server]\nmax_connections = 1\n");
    let receiver = setup.start();
    let client = client();
    let url = receiver.url("/webhooks/huntr");
    let posts = (0..200).map(|number| {
        // Some are longer than the window.
        let padding = " ".repeat(if number % 10 == 0 { 300 * 1024 } else { 0 });
        let body = action(&number.to_string()) + &padding;
        let request = client.post(&url).header(SIGNATURE, sign(body.as_bytes()));
        async move { request.body(body).send().await.expect("an answer") }
    });
    for answer in futures_util::future::join_all(posts).await {
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    }
    assert_eq!(Ledger::of(&setup).await.events().await.len(), 200);
}

#[tokio::test]
async fn a_refusal_does_not_disturb_its_neighbours() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let client = client();
    let url = receiver.url("/webhooks/huntr");
    let posts = (0..50).map(|number| {
        let body = action(&number.to_string());
        let request = client.post(&url);
        let request = match number % 2 {
            0 => request.header(SIGNATURE, sign(body.as_bytes())).body(body),
            _ => request.body("x".repeat(100_000)),
        };
        async move {
            (
                number % 2,
                request.send().await.expect("an answer").status(),
            )
        }
    });
    for (odd, status) in futures_util::future::join_all(posts).await {
        assert_eq!(status, if odd == 0 { 200 } else { 401 });
    }
}

#[tokio::test]
async fn pings_alone_keep_no_connection_open() {
    let setup = Setup::sqlite().config("[server]\nidle_timeout = \"200ms\"\n");
    let receiver = setup.start();
    let mut wire = connect(&receiver, &[]).await;
    wire.send(live(1)).await;
    let mut answered = false;
    let mut told = false;
    while let Some((kind, stream, _)) = next(&mut wire).await {
        answered |= (kind, stream) == (DATA, 1);
        told |= kind == GOAWAY;
        if answered && !wire.try_send(&frame(PING, 0, 0, &[7; 8])).await {
            break;
        }
        wire.pause().await;
    }
    assert!(answered && told);
    // Who only says hello has as long as for any first request.
    assert_eq!(receiver.get("/live").await.status, 200);
}

#[tokio::test]
async fn who_takes_no_answers_is_cut() {
    let setup =
        Setup::sqlite().config("[server]\nidle_timeout = \"100ms\"\nheader_timeout = \"100ms\"\n");
    let receiver = setup.start();
    // The window for answers is, and stays, 0.
    let mut wire = connect(&receiver, &[0, 4, 0, 0, 0, 0]).await;
    for stream in 0..50 {
        wire.send(live(2 * stream + 1)).await;
    }
    let mut headers = 0;
    while let Some((kind, _, _)) = next(&mut wire).await {
        assert_ne!(kind, DATA);
        headers += usize::from(kind == HEADERS);
    }
    assert_eq!(headers, 50);
    let mut other = receiver.connect().await;
    other.send(delivery(&action("a"))).await;
    assert!(other.answer().await.contains("stored"));
}
