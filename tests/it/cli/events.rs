//! `events`: looks at what is stored.

use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, pipe},
};

use huntr_receiver::{domain::NewEvent, store::Store};
use insta::assert_snapshot;

use super::{event, open, with_events};
use crate::program::Program;

/// The deliveries that a list shows, in its order.
fn listed(program: &Program, filter: &[&str]) -> Vec<String> {
    let events = program
        .run(&[&["events", "list", "--json"], filter].concat())
        .json();
    let id = |event: &serde_json::Value| event["delivery_id"].as_str().expect("an id").to_owned();
    events.as_array().expect("a list").iter().map(id).collect()
}

fn some_events() -> Vec<NewEvent> {
    let odd = NewEvent {
        problem: Some("the body is not JSON".into()),
        ..event(4, "hunty", None)
    };
    vec![
        event(1, "huntr", Some("JOB_CREATED")),
        event(2, "huntr", Some("JOB_MOVED")),
        event(3, "hunty", Some("JOB_MOVED")),
        odd,
    ]
}

#[tokio::test]
async fn a_list_is_filtered_and_newest_first() {
    let program = with_events(&some_events()).await;
    for (filter, expected) in [
        (&[][..], &[4, 3, 2, 1][..]),
        (&["--source", "huntr"], &[2, 1]),
        (&["--source", "nobody"], &[]),
        (&["--type", "JOB_MOVED"], &[3, 2]),
        (&["--type", "JOB_MOVED", "--source", "huntr"], &[2]),
        (&["--problems"], &[4]),
        (&["--since", "2026-11-21T10:02:00.5Z"], &[4, 3, 2]),
        (&["--since", "2026-11-21T11:02:00.5+01:00"], &[4, 3, 2]),
        (&["--until", "2026-11-21T10:02:00.5Z"], &[1]),
        (
            &["--since", "2026-11-21", "--until", "2026-11-22"],
            &[4, 3, 2, 1],
        ),
        (&["--until", "2026-11-21"], &[]),
        (&["--until", "36500d"], &[]),
        (&["--limit", "2"], &[4, 3]),
        (&["--limit", "2", "--before", "3"], &[2, 1]),
    ] {
        let expected: Vec<_> = expected
            .iter()
            .map(|minute| format!("action-{minute}"))
            .collect();
        assert_eq!(listed(&program, filter), expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_list_is_json_for_programs() {
    let program = with_events(&some_events()).await;
    let events = program
        .run(&["events", "list", "--json", "--problems"])
        .json();
    assert_snapshot!(serde_json::to_string_pretty(&events).expect("JSON"), @r#"
    [
      {
        "id": 4,
        "source": "hunty",
        "provider": "huntr",
        "delivery_id": "action-4",
        "event_type": null,
        "occurred_at": "2026-11-21T10:03:59.500Z",
        "received_at": "2026-11-21T10:04:00.500Z",
        "origin": "webhook",
        "envelope_version": null,
        "problem": "the body is not JSON"
      }
    ]
    "#);
    assert_eq!(
        program
            .run(&["events", "list", "--json", "--source", "nobody"])
            .stdout(),
        "[]\n"
    );
}

#[tokio::test]
async fn a_list_is_a_table_for_people() {
    let program = with_events(&some_events()).await;
    let outcome = program.run(&["events", "list"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert_snapshot!(outcome.table(), @r"
    id  received at               source  type         delivery id  problem
    4   2026-11-21T10:04:00.500Z  hunty                action-4     the body is not JSON
    3   2026-11-21T10:03:00.500Z  hunty   JOB_MOVED    action-3
    2   2026-11-21T10:02:00.500Z  huntr   JOB_MOVED    action-2
    1   2026-11-21T10:01:00.500Z  huntr   JOB_CREATED  action-1
    ");
}

#[tokio::test]
async fn one_event_is_shown_with_its_body() {
    let program = with_events(&some_events()).await;
    let outcome = program.run(&["events", "show", "1"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert_snapshot!(outcome.table(), @r#"
     id                1
     source            huntr
     provider          huntr
     delivery id       action-1
     type              JOB_CREATED
     occurred at       2026-11-21T10:00:59.500Z
     received at       2026-11-21T10:01:00.500Z
     origin            webhook
     envelope version
     signature         c2lnbmF0dXJl
     problem
     body              17 bytes
    {"id":"action-1"}
    "#);
    let event = program.run(&["events", "show", "1", "--json"]).json();
    assert_snapshot!(serde_json::to_string_pretty(&event).expect("JSON"), @r#"
    {
      "id": 1,
      "source": "huntr",
      "provider": "huntr",
      "delivery_id": "action-1",
      "event_type": "JOB_CREATED",
      "occurred_at": "2026-11-21T10:00:59.500Z",
      "received_at": "2026-11-21T10:01:00.500Z",
      "origin": "webhook",
      "envelope_version": null,
      "problem": null,
      "signature": "c2lnbmF0dXJl",
      "body": "{\"id\":\"action-1\"}"
    }
    "#);
}

/// Every byte there is, with and without a newline at the end.
#[tokio::test]
async fn a_body_comes_out_byte_for_byte() {
    let bytes: Vec<u8> = (0..=255).collect();
    let bodies = [
        bytes.clone(),
        [&bytes[..], b"\r\n"].concat(),
        Vec::new(),
        b"{\"a\":\n1}".to_vec(),
    ];
    let minutes = 1..;
    let events: Vec<_> = minutes
        .zip(&bodies)
        .map(|(minute, body)| NewEvent {
            body: body.clone().into(),
            ..event(minute, "huntr", None)
        })
        .collect();
    let program = with_events(&events).await;
    for (id, body) in (1..).zip(&bodies) {
        let outcome = program.run(&["events", "show", &format!("{id}"), "--body"]);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
        assert_eq!(&outcome.bytes, body);
    }
    let event = program.run(&["events", "show", "1", "--json"]).json();
    assert!(
        event["body_base64"]
            .as_str()
            .is_some_and(|base64| base64.starts_with("AAECAwQF")),
        "{event}"
    );
    assert_eq!(event.get("body"), None);
}

#[tokio::test]
async fn an_event_that_is_not_there_is_a_failure() {
    let program = with_events(&[]).await;
    for format in [&[][..], &["--json"], &["--body"]] {
        let outcome = program.run(&[&["events", "show", "7"], format].concat());
        assert_eq!((outcome.code, outcome.stdout()), (1, ""));
        assert_eq!(outcome.stderr, "error: there is no event 7\n");
    }
}

#[test]
fn a_database_that_is_not_there_is_a_failure_and_not_created() {
    for command in [
        &["events", "list"][..],
        &["events", "show", "1"],
        &["reverify"],
    ] {
        let program = Program::with_source();
        let outcome = program.run(command);
        assert_eq!((outcome.code, outcome.stdout()), (1, ""), "{command:?}");
        assert!(
            outcome.says("opening the database sqlite:data/receiver.db"),
            "{outcome:?}"
        );
        assert!(outcome.says("No such file"), "{outcome:?}");
        assert_eq!(program.files(), [""; 0], "{command:?}");
    }
}

#[tokio::test]
async fn a_database_without_the_tables_is_a_failure() {
    let program = Program::with_source();
    open(program.folder()).await.close().await;
    let outcome = program.run(&["events", "list"]);
    assert_eq!((outcome.code, outcome.stdout()), (1, ""));
    assert!(outcome.says("no such table"), "{outcome:?}");
}

/// As in `events list | head -1`: the pipe holds less than there is to say.
#[tokio::test]
async fn a_reader_who_has_seen_enough_is_no_failure() {
    let long = NewEvent {
        body: vec![b'x'; 1 << 20].into(),
        ..event(0, "huntr", None)
    };
    let others = (1..60).map(|minute| event(minute, &"s".repeat(60), Some(&"T".repeat(2000))));
    let events: Vec<_> = [long].into_iter().chain(others).collect();
    let program = with_events(&events).await;
    for command in [
        &["events", "list"][..],
        &["events", "list", "--json"],
        &["events", "show", "1"],
        &["events", "show", "1", "--body"],
    ] {
        let (reader, writer) = pipe().expect("a pipe");
        let head = std::thread::spawn(move || {
            BufReader::with_capacity(16, reader)
                .fill_buf()
                .map(<[u8]>::len)
        });
        let outcome = program.run_into(command, writer);
        assert_eq!(
            (outcome.code, outcome.stderr.as_str()),
            (0, ""),
            "{command:?}"
        );
        assert_eq!(head.join().expect("reading").expect("the first bytes"), 16);
    }
}

#[tokio::test]
async fn an_output_that_takes_nothing_is_a_failure() {
    let program = with_events(&some_events()).await;
    for command in [
        &["events", "list"][..],
        &["events", "show", "1"],
        &["events", "show", "1", "--body"],
        &["check"],
    ] {
        let full = OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("a full disk");
        let outcome = program.run_into(command, full);
        assert_eq!(outcome.code, 1, "{command:?}");
        assert!(outcome.says("No space left on device"), "{outcome:?}");
    }
}
