//! The admin listener's routes.

use axum::{
    Router,
    extract::State,
    http::header::CONTENT_TYPE,
    middleware::from_fn_with_state,
    response::IntoResponse,
    routing::{any, get},
};
use metrics_exporter_prometheus::PrometheusHandle;

use super::{
    door::{self, Door},
    error::not_found,
};
use crate::secret::Secret;

/// The routes of the admin listener: metrics for everybody, the API for whoever has the token.
pub fn admin(metrics: PrometheusHandle, token: Option<&Secret>) -> Router {
    super::finish(
        Router::new()
            .route("/metrics", get(scrape))
            .with_state(metrics)
            .merge(api(token))
            .fallback(not_found),
    )
}

/// Everything under `/api`, of which there is nothing yet. Whoever may not enter does not learn what is there.
fn api(token: Option<&Secret>) -> Router {
    Router::new()
        .route("/api", any(not_found))
        .route("/api/", any(not_found))
        .route("/api/{*path}", any(not_found))
        .layer(from_fn_with_state(Door::new(token), door::guard))
}

/// `GET /metrics`, in the Prometheus text format.
async fn scrape(State(metrics): State<PrometheusHandle>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4")],
        metrics.render(),
    )
}
