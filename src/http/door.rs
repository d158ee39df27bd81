//! Who may use the API: whoever has the token; where none is set, only programs of this very machine.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, Uri,
        header::{AUTHORIZATION, HOST, HeaderName, ORIGIN},
        uri::Authority,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;
use tracing::warn;

use super::error::HttpError;
use crate::{
    sampling::{Sample, Sampler},
    secret::Secret,
};

/// Lines about refusals in a second: somebody may try many tokens.
const LINES: u32 = 1;

/// Guards the API of the admin listener.
#[derive(Clone)]
pub(super) struct Door(Arc<Lock>);

struct Lock {
    /// Tokens are compared by digest, so that the time tells nothing about their length or content.
    token: Option<[u8; 32]>,
    refusals: Mutex<Sampler>,
}

impl Door {
    /// Opens to whoever has the token. The configuration requires one on every address but loopback.
    pub(super) fn new(token: Option<&Secret>) -> Self {
        Self(Arc::new(Lock {
            token: token.map(|token| Sha256::digest(token.expose()).into()),
            refusals: Mutex::new(Sampler::new(LINES)),
        }))
    }

    fn admits(&self, request: &Request) -> Result<(), HttpError> {
        match &self.0.token {
            Some(token) if presents(request.headers(), token) => Ok(()),
            Some(_) => Err(HttpError::NoToken),
            None if is_from_here(request.uri(), request.headers()) => Ok(()),
            None => Err(HttpError::Foreign),
        }
    }

    fn tell(&self, error: HttpError) {
        let refusals = self.0.refusals.lock();
        let mut refusals = refusals.unwrap_or_else(PoisonError::into_inner);
        if let Sample::Taken { held_back } = refusals.next(Instant::now()) {
            warn!(
                refusal.reason = error.code(),
                unlogged = held_back,
                "a request to the API was refused"
            );
        }
    }
}

/// Lets a request pass, or answers it.
pub(super) async fn guard(State(door): State<Door>, request: Request, next: Next) -> Response {
    match door.admits(&request) {
        Ok(()) => next.run(request).await,
        Err(error) => {
            door.tell(error);
            error.into_response()
        }
    }
}

/// Whether `Authorization: Bearer …` is there once, with the token.
fn presents(headers: &HeaderMap, token: &[u8; 32]) -> bool {
    let presented = only(headers, &AUTHORIZATION).and_then(bearer);
    presented.is_some_and(|presented| {
        let presented: [u8; 32] = Sha256::digest(presented).into();
        presented.ct_eq(token).into()
    })
}

fn bearer(credentials: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = credentials.split_at_checked(b"Bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"Bearer ")
        .then_some(token.trim_ascii())
}

/// Whether it was not a foreign web page that made a browser of this machine ask.
///
/// Such a page has a name of its own, also when that name leads to the loopback address, and browsers tell it: in
/// `Host` always, in `Origin` with everything that could change something.
fn is_from_here(uri: &Uri, headers: &HeaderMap) -> bool {
    // HTTP/2 has it in the URI.
    let host = match uri.authority() {
        Some(authority) => Some(authority.clone()),
        None => only(headers, &HOST).and_then(|host| Authority::try_from(host).ok()),
    };
    let Some(host) = host.filter(is_loopback) else {
        return false;
    };
    let own = format!("http://{host}");
    let mut origins = headers.get_all(ORIGIN).iter();
    origins.all(|origin| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes()))
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| address.is_loopback();
    // Who could be somebody else stands before an `@`.
    !authority.as_str().contains('@')
        && (host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(is_loopback))
}

/// A header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then_some(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, http::Method, middleware::from_fn_with_state, routing::any};
    use tower::ServiceExt;

    use super::*;

    async fn status(token: Option<&str>, headers: &[(&str, &str)]) -> u16 {
        let token = token.map(Secret::new);
        let router = Router::new()
            .route("/", any("in"))
            .layer(from_fn_with_state(Door::new(token.as_ref()), guard));
        let mut request = Request::builder().method(Method::POST).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        let answer = router.oneshot(request).await.expect("an answer");
        answer.status().as_u16()
    }

    #[tokio::test]
    async fn the_token_opens_and_nothing_else_does() {
        for (credentials, expected) in [
            ("Bearer open sesame", 200),
            ("bearer open sesame", 200),
            ("BEARER  open sesame", 200),
            ("Bearer open", 401),
            ("Bearer open sesame!", 401),
            ("Bearer ", 401),
            ("Bearer", 401),
            ("open sesame", 401),
            ("Basic b3BlbiBzZXNhbWU=", 401),
            ("", 401),
        ] {
            let headers = [("authorization", credentials)];
            let status = status(Some("open sesame"), &headers).await;
            assert_eq!(status, expected, "{credentials}");
        }
        assert_eq!(status(Some("open sesame"), &[]).await, 401);
        let twice = [("authorization", "Bearer open sesame"); 2];
        assert_eq!(status(Some("open sesame"), &twice).await, 401);
    }

    #[tokio::test]
    async fn whoever_has_the_token_may_come_from_anywhere() {
        let headers = [
            ("authorization", "Bearer open sesame"),
            ("host", "receiver.example.com"),
            ("origin", "https://console.example.com"),
        ];
        assert_eq!(status(Some("open sesame"), &headers).await, 200);
    }

    #[tokio::test]
    async fn without_a_token_only_this_machine_is_let_in() {
        for (host, expected) in [
            ("127.0.0.1:9090", 200),
            ("127.8.9.10", 200),
            ("localhost:9090", 200),
            ("LocalHost", 200),
            ("[::1]:9090", 200),
            ("receiver.example.com", 403),
            ("127.0.0.1.example.com:9090", 403),
            ("localhost.example.com", 403),
            ("localhost@example.com", 403),
            ("example.com@localhost", 403),
            ("10.0.0.1:9090", 403),
            ("0.0.0.0:9090", 403),
            ("", 403),
        ] {
            assert_eq!(status(None, &[("host", host)]).await, expected, "{host}");
        }
        assert_eq!(status(None, &[]).await, 403);
        assert_eq!(status(None, &[("host", "localhost"); 2]).await, 403);
    }

    #[tokio::test]
    async fn without_a_token_a_page_of_another_origin_is_not_let_in() {
        for (origin, expected) in [
            ("http://localhost:9090", 200),
            ("http://localhost:8000", 403),
            ("https://localhost:9090", 403),
            ("https://example.com", 403),
            ("null", 403),
        ] {
            let headers = [("host", "localhost:9090"), ("origin", origin)];
            assert_eq!(status(None, &headers).await, expected, "{origin}");
        }
    }
}
