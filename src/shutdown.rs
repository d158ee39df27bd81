//! When to stop, as signals say it, and how tasks are told and waited for.

use anyhow::Context;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// SIGTERM and SIGINT, listened for from the moment it is made.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts listening.
    ///
    /// # Errors
    ///
    /// When the signals cannot be listened for.
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("listening for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("listening for SIGINT")?,
        })
    }

    /// Waits for the next of them.
    pub async fn next(&mut self) {
        let name = tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        };
        info!(signal = name, "stopping");
    }
}

/// Tasks that run until they are told to end, and end together.
#[derive(Debug, Default)]
pub struct Group {
    closing: CancellationToken,
    tasks: JoinSet<()>,
}

impl Group {
    /// Spawns a task that ends soon after the token is cancelled.
    pub fn spawn<F>(&mut self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task(self.closing.clone()));
    }

    /// Resolves when a task ends without having been told to: it panicked, or it is wrong.
    pub async fn ended_early(&mut self) {
        if self.tasks.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Tells the tasks to end, and waits until they have.
    pub async fn close(&mut self) {
        self.closing.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}
