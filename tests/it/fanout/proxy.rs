//! A way to the database that can fall silent.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// Passes on what it gets, until told otherwise. It ends with its test.
pub(super) struct Proxy {
    /// The database, by this way.
    pub(super) url: String,
    silence: watch::Sender<u32>,
    _listening: JoinSet<()>,
}

impl Proxy {
    /// A way to the database with this URL.
    pub(super) async fn to(url: &str) -> Self {
        let (before, name) = url.rsplit_once('/').expect("a database's name");
        let (start, address) = before.rsplit_once('@').expect("a user");
        let server: SocketAddr = address.parse().expect("an address");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let own = listener.local_addr().expect("its address");
        let (silence, silenced) = watch::channel(0);
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                connections.spawn(pass_on(stream, server, silenced.clone()));
            }
        });
        Self {
            url: format!("{start}@{own}/{name}"),
            silence,
            _listening: listening,
        }
    }

    /// Passes on nothing more on the connections there are, and does not close them either. New ones work.
    pub(super) fn silence(&self) {
        self.silence.send_modify(|times| *times += 1);
    }
}

async fn pass_on(mut stream: TcpStream, server: SocketAddr, mut silenced: watch::Receiver<u32>) {
    silenced.mark_unchanged();
    let mut server = TcpStream::connect(server).await.expect("the database");
    tokio::select! {
        // It ends when one side leaves.
        ended = copy_bidirectional(&mut stream, &mut server) => drop(ended),
        _ = silenced.changed() => std::future::pending().await,
    }
}
