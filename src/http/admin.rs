//! The admin listener's routes.

use axum::{
    Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;

/// The routes of the admin listener.
pub fn admin(metrics: PrometheusHandle) -> Router {
    super::finish(
        Router::new()
            .route("/metrics", get(scrape))
            .fallback(super::error::not_found)
            .with_state(metrics),
    )
}

/// `GET /metrics`, in the Prometheus text format.
async fn scrape(State(metrics): State<PrometheusHandle>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4")],
        metrics.render(),
    )
}
