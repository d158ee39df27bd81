//! Accepts connections, bounds their number and their patience, and lets them finish at the end.

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::Request};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;
use tracing::{debug, warn};

/// After the listener could not accept, as when file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A request's headers, together.
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// A request's headers, counted.
const MAX_HEADERS: usize = 100;

/// Requests under way at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Open connections; one more waits to be accepted.
    pub max_connections: usize,
    /// The longest time a request's headers may take, and a connection may idle.
    pub header_timeout: Duration,
    /// How long connections may finish after `closing`, before they are cut.
    pub grace: Duration,
}

/// A listener with its routes.
pub struct Server {
    /// Bound already.
    pub listener: TcpListener,
    /// What it serves.
    pub router: Router,
    /// What its connections may take.
    pub limits: ConnectionLimits,
}

impl Server {
    /// Serves until `closing`; then accepts no more, answers what is in flight, and returns.
    pub async fn run(self, closing: CancellationToken) {
        let connections = Connections::new(self.router, self.limits);
        loop {
            tokio::select! {
                () = closing.cancelled() => break,
                (place, stream) = connections.accept(&self.listener) => connections.serve(place, stream),
            }
        }
        drop(self.listener);
        connections.finish().await;
    }
}

/// The open connections of one listener.
struct Connections {
    router: Router,
    limits: ConnectionLimits,
    builder: Arc<auto::Builder<TokioExecutor>>,
    places: Arc<Semaphore>,
    graceful: GracefulShutdown,
    tasks: TaskTracker,
    cut: CancellationToken,
}

impl Connections {
    fn new(router: Router, limits: ConnectionLimits) -> Self {
        Self {
            router,
            limits,
            builder: Arc::new(connection_builder(limits)),
            places: Arc::new(Semaphore::new(limits.max_connections)),
            graceful: GracefulShutdown::new(),
            tasks: TaskTracker::new(),
            cut: CancellationToken::new(),
        }
    }

    /// Waits for a free place, and then for a connection to take it.
    async fn accept(&self, listener: &TcpListener) -> (OwnedSemaphorePermit, TcpStream) {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            unreachable!("the places are never closed");
        };
        let mut in_trouble = false;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return (place, stream),
                Err(error) if !in_trouble => {
                    warn!(%error, "no connection can be accepted for now");
                    in_trouble = true;
                }
                Err(_) => {}
            }
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }

    fn serve(&self, place: OwnedSemaphorePermit, stream: TcpStream) {
        let connection = serve(
            stream,
            self.router.clone(),
            Arc::clone(&self.builder),
            self.graceful.watcher(),
            self.limits,
        );
        let cut = self.cut.clone();
        self.tasks.spawn(async move {
            cut.run_until_cancelled(connection).await;
            drop(place);
        });
    }

    /// Lets every connection answer what is in flight, and cuts those that take too long.
    async fn finish(self) {
        let answered = self.graceful.shutdown();
        if tokio::time::timeout(self.limits.grace, answered)
            .await
            .is_err()
        {
            warn!("some connections did not finish in time and are cut");
        }
        self.cut.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn connection_builder(limits: ConnectionLimits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // A sender may close its side once it has sent all, and still wants the answer.
        .half_close(true)
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.header_timeout)
        .keep_alive_timeout(limits.header_timeout)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX));
    builder
}

/// Serves one connection. hyper's own header timeout starts only once it knows the protocol, so the
/// first request has a deadline of ours.
async fn serve(
    stream: TcpStream,
    router: Router,
    builder: Arc<auto::Builder<TokioExecutor>>,
    watcher: hyper_util::server::graceful::Watcher,
    limits: ConnectionLimits,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "a connection keeps its delay");
    }
    let started = Arc::new(AtomicBool::new(false));
    let service = {
        let started = Arc::clone(&started);
        service_fn(move |request: Request<hyper::body::Incoming>| {
            started.store(true, Ordering::Relaxed);
            let router = router.clone();
            async move { Ok::<_, Infallible>(answer(router, request).await) }
        })
    };
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    let first_request_deadline = async {
        tokio::time::sleep(limits.header_timeout).await;
        if started.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
    };
    tokio::select! {
        result = watcher.watch(connection) => if let Err(error) = result {
            debug!(error, "a connection broke");
        },
        () = first_request_deadline => {}
    }
}

async fn answer(
    router: Router,
    request: Request<hyper::body::Incoming>,
) -> axum::response::Response {
    match router.oneshot(request).await {
        Ok(response) => response,
    }
}
