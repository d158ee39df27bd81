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
use tracing::warn;

use crate::{
    intake::{Gate, Trouble},
    spool::Spool,
    store::Store,
};

/// Between two probes of the database.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// A probe that takes longer has failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether deliveries can be made durable. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Readiness {
    flags: Arc<Flags>,
    gate: Gate,
    spool_trouble: Trouble,
}

#[derive(Debug, Default)]
struct Flags {
    /// What the last probe said.
    database: AtomicBool,
    draining: AtomicBool,
}

impl Readiness {
    /// As the last commits and the last probe of the database say.
    #[must_use]
    pub fn new(gate: Gate, spool_trouble: Trouble) -> Self {
        Self {
            flags: Arc::default(),
            gate,
            spool_trouble,
        }
    }

    /// From now on the load balancer should send nothing more.
    pub fn drain(&self) {
        self.flags.draining.store(true, Ordering::Relaxed);
    }

    /// Probes the store until `closing`.
    pub async fn watch(self, store: Arc<dyn Store>, spool: Arc<Spool>, closing: CancellationToken) {
        loop {
            self.probe(&*store, &spool).await;
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(PROBE_INTERVAL) => {}
            }
        }
    }

    /// Asks the store once, and logs when the answer has changed. Asks the spool, if it was in trouble.
    pub async fn probe(&self, store: &dyn Store, spool: &Spool) {
        if self.spool_trouble.is_there() && matches!(spool.has_room().await, Ok(true)) {
            self.spool_trouble.note(false);
        }
        let answer = tokio::time::timeout(PROBE_TIMEOUT, store.ping()).await;
        let up = matches!(answer, Ok(Ok(())));
        let was_up = self.flags.database.swap(up, Ordering::Relaxed);
        match answer {
            Ok(Err(error)) if was_up => warn!(?error, "the database is not ready"),
            Err(_) if was_up => warn!("the database is not ready: it does not answer"),
            _ => {}
        }
    }

    /// What the store says of itself is not enough: on a full disk it answers, and commits nothing.
    fn database_is_up(&self) -> bool {
        self.gate.is_open() && self.flags.database.load(Ordering::Relaxed)
    }
}

/// `GET /live`.
pub(super) async fn live() -> Response {
    Json(json!({ "status": "live" })).into_response()
}

/// `GET /ready`.
pub(super) async fn ready(State(readiness): State<Readiness>) -> Response {
    let database = readiness.database_is_up();
    let spool = !readiness.spool_trouble.is_there();
    let (code, status) = if readiness.flags.draining.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else if database || spool {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    let word = |up| if up { "up" } else { "down" };
    let answer = json!({ "status": status, "database": word(database), "spool": word(spool) });
    (code, Json(answer)).into_response()
}
