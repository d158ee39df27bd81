//! Refused requests: kept within a budget for each source.

use std::time::Duration;

use bytesize::ByteSize;
use chrono::TimeDelta;
use huntr_receiver::{
    domain::{RejectedId, RejectedRequest, StoredRejection},
    store::{RejectedBudget, Store},
};
use serde_json::{Map, Value};

use super::{
    database::Database,
    samples::{at, minutes, name},
};

on_both_stores!(
    a_request_comes_back_as_it_was_given,
    pages_go_from_the_oldest_on,
    over_the_count_the_oldest_go,
    over_the_size_the_oldest_go,
    over_the_age_the_oldest_go,
    a_flood_on_one_source_evicts_nothing_of_another,
    age_alone_removes_when_nothing_new_comes,
    removed_requests_are_gone,
    a_nul_in_a_header_fails_nothing,
);

const ROOMY: RejectedBudget = RejectedBudget {
    max_count: 10_000,
    max_size: ByteSize::mib(100),
    max_age: Duration::from_hours(24),
};

fn request(body: &str) -> RejectedRequest {
    RejectedRequest {
        source: name("huntr"),
        received_at: at(0),
        reason: "mismatch",
        headers: Map::new(),
        body: body.to_owned().into(),
    }
}

async fn all_of(store: &dyn Store, source: &str) -> Vec<StoredRejection> {
    let listed = store
        .list_rejected(&name(source), RejectedId(0), 1_000)
        .await;
    listed.expect("listed")
}

async fn bodies_of(store: &dyn Store, source: &str) -> Vec<String> {
    let kept = all_of(store, source).await.into_iter();
    kept.map(|kept| String::from_utf8(kept.body).expect("text"))
        .collect()
}

async fn a_request_comes_back_as_it_was_given(store: &dyn Store, database: &Database) {
    let headers = Map::from_iter([
        ("x-b".to_owned(), Value::from("1 \"é\" \\u0000")),
        ("x-a".to_owned(), Value::from("")),
    ]);
    let sent = RejectedRequest {
        received_at: at(123),
        headers: headers.clone(),
        body: b"\0\xff".as_slice().into(),
        ..request("")
    };
    store
        .keep_rejected(&[sent], &ROOMY, at(123))
        .await
        .expect("kept");
    let kept = all_of(store, "huntr").await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].received_at, at(123));
    assert_eq!(kept[0].headers, headers);
    assert_eq!(kept[0].body, b"\0\xff");
    let reasons: Vec<String> = database
        .column("select reason from rejected_requests")
        .await;
    assert_eq!(reasons, ["mismatch"]);
}

async fn pages_go_from_the_oldest_on(store: &dyn Store, _: &Database) {
    let sent = ["a", "b", "c", "d", "e"].map(request);
    store
        .keep_rejected(&sent, &ROOMY, at(0))
        .await
        .expect("kept");
    let mut after = RejectedId(0);
    let mut seen = Vec::new();
    for expected in [2, 2, 1, 0] {
        let page = store
            .list_rejected(&name("huntr"), after, 2)
            .await
            .expect("listed");
        assert_eq!(page.len(), expected);
        after = page.last().map_or(after, |last| last.id);
        seen.extend(page.into_iter().map(|kept| kept.body));
    }
    assert_eq!(seen, [b"a", b"b", b"c", b"d", b"e"]);
}

async fn over_the_count_the_oldest_go(store: &dyn Store, _: &Database) {
    let budget = RejectedBudget {
        max_count: 3,
        ..ROOMY
    };
    store
        .keep_rejected(&["a", "b"].map(request), &budget, at(0))
        .await
        .expect("kept");
    store
        .keep_rejected(&["c", "d", "e"].map(request), &budget, at(0))
        .await
        .expect("kept");
    assert_eq!(bodies_of(store, "huntr").await, ["c", "d", "e"]);
}

async fn over_the_size_the_oldest_go(store: &dyn Store, _: &Database) {
    let budget = RejectedBudget {
        max_size: ByteSize::b(7),
        ..ROOMY
    };
    let sent = ["aaaa", "bbbb", "ccc"].map(request);
    store
        .keep_rejected(&sent, &budget, at(0))
        .await
        .expect("kept");
    assert_eq!(bodies_of(store, "huntr").await, ["bbbb", "ccc"]);
    store
        .keep_rejected(&[request("d")], &budget, at(0))
        .await
        .expect("kept");
    assert_eq!(bodies_of(store, "huntr").await, ["ccc", "d"]);
    store
        .keep_rejected(&[request("too large")], &budget, at(0))
        .await
        .expect("kept");
    assert!(bodies_of(store, "huntr").await.is_empty());
}

async fn over_the_age_the_oldest_go(store: &dyn Store, _: &Database) {
    let budget = RejectedBudget {
        max_age: Duration::from_mins(1),
        ..ROOMY
    };
    let late = |body| RejectedRequest {
        received_at: at(0) + minutes(1),
        ..request(body)
    };
    store
        .keep_rejected(&[request("a"), late("b")], &budget, at(0))
        .await
        .expect("kept");
    let now = at(0) + minutes(1);
    store
        .keep_rejected(&[late("c")], &budget, now)
        .await
        .expect("kept");
    assert_eq!(
        bodies_of(store, "huntr").await,
        ["a", "b", "c"],
        "just not too old"
    );
    let now = at(1) + minutes(1);
    store
        .keep_rejected(&[late("d")], &budget, now)
        .await
        .expect("kept");
    assert_eq!(bodies_of(store, "huntr").await, ["b", "c", "d"]);
}

async fn a_flood_on_one_source_evicts_nothing_of_another(store: &dyn Store, _: &Database) {
    let budget = RejectedBudget {
        max_count: 5,
        max_size: ByteSize::b(20),
        ..ROOMY
    };
    let of = |source: &str, body: &str| RejectedRequest {
        source: name(source),
        ..request(body)
    };
    let quiet = [of("quiet", "precious"), of("quiet", "too")];
    store
        .keep_rejected(&quiet, &budget, at(0))
        .await
        .expect("kept");
    for _ in 0..3 {
        let flood: Vec<_> = (0..200)
            .map(|number| of("flood", &number.to_string()))
            .collect();
        store
            .keep_rejected(&flood, &budget, at(0))
            .await
            .expect("kept");
    }
    let both = [of("flood", "last"), of("quiet", "third")];
    store
        .keep_rejected(&both, &budget, at(0))
        .await
        .expect("kept");
    assert_eq!(
        bodies_of(store, "quiet").await,
        ["precious", "too", "third"]
    );
    assert_eq!(
        bodies_of(store, "flood").await,
        ["196", "197", "198", "199", "last"]
    );
}

async fn age_alone_removes_when_nothing_new_comes(store: &dyn Store, _: &Database) {
    store
        .keep_rejected(&[request("old")], &ROOMY, at(0))
        .await
        .expect("kept");
    store
        .prune_rejected(&name("huntr"), &ROOMY, at(0) + TimeDelta::days(2))
        .await
        .expect("pruned");
    assert!(all_of(store, "huntr").await.is_empty());
}

async fn removed_requests_are_gone(store: &dyn Store, _: &Database) {
    let sent: Vec<_> = (0..150)
        .map(|number| request(&number.to_string()))
        .collect();
    store
        .keep_rejected(&sent, &ROOMY, at(0))
        .await
        .expect("kept");
    let ids: Vec<_> = all_of(store, "huntr")
        .await
        .into_iter()
        .map(|kept| kept.id)
        .collect();
    store.remove_rejected(&ids[1..149]).await.expect("removed");
    assert_eq!(bodies_of(store, "huntr").await, ["0", "149"]);
    store
        .remove_rejected(&ids)
        .await
        .expect("removed, also what is gone already");
    store.remove_rejected(&[]).await.expect("nothing to remove");
    assert!(bodies_of(store, "huntr").await.is_empty());
}

async fn a_nul_in_a_header_fails_nothing(store: &dyn Store, _: &Database) {
    let headers = Map::from_iter([("x".to_owned(), Value::from("a\0b"))]);
    let sent = RejectedRequest {
        headers,
        ..request("")
    };
    store
        .keep_rejected(&[sent], &ROOMY, at(0))
        .await
        .expect("kept");
    assert_eq!(all_of(store, "huntr").await[0].headers["x"], "a\u{fffd}b");
}
