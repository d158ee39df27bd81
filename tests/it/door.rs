//! The admin listener: metrics are open, the API is for whoever has the token.

use reqwest::Method;

use crate::support::{Running, Setup};

async fn ask(receiver: &Running, path: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let mut request =
        crate::support::client().request(Method::GET, format!("http://{}{path}", receiver.admin));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("an answer");
    let scheme = answer
        .headers()
        .get("www-authenticate")
        .map(|value| value.to_str().expect("text").to_owned());
    (
        answer.status().as_u16(),
        scheme.unwrap_or_default(),
        answer.text().await.expect("text"),
    )
}

#[tokio::test]
async fn with_a_token_the_api_wants_it_whatever_is_asked_for() {
    let setup = Setup::sqlite().environment("RECEIVER_ADMIN_TOKEN", "open sesame");
    let receiver = setup.start();
    for path in [
        "/api",
        "/api/",
        "/api/v1/events",
        "/api/v1/../../metrics/x",
        "/api/%2e",
    ] {
        for headers in [
            &[][..],
            &[("authorization", "Bearer wrong")],
            &[("host", "localhost")],
        ] {
            let (status, scheme, body) = ask(&receiver, path, headers).await;
            if !path.contains("..") {
                assert_eq!((status, scheme.as_str()), (401, "Bearer"), "{path}");
                assert_eq!(
                    body,
                    r#"{"error":{"code":"unauthorized","message":"the token is missing or wrong, send it as Authorization: Bearer"}}"#
                );
            }
        }
        let (status, _, body) =
            ask(&receiver, path, &[("authorization", "Bearer open sesame")]).await;
        assert_eq!(status, 404, "{path}");
        assert!(body.contains("not_found"), "{body}");
    }
    assert_eq!(ask(&receiver, "/metrics", &[]).await.0, 200);
    assert!(!receiver.log().contains("open sesame"));
    receiver.logged("a request to the API was refused").await;
    assert_eq!(
        receiver.get("/api/v1/events").await.status,
        404,
        "the public listener has no API"
    );
}

#[tokio::test]
async fn without_a_token_the_api_is_for_programs_of_this_machine() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    assert_eq!(ask(&receiver, "/api/v1/events", &[]).await.0, 404);
    // A page whose name leads to this machine, and a page that posts to it.
    for header in [
        ("host", "rebound.example.com"),
        ("origin", "https://example.com"),
    ] {
        let (status, scheme, body) = ask(&receiver, "/api/v1/events", &[header]).await;
        assert_eq!((status, scheme.as_str()), (403, ""));
        assert!(body.contains("forbidden"), "{body}");
    }
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_refused_at_the_start() {
    for token in [" open sesame", "open\nsesame"] {
        let setup = Setup::sqlite().environment("RECEIVER_ADMIN_TOKEN", token);
        let output = setup.command().arg("serve").output().expect("running it");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            said.contains("server.admin_token: has whitespace around it")
                && !said.contains("sesame"),
            "{said}"
        );
    }
}
