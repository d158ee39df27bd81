//! Posting to the real binary: what is answered, and what is in the database then.

use serde_json::json;

use crate::{
    ledger::Ledger,
    support::{SIGNATURE, Setup, action, sign},
};

/// Runs a behaviour against the binary on each store.
macro_rules! on_both_stores {
    ($($behaviour:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(crate::support::Setup::sqlite()).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(crate::support::Setup::postgres().await).await;
            })+
        }
    };
}
pub(crate) use on_both_stores;

on_both_stores! {
    an_action_is_stored_once_and_kept_byte_for_byte,
    another_body_under_the_same_id_is_kept_aside,
    both_hunty_envelopes_are_stored,
    the_vendors_own_vectors_are_accepted,
    simultaneous_senders_of_one_action_get_one_id,
    deliveries_are_committed_with_their_event,
}

async fn an_action_is_stored_once_and_kept_byte_for_byte(setup: Setup) {
    let receiver = setup.start();
    let body = "{ \"id\": \"a\",\r\n \"actionType\":\"NOTE_CREATED\", \"date\": 1588466784,\"note\":{\"text\":\"San Diegans\u{2019} \\u2019 1.0\"} }\n";
    let first = receiver.post_signed(body).await;
    assert_eq!((first.status, first.said()), (200, "stored"));
    let second = receiver.post_signed(body).await;
    assert_eq!((second.status, second.said()), (200, "duplicate"));
    assert_eq!(
        second.json,
        json!({ "status": "duplicate", "event": first.event() })
    );

    let ledger = Ledger::of(&setup).await;
    let event = ledger.event(first.event()).await;
    assert_eq!(event.body, body.as_bytes());
    assert_eq!(event.signature, Some(sign(body.as_bytes())));
    assert_eq!(event.summary.delivery_id, "a");
    assert_eq!(event.summary.event_type.as_deref(), Some("NOTE_CREATED"));
    assert_eq!(
        (
            event.summary.source.as_str(),
            event.summary.provider.as_str()
        ),
        ("huntr", "huntr")
    );
    assert_eq!(
        (event.summary.origin.as_str(), event.summary.problem),
        ("webhook", None)
    );
    assert_eq!(ledger.number("select count(*) from events").await, 1);
    assert_eq!(
        ledger.number("select count(*) from event_conflicts").await,
        0
    );
}

async fn another_body_under_the_same_id_is_kept_aside(setup: Setup) {
    let receiver = setup.start();
    let first = receiver.post_signed(action("a")).await;
    let other = action("a").replace("JOB_CREATED", "JOB_MOVED");
    for _ in 0..2 {
        let answer = receiver.post_signed(&other).await;
        assert_eq!(
            (answer.said(), answer.event()),
            ("duplicate", first.event())
        );
    }
    let ledger = Ledger::of(&setup).await;
    assert_eq!(
        ledger.event(first.event()).await.body,
        action("a").into_bytes()
    );
    assert_eq!(
        ledger.number("select count(*) from event_conflicts").await,
        1
    );
}

async fn both_hunty_envelopes_are_stored(setup: Setup) {
    let receiver = setup.start();
    let v1 = r#"{"WebhookId":"wh_1","IdempotencyId":"i/1","Domain":"candidate","Event":"CandidateStatusTransitionedEvent","Version":1,"Timestamp":1713384000000,"Payload":{}}"#;
    let v2 = r#"{"webhookId":"wh_2","idempotencyId":"i/1","domain":"candidate","event":"CandidateStatusTransitionedEvent","version":2,"timestamp":1713384000000,"payload":{}}"#;
    let ledger = Ledger::of(&setup).await;
    for (body, version, id) in [(v1, 1, "wh_1/i%2F1"), (v2, 2, "wh_2/i%2F1")] {
        let answer = receiver.post_with_key(body).await;
        assert_eq!((answer.status, answer.said()), (200, "stored"));
        let event = ledger.event(answer.event()).await;
        assert_eq!(event.summary.envelope_version, Some(version));
        assert_eq!(event.summary.delivery_id, id);
        assert_eq!(event.signature, None, "a key is never stored");
        // Forty retries of what was stored are forty duplicates.
        for _ in 0..40 {
            assert_eq!(receiver.post_with_key(body).await.said(), "duplicate");
        }
    }
    assert_eq!(ledger.number("select count(*) from events").await, 2);
}

async fn the_vendors_own_vectors_are_accepted(setup: Setup) {
    let setup = setup.environment("HUNTR_WEBHOOK_SECRET", "HUNTR_WEBHOOK_SECRET_GOES_HERE");
    let receiver = setup.start();
    let note = "{\"id\":\"5eae1460180a05fbb45f73af\",\"actionType\":\"NOTE_CREATED\",\"note\":{\"text\":\"San Diegans\u{2019} quality of life\"}}";
    for (body, signature, status) in [
        ("{}", "nyy8rQpwH+HS+8VxFf1eNOmrMRR7px3UZOa8fRn4jNM=", 200),
        (
            r#"{"id":"5eb0a4338899ba51bf96f646","actionType":"JOB_CREATED","date":1588634675}"#,
            "zti3je67OtnZYv1QLwmCUkmvJBOr29Y+Ldxmt3MzNAQ=",
            200,
        ),
        (
            r#"{ "id": "5eb0a4338899ba51bf96f646", "actionType": "JOB_CREATED", "date": 1588634675 }"#,
            "78kE2145s07maT4i+6JaojwJH72iE4XbsrYBQrcu2Pw=",
            200,
        ),
        (note, "q8+LrM0pMGjTmwGjHL+PJg+PGtG1fvSFHns2cT3Pgcg=", 200),
        (note, "aWw2x9C+FebxRMR75wWsKN8WEWu/lXrKdDV3AgMvaYw=", 401),
    ] {
        let answer = receiver
            .post("huntr", &[(SIGNATURE, signature)], body)
            .await;
        assert_eq!(answer.status, status, "{body}");
    }
    receiver.logged("reserialised_body").await;
}

async fn simultaneous_senders_of_one_action_get_one_id(setup: Setup) {
    let receiver = setup.start();
    let body = action("same");
    let answers =
        futures_util::future::join_all((0..50).map(|_| receiver.post_signed(&body))).await;
    let stored = answers
        .iter()
        .filter(|answer| answer.said() == "stored")
        .count();
    assert_eq!(stored, 1);
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 200 && answer.event() == answers[0].event())
    );
}

async fn deliveries_are_committed_with_their_event(setup: Setup) {
    let setup = setup.config(
        "[sinks.all]\nkind = \"stdout\"\n[sinks.moves]\nkind = \"stdout\"\ntypes = [\"JOB_MOVED\"]\n",
    );
    let receiver = setup.start();
    receiver.post_signed(action("a")).await;
    receiver
        .post_signed(action("b").replace("JOB_CREATED", "JOB_MOVED"))
        .await;
    receiver.post_signed(action("a")).await;
    let ledger = Ledger::of(&setup).await;
    let count = "select count(*) from deliveries where sink =";
    assert_eq!(ledger.number(&format!("{count} 'all'")).await, 2);
    assert_eq!(ledger.number(&format!("{count} 'moves'")).await, 1);
    let moved = "select count(*) from deliveries d join events e on e.id = d.event_id \
                 where d.sink = 'moves' and e.event_type = 'JOB_MOVED'";
    assert_eq!(ledger.number(moved).await, 1);
}

#[tokio::test]
async fn a_test_delivery_is_stored_like_any_other() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let answer = receiver
        .post_signed(r#"{"id":"t","eventType":"TEST","createdAt":1588634675}"#)
        .await;
    assert_eq!((answer.status, answer.problem()), (200, None));
    let event = Ledger::of(&setup).await.event(answer.event()).await;
    assert_eq!(event.summary.event_type.as_deref(), Some("TEST"));
    let unsigned = receiver.post("huntr", &[], r#"{"eventType":"TEST"}"#).await;
    assert_eq!(unsigned.status, 401, "whoever it claims to be");
}

#[tokio::test]
async fn health_and_metrics_are_where_they_belong() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    assert_eq!(receiver.get("/live").await.status, 200);
    let ready = receiver.get("/ready").await;
    assert_eq!(
        (ready.status, ready.json),
        (
            200,
            json!({ "status": "ready", "database": "up", "spool": "up" })
        )
    );
    receiver.post_signed(action("a")).await;
    receiver.post_signed(action("a")).await;
    let requests = |outcome| {
        format!("huntr_receiver_requests_total{{source=\"huntr\",outcome=\"{outcome}\"}}")
    };
    assert_eq!(receiver.metric(&requests("stored")).await.to_string(), "1");
    assert_eq!(
        receiver.metric(&requests("duplicate")).await.to_string(),
        "1"
    );
}
