//! `slack`: each event is a message in a channel, by an incoming webhook of Slack or of what speaks like it.

use std::borrow::Cow;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{
    Common, Format, Message, Receipt, Sink, SinkError,
    outbound::{Endpoint, ExtraRoots, Outbound, Route},
};
use crate::secret::Secret;

/// Slack refuses what is longer, and shows what is longer than 4,000 cut up.
const LONGEST_TEXT: usize = 40_000;

/// `[sinks.<name>]` with this kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The incoming webhook: whoever has it can post.
    #[serde(deserialize_with = "by_reference")]
    url: Endpoint,
    /// Whether the URL may lead into a private network.
    #[serde(default)]
    allow_private: bool,
    /// Authorities that are believed besides those of the system.
    ca_file: Option<ExtraRoots>,
}

impl Config {
    pub(super) fn problems(&self, common: &Common) -> Vec<(String, String)> {
        let mut problems = self.route().problems();
        if common.names_another_format() {
            let why =
                "slack takes no format, but a text for people; to write your own, set template";
            problems.push(("format".to_owned(), why.to_owned()));
        }
        problems
    }

    #[expect(clippy::unused_self, reason = "one shape for all kinds")]
    pub(super) fn format(&self, common: &Common) -> Format {
        let template = common.template.clone();
        template.map_or(Format::Headline, Format::Template)
    }

    pub(super) fn build(&self, _common: &Common) -> Result<Slack, SinkError> {
        let outbound = self.route().open()?;
        let mut headers = outbound.headers();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Slack { outbound, headers })
    }

    fn route(&self) -> Route<'_> {
        Route {
            endpoint: &self.url,
            allow_private: self.allow_private,
            ca_file: self.ca_file.as_ref(),
        }
    }
}

/// A channel.
pub(super) struct Slack {
    outbound: Outbound,
    headers: HeaderMap,
}

/// What an incoming webhook takes.
#[derive(Serialize)]
struct Post<'a> {
    text: &'a str,
}

impl Slack {
    async fn deliver_one(&self, message: &Message) -> Result<Receipt, SinkError> {
        let body = post(&message.body)?;
        let sent = self
            .outbound
            .send(&Method::POST, self.headers.clone(), body);
        sent.await.map_err(with_remedy)
    }
}

#[async_trait]
impl Sink for Slack {
    async fn deliver(&self, messages: &[Message]) -> Vec<Result<Receipt, SinkError>> {
        join_all(messages.iter().map(|message| self.deliver_one(message))).await
    }

    async fn check(&self) -> Result<String, SinkError> {
        self.outbound.check(self.headers.clone()).await
    }
}

/// A URL that is itself a secret.
fn by_reference<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Endpoint, D::Error> {
    let secret = Secret::deserialize(deserializer)?;
    str::from_utf8(secret.expose())
        .map_err(|_| "is not UTF-8")
        .and_then(Endpoint::parse)
        .map_err(|why| D::Error::custom(format!("what the reference leads to {why}")))
}

fn post(body: &[u8]) -> Result<Bytes, SinkError> {
    let text = String::from_utf8_lossy(body);
    let text = shortened(&text);
    let post = serde_json::to_vec(&Post { text: &text });
    post.map(Bytes::from)
        .map_err(|error| SinkError::reject(format!("the text cannot be written as JSON: {error}")))
}

/// A message that Slack takes whole.
fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST_TEXT || text.chars().nth(LONGEST_TEXT).is_none() {
        return text.into();
    }
    let kept = text.chars().take(LONGEST_TEXT - 1);
    kept.chain(['…']).collect::<String>().into()
}

/// What Slack says when a webhook has been taken away, or its channel has.
fn with_remedy(error: SinkError) -> SinkError {
    let SinkError::Reject { mut failure, fault } = error else {
        return error;
    };
    if matches!(failure.receipt.status_code, Some(403 | 404 | 410)) {
        failure.what.push_str(
            ": the webhook or its channel may be gone; make a new one in Slack, put it where the url points, \
             and retry the dead deliveries",
        );
    }
    SinkError::Reject { failure, fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_slack_would_refuse_it() {
        let longest = "é".repeat(LONGEST_TEXT);
        assert_eq!(shortened(&longest), longest);
        let cut = shortened(&format!("{longest}é")).into_owned();
        assert_eq!(cut.chars().count(), LONGEST_TEXT);
        assert!(cut.ends_with("é…"));
    }

    #[test]
    fn a_text_is_json() {
        let body = post("say \"hi\"\n\u{fffd}".as_bytes()).expect("JSON");
        let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(json, serde_json::json!({ "text": "say \"hi\"\n\u{fffd}" }));
        post(b"\xff").expect("bytes that are no text become one");
    }
}
