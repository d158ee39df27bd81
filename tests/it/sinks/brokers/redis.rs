//! A Redis server.

use std::collections::HashMap;

use redis::{FromRedisValue, aio::MultiplexedConnection};
use tempfile::TempDir;

use super::process::{Process, free_port, listening};

/// A server that writes each command to its disk before it answers. Killed when dropped.
pub(crate) struct Redis {
    port: u16,
    options: Vec<String>,
    process: Option<Process>,
    dir: TempDir,
}

/// A stream's entry.
pub(crate) type Entry = HashMap<String, Vec<u8>>;

impl Redis {
    /// With these options as on its command line.
    pub(crate) async fn start(options: &[&str]) -> Self {
        let mut redis = Self {
            dir: tempfile::tempdir().expect("a temporary folder"),
            port: free_port(),
            options: options.iter().map(ToString::to_string).collect(),
            process: None,
        };
        redis.start_again().await;
        redis
    }

    /// On the same port, with the data it had.
    pub(crate) async fn start_again(&mut self) {
        let port = self.port.to_string();
        let mut args = vec!["--bind", "127.0.0.1", "--port", &port, "--save", ""];
        args.extend(["--appendonly", "yes", "--appendfsync", "always"]);
        args.extend(self.options.iter().map(String::as_str));
        self.process = Some(Process::start(self.dir.path(), "redis-server", &args, &[]));
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
        format!("redis://{}", self.address())
    }

    /// A reference to a file with this in it.
    pub(crate) fn secret(&self, name: &str, text: &str) -> String {
        let file = self.dir.path().join(name);
        std::fs::write(&file, text).expect("writing the secret");
        format!("file:{}", file.display())
    }

    pub(crate) async fn run<T: FromRedisValue>(&self, command: &str) -> T {
        let mut words = command.split(' ');
        let mut command = redis::cmd(words.next().expect("a command"));
        for word in words {
            command.arg(word);
        }
        command
            .query_async(&mut self.connection().await)
            .await
            .expect("a reply")
    }

    /// All entries of the stream `events`.
    pub(crate) async fn entries(&self) -> Vec<Entry> {
        let entries: Vec<(String, Entry)> = self.run("XRANGE events - +").await;
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    /// The ids of the events in the stream.
    pub(crate) async fn ids(&self) -> Vec<String> {
        let entries = self.entries().await;
        entries.iter().map(|entry| text(entry, "id")).collect()
    }

    async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url()).expect("a client");
        client
            .get_multiplexed_async_connection()
            .await
            .expect("connecting")
    }
}

pub(crate) fn text(entry: &Entry, field: &str) -> String {
    let value = entry.get(field).expect("the field");
    String::from_utf8(value.clone()).expect("text")
}
