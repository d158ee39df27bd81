//! What the sinks to brokers share: an address shown without its credentials, and a connection for all calls.

use std::{
    fmt,
    ops::Deref,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de::Error};
use tokio::sync::Mutex as Turn;
use url::Url;

use super::{Message, Receipt, SinkError};
use crate::secret::{LOGIN_WRITTEN_OUT, Reference};

/// How many messages are sent before the first confirmation is waited for.
pub(super) const BATCH: usize = 64;

/// How long connecting may take: shorter than most calls, so that an attempt ends with a reason.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a broker is, with the credentials to use there. It is shown without them.
#[derive(Clone)]
pub(super) struct Address(Url);

impl Address {
    /// The address, which is written out or a reference.
    fn read(text: &str) -> Result<Self, String> {
        match Reference::parse(text) {
            Some(reference) => Self::parse(resolved(&reference)?.expose_secret()),
            None => Self::written_out(text),
        }
    }

    /// Addresses with commas between them, written out or a reference.
    pub(super) fn read_several(text: &str) -> Result<Vec<Self>, String> {
        let Some(reference) = Reference::parse(text) else {
            let urls = text.split(',');
            return urls.map(|url| Self::written_out(url.trim())).collect();
        };
        let text = resolved(&reference)?;
        let urls = text.expose_secret().split(',');
        urls.map(|url| Self::parse(url.trim())).collect()
    }

    /// An address that everybody who reads the configuration can read.
    fn written_out(text: &str) -> Result<Self, String> {
        let address = Self::parse(text)?;
        if address.user().is_some() || address.0.password().is_some() {
            return Err(LOGIN_WRITTEN_OUT.into());
        }
        Ok(address)
    }

    /// The errors repeat nothing of the text, which may hold a password.
    fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err("names no host".into());
        }
        if url.path().contains('@') || url.fragment().is_some() || url.query().is_some() {
            return Err("takes no ? and no #; \
                 in a password / @ # and ? are written %2F %40 %23 and %3F"
                .into());
        }
        Ok(Self(url))
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    /// For clients that take credentials another way, and would log these.
    pub(super) fn without_credentials(&self) -> Url {
        let mut url = self.0.clone();
        // Both only fail for a URL without a host.
        url.set_username("").ok();
        url.set_password(None).ok();
        url
    }

    /// Without brackets where it is an IPv6 address.
    pub(super) fn host(&self) -> &str {
        let host = self.0.host_str().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether it begins with one of these: `nats://`.
    pub(super) fn has_scheme(&self, schemes: &[&str]) -> bool {
        schemes.contains(&self.0.scheme())
    }

    pub(super) fn user(&self) -> Option<String> {
        Some(self.0.username())
            .filter(|user| !user.is_empty())
            .map(decoded)
    }

    pub(super) fn password(&self) -> Option<String> {
        self.0.password().map(decoded)
    }
}

fn resolved(reference: &Reference) -> Result<SecretString, String> {
    reference.resolve().map_err(|error| error.to_string())
}

/// What a part of a URL stands for.
pub(super) fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part)
        .decode_utf8_lossy()
        .into_owned()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        write!(f, "{}://{host}", self.0.scheme())?;
        if let Some(port) = self.0.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(self.0.path().trim_end_matches('/'))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// What is wrong with a file of certificates; nothing when there is none to be read.
pub(super) fn problem_with_certificates(file: Option<&Path>) -> Option<(String, String)> {
    let why = match std::fs::read_to_string(file?) {
        Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => return None,
        Ok(_) => "holds no certificate in PEM form".to_owned(),
        Err(error) => format!("cannot be read: {error}"),
    };
    Some(("ca_file".into(), why))
}

/// Something that stands until it breaks.
pub(super) trait Connected: Send + Sync {
    /// Whether it still stands, as far as is known.
    fn is_open(&self) -> bool;
}

/// One connection for all calls, made when it is first needed, and anew when it was lost.
pub(super) struct Shared<C> {
    current: Mutex<Option<Arc<C>>>,
    connecting: Turn<()>,
}

impl<C> Default for Shared<C> {
    fn default() -> Self {
        Self {
            current: Mutex::new(None),
            connecting: Turn::new(()),
        }
    }
}

impl<C: Connected> Shared<C> {
    /// The connection. `connect` only runs when there is none.
    pub(super) async fn lend(
        &self,
        connect: impl Future<Output = Result<C, SinkError>> + Send,
    ) -> Result<Lent<'_, C>, SinkError> {
        if let Some(connection) = self.current() {
            return Ok(self.lent(connection));
        }
        let _turn = self.connecting.lock().await;
        if let Some(connection) = self.current() {
            return Ok(self.lent(connection));
        }
        let connection = Arc::new(connect.await?);
        *self.slot() = Some(Arc::clone(&connection));
        Ok(self.lent(connection))
    }

    /// Ends the connection as soon as no call uses it.
    pub(super) fn forget(&self) {
        *self.slot() = None;
    }

    fn current(&self) -> Option<Arc<C>> {
        self.slot()
            .as_ref()
            .filter(|connection| connection.is_open())
            .map(Arc::clone)
    }

    fn lent(&self, connection: Arc<C>) -> Lent<'_, C> {
        Lent {
            shared: self,
            connection,
            is_good: false,
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Arc<C>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection, for one call.
///
/// A call that does not say at its end that the connection is good, be it because it failed or because it ran out
/// of time, has the next call make another. Calls under way keep theirs.
pub(super) struct Lent<'a, C: Connected> {
    shared: &'a Shared<C>,
    connection: Arc<C>,
    is_good: bool,
}

impl<C: Connected> Lent<'_, C> {
    /// The connection did its part.
    pub(super) fn keep(mut self) {
        self.is_good = true;
    }
}

impl<C: Connected> Deref for Lent<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.connection
    }
}

impl<C: Connected> Drop for Lent<'_, C> {
    fn drop(&mut self) {
        if self.is_good {
            return;
        }
        let mut slot = self.shared.slot();
        if slot
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, &self.connection))
        {
            *slot = None;
        }
    }
}

/// The same failure for each message.
pub(super) fn all_failed(
    messages: &[Message],
    error: &SinkError,
) -> Vec<Result<Receipt, SinkError>> {
    messages
        .iter()
        .map(|_| Err(SinkError::retry(error.to_string())))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn an_address_is_shown_without_its_credentials() {
        let address =
            Address::parse("amqp://user:hunter2@broker.example.com:5672/v").expect("a URL");
        assert_eq!(address.to_string(), "amqp://broker.example.com:5672/v");
        assert_eq!(format!("{address:?}"), address.to_string());
        assert_eq!(address.password().as_deref(), Some("hunter2"));
    }

    #[test]
    fn credentials_are_decoded() {
        let address = Address::parse("redis://u%40x:a%2Fb@[::1]:1").expect("a URL");
        assert_eq!(address.user().as_deref(), Some("u@x"));
        assert_eq!(address.password().as_deref(), Some("a/b"));
        assert_eq!(address.host(), "::1");
    }

    #[test]
    fn a_url_torn_apart_by_its_password_is_refused_without_repeating_it() {
        for url in [
            "nats://u:12/hunter2@host",
            "nats://u:12#hunter2@host",
            "nats://u:12?hunter2@host",
            "nats://u:hunter2@host:port",
            "hunter2",
            "nats:hunter2",
        ] {
            let why = Address::parse(url).expect_err("a refusal");
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn a_login_is_refused_in_a_url_that_is_written_out() {
        for url in [
            "nats://hunter2@h",
            "nats://u:hunter2@h",
            "nats://:hunter2@h",
        ] {
            for refusal in [
                Address::read(url).expect_err("a refusal"),
                Address::read_several(&format!("nats://h, {url}")).expect_err("a refusal"),
            ] {
                assert_eq!(refusal, LOGIN_WRITTEN_OUT);
            }
            let file = tempfile::NamedTempFile::new().expect("a temporary file");
            std::fs::write(file.path(), url).expect("writing it");
            let reference = format!("file:{}", file.path().display());
            Address::read(&reference).expect("the address");
        }
    }

    struct Line(AtomicBool);

    impl Connected for Line {
        fn is_open(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[tokio::test]
    async fn a_connection_is_shared_until_a_call_ends_badly_or_it_breaks() {
        let shared = Shared::default();
        let connect = async || Ok(Line(AtomicBool::new(true)));
        let nobody = async || Err(SinkError::retry("there is one"));
        shared.lend(connect()).await.expect("the first").keep();
        shared.lend(nobody()).await.expect("the same").keep();

        drop(shared.lend(nobody()).await.expect("the same, used badly"));
        assert!(shared.lend(nobody()).await.is_err());

        let line = shared.lend(connect()).await.expect("the second");
        line.0.store(false, Ordering::Relaxed);
        line.keep();
        assert!(shared.lend(nobody()).await.is_err());
    }

    #[tokio::test]
    async fn a_late_failure_on_an_old_connection_leaves_the_new_one_alone() {
        let shared = Shared::default();
        let connect = async || Ok(Line(AtomicBool::new(true)));
        let old = shared.lend(connect()).await.expect("the first");
        old.0.store(false, Ordering::Relaxed);
        shared.lend(connect()).await.expect("the second").keep();
        drop(old);
        let nobody = async || Err(SinkError::retry("there is one"));
        shared.lend(nobody()).await.expect("the second").keep();
    }
}
