//! `POST /webhooks/{source}`: authentic, durable, 200. Understanding comes later.
//!
//! The order of the checks: path, method, credential's presence and form, encoding, declared length,
//! body, credential. Up to the body nothing is read of it.

use std::{sync::Arc, time::Instant};

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
    error::HttpError,
};
use crate::{
    deliveries::Routes,
    domain::{Clock, EventId, Insertion, Origin},
    intake::{Intake, RefusalLog, Refused, Why},
    metrics,
    providers::{Source, Sources},
};

/// What it takes to receive.
pub struct Receiver {
    /// The configured senders.
    pub sources: Arc<Sources>,
    /// Which sinks want what.
    pub routes: Routes,
    /// The way into the database.
    pub intake: Intake,
    /// Where refused requests are handed over.
    pub refusals: RefusalLog,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What a request may take.
    pub limits: RequestLimits,
    /// The tasks that a shutdown waits for.
    pub tasks: TaskTracker,
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
}

/// Handles every request under `/webhooks/`.
pub(super) async fn receive(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let Some(source) = receiver.source(&parts) else {
        return receiver.decline(&parts, body, HttpError::NotFound);
    };
    let started = Instant::now();
    match receiver.accept(source, &parts, &mut body).await {
        Ok(answer) => {
            metrics::requested(source.name(), answer.outcome());
            metrics::acknowledged(source.name(), started.elapsed());
            Json(answer).into_response()
        }
        Err(error) => {
            metrics::requested(source.name(), error.code());
            receiver.decline(&parts, body, error)
        }
    }
}

impl Receiver {
    fn source(&self, parts: &Parts) -> Option<&Source> {
        self.sources
            .get(parts.uri.path().strip_prefix("/webhooks/")?)
    }

    async fn accept(
        &self,
        source: &Source,
        parts: &Parts,
        body: &mut Body,
    ) -> Result<Answer, HttpError> {
        let received_at = self.clock.now();
        let refuse = |why| {
            let source = source.name().clone();
            self.refusals.record(Refused {
                source,
                received_at,
                why,
            });
        };
        let not_taken = |error: HttpError| {
            refuse(Why::NotTaken {
                code: error.code(),
                remedy: error.remedy(),
            });
            error
        };

        if parts.method != Method::POST {
            return Err(HttpError::MethodNotAllowed);
        }
        let credential = source
            .provider()
            .credential(&parts.headers)
            .map_err(|refusal| {
                refuse(Why::Malformed(refusal));
                HttpError::Unauthorized
            })?;
        self.check_size(parts, body).map_err(not_taken)?;
        let mut memory = self.intake.buffer().reservation();
        let bytes = body::read(body, self.limits, &mut memory)
            .await
            .map_err(not_taken)?;

        let verified = match source.provider().verify(credential, bytes) {
            Ok(verified) => verified,
            Err(request) => {
                let headers = source
                    .provider()
                    .keep_headers(&request.credential, &parts.headers);
                refuse(Why::Unverified {
                    request,
                    headers,
                    memory,
                });
                return Err(HttpError::Unauthorized);
            }
        };
        let mut event = source.event(verified, received_at, Origin::Webhook);
        event.sinks = self.routes.wanted_by(event.event_type.as_deref());
        let problem = event.problem.clone();
        let insertion = self.intake.submit(event, memory).await;
        match insertion.map_err(|error| not_taken(error.into()))? {
            Insertion::Stored(event) => Ok(Answer::Stored { event, problem }),
            Insertion::Duplicate(event) => Ok(Answer::Duplicate { event }),
        }
    }

    fn check_size(&self, parts: &Parts, body: &Body) -> Result<(), HttpError> {
        if is_encoded(&parts.headers) {
            return Err(HttpError::UnsupportedEncoding);
        }
        if body.size_hint().lower() > self.limits.max_body as u64 {
            return Err(HttpError::TooLarge);
        }
        Ok(())
    }

    /// Answers at once, and reads on for a while if the sender is still sending.
    fn decline(&self, parts: &Parts, body: Body, error: HttpError) -> Response {
        let expects_continue = parts.headers.contains_key(EXPECT);
        if error != HttpError::Timeout && wants_draining(&body, expects_continue) {
            self.tasks.spawn(body::drain(body));
        }
        let mut response = error.into_response();
        if error == HttpError::MethodNotAllowed {
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

impl Answer {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Stored { .. } => "stored",
            Self::Duplicate { .. } => "duplicate",
        }
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
