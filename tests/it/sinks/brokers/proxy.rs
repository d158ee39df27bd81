//! A way to a server that can be cut, for servers that take long to start.

use std::net::Ipv4Addr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::process::free_port;

/// Connects whoever connects to it with the server. Cut when dropped.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    server: String,
    /// The one task that holds everything open.
    open: JoinSet<()>,
}

impl Proxy {
    /// To the server at this address.
    pub(crate) async fn to(server: &str) -> Self {
        let mut proxy = Self {
            port: free_port(),
            server: server.to_owned(),
            open: JoinSet::new(),
        };
        proxy.open().await;
        proxy
    }

    /// Ends all connections, and refuses new ones.
    pub(crate) async fn cut(&mut self) {
        self.open.shutdown().await;
    }

    /// Takes connections, on the same port as before.
    pub(crate) async fn open(&mut self) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).await;
        let listener = listener.expect("the port");
        let server = self.server.clone();
        self.open.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.expect("a connection");
                connections.spawn(connect(client, server.clone()));
            }
        });
    }
}

async fn connect(mut client: TcpStream, server: String) {
    if let Ok(mut server) = TcpStream::connect(server).await {
        copy_bidirectional(&mut client, &mut server).await.ok();
    }
}
