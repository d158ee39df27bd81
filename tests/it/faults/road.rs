//! The road between receiver and database: a proxy that delays, falls silent, and cuts.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

/// What it is like just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    Clear,
    /// Every piece is so late.
    Slow(Duration),
    /// Who is on the way now never arrives, also later.
    Silent,
    /// Who is on the way is thrown out, and so is everybody who comes.
    Cut,
    /// After so many bytes of answers, a connection is thrown out.
    CutAfter(usize),
}

/// It ends with its test.
pub(super) struct Road {
    pub(super) address: SocketAddr,
    weather: watch::Sender<Weather>,
    _listening: JoinSet<()>,
}

impl Road {
    pub(super) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (weather, forecast) = watch::channel(Weather::Clear);
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                connections.spawn(travel(stream, server, forecast.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Self {
            address,
            weather,
            _listening: listening,
        }
    }

    pub(super) async fn is_for(&self, weather: Weather, time: Duration) {
        self.weather.send_replace(weather);
        tokio::time::sleep(time).await;
        // Somebody else may have changed it meanwhile.
        self.weather.send_if_modified(|now| {
            let is_ours = *now == weather;
            if is_ours {
                *now = Weather::Clear;
            }
            is_ours
        });
    }
}

/// Carries both ways until one side leaves, or the road is cut.
async fn travel(mut stream: TcpStream, server: SocketAddr, weather: watch::Receiver<Weather>) {
    // A server that is away has reset what comes to it.
    let Ok(mut server) = TcpStream::connect(server).await else {
        stream.set_zero_linger().ok();
        return;
    };
    for side in [&stream, &server] {
        side.set_nodelay(true).ok();
    }
    let is_cut = {
        let (from_receiver, to_receiver) = stream.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            end = carry(from_receiver, to_server, weather.clone(), false) => end == End::Cut,
            end = carry(from_server, to_receiver, weather.clone(), true) => end == End::Cut,
            () = cut(weather) => true,
        }
    };
    if is_cut {
        stream.set_zero_linger().ok();
        server.set_zero_linger().ok();
    }
}

/// Why nothing more is carried.
#[derive(PartialEq, Eq)]
enum End {
    Left,
    Cut,
}

/// Waits until everybody is thrown out.
async fn cut(mut weather: watch::Receiver<Weather>) {
    if weather.wait_for(|now| *now == Weather::Cut).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn carry(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    weather: watch::Receiver<Weather>,
    is_answer: bool,
) -> End {
    let mut carried = 0;
    let mut piece = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut piece).await.unwrap_or_default();
        if length == 0 {
            return End::Left;
        }
        let mut passed = length;
        let now = *weather.borrow();
        match now {
            Weather::Slow(delay) => tokio::time::sleep(delay).await,
            Weather::Silent => std::future::pending().await,
            Weather::CutAfter(most) if is_answer => {
                passed = length.min(most.saturating_sub(carried));
            }
            _ => {}
        }
        carried += passed;
        if to.write_all(&piece[..passed]).await.is_err() {
            return End::Left;
        }
        if passed < length {
            return End::Cut;
        }
    }
}
