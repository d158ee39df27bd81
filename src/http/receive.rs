//! `POST /webhooks/{source}`: authentic, durable, 200. Understanding comes later.
//!
//! The order of the checks: path, method, client's address, credential's presence and form, encoding, declared length,
//! body, credential. Up to the body nothing is read of it.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method,
        header::{ALLOW, CONTENT_ENCODING, EXPECT},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use hyper::body::Body as _;
use serde::Serialize;
use tokio_util::task::TaskTracker;

use super::{
    RequestLimits,
    body::{self, wants_draining},
    client,
    connection::Peer,
    error::HttpError,
};
use crate::{
    domain::{Clock, EventId, Insertion, Name, Origin, Timestamp},
    intake::{Acknowledgement, Intake, RefusalLog, Refused, Reservation, Why},
    metrics::SourceMetrics,
    networks::Networks,
    providers::{Credential, Source, Sources, Verified},
};

/// What it takes to receive.
pub struct Receiver {
    /// The configured senders.
    pub sources: Arc<Sources>,
    /// What is counted for each of them.
    pub metrics: BTreeMap<Name, SourceMetrics>,
    /// The way into the database.
    pub intake: Intake,
    /// Where refused requests are handed over.
    pub refusals: RefusalLog,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What a request may take.
    pub limits: RequestLimits,
    /// Which proxies are believed when they say who the client is.
    pub trusted_proxies: Networks,
    /// The tasks that read unwanted bodies away.
    pub drains: TaskTracker,
}

/// The answer to an authentic request.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Answer {
    Stored {
        event: EventId,
        #[serde(skip_serializing_if = "Option::is_none")]
        problem: Option<String>,
    },
    Duplicate {
        event: EventId,
    },
    Spooled {
        #[serde(skip_serializing_if = "Option::is_none")]
        problem: Option<String>,
    },
}

/// Handles every request under `/webhooks/`.
pub(super) async fn receive(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let Some(source) = receiver.source(&parts) else {
        return receiver.decline(&parts, body, HttpError::NotFound).await;
    };
    let started = Instant::now();
    let visit = Visit {
        receiver: &receiver,
        source,
        parts: &parts,
        received_at: receiver.clock.now(),
    };
    match visit.accept(&mut body).await {
        Ok(answer) => {
            receiver.count(&visit, &answer, started.elapsed());
            Json(answer).into_response()
        }
        Err(error) => {
            if let Some(metrics) = receiver.metrics.get(source.name()) {
                metrics.declined(error.code());
            }
            receiver.decline(&parts, body, error).await
        }
    }
}

/// Handles every request to no path of ours.
pub(super) async fn not_found(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    receiver.decline(&parts, body, HttpError::NotFound).await
}

impl Receiver {
    fn source(&self, parts: &Parts) -> Option<&Source> {
        self.sources
            .get(parts.uri.path().strip_prefix("/webhooks/")?)
    }

    fn count(&self, visit: &Visit<'_>, answer: &Answer, after: Duration) {
        let received_at = visit.received_at.timestamp();
        let metrics = self.metrics.get(visit.source.name());
        match (metrics, answer) {
            (Some(metrics), Answer::Stored { .. }) => metrics.stored(received_at, after),
            (Some(metrics), Answer::Duplicate { .. }) => metrics.duplicate(received_at, after),
            (Some(metrics), Answer::Spooled { .. }) => metrics.spooled(received_at, after),
            (None, _) => {}
        }
    }

    /// Answers at once, and reads on for a while if the sender is still sending.
    async fn decline(&self, parts: &Parts, mut body: Body, error: HttpError) -> Response {
        let expects_continue = parts.headers.contains_key(EXPECT);
        if error != HttpError::Timeout
            && wants_draining(&body, expects_continue)
            && !body::skim(&mut body).await
            && self.drains.len() < body::MOST_DRAINED
        {
            self.drains.spawn(body::drain(body));
        }
        let mut response = error.into_response();
        if error == HttpError::MethodNotAllowed {
            let allowed = HeaderValue::from_static("POST");
            response.headers_mut().insert(ALLOW, allowed);
        }
        response
    }
}

/// One request to a source.
struct Visit<'a> {
    receiver: &'a Receiver,
    source: &'a Source,
    parts: &'a Parts,
    received_at: Timestamp,
}

impl Visit<'_> {
    async fn accept(&self, body: &mut Body) -> Result<Answer, HttpError> {
        let credential = self.look_at_headers(body)?;
        let mut memory = self.receiver.intake.buffer().reservation();
        let bytes = body::read(body, self.receiver.limits, &mut memory)
            .await
            .map_err(|error| self.not_taken(error))?;
        let provider = self.source.provider();
        match provider.verify(credential, bytes) {
            Ok(verified) => {
                let _under_way = self.peer().map(Peer::delivery);
                self.store(verified, memory).await
            }
            Err(request) => {
                let headers = provider.keep_headers(&request.credential, &self.parts.headers);
                self.refuse(Why::Unverified { request, headers });
                Err(HttpError::Unauthorized)
            }
        }
    }

    /// All that can be said before the body is read.
    fn look_at_headers(&self, body: &Body) -> Result<Credential, HttpError> {
        let headers = &self.parts.headers;
        if self.parts.method != Method::POST {
            return Err(HttpError::MethodNotAllowed);
        }
        self.look_at_client()?;
        let credential = self.source.provider().credential(headers);
        let credential = credential.map_err(|refusal| {
            self.refuse(Why::Malformed(refusal));
            HttpError::Unauthorized
        })?;
        if is_encoded(headers) {
            return Err(self.not_taken(HttpError::UnsupportedEncoding));
        }
        if body.size_hint().lower() > self.receiver.limits.max_body as u64 {
            return Err(self.not_taken(HttpError::TooLarge));
        }
        Ok(credential)
    }

    /// Told from a stranger's wrong signature by nobody but the reader of the log.
    fn look_at_client(&self) -> Result<(), HttpError> {
        let Some(allowed) = self.source.allow_from() else {
            return Ok(());
        };
        let peer = self.peer().ok_or(HttpError::Internal)?;
        let trusted = &self.receiver.trusted_proxies;
        let client = client::address(peer.address, &self.parts.headers, trusted);
        if allowed.contain(client) {
            return Ok(());
        }
        self.refuse(Why::NotAllowed { client });
        Err(HttpError::Unauthorized)
    }

    async fn store(&self, verified: Verified, memory: Reservation) -> Result<Answer, HttpError> {
        if !self.source.may_send() {
            return Err(self.not_taken(HttpError::TooMany));
        }
        let event = self
            .source
            .event(verified, self.received_at, Origin::Webhook);
        let problem = event.problem.clone();
        match self.receiver.intake.submit(event, memory).await {
            Ok(Acknowledgement::Committed(Insertion::Stored(event))) => {
                Ok(Answer::Stored { event, problem })
            }
            Ok(Acknowledgement::Committed(Insertion::Duplicate(event))) => {
                Ok(Answer::Duplicate { event })
            }
            Ok(Acknowledgement::Spooled) => Ok(Answer::Spooled { problem }),
            Err(error) => Err(self.not_taken(error.into())),
        }
    }

    /// Every connection of ours adds it.
    fn peer(&self) -> Option<&Peer> {
        self.parts.extensions.get()
    }

    fn not_taken(&self, error: HttpError) -> HttpError {
        self.refuse(Why::NotTaken {
            code: error.code(),
            remedy: error.remedy(),
        });
        error
    }

    fn refuse(&self, why: Why) {
        self.receiver.refusals.record(Refused {
            source: self.source.name(),
            received_at: self.received_at,
            why,
        });
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|encoding| {
        !encoding
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"identity")
    })
}
