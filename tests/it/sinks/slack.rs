//! `slack`, against a web server that answers as Slack does.

use std::{collections::BTreeSet, time::Duration};

use huntr_receiver::sinks::{Format, Sink, SinkError};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{
    made::{self, deliver, message, problem, problems, read, rejection, retry},
    web_server::{Behaviour, WebServer},
};
use crate::{
    ledger::Ledger,
    support::{Setup, action, until},
};

const SECRET_PATH: &str = "/services/T00/B00/hush";

/// The webhook's URL, in a file.
fn url(server: &WebServer) -> NamedTempFile {
    file(&server.url().replace("/hooks", SECRET_PATH))
}

fn file(content: &str) -> NamedTempFile {
    let file = NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), content).expect("writing it");
    file
}

fn options(url: &NamedTempFile) -> String {
    format!(
        "url = \"file:{}\"\nallow_private = true\n",
        url.path().display()
    )
}

fn sink(server: &WebServer) -> Box<dyn Sink> {
    made::sink("slack", &options(&url(server)))
}

fn body(server: &WebServer) -> Value {
    serde_json::from_slice(&server.last().body).expect("JSON")
}

#[tokio::test]
async fn a_text_is_posted_as_slack_takes_it() {
    let server = WebServer::start().await;
    let sink = sink(&server);
    let text = "*Ada* moved \"Engineer &amp; more\"\nto Offer";
    let receipt = deliver(&*sink, message(5, text)).await.expect("delivered");
    assert_eq!(receipt.response.as_deref(), Some("ok"));
    assert_eq!(body(&server), json!({ "text": text }));
    let request = server.last();
    assert_eq!((&*request.method, &*request.path), ("POST", SECRET_PATH));
    assert_eq!(request.header("content-type"), "application/json");

    deliver(&*sink, message(6, "é".repeat(50_000)))
        .await
        .expect("delivered");
    let sent = body(&server)["text"].as_str().expect("a text").to_owned();
    assert_eq!(sent.chars().count(), 40_000);
    assert!(sent.ends_with("é…"));
}

#[tokio::test]
async fn slacks_refusals_are_told_with_what_to_do() {
    let mut server = WebServer::start().await;
    let sink = sink(&server);
    server.answer_with(Behaviour::status(429).with_header("retry-after", "30"));
    let outcome = deliver(&*sink, message(1, "hello")).await;
    assert!(
        matches!(outcome, Err(SinkError::Retry { after: Some(after), .. }) if after == Duration::from_secs(30)),
        "{outcome:?}"
    );
    for (status, code) in [
        (403, "action_prohibited"),
        (404, "no_service"),
        (410, "channel_is_archived"),
    ] {
        server.answer_with(Behaviour::status(status).with_body(code));
        let error = deliver(&*sink, message(1, "hello"))
            .await
            .expect_err("refused");
        assert_eq!(error.failure().receipt.response.as_deref(), Some(code));
        assert!(
            error.to_string().contains("make a new one in Slack"),
            "{error}"
        );
        assert!(!error.to_string().contains("hush"), "{error}");
    }
    server.answer_with(Behaviour::status(400).with_body("invalid_payload"));
    let told = rejection(deliver(&*sink, message(1, "hello")).await);
    assert!(told.ends_with("answered 400 Bad Request"), "{told}");

    server.stop().await;
    let told = retry(deliver(&*sink, message(1, "hello")).await);
    assert!(
        told.contains("cannot connect") && !told.contains("hush"),
        "{told}"
    );
    assert!(sink.check().await.is_err());
    server.restart_on_same_port().await;
    server.answer_with(Behaviour::status(200));
    deliver(&*sink, message(1, "hello"))
        .await
        .expect("delivered");
    let before = server.received().len();
    let reached = sink.check().await.expect("reachable");
    assert!(
        reached.starts_with("reachable") && !reached.contains("hush"),
        "{reached}"
    );
    assert_eq!(server.received().len(), before + 1);
    assert_eq!(server.last().method, "HEAD");
}

#[test]
fn a_text_for_people_is_sent_unless_there_is_a_template() {
    let url = file(&format!("https://hooks.slack.com{SECRET_PATH}"));
    let options = options(&url);
    let format = |more: &str| {
        let toml = format!("{options}{more}");
        assert_eq!(problems("slack", &toml), [], "{more}");
        read("slack", &toml).expect("options").format()
    };
    assert!(matches!(format(""), Format::Headline));
    let template = "template = \"{{ event.type }}\"\n";
    assert!(matches!(format(template), Format::Template(_)));
    let named = format!("{template}format = \"template\"");
    assert!(matches!(format(&named), Format::Template(_)));

    for other in ["cloudevents", "raw"] {
        let (key, why) = problem("slack", &format!("{options}format = \"{other}\""));
        assert_eq!(key, "format");
        assert!(why.contains("set template"), "{why}");
    }
    let (key, _) = problem("slack", &format!("{options}format = \"template\""));
    assert_eq!(key, "template");
}

#[test]
fn the_webhooks_url_is_a_secret() {
    let local = file("https://127.0.0.1/hush");
    let wrong = file("hush");
    for (options, means) in [
        (
            "url = \"https://hooks.slack.com/services/hush\"".into(),
            "is written out",
        ),
        (
            format!("url = \"file:{}\"", wrong.path().display()),
            "is not a URL",
        ),
        (
            format!("url = \"file:{}\"", local.path().display()),
            "allow_private",
        ),
    ] {
        let (key, why) = problem("slack", &options);
        assert_eq!(key, "url");
        assert!(why.contains(means), "{why}");
        assert!(!why.contains("hush"), "{why}");
    }
    let config = read("slack", &options(&file("https://hooks.slack.com/hush")));
    let shown = format!("{:?}", config.expect("options"));
    assert!(!shown.contains("hush"), "{shown}");
}

#[tokio::test]
async fn every_event_becomes_a_text_through_an_outage() {
    let mut server = WebServer::start().await;
    server.answer_by(|request| {
        if request.number.is_multiple_of(7) {
            return Behaviour::status(429).with_header("retry-after", "0");
        }
        Behaviour::status(200).with_body("ok")
    });
    let url = url(&server);
    let setup = Setup::sqlite().config(&format!(
        "[sinks.offers]\nkind = \"slack\"\n{}template = \"event {{{{ event.id }}}}\"\n\
         retry = {{ initial = \"50ms\", max = \"500ms\" }}\n",
        options(&url)
    ));
    let receiver = setup.start();
    let mut expected = BTreeSet::new();
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
        expected.insert(format!("event {}", answer.event()));
    }
    let ledger = Ledger::of(&setup).await;
    let delivered = "select count(*) from deliveries where state = 'delivered'";
    until(async || (ledger.number(delivered).await == 30).then_some(())).await;

    let taken = server
        .received()
        .into_iter()
        .filter(|request| !request.number.is_multiple_of(7));
    let texts = taken.map(|request| {
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        body["text"].as_str().expect("a text").to_owned()
    });
    assert_eq!(texts.collect::<BTreeSet<_>>(), expected);
    assert!(!receiver.log().contains("hush"), "the URL is not logged");
}
