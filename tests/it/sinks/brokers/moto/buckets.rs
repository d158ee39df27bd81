//! What Moto has as S3.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::{Moto, credential};
use crate::support::client;

/// An object as it was put.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) key: String,
    pub(crate) content_type: String,
    pub(crate) lines: Vec<Value>,
}

impl Moto {
    /// One that knows nobody.
    pub(crate) async fn strict() -> Self {
        Self::start_with(true).await
    }

    /// A new bucket.
    pub(crate) async fn bucket(&self, name: &str) {
        let put = client().put(format!("{}/{name}", self.url())).send().await;
        assert!(put.expect("an answer").status().is_success());
    }

    /// All that is in a bucket, in the order of the keys.
    pub(crate) async fn objects(&self, bucket: &str) -> Vec<Stored> {
        let url = format!("{}/{bucket}", self.url());
        let list = client().get(&url).send().await.expect("an answer");
        let list = list.text().await.expect("a text");
        let keys = list.split("<Key>").skip(1);
        let keys = keys.filter_map(|rest| Some(rest.split_once("</Key>")?.0));
        let mut objects = Vec::new();
        for key in keys {
            let get = client().get(format!("{url}/{key}"));
            let get = get.header("authorization", credential("s3"));
            let answer = get.send().await.expect("an answer");
            let content_type = answer.headers()["content-type"].to_str().expect("a text");
            let content_type = content_type.to_owned();
            let body = answer.bytes().await.expect("a body");
            let mut text = String::new();
            GzDecoder::new(&body[..])
                .read_to_string(&mut text)
                .expect("gzip");
            let lines = text
                .lines()
                .map(|line| serde_json::from_str(line).expect("JSON"));
            objects.push(Stored {
                key: key.into(),
                content_type,
                lines: lines.collect(),
            });
        }
        objects
    }
}
