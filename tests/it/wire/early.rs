//! Answers that are given before the body is there, and what becomes of the body then.

use super::{delivery, signed};
use crate::support::{Setup, action, head};

#[tokio::test]
async fn an_unsigned_request_is_refused_before_its_body_is_sent() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let mut wire = receiver.connect().await;
    wire.send(head(&[("content-length", "1000")]) + "\r\n")
        .await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 401"));
    // The body that comes after the answer is read away, and the connection goes on.
    wire.send([b'x'; 1000]).await;
    wire.send(delivery(&action("a"))).await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_body_for_nobody_is_read_away_too() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let mut wire = receiver.connect().await;
    for path in ["/", "/webhooks/unknown"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\ncontent-length: 1000\r\n\r\n");
        wire.send(head).await;
        assert!(wire.answer().await.starts_with("HTTP/1.1 404"));
        wire.send([b'x'; 1000]).await;
    }
    wire.send("DELETE /live HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let answer = wire.answer().await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    assert!(
        answer.contains("allow: GET,HEAD") && answer.contains("method_not_allowed"),
        "{answer}"
    );
}

#[tokio::test]
async fn only_so_much_of_an_unwanted_body_is_read() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let mut wire = receiver.connect().await;
    wire.send(head(&[("content-length", "1000000000")]) + "\r\n")
        .await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 401"));
    let mut sent = 0_usize;
    let piece = vec![b'x'; 64 * 1024];
    while wire.try_send(&piece).await {
        sent += piece.len();
        assert!(sent < 100_000_000, "the receiver reads on and on");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_by_its_declaration() {
    let setup = Setup::sqlite().config("[server]\nmax_body = \"1 KiB\"\n");
    let receiver = setup.start();
    let mut wire = receiver.connect().await;
    wire.send(signed("", &[("content-length", "1025")])).await;
    let answer = wire.answer().await;
    assert!(
        answer.starts_with("HTTP/1.1 413") && answer.contains("too_large"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_body_that_turns_out_too_long_is_refused_while_it_comes() {
    let setup = Setup::sqlite().config("[server]\nmax_body = \"1 KiB\"\n");
    let receiver = setup.start();
    let mut wire = receiver.connect().await;
    wire.send(signed("", &[("transfer-encoding", "chunked")]))
        .await;
    wire.send(format!("401\r\n{}\r\n", "x".repeat(0x401))).await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 413"));
    let fits = receiver.post_signed("x".repeat(1024)).await;
    assert_eq!(fits.status, 200);
}

#[tokio::test]
async fn a_sender_that_asks_first_is_told_first() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let body = action("a");
    let length = body.len().to_string();
    let asking = [
        ("expect", "100-continue"),
        ("content-length", length.as_str()),
    ];

    let mut wire = receiver.connect().await;
    wire.send(signed(&body, &asking)).await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 100"));
    wire.send(&body).await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 200"));

    let mut wire = receiver.connect().await;
    wire.send(head(&asking) + "\r\n").await;
    assert!(
        wire.answer().await.starts_with("HTTP/1.1 401"),
        "no body is asked for"
    );
}
