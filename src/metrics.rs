//! Every metric the receiver exports, by name: one function a metric, so that labels cannot drift.

mod tally;

use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use self::tally::Tally;

const REQUESTS: &str = "huntr_receiver_requests_total";
const REFUSALS: &str = "huntr_receiver_refusals_total";
const NOT_KEPT: &str = "huntr_receiver_refusals_not_kept_total";
const LAST_EVENT: &str = "huntr_receiver_last_event_timestamp_seconds";
const PANICS: &str = "huntr_receiver_panics_total";
const CONNECTIONS_CLOSED: &str = "huntr_receiver_connections_closed_total";
const ACKNOWLEDGE: &str = "huntr_receiver_acknowledge_seconds";
const BATCH_EVENTS: &str = "huntr_receiver_commit_batch_events";
const COMMIT: &str = "huntr_receiver_commit_seconds";
const COMMIT_FAILURES: &str = "huntr_receiver_commit_failures_total";
const DATABASE_UP: &str = "huntr_receiver_database_up";
const SPOOLED: &str = "huntr_receiver_spooled_total";
const SPOOL_EVENTS: &str = "huntr_receiver_spool_events";
const SPOOL_REFUSED: &str = "huntr_receiver_spool_refused_events";
const SPOOL_BYTES: &str = "huntr_receiver_spool_bytes";
const DELIVERIES: &str = "huntr_receiver_deliveries_total";
const DELIVERY: &str = "huntr_receiver_delivery_seconds";
const PENDING: &str = "huntr_receiver_deliveries_pending";
const OLDEST_PENDING: &str = "huntr_receiver_deliveries_oldest_pending_seconds";
const BREAKER_OPEN: &str = "huntr_receiver_sink_breaker_open";

const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
const DELIVERY_SECONDS: [f64; 10] = [0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 10.0, 60.0, 600.0, 3600.0];
const EVENTS: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 250.0, 500.0];

/// Starts collecting, for the whole process.
///
/// # Errors
///
/// When a collector is installed already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let seconds = |name: &str| Matcher::Full(name.to_owned());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds(ACKNOWLEDGE), &SECONDS)?
        .set_buckets_for_metric(seconds(COMMIT), &SECONDS)?
        .set_buckets_for_metric(seconds(BATCH_EVENTS), &EVENTS)?
        .set_buckets_for_metric(seconds(DELIVERY), &DELIVERY_SECONDS)?
        .install_recorder()?;
    describe_counter!(
        REQUESTS,
        "Requests to a webhook URL, by source and outcome."
    );
    describe_counter!(REFUSALS, "Refused requests, by source and diagnosis.");
    describe_counter!(
        NOT_KEPT,
        "Requests with a wrong signature or key that were too many to be kept aside, by source."
    );
    describe_gauge!(
        LAST_EVENT,
        "Unix time of the last authentic delivery, by source."
    );
    describe_counter!(PANICS, "Requests whose handler panicked.");
    describe_counter!(
        CONNECTIONS_CLOSED,
        "Connections that were closed because of a limit, by reason."
    );
    describe_histogram!(
        ACKNOWLEDGE,
        "Seconds from the end of a request's headers to its 200."
    );
    describe_histogram!(BATCH_EVENTS, "Events committed in one transaction.");
    describe_histogram!(
        COMMIT,
        "Seconds a batch took to commit, its retries included."
    );
    describe_counter!(COMMIT_FAILURES, "Batches the database did not take.");
    describe_gauge!(
        DATABASE_UP,
        "1 while deliveries go to the database, 0 while they wait in the spool."
    );
    describe_counter!(
        SPOOLED,
        "Deliveries that were acknowledged out of the spool."
    );
    describe_gauge!(
        SPOOL_EVENTS,
        "Deliveries in the spool that wait for the database."
    );
    describe_gauge!(
        SPOOL_REFUSED,
        "Deliveries in the spool that the database has refused."
    );
    describe_gauge!(
        SPOOL_BYTES,
        "Bytes that the deliveries in the spool take on the disk."
    );
    describe_counter!(
        DELIVERIES,
        "Attempts to deliver, by sink and outcome; and deliveries that `when` has declined."
    );
    describe_histogram!(
        DELIVERY,
        "Seconds from an event's arrival until the sink had it, by sink."
    );
    describe_gauge!(
        PENDING,
        "Deliveries still to be made, by sink, also of sinks that are no longer configured."
    );
    describe_gauge!(
        OLDEST_PENDING,
        "Age of the oldest delivery still to be made, by sink."
    );
    describe_gauge!(
        BREAKER_OPEN,
        "1 while the sink counts as down and is only probed, by sink."
    );
    counter!(PANICS).absolute(0);
    counter!(COMMIT_FAILURES).absolute(0);
    counter!(SPOOLED).absolute(0);
    database_up(false);
    Ok(handle)
}

/// What is counted for one source. Looked up once, because a lookup costs more than the counting.
pub struct SourceMetrics {
    stored: Counter,
    duplicate: Counter,
    spooled: Counter,
    declined: Tally,
    acknowledge: Histogram,
    last_event: Gauge,
}

impl SourceMetrics {
    /// Those of the source with this name. Only after [`install`], or they count for nobody.
    #[must_use]
    pub fn of(source: &str) -> Self {
        let source = source.to_owned();
        Self {
            stored: counter!(REQUESTS, "source" => source.clone(), "outcome" => "stored"),
            duplicate: counter!(REQUESTS, "source" => source.clone(), "outcome" => "duplicate"),
            spooled: counter!(REQUESTS, "source" => source.clone(), "outcome" => "spooled"),
            declined: Tally::new(REQUESTS, &source, "outcome"),
            acknowledge: histogram!(ACKNOWLEDGE, "source" => source.clone()),
            last_event: gauge!(LAST_EVENT, "source" => source),
        }
    }

    /// A new event, which arrived at this Unix time, got its 200.
    pub(crate) fn stored(&self, received_at: i64, after: Duration) {
        self.stored.increment(1);
        self.acknowledged(received_at, after);
    }

    /// An event that was there before got its 200.
    pub(crate) fn duplicate(&self, received_at: i64, after: Duration) {
        self.duplicate.increment(1);
        self.acknowledged(received_at, after);
    }

    /// An event that waits in the spool got its 200.
    pub(crate) fn spooled(&self, received_at: i64, after: Duration) {
        self.spooled.increment(1);
        self.acknowledged(received_at, after);
    }

    /// A request got no 200.
    pub(crate) fn declined(&self, outcome: &'static str) {
        self.declined.count(outcome);
    }

    fn acknowledged(&self, received_at: i64, after: Duration) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds are far fewer than 2^52"
        )]
        let seconds = received_at as f64;
        self.last_event.set(seconds);
        self.acknowledge.record(after);
    }
}

/// Why the requests of one source are refused.
pub(crate) struct RefusalMetrics {
    refused: Tally,
    not_kept: Counter,
}

impl RefusalMetrics {
    /// Those of the source with this name. Only after [`install`], or they count for nobody.
    pub(crate) fn of(source: &str) -> Self {
        Self {
            refused: Tally::new(REFUSALS, source, "reason"),
            not_kept: counter!(NOT_KEPT, "source" => source.to_owned()),
        }
    }

    /// A request was refused.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.count(reason);
    }

    /// A request with a wrong signature or key was not kept aside.
    pub(crate) fn not_kept(&self) {
        self.not_kept.increment(1);
    }
}

/// Why connections are closed, on all listeners together.
pub(crate) struct ConnectionMetrics {
    evicted: Counter,
    slow_headers: Counter,
    idle: Counter,
    unread: Counter,
}

impl ConnectionMetrics {
    /// Only after [`install`], or they count for nobody.
    pub(crate) fn new() -> Self {
        let reason = |reason: &'static str| counter!(CONNECTIONS_CLOSED, "reason" => reason);
        Self {
            evicted: reason("no_place"),
            slow_headers: reason("slow_headers"),
            idle: reason("idle"),
            unread: reason("unread"),
        }
    }

    /// A connection made room for another one.
    pub(crate) fn evicted(&self) {
        self.evicted.increment(1);
    }

    /// The headers of a request did not come.
    pub(crate) fn slow_headers(&self) {
        self.slow_headers.increment(1);
    }

    /// There was no further request.
    pub(crate) fn idle(&self) {
        self.idle.increment(1);
    }

    /// The answers were not read.
    pub(crate) fn unread(&self) {
        self.unread.increment(1);
    }
}

/// What is counted for every delivery to one sink.
pub(crate) struct SinkMetrics {
    delivered: Counter,
    failed: Counter,
    rejected: Counter,
    cancelled: Counter,
    seconds: Histogram,
    breaker_open: Gauge,
}

impl SinkMetrics {
    /// Those of the sink with this name. Only after [`install`], or they count for nobody.
    pub(crate) fn of(sink: &str) -> Self {
        let sink = sink.to_owned();
        let outcome = |outcome: &'static str| counter!(DELIVERIES, "sink" => sink.clone(), "outcome" => outcome);
        Self {
            delivered: outcome("delivered"),
            failed: outcome("failed"),
            rejected: outcome("rejected"),
            cancelled: outcome("cancelled"),
            seconds: histogram!(DELIVERY, "sink" => sink.clone()),
            breaker_open: gauge!(BREAKER_OPEN, "sink" => sink.clone()),
        }
    }

    /// The sink has an event, so long after it arrived.
    pub(crate) fn delivered(&self, after: Duration) {
        self.delivered.increment(1);
        self.seconds.record(after);
    }

    /// An attempt failed, and there may be another.
    pub(crate) fn failed(&self) {
        self.failed.increment(1);
    }

    /// An attempt failed for good.
    pub(crate) fn rejected(&self) {
        self.rejected.increment(1);
    }

    /// The sink did not want an event.
    pub(crate) fn cancelled(&self) {
        self.cancelled.increment(1);
    }

    /// The sink counts as down, or works again.
    pub(crate) fn breaker_open(&self, open: bool) {
        self.breaker_open.set(if open { 1.0 } else { 0.0 });
    }
}

/// So many deliveries to a sink are pending, the oldest for so long.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
pub(crate) fn pending(sink: &str, count: u64, oldest: Duration) {
    gauge!(PENDING, "sink" => sink.to_owned()).set(count as f64);
    gauge!(OLDEST_PENDING, "sink" => sink.to_owned()).set(oldest.as_secs_f64());
}

/// A handler panicked.
pub(crate) fn panicked() {
    counter!(PANICS).increment(1);
}

/// A batch was formed.
#[expect(
    clippy::cast_precision_loss,
    reason = "a batch is far smaller than 2^52"
)]
pub(crate) fn batch_size(events: usize) {
    histogram!(BATCH_EVENTS).record(events as f64);
}

/// A batch was committed.
pub(crate) fn commit_seconds(after: Duration) {
    histogram!(COMMIT).record(after);
}

/// A batch was not committed.
pub(crate) fn commit_failed() {
    counter!(COMMIT_FAILURES).increment(1);
}

/// The database takes events, or takes none.
pub(crate) fn database_up(up: bool) {
    gauge!(DATABASE_UP).set(if up { 1.0 } else { 0.0 });
}

/// So many deliveries are durable in the spool.
pub(crate) fn spooled(events: usize) {
    counter!(SPOOLED).increment(events as u64);
}

/// How full the spool is.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
pub(crate) fn spool_usage(waiting: u64, refused: u64, bytes: u64) {
    gauge!(SPOOL_EVENTS).set(waiting as f64);
    gauge!(SPOOL_REFUSED).set(refused as f64);
    gauge!(SPOOL_BYTES).set(bytes as f64);
}
