//! HTTP/1.1 by hand.

use std::{fmt::Write as _, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::PATIENCE;

/// HTTP/1.1 by hand, for what no client would do.
pub(crate) struct Wire(pub(super) TcpStream);

impl Wire {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.expect("sending");
    }

    /// Sends as long as the other side takes it.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    /// Sends nothing more, and still reads.
    pub(crate) async fn finish(&mut self) {
        self.0.shutdown().await.expect("closing one side");
    }

    /// Lets a moment pass, as a sender does that drips.
    pub(crate) async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    /// Reads so many bytes.
    pub(crate) async fn read(&mut self, count: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let read = self.0.read_exact(&mut bytes);
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("more in time")?;
        Ok(bytes)
    }

    /// Whether something has arrived already.
    pub(crate) fn has_answer(&self) -> bool {
        let mut byte = [0];
        matches!(self.0.try_read(&mut byte), Ok(read) if read > 0)
    }

    /// Reads an answer's head and as much of a body as it declares.
    pub(crate) async fn answer(&mut self) -> String {
        let read = async {
            let mut read = Vec::new();
            let head = loop {
                read.push(self.0.read_u8().await.expect("more of the answer"));
                if read.ends_with(b"\r\n\r\n") {
                    break String::from_utf8(read).expect("a head in ASCII");
                }
            };
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            self.0
                .read_exact(&mut body)
                .await
                .expect("the answer's body");
            head + std::str::from_utf8(&body).expect("a body in UTF-8")
        };
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("an answer in time")
    }

    /// Waits until the other side closes, and gives what it said before.
    pub(crate) async fn closed(&mut self) -> String {
        let mut rest = Vec::new();
        let read = self.0.read_to_end(&mut rest);
        // A reset is a way to close, too.
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("a close in time")
            .ok();
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// The head of a request to the source `huntr`, up to and without the empty line.
pub(crate) fn head(headers: &[(&str, &str)]) -> String {
    let mut head = "POST /webhooks/huntr HTTP/1.1\r\nHost: localhost\r\n".to_owned();
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").expect("writing to a string");
    }
    head
}
