//! Authentic bodies that make no sense: 200, kept byte for byte, with a problem that says why, and a row each.

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::{
    ledger::Ledger,
    receive::on_both_stores,
    support::{Running, Setup, action, until},
};

/// Fits ten megabytes.
const ROOM: &str = "[server]\nmax_body = \"16 MiB\"\n";

on_both_stores!(whatever_is_authentic_is_kept);

async fn whatever_is_authentic_is_kept(setup: Setup) {
    let setup = setup.config(ROOM).with_tables();
    let receiver = setup.start();
    let ledger = Ledger::of(&setup).await;
    let with_id = |rest: &str| format!(r#"{{"id":"{}","rest":{rest}}}"#, rest.len()).into_bytes();
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    for (body, problem) in [
        (b"".to_vec(), "not JSON: EOF while parsing a value"),
        (b"hello".to_vec(), "not JSON: expected value"),
        (b"[]".to_vec(), "not a JSON object"),
        (b"\"x\"".to_vec(), "not a JSON object"),
        (b"{\"id\":\"a\xff\"}".to_vec(), "not UTF-8"),
        (b"\x00\x01\x02".to_vec(), "not JSON"),
        (with_id(&deep), "recursion limit exceeded"),
        (with_id(r#""\u0000""#), "a NUL character"),
        (with_id(r#""\ud800\u0041""#), "lone leading surrogate"),
        (with_id("1e999"), "number out of range"),
        (b"null".to_vec(), "not a JSON object"),
        (br#"{"id":"a","id":"b"}"#.to_vec(), "id occurs twice"),
        (
            br#"{"id":"c","date":1,"date":2}"#.to_vec(),
            "date occurs twice",
        ),
        (br#"{"id":7}"#.to_vec(), "id is not a string"),
        (br#"{"id":null}"#.to_vec(), "id is missing"),
        (
            format!(r#"{{"id":"{}"}}"#, "x".repeat(1024 * 1024)).into_bytes(),
            "id is longer than 255 bytes",
        ),
        (
            br#"{"id":"a\u0000b"}"#.to_vec(),
            "id has control characters",
        ),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let answer = receiver.post_signed(&body).await;
        assert_eq!((answer.status, answer.said()), (200, "stored"), "{shown}");
        let found = answer
            .problem()
            .unwrap_or_else(|| panic!("{shown} has a problem"));
        assert!(found.contains(problem), "{shown}: {found}");
        let event = ledger.event(answer.event()).await;
        assert!(event.body == body, "{shown} is kept byte for byte");
        assert_eq!(event.summary.problem.as_deref(), Some(found));
        assert_eq!(
            receiver.post_signed(&body).await.event(),
            answer.event(),
            "{shown} is known again"
        );
    }
    let large = format!(
        r#"{{"id":"large","text":"{}"}}"#,
        "x".repeat(10 * 1024 * 1024)
    );
    let answer = receiver.post_signed(&large).await;
    assert_eq!((answer.status, answer.problem()), (200, None));
    assert!(ledger.event(answer.event()).await.body == large.into_bytes());
    for number in [
        "1e-20000",
        "0e9999999999",
        &format!("0.{}1", "0".repeat(17_000)),
    ] {
        let answer = receiver.post_signed(with_id(number)).await;
        assert_eq!(answer.status, 200, "{number}");
    }
    assert_eq!(receiver.get("/live").await.status, 200);
    each_has_a_row(&ledger).await;
    for arguments in [&["audit", "--full"][..], &["rebuild"], &["audit", "--full"]] {
        let output = setup
            .command()
            .args(arguments)
            .output()
            .expect("running it");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
}

/// Nothing is given up for what a sender wrote.
async fn each_has_a_row(ledger: &Ledger) {
    let pending = "select count(*) from deliveries where state = 'pending'";
    until(async || (ledger.number(pending).await == 0).then_some(())).await;
    let other = "select count(*) from deliveries where state <> 'delivered'";
    assert_eq!(ledger.number(other).await, 0);
    let lacking = "select (select count(*) from events) - (select count(*) from actions)";
    assert_eq!(ledger.number(lacking).await, 0);
}

/// Any bytes at all, and JSON that is nearly right.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let nearly = prop::sample::select(vec![
        action("a"),
        r#"{"id":"\u0061","actionType":null,"date":1e308}"#.to_owned(),
        r#"{"id":"e","date":-62135596801,"createdAt":"x"}"#.to_owned(),
        r#"{"WebhookId":"w","IdempotencyId":"i","Version":1}"#.to_owned(),
    ]);
    let edited =
        (nearly, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, index, byte)| {
            let mut bytes = text.into_bytes();
            let at = index.index(bytes.len());
            bytes[at] = byte;
            bytes
        });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..200), edited]
}

async fn any_bytes_are_kept_once(setup: Setup, cases: Vec<Vec<u8>>) {
    let setup = setup.with_tables();
    let receiver = setup.start();
    let ledger = Ledger::of(&setup).await;
    for body in cases {
        check(&receiver, &ledger, &body).await;
    }
    each_has_a_row(&ledger).await;
}

async fn check(receiver: &Running, ledger: &Ledger, body: &[u8]) {
    let answer = receiver.post_signed(body).await;
    assert_eq!(answer.status, 200, "{body:?}");
    let event = ledger.event(answer.event()).await;
    if answer.said() == "stored" {
        assert_eq!(event.body, body);
    } else {
        let sql = format!(
            "select count(*) from event_conflicts where event_id = {}",
            answer.event()
        );
        assert!(
            event.body == body || ledger.number(&sql).await > 0,
            "{body:?}"
        );
    }
}

/// Bodies from a fixed seed: the same in each run.
fn cases() -> Vec<Vec<u8>> {
    let mut runner = TestRunner::deterministic();
    let cases = (0..300).map(|_| bodies().new_tree(&mut runner).expect("a body").current());
    cases.collect()
}

#[tokio::test]
async fn sqlite_keeps_any_bytes_once() {
    any_bytes_are_kept_once(Setup::sqlite(), cases()).await;
}

#[tokio::test]
async fn postgres_keeps_any_bytes_once() {
    any_bytes_are_kept_once(Setup::postgres().await, cases()).await;
}
