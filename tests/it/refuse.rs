//! What gets no 200, why, and what it costs the others.

use std::fmt::Write as _;

use serde_json::json;

use crate::{
    ledger::Ledger,
    support::{KEY, SIGNATURE, Setup, action, head, sign, sign_with, until},
};

#[tokio::test]
async fn every_refusal_is_answered_alike() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let body = action("a");
    let right = sign(body.as_bytes());
    let mut hex = String::new();
    for byte in right.bytes().cycle().take(32) {
        write!(hex, "{byte:02x}").expect("writing to a string");
    }
    let url_safe = format!("-_{}", &right[2..]);
    let mut answers = Vec::new();
    for headers in [
        vec![],
        vec![(SIGNATURE, "")],
        vec![(SIGNATURE, "not base64")],
        vec![(SIGNATURE, hex.as_str())],
        vec![(SIGNATURE, url_safe.as_str())],
        vec![(SIGNATURE, "AAAA")],
        vec![(SIGNATURE, right.as_str()), (SIGNATURE, right.as_str())],
        vec![(SIGNATURE, &sign_with("another secret", body.as_bytes()))],
    ] {
        let answer = receiver.post("huntr", &headers, body.clone()).await;
        assert_eq!(answer.status, 401, "{headers:?}");
        answers.push(answer.json);
    }
    for headers in [
        vec![],
        vec![("x-auth-api-key", "wrong")],
        vec![("x-auth-api-key", KEY); 2],
    ] {
        let answer = receiver.post("hunty", &headers, "{}").await;
        assert_eq!(answer.status, 401, "{headers:?}");
        answers.push(answer.json);
    }
    let expected =
        json!({ "error": { "code": "unauthorized", "message": "the request is not authentic" } });
    assert!(
        answers.iter().all(|answer| *answer == expected),
        "{answers:?}"
    );
    for reason in [
        "missing_header",
        "repeated_header",
        "hex_signature",
        "base64url_signature",
        "malformed_signature",
        "mismatch",
    ] {
        receiver.logged(reason).await;
    }
    assert_eq!(
        Ledger::of(&setup)
            .await
            .number("select count(*) from events")
            .await,
        0
    );
}

#[tokio::test]
async fn several_secrets_are_live_while_one_is_rotated() {
    let setup = Setup::sqlite()
        .environment("NEW_SECRET", "new")
        .config("[sources.huntr]\nprovider = \"huntr\"\nsecrets = [\"env:NEW_SECRET\", \"env:HUNTR_WEBHOOK_SECRET\"]\n");
    let receiver = setup.start();
    assert_eq!(receiver.post_signed(action("old")).await.status, 200);
    let body = action("new");
    let signature = sign_with("new", body.as_bytes());
    assert_eq!(
        receiver
            .post("huntr", &[(SIGNATURE, &signature)], body)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_source_may_believe_everybody_but_says_so_loudly() {
    let setup = Setup::sqlite().config("[sources.open]\nprovider = \"huntr\"\nverify = false\n");
    let receiver = setup.start();
    assert_eq!(
        receiver.post("open", &[], action("a")).await.said(),
        "stored"
    );
    assert!(
        receiver
            .log()
            .contains("verify = false: everybody who can reach this URL")
    );
}

#[tokio::test]
async fn an_unknown_path_or_method_is_told_apart() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    for path in [
        "/",
        "/webhooks",
        "/webhooks/",
        "/webhooks/unknown",
        "/webhooks/huntr/x",
        "/metrics",
        "/api/v1/events",
    ] {
        let answer = receiver.get(path).await;
        assert_eq!((answer.status, answer.said()), (404, "not_found"), "{path}");
    }
    assert_eq!(receiver.post("%ff", &[], "{}").await.status, 404);
    assert_eq!(receiver.post("unknown", &[], "{}").await.status, 404);
    let answer = receiver.get("/webhooks/huntr").await;
    assert_eq!((answer.status, answer.said()), (405, "method_not_allowed"));
    assert_eq!(answer.headers["allow"], "POST");
}

#[tokio::test]
async fn an_encoded_body_is_refused_as_it_is() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let body = action("a");
    let signature = sign(body.as_bytes());
    for (encoding, status) in [("gzip", 415), ("identity, gzip", 415), ("Identity", 200)] {
        let headers = [
            (SIGNATURE, signature.as_str()),
            ("content-encoding", encoding),
        ];
        assert_eq!(
            receiver.post("huntr", &headers, body.clone()).await.status,
            status,
            "{encoding}"
        );
    }
}

#[tokio::test]
async fn long_bodies_that_stall_leave_room_for_the_usual_ones() {
    let setup = Setup::sqlite()
        .config("[server]\nmax_body = \"1 MiB\"\n[intake]\nmax_buffer = \"2 MiB\"\n");
    let receiver = setup.start();
    let body = "x".repeat(1024 * 1024);
    let length = body.len().to_string();
    let headers = [
        (SIGNATURE, &*sign(b"whatever")),
        ("content-length", &*length),
    ];
    let mut stalled = Vec::new();
    for _ in 0..3 {
        let mut wire = receiver.connect().await;
        wire.send(head(&headers) + "\r\n" + &body[1..]).await;
        stalled.push(wire);
    }
    // One of the three finds no room for the long part of its body, and is told so.
    let refused = r#"huntr_receiver_requests_total{source="huntr",outcome="unavailable"}"#;
    until(async || (receiver.metric(refused).await > 0.0).then_some(())).await;
    assert_eq!(receiver.post_signed(action("a")).await.status, 200);
}

#[tokio::test]
async fn a_receiver_without_room_says_when_to_come_back() {
    let setup = Setup::sqlite()
        .config("[server]\nmax_body = \"256 KiB\"\n[intake]\nmax_buffer = \"256 KiB\"\n");
    let receiver = setup.start();
    // There is room for one of the two, and the last byte of both is still to come.
    let body = "x".repeat(160 * 1024);
    let length = body.len().to_string();
    let headers = [
        (SIGNATURE, &*sign(body.as_bytes())),
        ("content-length", &length),
    ];
    let mut one = receiver.connect().await;
    let mut other = receiver.connect().await;
    one.send(head(&headers) + "\r\n" + &body[1..]).await;
    // Should both arrive in turns, neither would find room: what is there is read before others are answered.
    for _ in 0..10 {
        assert_eq!(receiver.get("/live").await.status, 200);
    }
    other.send(head(&headers) + "\r\n" + &body[1..]).await;
    let (refused, mut held) = tokio::select! {
        answer = one.answer() => (answer, other),
        answer = other.answer() => (answer, one),
    };
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(
        refused.contains("retry-after: 5") && refused.contains("unavailable"),
        "{refused}"
    );
    held.send("x").await;
    assert!(held.answer().await.starts_with("HTTP/1.1 200"));
    assert_eq!(receiver.post_signed(action("a")).await.status, 200);
}
