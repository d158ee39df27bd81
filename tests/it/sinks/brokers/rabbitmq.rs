//! A RabbitMQ broker: one for all tests that leave it alone, and more for those that do not.

use std::{net::Ipv4Addr, time::Duration};

use lapin::{
    Channel, Connection, ConnectionProperties, ExchangeKind,
    message::BasicGetMessage,
    options::{BasicGetOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::{
    identity::Identity,
    process::{Process, free_port},
};

/// What its largest message may have, in bytes.
pub(crate) const LARGEST: usize = 100_000;

/// Longer than it takes to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);

/// A broker. Killed when dropped.
pub(crate) struct Rabbitmq {
    port: u16,
    /// Where the broker looks up its own kind. It would start one by itself, and leave it behind.
    names: u16,
    tls_port: u16,
    pub(crate) identity: Identity,
    distribution: u16,
    /// Nothing is dropped that lives as long as the whole process.
    is_shared: bool,
    processes: Vec<Process>,
    dir: TempDir,
}

/// The one for all tests. It ends with this process.
pub(crate) async fn shared() -> &'static Rabbitmq {
    static SHARED: OnceCell<Rabbitmq> = OnceCell::const_new();
    SHARED.get_or_init(|| Rabbitmq::start(true)).await
}

impl Rabbitmq {
    /// For one test.
    pub(crate) async fn of_its_own() -> Self {
        Self::start(false).await
    }

    async fn start(is_shared: bool) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut rabbitmq = Self {
            is_shared,
            port: free_port(),
            names: free_port(),
            tls_port: free_port(),
            identity: Identity::new(dir.path()),
            dir,
            distribution: free_port(),
            processes: Vec::new(),
        };
        let file = |name: &str, text: &str| std::fs::write(rabbitmq.dir.path().join(name), text);
        let Identity {
            certificate, key, ..
        } = &rabbitmq.identity;
        let config = format!(
            "max_message_size = {LARGEST}\nlisteners.ssl.1 = 127.0.0.1:{}\n\
             ssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\n\
             ssl_options.verify = verify_none\n",
            rabbitmq.tls_port
        );
        file("rabbitmq.conf", &config).expect("writing the configuration");
        file("plugins", "[].").expect("writing the plugins");
        rabbitmq.start_again();
        rabbitmq.ready().await;
        rabbitmq
    }

    /// On the same port, with the data it had. It takes a while until it is ready.
    pub(crate) fn start_again(&mut self) {
        let dir = self.dir.path();
        let path = |name: &str| dir.join(name).display().to_string();
        let [names, port, distribution] =
            [self.names, self.port, self.distribution].map(|port| port.to_string());
        let node = format!("test{port}@localhost");
        let environment = [
            ("HOME", path(".")),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".into()),
            ("ERL_EPMD_PORT", names.clone()),
            ("RABBITMQ_NODENAME", node),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".into()),
            ("RABBITMQ_NODE_PORT", port),
            ("RABBITMQ_DIST_PORT", distribution),
            ("RABBITMQ_MNESIA_BASE", path("mnesia")),
            ("RABBITMQ_LOG_BASE", path("logs")),
            ("RABBITMQ_PID_FILE", path("pid")),
            ("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins")),
            (
                "REMOVE_AFTERWARDS",
                if self.is_shared {
                    path("")
                } else {
                    String::new()
                },
            ),
            (
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1".into(),
            ),
        ];
        let environment: Vec<_> = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        // Debian's own start script would change the user.
        let server = "/usr/lib/rabbitmq/bin/rabbitmq-server";
        self.processes = vec![
            Process::start(
                dir,
                "epmd",
                &["-port", &names, "-address", "127.0.0.1"],
                &[],
            ),
            Process::start(dir, server, &[], &environment),
        ];
    }

    /// Waits until it takes connections.
    pub(crate) async fn ready(&self) {
        let connecting = async {
            while Connection::connect(&self.url(), ConnectionProperties::default())
                .await
                .is_err()
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, connecting)
            .await
            .expect("RabbitMQ starts");
    }

    /// As in a crash.
    pub(crate) fn kill(&mut self) {
        self.processes.clear();
    }

    pub(crate) fn address(&self) -> String {
        format!("{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://{}", self.address())
    }

    pub(crate) fn tls_url(&self) -> String {
        format!("amqps://{}:{}", Ipv4Addr::LOCALHOST, self.tls_port)
    }

    /// A reference to a file with this in it.
    pub(crate) fn secret(&self, name: &str, text: &str) -> String {
        let file = self.dir.path().join(name);
        std::fs::write(&file, text).expect("writing the secret");
        format!("file:{}", file.display())
    }

    async fn channel(&self) -> (Connection, Channel) {
        let connection = Connection::connect(&self.url(), ConnectionProperties::default()).await;
        let connection = connection.expect("connecting");
        let channel = connection.create_channel().await.expect("a channel");
        (connection, channel)
    }

    /// Makes a queue that is still there after a crash.
    pub(crate) async fn make_queue(&self, queue: &str) {
        let (_connection, channel) = self.channel().await;
        let options = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        channel
            .queue_declare(queue.into(), options, FieldTable::default())
            .await
            .expect("declaring the queue");
    }

    pub(crate) async fn make_exchange(&self, exchange: &str) {
        let (_connection, channel) = self.channel().await;
        let options = ExchangeDeclareOptions::default();
        channel
            .exchange_declare(
                exchange.into(),
                ExchangeKind::Direct,
                options,
                FieldTable::default(),
            )
            .await
            .expect("declaring the exchange");
    }

    pub(crate) async fn bind(&self, queue: &str, exchange: &str, routing_key: &str) {
        let (_connection, channel) = self.channel().await;
        let options = QueueBindOptions::default();
        channel
            .queue_bind(
                queue.into(),
                exchange.into(),
                routing_key.into(),
                options,
                FieldTable::default(),
            )
            .await
            .expect("binding the queue");
    }

    /// Takes all messages out of a queue.
    pub(crate) async fn take(&self, queue: &str) -> Vec<BasicGetMessage> {
        let (_connection, channel) = self.channel().await;
        let mut messages = Vec::new();
        let options = BasicGetOptions { no_ack: true };
        while let Some(message) = channel
            .basic_get(queue.into(), options)
            .await
            .expect("an answer")
        {
            messages.push(message);
        }
        messages
    }

    /// Takes all messages out of a queue, and gives their ids.
    pub(crate) async fn take_ids(&self, queue: &str) -> Vec<String> {
        let messages = self.take(queue).await;
        messages.iter().map(id).collect()
    }
}

pub(crate) fn id(message: &BasicGetMessage) -> String {
    let id = message.delivery.properties.message_id();
    id.as_ref().map(ToString::to_string).unwrap_or_default()
}
