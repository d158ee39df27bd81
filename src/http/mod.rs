//! The outside: webhooks and health on the public listener, metrics on the admin listener.

pub mod admin;
mod body;
mod config;
mod error;
pub mod health;
pub mod receive;
pub mod server;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{any, get},
};
use tower_http::catch_panic::CatchPanicLayer;

pub use config::Config;

use self::{health::Readiness, receive::Receiver};

/// The public listener's routes: webhooks and health, nothing else.
pub fn public(receiver: Arc<Receiver>, readiness: Readiness) -> Router {
    let health = Router::new()
        .route("/live", get(health::live))
        .route("/ready", get(health::ready))
        .with_state(readiness);
    let webhooks = Router::new()
        .route("/webhooks/{source}", any(receive::receive))
        .with_state(receiver);
    finish(health.merge(webhooks))
}

/// Gives every route the same errors, panics included.
fn finish(router: Router) -> Router {
    router
        .fallback(error::not_found)
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
