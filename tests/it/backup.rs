//! What docs/backup.md tells people to do, done.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sqlx::{Connection, SqliteConnection};

use crate::{
    ledger::Ledger,
    postgres::execute,
    spool::{Outage, post, stored},
    support::{Setup, until},
};

/// A program of the PostgreSQL server's own, where Debian has them.
fn postgres_program(name: &str) -> Command {
    let folders = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let found = folders
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|path| path.exists())
        .max();
    Command::new(found.unwrap_or_else(|| PathBuf::from(name)))
}

fn sqlite3(file: &Path, command: &str) {
    let status = Command::new("sqlite3").arg(file).arg(command).status();
    assert!(status.expect("running sqlite3").success(), "{command}");
}

fn audit(setup: &Setup) {
    let output = setup.command().args(["audit", "--full"]).output();
    let output = output.expect("running audit");
    assert!(output.status.success(), "{output:?}");
}

/// The statement of the document that leaves ids out, by its first words.
fn leave_ids_out(begins: &str) -> &'static str {
    let document = include_str!("../../docs/backup.md");
    let at = document.find(begins).expect("its statement");
    let statement = document[at..].split('"').next();
    statement.expect("an end")
}

#[tokio::test]
async fn a_postgres_database_is_restored_under_a_receiver_that_runs() {
    let setup = Setup::postgres().await.with_tables();
    let receiver = setup.start();
    assert_eq!(post(&receiver, &["a", "b"]).await, ["200 stored"; 2]);
    let ledger = Ledger::of(&setup).await;
    let typed = "select count(*) from actions";
    until(async || (ledger.number(typed).await == 2).then_some(())).await;
    let dump = setup.folder().join("receiver.dump");
    let dumped = postgres_program("pg_dump")
        .args(["--format=custom", &setup.database_url()])
        .stdout(File::create(&dump).expect("a file"))
        .status();
    assert!(dumped.expect("running pg_dump").success());
    assert_eq!(post(&receiver, &["lost"]).await, ["200 stored"]);

    let outage = Outage::of(&setup);
    let database = &outage.database;
    let restored_url = format!("{}_restored", setup.database_url());
    outage
        .run(&format!("create database {database}_restored"))
        .await;
    let restored = postgres_program("pg_restore")
        .args(["--exit-on-error", "-d", &restored_url])
        .stdin(File::open(&dump).expect("the dump"))
        .stdout(Stdio::null())
        .status();
    assert!(restored.expect("running pg_restore").success());
    execute(&restored_url, leave_ids_out("select setval")).await;
    outage
        .run(&format!("drop database {database} with (force)"))
        .await;
    assert_eq!(post(&receiver, &["during"]).await, ["200 spooled"]);
    outage
        .run(&format!(
            "alter database {database}_restored rename to {database}"
        ))
        .await;

    assert_eq!(stored(&setup, 3).await, ["a", "b", "during"]);
    let ledger = Ledger::of(&setup).await;
    until(async || (ledger.number(typed).await == 3).then_some(())).await;
    assert!(ledger.number("select max(id) from events").await > 1_000_000);
    assert_eq!(post(&receiver, &["lost"]).await, ["200 stored"]);
    until(async || (ledger.number(typed).await == 4).then_some(())).await;
    audit(&setup);
}

#[tokio::test]
async fn an_embedded_database_is_copied_while_it_is_served_from() {
    let setup = Setup::sqlite().with_tables();
    let mut receiver = setup.start();
    assert_eq!(post(&receiver, &["a", "b"]).await, ["200 stored"; 2]);
    let data = setup.folder().join("data");
    let copy = setup.folder().join("receiver-copy.db");
    let command = format!(".backup '{}'", copy.display());
    sqlite3(&data.join("receiver.db"), &command);
    assert_eq!(post(&receiver, &["lost"]).await, ["200 stored"]);
    receiver.terminate();
    assert!(receiver.wait().success());

    for suffix in ["-wal", "-shm"] {
        fs::remove_file(data.join(format!("receiver.db{suffix}"))).ok();
    }
    fs::rename(&copy, data.join("receiver.db")).expect("putting the copy in place");
    let mut connection = SqliteConnection::connect(&setup.database_url())
        .await
        .expect("connecting");
    sqlx::raw_sql(sqlx::AssertSqlSafe(leave_ids_out("update sqlite_sequence")))
        .execute(&mut connection)
        .await
        .expect("leaving ids out");
    connection.close().await.expect("closing");

    let receiver = setup.start();
    assert_eq!(
        post(&receiver, &["a", "lost"]).await,
        ["200 duplicate", "200 stored"]
    );
    let ledger = Ledger::of(&setup).await;
    assert!(ledger.number("select max(id) from events").await > 1_000_000);
    let typed = "select count(*) from actions";
    until(async || (ledger.number(typed).await == 3).then_some(())).await;
    audit(&setup);
}

#[tokio::test]
async fn a_copy_of_a_spool_is_taken_in_once_and_again() {
    let setup = Setup::postgres().await;
    let receiver = setup.start();
    let outage = Outage::of(&setup);
    outage.begin().await;
    assert_eq!(post(&receiver, &["a", "b"]).await, ["200 spooled"; 2]);
    let taken_in = setup.folder().join("taken-in");
    fs::create_dir(&taken_in).expect("a folder");
    let copy = format!(".backup '{}'", taken_in.join("spool.db").display());
    sqlite3(&setup.folder().join("data/spool/spool.db"), &copy);
    outage.end().await;
    assert_eq!(stored(&setup, 2).await, ["a", "b"]);
    let drained = setup
        .command()
        .args(["drain", "--json", "--spool", "taken-in"])
        .output()
        .expect("running drain");
    let said = String::from_utf8(drained.stdout).expect("text");
    assert!(said.contains("\"moved\": 2"), "{said}");
    assert_eq!(stored(&setup, 2).await, ["a", "b"]);
}
