//! A PostgreSQL server of the harness's own, which can be killed, held up, restarted and starved of room.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{Mutex, MutexGuard},
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::disk::Disk;
use crate::support::PATIENCE;

pub(super) struct Cluster {
    pub(super) url: String,
    data: PathBuf,
    process: Child,
    /// Who stops it must start it again before somebody else stops it.
    turn: Mutex<()>,
    /// Below its files, so it is dropped last.
    pub(super) disk: Option<Disk>,
}

/// Runs `pg_ctl` as the owner of the data.
const PG_CTL: &str = r#"
    pg_ctl=$(printf '%s\n' /usr/lib/postgresql/*/bin/pg_ctl | sort -V | tail -n 1)
    [[ -x $pg_ctl ]] || pg_ctl=$(command -v pg_ctl)
    data=$1; shift
    as_owner=()
    [[ $(id -u) != 0 ]] || as_owner=(setpriv "--reuid=$(stat -c %u "$data")" "--regid=$(stat -c %g "$data")" --clear-groups)
    cd "$data/.." && "${as_owner[@]}" "$pg_ctl" -D "$data" -w -t 20 -s -l log "$@" </dev/null >/dev/null 2>&1
"#;

/// A statement or a connection that takes longer is tried again.
const PATIENCE_OF_ONE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

impl Cluster {
    pub(super) async fn start(disk: Option<Disk>) -> Self {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres"));
        if let Some(disk) = &disk {
            command.env("TMPDIR", disk.folder());
        }
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("running tests/postgres");
        let mut url = String::new();
        BufReader::new(process.stdout.take().expect("a piped output"))
            .read_line(&mut url)
            .expect("the server's URL");
        let url = url.trim_end().to_owned();
        let mut connection = PgConnection::connect(&url).await.expect("connecting");
        let data: String = sqlx::query_scalar("show data_directory")
            .fetch_one(&mut connection)
            .await
            .expect("its folder");
        // The log must not fill the disk, and no more may wait for a checkpoint than fits on it.
        for setting in ["max_wal_size = '64MB'", "min_wal_size = '32MB'"] {
            let sql = AssertSqlSafe(format!("alter system set {setting}"));
            connection.execute(sql).await.expect("a setting");
        }
        connection
            .execute("select pg_reload_conf()")
            .await
            .expect("a reload");
        Self {
            url,
            data: data.into(),
            process,
            turn: Mutex::default(),
            disk,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        let (_, rest) = self.url.rsplit_once('@').expect("a user");
        let (address, _) = rest.split_once('/').expect("a database");
        address.parse().expect("an address")
    }

    pub(super) async fn is_killed_for(&self, time: Duration) {
        let _turn = self.turn().await;
        signal("KILL", self.processes().get(..1).unwrap_or_default());
        sleep(time).await;
        self.runs().await;
    }

    pub(super) async fn is_paused_for(&self, time: Duration) {
        let _turn = self.turn().await;
        let processes = self.processes();
        signal("STOP", &processes);
        sleep(time).await;
        signal("CONT", &processes);
    }

    pub(super) async fn restarts(&self, mode: &str) {
        let _turn = self.turn().await;
        self.pg_ctl(&["-m", mode, "restart"]).await;
        self.runs().await;
    }

    pub(super) async fn has_no_room_for(&self, time: Duration) {
        if let Some(disk) = &self.disk {
            disk.is_full_for(time).await;
        }
        // It may have given up over it.
        let _turn = self.turn().await;
        self.runs().await;
    }

    /// Waits until nobody has stopped it.
    async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Starts it if need be, until it runs. The processes of one that was killed may take a while to notice.
    async fn runs(&self) {
        let starting = async {
            loop {
                // Who is told to restart what is gone starts it with the options it had.
                let runs = self.pg_ctl(&["status"]).await
                    || self.pg_ctl(&["-m", "immediate", "restart"]).await;
                if runs && self.connect().await.is_some() {
                    return;
                }
                sleep(PAUSE).await;
            }
        };
        if timeout(PATIENCE, starting).await.is_err() {
            let log = std::fs::read_to_string(self.data.join("../log")).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(20)..];
            panic!("the database did not start:\n{}", last.join("\n"));
        }
    }

    async fn pg_ctl(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new("bash");
        command.args(["-c", PG_CTL, "bash"]).arg(&self.data);
        command.args(arguments);
        let done = spawn_blocking(move || command.status()).await;
        let done = done.expect("a thread").expect("running pg_ctl");
        done.success()
    }

    /// The postmaster, and then its children; none when it is gone.
    fn processes(&self) -> Vec<u32> {
        let file = std::fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        let Some(postmaster) = file.lines().next() else {
            return Vec::new();
        };
        let children = format!("/proc/{postmaster}/task/{postmaster}/children");
        let children = std::fs::read_to_string(children).unwrap_or_default();
        let processes = std::iter::once(postmaster).chain(children.split_whitespace());
        processes
            .filter_map(|process| process.parse().ok())
            .collect()
    }

    async fn connect(&self) -> Option<PgConnection> {
        let options: PgConnectOptions = self.url.parse().expect("a URL");
        // So that what was made read-only can be made writable again.
        let options = options.options([("default_transaction_read_only", "off")]);
        timeout(PATIENCE_OF_ONE, PgConnection::connect_with(&options))
            .await
            .ok()?
            .ok()
    }

    /// Runs a statement, as often as it takes.
    pub(super) async fn execute(&self, sql: &str) {
        let insisting = async {
            loop {
                if let Some(mut connection) = self.connect().await {
                    let sql = AssertSqlSafe(sql.to_owned());
                    let executed = timeout(PATIENCE_OF_ONE, connection.execute(sql)).await;
                    if matches!(executed, Ok(Ok(_))) {
                        return;
                    }
                }
                sleep(PAUSE).await;
            }
        };
        let done = timeout(PATIENCE, insisting).await;
        done.unwrap_or_else(|_| panic!("the database never took: {sql}"));
    }

    /// Runs a statement in a transaction that goes on for a while and changes nothing.
    pub(super) async fn is_locked_for(&self, sql: &str, time: Duration) {
        let locking = async {
            let mut connection = self.connect().await?;
            let sql = AssertSqlSafe(format!("begin; {sql}"));
            let locked = timeout(PATIENCE_OF_ONE, connection.execute(sql)).await;
            locked.ok()?.ok()?;
            Some(connection)
        };
        if let Some(connection) = locking.await {
            sleep(time).await;
            drop(connection);
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        signal("CONT", &self.processes());
        // The end of its input stops it.
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}

/// Processes that have ended meanwhile are past it.
fn signal(name: &str, processes: &[u32]) {
    if processes.is_empty() {
        return;
    }
    let processes = processes.iter().map(u32::to_string);
    let mut command = Command::new("kill");
    command.arg(format!("-{name}")).args(processes);
    command
        .stderr(Stdio::null())
        .status()
        .expect("running kill");
}
