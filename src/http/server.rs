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
    sync::Semaphore,
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
        let Self {
            listener,
            router,
            limits,
        } = self;
        let places = Arc::new(Semaphore::new(limits.max_connections));
        let graceful = GracefulShutdown::new();
        let tasks = TaskTracker::new();
        let builder = Arc::new(connection_builder(limits));
        loop {
            let accept = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                () = closing.cancelled() => break,
                accepted = accept => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    warn!(
                        error = &error as &dyn std::error::Error,
                        "a connection could not be accepted"
                    );
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let serve = serve(
                stream,
                router.clone(),
                Arc::clone(&builder),
                graceful.watcher(),
                limits,
            );
            tasks.spawn(async move {
                serve.await;
                drop(place);
            });
        }
        drop(listener);
        if tokio::time::timeout(limits.grace, graceful.shutdown())
            .await
            .is_err()
        {
            warn!("some connections did not finish in time and are cut");
        }
    }
}

fn connection_builder(limits: ConnectionLimits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(MAX_HEADER_BYTES)
        .max_headers(MAX_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.header_timeout)
        .keep_alive_timeout(limits.header_timeout)
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
        debug!(
            error = &error as &dyn std::error::Error,
            "a connection keeps its delay"
        );
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
