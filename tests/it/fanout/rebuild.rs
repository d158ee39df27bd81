//! `rebuild`, next to a receiver that runs: the tables say the same afterwards, and never nothing meanwhile.

use std::{
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
};

use super::{
    Database, all_delivered,
    by_hand::run,
    ids, none_left, on_both_stores, post_all,
    typed::{TABLES, contents, post_samples},
};
use crate::support::{Running, Setup, action, until};

on_both_stores!(
    the_tables_are_the_same_again,
    what_was_tampered_with_is_mended,
    views_see_the_new_tables,
    readers_never_see_empty_tables,
    rows_of_removed_events_stay,
    what_is_posted_meanwhile_is_there,
    what_was_killed_goes_on_where_it_was,
    only_one_runs_at_a_time,
);

async fn filled(setup: &Setup) -> (Running, Database) {
    let receiver = setup.start();
    let mut database = Database::of(setup).await;
    post_samples(setup, &receiver, &mut database).await;
    (receiver, database)
}

async fn the_tables_are_the_same_again(setup: Setup) {
    let setup = setup.with_tables();
    let (_receiver, mut database) = filled(&setup).await;
    let before = contents(&mut database).await;
    for table in TABLES {
        assert!(!before[table].is_empty(), "no sample speaks of {table}");
    }
    let report = run(&setup, &["rebuild"]);
    let events = database.number("select count(*) from events").await;
    assert_eq!(
        (report["events"].as_i64(), &report["resumed"]),
        (Some(events), &false.into())
    );
    assert_eq!(contents(&mut database).await, before);
    // And a second time, from the tables that the first has made.
    run(&setup, &["rebuild"]);
    assert_eq!(contents(&mut database).await, before);
    leaves_nothing(&mut database).await;
}

async fn what_was_tampered_with_is_mended(setup: Setup) {
    let setup = setup.with_tables();
    let (_receiver, mut database) = filled(&setup).await;
    let before = contents(&mut database).await;
    for tampering in [
        "update jobs set title = 'another'",
        "update members set column_versions = null",
        "delete from activities",
        "insert into notes (source, id, text) values ('huntr', 'nobody', 'spoke of it')",
    ] {
        database.execute(tampering).await;
    }
    run(&setup, &["rebuild"]);
    assert_eq!(contents(&mut database).await, before);
}

async fn views_see_the_new_tables(setup: Setup) {
    let setup = setup.with_tables();
    let (receiver, mut database) = filled(&setup).await;
    let view = "create view titles as select jobs.title from jobs join employers on employers.id = employer_id";
    database.execute(view).await;
    database
        .execute("create index jobs_by_title on jobs (title)")
        .await;
    let titles = "select title from titles order by 1";
    let before = database.texts(titles).await;
    for _ in 0..2 {
        run(&setup, &["rebuild"]);
        assert_eq!(database.texts(titles).await, before);
    }
    post_samples(&setup, &receiver, &mut database).await;
    let indexes = if database.is_sqlite() {
        "select name from sqlite_master where type = 'index' and tbl_name = 'jobs' and sql is not null"
    } else {
        "select relname::text from pg_index join pg_class on pg_class.oid = indexrelid \
         where indrelid = 'jobs'::regclass and not indisprimary and indisvalid"
    };
    assert_eq!(
        database.texts(indexes).await,
        ["jobs_deleted", "jobs_by_title"]
    );
}

async fn readers_never_see_empty_tables(setup: Setup) {
    let setup = setup.with_tables();
    let (_receiver, mut database) = filled(&setup).await;
    let full = database.number("select count(*) from actions").await;
    let done = AtomicBool::new(false);
    let rebuilding = async {
        for _ in 0..3 {
            let mut command = setup.command();
            let status = command.arg("rebuild").stdout(Stdio::null()).status();
            let status = tokio::task::spawn_blocking(move || status).await;
            assert!(status.expect("a thread").expect("running it").success());
        }
        done.store(true, Ordering::Relaxed);
    };
    let reading = async {
        let mut reader = Database::of(&setup).await;
        while !done.load(Ordering::Relaxed) {
            assert_eq!(reader.number("select count(*) from actions").await, full);
            let joined = "select count(*) from jobs join members on members.id = owner_member_id";
            assert!(reader.number(joined).await > 0);
        }
    };
    tokio::join!(rebuilding, reading);
}

async fn rows_of_removed_events_stay(setup: Setup) {
    let setup = setup.with_tables();
    let (_receiver, mut database) = filled(&setup).await;
    let before = contents(&mut database).await;
    database
        .execute("delete from events where id % 2 = 0")
        .await;
    let removed = database.number("select (select count(*) from actions) + (select count(*) from hunty_events) - count(*) from events").await;
    let report = run(&setup, &["rebuild"]);
    assert_eq!(report["kept"].as_i64(), Some(removed));
    assert_eq!(contents(&mut database).await, before);
}

async fn what_is_posted_meanwhile_is_there(setup: Setup) {
    let setup = setup.with_tables();
    let (receiver, mut database) = filled(&setup).await;
    let mut rebuild = start(&setup);
    for round in 0..20 {
        post_all(&[&receiver], &ids(&format!("meanwhile-{round}"), 20)).await;
    }
    assert!(
        until(async || rebuild.try_wait().expect("waiting"))
            .await
            .success()
    );
    all_delivered(&mut database).await;
    let missing = "select count(*) from events where provider = 'huntr' and not exists \
                   (select 1 from actions where actions.source = events.source and actions.id = delivery_id)";
    assert_eq!(database.number(missing).await, 0);
    let before = contents(&mut database).await;
    run(&setup, &["rebuild"]);
    assert_eq!(contents(&mut database).await, before);
}

/// However far it was: somebody who is killed leaves what he has committed.
async fn what_was_killed_goes_on_where_it_was(setup: Setup) {
    let setup = setup.with_tables();
    let (receiver, mut database) = filled(&setup).await;
    let before = contents(&mut database).await;
    let mut rebuild = start(&setup);
    let begun = "select count(*) from tables_rebuilds where finished_at is null";
    until(async || (database.number(begun).await == 1).then_some(())).await;
    rebuild.kill().expect("killing it");
    rebuild.wait().expect("its end");
    assert_eq!(contents(&mut database).await, before);

    let answer = receiver.post_signed(action("while-nobody-rebuilds")).await;
    assert_eq!(answer.status, 200);
    none_left(&mut database, "state <> 'delivered'").await;
    let before = contents(&mut database).await;
    let was_begun = database.number(begun).await == 1;
    let report = run(&setup, &["rebuild"]);
    assert_eq!(report["resumed"].as_bool(), Some(was_begun));
    assert_eq!(contents(&mut database).await, before);
    leaves_nothing(&mut database).await;
}

async fn only_one_runs_at_a_time(setup: Setup) {
    let setup = setup.with_tables();
    let (_receiver, mut database) = filled(&setup).await;
    let mut first = start(&setup);
    let begun = "select count(*) from tables_rebuilds";
    until(async || (database.number(begun).await == 1).then_some(())).await;
    let stopped = Command::new("kill")
        .args(["-STOP", &first.id().to_string()])
        .status();
    assert!(stopped.expect("running kill").success());
    let is_running = database
        .number("select count(*) from tables_rebuilds where finished_at is null")
        .await
        == 1;
    if is_running {
        let second = setup.command().arg("rebuild").output().expect("running it");
        let said = String::from_utf8_lossy(&second.stderr);
        assert!(said.contains("already running"), "{said}");
    }
    let goes_on = Command::new("kill")
        .args(["-CONT", &first.id().to_string()])
        .status();
    assert!(goes_on.expect("running kill").success());
    assert!(first.wait().expect("its end").success());
}

fn start(setup: &Setup) -> std::process::Child {
    let mut command = setup.command();
    command
        .arg("rebuild")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().expect("starting it")
}

/// Nothing is left but the tables, and the note that they were made.
async fn leaves_nothing(database: &mut Database) {
    let tables = if database.is_sqlite() {
        "select count(*) from sqlite_master where name like '%\\_rebuild' escape '\\' or name like '%\\_replaced' escape '\\'"
    } else {
        "select count(*) from pg_class where relname like '%\\_rebuild%' and relname not like 'tables\\_%'"
    };
    assert_eq!(database.number(tables).await, 0);
    let noted = "select count(*) from tables_rebuild_events";
    assert_eq!(database.number(noted).await, 0);
    let unfinished = "select count(*) from tables_rebuilds where finished_at is null";
    assert_eq!(database.number(unfinished).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_and_comments_survive_for_an_owner_who_is_no_superuser() {
    let setup = Setup::postgres().await.with_tables();
    let (_receiver, mut database) = filled(&setup).await;
    database
        .execute(
            "do $$ begin create role rebuild_owner login; exception when duplicate_object then null; end $$;
             do $$ begin create role rebuild_reader; exception when duplicate_object then null; end $$;
             grant create, usage on schema public to rebuild_owner;
             do $$ declare t regclass; begin
                 for t in select oid from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
                 loop execute format('alter table %s owner to rebuild_owner', t); end loop;
             end $$;
             grant select on jobs to rebuild_reader;
             grant select on jobs_rows to rebuild_reader;
             comment on table jobs is 'a comment of ours'",
        )
        .await;
    let facts = "select relname || ' ' || pg_get_userbyid(relowner) || ' ' || coalesce(relacl::text, '') || ' ' \
                 || coalesce(obj_description(oid, 'pg_class'), '') \
                 from pg_class where relname in ('jobs', 'jobs_rows', 'jobs_pkey', 'jobs_rows_pkey') order by 1";
    let before = database.texts(facts).await;
    let as_owner = setup.database_url().replace("postgres@", "rebuild_owner@");
    let done = setup
        .command()
        .env("DATABASE_URL", as_owner)
        .arg("rebuild")
        .output()
        .expect("running it");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    assert_eq!(database.texts(facts).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_on_a_partition_is_named_and_the_rest_is_kept() {
    let setup = Setup::postgres().await.with_tables();
    let (_receiver, mut database) = filled(&setup).await;
    let settings =
        "select array_to_string(reloptions, ' ') from pg_class where relname = 'jobs_rows'";
    database
        .execute("alter table jobs_rows set (autovacuum_vacuum_scale_factor = 0.01)")
        .await;
    for (make, remove, named) in [
        (
            "create view of_a_partition as select * from jobs_rows",
            "drop view of_a_partition",
            "view of_a_partition depends on table jobs_rows",
        ),
        (
            "create table watched (source text, job text, foreign key (source, job) references jobs (source, id));
             insert into watched select source, id from jobs limit 1",
            "drop table watched",
            "violates foreign key constraint",
        ),
    ] {
        database.execute(make).await;
        let output = setup.command().arg("rebuild").output().expect("running it");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(named), "{said}");
        database.execute(remove).await;
        let status = setup.command().arg("rebuild").status().expect("running it");
        assert!(status.success());
        assert_eq!(
            database.texts(settings).await,
            ["autovacuum_vacuum_scale_factor=0.01"]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_many_seconds_holds_up_nobody_but_the_exchange() {
    let setup = Setup::postgres().await.with_tables();
    let (receiver, mut database) = filled(&setup).await;
    let mut reader = Database::of(&setup).await;
    reader.execute("begin; select count(*) from members").await;
    let mut rebuild = start(&setup);
    let filled = "select count(*) from tables_rebuilds where events > 0";
    until(async || (database.number(filled).await == 1).then_some(())).await;
    post_all(&[&receiver], &ids("event", 100)).await;
    all_delivered(&mut database).await;
    assert!(
        database
            .number("select count(*) from members join jobs on owner_member_id = members.id")
            .await
            > 0
    );
    assert_eq!(rebuild.try_wait().expect("waiting"), None);
    reader.execute("commit").await;
    assert!(rebuild.wait().expect("its end").success());
}
