//! How a spool is emptied when its receiver stops, or is gone.

use serde_json::{Value, json};

use super::{Outage, post, stored};
use crate::{
    ledger::Ledger,
    support::{Setup, action},
};

fn drain(setup: &Setup, folder: &str) -> (i32, Value, String) {
    let mut command = setup.command();
    command.args(["drain", "--json", "--spool", folder]);
    let output = command.output().expect("running drain");
    (
        output.status.code().expect("an exit code"),
        serde_json::from_slice(&output.stdout).unwrap_or_default(),
        String::from_utf8(output.stderr).expect("text"),
    )
}

#[tokio::test]
async fn a_receiver_that_stops_empties_its_spool_if_it_can() {
    let setup = Setup::postgres().await;
    let mut receiver = setup.start();
    let outage = Outage::of(&setup);
    outage.begin().await;
    let posts = (0..300).map(|number| {
        let receiver = &receiver;
        async move {
            receiver
                .post_signed(action(&number.to_string()))
                .await
                .status
        }
    });
    let statuses = futures_util::future::join_all(posts).await;
    assert_eq!(statuses, [200; 300]);
    outage.end().await;
    receiver.terminate();
    assert!(receiver.wait().success());
    assert_eq!(Ledger::of(&setup).await.events().await.len(), 300);
    assert_eq!(
        drain(&setup, "data/spool"),
        (0, json!({"moved": 0, "refused": 0}), String::new())
    );
}

#[tokio::test]
async fn the_spool_of_a_receiver_that_is_gone_is_taken_in_once() {
    let setup = Setup::postgres().await;
    let mut receiver = setup.start();
    let outage = Outage::of(&setup);
    outage.begin().await;
    assert_eq!(post(&receiver, &["a", "b"]).await, ["200 spooled"; 2]);
    receiver.terminate();
    assert!(receiver.wait().success());
    let (code, _, said) = drain(&setup, "data/spool");
    assert_eq!(code, 1, "{said}");
    outage.end().await;
    let moved = |count| (0, json!({"moved": count, "refused": 0}), String::new());
    assert_eq!(drain(&setup, "data/spool"), moved(2));
    assert_eq!(drain(&setup, "data/spool"), moved(0));
    assert_eq!(stored(&setup, 2).await, ["a", "b"]);
    // Their deliveries are made by whoever serves.
    let pending = "select count(*) from deliveries where state = 'pending'";
    assert_eq!(Ledger::of(&setup).await.number(pending).await, 0);
}

#[tokio::test]
async fn a_folder_without_a_spool_is_told() {
    let setup = Setup::postgres().await;
    let (code, _, said) = drain(&setup, "nowhere");
    assert_eq!(code, 1);
    assert!(
        said.contains("the spool in nowhere (spool.dir) cannot be used"),
        "{said}"
    );
    assert!(!setup.folder().join("nowhere").exists());
}

#[tokio::test]
async fn the_spool_of_a_receiver_that_runs_is_left_to_it() {
    let setup = Setup::postgres().await;
    let _receiver = setup.start();
    let (code, _, said) = drain(&setup, "data/spool");
    assert_eq!(code, 1);
    assert!(
        said.contains("is in use by another `huntr-receiver`"),
        "{said}"
    );
}
