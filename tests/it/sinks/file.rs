//! `kind = "file"`: on a real disk, with its folder coming and going.

use std::{fs, path::Path};

use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use huntr_receiver::{
    domain::{EventId, Timestamp},
    sinks::{Config, Message, Sink, SinkError},
};
use serde_json::Value;

use crate::{
    ledger::Ledger,
    support::{Setup, action, until},
};

fn config(toml: &str) -> figment::error::Result<Config> {
    let options = Figment::from(Toml::string(toml)).extract()?;
    Config::read("file", &options)
}

fn sink(path: &Path, more: &str) -> Box<dyn Sink> {
    let config = config(&format!("path = '{}'\n{more}", path.display())).expect("options");
    assert_eq!(config.problems(), []);
    config.build().expect("a sink")
}

fn message(id: i64, body: &str) -> Message {
    Message {
        event: EventId(id),
        event_type: None,
        received_at: Timestamp::default(),
        entity: None,
        content_type: "application/json",
        headers: Vec::new(),
        body: body.to_owned().into(),
    }
}

async fn deliver(sink: &dyn Sink, messages: &[Message]) -> Result<(), SinkError> {
    let outcomes = sink.deliver(messages).await;
    assert_eq!(outcomes.len(), messages.len());
    outcomes
        .into_iter()
        .try_for_each(|outcome| outcome.map(drop))
}

#[tokio::test]
async fn each_message_is_a_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new/events.ndjson");
    let sink = sink(&path, "");
    let messages = [
        message(1, "{\"a\":\n 1}\r\n"),
        message(2, "plain text"),
        message(3, "3"),
    ];
    deliver(&*sink, &messages).await.expect("delivered");
    deliver(&*sink, &[]).await.expect("nothing to deliver");
    sink.close().await;
    let content = fs::read_to_string(&path).expect("the file");
    assert_eq!(
        content,
        "{\"a\":  1}  \n{\"data_base64\":\"cGxhaW4gdGV4dA==\"}\n3\n"
    );
}

#[tokio::test]
async fn calls_at_once_mix_no_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.ndjson");
    let sink = sink(&path, "rotate_size = \"20 KB\"\nsync = false");
    let batches: Vec<Vec<_>> = (0..20)
        .map(|batch| {
            (0..10)
                .map(|i| message(0, &format!("[{batch},{i},{:0200}1]", 0).replace(",0", ",1")))
                .collect()
        })
        .collect();
    let calls = batches.iter().map(|batch| deliver(&*sink, batch));
    futures_util::future::try_join_all(calls)
        .await
        .expect("delivered");
    // A call that is given up leaves whole lines, or none.
    drop(tokio::time::timeout(std::time::Duration::ZERO, deliver(&*sink, &batches[0])).await);
    deliver(&*sink, &batches[1]).await.expect("delivered");
    let files = folder.path().read_dir().expect("the folder");
    let all: Vec<String> = files
        .map(|file| fs::read_to_string(file.expect("a file").path()).expect("text"))
        .collect();
    assert!(all.len() > 1, "some were put aside");
    let all = all.concat();
    assert!(all.lines().count() >= 210);
    assert!(
        all.lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
    );
}

#[tokio::test]
async fn a_folder_that_is_away_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("place");
    fs::create_dir(&place).expect("created");
    let path = place.join("events.ndjson");
    let sink = sink(&path, "");
    deliver(&*sink, &[message(1, "1")])
        .await
        .expect("delivered");
    fs::rename(&place, folder.path().join("away")).expect("renamed");
    fs::write(&place, "in the way").expect("written");

    let error = deliver(&*sink, &[message(2, "2")])
        .await
        .expect_err("a failure");
    assert!(matches!(error, SinkError::Retry { after: None, .. }));
    let told = error.to_string();
    assert!(
        told.contains("events.ndjson") && told.contains("; correct `path`"),
        "{told}"
    );
    let told = sink.check().await.expect_err("a failure").to_string();
    assert!(told.contains("correct `path`"), "{told}");

    fs::remove_file(&place).expect("removed");
    fs::rename(folder.path().join("away"), &place).expect("renamed");
    deliver(&*sink, &[message(2, "2")])
        .await
        .expect("delivered");
    assert_eq!(fs::read_to_string(&path).expect("the file"), "1\n2\n");
}

#[tokio::test]
async fn a_check_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a/b/events.ndjson");
    let sink = sink(&path, "");
    let told = sink.check().await.expect("well");
    assert!(
        told.ends_with("events.ndjson will be created with the first message"),
        "{told}"
    );
    assert_eq!(folder.path().read_dir().expect("the folder").count(), 0);
    deliver(&*sink, &[message(1, "1")])
        .await
        .expect("delivered");
    let told = sink.check().await.expect("well");
    assert!(told.ends_with("events.ndjson is there, 2 B"), "{told}");
    assert_eq!(fs::read_to_string(&path).expect("the file"), "1\n");
}

#[test]
fn wrong_options_are_told() {
    for (toml, why) in [
        ("", "missing field `path`"),
        ("path = 'x'\nrotate_size = 'big'", "parsable"),
        ("path = 'x'\nkeep = 0", "nonzero"),
        ("path = 'x'\nsink = true", "there is no such option"),
    ] {
        let error = config(toml).expect_err(toml).to_string();
        assert!(error.contains(why), "{error}");
    }
    for path in ["/", "..", "/tmp", "", "/tmp/.."] {
        let config = config(&format!("path = '{path}'")).expect("options");
        assert_eq!(config.problems().len(), 1, "{path}");
    }
    assert_eq!(
        config("path = 'x'\nrotate_size = '0 B'\nrotate_age = '0s'")
            .expect("options")
            .problems(),
        []
    );
}

#[tokio::test]
async fn every_event_reaches_the_file() {
    let setup = Setup::sqlite().config(
        r#"
        [sinks.lake]
        kind = "file"
        path = "lake/events.ndjson"
        retry = { initial = "50ms", max = "500ms" }
        "#,
    );
    let running = setup.start();
    let ledger = Ledger::of(&setup).await;
    let delivered = async |count: i64| {
        until(async || {
            let done = ledger
                .number("select count(*) from deliveries where state = 'delivered'")
                .await;
            (done >= count).then_some(())
        })
        .await;
    };
    let (lake, away) = (setup.folder().join("lake"), setup.folder().join("away"));
    for id in 0..10 {
        running.post_signed(action(&format!("e{id}"))).await;
    }
    delivered(10).await;
    fs::rename(&lake, &away).expect("renamed");
    fs::write(&lake, "in the way").expect("written");
    for id in 10..30 {
        running.post_signed(action(&format!("e{id}"))).await;
    }
    fs::remove_file(&lake).expect("removed");
    fs::rename(&away, &lake).expect("renamed");
    delivered(30).await;
    let content = fs::read_to_string(lake.join("events.ndjson")).expect("the file");
    let lines = content
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let ids: Vec<_> = lines
        .map(|line| line["id"].as_str().expect("an id").to_owned())
        .collect();
    for id in 0..30 {
        assert!(ids.contains(&format!("e{id}")), "e{id} in {ids:?}");
    }
}
