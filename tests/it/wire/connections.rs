//! One connection after the other's request: kept, pipelined, idle, unread.

use super::{LIVE, delivery};
use crate::support::{Running, Setup, action};

/// How many connections were closed for that reason.
async fn closed(receiver: &Running, reason: &str) -> f64 {
    let metric = format!(r#"huntr_receiver_connections_closed_total{{reason="{reason}"}}"#);
    receiver.metric(&metric).await
}

#[tokio::test]
async fn a_connection_is_kept_until_its_peer_says_otherwise() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let mut wire = receiver.connect().await;
    for id in 0..100 {
        wire.send(delivery(&action(&id.to_string()))).await;
        let answer = wire.answer().await;
        assert!(answer.contains("stored"), "{answer}");
    }
    wire.send("GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 200"));
    assert_eq!(wire.closed().await, "");

    let mut old = receiver.connect().await;
    old.send("GET /live HTTP/1.0\r\n\r\n").await;
    assert!(old.closed().await.starts_with("HTTP/1.0 200"));
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let mut wire = receiver.connect().await;
    let mut requests = String::new();
    for id in ["a", "b", "a"] {
        requests += &delivery(&action(id));
    }
    wire.send(requests).await;
    for said in ["stored", "stored", "duplicate"] {
        let answer = wire.answer().await;
        assert!(answer.contains(said), "{answer}");
    }
}

#[tokio::test]
async fn a_connection_that_idles_is_closed() {
    let setup = Setup::sqlite().config("[server]\nidle_timeout = \"100ms\"\n");
    let receiver = setup.start();
    let mut wire = receiver.connect().await;
    wire.send(LIVE).await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 200"));
    assert_eq!(wire.closed().await, "");
    assert!(closed(&receiver, "idle").await > 0.0);
}

#[tokio::test]
async fn who_pipelines_and_never_reads_is_cut() {
    let setup = Setup::sqlite().config("[server]\nheader_timeout = \"200ms\"\n");
    let receiver = setup.start();
    let mut wire = receiver.connect().await;
    let requests = LIVE.repeat(1000);
    while wire.try_send(requests.as_bytes()).await {}
    assert!(closed(&receiver, "unread").await > 0.0);
    assert_eq!(receiver.post_signed(action("a")).await.status, 200);
}
