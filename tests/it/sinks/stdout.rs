//! `kind = "stdout"`: what `serve` writes there, and what becomes of it when nobody reads.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use serde_json::Value;

use crate::{
    ledger::Ledger,
    support::{SIGNATURE, Setup, action, client, sign, until},
};

/// A receiver whose standard output is read until it has told of some events. Killed when dropped.
struct Serving {
    process: Child,
    url: String,
    ids: Arc<Mutex<BTreeSet<String>>>,
    reader: JoinHandle<()>,
}

impl Serving {
    fn start(setup: &Setup, until: usize) -> Self {
        let mut process = setup
            .command()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starting the receiver");
        let mut log = BufReader::new(process.stderr.take().expect("a log"))
            .lines()
            .map_while(Result::ok);
        let address = log.by_ref().find_map(|line| {
            let line: Value = serde_json::from_str(&line).ok()?;
            Some(line["address.public"].as_str()?.to_owned())
        });
        // Read on, so that writing the log never waits.
        std::thread::spawn(move || log.for_each(drop));
        let ids = Arc::default();
        let output = process.stdout.take().expect("an output");
        let reader = std::thread::spawn({
            let ids = Arc::clone(&ids);
            move || read(output, until, &ids)
        });
        Self {
            process,
            url: format!("http://{}/webhooks/huntr", address.expect("an address")),
            ids,
            reader,
        }
    }

    async fn post(&self, id: &str) {
        let body = action(id);
        let request = client()
            .post(&self.url)
            .header(SIGNATURE, sign(body.as_bytes()))
            .body(body);
        assert_eq!(request.send().await.expect("an answer").status(), 200);
    }

    fn ids(&self) -> BTreeSet<String> {
        self.ids.lock().expect("the ids").clone()
    }
}

/// Closes the output once it has told of so many events.
fn read(output: ChildStdout, until: usize, ids: &Mutex<BTreeSet<String>>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        let mut ids = ids.lock().expect("the ids");
        ids.insert(event["id"].as_str().unwrap_or(&line).to_owned());
        if ids.len() == until {
            return;
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[tokio::test]
async fn every_event_is_a_line_on_standard_output() {
    let setup = Setup::sqlite().config(
        r#"
        [sinks.out]
        kind = "stdout"
        retry = { initial = "50ms", max = "500ms" }
        "#,
    );
    let serving = Serving::start(&setup, 30);
    for id in 0..30 {
        serving.post(&format!("e{id}")).await;
    }
    // Its end has closed the output.
    let ids = until(async || serving.reader.is_finished().then(|| serving.ids())).await;
    assert_eq!(ids, (0..30).map(|id| format!("e{id}")).collect());

    // Nobody reads any more.
    serving.post("e30").await;
    let ledger = Ledger::of(&setup).await;
    until(async || {
        let waiting = "select count(*) from deliveries where state = 'pending' and last_error like 'standard output%'";
        (ledger.number(waiting).await == 1).then_some(())
    })
    .await;
    assert_eq!(
        ledger
            .number("select count(*) from deliveries where state = 'delivered'")
            .await,
        30
    );
}
