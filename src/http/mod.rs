//! The outside: webhooks and health on the public listener, metrics and the API's door on the admin listener.

pub mod admin;
mod body;
mod client;
mod config;
mod connection;
mod door;
mod error;
pub mod health;
mod places;
pub mod receive;
pub mod server;
mod standing;
mod watched;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{any, get},
};
use tower_http::catch_panic::CatchPanicLayer;

pub use config::{ADMIN_CONNECTIONS, Config};

use self::{health::Readiness, receive::Receiver};

/// The public listener's routes: webhooks and health, nothing else.
pub fn public(receiver: Arc<Receiver>, readiness: Readiness) -> Router {
    let health = Router::new()
        .route("/live", get(health::live))
        .route("/ready", get(health::ready))
        .with_state(readiness);
    let webhooks = Router::new()
        .route("/webhooks/{source}", any(receive::receive))
        .fallback(receive::not_found)
        .with_state(receiver);
    finish(health.merge(webhooks))
}

/// Gives every route the same errors, panics included.
fn finish(router: Router) -> Router {
    router
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(CatchPanicLayer::custom(error::panicked))
}

/// How much of its time and memory a request may take.
#[derive(Debug, Clone, Copy)]
pub struct RequestLimits {
    /// The longest body.
    pub max_body: usize,
    /// The longest time from the end of the headers to the end of the body.
    pub request_timeout: Duration,
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_and_counted_and_says_nothing() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        let _collecting = ::metrics::set_default_local_recorder(&recorder);
        let panics = Router::new().route("/", get(async || -> &'static str { panic!("a secret") }));
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = finish(panics).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 500);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(
            String::from_utf8_lossy(&body),
            r#"{"error":{"code":"internal","message":"something went wrong here"}}"#
        );
        assert!(metrics.render().contains("huntr_receiver_panics_total 1"));
    }
}
