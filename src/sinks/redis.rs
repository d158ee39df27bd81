//! `redis`: adds each event to a stream.

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisError,
    RedisResult, TlsCertificates, aio::MultiplexedConnection,
};
use serde::Deserialize;

use super::{
    Common, Format, Message, Receipt, Sink, SinkError,
    broker::{self, Address, Connected, Lent, Shared},
};
use crate::secret::Secret;

/// `[sinks.<name>]` with this kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The server, with the number of the database as its path.
    url: Address,
    /// Who to be there.
    username: Option<String>,
    password: Option<Secret>,
    /// The key of the stream.
    #[serde(default = "events")]
    stream: String,
    /// About how many entries the stream keeps; all when left out.
    max_length: Option<u64>,
    /// The certificates to trust in place of the system's.
    ca_file: Option<PathBuf>,
}

impl Config {
    pub(super) fn problems(&self, _common: &Common) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut note = |key: &str, why: &str| problems.push((key.to_owned(), why.to_owned()));
        if !self.url.has_scheme(&["redis", "rediss"]) {
            note("url", "must start with redis:// or rediss://");
        } else if self.url.url().as_str().into_connection_info().is_err() {
            note("url", "must be like redis://host:6379/0");
        }
        if self.stream.is_empty() {
            note("stream", "is empty; it is the key of the stream");
        }
        if self.max_length == Some(0) {
            note(
                "max_length",
                "must be more than 0; leave it out to keep every entry",
            );
        }
        if self.username.is_some() && self.password.is_none() {
            note("password", "is missing, and username needs it");
        }
        if self.ca_file.is_some() && self.url.has_scheme(&["redis"]) {
            note("ca_file", "is only used with rediss://");
        }
        problems.extend(broker::problem_with_certificates(self.ca_file.as_deref()));
        problems
    }

    #[expect(clippy::unused_self, reason = "one shape for all kinds")]
    pub(super) fn format(&self, common: &Common) -> Format {
        common.format()
    }

    pub(super) fn build(&self, _common: &Common) -> Result<RedisSink, SinkError> {
        let malformed = |_| SinkError::retry("url: must be like redis://host:6379/0");
        let server = self
            .url
            .url()
            .as_str()
            .into_connection_info()
            .map_err(malformed)?;
        Ok(RedisSink {
            config: self.clone(),
            client: self.client(server)?,
            shared: Shared::default(),
        })
    }

    fn client(&self, server: ConnectionInfo) -> Result<Client, SinkError> {
        let mut login = server.redis_settings().clone();
        if let Some(username) = &self.username {
            login = login.set_username(username);
        }
        if let Some(password) = &self.password {
            login = login.set_password(String::from_utf8_lossy(password.expose()));
        }
        let server = server.set_redis_settings(login);
        let client = match &self.ca_file {
            None => Client::open(server),
            Some(file) => {
                let unread = |error| SinkError::retry(format!("ca_file: cannot be read: {error}"));
                let certificates = TlsCertificates {
                    client_tls: None,
                    root_cert: Some(std::fs::read(file).map_err(unread)?),
                };
                Client::build_with_tls(server, certificates)
            }
        };
        client.map_err(|error| SinkError::retry(format!("{}: {}", self.url, told(&error))))
    }
}

fn events() -> String {
    "events".into()
}

/// Redis' own limit for one value, where it does not tell another.
const LARGEST: u64 = 512 * 1024 * 1024;

/// The caller bounds each call's time. This only ends what nobody waits for any more.
const LONGEST: Duration = Duration::from_mins(10);

/// Adds to one stream.
pub(super) struct RedisSink {
    config: Config,
    client: Client,
    shared: Shared<Connection>,
}

/// One connection that carries the commands of all calls, one behind the other.
struct Connection {
    commands: MultiplexedConnection,
    /// The largest value the server takes.
    largest: u64,
}

impl Connected for Connection {
    /// The client does not tell: a call finds out.
    fn is_open(&self) -> bool {
        true
    }
}

#[async_trait]
impl Sink for RedisSink {
    fn max_batch(&self) -> usize {
        broker::BATCH
    }

    async fn deliver(&self, messages: &[Message]) -> Vec<Result<Receipt, SinkError>> {
        let connection = match self.shared.lend(self.connect()).await {
            Ok(connection) => connection,
            Err(error) => return broker::all_failed(messages, &error),
        };
        // They are written one after the other before the first reply is there.
        let adding = messages
            .iter()
            .map(|message| self.add(&connection, message));
        let added = join_all(adding).await;
        if !added
            .iter()
            .any(|added| matches!(added, Err(Failed::Lost(_))))
        {
            connection.keep();
        }
        let results = added.into_iter().map(|added| match added {
            Ok(()) => Ok(Receipt::default()),
            Err(Failed::Lost(error) | Failed::Answered(error)) => Err(error),
        });
        results.collect()
    }

    async fn check(&self) -> Result<String, SinkError> {
        let stream = &self.config.stream;
        let connection = self.shared.lend(self.connect()).await?;
        let asked = ask::<String>(&connection, redis::cmd("TYPE").arg(stream)).await;
        let kind = asked.map_err(|error| self.explain(&error))?;
        let asked = ask::<String>(&connection, redis::cmd("INFO").arg("persistence")).await;
        connection.keep();
        let stream = match kind.as_str() {
            "stream" => format!("stream {stream} is there"),
            "none" => format!("stream {stream} will be made with the first event"),
            _ => return Err(self.no_stream()),
        };
        let is_kept_in_memory = asked.is_ok_and(|info| info.contains("aof_enabled:0"));
        let note = if is_kept_in_memory {
            "; its append-only file is off, so that it may lose events in a crash"
        } else {
            ""
        };
        Ok(format!("reachable; {stream}{note}"))
    }

    async fn close(&self) {
        self.shared.forget();
    }
}

/// Why an event was not added.
enum Failed {
    /// Nothing more is to be expected of the connection.
    Lost(SinkError),
    /// The server said so.
    Answered(SinkError),
}

impl RedisSink {
    async fn connect(&self) -> Result<Connection, SinkError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(broker::CONNECT_TIMEOUT))
            .set_response_timeout(Some(LONGEST));
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let commands = connecting.await.map_err(|error| self.explain(&error))?;
        let mut connection = Connection {
            commands,
            largest: LARGEST,
        };
        // Some servers do not let their configuration be read. They have the usual limit.
        let limit = redis::cmd("CONFIG")
            .arg("GET")
            .arg("proto-max-bulk-len")
            .take();
        match ask::<(String, u64)>(&connection, &limit).await {
            Ok((_, limit)) => connection.largest = limit,
            // A command as long as those with events would be answered with something less clear.
            Err(error) if error.code() == Some("NOAUTH") => return Err(self.explain(&error)),
            Err(_) => {}
        }
        Ok(connection)
    }

    async fn add(
        &self,
        connection: &Lent<'_, Connection>,
        message: &Message,
    ) -> Result<(), Failed> {
        // The server would answer a larger one by closing the connection.
        if u64::try_from(message.body.len()).unwrap_or(u64::MAX) > connection.largest {
            return Err(Failed::Answered(SinkError::reject(format!(
                "the event of {} bytes is larger than Redis takes, {} bytes; raise proto-max-bulk-len",
                message.body.len(),
                connection.largest
            ))));
        }
        let command = entry(&self.config, message);
        match ask::<redis::Value>(connection, &command).await {
            Ok(_) => Ok(()),
            Err(error) if is_the_end(&error) => Err(Failed::Lost(self.explain(&error))),
            Err(error) => Err(Failed::Answered(self.explain(&error))),
        }
    }

    /// What happened, and what to do about it. Any of it may be mended.
    fn explain(&self, error: &RedisError) -> SinkError {
        let (url, stream) = (&self.config.url, &self.config.stream);
        if error.kind() == ErrorKind::AuthenticationFailed {
            return SinkError::retry(format!(
                "Redis at {url} refuses the login; see username and password"
            ));
        }
        let remedy = match error.code() {
            Some("WRONGTYPE") => return self.no_stream(),
            Some("NOAUTH") => "it wants a login; set password, and username where it has users",
            Some("WRONGPASS") => "see username and password",
            Some("NOPERM") => "let the user run XADD on the stream's key",
            Some("LOADING") => "it is starting, and will take events when it has read its data",
            Some("READONLY") => "it is a replica; the URL must name the primary",
            Some("OOM") => "its memory is full; set max_length, or raise its maxmemory",
            Some("MISCONF") => "it cannot write to its disk; see its log",
            Some("MOVED" | "CLUSTERDOWN") => "the URL must name the node that has the stream's key",
            Some(_) => "see its log",
            None => "see that it runs there",
        };
        SinkError::retry(if error.code().is_some() {
            let told = told(error);
            format!("Redis at {url} did not add to the stream {stream} ({told}): {remedy}")
        } else {
            format!(
                "Redis cannot be reached at {url}: {}; {remedy}",
                told(error)
            )
        })
    }

    fn no_stream(&self) -> SinkError {
        let (url, stream) = (&self.config.url, &self.config.stream);
        SinkError::retry(format!(
            "the key {stream} of Redis at {url} is not a stream; set another key, or delete it"
        ))
    }
}

/// Runs a command. Others run over the same connection meanwhile.
async fn ask<T: redis::FromRedisValue>(connection: &Connection, command: &Cmd) -> RedisResult<T> {
    let mut commands = connection.commands.clone();
    command.query_async(&mut commands).await
}

/// `XADD events MAXLEN ~ 1000000 * id evt_1 type … entity … content_type … signature … body …`
fn entry(config: &Config, message: &Message) -> Cmd {
    let mut command = redis::cmd("XADD");
    command.arg(&config.stream);
    if let Some(length) = config.max_length {
        command.arg("MAXLEN").arg("~").arg(length);
    }
    command.arg("*").arg("id").arg(message.id());
    if let Some(event_type) = &message.event_type {
        command.arg("type").arg(event_type);
    }
    if let Some(entity) = &message.entity {
        command.arg("entity").arg(entity);
    }
    command.arg("content_type").arg(message.content_type);
    for (name, value) in &message.headers {
        command.arg(name).arg(value);
    }
    command.arg("body").arg(message.body.as_ref());
    command
}

/// Whether the connection is of no more use: it broke, or leads to a server that is no longer the primary.
fn is_the_end(error: &RedisError) -> bool {
    error.code().is_none() || error.code() == Some("READONLY")
}

/// What the server or the client says. To a command it does not know a server quotes what came with it, and so
/// the body: of such an answer only the beginning is told.
fn told(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some("ERR"), Some(detail)) => {
            let beginning = detail.split(['\'', '`', ',']).next();
            format!("ERR {}", beginning.unwrap_or_default().trim_end())
        }
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        (Some(code), None) => code.to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::domain::{Clock, EventId, SystemClock};

    #[test]
    fn an_entry_has_only_the_fields_there_is_something_for() {
        let options = serde_json::json!({ "url": "redis://h", "max_length": 5 });
        let config: Config = serde_json::from_value(options).expect("the options");
        let message = Message {
            event: EventId(1),
            event_type: None,
            received_at: SystemClock.now(),
            entity: None,
            content_type: "text/plain",
            headers: Vec::new(),
            body: Bytes::from_static(b"hello"),
        };
        let words: Vec<_> = entry(&config, &message)
            .args_iter()
            .map(|arg| match arg {
                redis::Arg::Simple(word) => String::from_utf8_lossy(word).into_owned(),
                _ => "?".into(),
            })
            .collect();
        assert_eq!(
            words.join(" "),
            "XADD events MAXLEN ~ 5 * id evt_1 content_type text/plain body hello"
        );
    }
}
