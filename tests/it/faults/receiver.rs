//! Keeps the receiver running, as a service manager does, and ends it when told to.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinSet,
    time::Instant,
};

use super::chronicle::Chronicle;
use crate::support::{PATIENCE, Running, Setup};

/// What is asked of it.
#[derive(Debug, Clone, Copy)]
enum Order {
    /// `kill -9`, and nothing for so long.
    Kill { away: Duration },
    /// `SIGTERM`, and nothing for so long.
    Stop { away: Duration },
    /// `SIGTERM`, for good.
    End,
}

/// All receivers there were, told when the last one has ended.
#[derive(Default)]
pub(super) struct Past {
    pub(super) log: String,
    /// In kB.
    pub(super) peak_memory: u64,
    pub(super) starts: u32,
    /// Before they received. A service manager starts them again.
    pub(super) failed_starts: u32,
    /// What should not have happened.
    pub(super) violations: Vec<String>,
}

/// With it goes what is dropped when it is carried out.
type Ordered = (Order, oneshot::Sender<()>);

/// The receiver, whichever it is just now.
pub(super) struct Receiver {
    orders: mpsc::Sender<Ordered>,
    keeping: Mutex<JoinSet<Past>>,
}

/// How often it is looked after.
const LOOK: Duration = Duration::from_millis(50);
/// Before what ended by itself is started again.
const PAUSE: Duration = Duration::from_millis(300);

impl Receiver {
    pub(super) fn keep(setup: Arc<Setup>, chronicle: Arc<Chronicle>) -> Self {
        let (orders, ordered) = mpsc::channel(16);
        let mut keeping = JoinSet::new();
        let keeper = Keeper {
            setup,
            ordered,
            chronicle,
            past: Past::default(),
        };
        keeping.spawn(keeper.keep());
        Self {
            orders,
            keeping: Mutex::new(keeping),
        }
    }

    /// Once it has started.
    pub(super) async fn kill(&self, away: Duration) {
        self.order(Order::Kill { away }).await;
    }

    /// Once it has started.
    pub(super) async fn stop(&self, away: Duration) {
        self.order(Order::Stop { away }).await;
    }

    /// Ends it for good.
    pub(super) async fn end(&self) -> Past {
        self.order(Order::End).await;
        let mut keeping = self.keeping.lock().await;
        let past = keeping.join_next().await.expect("a keeper");
        past.expect("a past")
    }

    async fn order(&self, order: Order) {
        let (until_done, done) = oneshot::channel();
        let ordered = self.orders.send((order, until_done)).await;
        ordered.expect("a keeper");
        done.await.ok();
    }
}

struct Keeper {
    setup: Arc<Setup>,
    ordered: mpsc::Receiver<Ordered>,
    chronicle: Arc<Chronicle>,
    past: Past,
}

impl Keeper {
    async fn keep(mut self) -> Past {
        loop {
            self.past.starts += 1;
            let mut running = self.setup.spawn();
            let order = self.look_after(&mut running).await;
            let away = match order {
                None => PAUSE,
                Some((Order::Kill { away }, _)) => {
                    running.kill();
                    away
                }
                Some((Order::Stop { away }, _)) => {
                    self.stop(&mut running).await;
                    away
                }
                Some((Order::End, _)) => {
                    self.stop(&mut running).await;
                    self.past.log.push_str(&running.log());
                    return self.past;
                }
            };
            self.past.log.push_str(&running.log());
            tokio::time::sleep(away).await;
        }
    }

    /// Until it is to end, or has ended by itself.
    async fn look_after(&mut self, running: &mut Running) -> Option<Ordered> {
        let mut received = false;
        loop {
            if running.receives() && !received {
                received = true;
                self.chronicle.note("the receiver receives");
            }
            self.weigh(running);
            if let Some(status) = running.ended() {
                // So that the log is whole.
                running.wait();
                self.has_ended(running, status, received);
                return None;
            }
            tokio::select! {
                // Who is still starting would die of what a receiver stops at.
                order = self.ordered.recv(), if received => return order,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    fn has_ended(&mut self, running: &Running, status: std::process::ExitStatus, received: bool) {
        let log = running.log();
        let last = log.lines().last().unwrap_or_default();
        let told = format!("the receiver ended by itself, {status}: {last}");
        self.chronicle.note(&told);
        if received {
            self.past.violations.push(told);
        } else {
            self.past.failed_starts += 1;
        }
    }

    async fn stop(&mut self, running: &mut Running) {
        running.terminate();
        let begun = Instant::now();
        let status = loop {
            self.weigh(running);
            if let Some(status) = running.ended() {
                break Some(status);
            }
            if begun.elapsed() > PATIENCE {
                running.kill();
                break None;
            }
            tokio::time::sleep(LOOK).await;
        };
        running.wait();
        self.chronicle
            .note(format!("the receiver stopped in {:?}", begun.elapsed()));
        if !status.is_some_and(|status| status.success()) {
            let told = format!("a receiver that was to stop ended with {status:?}");
            self.past.violations.push(told);
        }
    }

    fn weigh(&mut self, running: &Running) {
        let peak = running.peak_memory().unwrap_or_default();
        self.past.peak_memory = self.past.peak_memory.max(peak);
    }
}
