//! Fills tables aside on a connection of its own, while others are filled beside them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::{Connection, PgConnection};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::domain::{EventId, Key, Row, Table};

/// How far something is: the last event, and how many there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reached {
    pub(super) last: EventId,
    pub(super) events: u64,
}

/// What some events say of some tables.
pub(super) type Page = Vec<(&'static Table, BTreeMap<Key, Row>)>;

/// How a lane fills its tables.
#[async_trait]
pub(super) trait Filling: Send + 'static {
    /// Takes what some events say, and tells whether everything that was taken is written.
    async fn take(&mut self, connection: &mut PgConnection, page: Page) -> sqlx::Result<bool>;

    /// Writes what is not written yet.
    async fn end(&mut self, connection: &mut PgConnection) -> sqlx::Result<()>;
}

/// Takes what events say, in their order.
pub(super) struct Lane {
    waiting: mpsc::Sender<(Page, Reached)>,
    written: watch::Receiver<Option<Reached>>,
    /// One task, which ends with this.
    task: JoinSet<sqlx::Result<()>>,
}

impl Lane {
    /// Begins, and lets so many pages wait.
    pub(super) fn start(connection: PgConnection, filling: impl Filling, most: usize) -> Self {
        let (waiting, pages) = mpsc::channel(most);
        let (done, written) = watch::channel(None);
        let mut task = JoinSet::new();
        task.spawn(fill(connection, filling, pages, done));
        Self {
            waiting,
            written,
            task,
        }
    }

    /// Hands over a page. An error may be that of an earlier one.
    pub(super) async fn put(&mut self, page: Page, reached: Reached) -> sqlx::Result<()> {
        if self.waiting.send((page, reached)).await.is_ok() {
            return Ok(());
        }
        ended(&mut self.task).await
    }

    /// Up to where everything is written; nothing before the first time.
    pub(super) fn written(&self) -> Option<Reached> {
        *self.written.borrow()
    }

    /// Waits until everything is written.
    pub(super) async fn finish(self) -> sqlx::Result<()> {
        let Self {
            waiting, mut task, ..
        } = self;
        drop(waiting);
        ended(&mut task).await
    }
}

async fn ended(task: &mut JoinSet<sqlx::Result<()>>) -> sqlx::Result<()> {
    match task.join_next().await {
        Some(Ok(ended)) => ended,
        _ => Err(sqlx::Error::WorkerCrashed),
    }
}

async fn fill(
    mut connection: PgConnection,
    mut filling: impl Filling,
    mut pages: mpsc::Receiver<(Page, Reached)>,
    done: watch::Sender<Option<Reached>>,
) -> sqlx::Result<()> {
    while let Some((page, reached)) = pages.recv().await {
        if filling.take(&mut connection, page).await? {
            done.send_replace(Some(reached));
        }
    }
    filling.end(&mut connection).await?;
    connection.close().await
}
