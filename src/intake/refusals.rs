//! What becomes of a refused request: counted and logged at once, and kept aside if it may be authentic after all.
//!
//! Each source has a queue and a keeper of its own, so that a flood on one costs another nothing.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use bytesize::ByteSize;
use tokio::{sync::mpsc, time::Instant};

use super::{
    Buffer, Reservation,
    keeper::{Keeper, KeptAside},
    report::Report,
};
use crate::{
    domain::{Clock, Name, Timestamp},
    providers::{Headers, Refusal, Sources, Unverified},
    sampling::{Sample, Sampler},
    store::{RejectedBudget, Store},
};

/// Requests of a source that may wait to be kept aside.
const MAX_WAITING: usize = 4096;
/// And the bytes of their bodies, over all sources: apart from the memory of what is still arriving.
const MAX_WAITING_SIZE: ByteSize = ByteSize::mib(16);
/// More in a second than this are neither diagnosed nor logged one by one.
const SAMPLES_PER_SECOND: u32 = 20;

/// A refused request.
#[derive(Debug)]
pub struct Refused<'a> {
    /// Where it was posted to.
    pub source: &'a Name,
    /// When.
    pub received_at: Timestamp,
    /// Why.
    pub why: Why,
}

/// Why a request was refused.
#[derive(Debug)]
pub enum Why {
    /// It came from an address that may not post.
    NotAllowed {
        /// That address.
        client: IpAddr,
    },
    /// Its credential is missing or has the wrong form.
    Malformed(Refusal),
    /// Its credential has the right form and matches no secret.
    Unverified {
        /// The credential and the body.
        request: Unverified,
        /// The headers worth keeping.
        headers: Headers,
    },
    /// It did not come so far as to be verified, or was authentic and could not be stored.
    NotTaken {
        /// The error's code.
        code: &'static str,
        /// What the reader of the log can do about it.
        remedy: &'static str,
    },
}

/// Where refused requests are handed over. Never waits.
pub struct RefusalLog {
    sources: BTreeMap<Name, Entry>,
    memory: Buffer,
}

/// What is known of one source's refused requests.
struct Entry {
    sampler: Mutex<Sampler>,
    report: Report,
    keeper: mpsc::Sender<KeptAside>,
}

impl RefusalLog {
    /// A log, and a keeper for each source.
    #[must_use]
    pub fn new(
        sources: &Arc<Sources>,
        store: &Arc<dyn Store>,
        budget: &RejectedBudget,
        clock: &Arc<dyn Clock>,
    ) -> (Self, Vec<Keeper>) {
        let mut keepers = Vec::new();
        let entry = |name: &Name| {
            let (sender, queue) = mpsc::channel(MAX_WAITING);
            let report = Report::of(name);
            keepers.push(Keeper::new(
                report.clone(),
                queue,
                Arc::clone(sources),
                Arc::clone(store),
                budget.clone(),
                Arc::clone(clock),
            ));
            let entry = Entry {
                sampler: Mutex::new(Sampler::new(SAMPLES_PER_SECOND)),
                report,
                keeper: sender,
            };
            (name.clone(), entry)
        };
        let log = Self {
            sources: sources.keys().map(entry).collect(),
            memory: Buffer::new(MAX_WAITING_SIZE, ByteSize::b(0)),
        };
        (log, keepers)
    }

    /// Counts a refused request, and logs it or hands it to its keeper.
    pub fn record(&self, refused: Refused<'_>) {
        let Refused {
            source,
            received_at,
            why,
        } = refused;
        let Some(entry) = self.sources.get(source) else {
            return;
        };
        let sample = entry.sample();
        let report = &entry.report;
        match why {
            Why::NotAllowed { client } => report.not_allowed(client, sample),
            Why::Malformed(refusal) => report.refused(refusal.as_str(), refusal.remedy(), sample),
            Why::NotTaken { code, remedy } => report.refused(code, remedy, sample),
            Why::Unverified { request, headers } => {
                let mut memory = self.memory.reservation();
                let kept = memory.cover_now(request.body.len())
                    && entry.keep(request, headers, received_at, memory, sample);
                if !kept {
                    report.not_kept(sample);
                }
            }
        }
    }
}

impl Entry {
    fn sample(&self) -> Sample {
        let mut sampler = self.sampler.lock().unwrap_or_else(PoisonError::into_inner);
        sampler.next(Instant::now())
    }

    fn keep(
        &self,
        request: Unverified,
        headers: Headers,
        received_at: Timestamp,
        memory: Reservation,
        sample: Sample,
    ) -> bool {
        let kept_aside = KeptAside {
            request,
            headers,
            received_at,
            memory,
            sample,
        };
        self.keeper.try_send(kept_aside).is_ok()
    }
}
