//! `http`, against a web server.

mod answers;
mod tls;

use std::{collections::BTreeSet, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use huntr_receiver::{
    domain::{Clock, SystemClock},
    sinks::Sink,
};
use sha2::Sha256;
use tempfile::NamedTempFile;

use super::{
    made::{self, deliver, message, problem, problems},
    web_server::{Behaviour, WebServer},
};
use crate::{
    ledger::Ledger,
    support::{Setup, action, until},
};

const KEY: &[u8] = b"a key that is long enough";

fn sink(server: &WebServer, options: &str) -> Box<dyn Sink> {
    let url = server.url();
    made::sink(
        "http",
        &format!("url = \"{url}\"\nallow_private = true\n{options}"),
    )
}

fn file(content: &str) -> NamedTempFile {
    let file = NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), content).expect("writing it");
    file
}

fn whsec() -> String {
    format!("whsec_{}", BASE64_STANDARD.encode(KEY))
}

fn reference(path: &Path) -> String {
    format!("\"file:{}\"", path.display())
}

#[tokio::test]
async fn a_message_arrives_whole() {
    let server = WebServer::start().await;
    let token = file("Bearer hush\n");
    let options = format!(
        "method = \"put\"\nheaders = {{ X-Team = \"Ünited\", Authorization = {} }}",
        reference(token.path())
    );
    let sink = sink(&server, &options);
    let body = Bytes::from_static(b"{\"a\": \"\xff\0\"}");
    let mut message = message(42, body.clone());
    message.headers = vec![("x-signature", "theirs".into())];
    let receipt = deliver(&*sink, message).await.expect("delivered");
    assert_eq!(receipt.status_code, Some(200));
    assert_eq!(receipt.response.as_deref(), Some("ok"));

    let request = server.last();
    assert_eq!((&*request.method, &*request.path), ("PUT", "/hooks"));
    assert_eq!(request.body, body);
    assert_eq!(
        request.header("content-type"),
        "application/cloudevents+json"
    );
    assert_eq!(request.header("content-length"), body.len().to_string());
    assert_eq!(request.header("webhook-id"), "evt_42");
    assert_eq!(request.header("authorization"), "Bearer hush");
    assert_eq!(request.headers["x-team"].as_bytes(), "Ünited".as_bytes());
    assert_eq!(request.header("x-signature"), "theirs");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        request.header("user-agent"),
        format!("huntr-receiver/{version}")
    );
    assert!(!request.headers.contains_key("webhook-signature"));
    assert!(!request.headers.contains_key("webhook-timestamp"));
}

#[tokio::test]
async fn a_signature_is_that_of_standard_webhooks() {
    let server = WebServer::start().await;
    let secret = file(&whsec());
    let sink = sink(&server, &format!("secret = {}", reference(secret.path())));
    let earliest = SystemClock.now().timestamp();
    for body in [&b"{\"id\":1}"[..], b"", b"\xff\0 is no JSON"] {
        deliver(&*sink, message(7, body)).await.expect("delivered");
        let request = server.last();
        let timestamp = request.header("webhook-timestamp");
        let signed = [b"evt_7.", timestamp.as_bytes(), b".", body].concat();
        let mac = Hmac::<Sha256>::new_from_slice(KEY).expect("any key");
        let mac = mac.chain_update(signed).finalize().into_bytes();
        let signature = format!("v1,{}", BASE64_STANDARD.encode(mac));
        assert_eq!(request.header("webhook-signature"), signature);
        assert_eq!(request.header("webhook-id"), "evt_7");
        let attempted = earliest..=SystemClock.now().timestamp();
        assert!(attempted.contains(&timestamp.parse().expect("seconds")));
    }
}

#[tokio::test]
async fn the_content_type_of_the_configuration_wins() {
    let server = WebServer::start().await;
    let sink = sink(&server, "headers = { Content-Type = \"text/csv\" }");
    deliver(&*sink, message(1, "a,b")).await.expect("delivered");
    assert_eq!(server.last().header("content-type"), "text/csv");
}

#[tokio::test]
async fn many_at_once_share_few_connections() {
    let server = WebServer::start().await;
    let sink = sink(&server, "");
    for round in 0..20 {
        let sent = (0..8).map(|id| deliver(&*sink, message(round * 8 + id, "{}")));
        for outcome in join_all(sent).await {
            outcome.expect("delivered");
        }
    }
    let ids: BTreeSet<_> = server
        .received()
        .iter()
        .map(|request| request.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids.len(), 160);
    assert!(server.connections() < 80, "{}", server.connections());
}

#[tokio::test]
async fn check_asks_for_nothing_and_takes_any_answer() {
    let mut server = WebServer::start().await;
    let sink = sink(&server, "");
    let origin = server.url().replace("/hooks", "");
    for status in [200, 405, 500] {
        server.answer_with(Behaviour::status(status));
        assert_eq!(
            sink.check().await.expect("reachable"),
            format!("reachable; {origin} answered a HEAD request with {status}")
        );
        assert_eq!(server.last().method, "HEAD");
        assert_eq!(server.last().body.len(), 0);
    }
    server.stop().await;
    let error = sink.check().await.expect_err("it is down").to_string();
    assert!(error.contains("is it up"), "{error}");
}

#[test]
fn mistakes_are_told_by_key_and_without_the_value() {
    let (literal, wrong) = (whsec(), file("hush"));
    let wrong = reference(wrong.path());
    let (private, login) = (
        file("https://ada:hush@[fe80::1]/"),
        file("https://ada:hush@example.com"),
    );
    let (private, login) = (reference(private.path()), reference(login.path()));
    let url = "url = \"https://example.com/hooks\"\n";
    for (options, key) in [
        (String::new(), ""),
        ("url = \"hush.example.com\"".into(), "url"),
        ("url = \"ftp://hush.example.com\"".into(), "url"),
        (format!("url = {wrong}"), "url"),
        ("url = \"env:HUSH_IS_NOT_SET_ANYWHERE\"".into(), "url"),
        ("url = \"http://127.0.0.1/hush\"".into(), "url"),
        ("url = \"https://ada:hush@example.com/\"".into(), "url"),
        (format!("url = {private}"), "url"),
        (format!("{url}method = \"hush hush\""), "method"),
        (format!("{url}method = \"CONNECT\""), "method"),
        (format!("{url}secret = \"{literal}\""), "secret"),
        (format!("{url}secret = {wrong}"), "secret"),
        (
            format!("{url}headers = {{ Cookie = \"hush\" }}"),
            "headers.Cookie",
        ),
        (
            format!("{url}headers = {{ x-a = \"hush\\n\" }}"),
            "headers.x-a",
        ),
        (format!("{url}headers = {{ x-a = 7 }}"), "headers.x-a"),
        (format!("{url}template = \"hush\""), "template"),
        (format!("{url}format = \"template\""), "template"),
        (
            format!("url = {login}\nheaders = {{ Authorization = {wrong} }}"),
            "url",
        ),
    ] {
        let (found, why) = problem("http", &options);
        assert_eq!(found, key, "{options}: {why}");
        assert!(!why.contains("hush"), "{options}: {why}");
        assert!(!why.contains(&literal), "{options}: {why}");
    }
    assert_eq!(problems("http", &format!("{url}method = \"PATCH\"")), []);
}

#[tokio::test]
async fn every_event_arrives_through_an_outage() {
    let mut server = WebServer::start().await;
    server.answer_by(|request| {
        let fails = request.number.is_multiple_of(3);
        Behaviour::status(if fails { 500 } else { 200 })
    });
    let secret = file(&whsec());
    let setup = Setup::sqlite()
        .config(&format!(
            r#"
            [sinks.crm]
            kind = "http"
            url = "{}?token=hush"
            secret = {}
            allow_private = true
            retry = {{ initial = "50ms", max = "500ms" }}
            "#,
            server.url(),
            reference(secret.path()),
        ))
        .environment("RUST_LOG", "trace")
        // A proxy of the environment's would see it all.
        .environment("http_proxy", "http://127.0.0.1:9")
        .environment("ALL_PROXY", "http://127.0.0.1:9");
    let receiver = setup.start();
    let mut events = BTreeSet::new();
    for number in 0..30 {
        if number == 10 {
            until(async || (!server.received().is_empty()).then_some(())).await;
            server.stop().await;
        }
        if number == 20 {
            server.restart_on_same_port().await;
        }
        let answer = receiver.post_signed(action(&format!("e{number}"))).await;
        assert_eq!(answer.status, 200);
        events.insert(format!("evt_{}", answer.event()));
    }
    let ledger = Ledger::of(&setup).await;
    let delivered = "select count(*) from deliveries where state = 'delivered'";
    until(async || (ledger.number(delivered).await == 30).then_some(())).await;

    let taken = server
        .received()
        .into_iter()
        .filter(|request| !request.number.is_multiple_of(3));
    let taken: BTreeSet<_> = taken
        .map(|request| request.header("webhook-id").to_owned())
        .collect();
    assert_eq!(taken, events);
    assert!(!receiver.log().contains("hush"), "the URL is not logged");
    assert!(
        !receiver.log().contains(&whsec()),
        "the secret is not logged"
    );
}
