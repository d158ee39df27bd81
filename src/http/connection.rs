//! Serves one connection, HTTP/1.1 or HTTP/2, until its peer or the listener has enough of it.

use std::{convert::Infallible, net::IpAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Response, Version},
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::net::TcpStream;
use tower::ServiceExt;
use tracing::debug;

use super::{
    standing::{Delivery, Farewell, Standing},
    watched::Watched,
};

/// A request's headers, together; over HTTP/1.1 also what is read at once.
const MAX_HEADER_BYTES: u16 = 16 * 1024;
/// Requests under way at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 100;
/// What an HTTP/2 peer may send of one body, and of all together, before it is read: that is memory, too.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// Where a request came from: among its extensions.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// Who is at the other end of the connection.
    pub(super) address: IpAddr,
    standing: Arc<Standing>,
}

impl Peer {
    /// Notes that a delivery is authentic, and under way until the guard is dropped.
    pub(super) fn delivery(&self) -> Delivery {
        self.standing.delivery()
    }
}

/// What hyper is to look after. The time that headers and idling take is looked after elsewhere: hyper tells the
/// two from each other on neither protocol.
pub(super) fn builder(ping_timeout: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // A sender may close its side once it has sent all, and still wants the answer.
        .half_close(true)
        .header_read_timeout(None)
        // It takes 100 headers at most, and is faster when it is not told so.
        .max_buf_size(MAX_HEADER_BYTES.into());
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(ping_timeout)
        .keep_alive_timeout(ping_timeout)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES.into());
    builder
}

/// Serves it to its end.
pub(super) async fn serve(
    stream: TcpStream,
    address: IpAddr,
    router: Router,
    builder: &auto::Builder<TokioExecutor>,
    standing: &Arc<Standing>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "a connection keeps its delay");
    }
    let service = service_fn(|mut request: Request<Incoming>| {
        let under_way = standing.request(request.version() == Version::HTTP_2);
        request.extensions_mut().insert(Peer {
            address,
            standing: Arc::clone(standing),
        });
        let answer = router.clone().oneshot(request);
        async move {
            let answer: Result<Response<Body>, Infallible> = answer.await;
            drop(under_way);
            answer
        }
    });
    let stream = TokioIo::new(Watched::new(stream, Arc::clone(standing)));
    let mut connection = pin!(builder.serve_connection(stream, service));
    loop {
        tokio::select! {
            // What can be answered now is answered first.
            biased;
            result = connection.as_mut() => {
                if let Err(error) = result {
                    debug!(error, "a connection broke");
                }
                return;
            }
            farewell = standing.dismissed() => match farewell {
                Farewell::Finish => connection.as_mut().graceful_shutdown(),
                Farewell::Cut => return,
            },
        }
    }
}
