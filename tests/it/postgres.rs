//! One throw-away PostgreSQL server for the whole test process, and a database of its own for each test.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use huntr_receiver::{
    domain::{Timestamp, iso_millis},
    store::{Schema, Store, postgres::PostgresStore},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::sync::{Mutex, OnceCell};

/// Longer than any step of a test takes on a busy machine.
pub(crate) const COMMIT_TIMEOUT: Duration = Duration::from_mins(1);

/// A server, which stops when this process ends, however it ends: its standard input closes then.
struct Server {
    url: String,
    _process: Option<Child>,
}

/// The URL of a new, empty database.
pub(crate) async fn empty_database() -> String {
    create_database("").await
}

/// The URL of a new database with all migrations applied.
pub(crate) async fn fresh_database() -> String {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    // Applying the migrations once and copying is faster than applying them for each test.
    let template = TEMPLATE
        .get_or_init(async || {
            let url = empty_database().await;
            let store = connect(&url).await;
            store.migrate().await.expect("migrating the template");
            store.close().await;
            url.rsplit('/')
                .next()
                .expect("a database's name")
                .to_owned()
        })
        .await;
    create_database(&format!("template {template}")).await
}

/// The URL of a new database with all migrations applied, in which it is always the same time: of what views tell,
/// much is something else every second.
pub(crate) async fn database_at(now: &Timestamp) -> String {
    let url = empty_database().await;
    let frozen = format!(
        "create schema frozen; create function frozen.now() returns timestamptz stable language sql \
         as 'select timestamptz ''{}'''",
        iso_millis(now)
    );
    execute(&url, &frozen).await;
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}options[search_path]=frozen,public,pg_catalog");
    let store = connect(&url).await;
    store.migrate().await.expect("migrating the database");
    store.close().await;
    url
}

/// A store on the database with this URL.
pub(crate) async fn connect(url: &str) -> PostgresStore {
    PostgresStore::connect(&url.into(), COMMIT_TIMEOUT)
        .await
        .expect("connecting to the test database")
}

/// Runs statements in the database with this URL, behind every store's back.
pub(crate) async fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.expect("connecting");
    connection
        .execute(AssertSqlSafe(sql.to_owned()))
        .await
        .expect("executing statements");
    connection.close().await.expect("closing");
}

/// The statement that makes this setting the default of every later connection to the database it runs in.
pub(crate) fn on_every_connection(setting: &str) -> String {
    format!(
        "do $$ begin execute format('alter database %I set {setting}', current_database()); end $$"
    )
}

pub(crate) async fn create_database(options: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // A database can be copied only once at a time while nobody is connected to it.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    let _turn = ONE_AT_A_TIME.lock().await;

    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{number}", std::process::id());
    let server = &server().url;
    let mut admin = PgConnection::connect(server)
        .await
        .expect("connecting to the test server");
    for sql in [
        format!("drop database if exists {name} with (force)"),
        format!("create database {name} {options}"),
    ] {
        admin
            .execute(AssertSqlSafe(sql))
            .await
            .expect("creating a database");
    }
    admin.close().await.expect("closing");

    let (address, _) = server.rsplit_once('/').expect("a URL with a database");
    format!("{address}/{name}")
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's environment is the developer's"
)]
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| match std::env::var("TEST_POSTGRES_URL") {
        Ok(url) => Server {
            url,
            _process: None,
        },
        Err(_) => start_server(),
    })
}

fn start_server() -> Server {
    let mut process = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("running tests/postgres");
    let mut url = String::new();
    BufReader::new(process.stdout.take().expect("a piped output"))
        .read_line(&mut url)
        .expect("the server's URL");
    assert!(!url.is_empty(), "tests/postgres started no server");
    Server {
        url: url.trim_end().to_owned(),
        _process: Some(process),
    }
}
