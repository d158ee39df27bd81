//! What the receiver answers.

use serde_json::Value;

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) json: Value,
}

impl Answer {
    pub(super) async fn of(response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            json: response.json().await.unwrap_or_default(),
        }
    }

    /// `stored`, `duplicate`, or an error's code.
    pub(crate) fn said(&self) -> &str {
        let said = self.json["status"]
            .as_str()
            .or(self.json["error"]["code"].as_str());
        said.unwrap_or_default()
    }

    pub(crate) fn event(&self) -> i64 {
        self.json["event"].as_i64().expect("an event's id")
    }

    pub(crate) fn problem(&self) -> Option<&str> {
        self.json["problem"].as_str()
    }
}
