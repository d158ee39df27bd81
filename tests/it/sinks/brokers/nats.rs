//! A NATS server with JetStream.

use async_nats::jetstream::{
    self,
    consumer::{DeliverPolicy, pull},
    stream::Config as StreamConfig,
};
use futures_util::StreamExt;
use tempfile::TempDir;

use super::process::{Process, free_port, listening};

/// A server. Killed when dropped.
pub(crate) struct Nats {
    port: u16,
    process: Option<Process>,
    dir: TempDir,
}

impl Nats {
    /// With these lines in its configuration.
    pub(crate) async fn start(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let store = dir.path().join("data");
        let config = format!(
            "host: 127.0.0.1\nport: {port}\njetstream {{ store_dir: '{}' }}\n{config}\n",
            store.display()
        );
        std::fs::write(dir.path().join("nats.conf"), config).expect("writing the configuration");
        let mut nats = Self {
            dir,
            port,
            process: None,
        };
        nats.start_again().await;
        nats
    }

    /// On the same port, with the data it had.
    pub(crate) async fn start_again(&mut self) {
        let config = ["-c", "nats.conf"];
        self.process = Some(Process::start(self.dir.path(), "nats-server", &config, &[]));
        listening(self.port).await;
    }

    /// Stops, so that connections stay open and nobody answers; and goes on.
    pub(crate) fn signal(&self, signal: &str) {
        self.process.as_ref().expect("a process").signal(signal);
    }

    /// As in a crash.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// A reference to a file with this in it.
    pub(crate) fn secret(&self, name: &str, text: &str) -> String {
        let file = self.dir.path().join(name);
        std::fs::write(&file, text).expect("writing the secret");
        format!("file:{}", file.display())
    }

    pub(crate) async fn jetstream(&self) -> jetstream::Context {
        jetstream::new(async_nats::connect(self.url()).await.expect("connecting"))
    }

    /// Makes a stream `EVENTS` for the subject `events.all`.
    pub(crate) async fn make_stream(&self, config: StreamConfig) {
        let config = StreamConfig {
            name: "EVENTS".into(),
            subjects: vec!["events.all".into()],
            ..config
        };
        let made = self.jetstream().await.create_stream(config).await;
        made.expect("making the stream");
    }

    /// All messages in the stream.
    pub(crate) async fn messages(&self) -> Vec<async_nats::Message> {
        let mut stream = self
            .jetstream()
            .await
            .get_stream("EVENTS")
            .await
            .expect("the stream");
        let number = stream.info().await.expect("its state").state.messages;
        let consumer = pull::Config {
            deliver_policy: DeliverPolicy::All,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(consumer).await.expect("a consumer");
        let messages = consumer.messages().await.expect("its messages");
        let number = usize::try_from(number).expect("a number");
        let messages = messages
            .take(number)
            .map(|message| message.expect("a message").message.clone());
        messages.collect().await
    }

    /// The ids of all messages in the stream.
    pub(crate) async fn ids(&self) -> Vec<String> {
        let messages = self.messages().await;
        messages
            .iter()
            .map(|message| header(message, "Nats-Msg-Id"))
            .collect()
    }
}

pub(crate) fn header(message: &async_nats::Message, name: &str) -> String {
    let headers = message.headers.as_ref().expect("headers");
    headers
        .get(name)
        .map(ToString::to_string)
        .unwrap_or_default()
}
