//! Who may post, and how often.

use super::signed;
use crate::support::{KEY, SIGNATURE, Setup, action, sign, sign_with};

const LOCALHOST_IS_A_PROXY: &str =
    "[server]\nallow_from = [\"192.0.2.0/24\"]\ntrusted_proxies = [\"127.0.0.0/8\"]\n";

#[tokio::test]
async fn only_clients_in_the_allowed_networks_may_post() {
    let setup = Setup::sqlite().config(LOCALHOST_IS_A_PROXY);
    let receiver = setup.start();
    let body = action("a");
    let signature = sign(body.as_bytes());
    let from = async |forwarded_for: &[&str]| {
        let mut headers = vec![(SIGNATURE, &*signature)];
        headers.extend(forwarded_for.iter().map(|hops| ("x-forwarded-for", *hops)));
        receiver.post("huntr", &headers, body.clone()).await
    };
    for allowed in [
        &["192.0.2.7"][..],
        // What the client says of itself comes first and counts for nothing.
        &["198.51.100.1, 192.0.2.7"],
        &["garbage", "192.0.2.7, 127.0.0.9"],
        &["::ffff:192.0.2.7"],
    ] {
        assert_eq!(from(allowed).await.status, 200, "{allowed:?}");
    }
    let stranger = receiver.post("huntr", &[], body.clone()).await;
    for refused in [
        &[][..],
        &["198.51.100.1"],
        &["192.0.2.7, 198.51.100.1"],
        &["192.0.2.7", "198.51.100.1"],
        &["192.0.2.7, garbage"],
        &["192.0.2.7,"],
    ] {
        let answer = from(refused).await;
        assert_eq!(
            (answer.status, &answer.json),
            (401, &stranger.json),
            "{refused:?}"
        );
    }
    assert_eq!(receiver.get("/live").await.status, 200);
    assert_eq!(receiver.get("/ready").await.status, 200);
    receiver.logged(r#""client.address":"198.51.100.1""#).await;
    receiver.logged("server.trusted_proxies").await;
    let refused = r#"huntr_receiver_refusals_total{source="huntr",reason="not_allowed"}"#;
    assert!(receiver.metric(refused).await > 6.0);
}

#[tokio::test]
async fn a_client_is_not_believed_what_only_a_proxy_may_say() {
    let setup = Setup::sqlite().config("[server]\nallow_from = [\"192.0.2.0/24\"]\n");
    let receiver = setup.start();
    let body = action("a");
    let headers = [
        (SIGNATURE, &*sign(body.as_bytes())),
        ("x-forwarded-for", "192.0.2.7"),
    ];
    assert_eq!(receiver.post("huntr", &headers, body).await.status, 401);
}

#[tokio::test]
async fn a_source_has_its_own_list_instead_of_the_servers() {
    let setup = Setup::sqlite().config(&format!(
        "{LOCALHOST_IS_A_PROXY}[sources.huntr]\nprovider = \"huntr\"\n\
         secrets = [\"env:HUNTR_WEBHOOK_SECRET\"]\nallow_from = [\"::1\", \"127.0.0.1\"]\n\
         [sources.hunty]\nprovider = \"hunty\"\nsecrets = [\"env:HUNTY_API_KEY\"]\n"
    ));
    let receiver = setup.start();
    assert_eq!(receiver.post_signed(action("a")).await.status, 200);
    assert_eq!(receiver.post_with_key("{}").await.status, 401);
    let forwarded = [("x-auth-api-key", KEY), ("x-forwarded-for", "192.0.2.7")];
    assert_eq!(receiver.post("hunty", &forwarded, "{}").await.status, 200);
}

#[tokio::test]
async fn who_may_not_post_is_asked_for_no_body() {
    let setup = Setup::sqlite().config("[server]\nallow_from = [\"192.0.2.0/24\"]\n");
    let receiver = setup.start();
    let mut wire = receiver.connect().await;
    let asking = [("expect", "100-continue"), ("content-length", "10")];
    wire.send(signed("a", &asking)).await;
    assert!(wire.answer().await.starts_with("HTTP/1.1 401"));
}

#[tokio::test]
async fn a_source_may_not_send_more_than_its_rate() {
    let setup = Setup::sqlite().config(
        "[sources.huntr]\nprovider = \"huntr\"\nsecrets = [\"env:HUNTR_WEBHOOK_SECRET\"]\n\
         rate_limit = \"1/h burst 3\"\n\
         [sources.hunty]\nprovider = \"hunty\"\nsecrets = [\"env:HUNTY_API_KEY\"]\n",
    );
    let receiver = setup.start();
    // What is not authentic uses nothing up.
    for _ in 0..10 {
        let signature = sign_with("another secret", b"{}");
        let answer = receiver
            .post("huntr", &[(SIGNATURE, &signature)], "{}")
            .await;
        assert_eq!(answer.status, 401);
    }
    for (id, said) in [("a", "stored"), ("b", "stored"), ("a", "duplicate")] {
        assert_eq!(receiver.post_signed(action(id)).await.said(), said);
    }
    let refused = receiver.post_signed(action("c")).await;
    assert_eq!((refused.status, refused.said()), (503, "rate_limited"));
    assert_eq!(refused.headers["retry-after"], "5");
    receiver.logged("rate_limit").await;
    assert_eq!(receiver.post_with_key("{}").await.status, 200);
}
