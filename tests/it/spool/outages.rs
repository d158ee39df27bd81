//! A database that is away, in all the ways there are.

use sqlx::{Connection, Executor, PgConnection, SqliteConnection};

use super::{Outage, post, stored};
use crate::{
    ledger::Ledger,
    postgres::{empty_database, execute},
    support::{Running, Setup, action, until},
};

const SPOOLED: &str = "200 spooled";

#[tokio::test]
async fn what_comes_while_nobody_gets_in_waits_on_disk() {
    let setup = Setup::postgres().await.with_tables();
    let receiver = setup.start();
    let outage = Outage::of(&setup);
    assert_eq!(post(&receiver, &["before"]).await, ["200 stored"]);

    outage.begin().await;
    assert_eq!(post(&receiver, &["a", "b", "c"]).await, [SPOOLED; 3]);
    let ready = receiver.get("/ready").await;
    assert_eq!(ready.status, 200);
    assert_eq!(
        (&ready.json["database"], &ready.json["spool"]),
        (&"down".into(), &"up".into())
    );
    assert_eq!(metric(&receiver, "database_up").await, "0");
    outage.end().await;

    assert_eq!(stored(&setup, 4).await, ["before", "a", "b", "c"]);
    let ledger = Ledger::of(&setup).await;
    let by_spool = "select count(*) from events where origin = 'spool'";
    assert_eq!(ledger.number(by_spool).await, 3);
    // What comes out of the spool goes where everything goes.
    let typed = "select count(*) from actions";
    until(async || (ledger.number(typed).await == 4).then_some(())).await;
    until(async || {
        let up = metric(&receiver, "database_up").await;
        let waiting = metric(&receiver, "spool_events").await;
        (up == "1" && waiting == "0").then_some(())
    })
    .await;
    assert_eq!(metric(&receiver, "spooled_total").await, "3");
    assert_eq!(
        post(&receiver, &["b", "after"]).await,
        ["200 duplicate", "200 stored"]
    );
}

/// Of the three classes of errors, each is provoked; the codes are PostgreSQL's own.
#[tokio::test]
async fn whatever_a_database_lacks_for_a_commit_is_waited_for() {
    for (code, begin, end) in [
        (
            "read-only",
            "alter database {} set default_transaction_read_only = on",
            "set transaction read write; alter database {} reset default_transaction_read_only",
        ),
        (
            "does not exist",
            "alter table event_conflicts rename to elsewhere",
            "alter table elsewhere rename to event_conflicts",
        ),
        (
            "violates check constraint",
            "alter table events add constraint poison check (delivery_id not like 'during%')",
            "alter table events drop constraint poison",
        ),
    ] {
        let setup = Setup::postgres().await;
        let mut receiver = setup.start();
        let url = setup.database_url();
        let name = url.rsplit('/').next().expect("a name");
        assert_eq!(
            post(&receiver, &["before", "again"]).await,
            ["200 stored"; 2]
        );
        execute(&url, &begin.replace("{}", name)).await;
        terminate(&url).await;

        // The second one under an id is what needs the table of conflicts.
        let again = receiver
            .post_signed(r#"{"id":"again","actionType":"JOB_MOVED"}"#)
            .await;
        let during = post(&receiver, &["during"]).await;
        if code == "does not exist" {
            assert_eq!(again.said(), "spooled", "{code}");
        } else {
            assert_eq!(during, [SPOOLED], "{code}");
        }
        receiver.logged(code).await;

        execute(&url, &format!("begin; {}; commit", end.replace("{}", name))).await;
        terminate(&url).await;
        if code.contains("check constraint") {
            // What was refused is tried again after ten minutes, at the next start, or by hand.
            receiver.terminate();
            assert!(receiver.wait().success());
            let drain = setup
                .command()
                .args(["drain", "--spool", "data/spool"])
                .status();
            assert!(drain.expect("running drain").success());
        }
        assert_eq!(stored(&setup, 3).await, ["before", "again", "during"]);
    }
}

async fn metric(receiver: &Running, name: &str) -> String {
    let value = receiver.metric(&format!("huntr_receiver_{name}")).await;
    value.to_string()
}

async fn terminate(url: &str) {
    let others = "select pg_terminate_backend(pid, 10000) from pg_stat_activity \
                  where datname = current_database() and pid <> pg_backend_pid()";
    execute(url, others).await;
}

#[tokio::test]
async fn a_commit_that_is_too_slow_is_not_waited_for_and_counts_once() {
    let setup = Setup::postgres()
        .await
        .config("[database]\ncommit_timeout = \"200ms\"\n");
    let receiver = setup.start();
    let mut other = PgConnection::connect(&setup.database_url())
        .await
        .expect("connecting");
    other
        .execute("begin; lock table events in exclusive mode")
        .await
        .expect("locking");
    assert_eq!(post(&receiver, &["a", "b", "a"]).await, [SPOOLED; 3]);
    other.execute("commit").await.expect("unlocking");
    assert_eq!(stored(&setup, 2).await, ["a", "b"]);
    until(async || (metric(&receiver, "spool_events").await == "0").then_some(())).await;
    let ledger = Ledger::of(&setup).await;
    assert_eq!(ledger.events().await.len(), 2);
    let conflicts = "select count(*) from event_conflicts";
    assert_eq!(ledger.number(conflicts).await, 0);
}

#[tokio::test]
async fn a_receiver_that_starts_without_its_database_migrates_it_when_it_comes() {
    let setup = Setup::on(empty_database().await).with_tables();
    let outage = Outage::of(&setup);
    outage.begin().await;
    let mut receiver = setup.start();
    assert_eq!(post(&receiver, &["a", "b"]).await, [SPOOLED; 2]);
    // What is in the spool outlives the receiver.
    receiver.kill();
    let receiver = setup.start();
    assert_eq!(post(&receiver, &["c"]).await, [SPOOLED]);
    outage.end().await;
    receiver.logged("the database is migrated").await;
    assert_eq!(stored(&setup, 3).await, ["a", "b", "c"]);
    let ledger = Ledger::of(&setup).await;
    let typed = "select count(*) from actions";
    until(async || (ledger.number(typed).await == 3).then_some(())).await;
}

#[tokio::test]
async fn a_database_that_is_set_up_wrongly_stops_the_first_start_and_no_other() {
    let newer = "insert into _sqlx_migrations select 9999, description, installed_on, success, checksum, \
                 execution_time from _sqlx_migrations where version = 1";
    let setup = Setup::postgres().await;
    execute(&setup.database_url(), newer).await;
    assert_eq!(setup.spawn().wait().code(), Some(1));

    execute(
        &setup.database_url(),
        "delete from _sqlx_migrations where version = 9999",
    )
    .await;
    let mut receiver = setup.start();
    receiver.terminate();
    assert!(receiver.wait().success());
    execute(&setup.database_url(), newer).await;
    let receiver = setup.start();
    receiver
        .logged("the database cannot be used as it is set up")
        .await;
    assert_eq!(post(&receiver, &["a"]).await, [SPOOLED]);
    execute(
        &setup.database_url(),
        "delete from _sqlx_migrations where version = 9999",
    )
    .await;
    assert_eq!(stored(&setup, 1).await, ["a"]);
}

#[tokio::test]
async fn a_row_that_the_database_refuses_takes_none_of_its_neighbours_along() {
    // So long that a busy machine finds every one of them.
    let setup = Setup::postgres()
        .await
        .config("[database]\ncommit_timeout = \"30s\"\n");
    let receiver = setup.start();
    let constraint = "alter table events add constraint poison check (delivery_id not like '%0')";
    execute(&setup.database_url(), constraint).await;
    let ids: Vec<String> = (0..64).map(|number| number.to_string()).collect();
    let posts = ids
        .iter()
        .map(|id| post(&receiver, std::slice::from_ref(id)));
    for (id, answers) in ids.iter().zip(futures_util::future::join_all(posts).await) {
        let expected = if id.ends_with('0') {
            SPOOLED
        } else {
            "200 stored"
        };
        assert_eq!(answers, [expected], "{id}");
    }
    assert_eq!(Ledger::of(&setup).await.events().await.len(), 57);
    // Those do not stand in the way of others.
    let outage = Outage::of(&setup);
    outage.begin().await;
    assert_eq!(post(&receiver, &["later"]).await, [SPOOLED]);
    outage.end().await;
    stored(&setup, 58).await;
    until(async || (metric(&receiver, "spool_refused_events").await == "7").then_some(())).await;
}

#[tokio::test]
async fn an_embedded_database_that_somebody_else_writes_to_is_waited_for() {
    let setup =
        Setup::sqlite().config("[intake]\nmax_queue = 1\n[database]\ncommit_timeout = \"100ms\"\n");
    let receiver = setup.start();
    assert_eq!(post(&receiver, &["before"]).await, ["200 stored"]);
    let mut other = SqliteConnection::connect(&setup.database_url())
        .await
        .expect("connecting");
    other
        .execute("begin immediate")
        .await
        .expect("locking the database");
    assert_eq!(post(&receiver, &["a", "b", "c"]).await, [SPOOLED; 3]);
    other
        .execute("rollback")
        .await
        .expect("unlocking the database");
    assert_eq!(stored(&setup, 4).await, ["before", "a", "b", "c"]);
    assert_eq!(post(&receiver, &["b"]).await, ["200 duplicate"]);
}

/// Such an error may as well be the whole database's.
#[tokio::test]
async fn a_row_at_which_somebodys_trigger_stumbles_stands_in_nobodys_way() {
    let setup = Setup::postgres().await;
    let receiver = setup.start();
    let trigger = "create function stumble() returns trigger language plpgsql as $$ begin \
                   if new.delivery_id = 'bad' then insert into nowhere values (1); end if; return new; end $$; \
                   create trigger stumble before insert on events for each row execute function stumble()";
    execute(&setup.database_url(), trigger).await;
    assert_eq!(post(&receiver, &["bad"]).await, [SPOOLED]);
    // Who comes next shows that it is only that one.
    let mut good = 0;
    until(async || {
        good += 1;
        let answer = receiver.post_signed(action(&good.to_string())).await;
        assert_eq!(answer.status, 200);
        let refused = metric(&receiver, "spool_refused_events").await;
        let up = metric(&receiver, "database_up").await;
        (refused == "1" && up == "1").then_some(())
    })
    .await;
    assert_eq!(stored(&setup, good).await.len(), good);
    assert_eq!(post(&receiver, &["after"]).await, ["200 stored"]);
}
