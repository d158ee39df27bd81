//! `send`: does what the vendors do, and tells what the receiver answered.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread::JoinHandle,
};

use insta::assert_snapshot;

use crate::{
    program::Program,
    support::{Setup, sign_with},
};

/// Somebody who answers every post alike, and tells what was posted.
struct Inbox {
    url: String,
    posts: JoinHandle<Vec<Post>>,
}

struct Post {
    head: String,
    body: Vec<u8>,
}

impl Inbox {
    /// For so many posts.
    fn answering(status: &'static str, posts: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let take = move |()| answer(&listener.accept().expect("a connection").0, status);
        let posts = std::thread::spawn(move || std::iter::repeat_n((), posts).map(take).collect());
        Self { url, posts }
    }
}

fn answer(mut stream: &TcpStream, status: &str) -> Post {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).expect("a line");
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a number"))];
    reader.read_exact(&mut body).expect("the body");
    let json = r#"{"status":"stored","event":7}"#;
    let headers = format!("Content-Length: {}\r\nConnection: close", json.len());
    write!(stream, "HTTP/1.1 {status}\r\n{headers}\r\n\r\n{json}").expect("answering");
    Post { head, body }
}

#[test]
fn a_file_is_signed_with_the_first_secret_and_posted_as_it_is() {
    let toml = "[sources.main]\nprovider = 'huntr'\nsecrets = ['env:NEW', 'env:OLD']";
    let body = b"{\"id\": \"1\"}\n\xff";
    let program = Program::new()
        .set("NEW", "new")
        .set("OLD", "old")
        .file("a.toml", toml)
        .file("body", body);
    let inbox = Inbox::answering("200 OK", 1);
    let url = format!("{}/base/", inbox.url);
    let outcome = program.run(&[
        "--config", "a.toml", "send", "--file", "body", "--url", &url, "--json",
    ]);
    assert_snapshot!(serde_json::to_string(&outcome.json()).expect("JSON"), @r#"[{"source":"main","sample":"body","status":200,"answer":"stored","first_event":7,"count":1}]"#);
    let posts = inbox.posts.join().expect("posts");
    assert_eq!(posts[0].body, body);
    assert!(
        posts[0]
            .head
            .starts_with("POST /base/webhooks/main HTTP/1.1\r\n"),
        "{}",
        posts[0].head
    );
    let signature = sign_with("new", body);
    assert!(
        posts[0]
            .head
            .contains(&format!("x-huntr-hmac-sha256: {signature}\r\n")),
        "{}",
        posts[0].head
    );
}

#[test]
fn a_key_is_sent_in_the_header_that_was_agreed_on() {
    let program = Program::new()
        .set("HUNTY_API_KEY", "the key")
        .set("HUNTY_API_KEY_HEADER", "X-Our-Key");
    let inbox = Inbox::answering("200 OK", 1);
    let outcome = program.run(&["send", "--type", "v2", "--url", &inbox.url]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let posts = inbox.posts.join().expect("posts");
    assert!(
        posts[0].head.contains("x-our-key: the key\r\n"),
        "{}",
        posts[0].head
    );
}

#[test]
fn any_answer_but_200_is_a_failure() {
    for status in [
        "201 Created",
        "204 No Content",
        "302 Found",
        "401 Unauthorized",
        "503 Service Unavailable",
    ] {
        let inbox = Inbox::answering(status, 1);
        let outcome = Program::with_source().run(&[
            "send",
            "--type",
            "JOB_MOVED",
            "--url",
            &inbox.url,
            "--json",
        ]);
        assert_eq!(outcome.code, 1, "{status}");
        assert!(outcome.says(&status[..3]), "{outcome:?}");
    }
}

#[test]
fn a_receiver_that_is_not_there_is_a_failure() {
    let outcome = Program::with_source().run(&[
        "send",
        "--type",
        "JOB_MOVED",
        "--url",
        "http://u:hunter2@127.0.0.1:1/?k=hunter2",
    ]);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.says("Connection refused") && !outcome.says("hunter2"),
        "{outcome:?}"
    );
}

#[test]
fn what_does_not_fit_the_configuration_is_refused() {
    let both = || {
        Program::with_source()
            .set("HUNTY_API_KEY", "a key")
            .file("body", "{}")
    };
    let unknown_sample = both().run(&["send", "--type", "JOB_FLOWN"]);
    assert!(
        unknown_sample
            .refusal()
            .starts_with("error: there is no such sample; there are ACTIVITY_CREATED, ")
    );
    assert!(
        unknown_sample.refusal().ends_with(", TEST, v1, v2\n"),
        "{}",
        unknown_sample.stderr
    );
    assert_snapshot!(both().run(&["send", "--all", "--source", "nobody"]).refusal(), @"error: there is no source nobody in the configuration");
    assert_snapshot!(both().run(&["reverify", "--source", "nobody"]).refusal(), @"error: there is no source nobody in the configuration");
    assert_snapshot!(both().run(&["send", "--file", "body"]).refusal(), @"error: --file goes to one source: name it with --source");
    let open = Program::new().file(
        "a.toml",
        "[sources.open]\nprovider = 'huntr'\nverify = false",
    );
    assert_snapshot!(open.run(&["--config", "a.toml", "send", "--all"]).refusal(), @"error: no source has a secret to sign with");
}

#[test]
fn a_file_that_is_not_there_is_a_failure() {
    let outcome = Program::with_source().run(&["send", "--file", "nowhere.json"]);
    assert_eq!((outcome.code, outcome.stdout()), (1, ""));
    assert!(
        outcome.says("reading nowhere.json") && outcome.says("No such file"),
        "{outcome:?}"
    );
}

/// A file keeps its id; samples get a new one each.
#[test]
fn a_count_makes_new_deliveries_of_samples() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let send = |what: &[&str]| {
        let url = receiver.url("");
        let mut command = setup.command();
        let output = command
            .args([
                "send", "--url", &url, "--json", "--count", "3", "--rate", "1000",
            ])
            .args(what)
            .output();
        let output = output.expect("running send");
        assert!(output.status.success(), "{output:?}");
        let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let answers = rows.as_array().expect("a list").iter();
        answers
            .map(|row| {
                format!(
                    "{} {}",
                    row["count"],
                    row["answer"].as_str().unwrap_or_default()
                )
            })
            .collect::<Vec<_>>()
    };
    for what in ["JOB_MOVED", "v1", "v2"] {
        assert_eq!(send(&["--type", what]), ["3 stored"], "{what}");
        assert_eq!(send(&["--type", what]), ["3 stored"], "{what}");
    }
    std::fs::write(setup.folder().join("body"), "{\"id\":\"1\"}").expect("writing a body");
    let file = ["--source", "huntr", "--file", "body"];
    assert_eq!(send(&file), ["2 duplicate", "1 stored"]);
}
