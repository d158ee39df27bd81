//! The real binary on free loopback ports, and senders that speak to it as the vendors do.

use std::{
    io::{BufRead, BufReader},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tempfile::TempDir;
use tokio::net::TcpStream;

mod answer;
mod wire;

pub(crate) use answer::Answer;
pub(crate) use wire::{Wire, head};

use crate::postgres;

pub(crate) const SECRET: &str = "the secret of the tests";
pub(crate) const KEY: &str = "the key of the tests";
pub(crate) const SIGNATURE: &str = "x-huntr-hmac-sha256";

/// Longer than anything a test waits for takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How the receiver is started.
pub(crate) struct Setup {
    folder: TempDir,
    database_url: String,
    config: String,
    environment: Vec<(String, String)>,
    listen: SocketAddr,
    /// What starts the binary, with its arguments.
    within: Vec<String>,
}

/// A free port of the loopback.
const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

impl Setup {
    /// On an embedded database that does not exist yet.
    pub(crate) fn sqlite() -> Self {
        Self::on("sqlite:data/receiver.db".into())
    }

    /// On a database of its own with the schema in place.
    pub(crate) async fn postgres() -> Self {
        Self::on(postgres::fresh_database().await)
    }

    /// On a database that the test has made.
    pub(crate) fn on(database_url: String) -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            database_url,
            config: String::new(),
            listen: ANYWHERE,
            environment: vec![
                ("HUNTR_WEBHOOK_SECRET".into(), SECRET.into()),
                ("HUNTY_API_KEY".into(), KEY.into()),
                // Most tests are about something else.
                ("RECEIVER__TABLES__ENABLED".into(), "false".into()),
            ],
            within: Vec::new(),
        }
    }

    /// At this address, however often it is started.
    pub(crate) fn listening_on(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// With these lines in the configuration file.
    pub(crate) fn config(mut self, toml: &str) -> Self {
        self.config.push_str(toml);
        self
    }

    /// With the typed tables, which most tests do without.
    pub(crate) fn with_tables(self) -> Self {
        self.environment("RECEIVER__TABLES__ENABLED", "true")
    }

    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Started by this program, which gives way to it.
    pub(crate) fn within(mut self, program: Vec<&str>) -> Self {
        self.within = program.into_iter().map(ToOwned::to_owned).collect();
        self
    }

    pub(crate) fn database_url(&self) -> String {
        match self.database_url.strip_prefix("sqlite:") {
            Some(path) => format!("sqlite:{}", self.folder.path().join(path).display()),
            None => self.database_url.clone(),
        }
    }

    /// The binary with everything but a command.
    pub(crate) fn command(&self) -> Command {
        let config = self.folder.path().join("receiver.toml");
        std::fs::write(&config, &self.config).expect("writing the configuration");
        let binary = env!("CARGO_BIN_EXE_huntr-receiver");
        let mut words = self.within.iter().map(String::as_str).chain([binary]);
        let mut command = Command::new(words.next().unwrap_or(binary));
        command
            .args(words)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("DATABASE_URL", &self.database_url)
            .current_dir(self.folder.path())
            .arg("--config")
            .arg(config);
        command
    }

    /// Starts the receiver and waits until it receives.
    pub(crate) fn start(&self) -> Running {
        let mut running = self.spawn();
        let Ok((public, admin)) = running.receiving.recv_timeout(PATIENCE) else {
            panic!(
                "the receiver did not start:
{}",
                running.log()
            );
        };
        (running.public, running.admin) = (public, admin);
        running
    }

    /// Starts the receiver, which does not receive yet.
    pub(crate) fn spawn(&self) -> Running {
        let mut process = self
            .command()
            .args(["serve", "--listen", &self.listen.to_string()])
            .args(["--admin-listen", &ANYWHERE.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starting the receiver");
        let log = Arc::new(Mutex::new(String::new()));
        let (sender, receiving) = mpsc::channel();
        let stderr = BufReader::new(process.stderr.take().expect("a piped log"));
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for line in stderr.lines().map_while(Result::ok) {
                    let mut log = log.lock().expect("the log");
                    log.push_str(&line);
                    log.push('\n');
                    drop(log);
                    if let Some(addresses) = addresses(&line) {
                        sender.send(addresses).ok();
                    }
                }
            }
        });
        Running {
            process,
            public: ANYWHERE,
            admin: ANYWHERE,
            receiving,
            client: client(),
            log,
            reader: Some(reader),
        }
    }

    /// The folder it runs in.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().into()
    }
}

fn addresses(line: &str) -> Option<(SocketAddr, SocketAddr)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let address = |key: &str| line[key].as_str()?.parse().ok();
    Some((address("address.public")?, address("address.admin")?))
}

/// A receiver that receives. Killed when dropped.
pub(crate) struct Running {
    process: Child,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    receiving: mpsc::Receiver<(SocketAddr, SocketAddr)>,
    client: reqwest::Client,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.public)
    }

    /// Whether it has come as far as to receive.
    pub(crate) fn receives(&mut self) -> bool {
        if let Ok((public, admin)) = self.receiving.try_recv() {
            (self.public, self.admin) = (public, admin);
        }
        self.admin != ANYWHERE
    }

    /// How it has ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("asking for its end")
    }

    /// The most memory it has had so far, in kB.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim_end_matches("kB").trim().parse().ok()
    }

    /// All it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("the log").clone()
    }

    /// Waits until the log holds `text`.
    pub(crate) async fn logged(&self, text: &str) {
        until(async || self.log().contains(text).then_some(())).await;
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("killing the receiver");
        self.wait();
    }

    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let killed = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status();
        assert!(killed.expect("running kill").success());
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits for its end, and for the end of its log.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = self.process.wait().expect("waiting for the receiver");
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading the log");
        }
        status
    }

    /// Posts a body to a source, with these headers.
    pub(crate) async fn post(
        &self,
        source: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let mut request = self
            .client
            .post(self.url(&format!("/webhooks/{source}")))
            .body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send().await.expect("an answer")).await
    }

    /// Posts a body as Huntr would.
    pub(crate) async fn post_signed(&self, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref().to_vec();
        self.post("huntr", &[(SIGNATURE, &sign(&body))], body).await
    }

    /// Posts an envelope as Hunty would.
    pub(crate) async fn post_with_key(&self, body: &str) -> Answer {
        self.post("hunty", &[("x-auth-api-key", KEY)], body.to_owned())
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(
            self.client
                .get(self.url(path))
                .send()
                .await
                .expect("an answer"),
        )
        .await
    }

    /// The value of a metric, given with its labels as Prometheus writes them.
    pub(crate) async fn metric(&self, metric: &str) -> f64 {
        let url = format!("http://{}/metrics", self.admin);
        let text = self
            .client
            .get(url)
            .send()
            .await
            .expect("metrics")
            .text()
            .await
            .expect("text");
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(metric)?.trim().parse().ok());
        value.unwrap_or(0.0)
    }

    /// A connection to speak HTTP over by hand.
    pub(crate) async fn connect(&self) -> Wire {
        let stream = TcpStream::connect(self.public).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Wire(stream)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Huntr's signature with the tests' secret.
pub(crate) fn sign(body: &[u8]) -> String {
    sign_with(SECRET, body)
}

pub(crate) fn sign_with(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
    BASE64_STANDARD.encode(mac.chain_update(body).finalize().into_bytes())
}

/// An Action with this id.
pub(crate) fn action(id: &str) -> String {
    format!(
        r#"{{"id":"{id}","actionType":"JOB_CREATED","date":1588634675,"createdAt":1588634675}}"#
    )
}

pub(crate) fn client() -> reqwest::Client {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    reqwest::Client::builder()
        .timeout(PATIENCE)
        .build()
        .expect("a client")
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .expect("an answer in time")
}
