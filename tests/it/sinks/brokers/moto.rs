//! S3 and SQS as Moto has them: a server of one's own, or one for all tests with a bucket or queue each.

#[cfg(feature = "s3")]
mod buckets;
#[cfg(feature = "sqs")]
mod queues;

use std::{
    io::Read,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use tokio::{net::TcpStream, sync::OnceCell};

use crate::support::until;

/// Ends the server when standard input closes, which it does however the tests end.
const UNTIL_STDIN_CLOSES: &str = r#""$@" & cat; kill -KILL $!; wait"#;

/// A server. Ends when dropped.
pub(crate) struct Moto {
    port: u16,
    checks_credentials: bool,
    process: Option<Child>,
}

impl Moto {
    /// The one for all tests.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceCell<Moto> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// One that can be killed.
    pub(crate) async fn start() -> Self {
        Self::start_with(false).await
    }

    async fn start_with(checks_credentials: bool) -> Self {
        loop {
            let mut moto = Self {
                port: free_port(),
                checks_credentials,
                process: None,
            };
            // Somebody else may have taken the port meanwhile.
            if moto.is_up_again().await {
                return moto;
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends it, and with it all it has.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            process.wait().expect("waiting for moto");
        }
    }

    /// Starts it again, empty, on the same port.
    pub(crate) async fn restart(&mut self) {
        assert!(self.is_up_again().await, "moto starts again on its port");
    }

    async fn is_up_again(&mut self) -> bool {
        let count = if self.checks_credentials { "0" } else { "inf" };
        let process = Command::new("sh")
            .args(["-c", UNTIL_STDIN_CLOSES, "sh"])
            .arg(program())
            .args(["-H", "127.0.0.1", "-p", &self.port.to_string()])
            .env("INITIAL_NO_AUTH_ACTION_COUNT", count)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut process = process.expect("starting moto");
        let log = process.stderr.take().expect("a piped log");
        self.process = Some(process);
        // It says where it listens once it does; it ends its log without that when the port is taken.
        let listens = tokio::task::spawn_blocking(move || is_listening(log));
        if !listens.await.expect("reading the log") {
            self.kill();
            return false;
        }
        let address = ("127.0.0.1", self.port);
        until(async || TcpStream::connect(address).await.ok()).await;
        true
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Moto tells by this which service is meant and that somebody asks, and has nothing proven by it.
fn credential(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260504/eu-west-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=0"
    )
}

fn is_listening(mut log: impl Read + Send + 'static) -> bool {
    let (mut told, mut piece) = (Vec::new(), [0; 1024]);
    while let Ok(length @ 1..) = log.read(&mut piece) {
        told.extend_from_slice(&piece[..length]);
        if String::from_utf8_lossy(&told).contains("Running on") {
            // Nobody reads the rest, but it must go somewhere.
            std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
            return true;
        }
    }
    false
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the environment of the tests is theirs to read"
)]
fn program() -> PathBuf {
    let Some(program) = std::env::var_os("MOTO_SERVER") else {
        panic!(
            "MOTO_SERVER is not set: run the tests with tests/run, which installs moto and sets it"
        );
    };
    program.into()
}
