//! The database goes away in the middle of deliveries: nothing is lost.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sqlx::{Connection, PgConnection};

use super::{Database, Hook, SOON, all_delivered, ids, post_all, proxy::Proxy, report};
use crate::{
    sinks::web_server::Behaviour,
    support::{Setup, action, until},
};

const SLOWLY: Behaviour = Behaviour::Late {
    status: 200,
    after: Duration::from_millis(5),
};

#[tokio::test(flavor = "multi_thread")]
async fn lost_connections_lose_nothing() {
    let (hook, flaky) = (Hook::start().await, Hook::start().await);
    hook.answer_with(SLOWLY);
    flaky.answer_by(|call| Behaviour::status(if call.number % 3 == 0 { 500 } else { 200 }));
    let setup = Setup::postgres()
        .await
        .config(&hook.sink("crm", SOON))
        .config(&flaky.sink("flaky", SOON));
    let receiver = setup.start();
    let mut database = Database::of(&setup).await;
    let events = ids("event", 600);
    for some in events.chunks(30) {
        post_all(&[&receiver], some).await;
        let others = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                      where datname = current_database() and pid <> pg_backend_pid()";
        assert!(database.number(others).await > 0);
    }
    all_delivered(&mut database).await;
    hook.took(&events);
    flaky.took(&events);
    report!(
        "{} and {} duplicates",
        hook.duplicates(),
        flaky.duplicates()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_crashes_and_comes_back_loses_nothing() {
    let server = Server::start().await;
    let hook = Hook::start().await;
    hook.answer_with(SLOWLY);
    let setup = Setup::on(server.url.clone())
        .config("[deliveries]\nlease = \"3s\"\n")
        .config(&hook.sink("crm", SOON));
    let receiver = setup.start();
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        for id in ids(&format!("round-{round}"), 200) {
            // While the database is away, senders are told to come back.
            until(async || (receiver.post_signed(action(&id)).await.status == 200).then_some(()))
                .await;
            if id.ends_with("-100") {
                server.crash_and_restart();
            }
            acknowledged.push(id);
        }
    }
    let mut database = Database::of(&setup).await;
    all_delivered(&mut database).await;
    hook.took(&acknowledged);
    report!("{} duplicates", hook.duplicates());
}

/// After a network split nobody says that a connection is gone; its statements would wait for many minutes.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_fall_silent_are_given_up() {
    let setup = Setup::postgres().await;
    let mut database = Database::of(&setup).await;
    let proxy = Proxy::to(&setup.database_url()).await;
    let hook = Hook::start().await;
    hook.answer_with(SLOWLY);
    let setup = Setup::on(proxy.url.clone()).config(&hook.sink("crm", SOON));
    let receiver = setup.start();
    post_all(&[&receiver], &ids("event", 200)).await;
    // In the middle of a statement.
    database
        .execute("begin; lock table deliveries in exclusive mode")
        .await;
    let waiting = "select count(*) from pg_locks where not granted";
    until(async || (database.number(waiting).await > 0).then_some(())).await;
    proxy.silence();
    database.execute("commit").await;
    for id in ids("later", 20) {
        // The commit that falls silent is given up by its sender.
        until(async || (receiver.post_signed(action(&id)).await.status == 200).then_some(())).await;
    }
    all_delivered(&mut database).await;
    assert_eq!(hook.taken().len(), 220);
}

/// A server of its own, as others must not feel its crashes.
struct Server {
    url: String,
    folder: String,
    process: Child,
}

impl Server {
    async fn start() -> Self {
        let mut process = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("running tests/postgres");
        let mut url = String::new();
        let mut stdout = BufReader::new(process.stdout.take().expect("a piped output"));
        stdout.read_line(&mut url).expect("the server's URL");
        let url = url.trim_end().to_owned();
        let mut connection = PgConnection::connect(&url).await.expect("connecting");
        let folder = sqlx::query_scalar("show data_directory")
            .fetch_one(&mut connection)
            .await;
        Self {
            url,
            folder: folder.expect("its folder"),
            process,
        }
    }

    /// As after a power cut.
    fn crash_and_restart(&self) {
        let script = r#"
            pg_ctl=$(printf '%s\n' /usr/lib/postgresql/*/bin/pg_ctl | sort -V | tail -n 1)
            [[ -x $pg_ctl ]] || pg_ctl=$(command -v pg_ctl)
            as_owner=()
            [[ $(id -u) != 0 ]] || as_owner=(setpriv "--reuid=$(stat -c %u "$1")" "--regid=$(stat -c %g "$1")" --clear-groups)
            cd "$1/.." && "${as_owner[@]}" "$pg_ctl" -D "$1" -m immediate -w -s -l "$1/../log" restart </dev/null >/dev/null 2>&1
        "#;
        let done = Command::new("bash")
            .args(["-c", script, "bash", &self.folder])
            .status();
        assert!(done.expect("running pg_ctl").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input stops it.
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}
