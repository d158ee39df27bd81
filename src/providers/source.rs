//! A source: a configured sender, known by the name in its URL.

use std::{collections::BTreeMap, fmt};

use super::{Provider, Verified};
use crate::domain::{Name, NewEvent, Origin, Timestamp};

/// One entry of `[sources]`.
pub struct Source {
    name: Name,
    provider: Box<dyn Provider>,
}

impl Source {
    /// A source of that name, speaking that protocol.
    #[must_use]
    pub fn new(name: Name, provider: Box<dyn Provider>) -> Self {
        Self { name, provider }
    }

    /// Its name: the last part of `/webhooks/{source}`.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// How its requests are verified and read.
    #[must_use]
    pub fn provider(&self) -> &dyn Provider {
        &*self.provider
    }

    /// Makes an event of an authentic body, wanted by no sink yet.
    #[must_use]
    pub fn event(&self, verified: Verified, received_at: Timestamp, origin: Origin) -> NewEvent {
        let envelope = self.provider.read(&verified);
        let (body, signature) = verified.into_parts();
        NewEvent {
            source: self.name.clone(),
            provider: self.provider.name(),
            delivery_id: envelope.delivery_id,
            event_type: envelope.event_type,
            occurred_at: envelope.occurred_at,
            received_at,
            origin,
            envelope_version: envelope.version,
            signature,
            body,
            problem: envelope.problem,
            deliveries: Vec::new(),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .field("provider", &self.provider.name())
            .finish_non_exhaustive()
    }
}

/// All sources, by name.
pub type Sources = BTreeMap<Name, Source>;
