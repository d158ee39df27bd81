//! Liveness, which touches nothing, and readiness, which reads what a background probe last saw.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{intake::Commits, store::Store};

/// Between two probes of the database.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// A probe that takes longer has failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether deliveries can be made durable. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    database: AtomicBool,
    draining: AtomicBool,
}

impl Readiness {
    /// From now on the load balancer should send nothing more.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Probes the store until `closing`.
    pub async fn watch(self, store: Arc<dyn Store>, commits: Commits, closing: CancellationToken) {
        loop {
            self.probe(&*store, &commits).await;
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(PROBE_INTERVAL) => {}
            }
        }
    }

    /// Asks the store once, and logs when the answer has changed. What the store says of itself is not
    /// enough: on a full disk it answers, and commits nothing.
    pub async fn probe(&self, store: &dyn Store, commits: &Commits) {
        let answer = tokio::time::timeout(PROBE_TIMEOUT, store.ping()).await;
        let up = matches!(answer, Ok(Ok(()))) && !commits.are_failing();
        let was_up = self.0.database.swap(up, Ordering::Relaxed);
        match answer {
            Ok(Ok(())) if up && !was_up => info!("the database takes deliveries"),
            Ok(Ok(())) if !up && was_up => warn!("the database takes no deliveries: commits fail"),
            Ok(Err(error)) if was_up => {
                warn!(?error, "the database takes no deliveries");
            }
            Err(_) if was_up => warn!("the database takes no deliveries: it does not answer"),
            _ => {}
        }
    }
}

/// `GET /live`.
pub(super) async fn live() -> Response {
    Json(json!({ "status": "live" })).into_response()
}

/// `GET /ready`.
pub(super) async fn ready(State(readiness): State<Readiness>) -> Response {
    let database = readiness.0.database.load(Ordering::Relaxed);
    let draining = readiness.0.draining.load(Ordering::Relaxed);
    let (code, status) = match (draining, database) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
        (false, true) => (StatusCode::OK, "ready"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    let database = if database { "up" } else { "down" };
    (
        code,
        Json(json!({ "status": status, "database": database })),
    )
        .into_response()
}
