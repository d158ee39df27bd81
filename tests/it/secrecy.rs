//! What is never logged: bodies, secrets, keys, signatures, addresses of people. At any level.

use crate::support::{KEY, SECRET, SIGNATURE, Setup, action, sign, sign_with};

const PERSON: &str = "noemie.vasseur@example.com";

#[tokio::test]
async fn no_level_of_the_log_tells_a_secret_or_a_body() {
    for setup in [Setup::sqlite(), Setup::postgres().await] {
        let setup = setup.environment("RUST_LOG", "trace");
        let mut receiver = setup.start();
        let personal =
            |id: &str| action(id).replace('}', &format!(r#","member":{{"email":"{PERSON}"}}}}"#));
        let hunty =
            format!(r#"{{"webhookId":"w","idempotencyId":"i","payload":{{"email":"{PERSON}"}}}}"#);
        for body in [
            personal("a"),
            personal("a"),
            personal("b"),
            format!("{PERSON} is no JSON"),
        ] {
            assert_eq!(receiver.post_signed(body).await.status, 200);
        }
        assert_eq!(receiver.post_with_key(&hunty).await.status, 200);
        let conflict = personal("a").replace("JOB_CREATED", "JOB_MOVED");
        assert_eq!(receiver.post_signed(conflict).await.status, 200);
        let wrong = sign_with("another", personal("c").as_bytes());
        assert_eq!(
            receiver
                .post("huntr", &[(SIGNATURE, &wrong)], personal("c"))
                .await
                .status,
            401
        );
        assert_eq!(
            receiver
                .post("hunty", &[("x-auth-api-key", "a wrong key")], hunty)
                .await
                .status,
            401
        );
        receiver.terminate();
        receiver.wait();

        let log = receiver.log();
        assert!(log.contains("webhook refused"), "the log is on");
        for secret in [
            SECRET,
            KEY,
            PERSON,
            "a wrong key",
            "actionType",
            &wrong,
            &sign(personal("a").as_bytes()),
        ] {
            let line = log.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} is in the log");
        }
    }
}
