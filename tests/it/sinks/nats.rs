//! `nats` against a real NATS server with JetStream.

use async_nats::jetstream::stream::Config as StreamConfig;

use super::brokers::{
    identity::Identity,
    nats::{Nats, header},
    trial::{
        deliver, deliver_at_last, delivered, large_message, message, post, problems,
        refused_for_good, refused_for_now, run_out_of_time, sink,
    },
};
use crate::support::Setup;

fn options(url: &str) -> String {
    format!("url = '{url}'\nsubject = 'events.all'\n")
}

#[tokio::test]
async fn an_event_is_in_the_stream_with_its_id_and_headers() {
    let nats = Nats::start("").await;
    nats.make_stream(StreamConfig::default()).await;
    let sink = sink("nats", &options(&nats.url()));
    deliver(&*sink, &[message(7)]).await;

    let messages = nats.messages().await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].payload, message(7).body);
    for (name, value) in [
        ("Nats-Msg-Id", "evt_7"),
        ("Content-Type", "application/cloudevents+json"),
        ("type", "JOB_CREATED"),
        ("entity", "member-1"),
        ("signature", "as it was sent"),
    ] {
        assert_eq!(header(&messages[0], name), value, "{name}");
    }
}

#[tokio::test]
async fn a_batch_is_stored_in_order_and_an_event_that_comes_again_only_once() {
    let nats = Nats::start("").await;
    nats.make_stream(StreamConfig::default()).await;
    let sink = sink("nats", &options(&nats.url()));
    let batch: Vec<_> = (0..64).map(message).collect();
    deliver(&*sink, &batch).await;
    deliver(&*sink, &batch).await;
    let ids: Vec<_> = (0..64).map(|event| format!("evt_{event}")).collect();
    assert_eq!(nats.ids().await, ids);
}

#[tokio::test]
async fn what_a_sender_calls_things_cannot_break_the_headers() {
    let nats = Nats::start("").await;
    nats.make_stream(StreamConfig::default()).await;
    let mut odd = message(1);
    odd.entity = Some("a\r\nNats-Msg-Id: evt_2".into());
    deliver(&*sink("nats", &options(&nats.url())), &[odd]).await;
    assert_eq!(nats.ids().await, ["evt_1"]);
}

#[tokio::test]
async fn a_subject_without_a_stream_is_waited_for() {
    let nats = Nats::start("").await;
    let sink = sink("nats", &options(&nats.url()));
    let why = refused_for_now(&*sink, &message(1)).await;
    let address = nats.address();
    assert_eq!(
        why,
        format!(
            "no JetStream stream at nats://{address} takes the subject events.all; make one: \
             nats stream add EVENTS --subjects events.all"
        )
    );
    assert_eq!(sink.check().await.expect_err("no stream").to_string(), why);

    nats.make_stream(StreamConfig::default()).await;
    deliver(&*sink, &[message(1)]).await;
    assert_eq!(
        sink.check().await.expect("reachable"),
        "reachable; stream EVENTS takes the subject events.all"
    );
}

#[tokio::test]
async fn the_same_sink_delivers_again_when_the_server_is_back() {
    let mut nats = Nats::start("").await;
    nats.make_stream(StreamConfig::default()).await;
    let sink = sink("nats", &options(&nats.url()));
    deliver(&*sink, &[message(1)]).await;

    nats.kill();
    let why = refused_for_now(&*sink, &message(2)).await;
    assert!(why.contains(&nats.address()), "{why}");
    let why = refused_for_now(&*sink, &message(2)).await;
    assert!(
        why.starts_with("NATS cannot be reached at nats://127.0.0.1:"),
        "{why}"
    );
    assert!(why.contains("onnection refused"), "{why}");
    assert!(sink.check().await.is_err());

    nats.start_again().await;
    deliver_at_last(&*sink, &message(2)).await;
    assert_eq!(nats.ids().await, ["evt_1", "evt_2"]);
}

#[tokio::test]
async fn after_a_call_without_an_answer_the_next_one_is_made_over_another_connection() {
    let nats = Nats::start("").await;
    nats.make_stream(StreamConfig::default()).await;
    let sink = sink("nats", &options(&nats.url()));
    deliver(&*sink, &[message(1)]).await;
    nats.signal("STOP");
    run_out_of_time(&*sink, &message(2)).await;
    nats.signal("CONT");
    deliver(&*sink, &[message(3)]).await;
    let ids = nats.ids().await;
    assert!(ids.contains(&"evt_3".to_owned()), "{ids:?}");
}

#[tokio::test]
async fn only_what_is_too_large_is_refused_for_good() {
    let nats = Nats::start("max_payload: 2000").await;
    nats.make_stream(StreamConfig {
        max_message_size: 1000,
        ..StreamConfig::default()
    })
    .await;
    let sink = sink("nats", &options(&nats.url()));
    let why = refused_for_good(&*sink, &large_message(1, 3000)).await;
    assert!(
        why.ends_with("raise max_payload in the server's configuration"),
        "{why}"
    );
    let why = refused_for_good(&*sink, &large_message(1, 1500)).await;
    assert!(why.ends_with("raise the stream's max-msg-size"), "{why}");

    let batch = [
        message(2),
        large_message(3, 3000),
        message(4),
        large_message(5, 1500),
    ];
    let results = sink.deliver(&batch).await;
    assert_eq!(
        results.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, false, true, false]
    );
    assert_eq!(nats.ids().await, ["evt_2", "evt_4"]);
}

#[tokio::test]
async fn a_wrong_login_is_told_without_the_password() {
    let nats = Nats::start("authorization { user: us, password: 'hunter%2' }").await;
    let wrong = format!("nats://us:swordfish@{}", nats.address());
    let wrong = options(&nats.secret("wrong", &wrong));
    let why = refused_for_now(&*sink("nats", &wrong), &message(1)).await;
    let address = nats.address();
    assert_eq!(
        why,
        format!(
            "NATS at nats://{address} refuses the login; see user and password, token or credentials"
        )
    );
    let right = nats.secret("right", &format!("nats://us:hunter%252@{address}"));
    let right = options(&right);
    let why = refused_for_now(&*sink("nats", &right), &message(1)).await;
    assert!(why.starts_with("no JetStream stream"), "{why}");
}

#[tokio::test]
async fn a_login_by_options_works_like_one_in_the_url() {
    let nats = Nats::start("authorization { user: us, password: 'pa ss' }").await;
    let password = nats.secret("password", "pa ss");
    let options = format!(
        "{}user = 'us'\npassword = '{password}'",
        options(&nats.url())
    );
    let why = refused_for_now(&*sink("nats", &options), &message(1)).await;
    assert!(why.starts_with("no JetStream stream"), "{why}");
}

#[tokio::test]
async fn a_token_works_in_its_option_and_in_the_url() {
    let nats = Nats::start("authorization { token: 'tok' }").await;
    let token = nats.secret("token", "tok");
    for options in [
        format!("{}token = '{token}'", options(&nats.url())),
        options(&nats.secret("url", &format!("nats://tok@{}", nats.address()))),
    ] {
        let why = refused_for_now(&*sink("nats", &options), &message(1)).await;
        assert!(why.starts_with("no JetStream stream"), "{why}");
    }
}

#[tokio::test]
async fn a_missing_permission_is_told_at_once() {
    let nats = Nats::start(
        "authorization { users: [ { user: us, password: pw, permissions: { publish: ['other'] } } ] }",
    )
    .await;
    let options = options(&nats.secret("url", &format!("nats://us:pw@{}", nats.address())));
    let why = refused_for_now(&*sink("nats", &options), &message(1)).await;
    assert!(
        why.contains("Permissions Violation for Publish to \"events.all\""),
        "{why}"
    );
}

#[tokio::test]
async fn the_next_server_of_a_list_is_used_when_the_first_is_away() {
    let nats = Nats::start("").await;
    nats.make_stream(StreamConfig::default()).await;
    let away = super::brokers::process::free_port();
    let options = format!(
        "url = ['nats://127.0.0.1:{away}', '{}']\nsubject = 'events.all'",
        nats.url()
    );
    deliver(&*sink("nats", &options), &[message(1)]).await;
    let file = nats.secret("urls", &format!("nats://127.0.0.1:{away},{}", nats.url()));
    let options = format!("url = '{file}'\nsubject = 'events.all'");
    deliver(&*sink("nats", &options), &[message(2)]).await;
    assert_eq!(nats.ids().await, ["evt_1", "evt_2"]);
}

#[tokio::test]
async fn a_server_is_believed_when_the_file_of_certificates_vouches_for_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let identity = Identity::new(folder.path());
    let tls = format!(
        "tls {{ cert_file: '{}', key_file: '{}' }}",
        identity.certificate, identity.key
    );
    let nats = Nats::start(&tls).await;
    let url = format!("tls://{}", nats.address());
    let why = refused_for_now(&*sink("nats", &options(&url)), &message(1)).await;
    assert!(
        why.contains("invalid peer certificate: UnknownIssuer"),
        "{why}"
    );
    let trusting = format!("{}ca_file = '{}'", options(&url), identity.authority);
    let why = refused_for_now(&*sink("nats", &trusting), &message(1)).await;
    assert!(why.starts_with("no JetStream stream"), "{why}");
}

#[test]
fn wrong_options_are_told_by_name() {
    for (options, problem) in [
        ("url = 'http://h'", "url: must start with nats:// or tls://"),
        (
            "url = 'nats://h/x'",
            "url: takes nothing after the host and port",
        ),
        ("url = []", "url: names no server"),
        (
            "url = 'nats://h'\nsubject = 'a b'",
            "subject: is not a subject like events or events.offers",
        ),
        (
            "url = 'nats://h'\nsubject = 'a.*'",
            "subject: must be one subject, without * and >",
        ),
        (
            "url = 'nats://h'\nuser = 'u'",
            "password: user and password go together",
        ),
        (
            "url = 'nats://h'\nca_file = '/none'",
            "ca_file: cannot be read: No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(problems("nats", options), [problem]);
    }
    let written_out = problems("nats", "url = 'nats://h'\ntoken = 'hunter2'");
    assert!(
        written_out[0].starts_with("token: is written out"),
        "{written_out:?}"
    );
}

#[tokio::test]
async fn every_event_arrives_though_the_server_is_killed_in_the_middle() {
    let mut nats = Nats::start("").await;
    nats.make_stream(StreamConfig::default()).await;
    let setup = Setup::sqlite().config(&format!(
        "[sinks.broker]\nkind = 'nats'\nretry = {{ initial = '50ms', max = '500ms' }}\n{}",
        options(&nats.url())
    ));
    let receiver = setup.start();
    post(&receiver, 0..15).await;
    nats.kill();
    post(&receiver, 15..30).await;
    nats.start_again().await;

    let events = delivered(&setup, 30).await;
    let ids = nats.ids().await;
    for id in events {
        assert!(ids.contains(&id), "{id} is missing");
    }
}
