//! Requests that must leave no event: without proof, with a wrong one, too long, or broken off.

use std::{net::SocketAddr, sync::Mutex, time::Duration};

use rand::{RngExt, rngs::ChaCha8Rng};
use reqwest::RequestBuilder;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{account::Account, mail::MARKER};
use crate::support::{PATIENCE, SIGNATURE, head, sign, sign_with};

/// `server.max_body` of the receiver.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// How a request goes wrong.
#[derive(Debug, Clone, Copy)]
enum Way {
    NoHeader,
    WrongSecret,
    NoBase64,
    WrongKey,
    TooLong,
    UnknownSource,
    WrongMethod,
    Encoded,
    /// The connection ends within the body.
    BrokenOff,
    /// The body ends before its length, and the sender waits.
    Stalled,
}

const WAYS: [Way; 10] = [
    Way::NoHeader,
    Way::WrongSecret,
    Way::NoBase64,
    Way::WrongKey,
    Way::TooLong,
    Way::UnknownSource,
    Way::WrongMethod,
    Way::Encoded,
    Way::BrokenOff,
    Way::Stalled,
];

/// A request that must leave no event.
pub(super) struct Stranger {
    way: Way,
    body: String,
}

impl Stranger {
    pub(super) fn number(number: u64, chance: &mut ChaCha8Rng) -> Self {
        let way = WAYS[chance.random_range(0..WAYS.len())];
        let length = match way {
            Way::TooLong => MAX_BODY + 1,
            _ => chance.random_range(1..4000),
        };
        let filling = "x".repeat(length);
        Self {
            way,
            body: format!(
                r#"{{"id":"stranger-{number}","actionType":"JOB_MOVED","remark":"{MARKER}","filling":"{filling}"}}"#
            ),
        }
    }

    /// Tries it, and takes down what came of it. Who finds no receiver, or an overloaded one, has learned nothing.
    pub(super) async fn try_at(
        self,
        client: &reqwest::Client,
        address: SocketAddr,
        account: &Mutex<Account>,
    ) {
        let status = match self.way {
            Way::BrokenOff | Way::Stalled => self.by_hand(address).await,
            _ => self
                .request(client, address)
                .send()
                .await
                .ok()
                .map(|answer| answer.status().as_u16()),
        };
        let allowed = status.is_none_or(|status| status == self.expected() || status == 503);
        let name = format!("{:?}", self.way);
        let mut account = account.lock().expect("the account");
        account.stranger(&name, allowed, status);
    }

    fn expected(&self) -> u16 {
        match self.way {
            Way::NoHeader | Way::WrongSecret | Way::NoBase64 | Way::WrongKey => 401,
            Way::TooLong => 413,
            Way::UnknownSource => 404,
            Way::WrongMethod => 405,
            Way::Encoded => 415,
            Way::BrokenOff => 400,
            Way::Stalled => 408,
        }
    }

    fn request(&self, client: &reqwest::Client, address: SocketAddr) -> RequestBuilder {
        let source = match self.way {
            Way::UnknownSource => "nobody",
            Way::WrongKey => "hunty",
            _ => "huntr",
        };
        let url = format!("http://{address}/webhooks/{source}");
        let request = match self.way {
            Way::WrongMethod => client.put(url),
            _ => client.post(url),
        };
        let request = match self.way {
            Way::NoHeader => request,
            Way::WrongSecret => {
                request.header(SIGNATURE, sign_with("another", self.body.as_bytes()))
            }
            Way::NoBase64 => request.header(SIGNATURE, "0123456789abcdef"),
            Way::WrongKey => request.header("x-auth-api-key", "another"),
            Way::Encoded => self.signed(request).header("content-encoding", "gzip"),
            _ => self.signed(request),
        };
        request.body(self.body.clone())
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        request.header(SIGNATURE, sign(self.body.as_bytes()))
    }

    /// Authentic as far as it goes. The status, if there is one.
    async fn by_hand(&self, address: SocketAddr) -> Option<u16> {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let signature = sign(self.body.as_bytes());
        let length = self.body.len().to_string();
        let head = head(&[(SIGNATURE, &signature), ("content-length", &length)]);
        let half = &self.body[..self.body.len() / 2];
        stream
            .write_all(format!("{head}\r\n{half}").as_bytes())
            .await
            .ok()?;
        if matches!(self.way, Way::BrokenOff) {
            return None;
        }
        let mut answer = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        read.ok()?.ok()?;
        let answer = String::from_utf8(answer).ok()?;
        answer.split(' ').nth(1)?.parse().ok()
    }
}

/// `server.request_timeout` of the receiver.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
