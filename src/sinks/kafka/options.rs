//! The options of `kafka`, and the client that they make.

use std::{fs, path::PathBuf, sync::Mutex, time::Duration};

use bytesize::ByteSize;
use rdkafka::{ClientConfig, config::RDKafkaLogLevel};
use serde::Deserialize;

use super::{Common, Format, Kafka, Listener, SinkError};
use crate::secret::Secret;

/// What goes into one request for a partition. A larger message goes alone.
pub(super) const BATCH_SIZE: usize = 64 * 1024;
/// What may wait in the client for the brokers.
const MAX_WAITING_KBYTES: &str = "65536";
/// The longest name a topic can have.
const LONGEST_TOPIC: usize = 249;
/// As short and as long as the client can be told to try.
const LEAST_PATIENCE: Duration = Duration::from_millis(100);
const MOST_PATIENCE: Duration = Duration::from_hours(1);
/// What the client can be told.
const LARGEST_MESSAGE: ByteSize = ByteSize::b(1_000_000_000);

/// `[sinks.<name>]` with this kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sinks) struct Config {
    /// Where to find the cluster: `host:port`, more than one in case one is down.
    brokers: Vec<String>,
    /// Where the records go.
    topic: String,
    /// Whether the brokers speak TLS.
    #[serde(default)]
    tls: bool,
    /// Who has signed the brokers' certificates, in PEM; else those that the system trusts.
    ca_file: Option<PathBuf>,
    /// Who we are, by SASL.
    username: Option<String>,
    /// The proof.
    password: Option<Secret>,
    /// How it is given.
    sasl_mechanism: Option<SaslMechanism>,
    /// How batches are compressed.
    #[serde(default)]
    compression: Compression,
    /// What the topic's `max.message.bytes` is. What is larger is given up at once.
    #[serde(default = "one_megabyte")]
    max_message_size: ByteSize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
enum SaslMechanism {
    #[default]
    #[serde(rename = "PLAIN")]
    Plain,
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

impl SaslMechanism {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Compression {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
}

impl Compression {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
        }
    }
}

impl Config {
    pub(in crate::sinks) fn problems(&self, _common: &Common) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut note = |key: &str, why: String| problems.push((key.to_owned(), why));
        if self.brokers.is_empty() {
            note(
                "brokers",
                "is empty; name at least one, as \"host:port\"".into(),
            );
        }
        if !self.brokers.iter().all(|broker| is_host_and_port(broker)) {
            note("brokers", "must each be written as \"host:port\"".into());
        }
        if !is_topic(&self.topic) {
            note(
                "topic",
                "must be 1 to 249 letters, digits, dots, underscores and hyphens".into(),
            );
        }
        if let Some(path) = &self.ca_file {
            if !self.tls {
                note("ca_file", "is only used with tls = true".into());
            } else if let Err(error) = fs::File::open(path) {
                note(
                    "ca_file",
                    format!("{} cannot be read: {error}", path.display()),
                );
            }
        }
        match (&self.username, &self.password) {
            (Some(_), None) => note("password", "is missing, and username needs it".into()),
            (None, Some(_)) => note("username", "is missing, and password needs it".into()),
            (None, None) if self.sasl_mechanism.is_some() => {
                note("username", "is missing, and sasl_mechanism needs it".into());
            }
            (Some(_), Some(_)) if !self.tls && self.mechanism() == SaslMechanism::Plain => note(
                "sasl_mechanism",
                "PLAIN would send the password in the clear; set tls = true, or use \"SCRAM-SHA-512\"".into(),
            ),
            _ => {}
        }
        if !(ByteSize::kb(1)..=LARGEST_MESSAGE).contains(&self.max_message_size) {
            note("max_message_size", "must be from 1 kB to 1 GB".into());
        }
        problems
    }

    #[expect(clippy::unused_self, reason = "one shape for all kinds")]
    pub(in crate::sinks) fn format(&self, common: &Common) -> Format {
        common.format()
    }

    #[expect(clippy::unnecessary_wraps, reason = "one shape for all kinds")]
    pub(in crate::sinks) fn build(&self, common: &Common) -> Result<Kafka, SinkError> {
        let patience = patience(common.timeout);
        Ok(Kafka {
            client: self.client(patience),
            brokers: self.brokers.join(", "),
            topic: self.topic.clone(),
            patience,
            listener: Listener::default(),
            producer: Mutex::default(),
        })
    }

    fn client(&self, patience: Duration) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set_log_level(RDKafkaLogLevel::Info)
            .set("bootstrap.servers", self.brokers.join(","))
            .set("client.id", "huntr-receiver")
            // Confirmed by every replica in sync, and written once even when the client has to send twice.
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", patience.as_millis().to_string())
            // A topic that is not there is told before the message times out.
            .set(
                "topic.metadata.propagation.max.ms",
                (patience / 2).as_millis().to_string(),
            )
            .set(
                "message.max.bytes",
                self.max_message_size.as_u64().to_string(),
            )
            .set("batch.size", BATCH_SIZE.to_string())
            .set("queue.buffering.max.kbytes", MAX_WAITING_KBYTES)
            .set("compression.type", self.compression.as_str())
            // What Kafka's own client does, so that all producers agree where a key belongs.
            .set("partitioner", "murmur2_random")
            .set("reconnect.backoff.max.ms", "2000")
            .set("socket.keepalive.enable", "true")
            .set("security.protocol", self.protocol());
        if self.tls {
            let ca = self.ca_file.as_ref().map(|path| path.display().to_string());
            client.set("ssl.ca.location", ca.as_deref().unwrap_or("probe"));
        }
        if let (Some(username), Some(password)) = (&self.username, &self.password) {
            client
                .set("sasl.mechanism", self.mechanism().as_str())
                .set("sasl.username", username)
                .set("sasl.password", String::from_utf8_lossy(password.expose()));
        }
        client
    }

    fn mechanism(&self) -> SaslMechanism {
        self.sasl_mechanism.unwrap_or_default()
    }

    fn protocol(&self) -> &'static str {
        match (self.tls, self.username.is_some()) {
            (false, false) => "plaintext",
            (false, true) => "sasl_plaintext",
            (true, false) => "ssl",
            (true, true) => "sasl_ssl",
        }
    }
}

/// The client gives up before its caller does, so that the caller hears why.
fn patience(timeout: Duration) -> Duration {
    (timeout / 5 * 4).clamp(LEAST_PATIENCE, MOST_PATIENCE)
}

fn is_host_and_port(broker: &str) -> bool {
    let Some((host, port)) = broker.rsplit_once(':') else {
        return false;
    };
    let is_other = |c: char| c.is_whitespace() || ",/@".contains(c);
    !host.is_empty() && !host.contains(is_other) && port.parse::<u16>().is_ok_and(|port| port != 0)
}

fn is_topic(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=LONGEST_TOPIC).contains(&name.len())
        && name.bytes().all(is_known)
        && name != "."
        && name != ".."
}

fn one_megabyte() -> ByteSize {
    ByteSize::mb(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use figment::{
        Figment,
        providers::{Format as _, Toml},
        value::Value,
    };
    use rdkafka::producer::BaseProducer;

    use super::{Config, patience};
    use crate::sinks;

    const CLUSTER: &str = "brokers = ['localhost:9092']\ntopic = 'events'\n";

    fn options(toml: &str) -> Value {
        Figment::from(Toml::string(toml))
            .extract()
            .expect("a table")
    }

    #[test]
    fn what_cannot_work_is_told_by_its_key() {
        let keys = |toml: &str| -> Vec<String> {
            let config = sinks::Config::read("kafka", &options(toml)).expect("options");
            config.problems().into_iter().map(|(key, _)| key).collect()
        };
        assert_eq!(keys(CLUSTER), [""; 0]);
        assert_eq!(keys("brokers = []\ntopic = 'a b'"), ["brokers", "topic"]);
        for broker in [
            "localhost",
            "a:0",
            ":9092",
            "a,b:1",
            "kafka://a:1",
            "me@a:1",
        ] {
            assert_eq!(
                keys(&format!("brokers = ['{broker}']\ntopic = 'events'")),
                ["brokers"]
            );
        }
        for (more, key) in [
            ("username = 'me'", "password"),
            ("password = 'env:PATH'", "username"),
            ("sasl_mechanism = 'PLAIN'", "username"),
            ("username = 'me'\npassword = 'env:PATH'", "sasl_mechanism"),
            ("ca_file = '/no/such/file'", "ca_file"),
            ("ca_file = '/no/such/file'\ntls = true", "ca_file"),
            ("max_message_size = 10", "max_message_size"),
        ] {
            assert_eq!(keys(&format!("{CLUSTER}{more}")), [key], "{more}");
        }
    }

    #[test]
    fn the_client_knows_every_option() {
        for more in [
            "compression = 'gzip'",
            "compression = 'snappy'",
            "compression = 'lz4'",
            "tls = true",
            "tls = true\nusername = 'me'\npassword = 'env:PATH'",
            "username = 'me'\npassword = 'env:PATH'\nsasl_mechanism = 'SCRAM-SHA-256'",
            "username = 'me'\npassword = 'env:PATH'\nsasl_mechanism = 'SCRAM-SHA-512'",
        ] {
            let options = options(&format!("{CLUSTER}{more}"));
            let config: Config = options.deserialize().expect("options");
            for timeout in [Duration::from_nanos(1), Duration::MAX] {
                let made: Result<BaseProducer, _> = config.client(patience(timeout)).create();
                assert!(made.is_ok(), "{more}: {:?}", made.err());
            }
        }
    }
}
