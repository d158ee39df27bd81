//! Posts signed bodies, and tells what was answered.

use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use url::Url;

use super::Parcel;

/// Longer than any receiver should take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Speaks to one receiver.
pub(super) struct Postman {
    client: reqwest::Client,
    base: Url,
}

/// What became of one kind of body, equal for all that are counted together.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Outcome {
    pub(super) source: String,
    pub(super) sample: String,
    pub(super) status: Option<u16>,
    pub(super) answer: String,
}

/// The receiver's answer.
#[derive(Deserialize)]
struct Received {
    status: String,
    event: Option<i64>,
}

impl Postman {
    /// Follows no redirect: a webhook's sender would not either.
    pub(super) fn new(base: Url) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("huntr-receiver/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("preparing to send")?;
        Ok(Self { client, base })
    }

    /// Posts a parcel, and gives what was answered with the event's id.
    pub(super) async fn post(&self, parcel: Parcel<'_>) -> (Outcome, Option<i64>) {
        let source = parcel.source.name().to_string();
        let sample = parcel.name.clone();
        let (status, answer, event) = match self.send(parcel).await {
            Err(error) => (None, describe(&error), None),
            Ok(response) => {
                let status = Some(response.status().as_u16());
                match response.json::<Received>().await {
                    Ok(received) => (status, received.status, received.event),
                    Err(_) => (status, "refused".to_owned(), None),
                }
            }
        };
        let outcome = Outcome {
            source,
            sample,
            status,
            answer,
        };
        (outcome, event)
    }

    async fn send(&self, parcel: Parcel<'_>) -> reqwest::Result<reqwest::Response> {
        let base = self.base.as_str().trim_end_matches('/');
        let url = format!("{base}/webhooks/{}", parcel.source.name());
        let mut request = self
            .client
            .post(url)
            .header("content-type", "application/json");
        if let Some((name, value)) = parcel.source.provider().sign(&parcel.body) {
            request = request.header(name, value);
        }
        request.body(parcel.body).send().await
    }
}

/// The innermost cause, without the URL, whose query might be a secret.
fn describe(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
