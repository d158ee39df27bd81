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
            { "source": "huntr", "accepted": 2, "duplicates": 1, "still_refused": 1 },
            { "source": "hunty", "accepted": 1, "duplicates": 0, "still_refused": 0 },
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

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
