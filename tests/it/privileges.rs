//! The role that `docs/security.md` recommends is enough to serve with, and does not own a thing.

use crate::{
    ledger::Ledger,
    postgres,
    support::{Setup, action, until},
};

const DOCUMENT: &str = include_str!("../../docs/security.md");
const ROLE: &str = "receiver_service";

#[tokio::test]
async fn a_role_that_owns_nothing_is_enough_to_serve() {
    let owned = postgres::fresh_database().await;
    // Roles are the server's, which may have been there before.
    let role = format!("{ROLE}_{}", std::process::id());
    let grants = DOCUMENT
        .split("```sql\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let grants = grants.expect("the grants").replace(ROLE, &role);
    postgres::execute(&owned, &grants).await;

    let (scheme, rest) = owned.split_once("://").expect("a URL");
    let (_, address) = rest.split_once('@').expect("a user");
    let setup = Setup::on(format!("{scheme}://{role}:choose one@{address}").replace(' ', "%20"))
        .with_tables()
        .config("[database]\nmigrate = false\n");
    let mut receiver = setup.start();
    for number in 0..5 {
        let body = action(&number.to_string());
        assert_eq!(receiver.post_signed(body).await.status, 200);
    }
    let refused = receiver
        .post(
            "huntr",
            &[("x-huntr-hmac-sha256", &crate::support::sign(b"another"))],
            "{}",
        )
        .await;
    assert_eq!(refused.status, 401);
    let ledger = Ledger::of(&setup).await;
    for query in [
        "select count(*) from actions having count(*) = 5",
        "select count(*) from rejected_requests having count(*) = 1",
    ] {
        let query = format!("select coalesce(({query}), 0)");
        until(async || (ledger.number(&query).await > 0).then_some(())).await;
    }
    receiver.terminate();
    assert!(receiver.wait().success(), "{}", receiver.log());
    for arguments in [
        &["audit"][..],
        &["reverify"],
        &["deliveries", "list"],
        &["events", "list"],
    ] {
        let output = setup
            .command()
            .args(arguments)
            .output()
            .expect("running it");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
    let log = receiver.log();
    assert!(
        !log.contains("permission denied") && !log.contains("must be owner"),
        "{log}"
    );
    let rebuilt = setup
        .command()
        .args(["rebuild"])
        .output()
        .expect("running it");
    assert!(
        !rebuilt.status.success(),
        "what changes tables is the owner's"
    );
    postgres::execute(&owned, &format!("drop owned by {role}; drop role {role}")).await;
}
