//! Counts one source's refused requests, and logs them unless there are too many.

use std::{net::IpAddr, sync::Arc};

use tracing::warn;

use crate::{domain::Name, metrics::RefusalMetrics, providers::Refusal, sampling::Sample};

const NOT_KEPT: &str =
    "too many such requests at once: this one is not kept for `huntr-receiver reverify`";

/// Where refusals of one source are reported. Cheap to clone.
#[derive(Clone)]
pub(super) struct Report {
    source: Name,
    metrics: Arc<RefusalMetrics>,
}

impl Report {
    pub(super) fn of(source: &Name) -> Self {
        Self {
            source: source.clone(),
            metrics: Arc::new(RefusalMetrics::of(source)),
        }
    }

    pub(super) fn source(&self) -> &Name {
        &self.source
    }

    /// A request was refused.
    pub(super) fn refused(&self, reason: &'static str, remedy: &'static str, sample: Sample) {
        self.metrics.refused(reason);
        if self.is_logged(sample) {
            warn!(source.name = %self.source, refusal.reason = reason, refusal.remedy = remedy, "webhook refused");
        }
    }

    /// A request came from where nobody may post. Without the address, nobody could tell a stranger from a proxy
    /// that is not trusted; for nothing else is it written down.
    pub(super) fn not_allowed(&self, client: IpAddr, sample: Sample) {
        let refusal = Refusal::NotAllowed;
        self.metrics.refused(refusal.as_str());
        if self.is_logged(sample) {
            warn!(
                source.name = %self.source, client.address = %client,
                refusal.reason = refusal.as_str(), refusal.remedy = refusal.remedy(), "webhook refused"
            );
        }
    }

    /// A request with a wrong signature or key could not be kept aside.
    pub(super) fn not_kept(&self, sample: Sample) {
        self.metrics.not_kept();
        self.refused(Refusal::Mismatch.as_str(), NOT_KEPT, sample);
    }

    fn is_logged(&self, sample: Sample) -> bool {
        let Sample::Taken { held_back } = sample else {
            return false;
        };
        if held_back > 0 {
            warn!(source.name = %self.source, refusals = held_back, "more webhooks were refused than are logged one by one");
        }
        true
    }
}
