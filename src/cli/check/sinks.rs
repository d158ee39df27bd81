//! Whether each sink can be reached, and whether what it is to be sent can be made of the samples.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::Finding;
use crate::{
    config::Config,
    deliveries::{Renderer, Routes, payload},
    domain::{Clock, EventRecord, Name, SystemClock},
    providers::{Sources, sample_event},
    sinks::{self, SinkError},
    store::Store,
};

/// A line for each sink, and one more for each that has samples it cannot be sent.
pub(super) async fn check(config: &Config, sources: &Sources) -> Vec<Finding> {
    let routes = config.routes();
    let checks = config.sinks.iter().map(async |(name, sink)| {
        let mut findings = vec![reach(name, sink).await];
        findings.extend(unknown_types(name, sink, sources));
        findings.extend(try_samples(name, sink, &routes, sources));
        findings
    });
    join_all(checks).await.concat()
}

async fn reach(name: &Name, config: &sinks::Config) -> Finding {
    let what = format!("sinks.{name}");
    let reached = async {
        let sink = config.build()?;
        let limit = config.common.timeout;
        let checked = tokio::time::timeout(limit, sink.check()).await;
        checked.unwrap_or_else(|_| {
            let limit = humantime::format_duration(limit);
            Err(SinkError::retry(format!("no answer within {limit}")))
        })
    };
    match reached.await {
        Ok(detail) => Finding::new(what, true, detail),
        Err(error) => Finding::new(what, false, error.to_string()),
    }
}

/// Senders may come up with new types, so this is no mistake; a slip of the pen is, and would get nothing.
fn unknown_types(name: &Name, config: &sinks::Config, sources: &Sources) -> Option<Finding> {
    let known: BTreeSet<String> = samples(sources)
        .filter_map(|event| event.summary.event_type)
        .collect();
    let types = config.common.types.iter().flatten().map(String::as_str);
    let unknown: Vec<&str> = types
        .filter(|event_type| !known.contains(*event_type))
        .collect();
    if unknown.is_empty() {
        return None;
    }
    let detail = format!(
        "in no sample: {}; right if the sender has such a type, and else the sink gets nothing of it",
        unknown.join(", ")
    );
    Some(Finding::new(format!("sinks.{name}.types"), true, detail))
}

/// Tries `when` and the format on every sample that the sink would get.
fn try_samples(
    name: &Name,
    config: &sinks::Config,
    routes: &Routes,
    sources: &Sources,
) -> Vec<Finding> {
    let renderer = Renderer::new(config.format());
    let mut unanswered: BTreeMap<String, usize> = BTreeMap::new();
    let mut unrendered: BTreeMap<String, usize> = BTreeMap::new();
    for event in
        samples(sources).filter(|event| routes.wants(name, event.summary.event_type.as_deref()))
    {
        let decision = config
            .common
            .when
            .as_ref()
            .map(|when| when.decide(&event.summary, &payload(&event)));
        match decision {
            Some(Ok(false)) => continue,
            Some(Err(error)) => *unanswered.entry(error.to_string()).or_default() += 1,
            Some(Ok(true)) | None => {}
        }
        if let Err(error) = renderer.render(&event) {
            *unrendered.entry(error.to_string()).or_default() += 1;
        }
    }
    let line = |key: &str, ok, consequence: &str, (error, count): (String, usize)| {
        let detail = format!("fails on {count} of the samples, {consequence}: {error}");
        Finding::new(format!("sinks.{name}.{key}"), ok, detail)
    };
    let undecided = unanswered
        .into_iter()
        .map(|error| line("when", true, "which are delivered then", error));
    let broken = unrendered
        .into_iter()
        .map(|error| line("template", false, "which would be dead", error));
    undecided.chain(broken).collect()
}

/// Every sample of the sources, as if it had just come in.
fn samples(sources: &Sources) -> impl Iterator<Item = EventRecord> {
    sources.values().flat_map(|source| {
        let samples = source.provider().samples().iter();
        let provider = source.provider().name();
        samples.map(move |sample| sample_event(provider, sample, SystemClock.now()))
    })
}

/// Sinks that are no longer configured, and for which something is still pending.
pub(super) async fn left_over(config: &Config, store: &dyn Store) -> Vec<Finding> {
    let routes = config.routes();
    // The database has its own line.
    let pending = store.pending_deliveries().await.unwrap_or_default();
    let unknown = pending
        .into_iter()
        .filter(|pending| !routes.has(&pending.sink));
    unknown
        .map(|pending| {
            let sink = &pending.sink;
            let detail = format!(
                "is not configured, and {} deliveries to it are pending; configure it, or drop them with \
                 `huntr-receiver deliveries cancel --sink {sink}`",
                pending.count
            );
            Finding::new(format!("sinks.{sink}"), false, detail)
        })
        .collect()
}
