//! `types` and `when`: who gets what.

use super::{Database, Hook, SOON, none_left, on_both_stores};
use crate::support::Setup;

on_both_stores!(a_sink_gets_what_it_wants_and_what_cannot_be_decided);

async fn a_sink_gets_what_it_wants_and_what_cannot_be_decided(setup: Setup) {
    let (picky, typed) = (Hook::start().await, Hook::start().await);
    let when = format!("when = 'payload.job.salary > 10'\n{SOON}");
    let moved = format!("types = [\"JOB_MOVED\"]\n{SOON}");
    let setup = setup
        .config(&picky.sink("picky", &when))
        .config(&typed.sink("typed", &moved));
    let receiver = setup.start();
    for (id, rest) in [
        ("wanted", r#""actionType":"JOB_MOVED","job":{"salary":11}"#),
        (
            "declined",
            r#""actionType":"JOB_CREATED","job":{"salary":10}"#,
        ),
        ("undecided", r#""actionType":"JOB_CREATED""#),
        ("odd", r#""actionType":"JOB_MOVED","job":{"salary":"much"}"#),
        ("typeless", r#""job":{"salary":1}"#),
    ] {
        let body = format!(r#"{{"id":"{id}",{rest}}}"#);
        assert_eq!(receiver.post_signed(body).await.status, 200);
    }
    let mut database = Database::of(&setup).await;
    none_left(&mut database, "state = 'pending'").await;

    picky.took(&["wanted", "undecided", "odd"].map(str::to_owned));
    typed.took(&["wanted", "odd"].map(str::to_owned));
    let rows = "select sink || ' ' || delivery_id || ' ' || state || ' ' || attempts || ' ' || coalesce(last_error, '-') \
                from deliveries join events on events.id = event_id order by sink, delivery_id";
    assert_eq!(
        database.texts(rows).await,
        [
            "picky declined cancelled 0 declined by `when`",
            "picky odd delivered 1 -",
            "picky typeless cancelled 0 declined by `when`",
            "picky undecided delivered 1 -",
            "picky wanted delivered 1 -",
            "typed odd delivered 1 -",
            "typed wanted delivered 1 -",
        ]
    );
    let fails = "`when` fails on this event, so it is delivered";
    assert_eq!(receiver.log().matches(fails).count(), 2);
    database.is_consistent().await;
}
