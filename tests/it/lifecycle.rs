//! Starting, stopping, and a database that comes and goes.

use sqlx::{Connection, Executor, PgConnection};

use crate::{
    ledger::Ledger,
    support::{SIGNATURE, Setup, action, head, sign, until},
};

#[tokio::test]
async fn what_is_in_flight_is_answered_before_the_end() {
    let setup = Setup::sqlite();
    let mut receiver = setup.start();
    let body = action("late");
    let length = body.len().to_string();
    let signature = sign(body.as_bytes());
    let (start, rest) = body.split_at(5);
    let mut wire = receiver.connect().await;
    wire.send(head(&[(SIGNATURE, &signature), ("content-length", &length)]) + "\r\n" + start)
        .await;
    // Its answer shows that the other connection was accepted and read, too.
    assert_eq!(receiver.get("/live").await.status, 200);

    receiver.terminate();
    receiver.logged("stopping").await;
    wire.send(rest).await;
    let answer = wire.answer().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(receiver.wait().success());
    assert!(receiver.log().contains("stopped"));
    assert_eq!(Ledger::of(&setup).await.events().await.len(), 1);
}

#[tokio::test]
async fn while_draining_it_is_not_ready_and_still_takes_deliveries() {
    let setup = Setup::sqlite().config("[server]\ndrain_delay = \"2s\"\n");
    let mut receiver = setup.start();
    assert_eq!(receiver.get("/ready").await.status, 200);
    receiver.terminate();
    let ready = until(async || {
        let ready = receiver.get("/ready").await;
        (ready.status == 503).then_some(ready)
    })
    .await;
    assert_eq!(ready.json["status"], "draining");
    assert_eq!(receiver.post_signed(action("a")).await.status, 200);
    assert_eq!(receiver.get("/live").await.status, 200);
    assert!(receiver.wait().success());
}

#[tokio::test]
async fn the_samples_are_stored_once_or_as_often_as_asked() {
    let setup = Setup::sqlite();
    let receiver = setup.start();
    let send = |more: &[&str]| {
        let mut command = setup.command();
        command.args(["send", "--all", "--json", "--url", &receiver.url("")]);
        let output = command.args(more).output().expect("running send");
        assert!(output.status.success(), "{output:?}");
        let rows: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let rows = rows.as_array().expect("rows").clone();
        let answers = rows
            .iter()
            .map(|row| row["answer"].as_str().expect("an answer").to_owned());
        (
            rows.len(),
            answers.collect::<std::collections::BTreeSet<_>>(),
        )
    };
    // 43 kinds of Actions and two envelopes.
    assert_eq!(send(&[]), (45, ["stored".to_owned()].into()));
    assert_eq!(send(&[]), (45, ["duplicate".to_owned()].into()));
    assert_eq!(send(&["--count", "3"]), (45, ["stored".to_owned()].into()));
    let ledger = Ledger::of(&setup).await;
    assert_eq!(
        ledger
            .number("select count(*) from events where problem is null")
            .await,
        45 * 4
    );
    assert_eq!(
        ledger.number("select count(*) from event_conflicts").await,
        0
    );
}

#[tokio::test]
async fn a_signal_during_the_start_is_heard() {
    let setup = Setup::postgres().await;
    // Somebody else migrates, so the start waits for them.
    let mut migrating = PgConnection::connect(&setup.database_url())
        .await
        .expect("connecting");
    migrating
        .execute("begin; lock table _sqlx_migrations")
        .await
        .expect("locking");
    let mut receiver = setup.spawn();
    let waiting = "select count(*) from pg_stat_activity where application_name = 'huntr-receiver' \
                   and wait_event_type = 'Lock'";
    let ledger = Ledger::of(&setup).await;
    until(async || (ledger.number(waiting).await > 0).then_some(())).await;
    receiver.terminate();
    assert!(receiver.wait().success());
}

#[tokio::test]
async fn one_embedded_database_has_one_server() {
    let setup = Setup::sqlite();
    let _receiver = setup.start();
    let second = setup
        .command()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ])
        .output()
        .expect("running");
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).expect("text");
    assert!(
        said.contains("is in use by another `huntr-receiver serve`"),
        "{said}"
    );
}

#[tokio::test]
async fn a_lost_connection_is_bridged_without_a_refusal() {
    let setup = Setup::postgres().await;
    let receiver = setup.start();
    for id in 0..20 {
        terminate_backends(&setup).await;
        assert_eq!(
            receiver.post_signed(action(&id.to_string())).await.status,
            200
        );
    }
    assert_eq!(Ledger::of(&setup).await.events().await.len(), 20);
}

/// Ends every other connection to the database, as a failover does.
async fn terminate_backends(setup: &Setup) {
    let mut connection = PgConnection::connect(&setup.database_url())
        .await
        .expect("connecting");
    let others = "select pg_terminate_backend(pid) from pg_stat_activity \
                  where datname = current_database() and pid <> pg_backend_pid()";
    connection.execute(others).await.expect("terminating");
}
