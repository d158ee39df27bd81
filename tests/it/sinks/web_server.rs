//! A web server that records what it gets, and misbehaves when told to. It ends with its test.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Response, Version,
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::support::until;

/// Listens on a free loopback port from when it is started until it is stopped or dropped.
pub(crate) struct WebServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    tls: Option<TlsAcceptor>,
    listening: JoinSet<()>,
}

/// A request, read whole.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Counted from 1, over all restarts.
    pub(crate) number: usize,
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What a request is answered with.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Bytes,
    },
    /// An empty answer, after a while.
    Late { status: u16, after: Duration },
    /// Never answers.
    Hang,
    /// 200, and a body that comes byte by byte, without end.
    Drip,
    /// 200, and a body as fast as it is read, without end.
    Flood,
    /// Closes the connection instead of an answer.
    Close,
    /// 200, and closes the connection within the body.
    CloseWithin,
}

struct Shared {
    received: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    behave: Mutex<Behave>,
}

type Behave = Arc<dyn Fn(&Request) -> Behaviour + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, io::Error>;

impl Behaviour {
    /// An empty answer.
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }

    pub(crate) fn with_body(mut self, bytes: impl Into<Bytes>) -> Self {
        if let Self::Answer { body, .. } = &mut self {
            *body = bytes.into();
        }
        self
    }
}

impl Request {
    /// A header's text; empty when there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("a text"))
    }
}

impl WebServer {
    /// Answers 200 and "ok" until told otherwise.
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Speaks TLS, and HTTP/2 with who can.
    pub(crate) async fn start_with_tls(tls: rustls::ServerConfig) -> Self {
        Self::start_with(Some(Arc::new(tls).into())).await
    }

    async fn start_with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let ok = Behaviour::status(200).with_body("ok");
        let mut server = Self {
            address: listener.local_addr().expect("its address"),
            shared: Arc::new(Shared {
                received: Mutex::default(),
                connections: AtomicUsize::new(0),
                behave: Mutex::new(Arc::new(move |_| ok.clone())),
            }),
            tls,
            listening: JoinSet::new(),
        };
        server.listen(listener);
        server
    }

    /// A URL with a path, which other paths may replace.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/hooks", self.address)
    }

    /// All requests so far, over all restarts.
    pub(crate) fn received(&self) -> Vec<Request> {
        self.shared.received.lock().expect("requests").clone()
    }

    /// The last of them, of which there must be one.
    pub(crate) fn last(&self) -> Request {
        self.received().pop().expect("a request")
    }

    /// How many connections there were, over all restarts.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// From now on, every request is answered so.
    pub(crate) fn answer_with(&self, behaviour: Behaviour) {
        self.answer_by(move |_| behaviour.clone());
    }

    /// From now on, each request is answered as it deserves.
    pub(crate) fn answer_by(&self, behave: impl Fn(&Request) -> Behaviour + Send + Sync + 'static) {
        *self.shared.behave.lock().expect("the behaviour") = Arc::new(behave);
    }

    /// Closes the port and all connections, wherever they are.
    pub(crate) async fn stop(&mut self) {
        self.listening.shutdown().await;
        // The connections end a moment after the listener, which held them.
        until(async || (Arc::strong_count(&self.shared) == 1).then_some(())).await;
    }

    pub(crate) async fn restart_on_same_port(&mut self) {
        self.stop().await;
        // A connection of somebody else's may have the port for a moment.
        let listener = until(async || TcpListener::bind(self.address).await.ok()).await;
        self.listen(listener);
    }

    fn listen(&mut self, listener: TcpListener) {
        let (shared, tls) = (Arc::clone(&self.shared), self.tls.clone());
        self.listening.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                shared.connections.fetch_add(1, Ordering::Relaxed);
                connections.spawn(greet(stream, tls.clone(), Arc::clone(&shared)));
                while connections.try_join_next().is_some() {}
            }
        });
    }
}

async fn greet(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    stream.set_nodelay(true).expect("no delay");
    match tls {
        None => serve(stream, shared).await,
        Some(tls) => {
            // Who does not trust the certificate leaves here.
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, shared).await;
            }
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, shared: Arc<Shared>) {
    let service = service_fn(|request| {
        let shared = Arc::downgrade(&shared);
        async move {
            let shared = shared.upgrade().ok_or(io::ErrorKind::NotConnected)?;
            let behaviour = note(request, &shared).await?;
            drop(shared);
            answer(behaviour).await
        }
    });
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    // It ends with an error when the other side leaves, or when told to.
    connection.await.ok();
}

/// Records a request, and says how to answer it.
async fn note(request: hyper::Request<Incoming>, shared: &Shared) -> io::Result<Behaviour> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let behave = Arc::clone(&shared.behave.lock().expect("the behaviour"));
    let mut received = shared.received.lock().expect("requests");
    let request = Request {
        number: received.len() + 1,
        method: head.method.to_string(),
        path: head.uri.path_and_query().expect("a path").to_string(),
        version: head.version,
        headers: head.headers,
        body,
    };
    let behaviour = behave(&request);
    received.push(request);
    Ok(behaviour)
}

async fn answer(behaviour: Behaviour) -> io::Result<Response<Body>> {
    let piece = |bytes: &Bytes| Ok(Frame::data(bytes.clone()));
    let body = match behaviour {
        Behaviour::Answer {
            status,
            headers,
            body,
        } => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            let body = Full::new(body).map_err(|never: Infallible| match never {});
            return Ok(response.body(body.boxed_unsync()).expect("an answer"));
        }
        Behaviour::Late { status, after } => {
            tokio::time::sleep(after).await;
            let body = Full::default().map_err(|never: Infallible| match never {});
            let response = Response::builder().status(status);
            return Ok(response.body(body.boxed_unsync()).expect("an answer"));
        }
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Close => return Err(io::ErrorKind::ConnectionAborted.into()),
        Behaviour::CloseWithin => {
            let half = stream::iter([piece(&Bytes::from_static(b"half"))]);
            // What is written at once with its end is not sent at all.
            let end = stream::once(async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(io::ErrorKind::ConnectionAborted.into())
            });
            let broken = half.chain(end);
            StreamBody::new(broken).boxed_unsync()
        }
        Behaviour::Flood => {
            let block = Bytes::from(vec![b'x'; 64 * 1024]);
            StreamBody::new(stream::repeat_with(move || piece(&block))).boxed_unsync()
        }
        Behaviour::Drip => {
            let drop = stream::repeat(Bytes::from_static(b"x")).then(async |byte| {
                tokio::time::sleep(Duration::from_millis(20)).await;
                byte
            });
            StreamBody::new(Box::pin(drop).map(move |byte| piece(&byte))).boxed_unsync()
        }
    };
    Ok(Response::new(body))
}
