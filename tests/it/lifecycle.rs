//! Starting, stopping, and a database that comes and goes.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

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
async fn while_the_database_takes_no_writes_senders_are_told_to_come_back() {
    let setup = Setup::postgres().await;
    let receiver = setup.start();
    assert_eq!(receiver.post_signed(action("before")).await.status, 200);

    read_only(&setup, "on").await;
    let refused = receiver.post_signed(action("during")).await;
    assert_eq!((refused.status, refused.said()), (503, "unavailable"));
    assert!(refused.headers.contains_key("retry-after"));
    until(async || (receiver.get("/ready").await.status == 503).then_some(())).await;
    assert_eq!(receiver.get("/live").await.status, 200);

    read_only(&setup, "off").await;
    until(async || (receiver.post_signed(action("during")).await.status == 200).then_some(()))
        .await;
    until(async || (receiver.get("/ready").await.status == 200).then_some(())).await;
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

#[tokio::test]
async fn a_row_that_the_database_refuses_takes_none_of_its_neighbours_along() {
    let setup = Setup::postgres().await;
    let receiver = setup.start();
    let mut connection = PgConnection::connect(&setup.database_url())
        .await
        .expect("connecting");
    connection
        .execute("alter table events add constraint no_poison check (event_type <> 'POISON')")
        .await
        .expect("adding a constraint");
    let posts = (0..64).map(|number| {
        let body = action(&number.to_string());
        let body = if number % 8 == 0 {
            body.replace("JOB_CREATED", "POISON")
        } else {
            body
        };
        let receiver = &receiver;
        async move { (number % 8 == 0, receiver.post_signed(body).await.status) }
    });
    for (poison, status) in futures_util::future::join_all(posts).await {
        assert_eq!(status, if poison { 503 } else { 200 });
    }
    assert_eq!(Ledger::of(&setup).await.events().await.len(), 56);
}

#[tokio::test]
async fn what_waits_for_a_busy_database_is_bounded_and_stored_in_the_end() {
    let setup =
        Setup::sqlite().config("[intake]\nmax_queue = 1\n[database]\ncommit_timeout = \"100ms\"\n");
    let receiver = setup.start();
    assert_eq!(receiver.post_signed(action("before")).await.status, 200);
    let mut other = SqliteConnection::connect(&setup.database_url())
        .await
        .expect("connecting");
    other
        .execute("begin immediate")
        .await
        .expect("locking the database");
    // One is being committed, one is in the queue, and for one there is no room.
    for id in ["committing", "queued", "refused"] {
        let answer = receiver.post_signed(action(id)).await;
        assert_eq!((answer.status, answer.said()), (503, "unavailable"));
    }
    other
        .execute("rollback")
        .await
        .expect("unlocking the database");
    let ledger = Ledger::of(&setup).await;
    // What was there before, and the two that were taken.
    until(async || (ledger.events().await.len() == 3).then_some(())).await;
    for (id, said) in [
        ("committing", "duplicate"),
        ("queued", "duplicate"),
        ("refused", "stored"),
    ] {
        assert_eq!(receiver.post_signed(action(id)).await.said(), said);
    }
}

async fn read_only(setup: &Setup, switch: &str) {
    let url = setup.database_url();
    let name = url.rsplit('/').next().expect("a name");
    let mut connection = PgConnection::connect(&url).await.expect("connecting");
    let sql = format!(
        "begin; set transaction read write; alter database {name} set default_transaction_read_only = {switch}; commit"
    );
    connection
        .execute(AssertSqlSafe(sql))
        .await
        .expect("altering the database");
    terminate_backends(setup).await;
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
