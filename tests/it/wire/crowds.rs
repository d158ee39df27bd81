//! More strangers than there is room for: who senses nothing of them, and who has to go.

use sqlx::{Connection, Executor, SqliteConnection};

use super::{LIVE, delivery, signed};
use crate::support::{Running, SIGNATURE, Setup, Wire, action, head, sign_with, until};

const EVICTED: &str = r#"huntr_receiver_connections_closed_total{reason="no_place"}"#;

/// A well-formed signature that is nobody's.
fn unsigned(body: &str) -> String {
    let signature = sign_with("another secret", body.as_bytes());
    let length = (body.len() + 1).to_string();
    head(&[(SIGNATURE, &signature), ("content-length", &length)]) + "\r\n" + body
}

/// Says something, and then nothing more.
async fn stall(receiver: &Running, said: &str) -> Wire {
    let mut wire = receiver.connect().await;
    wire.send(said).await;
    wire
}

#[tokio::test]
async fn strangers_make_room_for_who_comes() {
    let setup = Setup::sqlite().config("[server]\nmax_connections = 4\n");
    let receiver = setup.start();
    let mut strangers = [
        stall(&receiver, "").await,
        stall(&receiver, "POST /webhooks/huntr HTTP/1.1\r\nHost:").await,
        stall(&receiver, &unsigned("half a body")).await,
        stall(&receiver, LIVE).await,
    ];
    // In the order in which they came, whatever they do.
    let mut senders = Vec::new();
    for (number, stranger) in strangers.iter_mut().enumerate() {
        let mut wire = receiver.connect().await;
        wire.send(delivery(&action(&number.to_string()))).await;
        assert!(wire.answer().await.contains("stored"));
        senders.push(wire);
        let said = stranger.closed().await;
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 200"),
            "{said}"
        );
    }
    receiver
        .logged("all places for connections are taken")
        .await;
}

#[tokio::test]
async fn who_was_authentic_goes_last() {
    let setup = Setup::sqlite().config("[server]\nmax_connections = 2\n");
    let receiver = setup.start();
    let mut known = receiver.connect().await;
    known.send(delivery(&action("first"))).await;
    assert!(known.answer().await.contains("stored"));
    let mut strangers = Vec::new();
    for number in 0..20 {
        let mut stranger = stall(&receiver, LIVE).await;
        assert!(stranger.answer().await.starts_with("HTTP/1.1 200"));
        strangers.push(stranger);
        known.send(delivery(&action(&number.to_string()))).await;
        assert!(known.answer().await.contains("stored"));
    }
    assert!(receiver.metric(EVICTED).await > 18.0);
}

#[tokio::test]
async fn who_has_a_delivery_under_way_is_never_sent_away() {
    let setup = Setup::sqlite()
        .config("[server]\nmax_connections = 1\n[database]\ncommit_timeout = \"1m\"\n");
    let receiver = setup.start();
    let mut first = receiver.connect().await;
    first.send(delivery(&action("before"))).await;
    assert!(first.answer().await.contains("stored"));
    let mut other = SqliteConnection::connect(&setup.database_url())
        .await
        .expect("connecting");
    other
        .execute("begin immediate")
        .await
        .expect("locking the database");
    first.send(delivery(&action("during"))).await;

    let mut second = receiver.connect().await;
    second.send(LIVE).await;
    // Its answer would be there long since.
    for _ in 0..10 {
        receiver.metric(EVICTED).await;
        assert!(!second.has_answer() && !first.has_answer());
    }
    other
        .execute("rollback")
        .await
        .expect("unlocking the database");
    assert!(first.answer().await.contains("stored"));
    // The first one idles now, and gives its place up.
    assert!(second.answer().await.starts_with("HTTP/1.1 200"));
    assert_eq!(first.closed().await, "");
}

#[tokio::test]
async fn a_crowd_of_strangers_keeps_nobody_out() {
    let setup = Setup::sqlite().config("[server]\nmax_connections = 200\n");
    let receiver = setup.start();
    let mut strangers = Vec::new();
    for number in 0..400 {
        let said = match number % 4 {
            0 => String::new(),
            1 => "POST /webhooks/huntr HTTP/1.1\r\nx-drip:".into(),
            2 => unsigned("half a body"),
            _ => LIVE.into(),
        };
        strangers.push(stall(&receiver, &said).await);
        if number % 10 == 0 {
            let answer = receiver.post_signed(action(&number.to_string())).await;
            assert_eq!(answer.said(), "stored");
            let mut wire = receiver.connect().await;
            wire.send(delivery(&action(&format!("new {number}")))).await;
            assert!(wire.answer().await.contains("stored"));
        }
    }
    assert!(receiver.metric(EVICTED).await > 100.0);
}

#[tokio::test]
async fn bodies_that_stall_give_way_to_those_that_come() {
    let setup = Setup::sqlite().config("[intake]\nmax_buffer = \"8 MiB\"\n");
    let receiver = setup.start();
    // Enough to take up all memory for usual bodies.
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let body = "x".repeat(256 * 1024);
        stalled.push(stall(&receiver, &unsigned(&body)).await);
    }
    for number in 0..20 {
        // Some come whole, and some in many pieces.
        let padding = " ".repeat(if number % 5 == 0 { 100 * 1024 } else { 0 });
        let body = action(&number.to_string()) + &padding;
        let answer = receiver.post_signed(body).await;
        assert_eq!(answer.said(), "stored", "{answer:?}");
    }
    // Those that went were told to try again: they might have been senders on a slow line.
    let answer = until(async || {
        for wire in &mut stalled {
            if wire.has_answer() {
                return Some(wire.closed().await);
            }
        }
        None
    })
    .await;
    assert!(answer.contains("503 Service Unavailable"), "{answer}");
    assert!(answer.contains("retry-after: 5"), "{answer}");
}

#[tokio::test]
async fn long_bodies_that_stall_give_way_too() {
    let setup = Setup::sqlite()
        .config("[server]\nmax_body = \"1 MiB\"\n[intake]\nmax_buffer = \"4 MiB\"\n");
    let receiver = setup.start();
    let mut stalled = Vec::new();
    for _ in 0..4 {
        let body = "x".repeat(1024 * 1024 - 1);
        stalled.push(stall(&receiver, &unsigned(&body)).await);
    }
    let long = format!("{}{}", action("long"), " ".repeat(512 * 1024));
    assert_eq!(receiver.post_signed(&long).await.said(), "stored");
    let mut wire = receiver.connect().await;
    let chunked = signed(&long, &[("transfer-encoding", "chunked")]);
    wire.send(format!("{chunked}{:x}\r\n{long}\r\n0\r\n\r\n", long.len()))
        .await;
    assert!(wire.answer().await.contains("duplicate"));
}
