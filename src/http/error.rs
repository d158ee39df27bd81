//! The only place that knows the status of an error. What is answered tells nothing of the cause.

use std::any::Any;

use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tracing::error;

use crate::{intake::IntakeError, metrics};

/// Seconds after which a sender may try again. Short: the vendors' own patience is unknown.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// Why a request gets no 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum HttpError {
    #[error("there is nothing at this path")]
    NotFound,
    #[error("this path does not know this method")]
    MethodNotAllowed,
    #[error("the request is not authentic")]
    Unauthorized,
    #[error("the token is missing or wrong, send it as Authorization: Bearer")]
    NoToken,
    #[error("without a token only programs of this machine may ask, by its own name or address")]
    Foreign,
    #[error("the content encoding is not supported, send the body as it is")]
    UnsupportedEncoding,
    #[error("the body is too large")]
    TooLarge,
    #[error("the body did not arrive in time")]
    Timeout,
    #[error("the body did not arrive whole")]
    Incomplete,
    #[error("the receiver cannot store this now, try again")]
    Unavailable,
    #[error("something went wrong here")]
    Internal,
}

impl HttpError {
    /// A stable word, for the answer, the log and the metrics.
    pub(super) const fn code(self) -> &'static str {
        self.parts().1
    }

    /// What the operator can do about it, for the log.
    pub(super) const fn remedy(self) -> &'static str {
        match self {
            Self::UnsupportedEncoding => {
                "a proxy compresses the body: make it pass the body through untouched"
            }
            Self::TooLarge => "raise server.max_body if such bodies are expected",
            Self::Timeout => {
                "the sender or a proxy is too slow: raise server.request_timeout if that is expected"
            }
            Self::Incomplete => "the connection broke: the sender gave up, or a proxy did",
            Self::Unavailable => {
                "neither the database nor the spool takes it: an error near this line says why"
            }
            Self::NotFound
            | Self::MethodNotAllowed
            | Self::Unauthorized
            | Self::NoToken
            | Self::Foreign
            | Self::Internal => "",
        }
    }

    const fn parts(self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Unauthorized | Self::NoToken => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Foreign => (StatusCode::FORBIDDEN, "forbidden"),
            Self::UnsupportedEncoding => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::Timeout => (StatusCode::REQUEST_TIMEOUT, "timeout"),
            Self::Incomplete => (StatusCode::BAD_REQUEST, "incomplete"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

impl From<IntakeError> for HttpError {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::Full | IntakeError::Slow | IntakeError::Unavailable => Self::Unavailable,
        }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Answer {
            error: Description,
        }
        #[derive(Serialize)]
        struct Description {
            code: &'static str,
            message: String,
        }
        let (status, code) = self.parts();
        let message = self.to_string();
        let mut response = (
            status,
            Json(Answer {
                error: Description { code, message },
            }),
        )
            .into_response();
        let headers = response.headers_mut();
        match self {
            Self::Unavailable => {
                headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
            }
            Self::NoToken => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Timeout | Self::Incomplete => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

pub(super) async fn not_found() -> Response {
    HttpError::NotFound.into_response()
}

/// axum adds the `Allow` header.
pub(super) async fn method_not_allowed() -> Response {
    HttpError::MethodNotAllowed.into_response()
}

/// A handler panicked. The panic's own text may quote a body, so it goes nowhere.
pub(super) fn panicked(_panic: Box<dyn Any + Send + 'static>) -> Response {
    metrics::panicked();
    error!("a request handler panicked");
    HttpError::Internal.into_response()
}
