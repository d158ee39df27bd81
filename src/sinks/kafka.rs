//! `kafka`: a record for each event, confirmed by every replica that is in sync.

mod options;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{
        FutureProducer, FutureRecord, Producer as _,
        future_producer::{DeliveryFuture, OwnedDeliveryResult},
    },
    types::RDKafkaRespErr,
};

use super::{Common, Format, Message, Receipt, Sink, SinkError};

pub(super) use options::Config;

type Producer = FutureProducer<Listener>;

/// Writes to one topic.
pub(super) struct Kafka {
    client: ClientConfig,
    brokers: String,
    topic: String,
    /// How long the client goes on trying to send a message.
    patience: Duration,
    listener: Listener,
    producer: Mutex<Option<Producer>>,
}

#[async_trait]
impl Sink for Kafka {
    fn max_batch(&self) -> usize {
        500
    }

    async fn deliver(&self, messages: &[Message]) -> Vec<Result<Receipt, SinkError>> {
        // All are on their way before the first confirmation is awaited. A message that nobody waits for any
        // more ends in the client after `patience`.
        let sent: Vec<_> = messages.iter().map(|message| self.send(message)).collect();
        let mut results = Vec::with_capacity(messages.len());
        for (message, sent) in messages.iter().zip(sent) {
            results.push(match sent {
                Ok((_producer, confirmation)) => match confirmation.await {
                    Ok(result) => self.outcome(message, result),
                    Err(_) => Err(SinkError::retry(
                        "the sink was closed before the confirmation came",
                    )),
                },
                Err(error) => Err(error),
            });
        }
        results
    }

    async fn check(&self) -> Result<String, SinkError> {
        let (producer, patience) = (self.producer()?, self.patience);
        // Asking for this one topic could create it, so all are asked for.
        let asking = move || producer.client().fetch_metadata(None, patience);
        let metadata = tokio::task::spawn_blocking(asking)
            .await
            .map_err(|error| SinkError::retry(format!("the check failed: {error}")))?
            .map_err(|error| self.unreachable(&error))?;
        let topics = metadata.topics().iter();
        match topics.into_iter().find(|topic| topic.name() == self.topic) {
            Some(topic) => match topic.error() {
                None => Ok(format!(
                    "reachable; topic {} has {} partitions",
                    self.topic,
                    topic.partitions().len()
                )),
                Some(error) => Err(self.topic_is_missing(error.into())),
            },
            None => Err(self.topic_is_missing(RDKafkaErrorCode::UnknownTopicOrPartition)),
        }
    }

    async fn close(&self) {
        let producer = self.current().take();
        // Taking one down waits for its thread.
        tokio::task::spawn_blocking(move || drop(producer))
            .await
            .ok();
    }
}

impl Kafka {
    fn send(&self, message: &Message) -> Result<(Producer, DeliveryFuture), SinkError> {
        let producer = self.producer()?;
        let record = FutureRecord {
            topic: &self.topic,
            partition: None,
            payload: Some(&message.body[..]),
            key: message.entity.as_deref(),
            timestamp: None,
            headers: Some(headers(message)),
        };
        match producer.send_result(record) {
            Ok(confirmation) => Ok((producer, confirmation)),
            Err((error, _)) => match error.rdkafka_error_code() {
                // The client's own limit, so certainly this message.
                Some(RDKafkaErrorCode::MessageSizeTooLarge) => Err(too_large(message)),
                Some(RDKafkaErrorCode::QueueFull) => Err(SinkError::retry(format!(
                    "too many messages wait for the brokers {} already",
                    self.brokers
                ))),
                _ => Err(self.failure(&error)),
            },
        }
    }

    /// The producer; another in its place when it has come to an end. An idempotent producer that can no longer
    /// tell what the brokers have takes nothing more.
    fn producer(&self) -> Result<Producer, SinkError> {
        let mut current = self.current();
        if let Some(producer) = current.as_ref() {
            if producer.client().fatal_error().is_none() {
                return Ok(producer.clone());
            }
            let ended = current.take();
            drop(tokio::task::spawn_blocking(move || drop(ended)));
        }
        let producer: Producer = self
            .client
            .create_with_context(self.listener.clone())
            .map_err(|error| {
                SinkError::retry(format!("the client cannot be made: {}", plain(&error)))
            })?;
        *current = Some(producer.clone());
        Ok(producer)
    }

    fn current(&self) -> MutexGuard<'_, Option<Producer>> {
        self.producer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outcome(
        &self,
        message: &Message,
        result: OwnedDeliveryResult,
    ) -> Result<Receipt, SinkError> {
        match result {
            Ok(delivery) => {
                self.listener.forget();
                Ok(Receipt {
                    status_code: None,
                    response: Some(format!(
                        "partition {}, offset {}",
                        delivery.partition, delivery.offset
                    )),
                })
            }
            Err((error, _)) => match error.rdkafka_error_code() {
                // A broker refuses a batch as a whole. A message that is larger than a batch was alone.
                Some(RDKafkaErrorCode::MessageSizeTooLarge)
                    if message.body.len() > options::BATCH_SIZE =>
                {
                    Err(too_large(message))
                }
                Some(RDKafkaErrorCode::InvalidRecord) => Err(SinkError::reject(format!(
                    "the broker calls it an invalid record; a compacted topic like {} may be wants a key, and \
                     an event that is about nothing has none",
                    self.topic
                ))),
                _ => Err(self.failure(&error)),
            },
        }
    }

    /// Why it may go better another time.
    fn failure(&self, error: &KafkaError) -> SinkError {
        use RDKafkaErrorCode as Code;
        let what = match error.rdkafka_error_code() {
            Some(Code::MessageTimedOut) => return self.unreachable(error),
            Some(
                code @ (Code::UnknownTopic
                | Code::UnknownPartition
                | Code::UnknownTopicOrPartition
                | Code::TopicAuthorizationFailed),
            ) => return self.topic_is_missing(code),
            Some(Code::MessageSizeTooLarge) => format!(
                "the brokers refuse even {} at once; raise max.message.bytes of topic {}",
                bytesize::ByteSize::b(options::BATCH_SIZE as u64),
                self.topic
            ),
            _ => format!("the brokers {} refuse: {}", self.brokers, plain(error)),
        };
        SinkError::retry(what)
    }

    fn unreachable(&self, error: &KafkaError) -> SinkError {
        let why = self.listener.trouble();
        let why = why.unwrap_or_else(|| plain(error));
        SinkError::retry(format!(
            "no answer from the brokers {} within {}: {why}",
            self.brokers,
            humantime::format_duration(self.patience)
        ))
    }

    fn topic_is_missing(&self, code: RDKafkaErrorCode) -> SinkError {
        SinkError::retry(match code {
            RDKafkaErrorCode::TopicAuthorizationFailed => format!(
                "the user may not write to topic {}; allow it WRITE and DESCRIBE",
                self.topic
            ),
            RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::UnknownTopicOrPartition => format!(
                "topic {} does not exist, or the user may not see it; create it, or correct `topic`",
                self.topic
            ),
            other => format!("topic {} cannot be used: {other}", self.topic),
        })
    }
}

fn headers(message: &Message) -> OwnedHeaders {
    let id = message.id();
    let own = [
        ("id", Some(id.as_str())),
        ("type", message.event_type.as_deref()),
    ];
    let content_type = [("content-type", Some(message.content_type))];
    let others = message.headers.iter();
    let others = others.map(|(name, value)| (*name, Some(value.as_str())));
    let all = own.into_iter().chain(content_type).chain(others);
    all.fold(OwnedHeaders::new(), |headers, (key, value)| match value {
        Some(value) => headers.insert(Header {
            key,
            value: Some(value),
        }),
        None => headers,
    })
}

fn too_large(message: &Message) -> SinkError {
    SinkError::reject(format!(
        "its {} bytes are more than is allowed; `max_message_size` and the topic's max.message.bytes say how \
         many are",
        message.body.len()
    ))
}

/// What the client or a broker says, without what the library puts before it.
fn plain(error: &KafkaError) -> String {
    match error.rdkafka_error_code() {
        Some(code) => code.to_string(),
        None => error.to_string(),
    }
}

/// Remembers what went wrong in the background last, as "timed out" alone says nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Listener(Arc<Mutex<Option<String>>>);

impl Listener {
    fn trouble(&self) -> Option<String> {
        self.last().clone()
    }

    fn forget(&self) {
        *self.last() = None;
    }

    fn last(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Listener {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        // Whatever matters fails a delivery, which is told with its reason.
        tracing::debug!(kafka.facility = facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(kafka.error = %error, "{reason}");
        // That all brokers are down is told after why each of them is.
        let all_down = RDKafkaRespErr::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
        if error != KafkaError::Global(all_down.into()) {
            *self.last() = Some(reason.to_owned());
        }
    }
}
