//! How many headers, how long, and how slow.

use super::{LIVE, signed};
use crate::support::{Setup, action, head};

#[tokio::test]
async fn too_many_headers_are_refused() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let mut wire = receiver.connect().await;
    let many = "x-more: y\r\n".repeat(200);
    wire.send(head(&[]) + &many + "\r\n").await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn headers_that_are_too_long_are_refused() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let body = action("a");
    let length = body.len().to_string();
    // Nothing that a sender or a proxy would write.
    let long = |bytes| "y".repeat(bytes);
    let mut wire = receiver.connect().await;
    let fits = long(12 * 1024);
    wire.send(signed(&body, &[("x-long", &fits), ("content-length", &length)]) + &body)
        .await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 200"));

    let mut wire = receiver.connect().await;
    // The receiver may be gone before all of it is written.
    let too_long = head(&[("x-long", &long(24 * 1024))]) + "\r\n";
    wire.try_send(too_long.as_bytes()).await;
    let said = wire.closed().await;
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 431"),
        "{said}"
    );

    let mut wire = receiver.connect().await;
    let path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", long(70_000));
    wire.try_send(path.as_bytes()).await;
    let said = wire.closed().await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
    assert_eq!(receiver.post_signed(body).await.said(), "duplicate");
}

#[tokio::test]
async fn headers_that_do_not_come_end_the_connection() {
    let setup = Setup::sqlite().config("[server]\nheader_timeout = \"100ms\"\n");
    let receiver = setup.start();
    // Nothing; what might become HTTP/2, and HTTP/2 without a request; and half a head.
    for start in [
        "",
        "PR",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "POST /webhooks/huntr HTTP/1.1\r\nHost:",
    ] {
        let mut wire = receiver.connect().await;
        wire.send(start).await;
        wire.closed().await;
    }
    // Half a head after a request, for which there was time.
    let mut wire = receiver.connect().await;
    wire.send(LIVE).await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 200"));
    wire.send("GET /live HTTP/1.1\r\n").await;
    assert_eq!(wire.closed().await, "");
    let slow = r#"huntr_receiver_connections_closed_total{reason="slow_headers"}"#;
    assert!(receiver.metric(slow).await >= 5.0);
    assert_eq!(receiver.get("/live").await.status, 200);
}

#[tokio::test]
async fn headers_that_drip_end_the_connection() {
    let setup = Setup::sqlite().config("[server]\nheader_timeout = \"300ms\"\n");
    let receiver = setup.start();
    for before in ["", LIVE] {
        let mut wire = receiver.connect().await;
        wire.send(before).await;
        wire.send("GET /live HTTP/1.1\r\n").await;
        while wire.try_send(b"x-drip: y\r\n").await {
            // What is sent next is another packet.
            wire.pause().await;
        }
    }
    assert_eq!(receiver.get("/live").await.status, 200);
}
