//! An HTTP sink in a thread of its own, which takes everything and counts.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// A sink that runs until the process ends.
pub(super) struct Sink {
    address: SocketAddr,
    taken: Arc<AtomicU64>,
}

impl Sink {
    pub(super) fn start() -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let taken = Arc::new(AtomicU64::new(0));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let counter = Arc::clone(&taken);
        std::thread::Builder::new()
            .name("sink".into())
            .spawn(move || {
                let serving = tokio::task::LocalSet::new();
                serving.block_on(&runtime, serve(listener, counter))
            })
            .context("starting the sink")?;
        Ok(Self { address, taken })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// How many deliveries it has taken so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

async fn serve(listener: std::net::TcpListener, taken: Arc<AtomicU64>) -> anyhow::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let taken = Arc::clone(&taken);
        let take = service_fn(move |request: Request<Incoming>| {
            let taken = Arc::clone(&taken);
            async move {
                request.into_body().collect().await?;
                taken.fetch_add(1, Ordering::Relaxed);
                Ok::<_, hyper::Error>(Response::new(Empty::<Bytes>::new()))
            }
        });
        tokio::task::spawn_local(async move {
            // A connection that breaks is opened again by the receiver.
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), take)
                .await
                .ok();
        });
    }
}
