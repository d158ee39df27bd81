//! What is known of one open connection: what it waits for, since when, and whether it ever brought anything authentic.
//!
//! All of it is atomic: requests note what happens to them without waiting for anybody.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// A connection that brought something authentic so shortly ago may still be sending the answer.
const ANSWERING: u64 = 1000;

/// Who came so shortly ago had no time to show anything yet.
const ARRIVING: u64 = 1000;

/// Milliseconds since the listener began; 0 stands for never.
pub(super) type Moment = u64;

/// Where [`Moment`]s are counted from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beginning(Instant);

impl Beginning {
    pub(super) fn now() -> Self {
        Self(Instant::now())
    }

    pub(super) fn moment(self) -> Moment {
        u64::try_from(self.0.elapsed().as_millis()).map_or(Moment::MAX, |elapsed| elapsed + 1)
    }
}

/// How long the peer of a connection may keep it waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the headers of a request, for the first request, and for the peer to take what is written.
    pub(super) headers: Duration,
    /// Between two requests.
    pub(super) idle: Duration,
}

/// What is to become of a connection that was told to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Farewell {
    /// It answers what is under way and takes nothing more.
    Finish = 1,
    /// It is closed as it is.
    Cut = 2,
}

/// Why a connection has waited too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    Headers,
    Idle,
    Unread,
}

/// One open connection.
#[derive(Debug)]
pub(super) struct Standing {
    beginning: Beginning,
    /// When the peer connected.
    connected_at: Moment,
    /// The peer connected, had the answer to its last request, or began with the next one.
    waiting_since: AtomicU64,
    /// Whether something of the next request was read.
    heard: AtomicBool,
    /// Whether there was a request yet.
    asked: AtomicBool,
    /// HTTP/2 has more to say than requests.
    http2: AtomicBool,
    /// Requests under way.
    requests: AtomicU32,
    /// The peer takes nothing of what is written.
    unread_since: AtomicU64,
    /// Verified deliveries under way.
    deliveries: AtomicU32,
    /// When something was verified last.
    authentic_at: AtomicU64,
    farewell: AtomicU8,
    told: Notify,
}

impl Standing {
    pub(super) fn new(beginning: Beginning) -> Self {
        Self {
            beginning,
            connected_at: beginning.moment(),
            waiting_since: beginning.moment().into(),
            heard: false.into(),
            asked: false.into(),
            http2: false.into(),
            requests: 0.into(),
            unread_since: 0.into(),
            deliveries: 0.into(),
            authentic_at: 0.into(),
            farewell: 0.into(),
            told: Notify::new(),
        }
    }

    /// Some bytes came in.
    pub(super) fn heard(&self) {
        if self.heard.load(Relaxed) {
            return;
        }
        self.heard.store(true, Relaxed);
        // For the first request, the time counts from the beginning.
        if self.asked.load(Relaxed) && self.requests.load(Relaxed) == 0 {
            self.waiting_since.store(self.beginning.moment(), Relaxed);
        }
    }

    /// The peer takes what is written, or does not.
    pub(super) fn is_read(&self, is_read: bool) {
        let was_read = self.unread_since.load(Relaxed) == 0;
        if is_read && !was_read {
            self.unread_since.store(0, Relaxed);
        } else if !is_read && was_read {
            self.unread_since.store(self.beginning.moment(), Relaxed);
        }
    }

    /// A request's headers are complete. It is under way until the guard is dropped.
    pub(super) fn request(self: &Arc<Self>, http2: bool) -> Request {
        if !self.asked.load(Relaxed) {
            self.http2.store(http2, Relaxed);
            self.asked.store(true, Relaxed);
        }
        self.requests.fetch_add(1, Relaxed);
        Request(Arc::clone(self))
    }

    /// A delivery was verified. It is under way until the guard is dropped.
    pub(super) fn delivery(self: &Arc<Self>) -> Delivery {
        self.deliveries.fetch_add(1, Relaxed);
        self.authentic_at.store(self.beginning.moment(), Relaxed);
        Delivery(Arc::clone(self))
    }

    /// Whether it is so new that its first request may just be arriving.
    pub(super) fn is_new(&self, now: Moment) -> bool {
        now.saturating_sub(self.connected_at) < ARRIVING
    }

    /// When it showed something authentic last.
    pub(super) fn authentic_at(&self) -> Option<Moment> {
        Some(self.authentic_at.load(Relaxed)).filter(|moment| *moment > 0)
    }

    /// Whether a verified delivery is being stored or answered.
    pub(super) fn is_delivering(&self, now: Moment) -> bool {
        let since = |moment| now.saturating_sub(moment);
        self.deliveries.load(Relaxed) > 0
            || self
                .authentic_at()
                .is_some_and(|moment| since(moment) < ANSWERING)
    }

    /// Whether its peer has kept it waiting for too long by now, and what is to become of it then.
    pub(super) fn overdue(&self, now: Moment, patience: Patience) -> Option<(Overdue, Farewell)> {
        let since = |moment| Duration::from_millis(now.saturating_sub(moment));
        let unread_since = self.unread_since.load(Relaxed);
        if unread_since > 0 {
            let unread = (Overdue::Unread, Farewell::Cut);
            return (since(unread_since) >= patience.headers).then_some(unread);
        }
        if self.requests.load(Relaxed) > 0 {
            return None;
        }
        let waiting = since(self.waiting_since.load(Relaxed));
        let in_headers = self.heard.load(Relaxed) && !self.http2.load(Relaxed);
        if !self.asked.load(Relaxed) || in_headers {
            return (waiting >= patience.headers).then_some((Overdue::Headers, Farewell::Cut));
        }
        if waiting >= patience.idle + patience.headers {
            // It was asked to finish, and cannot: nobody takes the answers.
            return Some((Overdue::Unread, Farewell::Cut));
        }
        (waiting >= patience.idle).then_some((Overdue::Idle, Farewell::Finish))
    }

    /// Tells it to go. `false` when it was told so already.
    pub(super) fn dismiss(&self, farewell: Farewell) -> bool {
        let is_new = self.farewell.fetch_max(farewell as u8, Relaxed) < farewell as u8;
        if is_new {
            self.told.notify_one();
        }
        is_new
    }

    /// Waits until it is told to go, or to go at once.
    pub(super) async fn dismissed(&self) -> Farewell {
        self.told.notified().await;
        if self.farewell.load(Relaxed) == Farewell::Finish as u8 {
            Farewell::Finish
        } else {
            Farewell::Cut
        }
    }
}

/// A request under way.
pub(super) struct Request(Arc<Standing>);

impl Drop for Request {
    fn drop(&mut self) {
        let Self(standing) = self;
        standing.heard.store(false, Relaxed);
        let now = standing.beginning.moment();
        standing.waiting_since.store(now, Relaxed);
        standing.requests.fetch_sub(1, Relaxed);
    }
}

/// A verified delivery under way.
pub(super) struct Delivery(Arc<Standing>);

impl Drop for Delivery {
    fn drop(&mut self) {
        let Self(standing) = self;
        let now = standing.beginning.moment();
        standing.authentic_at.store(now, Relaxed);
        standing.deliveries.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        headers: Duration::from_secs(10),
        idle: Duration::from_mins(1),
    };

    struct Scene {
        standing: Arc<Standing>,
    }

    impl Scene {
        fn new() -> Self {
            let standing = Arc::new(Standing::new(Beginning::now()));
            Self { standing }
        }

        async fn after(&self, seconds: u64) -> Option<(Overdue, Farewell)> {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            let now = self.standing.beginning.moment();
            self.standing.overdue(now, PATIENCE)
        }
    }

    const HEADERS: Option<(Overdue, Farewell)> = Some((Overdue::Headers, Farewell::Cut));
    const IDLE: Option<(Overdue, Farewell)> = Some((Overdue::Idle, Farewell::Finish));

    #[tokio::test(start_paused = true)]
    async fn the_first_request_has_to_come_soon_however_it_drips() {
        let scene = Scene::new();
        scene.standing.heard();
        assert_eq!(scene.after(9).await, None);
        scene.standing.heard();
        assert_eq!(scene.after(1).await, HEADERS);
    }

    #[tokio::test(start_paused = true)]
    async fn between_requests_there_is_more_time_than_for_headers() {
        let scene = Scene::new();
        let request = scene.standing.request(false);
        assert_eq!(
            scene.after(1000).await,
            None,
            "requests have limits of their own"
        );
        drop(request);
        assert_eq!(scene.after(59).await, None);
        assert_eq!(scene.after(1).await, IDLE);
        scene.standing.heard();
        assert_eq!(scene.after(9).await, None);
        assert_eq!(scene.after(1).await, HEADERS);
    }

    #[tokio::test(start_paused = true)]
    async fn over_http2_only_requests_count() {
        let scene = Scene::new();
        drop(scene.standing.request(true));
        for _ in 0..59 {
            scene.standing.heard();
            assert_eq!(scene.after(1).await, None);
        }
        assert_eq!(scene.after(1).await, IDLE);
        let unread = Some((Overdue::Unread, Farewell::Cut));
        assert_eq!(scene.after(10).await, unread);
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_cut() {
        let scene = Scene::new();
        let _request = scene.standing.request(false);
        scene.standing.is_read(false);
        assert_eq!(scene.after(9).await, None);
        scene.standing.is_read(false);
        let unread = Some((Overdue::Unread, Farewell::Cut));
        assert_eq!(scene.after(1).await, unread);
        scene.standing.is_read(true);
        assert_eq!(scene.after(0).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_farewell_is_heard_once_and_a_harsher_one_again() {
        let scene = Scene::new();
        assert!(scene.standing.dismiss(Farewell::Finish));
        assert_eq!(scene.standing.dismissed().await, Farewell::Finish);
        assert!(!scene.standing.dismiss(Farewell::Finish));
        assert!(scene.standing.dismiss(Farewell::Cut));
        assert_eq!(scene.standing.dismissed().await, Farewell::Cut);
    }
}
