//! What becomes of a message by the answer to it, and by there being none.

use std::time::Duration;

use huntr_receiver::{
    domain::{Clock, SystemClock},
    sinks::SinkError,
};
use tokio::time::{Instant, timeout};

use super::{file, reference, sink};
use crate::{
    sinks::{
        made::{deliver, message, rejection, retry},
        web_server::{Behaviour, WebServer},
    },
    support::PATIENCE,
};

#[tokio::test]
async fn every_2xx_is_a_delivery_and_the_answer_is_kept() {
    let server = WebServer::start().await;
    let sink = sink(&server, "");
    for status in [200, 201, 202, 204, 299] {
        let said = if status == 204 { "" } else { "thank you" };
        server.answer_with(Behaviour::status(status).with_body(said));
        let receipt = deliver(&*sink, message(1, "{}")).await.expect("delivered");
        assert_eq!(receipt.status_code, Some(status));
        assert_eq!(receipt.response.unwrap_or_default(), said);
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_the_rest_is_not() {
    let server = WebServer::start().await;
    let sink = sink(&server, "");
    let answered = async |status| {
        server.answer_with(Behaviour::status(status).with_body("because"));
        deliver(&*sink, message(1, "{}"))
            .await
            .expect_err("a failure")
    };
    for status in [408, 425, 429, 500, 501, 503, 599] {
        let error = answered(status).await;
        let SinkError::Retry { after, failure } = error else {
            panic!("{status} is tried again, and not {error:?}");
        };
        assert_eq!(after, None);
        assert_eq!(failure.receipt.status_code, Some(status));
        assert_eq!(failure.receipt.response.as_deref(), Some("because"));
    }
    for status in [400, 401, 403, 404, 410, 413, 422] {
        let error = answered(status).await;
        assert!(matches!(error, SinkError::Reject { .. }), "{status}");
        assert_eq!(error.failure().receipt.status_code, Some(status));
    }
    let error = answered(503).await;
    let origin = server.url().replace("/hooks", "");
    assert_eq!(
        error.to_string(),
        format!("{origin} answered 503 Service Unavailable")
    );
    // An answer that is read to its end leaves its connection for others, if a moment too late for the next.
    assert!(server.connections() < 8, "{}", server.connections());
}

#[tokio::test]
async fn the_server_says_how_long_to_wait() {
    let server = WebServer::start().await;
    let sink = sink(&server, "");
    let date = (SystemClock.now() + Duration::from_mins(2))
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    for (status, header, seconds) in [(429, "7", 7..=7), (503, &date, 110..=120)] {
        server.answer_with(Behaviour::status(status).with_header("retry-after", header));
        let error = deliver(&*sink, message(1, "{}")).await;
        let Err(SinkError::Retry {
            after: Some(after), ..
        }) = error
        else {
            panic!("{header}: {error:?}");
        };
        assert!(seconds.contains(&after.as_secs()), "{header}: {after:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_told_without_its_secrets() {
    let (server, other) = (WebServer::start().await, WebServer::start().await);
    let sink = sink(&server, "");
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}?token=hush", other.url());
        server.answer_with(Behaviour::status(status).with_header("location", location));
        let told = retry(deliver(&*sink, message(1, "{}")).await);
        assert!(told.contains(", to 127.0.0.1; redirects are not"), "{told}");
        assert!(!told.contains("hush"), "{told}");
    }
    server.answer_with(Behaviour::status(304));
    retry(deliver(&*sink, message(1, "{}")).await);
    assert_eq!(other.received().len(), 0);
}

#[tokio::test]
async fn an_answer_without_end_is_kept_to_1_kb_and_holds_nothing_up() {
    let server = WebServer::start().await;
    let sink = sink(&server, "");
    for behaviour in [Behaviour::Flood, Behaviour::Drip] {
        server.answer_with(behaviour.clone());
        let delivered = deliver(&*sink, message(1, "{}"));
        let receipt = timeout(PATIENCE, delivered).await.expect("in time");
        let response = receipt.expect("delivered").response.expect("an answer");
        assert!((1..=1024).contains(&response.len()), "{behaviour:?}");
    }
    server.answer_with(Behaviour::CloseWithin);
    let receipt = deliver(&*sink, message(1, "{}")).await.expect("delivered");
    assert_eq!(receipt.response.as_deref(), Some("half"));
    let hostile = [b"\xff\0".as_slice(), &b"x".repeat(9000)].concat();
    server.answer_with(Behaviour::status(500).with_body(hostile));
    let error = deliver(&*sink, message(1, "{}")).await.expect_err("a 500");
    let response = error.failure().receipt.response.as_deref();
    let response = response.expect("an answer");
    assert!(response.starts_with("\u{fffd}\u{fffd}xxx"), "{response}");
    assert!(response.len() <= 1024);
}

#[tokio::test]
async fn a_server_that_is_down_is_found_again_when_it_is_back() {
    let mut server = WebServer::start().await;
    let sink = sink(&server, "");
    deliver(&*sink, message(1, "{}")).await.expect("delivered");
    server.stop().await;
    for _ in 0..2 {
        let told = retry(deliver(&*sink, message(2, "{}")).await);
        assert!(
            told.contains("cannot connect to http://127.0.0.1:"),
            "{told}"
        );
        assert!(told.contains("Connection refused"), "{told}");
    }
    server.restart_on_same_port().await;
    deliver(&*sink, message(2, "{}")).await.expect("delivered");
    server.answer_with(Behaviour::Close);
    let told = retry(deliver(&*sink, message(3, "{}")).await);
    assert!(told.contains("gave no answer"), "{told}");
}

#[tokio::test]
async fn a_delivery_that_was_given_up_leaves_nothing_behind() {
    let server = WebServer::start().await;
    let sink = sink(&server, "");
    server.answer_with(Behaviour::Hang);
    {
        let sent = deliver(&*sink, message(1, "{}"));
        let mut sent = std::pin::pin!(sent);
        let deadline = Instant::now() + PATIENCE;
        while server.received().is_empty() && Instant::now() < deadline {
            let hanging = timeout(Duration::from_millis(20), &mut sent).await;
            assert!(hanging.is_err(), "no answer");
        }
    }
    server.answer_with(Behaviour::status(200));
    deliver(&*sink, message(1, "{}")).await.expect("delivered");
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn wrong_credentials_are_told_without_them() {
    let server = WebServer::start().await;
    server.answer_with(Behaviour::status(401));
    let url = server.url().replace("http://", "http://ada:hush@") + "?token=hush";
    let url = file(&url);
    let options = format!("url = {}\nallow_private = true", reference(url.path()));
    let sink = super::made::sink("http", &options);
    let told = rejection(deliver(&*sink, message(1, "{}")).await);
    assert!(told.contains("answered 401 Unauthorized"), "{told}");
    assert!(!told.contains("hush"), "{told}");
    assert_eq!(server.last().header("authorization"), "Basic YWRhOmh1c2g=");
    assert_eq!(server.last().path, "/hooks?token=hush");
}
