//! HTTP/1.1 by hand: early answers, split bodies, slow senders, and connections that stay usable.

use crate::support::{SIGNATURE, Setup, action, head, sign, until};

fn signed(body: &str, more: &[(&str, &str)]) -> String {
    let signature = sign(body.as_bytes());
    let mut headers = vec![(SIGNATURE, signature.as_str())];
    headers.extend_from_slice(more);
    head(&headers) + "\r\n"
}

#[tokio::test]
async fn a_body_split_inside_a_character_verifies() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let body = "{\"id\":\"a\",\"note\":{\"text\":\"\u{2019}\"}}";
    let middle = body.find('\u{2019}').expect("the character") + 1;
    let (first, rest) = body.as_bytes().split_at(middle);
    let chunk =
        |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();

    let mut wire = receiver.connect().await;
    wire.send(signed(body, &[("transfer-encoding", "chunked")]))
        .await;
    wire.send(chunk(first)).await;
    wire.send([chunk(rest), b"0\r\n\r\n".to_vec()].concat())
        .await;
    let answer = wire.answer().await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("\"stored\""),
        "{answer}"
    );
    assert!(!answer.contains("problem"), "{answer}");
}

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
    wire.send(
        signed(
            &action("a"),
            &[("content-length", &action("a").len().to_string())],
        ) + &action("a"),
    )
    .await;
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

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let mut wire = receiver.connect().await;
    let mut requests = String::new();
    for id in ["a", "b", "a"] {
        let body = action(id);
        requests += &signed(&body, &[("content-length", &body.len().to_string())]);
        requests += &body;
    }
    wire.send(requests).await;
    for said in ["stored", "stored", "duplicate"] {
        let answer = wire.answer().await;
        assert!(answer.contains(said), "{answer}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_times_out() {
    let setup = Setup::sqlite().config("[server]\nrequest_timeout = \"100ms\"\n");
    let receiver = setup.start();
    let mut wire = receiver.connect().await;
    wire.send(signed("{}", &[("content-length", "2")]) + "{")
        .await;
    let answer = wire.answer().await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(wire.closed().await, "");
}

#[tokio::test]
async fn headers_that_do_not_come_end_the_connection() {
    let setup = Setup::sqlite().config("[server]\nheader_timeout = \"100ms\"\n");
    let receiver = setup.start();
    // Nothing; what might become HTTP/2; half a head; and idling after a request.
    for start in [
        "",
        "PR",
        "POST /webhooks/huntr HTTP/1.1\r\nHost:",
        "GET /live HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let mut wire = receiver.connect().await;
        wire.send(start).await;
        let said = wire.closed().await;
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 200") || said.starts_with("HTTP/1.1 408"),
            "{said}"
        );
    }
    assert_eq!(receiver.get("/live").await.status, 200);
}

#[tokio::test]
async fn connections_are_bounded() {
    let setup = Setup::sqlite().config("[server]\nmax_connections = 1\n");
    let receiver = setup.start();
    let live = "GET /live HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut first = receiver.connect().await;
    first.send(live).await;
    assert!(first.answer().await.starts_with("HTTP/1.1 200"));

    let mut second = receiver.connect().await;
    second.send(live).await;
    // The first still works, over and over, while the second waits for its place.
    for _ in 0..10 {
        first.send(live).await;
        assert!(first.answer().await.starts_with("HTTP/1.1 200"));
        assert!(!second.has_answer());
    }
    drop(first);
    assert!(second.answer().await.starts_with("HTTP/1.1 200"));
}

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
async fn what_a_sender_posted_and_did_not_wait_for_is_stored() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let body = action("impatient");
    let mut wire = receiver.connect().await;
    wire.send(signed(&body, &[("content-length", &body.len().to_string())]) + &body)
        .await;
    drop(wire);
    // Posted again, it is known: unless the connection broke before the request was read, which a retry mends.
    until(async || (receiver.post_signed(&body).await.said() == "duplicate").then_some(())).await;
}
