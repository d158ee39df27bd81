//! `redis` against a real Redis server.

use super::brokers::{
    identity::Identity,
    process::free_port,
    redis::{Redis, text},
    trial::{
        deliver, deliver_at_last, delivered, large_message, message, post, problems,
        refused_for_good, refused_for_now, run_out_of_time, sink,
    },
};
use crate::support::Setup;

const MEGABYTE: usize = 1024 * 1024;

fn options(url: &str) -> String {
    format!("url = '{url}'\n")
}

#[tokio::test]
async fn an_event_is_in_the_stream_with_its_fields() {
    let redis = Redis::start(&[]).await;
    let sink = sink("redis", &options(&redis.url()));
    deliver(&*sink, &[message(7)]).await;
    let entries = redis.entries().await;
    assert_eq!(entries.len(), 1);
    for (field, value) in [
        ("id", "evt_7"),
        ("type", "JOB_CREATED"),
        ("entity", "member-1"),
        ("content_type", "application/cloudevents+json"),
        ("signature", "as it was sent"),
        ("body", r#"{"event":7}"#),
    ] {
        assert_eq!(text(&entries[0], field), value, "{field}");
    }
    assert_eq!(entries[0].len(), 6);
}

#[tokio::test]
async fn a_batch_is_stored_in_order() {
    let redis = Redis::start(&[]).await;
    let sink = sink("redis", &options(&redis.url()));
    let batch: Vec<_> = (0..64).map(message).collect();
    deliver(&*sink, &batch).await;
    let ids: Vec<_> = (0..64).map(|event| format!("evt_{event}")).collect();
    assert_eq!(redis.ids().await, ids);
}

#[tokio::test]
async fn a_stream_keeps_about_as_many_entries_as_it_is_told_to() {
    let redis = Redis::start(&["--stream-node-max-entries", "10"]).await;
    let options = format!(
        "{}stream = 'events'\nmax_length = 20",
        options(&redis.url())
    );
    let sink = sink("redis", &options);
    for start in 0..4 {
        let batch: Vec<_> = (start * 50..start * 50 + 50).map(message).collect();
        deliver(&*sink, &batch).await;
    }
    let left: usize = redis.run("XLEN events").await;
    assert!((20..=30).contains(&left), "{left}");
}

#[tokio::test]
async fn the_same_sink_delivers_again_when_the_server_is_back() {
    let mut redis = Redis::start(&[]).await;
    let sink = sink("redis", &options(&redis.url()));
    deliver(&*sink, &[message(1)]).await;

    redis.kill();
    let why = refused_for_now(&*sink, &message(2)).await;
    assert!(why.contains(&redis.address()), "{why}");
    let why = refused_for_now(&*sink, &message(2)).await;
    let address = redis.address();
    assert_eq!(
        why,
        format!(
            "Redis cannot be reached at redis://{address}: Connection refused (os error 111); see that it runs there"
        )
    );
    assert_eq!(sink.check().await.expect_err("it is away").to_string(), why);

    redis.start_again().await;
    deliver_at_last(&*sink, &message(2)).await;
    assert_eq!(redis.ids().await, ["evt_1", "evt_2"]);
}

#[tokio::test]
async fn after_a_call_without_an_answer_the_next_one_is_made_over_another_connection() {
    let redis = Redis::start(&[]).await;
    let sink = sink("redis", &options(&redis.url()));
    deliver(&*sink, &[message(1)]).await;
    redis.signal("STOP");
    run_out_of_time(&*sink, &message(2)).await;
    redis.signal("CONT");
    deliver(&*sink, &[message(3)]).await;
    let ids = redis.ids().await;
    assert!(ids.contains(&"evt_3".to_owned()), "{ids:?}");
}

#[tokio::test]
async fn only_what_is_too_large_is_refused_for_good() {
    let redis = Redis::start(&["--proto-max-bulk-len", "1mb"]).await;
    let sink = sink("redis", &options(&redis.url()));
    let why = refused_for_good(&*sink, &large_message(1, MEGABYTE + 1)).await;
    assert_eq!(
        why,
        "the event of 1048577 bytes is larger than Redis takes, 1048576 bytes; raise proto-max-bulk-len"
    );
    let batch = [
        message(2),
        large_message(3, 2 * MEGABYTE),
        large_message(4, MEGABYTE),
    ];
    let results = sink.deliver(&batch).await;
    assert_eq!(
        results.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, false, true]
    );
    assert_eq!(redis.ids().await, ["evt_2", "evt_4"]);
}

#[tokio::test]
async fn a_wrong_login_is_told_without_the_password() {
    let redis = Redis::start(&["--requirepass", "pass/word"]).await;
    let address = redis.address();
    let url = redis.secret("wrong", &format!("redis://:swordfish@{address}"));
    let wrong = sink("redis", &options(&url));
    assert_eq!(
        refused_for_now(&*wrong, &message(1)).await,
        format!("Redis at redis://{address} refuses the login; see username and password")
    );
    let none = sink("redis", &options(&redis.url()));
    let why = refused_for_now(&*none, &message(1)).await;
    assert!(why.contains("NOAUTH"), "{why}");
    assert!(
        why.ends_with("set password, and username where it has users"),
        "{why}"
    );
}

#[tokio::test]
async fn a_login_works_by_options_and_in_the_url() {
    let redis = Redis::start(&["--requirepass", "pass/word"]).await;
    let address = redis.address();
    let url = format!("redis://default:pass%2Fword@{address}/0");
    let in_url = options(&redis.secret("url", &url));
    deliver(&*sink("redis", &in_url), &[message(1)]).await;
    let password = redis.secret("password", "pass/word");
    let by_options = format!(
        "{}username = 'default'\npassword = '{password}'",
        options(&redis.url())
    );
    deliver(&*sink("redis", &by_options), &[message(2)]).await;
}

#[tokio::test]
async fn a_full_memory_and_a_replica_are_waited_for() {
    let redis = Redis::start(&[]).await;
    let sink = sink("redis", &options(&redis.url()));
    deliver(&*sink, &[message(1)]).await;
    let () = redis.run("CONFIG SET maxmemory 1").await;
    let why = refused_for_now(&*sink, &message(2)).await;
    assert!(
        why.ends_with("set max_length, or raise its maxmemory"),
        "{why}"
    );
    let () = redis.run("CONFIG SET maxmemory 0").await;
    let () = redis.run("REPLICAOF 127.0.0.1 1").await;
    let why = refused_for_now(&*sink, &message(2)).await;
    assert!(
        why.ends_with("it is a replica; the URL must name the primary"),
        "{why}"
    );
    let () = redis.run("REPLICAOF NO ONE").await;
    deliver(&*sink, &[message(2)]).await;
}

#[tokio::test]
async fn the_check_tells_what_the_key_is() {
    let redis = Redis::start(&[]).await;
    let sink = sink("redis", &options(&redis.url()));
    let check = async || sink.check().await;
    assert_eq!(
        check().await.expect("reachable"),
        "reachable; stream events will be made with the first event"
    );
    assert_eq!(redis.run::<u64>("EXISTS events").await, 0);
    deliver(&*sink, &[message(1)]).await;
    let () = redis.run("CONFIG SET appendonly no").await;
    assert_eq!(
        check().await.expect("reachable"),
        "reachable; stream events is there; its append-only file is off, so that it may lose events in a crash"
    );
    let () = redis.run("SET events text").await;
    let why = check().await.expect_err("no stream").to_string();
    assert!(
        why.ends_with("is not a stream; set another key, or delete it"),
        "{why}"
    );
    assert_eq!(refused_for_now(&*sink, &message(2)).await, why);
}

/// A server quotes the arguments of a command it does not know.
#[tokio::test]
async fn an_answer_that_quotes_the_event_is_not_repeated() {
    let redis = Redis::start(&["--rename-command", "XADD", ""]).await;
    let why = refused_for_now(&*sink("redis", &options(&redis.url())), &message(1)).await;
    assert!(why.contains("(ERR unknown command)"), "{why}");
    assert!(
        !why.contains("evt_1") && !why.contains("JOB_CREATED"),
        "{why}"
    );
}

#[tokio::test]
async fn a_server_is_believed_when_the_file_of_certificates_vouches_for_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let identity = Identity::new(folder.path());
    let port = free_port().to_string();
    let tls = ["--tls-port", &port, "--tls-auth-clients", "no"];
    let files = [
        "--tls-cert-file",
        &identity.certificate,
        "--tls-key-file",
        &identity.key,
    ];
    let redis = Redis::start(&[tls, files].concat()).await;
    let url = format!("rediss://127.0.0.1:{port}");
    let why = refused_for_now(&*sink("redis", &options(&url)), &message(1)).await;
    assert!(
        why.contains("invalid peer certificate: UnknownIssuer"),
        "{why}"
    );
    let trusting = format!("{}ca_file = '{}'", options(&url), identity.authority);
    deliver(&*sink("redis", &trusting), &[message(1)]).await;
    assert_eq!(redis.ids().await, ["evt_1"]);
}

#[test]
fn wrong_options_are_told_by_name() {
    for (options, problem) in [
        (
            "url = 'http://h'",
            "url: must start with redis:// or rediss://",
        ),
        (
            "url = 'redis://h/x'",
            "url: must be like redis://host:6379/0",
        ),
        (
            "url = 'redis://h'\nstream = ''",
            "stream: is empty; it is the key of the stream",
        ),
        (
            "url = 'redis://h'\nmax_length = 0",
            "max_length: must be more than 0; leave it out to keep every entry",
        ),
        (
            "url = 'redis://h'\nusername = 'u'",
            "password: is missing, and username needs it",
        ),
        (
            "url = 'rediss://h'\nca_file = '/none'",
            "ca_file: cannot be read: No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(problems("redis", options), [problem]);
    }
}

#[tokio::test]
async fn every_event_arrives_though_the_server_is_killed_in_the_middle() {
    let mut redis = Redis::start(&[]).await;
    let setup = Setup::sqlite().config(&format!(
        "[sinks.broker]\nkind = 'redis'\nretry = {{ initial = '50ms', max = '500ms' }}\n{}",
        options(&redis.url())
    ));
    let receiver = setup.start();
    post(&receiver, 0..15).await;
    redis.kill();
    post(&receiver, 15..30).await;
    redis.start_again().await;

    let events = delivered(&setup, 30).await;
    let ids = redis.ids().await;
    for id in events {
        assert!(ids.contains(&id), "{id} is missing");
    }
}
