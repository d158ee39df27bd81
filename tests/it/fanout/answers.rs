//! What an answer's status makes of a delivery.

use super::{Database, Hook, SOON, none_left, on_both_stores};
use crate::{
    sinks::web_server::Behaviour,
    support::{Setup, action, until},
};

on_both_stores!(
    a_refusal_is_final_and_a_failure_is_not,
    a_sink_that_asks_for_time_gets_it,
    what_fails_for_too_long_is_given_up,
);

/// Events are called after the status of the first answer.
async fn a_refusal_is_final_and_a_failure_is_not(setup: Setup) {
    let refusals = ["400", "401", "403", "404", "409", "410", "413", "422"];
    let failures = ["302", "408", "425", "429", "500", "502", "503", "504"];
    let hook = Hook::start().await;
    let seen = std::sync::Mutex::new(std::collections::BTreeSet::new());
    hook.answer_by(move |call| {
        let first = seen.lock().expect("what was seen").insert(call.id.clone());
        let status = if first {
            call.id.parse().expect("a status")
        } else {
            200
        };
        Behaviour::status(status)
    });
    let setup = setup.config(&hook.sink("crm", SOON));
    let receiver = setup.start();
    for id in refusals.iter().chain(&failures) {
        assert_eq!(receiver.post_signed(action(id)).await.status, 200);
    }
    let mut database = Database::of(&setup).await;
    none_left(&mut database, "state = 'pending'").await;
    database.is_consistent().await;
    let row = |id: &str, state: &str, attempts: &str| format!("{id} {state} {attempts}");
    let mut expected: Vec<_> = refusals
        .iter()
        .map(|id| row(id, "dead", &format!("rejected:{id}")))
        .collect();
    expected.extend(
        failures
            .iter()
            .map(|id| row(id, "delivered", &format!("failed:{id}, delivered:200"))),
    );
    expected.sort();
    let aggregate = if database.is_sqlite() {
        "group_concat"
    } else {
        "string_agg"
    };
    let rows = format!(
        "select delivery_id || ' ' || state || ' ' || \
           (select {aggregate}(outcome || ':' || status_code, ', ') from \
             (select outcome, status_code from delivery_attempts where delivery_id = deliveries.id order by attempt) a) \
         from deliveries join events on events.id = event_id order by delivery_id"
    );
    assert_eq!(database.texts(&rows).await, expected);
}

async fn a_sink_that_asks_for_time_gets_it(setup: Setup) {
    let hook = Hook::start().await;
    hook.answer_by(|call| {
        let status = if call.id == "busy" { 429 } else { 503 };
        let wait = if call.id == "busy" { "3600" } else { "864000" };
        Behaviour::status(status).with_header("retry-after", wait)
    });
    let setup = setup.config(&hook.sink("crm", SOON));
    let receiver = setup.start();
    for id in ["busy", "closed"] {
        assert_eq!(receiver.post_signed(action(id)).await.status, 200);
    }
    let mut database = Database::of(&setup).await;
    let wait = if database.is_sqlite() {
        "cast(round((julianday(next_attempt_at) - julianday(started_at)) * 1440) as integer)"
    } else {
        "round(extract(epoch from next_attempt_at - started_at) / 60)::bigint"
    };
    none_left(&mut database, "attempts = 0").await;
    let waits = format!(
        "select delivery_id || ' ' || {wait} from deliveries join events on events.id = event_id \
         join delivery_attempts on delivery_attempts.delivery_id = deliveries.id order by events.delivery_id"
    );
    let waits = waits.replace("select delivery_id", "select events.delivery_id");
    // At most a day.
    assert_eq!(database.texts(&waits).await, ["busy 60", "closed 1440"]);
    assert_eq!(hook.count(), 2);
}

async fn what_fails_for_too_long_is_given_up(setup: Setup) {
    let hook = Hook::start().await;
    hook.answer_with(Behaviour::status(500));
    let options = r#"retry = { initial = "10ms", max = "100ms", give_up_after = "700ms" }"#;
    let setup = setup.config(&hook.sink("crm", options));
    let receiver = setup.start();
    assert_eq!(receiver.post_signed(action("a")).await.status, 200);
    let mut database = Database::of(&setup).await;
    none_left(&mut database, "state = 'pending'").await;
    database.is_consistent().await;
    let error = database
        .texts("select state || ' ' || last_error from deliveries")
        .await;
    assert!(
        error[0].starts_with("dead given up: http://127.0.0.1"),
        "{error:?}"
    );
    assert!(
        error[0].ends_with("answered 500 Internal Server Error"),
        "{error:?}"
    );

    // By hand it runs again, with all its time.
    hook.answer_with(Behaviour::status(200));
    let retry = ["deliveries", "retry", "--sink", "crm"];
    assert!(
        setup
            .command()
            .args(retry)
            .status()
            .expect("running retry")
            .success()
    );
    super::all_delivered(&mut database).await;
    until(async || (hook.taken().len() == 1).then_some(())).await;
}
