//! A source: a configured sender, known by the name in its URL.

use std::{collections::BTreeMap, fmt};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::{Provider, Verified};
use crate::{
    domain::{Name, NewEvent, Origin, Timestamp},
    networks::Networks,
    units::Rate,
};

/// One entry of `[sources]`.
pub struct Source {
    name: Name,
    provider: Box<dyn Provider>,
    allow_from: Option<Networks>,
    rate: Option<DefaultDirectRateLimiter>,
}

impl Source {
    /// A source of that name, speaking that protocol, without limits.
    #[must_use]
    pub fn new(name: Name, provider: Box<dyn Provider>) -> Self {
        Self {
            name,
            provider,
            allow_from: None,
            rate: None,
        }
    }

    /// To which only they may post; everybody if there is no list.
    #[must_use]
    pub fn allowing(self, allow_from: Option<Networks>) -> Self {
        Self { allow_from, ..self }
    }

    /// Of which no more is taken than that.
    #[must_use]
    pub fn limited_to(self, rate: Option<Rate>) -> Self {
        let quota = rate.and_then(|rate| {
            let quota = Quota::with_period(rate.interval)?;
            Some(quota.allow_burst(rate.burst))
        });
        let rate = quota.map(RateLimiter::direct);
        Self { rate, ..self }
    }

    /// Who may post, if not everybody.
    #[must_use]
    pub fn allow_from(&self) -> Option<&Networks> {
        self.allow_from.as_ref()
    }

    /// Whether the source may send one more delivery now. Counts it if it may.
    #[must_use]
    pub fn may_send(&self) -> bool {
        self.rate.as_ref().is_none_or(|rate| rate.check().is_ok())
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
