//! What became of a message at a RabbitMQ broker, in words for people.

use lapin::{
    Error, ErrorKind,
    protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError},
};

use super::Config;
use crate::sinks::{Receipt, SinkError};

/// What became of a message.
pub(super) enum Outcome {
    /// The broker has it on its disk.
    Taken,
    /// No queue wanted it.
    Unroutable,
    /// The broker could not take charge of it.
    NotTaken,
    /// The channel or the connection is gone.
    Failed(Error),
}

/// Whether it takes the message itself amiss.
pub(super) fn is_refusal(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(error) if refuses_the_message(error))
}

/// Of all it might say of a publication, these two are about the message itself.
fn refuses_the_message(error: &Error) -> bool {
    matches!(
        soft(error),
        Some(AMQPSoftError::PRECONDITIONFAILED | AMQPSoftError::CONTENTTOOLARGE)
    )
}

/// What closes a channel only.
fn soft(error: &Error) -> Option<AMQPSoftError> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => match error.kind() {
            AMQPErrorKind::Soft(soft) => Some(soft.clone()),
            AMQPErrorKind::Hard(_) => None,
        },
        _ => None,
    }
}

impl Config {
    /// What the caller is told.
    pub(super) fn result(&self, outcome: Outcome) -> Result<Receipt, SinkError> {
        let url = &self.url;
        Err(match outcome {
            Outcome::Taken => return Ok(Receipt::default()),
            Outcome::Unroutable => self.unroutable(),
            Outcome::NotTaken => SinkError::retry(format!(
                "RabbitMQ at {url} did not take charge of the event; see that its queues are up and not full"
            )),
            Outcome::Failed(error) => self.explain(&error),
        })
    }

    /// Why there is no connection.
    pub(super) fn unconnected(&self, error: &Error) -> SinkError {
        let url = &self.url;
        match soft(error) {
            Some(AMQPSoftError::ACCESSREFUSED) => SinkError::retry(format!(
                "RabbitMQ at {url} refuses the login; see user and password"
            )),
            _ => self.explain(error),
        }
    }

    /// What happened, and what to do about it.
    pub(super) fn explain(&self, error: &Error) -> SinkError {
        let url = &self.url;
        let target = self.target();
        if let Some(soft) = soft(error) {
            return match soft {
                AMQPSoftError::NOTFOUND if self.exchange.is_empty() => self.unroutable(),
                AMQPSoftError::NOTFOUND => SinkError::retry(format!(
                    "RabbitMQ at {url} has no {target}; declare it, or set another exchange"
                )),
                AMQPSoftError::ACCESSREFUSED => SinkError::retry(format!(
                    "RabbitMQ at {url} does not let the user publish to {target}; give it the permission to write"
                )),
                AMQPSoftError::PRECONDITIONFAILED | AMQPSoftError::CONTENTTOOLARGE => {
                    SinkError::reject(format!(
                        "RabbitMQ at {url} refuses the event, as it would every time: {error}; \
                         see max_message_size in its configuration"
                    ))
                }
                _ => SinkError::retry(format!("RabbitMQ at {url} did not take the event: {error}")),
            };
        }
        SinkError::retry(match error.kind() {
            ErrorKind::ProtocolError(error) => match error.kind() {
                AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => format!(
                    "RabbitMQ at {url} does not let the user into the virtual host; \
                     see that it exists, and that the user has permissions in it"
                ),
                _ => format!("RabbitMQ at {url} closed the connection: {error}"),
            },
            ErrorKind::IOError(_) | ErrorKind::MissingHeartbeatError => {
                format!("RabbitMQ cannot be reached at {url}: {error}; see that it runs there")
            }
            _ => format!("RabbitMQ at {url} did not confirm the event: {error}"),
        })
    }

    fn unroutable(&self) -> SinkError {
        let Config {
            url,
            exchange,
            routing_key,
            ..
        } = self;
        SinkError::retry(if exchange.is_empty() {
            format!("RabbitMQ at {url} has no queue {routing_key}; declare it")
        } else {
            format!(
                "no queue of RabbitMQ at {url} is bound to the exchange {exchange} \
                 for the routing key {routing_key}; bind one"
            )
        })
    }

    /// The broker lets nobody publish.
    pub(super) fn blocked(&self) -> SinkError {
        SinkError::retry(format!(
            "RabbitMQ at {} takes nothing while its alarm for memory or disk is on; free some",
            self.url
        ))
    }

    fn target(&self) -> String {
        match self.exchange.as_str() {
            "" => "its default exchange".into(),
            exchange => format!("exchange {exchange}"),
        }
    }
}
