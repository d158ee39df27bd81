//! `http`: each event is a request to a URL, signed by Standard Webhooks when there is a secret.

mod headers;
mod signature;

use async_trait::async_trait;
use futures_util::future::join_all;
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde::{Deserialize, Deserializer, de::Error};

use self::{headers::Headers, signature::SigningKey};
use super::{
    Common, Format, Message, Receipt, Sink, SinkError,
    outbound::{Endpoint, ExtraRoots, Outbound, Route},
};
use crate::domain::{Clock, SystemClock};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// `[sinks.<name>]` with this kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// Where requests go.
    url: Endpoint,
    /// Which request it is.
    #[serde(default = "post", deserialize_with = "method")]
    method: Method,
    /// What is added to each.
    #[serde(default)]
    headers: Headers,
    /// Signs each.
    secret: Option<SigningKey>,
    /// Whether the URL may lead into a private network.
    #[serde(default)]
    allow_private: bool,
    /// Authorities that are believed besides those of the system.
    ca_file: Option<ExtraRoots>,
}

impl Config {
    pub(super) fn problems(&self, _common: &Common) -> Vec<(String, String)> {
        let mut problems = self.route().problems();
        problems.extend(self.headers.problems());
        let url = self.url.url();
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        if has_credentials && self.headers.sets_authorization() {
            let why =
                "has a user or password, and headers has an authorization; only one can be sent";
            problems.push(("url".to_owned(), why.to_owned()));
        }
        problems
    }

    #[expect(clippy::unused_self, reason = "one shape for all kinds")]
    pub(super) fn format(&self, common: &Common) -> Format {
        common.format()
    }

    pub(super) fn build(&self, _common: &Common) -> Result<Http, SinkError> {
        let outbound = self.route().open()?;
        let mut headers = outbound.headers();
        headers.extend(self.headers.map());
        Ok(Http {
            outbound,
            method: self.method.clone(),
            headers,
            key: self.secret.clone(),
            clock: SystemClock,
        })
    }

    fn route(&self) -> Route<'_> {
        Route {
            endpoint: &self.url,
            allow_private: self.allow_private,
            ca_file: self.ca_file.as_ref(),
        }
    }
}

/// A URL that takes events.
pub(super) struct Http {
    outbound: Outbound,
    method: Method,
    headers: HeaderMap,
    key: Option<SigningKey>,
    clock: SystemClock,
}

impl Http {
    async fn deliver_one(&self, message: &Message) -> Result<Receipt, SinkError> {
        let headers = self.headers(message)?;
        let body = message.body.clone();
        self.outbound.send(&self.method, headers, body).await
    }

    /// The configuration's own content type wins: a template may make what only its author can name.
    fn headers(&self, message: &Message) -> Result<HeaderMap, SinkError> {
        let mut headers = self.headers.clone();
        headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static(message.content_type));
        for (name, text) in &message.headers {
            set(&mut headers, HeaderName::from_static(name), text)?;
        }
        let id = message.id();
        set(&mut headers, ID, &id)?;
        if let Some(key) = &self.key {
            let timestamp = self.clock.now().timestamp().to_string();
            set(
                &mut headers,
                SIGNATURE,
                &key.sign(&id, &timestamp, &message.body),
            )?;
            set(&mut headers, TIMESTAMP, &timestamp)?;
        }
        Ok(headers)
    }
}

#[async_trait]
impl Sink for Http {
    async fn deliver(&self, messages: &[Message]) -> Vec<Result<Receipt, SinkError>> {
        join_all(messages.iter().map(|message| self.deliver_one(message))).await
    }

    async fn check(&self) -> Result<String, SinkError> {
        self.outbound.check(self.headers.clone()).await
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) -> Result<(), SinkError> {
    let value = HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| SinkError::reject(format!("the value of {name} cannot be a header")))?;
    headers.insert(name, value);
    Ok(())
}

fn post() -> Method {
    Method::POST
}

fn method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Method, D::Error> {
    let text = String::deserialize(deserializer)?.to_ascii_uppercase();
    match Method::from_bytes(text.as_bytes()) {
        // It would ask a proxy for a tunnel; and what has no body brings no event.
        Ok(Method::CONNECT | Method::HEAD | Method::TRACE) => Err(D::Error::custom(
            "must be a method that takes a body, like POST or PUT",
        )),
        Ok(method) => Ok(method),
        Err(_) => Err(D::Error::custom("must be a method like POST or PUT")),
    }
}
