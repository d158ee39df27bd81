//! Bodies in pieces: chunks and what comes with them, packets, and bodies that do not come.

use super::{delivery, signed};
use crate::{
    ledger::Ledger,
    support::{Setup, action, until},
};

const CHUNKED: (&str, &str) = ("transfer-encoding", "chunked");

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
    wire.send(signed(body, &[CHUNKED])).await;
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
async fn a_body_in_many_packets_is_stored_as_it_is() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let body = action("in many packets");
    let mut wire = receiver.connect().await;
    for byte in delivery(&body).as_bytes() {
        wire.send([*byte]).await;
    }
    assert!(wire.answer().await.starts_with("HTTP/1.1 200"));
    let events = Ledger::of(&setup).await.events().await;
    assert_eq!(events[0].body, body.as_bytes());
}

#[tokio::test]
async fn extensions_and_trailers_of_chunks_are_no_part_of_the_body() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let body = action("chunked");
    let (start, rest) = body.split_at(10);
    let mut wire = receiver.connect().await;
    wire.send(signed(&body, &[CHUNKED, ("trailer", "x-more")]))
        .await;
    wire.send(format!("a;name=value;other=\"quoted\"\r\n{start}\r\n"))
        .await;
    wire.send(format!("00{:X}\r\n{rest}\r\n", rest.len())).await;
    wire.send("0\r\nx-more: yes\r\nx-huntr-hmac-sha256: no\r\n\r\n")
        .await;
    let answer = wire.answer().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // The next request begins where it should.
    wire.send(delivery(&action("next"))).await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 200"));
    let events = Ledger::of(&setup).await.events().await;
    assert_eq!(events[0].body, body.as_bytes());
}

#[tokio::test]
async fn a_chunk_that_lies_about_its_size_is_refused() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let body = action("a");
    for lie in [
        // Shorter and longer than what comes, no number, beyond any number, a sign, and no end of the line.
        format!("5\r\n{body}\r\n0\r\n\r\n"),
        format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len() + 3),
        format!("x\r\n{body}\r\n0\r\n\r\n"),
        format!("fffffffffffffffff\r\n{body}\r\n0\r\n\r\n"),
        format!("-1\r\n{body}\r\n0\r\n\r\n"),
        format!("{}\r\n", ";x".repeat(20_000)),
    ] {
        let mut wire = receiver.connect().await;
        wire.send(signed(&body, &[CHUNKED]) + &lie).await;
        let answer = wire.answer().await;
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.contains("incomplete"),
            "{lie}: {answer}"
        );
        assert_eq!(wire.closed().await, "", "{lie}");
    }
    assert_eq!(receiver.post_signed(body).await.said(), "stored");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_stored() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let body = action("a");
    let mut wire = receiver.connect().await;
    wire.send(signed(&body, &[("content-length", "1000")]) + &body)
        .await;
    wire.finish().await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 400"));
    assert_eq!(receiver.post_signed(body).await.said(), "stored");
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
async fn what_a_sender_posted_and_did_not_wait_for_is_stored() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let body = action("impatient");
    let mut wire = receiver.connect().await;
    wire.send(delivery(&body)).await;
    drop(wire);
    // Posted again, it is known: unless the connection broke before the request was read, which a retry mends.
    until(async || (receiver.post_signed(&body).await.said() == "duplicate").then_some(())).await;
}
