//! Refused requests: kept within a budget for each source.

use std::time::Duration;

use bytesize::ByteSize;
use chrono::TimeDelta;
use huntr_receiver::{
    domain::{RejectedId, RejectedRequest, StoredRejection, Timestamp},
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
    headers_count_towards_the_size,
    nothing_goes_until_it_is_pruned,
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

async fn keep(store: &dyn Store, requests: &[RejectedRequest]) {
    store.keep_rejected(requests).await.expect("kept");
}

async fn prune(store: &dyn Store, source: &str, budget: &RejectedBudget, now: Timestamp) {
    store
        .prune_rejected(&name(source), budget, now)
        .await
        .expect("pruned");
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
    keep(store, &[sent]).await;
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
    keep(store, &sent).await;
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
    keep(store, &["a", "b"].map(request)).await;
    prune(store, "huntr", &budget, at(0)).await;
    assert_eq!(bodies_of(store, "huntr").await, ["a", "b"]);
    keep(store, &["c", "d", "e"].map(request)).await;
    prune(store, "huntr", &budget, at(0)).await;
    assert_eq!(bodies_of(store, "huntr").await, ["c", "d", "e"]);
}

async fn over_the_size_the_oldest_go(store: &dyn Store, _: &Database) {
    // Each request without headers takes two bytes more than its body: `{}`.
    let budget = RejectedBudget {
        max_size: ByteSize::b(11),
        ..ROOMY
    };
    keep(store, &["aaaa", "bbbb", "ccc"].map(request)).await;
    prune(store, "huntr", &budget, at(0)).await;
    assert_eq!(bodies_of(store, "huntr").await, ["bbbb", "ccc"]);
    keep(store, &[request("d")]).await;
    prune(store, "huntr", &budget, at(0)).await;
    assert_eq!(bodies_of(store, "huntr").await, ["ccc", "d"]);
    keep(store, &[request("much too large")]).await;
    prune(store, "huntr", &budget, at(0)).await;
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
    keep(store, &[request("a"), late("b")]).await;
    prune(store, "huntr", &budget, at(0) + minutes(1)).await;
    assert_eq!(
        bodies_of(store, "huntr").await,
        ["a", "b"],
        "just not too old"
    );
    prune(store, "huntr", &budget, at(1) + minutes(1)).await;
    assert_eq!(bodies_of(store, "huntr").await, ["b"]);
    prune(store, "huntr", &budget, at(0) + TimeDelta::days(2)).await;
    assert!(bodies_of(store, "huntr").await.is_empty());
}

async fn a_flood_on_one_source_evicts_nothing_of_another(store: &dyn Store, _: &Database) {
    let budget = RejectedBudget {
        max_count: 5,
        max_size: ByteSize::b(30),
        ..ROOMY
    };
    let of = |source: &str, body: &str| RejectedRequest {
        source: name(source),
        ..request(body)
    };
    keep(store, &[of("quiet", "precious"), of("quiet", "too")]).await;
    for _ in 0..3 {
        let flood: Vec<_> = (0..200)
            .map(|number| of("flood", &number.to_string()))
            .collect();
        keep(store, &flood).await;
        prune(store, "flood", &budget, at(0)).await;
    }
    keep(store, &[of("flood", "last"), of("quiet", "third")]).await;
    prune(store, "flood", &budget, at(0)).await;
    prune(store, "quiet", &budget, at(0)).await;
    assert_eq!(
        bodies_of(store, "quiet").await,
        ["precious", "too", "third"]
    );
    assert_eq!(
        bodies_of(store, "flood").await,
        ["196", "197", "198", "199", "last"]
    );
}

async fn headers_count_towards_the_size(store: &dyn Store, _: &Database) {
    let budget = RejectedBudget {
        max_size: ByteSize::b(250),
        ..ROOMY
    };
    // 100 bytes in 50 characters.
    let with_headers = |body| RejectedRequest {
        headers: Map::from_iter([("x".to_owned(), Value::from("é".repeat(50)))]),
        ..request(body)
    };
    keep(store, &["a", "b", "c"].map(with_headers)).await;
    prune(store, "huntr", &budget, at(0)).await;
    assert_eq!(bodies_of(store, "huntr").await, ["b", "c"]);
}

async fn nothing_goes_until_it_is_pruned(store: &dyn Store, _: &Database) {
    let none = RejectedBudget {
        max_count: 0,
        ..ROOMY
    };
    keep(store, &["a", "b"].map(request)).await;
    prune(store, "another", &none, at(0)).await;
    keep(store, &[]).await;
    assert_eq!(bodies_of(store, "huntr").await, ["a", "b"]);
    prune(store, "huntr", &none, at(0)).await;
    assert!(bodies_of(store, "huntr").await.is_empty());
}

async fn removed_requests_are_gone(store: &dyn Store, _: &Database) {
    let sent: Vec<_> = (0..150)
        .map(|number| request(&number.to_string()))
        .collect();
    keep(store, &sent).await;
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
    keep(store, &[sent]).await;
    assert_eq!(all_of(store, "huntr").await[0].headers["x"], "a\u{fffd}b");
}
