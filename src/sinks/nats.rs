//! `nats`: publishes to a subject that a JetStream stream keeps, and waits for the stream's word.

mod config;

use std::{error::Error, time::Duration};

use async_nats::{
    ConnectError, ConnectErrorKind, Event, HeaderMap, HeaderValue,
    jetstream::{
        self, ErrorCode,
        context::{
            Context, ContextBuilder, GetStreamByNameErrorKind, PublishAckFuture, PublishError,
            PublishErrorKind,
        },
        message::PublishMessage,
    },
};
use async_trait::async_trait;
use tokio::sync::watch;

pub(super) use config::Config;

use super::{
    Message, Receipt, Sink, SinkError,
    broker::{self, Connected, Lent, Shared},
};

/// The caller bounds each call's time. This only ends what nobody waits for any more.
const LONGEST: Duration = Duration::from_mins(10);

/// Publishes to one subject.
pub(super) struct NatsSink {
    config: Config,
    shared: Shared<Connection>,
}

/// A connection that is not mended: when it breaks, the next call makes another, and no publication waits unseen in
/// the client until then.
struct Connection {
    jetstream: Context,
    /// Why it is of no more use.
    broken: watch::Receiver<Option<String>>,
}

impl Connected for Connection {
    fn is_open(&self) -> bool {
        self.broken.has_changed().is_ok() && self.broken.borrow().is_none()
    }
}

#[async_trait]
impl Sink for NatsSink {
    fn max_batch(&self) -> usize {
        broker::BATCH
    }

    async fn deliver(&self, messages: &[Message]) -> Vec<Result<Receipt, SinkError>> {
        let connection = match self.shared.lend(self.connect()).await {
            Ok(connection) => connection,
            Err(error) => return broker::all_failed(messages, &error),
        };
        // All are sent before the first answer is waited for.
        let mut sent = Vec::with_capacity(messages.len());
        for message in messages {
            sent.push(self.publish(&connection, message).await);
        }
        let mut results = Vec::with_capacity(messages.len());
        for acknowledgement in sent {
            results.push(match acknowledgement {
                Ok(acknowledgement) => self.confirmed(&connection, acknowledgement).await,
                Err(error) => Err(error),
            });
        }
        connection.keep();
        results
    }

    async fn check(&self) -> Result<String, SinkError> {
        let subject = &self.config.subject;
        let connection = self.shared.lend(self.connect()).await?;
        let asked = connection.jetstream.stream_by_subject(subject.as_str());
        let found = self.unless_broken(&connection, asked).await?;
        connection.keep();
        match found {
            Ok(stream) => Ok(format!(
                "reachable; stream {stream} takes the subject {subject}"
            )),
            Err(error) if error.kind() == GetStreamByNameErrorKind::NotFound => {
                Err(self.without_stream())
            }
            Err(error) => Err(SinkError::retry(format!(
                "JetStream at {} does not tell which stream takes the subject {subject} ({error}); \
                 see that the server runs with JetStream, and that the user may publish to $JS.API.>",
                self.config.url
            ))),
        }
    }

    async fn close(&self) {
        self.shared.forget();
    }
}

impl NatsSink {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            shared: Shared::default(),
        }
    }

    async fn connect(&self) -> Result<Connection, SinkError> {
        let (breaks, broken) = watch::channel(None);
        let options = self.config.options()?.event_callback(move |event| {
            let why = match event {
                Event::Connected | Event::LameDuckMode | Event::SlowConsumer(_) => None,
                Event::ServerError(error) => Some(format!("the server says: {error}")),
                _ => Some("the connection was lost".to_owned()),
            };
            if breaks.borrow().is_none() && why.is_some() {
                breaks.send_replace(why);
            }
            async {}
        });
        let servers = self.config.servers()?;
        let client = options
            .connect(servers)
            .await
            .map_err(|error| self.unconnected(&error))?;
        let jetstream = ContextBuilder::new().timeout(LONGEST).build(client);
        Ok(Connection { jetstream, broken })
    }

    async fn publish(
        &self,
        connection: &Lent<'_, Connection>,
        message: &Message,
    ) -> Result<PublishAckFuture, SinkError> {
        let publication = PublishMessage::build()
            .payload(message.body.clone())
            .headers(headers(message));
        let subject = self.config.subject.clone();
        let sending = connection.jetstream.send_publish(subject, publication);
        let sent = self.unless_broken(connection, sending).await?;
        sent.map_err(|error| self.unpublished(&error))
    }

    async fn confirmed(
        &self,
        connection: &Lent<'_, Connection>,
        acknowledgement: PublishAckFuture,
    ) -> Result<Receipt, SinkError> {
        let answered = self.unless_broken(connection, acknowledgement.into_future());
        match answered.await? {
            Ok(_) => Ok(Receipt::default()),
            Err(error) => Err(self.unpublished(&error)),
        }
    }

    /// The client keeps who waits for an answer waiting when the connection is lost.
    async fn unless_broken<T>(
        &self,
        connection: &Connection,
        work: impl Future<Output = T> + Send,
    ) -> Result<T, SinkError> {
        let mut broken = connection.broken.clone();
        let why = tokio::select! {
            biased;
            done = work => return Ok(done),
            why = broken.wait_for(Option::is_some) => why.ok().and_then(|why| why.clone()),
        };
        let why = why.unwrap_or_else(|| "the connection was lost".into());
        Err(SinkError::retry(format!(
            "NATS at {} did not confirm the event: {why}",
            self.config.url
        )))
    }

    fn unconnected(&self, error: &ConnectError) -> SinkError {
        let url = &self.config.url;
        SinkError::retry(match error.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                format!(
                    "NATS at {url} refuses the login; see user and password, token or credentials"
                )
            }
            _ => format!("NATS cannot be reached at {url}: {error}; see that it runs there"),
        })
    }

    fn unpublished(&self, error: &PublishError) -> SinkError {
        let subject = &self.config.subject;
        match error.kind() {
            PublishErrorKind::StreamNotFound => self.without_stream(),
            PublishErrorKind::MaxPayloadExceeded => SinkError::reject(format!(
                "the event is larger than NATS takes ({error}); raise max_payload in the server's configuration"
            )),
            _ => match stream_error(error) {
                Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM) => SinkError::reject(format!(
                    "the event is larger than the stream of {subject} takes; raise the stream's max-msg-size"
                )),
                _ => SinkError::retry(format!(
                    "JetStream at {} did not store the event for the subject {subject}: {error}",
                    self.config.url
                )),
            },
        }
    }

    fn without_stream(&self) -> SinkError {
        let subject = &self.config.subject;
        SinkError::retry(format!(
            "no JetStream stream at {} takes the subject {subject}; make one: \
             nats stream add EVENTS --subjects {subject}",
            self.config.url
        ))
    }
}

fn headers(message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(async_nats::header::NATS_MESSAGE_ID, message.id());
    headers.insert("Content-Type", message.content_type);
    let about = [
        ("type", message.event_type.as_deref()),
        ("entity", message.entity.as_deref()),
    ];
    let about = about
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let own = message
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    for (name, value) in own.chain(about) {
        headers.insert(name, header_value(value));
    }
    headers
}

/// What a sender says may hold anything, and a line break would end the header.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from(text.replace(['\r', '\n'], " "))
}

fn stream_error(error: &PublishError) -> Option<ErrorCode> {
    let source = error.source()?.downcast_ref::<jetstream::Error>()?;
    Some(source.error_code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_no_line_breaks() {
        assert_eq!(header_value("a\r\nb: c").as_str(), "a  b: c");
    }
}
