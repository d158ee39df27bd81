//! `rabbitmq`: publishes to an exchange, and waits until the broker has taken charge of each message.

mod config;
mod outcome;

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use lapin::{
    BasicProperties, Channel, Confirmation, ConnectionProperties, Error, ExchangeKind,
    options::{
        BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueDeclareOptions,
    },
    tcp::OwnedTLSConfig,
    types::{AMQPValue, FieldTable, ShortString},
};

pub(super) use config::Config;
use outcome::{Outcome, is_refusal};

use super::{
    Message, Receipt, Sink, SinkError,
    broker::{self, Connected, Lent, Shared},
};

/// The longest text of the protocol's short kind, in bytes.
const SHORT: usize = 255;

/// The broker writes the message to disk before it confirms it.
const PERSISTENT: u8 = 2;

/// Publishes to one exchange.
pub(super) struct RabbitmqSink {
    config: Config,
    shared: Shared<Connection>,
}

struct Connection {
    connection: lapin::Connection,
    /// A call has a channel to itself: what comes back to the channel came from the call.
    idle: Mutex<Vec<Channel>>,
}

impl Connected for Connection {
    fn is_open(&self) -> bool {
        self.connection.status().connected()
    }
}

impl Connection {
    async fn channel(&self) -> Result<Channel, Error> {
        while let Some(channel) = self.pop() {
            if channel.status().connected() {
                return Ok(channel);
            }
        }
        let channel = self.connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        Ok(channel)
    }

    fn pop(&self) -> Option<Channel> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
    }

    /// For the next call, now that nothing is under way on it.
    fn give_back(&self, channel: Channel) {
        if channel.status().connected() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(channel);
        }
    }
}

#[async_trait]
impl Sink for RabbitmqSink {
    fn max_batch(&self) -> usize {
        broker::BATCH
    }

    async fn deliver(&self, messages: &[Message]) -> Vec<Result<Receipt, SinkError>> {
        let connection = match self.shared.lend(self.connect()).await {
            Ok(connection) => connection,
            Err(error) => return broker::all_failed(messages, &error),
        };
        if connection.connection.status().blocked() {
            connection.keep();
            return broker::all_failed(messages, &self.config.blocked());
        }
        let mut outcomes = self.publish(&connection, messages).await;
        // A message that is refused takes all with it that are under way: alone it is found.
        if messages.len() > 1 && outcomes.iter().any(is_refusal) {
            for (message, outcome) in messages.iter().zip(&mut outcomes) {
                if !matches!(outcome, Outcome::Taken) {
                    let mut alone = self
                        .publish(&connection, std::slice::from_ref(message))
                        .await;
                    *outcome = alone.pop().unwrap_or(Outcome::Unroutable);
                }
            }
        }
        if connection.is_open() {
            connection.keep();
        }
        let outcomes = outcomes.into_iter();
        outcomes
            .map(|outcome| self.config.result(outcome))
            .collect()
    }

    async fn check(&self) -> Result<String, SinkError> {
        let Config {
            exchange,
            routing_key,
            ..
        } = &self.config;
        let connection = self.shared.lend(self.connect()).await?;
        if connection.connection.status().blocked() {
            return Err(self.config.blocked());
        }
        let asked = self.ask(&connection).await;
        if connection.is_open() {
            connection.keep();
        }
        asked.map_err(|error| self.config.explain(&error))?;
        Ok(if exchange.is_empty() {
            format!("reachable; queue {routing_key} is there")
        } else {
            format!("reachable; exchange {exchange} is there")
        })
    }

    async fn close(&self) {
        self.shared.forget();
    }
}

impl RabbitmqSink {
    fn new(config: Config) -> Self {
        Self {
            config,
            shared: Shared::default(),
        }
    }

    async fn connect(&self) -> Result<Connection, SinkError> {
        let tls = OwnedTLSConfig {
            identity: None,
            cert_chain: match &self.config.ca_file {
                None => None,
                Some(file) => Some(tokio::fs::read_to_string(file).await.map_err(|error| {
                    SinkError::retry(format!("ca_file: cannot be read: {error}"))
                })?),
            },
        };
        let properties =
            ConnectionProperties::default().with_connection_name(env!("CARGO_PKG_NAME").into());
        let runtime =
            lapin::runtime::default_runtime().map_err(|error| self.config.explain(&error))?;
        let connecting =
            lapin::Connection::connect_uri_with_config(self.config.uri(), properties, tls, runtime);
        let connected = tokio::time::timeout(broker::CONNECT_TIMEOUT, connecting).await;
        let Ok(connected) = connected else {
            return Err(SinkError::retry(format!(
                "RabbitMQ cannot be reached at {}: it did not answer in time; see that it runs there",
                self.config.url
            )));
        };
        Ok(Connection {
            connection: connected.map_err(|error| self.config.unconnected(&error))?,
            idle: Mutex::default(),
        })
    }

    /// Publishes all before it waits for the first confirmation.
    async fn publish(
        &self,
        connection: &Lent<'_, Connection>,
        messages: &[Message],
    ) -> Vec<Outcome> {
        let channel = match connection.channel().await {
            Ok(channel) => channel,
            Err(error) => {
                let failed = messages.iter().map(|_| Outcome::Failed(error.clone()));
                return failed.collect();
            }
        };
        let mut published = Vec::with_capacity(messages.len());
        for message in messages {
            let publishing = channel.basic_publish(
                short(&self.config.exchange),
                short(&self.config.routing_key),
                BasicPublishOptions {
                    mandatory: true,
                    ..BasicPublishOptions::default()
                },
                &message.body,
                properties(message),
            );
            published.push(publishing.await);
        }
        let mut outcomes = Vec::with_capacity(messages.len());
        let mut returned = HashSet::new();
        for confirmation in published {
            let confirmed = match confirmation {
                Ok(confirmation) => confirmation.await,
                Err(error) => Err(error),
            };
            outcomes.push(match &confirmed {
                Ok(Confirmation::Ack(_)) => Outcome::Taken,
                Ok(_) => Outcome::NotTaken,
                Err(error) => Outcome::Failed(error.clone()),
            });
            let came_back = confirmed.ok().and_then(Confirmation::take_message);
            returned.extend(
                came_back.and_then(|message| message.delivery.properties.message_id().clone()),
            );
        }
        // The client hands a returned message to whichever confirmation comes next, so its id must tell.
        for (message, outcome) in messages.iter().zip(&mut outcomes) {
            if returned.contains(&short(&message.id())) {
                *outcome = Outcome::Unroutable;
            }
        }
        connection.give_back(channel);
        outcomes
    }

    /// Whether there is what the events are to go to.
    async fn ask(&self, connection: &Lent<'_, Connection>) -> Result<(), Error> {
        let channel = connection.channel().await?;
        if self.config.exchange.is_empty() {
            let options = QueueDeclareOptions {
                passive: true,
                ..QueueDeclareOptions::default()
            };
            let queue = short(&self.config.routing_key);
            channel
                .queue_declare(queue, options, FieldTable::default())
                .await?;
        } else {
            let options = ExchangeDeclareOptions {
                passive: true,
                ..ExchangeDeclareOptions::default()
            };
            let exchange = short(&self.config.exchange);
            // Nothing is declared, so the kind is not looked at.
            let kind = ExchangeKind::Direct;
            channel
                .exchange_declare(exchange, kind, options, FieldTable::default())
                .await?;
        }
        connection.give_back(channel);
        Ok(())
    }
}

fn properties(message: &Message) -> BasicProperties {
    let mut headers = FieldTable::default();
    let own = message
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    let entity = message.entity.as_deref().map(|entity| ("entity", entity));
    for (name, value) in own.chain(entity) {
        headers.insert(short(name), AMQPValue::LongString(value.into()));
    }
    let at = u64::try_from(message.received_at.timestamp()).unwrap_or_default();
    let properties = BasicProperties::default()
        .with_message_id(short(&message.id()))
        .with_content_type(short(message.content_type))
        .with_delivery_mode(PERSISTENT)
        .with_timestamp(at)
        .with_headers(headers);
    match &message.event_type {
        Some(event_type) => properties.with_type(short(event_type)),
        None => properties,
    }
}

/// As much of it as the protocol has room for.
fn short(text: &str) -> ShortString {
    text[..text.floor_char_boundary(SHORT)].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_two_characters() {
        assert_eq!(short(&"a".repeat(300)).as_str().len(), 255);
        assert_eq!(short(&"\u{e4}".repeat(300)).as_str().len(), 254);
    }
}
