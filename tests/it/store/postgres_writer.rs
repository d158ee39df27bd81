//! The connection that events are written through to a server: synchronous, and given up before it is waited for.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use huntr_receiver::store::{EventFilter, EventStore, StoreError, postgres::PostgresStore};
use sqlx::{Connection, PgConnection};
use url::Url;

use super::samples::event;
use crate::postgres::{COMMIT_TIMEOUT, connect, execute, fresh_database, on_every_connection};

/// Notes in `noted` what is set while an event is inserted; then runs the statement.
async fn note_synchronous_commit(url: &str, then: &str) {
    let note = format!(
        "create table noted (setting text);
         create function note() returns trigger language plpgsql as $$ begin
           insert into noted select current_setting('synchronous_commit');
           {then}
           return new; end $$;
         create trigger note before insert on events for each row execute function note()"
    );
    execute(url, &note).await;
}

async fn strings(url: &str, sql: &'static str) -> Vec<String> {
    let mut connection = PgConnection::connect(url).await.expect("connected");
    let strings = sqlx::query_scalar(sql).fetch_all(&mut connection).await;
    strings.expect("read")
}

#[tokio::test]
async fn commits_are_synchronous_whatever_the_default() {
    for (default, expected) in [("off", "on"), ("remote_apply", "remote_apply")] {
        let url = fresh_database().await;
        let setting = format!("synchronous_commit = {default}");
        execute(&url, &on_every_connection(&setting)).await;
        note_synchronous_commit(&url, "").await;
        let store = connect(&url).await;
        store.insert_events(&[event("a")]).await.expect("stored");

        assert_eq!(strings(&url, "show synchronous_commit").await, [default]);
        assert_eq!(strings(&url, "select setting from noted").await, [expected]);
    }
}

/// As when the next transaction runs in another session of a pooler's.
#[tokio::test]
async fn commits_are_synchronous_whatever_becomes_of_the_session() {
    let url = fresh_database().await;
    let reset = "set session synchronous_commit = off;";
    note_synchronous_commit(&url, reset).await;
    let store = connect(&url).await;
    for id in ["a", "b", "c"] {
        store.insert_events(&[event(id)]).await.expect("stored");
    }
    assert_eq!(strings(&url, "select setting from noted").await, ["on"; 3]);
}

#[tokio::test]
async fn a_broken_connection_is_replaced_before_anything_is_sent() {
    let url = fresh_database().await;
    let store = connect(&url).await;
    store.insert_events(&[event("a")]).await.expect("stored");
    let cut = "select pg_terminate_backend(pid, 10000) from pg_stat_activity
               where datname = current_database() and application_name = 'huntr-receiver'";
    for id in ["b", "c"] {
        execute(&url, cut).await;
        store
            .insert_events(&[event(id)])
            .await
            .expect("stored on a new connection");
        let filter = EventFilter {
            limit: 10,
            ..EventFilter::default()
        };
        store
            .list_events(&filter)
            .await
            .expect("listed on a new connection");
    }
}

/// As after a migration by a newer replica.
#[tokio::test]
async fn a_connection_whose_statements_are_out_of_date_is_replaced() {
    let url = fresh_database().await;
    let store = connect(&url).await;
    store.insert_events(&[event("a")]).await.expect("stored");
    let migration = "alter table events alter column delivery_id type varchar collate \"C\"";
    execute(&url, migration).await;
    let stale = store.insert_events(&[event("b")]).await;
    assert!(
        matches!(stale, Err(StoreError::Unavailable(_))),
        "{stale:?}"
    );
    store.insert_events(&[event("b")]).await.expect("stored");
}

#[tokio::test]
async fn a_connection_that_hangs_is_replaced_before_anything_is_sent() {
    let link = Link::to(&fresh_database().await);
    let store = PostgresStore::connect(&link.url.as_str().into(), Duration::from_secs(2))
        .await
        .expect("connected");
    store.insert_events(&[event("a")]).await.expect("stored");
    link.cut();
    let batch = [event("b")];
    tokio::time::timeout(COMMIT_TIMEOUT, store.insert_events(&batch))
        .await
        .expect("the old connection is not waited for")
        .expect("stored on a new connection");
}

/// A way to the test server that can be cut without anybody being told.
struct Link {
    url: String,
    cuts: Arc<AtomicU32>,
}

impl Link {
    fn to(url: &str) -> Self {
        let mut url = Url::parse(url).expect("a URL");
        let host = url.host_str().expect("a server reached by TCP");
        let server = format!("{host}:{}", url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        url.set_ip_host(address.ip()).expect("a host");
        url.set_port(Some(address.port())).expect("a port");
        let cuts = Arc::<AtomicU32>::default();
        thread::spawn({
            let cuts = Arc::clone(&cuts);
            move || {
                for client in listener.incoming().flatten() {
                    let server = TcpStream::connect(&server).expect("the server");
                    let client_back = client.try_clone().expect("a handle");
                    let server_back = server.try_clone().expect("a handle");
                    for (from, to) in [(client, server), (server_back, client_back)] {
                        let (cuts, made_after) = (Arc::clone(&cuts), cuts.load(Ordering::SeqCst));
                        thread::spawn(move || pass_on(from, to, &cuts, made_after));
                    }
                }
            }
        });
        Self {
            url: url.into(),
            cuts,
        }
    }

    /// From now on what is sent on a connection made before is lost; new connections are not.
    fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, cuts: &AtomicU32, made_after: u32) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let is_cut = cuts.load(Ordering::SeqCst) > made_after;
        if !is_cut && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Both).ok();
}
