//! What becomes of a delivery is recorded with the attempt.

use std::time::Duration;

use huntr_receiver::{
    domain::{Attempt, EventId, NewEvent, Outcome, Settlement},
    store::{Claim, Store},
};

use super::{
    database::Database,
    leases::{claim_as, settlement, stored},
    samples::{at, event, to},
};

on_both_stores!(
    a_success_is_recorded_with_its_attempt,
    a_failure_is_due_again_behind_the_fresh_ones,
    a_failure_waits_for_its_time,
    what_fails_for_too_long_is_given_up,
    what_would_fail_for_ever_is_dead_at_once,
    what_is_not_wanted_is_cancelled_without_an_attempt,
    only_a_success_counts_without_the_lease,
    settling_again_changes_nothing,
    an_attempt_is_recorded_once_whoever_has_the_lease,
    a_late_success_counts_though_others_gave_up,
    a_large_batch_is_settled_whole,
);

async fn claimed(store: &dyn Store, delivery_ids: &[&str]) -> Vec<EventId> {
    let wanted = |id: &&str| NewEvent {
        deliveries: vec![to("crm")],
        ..event(id)
    };
    let ids = stored(store, delivery_ids.iter().map(wanted).collect()).await;
    claim_as(store, |claim| Claim {
        limit: 1000,
        ..claim
    })
    .await;
    ids
}

fn attempted(event: EventId, outcome: Outcome) -> Settlement {
    Settlement {
        attempt: Some(Attempt {
            started_at: at(7),
            duration: Duration::from_millis(1234),
            status_code: Some(500),
            response: Some("no".into()),
        }),
        ..settlement(event, outcome)
    }
}

fn failure(delay: Duration) -> Outcome {
    Outcome::Retry {
        error: "away".into(),
        delay,
        give_up_after: Duration::from_hours(1),
    }
}

async fn settle(store: &dyn Store, holder: &str, settlements: &[Settlement]) {
    let settled = store.settle_deliveries(holder, settlements).await;
    settled.expect("settled");
}

async fn states(database: &Database) -> Vec<String> {
    database
        .column(
            "select state || ' ' || attempts || ' ' || coalesce(last_error, '-') || ' '
                    || coalesce(leased_by, '-') || ' ' || case when delivered_at is null then '-' else 'at' end
             from deliveries order by event_id",
        )
        .await
}

async fn attempts(database: &Database) -> Vec<String> {
    database
        .column(
            "select event_id || ' ' || attempt || ' ' || duration_ms || ' ' || outcome || ' '
                    || coalesce(status_code, 0) || ' ' || coalesce(error, '-') || ' ' || coalesce(response, '-')
             from delivery_attempts join deliveries on deliveries.id = delivery_id
             order by event_id, attempt",
        )
        .await
}

async fn a_success_is_recorded_with_its_attempt(store: &dyn Store, database: &Database) {
    let ids = claimed(store, &["a"]).await;
    settle(store, "a", &[attempted(ids[0], Outcome::Delivered)]).await;
    assert_eq!(states(database).await, ["delivered 1 - - at"]);
    let expected = format!("{} 1 1234 delivered 500 - no", ids[0]);
    assert_eq!(attempts(database).await, [expected]);
    let started: Vec<chrono::DateTime<chrono::Utc>> = database
        .column("select started_at from delivery_attempts")
        .await;
    assert_eq!(started, [at(7)]);
}

async fn a_failure_is_due_again_behind_the_fresh_ones(store: &dyn Store, database: &Database) {
    let ids = claimed(store, &["a"]).await;
    settle(store, "a", &[attempted(ids[0], failure(Duration::ZERO))]).await;
    assert_eq!(states(database).await, ["pending 1 away - -"]);
    assert_eq!(claim_as(store, |claim| claim).await, []);
    let again = claim_as(store, |claim| Claim {
        backlog: true,
        ..claim
    })
    .await;
    assert_eq!(again, ids);
    let mut second = attempted(ids[0], Outcome::Delivered);
    second.attempt.as_mut().expect("an attempt").started_at = at(8);
    settle(store, "a", &[second]).await;
    assert_eq!(states(database).await, ["delivered 2 - - at"]);
    let outcomes: Vec<String> = database
        .column("select attempt || ' ' || outcome from delivery_attempts order by attempt")
        .await;
    assert_eq!(outcomes, ["1 failed", "2 delivered"]);
}

async fn a_failure_waits_for_its_time(store: &dyn Store, _: &Database) {
    let ids = claimed(store, &["a"]).await;
    settle(
        store,
        "a",
        &[attempted(ids[0], failure(Duration::from_mins(5)))],
    )
    .await;
    let due = claim_as(store, |claim| Claim {
        backlog: true,
        ..claim
    })
    .await;
    assert_eq!(due, []);
}

async fn what_fails_for_too_long_is_given_up(store: &dyn Store, database: &Database) {
    let ids = claimed(store, &["a", "b"]).await;
    let last = Outcome::Retry {
        error: "away".into(),
        delay: Duration::ZERO,
        give_up_after: Duration::ZERO,
    };
    let later = Outcome::Retry {
        error: "away".into(),
        delay: Duration::from_hours(48),
        give_up_after: Duration::from_hours(24),
    };
    settle(
        store,
        "a",
        &[attempted(ids[0], last), attempted(ids[1], later)],
    )
    .await;
    assert_eq!(
        states(database).await,
        ["dead 1 given up: away - -", "pending 1 away - -"]
    );
    // Not after it is to be given up, so that the last attempt is made at that time.
    let within_a_day: Vec<i64> = database
        .column(if database.is_sqlite() {
            "select count(*) from deliveries where state = 'pending'
             and next_attempt_at <= strftime('%Y-%m-%dT%H:%M:%fZ', created_at, '86400 seconds')"
        } else {
            "select count(*) from deliveries where state = 'pending'
             and next_attempt_at <= created_at + interval '24 hours'"
        })
        .await;
    assert_eq!(within_a_day, [1]);
}

async fn what_would_fail_for_ever_is_dead_at_once(store: &dyn Store, database: &Database) {
    let ids = claimed(store, &["a"]).await;
    let dead = Outcome::Dead {
        error: "too large".into(),
    };
    settle(store, "a", &[attempted(ids[0], dead)]).await;
    assert_eq!(states(database).await, ["dead 1 too large - -"]);
    let outcomes: Vec<String> = database
        .column("select outcome from delivery_attempts")
        .await;
    assert_eq!(outcomes, ["rejected"]);
}

async fn what_is_not_wanted_is_cancelled_without_an_attempt(
    store: &dyn Store,
    database: &Database,
) {
    let ids = claimed(store, &["a"]).await;
    let cancelled = Outcome::Cancelled {
        reason: "declined by `when`".into(),
    };
    settle(store, "a", &[settlement(ids[0], cancelled)]).await;
    assert_eq!(
        states(database).await,
        ["cancelled 0 declined by `when` - -"]
    );
    assert_eq!(attempts(database).await, [""; 0]);
}

async fn only_a_success_counts_without_the_lease(store: &dyn Store, database: &Database) {
    let ids = claimed(store, &["a", "b"]).await;
    let late = [
        attempted(ids[0], failure(Duration::ZERO)),
        attempted(ids[1], Outcome::Delivered),
    ];
    settle(store, "somebody else", &late).await;
    let once = ["pending 1 - a -", "delivered 1 - - at"];
    assert_eq!(states(database).await, once);
    let recorded = attempts(database).await;
    let outcomes: Vec<bool> = recorded
        .iter()
        .map(|attempt| attempt.contains("failed"))
        .collect();
    assert_eq!(outcomes, [true, false], "every attempt is on record");

    settle(store, "somebody else", &late).await;
    assert_eq!(states(database).await, once);
    assert_eq!(attempts(database).await, recorded);
}

/// The answer to the commit was lost, and the delivery was claimed once more before the record was repeated.
async fn an_attempt_is_recorded_once_whoever_has_the_lease(store: &dyn Store, database: &Database) {
    let ids = claimed(store, &["a"]).await;
    let failed = [attempted(ids[0], failure(Duration::ZERO))];
    settle(store, "a", &failed).await;
    let again = claim_as(store, |claim| Claim {
        backlog: true,
        ..claim
    });
    assert_eq!(again.await.len(), 1);
    settle(store, "a", &failed).await;
    assert_eq!(states(database).await, ["pending 1 away a -"]);
    assert_eq!(attempts(database).await.len(), 1);
}

async fn a_late_success_counts_though_others_gave_up(store: &dyn Store, database: &Database) {
    let ids = claimed(store, &["a"]).await;
    let refusal = Outcome::Dead { error: "no".into() };
    settle(store, "a", &[settlement(ids[0], refusal)]).await;
    let late = [attempted(ids[0], Outcome::Delivered)];
    settle(store, "somebody else", &late).await;
    assert_eq!(states(database).await, ["delivered 1 - - at"]);
}

async fn settling_again_changes_nothing(store: &dyn Store, database: &Database) {
    let ids = claimed(store, &["a", "b"]).await;
    let batch = [
        attempted(ids[0], Outcome::Delivered),
        attempted(ids[1], failure(Duration::ZERO)),
    ];
    settle(store, "a", &batch).await;
    let (states_before, attempts_before) = (states(database).await, attempts(database).await);
    settle(store, "a", &batch).await;
    assert_eq!(states(database).await, states_before);
    assert_eq!(attempts(database).await, attempts_before);
}

async fn a_large_batch_is_settled_whole(store: &dyn Store, database: &Database) {
    let names: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ids = claimed(store, &names).await;
    let batch: Vec<_> = ids
        .iter()
        .map(|id| attempted(*id, Outcome::Delivered))
        .collect();
    settle(store, "any", &batch).await;
    let delivered: Vec<i64> = database
        .column("select count(*) from deliveries where state = 'delivered'")
        .await;
    assert_eq!(delivered, [200]);
}
