//! A wrong secret loses nothing: refused requests are kept, and accepted once the secret is right.

use crate::{
    ledger::Ledger,
    receive::on_both_stores,
    support::{KEY, SIGNATURE, Setup, action, sign, until},
};

on_both_stores!(what_a_wrong_secret_refused_is_accepted_later);

async fn what_a_wrong_secret_refused_is_accepted_later(setup: Setup) {
    let wrong = setup
        .environment("HUNTR_WEBHOOK_SECRET", "wrong")
        .environment("HUNTY_API_KEY", "wrong, too");
    let envelope = r#"{"webhookId":"w","idempotencyId":"i","version":2}"#;
    {
        let receiver = wrong.start();
        for id in ["a", "b", "a"] {
            assert_eq!(receiver.post_signed(action(id)).await.status, 401);
        }
        assert_eq!(receiver.post_with_key(envelope).await.status, 401);
        let forged = receiver
            .post(
                "huntr",
                &[(SIGNATURE, &sign(b"something else"))],
                action("forged"),
            )
            .await;
        assert_eq!(forged.status, 401);
        let ledger = Ledger::of(&wrong).await;
        until(async || {
            (ledger
                .number("select count(*) from rejected_requests")
                .await
                == 5)
                .then_some(())
        })
        .await;
        let database = std::fs::read(wrong.folder().join("data/receiver.db")).unwrap_or_default();
        let log = std::fs::read(wrong.folder().join("data/receiver.db-wal")).unwrap_or_default();
        assert!(
            !contains(&database, KEY) && !contains(&log, KEY),
            "a presented key is kept only as a digest"
        );
    }
    let right = wrong
        .environment("HUNTR_WEBHOOK_SECRET", crate::support::SECRET)
        .environment("HUNTY_API_KEY", KEY);
    let output = right
        .command()
        .args(["reverify", "--json"])
        .output()
        .expect("running reverify");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        report,
        serde_json::json!([
            { "source": "huntr", "accepted": 2, "duplicates": 1, "still_refused": 1, "failed": 0 },
            { "source": "hunty", "accepted": 1, "duplicates": 0, "still_refused": 0, "failed": 0 },
        ])
    );
    let ledger = Ledger::of(&right).await;
    assert_eq!(
        ledger
            .number("select count(*) from rejected_requests")
            .await,
        1,
        "only the forged one is left"
    );
    let events = ledger.events().await;
    let ids: Vec<_> = events
        .iter()
        .map(|event| event.summary.delivery_id.as_str())
        .collect();
    assert_eq!(ids, ["a", "b", "w/i"]);
    assert!(
        events
            .iter()
            .all(|event| event.summary.origin == "reverify")
    );
    assert_eq!(events[0].body, action("a").into_bytes());

    // Sent once more, it is a duplicate.
    let receiver = right.start();
    assert_eq!(receiver.post_signed(action("a")).await.said(), "duplicate");
}

/// A flood on one source, far faster than it can be kept, and a few requests that a wrong secret refuses on another.
#[tokio::test]
async fn a_flood_on_one_source_costs_another_nothing() {
    let setup = Setup::sqlite().environment("HUNTR_WEBHOOK_SECRET", "wrong");
    let receiver = setup.start();
    let flood = (0..20).map(async |_| {
        for _ in 0..100 {
            let answer = receiver
                .post("hunty", &[("x-auth-api-key", "wrong")], "{}")
                .await;
            assert_eq!(answer.status, 401);
        }
    });
    let quiet = async {
        for id in 0..50 {
            let answer = receiver.post_signed(action(&id.to_string())).await;
            assert_eq!(answer.status, 401);
        }
    };
    tokio::join!(futures_util::future::join_all(flood), quiet);
    let ledger = Ledger::of(&setup).await;
    let kept = "select count(*) from rejected_requests where source = 'huntr'";
    until(async || (ledger.number(kept).await == 50).then_some(())).await;
}

#[tokio::test]
async fn what_is_kept_of_a_strangers_headers_is_short() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let wrong = sign(b"something else");
    let long = "x".repeat(12_000);
    let headers = [
        (SIGNATURE, &*wrong),
        ("user-agent", &*long),
        ("cookie", "a=secret"),
    ];
    assert_eq!(
        receiver.post("huntr", &headers, action("a")).await.status,
        401
    );
    let ledger = Ledger::of(&setup).await;
    let short = "select count(*) from rejected_requests where length(headers) < 1000 and headers not like '%cookie%'";
    until(async || (ledger.number(short).await == 1).then_some(())).await;
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
