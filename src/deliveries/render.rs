//! Makes of a stored event what a sink is sent.

use bytes::Bytes;
use serde_json::Value;

use super::cloud_event;
use crate::{
    domain::EventRecord,
    providers::{Reading, reading},
    sinks::{Format, Message, TemplateError},
};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// What one sink is sent for an event.
#[derive(Debug, Clone)]
pub struct Renderer {
    format: Format,
}

/// Nothing can be made of this event, now or later: only another template could.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The template fails on this event.
    #[error("the template fails on this event: {0}; correct `template`, then retry the delivery")]
    Template(#[from] TemplateError),
}

impl Renderer {
    /// For a sink with this format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format }
    }

    /// The message for an event. A few microseconds of work, in memory; a template may take longer.
    ///
    /// # Errors
    ///
    /// When a template fails on it.
    pub fn render(&self, event: &EventRecord) -> Result<Message, RenderError> {
        let reading = reading(&event.summary.provider);
        let entity = reading.entity(&event.body);
        let mut headers = Vec::new();
        let (content_type, body) = match &self.format {
            Format::CloudEvents => {
                let payload = reading.payload(event);
                let body = cloud_event::write(event, reading, payload, entity.as_deref());
                (cloud_event::MEDIA_TYPE, body.into())
            }
            Format::Raw => {
                headers.extend(signature(event, reading));
                let is_json = reading.payload(event).is_some();
                (if is_json { JSON } else { BYTES }, event.body.clone())
            }
            Format::Template(template) => {
                let text = template.render(&event.summary, &payload(event))?;
                let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
                (if is_json { JSON } else { TEXT }, text.into())
            }
            Format::Headline => (TEXT, Bytes::from(reading.headline(event))),
        };
        Ok(Message {
            event: event.summary.id,
            event_type: event.summary.event_type.clone(),
            received_at: event.summary.received_at,
            entity,
            content_type,
            headers,
            body,
        })
    }
}

/// What `payload` is in a template and in a filter: null when the body is not JSON.
#[must_use]
pub fn payload(event: &EventRecord) -> Value {
    let payload = reading(&event.summary.provider).payload(event);
    payload
        .and_then(|payload| serde_json::from_str(payload.get()).ok())
        .unwrap_or_default()
}

/// The sender's own signature, in the header that the sender uses.
fn signature(event: &EventRecord, reading: &dyn Reading) -> Option<(&'static str, String)> {
    reading.signature_header().zip(event.signature.clone())
}
