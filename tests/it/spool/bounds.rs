//! A spool that is full, damaged, or not there.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{Outage, post, stored};
use crate::{
    faults::{disk::Disk, tell},
    ledger::Ledger,
    postgres::execute,
    support::{Setup, action, until},
};

#[tokio::test]
async fn a_full_spool_refuses_and_has_kept_what_it_took() {
    let setup = Setup::postgres()
        .await
        .config("[spool]\nmax_size = \"1 MiB\"\n");
    let receiver = setup.start();
    let outage = Outage::of(&setup);
    outage.begin().await;
    let mut taken = Vec::new();
    let refused = loop {
        let id = format!("{:02}", taken.len());
        let filling = "x".repeat(100 * 1024);
        let body = action(&id).replace("JOB_CREATED", &filling);
        let answer = receiver.post_signed(body).await;
        if answer.status != 200 {
            break answer;
        }
        assert_eq!(answer.said(), "spooled");
        taken.push(id);
    };
    assert!((7..=10).contains(&taken.len()), "{}", taken.len());
    assert_eq!((refused.status, refused.said()), (503, "unavailable"));
    assert!(refused.headers.contains_key("retry-after"));
    let ready = receiver.get("/ready").await;
    assert_eq!((ready.status, ready.said()), (503, "unavailable"));

    outage.end().await;
    assert_eq!(stored(&setup, taken.len()).await, taken);
    until(async || (receiver.get("/ready").await.status == 200).then_some(())).await;
    assert_eq!(post(&receiver, &["after"]).await, ["200 stored"]);
    // The disk gets back what the spool does not need any more.
    let file = setup.folder().join("data/spool/spool.db");
    until(async || (fs::metadata(&file).ok()?.len() < 200 * 1024).then_some(())).await;
}

#[tokio::test]
async fn a_damaged_spool_is_put_aside_for_a_new_one() {
    let setup = Setup::postgres().await;
    let folder = setup.folder().join("data/spool");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("spool.db"), "no database".repeat(100)).expect("a damaged spool");
    let receiver = setup.start();
    receiver
        .logged("the spool is damaged and was put aside")
        .await;
    let outage = Outage::of(&setup);
    outage.begin().await;
    assert_eq!(post(&receiver, &["a"]).await, ["200 spooled"]);
    outage.end().await;
    assert_eq!(stored(&setup, 1).await, ["a"]);
    let names = fs::read_dir(&folder).expect("the folder");
    let aside = names
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.display().to_string().contains(".damaged-"))
        .expect("the damaged spool");
    assert!(
        fs::read_to_string(aside)
            .expect("text")
            .starts_with("no database")
    );
}

#[tokio::test]
async fn a_spool_that_cannot_be_used_stops_no_receiver_and_is_used_once_it_can() {
    let setup = Setup::postgres().await;
    let folder = setup.folder().join("data");
    fs::write(&folder, "a file in its place").expect("a file");
    let receiver = setup.start();
    receiver.logged("the spool cannot be used").await;
    assert_eq!(post(&receiver, &["a"]).await, ["200 stored"]);
    let outage = Outage::of(&setup);
    outage.begin().await;
    assert_eq!(post(&receiver, &["b"]).await, ["503 unavailable"]);
    fs::remove_file(&folder).expect("removing the file");
    assert_eq!(post(&receiver, &["b"]).await, ["200 spooled"]);
    // Whoever tidies up too much loses what was in there, and no more.
    outage.end().await;
    assert_eq!(stored(&setup, 2).await, ["a", "b"]);
}

/// A commit takes 20 ms, whatever is in it, and there is no spool to turn to.
#[tokio::test]
async fn what_would_wait_too_long_is_refused_at_once() {
    let setup = Setup::postgres()
        .await
        .config("[intake]\nmax_batch = 1\n[database]\ncommit_timeout = \"2s\"\n");
    fs::write(setup.folder().join("data"), "no folder").expect("a file");
    let slow = "create function slow() returns trigger language plpgsql as \
                $$ begin perform pg_sleep(0.02); return null; end $$; \
                create trigger slow after insert on events for each statement execute function slow()";
    execute(&setup.database_url(), slow).await;
    let receiver = setup.start();
    // From these it learns how long it takes.
    let ids: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(post(&receiver, &ids).await, ["200 stored"; 20]);

    // Those who are let in wait for a second. Nobody else waits, so nobody is given up who was let in.
    let order = AtomicUsize::new(0);
    let posts = (0..600).map(|number| {
        let (receiver, order) = (&receiver, &order);
        async move {
            let answer = receiver
                .post_signed(action(&format!("burst {number}")))
                .await;
            (answer.status, order.fetch_add(1, Ordering::Relaxed))
        }
    });
    let answers = futures_util::future::join_all(posts).await;
    let places = |status| {
        let of = answers.iter().filter(move |(said, _)| *said == status);
        of.map(|(_, place)| *place).collect::<Vec<_>>()
    };
    let (taken, refused) = (places(200), places(503));
    assert_eq!(taken.len() + refused.len(), 600);
    assert!(!taken.is_empty() && refused.len() > 300, "{}", taken.len());
    assert!(refused.iter().max() < taken.iter().max(), "refused at once");
    let ledger = Ledger::of(&setup).await;
    assert_eq!(ledger.events().await.len(), 20 + taken.len());
}

/// What takes deliveries out of the spool writes, too, and its disk has no room left.
#[tokio::test]
async fn a_spool_on_a_full_disk_is_emptied_all_the_same() {
    let Some(disk) = Disk::of(6) else {
        tell("a spool on a full disk: skipped, only root may mount a small disk");
        return;
    };
    let folder = disk.folder().join("spool");
    let setup = Setup::postgres()
        .await
        .config(&format!("[spool]\ndir = \"{}\"\n", folder.display()));
    let receiver = setup.start();
    let outage = Outage::of(&setup);
    outage.begin().await;
    let mut taken = 0;
    loop {
        let filling = "x".repeat(3000);
        let body = action(&taken.to_string()).replace("JOB_CREATED", &filling);
        if receiver.post_signed(body).await.status != 200 {
            break;
        }
        taken += 1;
    }
    assert!(taken > 100, "{taken}");
    receiver.logged("its disk is full").await;
    outage.end().await;
    assert_eq!(stored(&setup, taken).await.len(), taken);
    until(async || {
        let left = receiver.metric("huntr_receiver_spool_events").await;
        (left < 1.0).then_some(())
    })
    .await;
    assert_eq!(post(&receiver, &["after"]).await, ["200 stored"]);
}

#[tokio::test]
async fn what_stands_before_a_damage_is_saved_and_the_rest_holds_up_nobody() {
    let setup = Setup::postgres().await;
    let mut receiver = setup.start();
    let outage = Outage::of(&setup);
    outage.begin().await;
    let ids: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    for id in &ids {
        let body = action(id).replace("JOB_CREATED", &"x".repeat(3000));
        assert_eq!(receiver.post_signed(body).await.said(), "spooled");
    }
    receiver.terminate();
    assert!(receiver.wait().success());
    let path = setup.folder().join("data/spool/spool.db");
    let mut file = fs::read(&path).expect("the spool");
    let middle = file.len() / 2;
    file[middle..middle + 40_960].fill(0xff);
    fs::write(&path, file).expect("damaging it");

    outage.end().await;
    let receiver = setup.start();
    receiver
        .logged("the spool is damaged and was put aside")
        .await;
    until(async || (receiver.get("/ready").await.json["database"] == "up").then_some(())).await;
    assert_eq!(post(&receiver, &["after"]).await, ["200 stored"]);
    let saved = stored(&setup, 2).await;
    assert!(saved.len() > 20 && saved.len() < 201, "{}", saved.len());
    assert_eq!(saved[..20], ids[..20]);
}
