//! `rabbitmq` against a real RabbitMQ broker.

use super::brokers::{
    proxy::Proxy,
    rabbitmq::{LARGEST, Rabbitmq, id, shared},
    trial::{
        deliver, deliver_at_last, delivered, large_message, message, post, problems,
        refused_for_good, refused_for_now, sink,
    },
};
use crate::{
    ledger::Ledger,
    support::{Setup, until},
};

/// To a queue, over the default exchange.
fn options(url: &str, queue: &str) -> String {
    format!("url = '{url}'\nrouting_key = '{queue}'\n")
}

#[tokio::test]
async fn an_event_is_in_the_queue_with_its_properties() {
    let rabbitmq = shared().await;
    rabbitmq.make_queue("properties").await;
    let sink = sink("rabbitmq", &options(&rabbitmq.url(), "properties"));
    let sent = message(7);
    deliver(&*sink, std::slice::from_ref(&sent)).await;

    let messages = rabbitmq.take("properties").await;
    assert_eq!(messages.len(), 1);
    let delivery = &messages[0].delivery;
    assert_eq!(delivery.data, sent.body);
    assert_eq!(id(&messages[0]), "evt_7");
    let properties = &delivery.properties;
    let text =
        |value: &Option<lapin::types::ShortString>| value.clone().expect("a value").to_string();
    assert_eq!(
        text(properties.content_type()),
        "application/cloudevents+json"
    );
    assert_eq!(text(properties.kind()), "JOB_CREATED");
    assert_eq!(*properties.delivery_mode(), Some(2), "persistent");
    let at = u64::try_from(sent.received_at.timestamp()).expect("after 1970");
    assert_eq!(*properties.timestamp(), Some(at));
    let headers = properties.headers().clone().expect("headers");
    for (name, value) in [("entity", "member-1"), ("signature", "as it was sent")] {
        let header = headers
            .inner()
            .get(name)
            .and_then(|value| value.as_long_string());
        assert_eq!(header.expect("the header").to_string(), value);
    }
}

#[tokio::test]
async fn a_batch_is_taken_in_order() {
    let rabbitmq = shared().await;
    rabbitmq.make_queue("batch").await;
    let sink = sink("rabbitmq", &options(&rabbitmq.url(), "batch"));
    let batch: Vec<_> = (0..64).map(message).collect();
    deliver(&*sink, &batch).await;
    let ids: Vec<_> = (0..64).map(|event| format!("evt_{event}")).collect();
    assert_eq!(rabbitmq.take_ids("batch").await, ids);
}

#[tokio::test]
async fn many_calls_at_once_share_the_connection() {
    let rabbitmq = shared().await;
    rabbitmq.make_queue("calls").await;
    let sink = sink("rabbitmq", &options(&rabbitmq.url(), "calls"));
    let calls = (0..50).map(|call| {
        let sink = &sink;
        async move { deliver(&**sink, &[message(call * 2), message(call * 2 + 1)]).await }
    });
    futures_util::future::join_all(calls).await;
    assert_eq!(rabbitmq.take("calls").await.len(), 100);
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_waited_for() {
    let rabbitmq = shared().await;
    let sink = sink("rabbitmq", &options(&rabbitmq.url(), "later"));
    let why = refused_for_now(&*sink, &message(1)).await;
    let url = rabbitmq.url();
    assert_eq!(
        why,
        format!("RabbitMQ at {url} has no queue later; declare it")
    );
    assert_eq!(sink.check().await.expect_err("no queue").to_string(), why);
    let batch: Vec<_> = (0..20).map(message).collect();
    assert!(sink.deliver(&batch).await.iter().all(Result::is_err));

    rabbitmq.make_queue("later").await;
    assert_eq!(
        sink.check().await.expect("reachable"),
        "reachable; queue later is there"
    );
    deliver(&*sink, &[message(1)]).await;
    assert_eq!(rabbitmq.take_ids("later").await, ["evt_1"]);
}

#[tokio::test]
async fn an_exchange_without_a_queue_loses_nothing() {
    let rabbitmq = shared().await;
    let url = rabbitmq.url();
    let options = format!("url = '{url}'\nexchange = 'offers'\nrouting_key = 'new'");
    let sink = sink("rabbitmq", &options);
    let missing =
        format!("RabbitMQ at {url} has no exchange offers; declare it, or set another exchange");
    assert_eq!(refused_for_now(&*sink, &message(1)).await, missing);
    assert_eq!(
        sink.check().await.expect_err("no exchange").to_string(),
        missing
    );

    rabbitmq.make_exchange("offers").await;
    assert_eq!(
        sink.check().await.expect("reachable"),
        "reachable; exchange offers is there"
    );
    assert_eq!(
        refused_for_now(&*sink, &message(1)).await,
        format!(
            "no queue of RabbitMQ at {url} is bound to the exchange offers for the routing key new; bind one"
        )
    );

    rabbitmq.make_queue("offers").await;
    rabbitmq.bind("offers", "offers", "new").await;
    deliver(&*sink, &[message(1)]).await;
    assert_eq!(rabbitmq.take_ids("offers").await, ["evt_1"]);
}

#[tokio::test]
async fn the_same_sink_delivers_again_when_the_broker_is_back() {
    let rabbitmq = shared().await;
    rabbitmq.make_queue("back").await;
    let mut proxy = Proxy::to(&rabbitmq.address()).await;
    let sink = sink(
        "rabbitmq",
        &options(&format!("amqp://127.0.0.1:{}/", proxy.port), "back"),
    );
    deliver(&*sink, &[message(1)]).await;

    proxy.cut().await;
    let why = refused_for_now(&*sink, &message(2)).await;
    assert!(why.contains(&proxy.port.to_string()), "{why}");
    let why = refused_for_now(&*sink, &message(2)).await;
    let start = format!(
        "RabbitMQ cannot be reached at amqp://127.0.0.1:{}: ",
        proxy.port
    );
    assert!(
        why.starts_with(&start) && why.contains("Connection refused"),
        "{why}"
    );
    assert!(sink.check().await.is_err());

    proxy.open().await;
    deliver_at_last(&*sink, &message(2)).await;
    let mut ids = rabbitmq.take_ids("back").await;
    ids.dedup();
    assert_eq!(ids, ["evt_1", "evt_2"]);
}

#[tokio::test]
async fn only_what_is_too_large_is_refused_for_good() {
    let rabbitmq = shared().await;
    rabbitmq.make_queue("large").await;
    let sink = sink("rabbitmq", &options(&rabbitmq.url(), "large"));
    let why = refused_for_good(&*sink, &large_message(1, LARGEST + 1)).await;
    assert!(
        why.ends_with("see max_message_size in its configuration"),
        "{why}"
    );

    let batch = [
        message(2),
        large_message(3, LARGEST * 2),
        message(4),
        large_message(5, LARGEST),
    ];
    let results = sink.deliver(&batch).await;
    assert_eq!(
        results.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, false, true, true]
    );
    let mut ids = rabbitmq.take_ids("large").await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids, ["evt_2", "evt_4", "evt_5"]);
}

#[tokio::test]
async fn a_wrong_login_is_told_without_the_password() {
    let rabbitmq = shared().await;
    let address = rabbitmq.address();
    let url = rabbitmq.secret("wrong", &format!("amqp://guest:swordfish@{address}"));
    let wrong = sink("rabbitmq", &options(&url, "login"));
    assert_eq!(
        refused_for_now(&*wrong, &message(1)).await,
        format!("RabbitMQ at amqp://{address} refuses the login; see user and password")
    );
    let nowhere = sink(
        "rabbitmq",
        &options(&format!("amqp://{address}/nowhere"), "login"),
    );
    let why = refused_for_now(&*nowhere, &message(1)).await;
    assert!(
        why.ends_with("see that it exists, and that the user has permissions in it"),
        "{why}"
    );
}

#[tokio::test]
async fn a_login_works_by_options_and_in_the_url() {
    let rabbitmq = shared().await;
    rabbitmq.make_queue("logins").await;
    let url = format!("amqp://guest:%67uest@{}/%2F", rabbitmq.address());
    let in_url = options(&rabbitmq.secret("url", &url), "logins");
    deliver(&*sink("rabbitmq", &in_url), &[message(1)]).await;
    let password = rabbitmq.secret("password", "guest");
    let by_options =
        options(&rabbitmq.url(), "logins") + &format!("user = 'guest'\npassword = '{password}'");
    deliver(&*sink("rabbitmq", &by_options), &[message(2)]).await;
    assert_eq!(rabbitmq.take_ids("logins").await, ["evt_1", "evt_2"]);
}

#[tokio::test]
async fn a_type_longer_than_the_protocol_allows_is_cut() {
    let rabbitmq = shared().await;
    rabbitmq.make_queue("long").await;
    let mut long = message(1);
    long.event_type = Some("ä".repeat(1000));
    deliver(
        &*sink("rabbitmq", &options(&rabbitmq.url(), "long")),
        &[long],
    )
    .await;
    let messages = rabbitmq.take("long").await;
    let kind = messages[0]
        .delivery
        .properties
        .kind()
        .clone()
        .expect("a type");
    assert_eq!(kind.to_string(), "ä".repeat(127));
}

#[tokio::test]
async fn a_broker_is_believed_when_the_file_of_certificates_vouches_for_it() {
    let rabbitmq = shared().await;
    rabbitmq.make_queue("tls").await;
    let url = rabbitmq.tls_url();
    let why = refused_for_now(&*sink("rabbitmq", &options(&url, "tls")), &message(1)).await;
    assert!(
        why.contains("invalid peer certificate: UnknownIssuer"),
        "{why}"
    );
    let trusting = options(&url, "tls") + &format!("ca_file = '{}'", rabbitmq.identity.authority);
    deliver(&*sink("rabbitmq", &trusting), &[message(1)]).await;
    assert_eq!(rabbitmq.take_ids("tls").await, ["evt_1"]);
}

#[test]
fn wrong_options_are_told_by_name() {
    for (options, problem) in [
        (
            "url = 'http://h'",
            "url: must start with amqp:// or amqps://",
        ),
        (
            "url = 'amqp://h/a/b'",
            "url: has more than a virtual host; a / in its name is written %2F",
        ),
        (
            "url = 'amqp://h'\nrouting_key = ''",
            "routing_key: is empty; without an exchange it is the name of a queue",
        ),
        (
            "url = 'amqp://h'\nuser = 'u'",
            "password: is missing, and user needs it",
        ),
        (
            "url = 'amqp://h'\nca_file = '/etc/hostname'",
            "ca_file: is only used with amqps://",
        ),
        (
            "url = 'amqps://h'\nca_file = '/none'",
            "ca_file: cannot be read: No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(
            problems("rabbitmq", options).first().map(String::as_str),
            Some(problem)
        );
    }
}

/// The client writes what comes back into the log, which must not get there.
#[tokio::test]
async fn the_log_tells_nothing_of_an_event_that_no_queue_wants() {
    let rabbitmq = shared().await;
    let password = rabbitmq.secret("own", "guest");
    let setup = Setup::sqlite()
        .environment("RUST_LOG", "trace")
        .config(&format!(
            "[sinks.broker]\nkind = 'rabbitmq'\nuser = 'guest'\npassword = '{password}'\n\
         retry = {{ initial = '50ms', max = '500ms' }}\n{}",
            options(&rabbitmq.url(), "unwanted")
        ));
    let mut receiver = setup.start();
    post(&receiver, 0..1).await;
    let ledger = Ledger::of(&setup).await;
    let refused = "select count(*) from deliveries where last_error like '%has no queue unwanted%'";
    until(async || (ledger.number(refused).await == 1).then_some(())).await;
    rabbitmq.make_queue("unwanted").await;
    delivered(&setup, 1).await;
    receiver.kill();
    let log = receiver.log();
    // The body, as text and as a list of its bytes, and the login.
    for hidden in [
        "actionType",
        "97, 99, 116, 105, 111, 110, 84",
        "guest\\\\0guest",
        "\\0guest",
    ] {
        let line = log.lines().find(|line| line.contains(hidden));
        assert_eq!(line, None, "{hidden} is in the log");
    }
}

#[tokio::test]
async fn every_event_arrives_though_the_broker_is_killed_in_the_middle() {
    let mut rabbitmq = Rabbitmq::of_its_own().await;
    rabbitmq.make_queue("events").await;
    let setup = Setup::sqlite().config(&format!(
        "[sinks.broker]\nkind = 'rabbitmq'\nretry = {{ initial = '50ms', max = '500ms' }}\n{}",
        options(&rabbitmq.url(), "events")
    ));
    let receiver = setup.start();
    post(&receiver, 0..15).await;
    rabbitmq.kill();
    post(&receiver, 15..30).await;
    rabbitmq.start_again();
    rabbitmq.ready().await;

    let events = delivered(&setup, 30).await;
    let ids = rabbitmq.take_ids("events").await;
    for id in events {
        assert!(ids.contains(&id), "{id} is missing");
    }
}
