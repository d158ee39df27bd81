//! Whatever a sender writes: the row that can be made is made, and nothing is given up.

use proptest::{prelude::*, sample::select, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

use super::{fold, histories};
use crate::store::database::Database;

/// Values that fit nowhere.
fn junk() -> impl Strategy<Value = Value> {
    let deep = (0..200).fold(json!("deep"), |inner, _| json!([inner]));
    select(vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(1e308),
        json!(u64::MAX),
        json!(""),
        json!("a\u{0}b"),
        json!("x".repeat(5000)),
        json!([[]]),
        json!({ "id": { "id": [] }, "name": 7 }),
        json!({ "\u{0}": "\u{0}" }),
        deep,
    ])
}

/// A sample with some of its values replaced, wherever they are.
fn distorted() -> impl Strategy<Value = Value> {
    let samples = [
        "JOB_MOVED",
        "ACTIVITY_CREATED",
        "CONTACT_UPDATED",
        "MEMBER_CREATED",
        "NOTE_CREATED",
    ];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), junk()), 1..4);
    (select(samples.to_vec()), changes).prop_map(|(name, changes)| {
        let mut body = sample(name);
        for (place, value) in changes {
            let places = places(&body, String::new());
            if let Some(found) = body.pointer_mut(place.get(&places[..]).as_str()) {
                *found = value;
            }
        }
        body
    })
}

fn sample(name: &str) -> Value {
    let path = format!(
        "{}/src/providers/huntr/samples/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("a sample");
    serde_json::from_str(&text).expect("JSON")
}

/// Where the values of an object are, and those within, as JSON pointers.
fn places(value: &Value, path: String) -> Vec<String> {
    let within = value.as_object().into_iter().flatten();
    let within = within.flat_map(|(key, value)| places(value, format!("{path}/{key}")));
    let mut found: Vec<_> = within.collect();
    if !path.is_empty() {
        found.push(path);
    }
    found
}

/// No index takes what is longer than some kilobytes, unless it can be compressed.
#[tokio::test]
async fn long_names_are_refused_by_no_database() {
    let mut runner = TestRunner::deterministic();
    let long = prop::string::string_regex("[!-~]{9000}").expect("a pattern");
    let long = long.new_tree(&mut runner).expect("a text").current();
    let hunty = |domain: &str, id: &str| json!({"version": 2, "domain": domain, "event": long, "webhookId": long, "timestamp": 1, "payload": {"id": id}});
    for database in [Database::sqlite().await, Database::postgres().await] {
        for (provider, body) in [
            ("hunty", hunty(&long, "c1")),
            ("hunty", hunty("candidate", &long)),
            (
                "huntr",
                json!({"id": long, "actionType": long, "job": {"id": long, "title": long}}),
            ),
        ] {
            let rows = fold([&histories::event(provider, &body)]);
            let applied = database.store.apply(&rows, "nobody", &[]).await;
            applied.expect("applied");
        }
        assert_eq!(database.rows("hunty_entities").await.len(), 0);
    }
}

#[tokio::test]
async fn no_distortion_is_refused_by_a_database() {
    let mut runner = TestRunner::deterministic();
    let databases = [Database::sqlite().await, Database::postgres().await];
    for number in 0..150 {
        let mut body = distorted().new_tree(&mut runner).expect("a body").current();
        body["id"] = json!(format!("{number:024x}"));
        let rows = fold([&histories::event("huntr", &body)]);
        for database in &databases {
            database
                .store
                .apply(&rows, "nobody", &[])
                .await
                .expect("applied");
        }
    }
    for database in &databases {
        assert_eq!(database.rows("actions").await.len(), 150);
    }
}
