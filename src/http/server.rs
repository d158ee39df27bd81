//! Accepts connections, bounds their number and their patience, and lets them finish at the end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{rt::TokioExecutor, server::conn::auto};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

use super::{
    connection,
    places::{Place, Places},
    standing::{Farewell, Patience},
};

/// After the listener could not accept, as when file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A limit on time is looked after so many times in its course, and at least once in [`LONGEST_SWEEP`].
const SWEEPS: u32 = 8;
const LONGEST_SWEEP: Duration = Duration::from_secs(1);

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Open connections; for one more, another one has to go.
    pub max_connections: usize,
    /// The longest time a request's headers may take, and the peer to take what is written.
    pub header_timeout: Duration,
    /// The longest time between two requests.
    pub idle_timeout: Duration,
    /// How long connections may finish after `closing`, before they are cut.
    pub grace: Duration,
}

impl ConnectionLimits {
    fn patience(self) -> Patience {
        Patience {
            headers: self.header_timeout,
            idle: self.idle_timeout,
        }
    }

    fn sweep_interval(self) -> Duration {
        let shortest = self.header_timeout.min(self.idle_timeout);
        (shortest / SWEEPS).clamp(Duration::from_millis(1), LONGEST_SWEEP)
    }
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
        let mut sweep = tokio::time::interval(self.limits.sweep_interval());
        let accepting = async {
            loop {
                let (stream, peer) = connections.accept(&self.listener).await;
                let place = connections.places.take().await;
                connections.serve(place, stream, peer);
            }
        };
        let sweeping = async {
            loop {
                sweep.tick().await;
                connections.places.sweep(self.limits.patience());
            }
        };
        tokio::select! {
            () = closing.cancelled() => {}
            () = accepting => {}
            () = sweeping => {}
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
    places: Arc<Places>,
    tasks: TaskTracker,
}

impl Connections {
    fn new(router: Router, limits: ConnectionLimits) -> Self {
        Self {
            router,
            limits,
            builder: Arc::new(connection::builder(limits.header_timeout)),
            places: Places::new(limits.max_connections),
            tasks: TaskTracker::new(),
        }
    }

    async fn accept(&self, listener: &TcpListener) -> (TcpStream, SocketAddr) {
        let mut in_trouble = false;
        loop {
            match listener.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if !in_trouble => {
                    warn!(%error, "no connection can be accepted for now");
                    in_trouble = true;
                }
                Err(_) => {}
            }
            // Most likely there are fewer descriptors than places.
            self.places.make_room(false);
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }

    fn serve(&self, place: Place, stream: TcpStream, peer: SocketAddr) {
        let router = self.router.clone();
        let builder = Arc::clone(&self.builder);
        self.tasks.spawn(async move {
            connection::serve(stream, peer.ip(), router, &builder, &place.standing).await;
            drop(place);
        });
    }

    /// Lets every connection answer what is in flight, and cuts those that take too long.
    async fn finish(self) {
        self.tasks.close();
        self.places.dismiss_all(Farewell::Finish);
        let finished = tokio::time::timeout(self.limits.grace, self.tasks.wait());
        if finished.await.is_err() {
            warn!("some connections did not finish in time and are cut");
            self.places.dismiss_all(Farewell::Cut);
            self.tasks.wait().await;
        }
    }
}
