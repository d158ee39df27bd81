//! The only place that knows the status of an error. What is answered tells nothing of the cause.

use std::any::Any;

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use tracing::error;

use crate::{intake::IntakeError, metrics};

/// Seconds after which a sender may try again. Short: the vendors' own patience is unknown.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Why a request gets no 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HttpError {
    NotFound,
    MethodNotAllowed,
    Unauthorized,
    NoToken,
    Foreign,
    UnsupportedEncoding,
    TooLarge,
    Timeout,
    Incomplete,
    NoRoom,
    TooMany,
    Unavailable,
    Internal,
}

/// An error as it is answered. Written out beforehand: a flood of strangers is answered with little more than this.
struct Answer {
    status: StatusCode,
    code: &'static str,
    body: &'static str,
}

macro_rules! answer {
    ($status:ident, $code:literal, $message:literal) => {
        Answer {
            status: StatusCode::$status,
            code: $code,
            body: concat!(
                r#"{"error":{"code":""#,
                $code,
                r#"","message":""#,
                $message,
                r#""}}"#
            ),
        }
    };
}

impl HttpError {
    const fn answer(self) -> Answer {
        match self {
            Self::NotFound => answer!(NOT_FOUND, "not_found", "there is nothing at this path"),
            Self::MethodNotAllowed => answer!(
                METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this path does not know this method"
            ),
            Self::Unauthorized => {
                answer!(UNAUTHORIZED, "unauthorized", "the request is not authentic")
            }
            Self::NoToken => answer!(
                UNAUTHORIZED,
                "unauthorized",
                "the token is missing or wrong, send it as Authorization: Bearer"
            ),
            Self::Foreign => answer!(
                FORBIDDEN,
                "forbidden",
                "without a token only programs of this machine may ask, by its own name or address"
            ),
            Self::UnsupportedEncoding => answer!(
                UNSUPPORTED_MEDIA_TYPE,
                "unsupported_encoding",
                "the content encoding is not supported, send the body as it is"
            ),
            Self::TooLarge => answer!(PAYLOAD_TOO_LARGE, "too_large", "the body is too large"),
            Self::Timeout => answer!(
                REQUEST_TIMEOUT,
                "timeout",
                "the body did not arrive in time"
            ),
            Self::Incomplete => answer!(BAD_REQUEST, "incomplete", "the body did not arrive whole"),
            Self::NoRoom | Self::Unavailable => answer!(
                SERVICE_UNAVAILABLE,
                "unavailable",
                "the receiver cannot store this now, try again"
            ),
            Self::TooMany => answer!(
                SERVICE_UNAVAILABLE,
                "rate_limited",
                "there are too many deliveries to this source now, try again"
            ),
            Self::Internal => answer!(
                INTERNAL_SERVER_ERROR,
                "internal",
                "something went wrong here"
            ),
        }
    }

    /// A stable word, for the answer, the log and the metrics.
    pub(super) const fn code(self) -> &'static str {
        self.answer().code
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
            Self::NoRoom => {
                "bodies take up all of intake.max_buffer: those that come slowly make room for others; raise it if long ones are expected"
            }
            Self::TooMany => {
                "the source sends more than its rate_limit: raise it if that is expected"
            }
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
        let Answer { status, body, .. } = self.answer();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, JSON);
        match self {
            Self::NoRoom | Self::TooMany | Self::Unavailable => {
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
