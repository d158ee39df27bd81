//! Requests that two servers in a row might take for different ones.

use super::{delivery, signed};
use crate::{
    ledger::Ledger,
    support::{SIGNATURE, Setup, action, head, sign},
};

/// Whatever comes after a request that is not clear is not taken for another one.
#[tokio::test]
async fn what_is_not_clear_is_refused_with_its_connection() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let smuggled = delivery(&action("smuggled"));
    let body = action("a");
    let length = body.len().to_string();
    let signature = sign(body.as_bytes());
    let proof = format!("{SIGNATURE}: {signature}\r\n");
    for oddity in [
        // Two lengths.
        format!("content-length: {length}\r\ncontent-length: 3\r\n\r\n{body}"),
        format!("content-length: {length}, 3\r\n\r\n{body}"),
        // No lengths.
        format!("content-length: +{length}\r\n\r\n{body}"),
        format!("content-length: -1\r\n\r\n{body}"),
        format!("content-length: 0x10\r\n\r\n{body}"),
        format!("content-length: 99999999999999999999\r\n\r\n{body}"),
        // Codings in which the end cannot be known.
        format!("transfer-encoding: chunked, gzip\r\n\r\n{body}"),
        format!("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n{body}"),
        format!("transfer-encoding: xchunked\r\n\r\n{body}"),
        // Names and values that other servers mend.
        format!("content-length : {length}\r\n\r\n{body}"),
        format!("x-folded: a\r\n b\r\ncontent-length: {length}\r\n\r\n{body}"),
        format!("x-nul: a\0b\r\ncontent-length: {length}\r\n\r\n{body}"),
        format!("content-length: {length}\rx: y\r\n\r\n{body}"),
    ] {
        let mut wire = receiver.connect().await;
        wire.send(head(&[]) + &proof + &oddity + &smuggled).await;
        let said = wire.closed().await;
        assert!(said.starts_with("HTTP/1.1 400"), "{oddity}: {said}");
        assert_eq!(said.matches("HTTP/1.1").count(), 1, "{oddity}: {said}");
    }
    assert_eq!(Ledger::of(&setup).await.events().await.len(), 0);
}

#[tokio::test]
async fn of_a_length_and_chunks_the_chunks_count_and_nothing_comes_after() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let body = action("a");
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for headers in [
        [("content-length", "3"), ("transfer-encoding", "chunked")],
        [("transfer-encoding", "chunked"), ("content-length", "3")],
    ] {
        let mut wire = receiver.connect().await;
        wire.send(signed(&body, &headers) + &chunks + &delivery(&action("smuggled")))
            .await;
        let said = wire.closed().await;
        assert_eq!(said.matches("HTTP/1.1 200").count(), 1, "{said}");
    }
    assert_eq!(Ledger::of(&setup).await.events().await.len(), 1);
}

/// Nobody reads these in another way, and some sender may write them.
#[tokio::test]
async fn what_is_only_unusual_is_taken() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let body = action("a");
    let length = body.len().to_string();
    let twice = [("content-length", &*length), ("content-length", &length)];
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for request in [
        signed(&body, &twice) + &body,
        // Lines that end in a bare line feed.
        signed(&body, &[("content-length", &length)]).replace("\r\n", "\n") + &body,
        signed(&body, &[("TRANSFER-encoding", "\tCHUNKED ")]) + &chunks,
        format!("\r\n\r\n{}", delivery(&body)),
        delivery(&body).replace("POST /", "POST http://localhost/"),
    ] {
        let mut wire = receiver.connect().await;
        wire.send(format!("{request}{}", delivery(&body))).await;
        assert!(wire.answer().await.starts_with("HTTP/1.1 200"), "{request}");
        assert!(wire.answer().await.contains("duplicate"), "{request}");
    }
    assert_eq!(Ledger::of(&setup).await.events().await.len(), 1);
}
