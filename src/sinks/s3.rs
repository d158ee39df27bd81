//! `s3`: an object for each batch, in folders by the hour; gzipped lines of JSON.

mod object;
mod options;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use object_store::{
    Attribute, Attributes, ObjectStore, PutOptions,
    aws::AmazonS3,
    list::{PaginatedListOptions, PaginatedListStore},
};

use super::{
    Common, Format, Message, Receipt, Sink, SinkError,
    cloud::{self, chain},
};
use object::Object;

pub(super) use options::Config;

const CONTENT_TYPE: &str = "application/x-ndjson";
/// The beginning of an answer that is told.
const MOST_CHARACTERS: usize = 300;

/// Writes to one bucket.
pub(super) struct S3 {
    store: AmazonS3,
    bucket: String,
    prefix: String,
    max_batch: usize,
    linger: Duration,
}

#[async_trait]
impl Sink for S3 {
    fn max_batch(&self) -> usize {
        self.max_batch
    }

    fn linger(&self) -> Duration {
        self.linger
    }

    async fn deliver(&self, messages: &[Message]) -> Vec<Result<Receipt, SinkError>> {
        let objects = object::by_hour(messages);
        let put = async |object: Object<'_>| (object.indices.clone(), self.put(object).await);
        let mut results: Vec<_> = messages.iter().map(|_| None).collect();
        for (indices, result) in join_all(objects.into_iter().map(put)).await {
            for index in indices {
                results[index] = Some(match &result {
                    Ok(receipt) => Ok(receipt.clone()),
                    Err(why) => Err(SinkError::retry(why.as_str())),
                });
            }
        }
        let unsaid = || Err(SinkError::retry("it was not put into an object"));
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(unsaid))
            .collect()
    }

    async fn check(&self) -> Result<String, SinkError> {
        let options = PaginatedListOptions {
            max_keys: Some(1),
            ..PaginatedListOptions::default()
        };
        let folder = (!self.prefix.is_empty()).then(|| format!("{}/", self.prefix));
        match self.store.list_paginated(folder.as_deref(), options).await {
            Ok(_) => Ok(format!("reachable; bucket {} can be listed", self.bucket)),
            Err(error) => match Answer::of(&error) {
                Some(Answer { code, .. }) if code == "AccessDenied" => Ok(format!(
                    "reachable, and the credentials are known; what they may is not, as s3:ListBucket on \
                     bucket {} is not allowed",
                    self.bucket
                )),
                _ => Err(SinkError::retry(self.why(&error))),
            },
        }
    }
}

impl S3 {
    async fn put(&self, object: Object<'_>) -> Result<Receipt, String> {
        let path = object.path(&self.prefix);
        let lines = object.lines();
        // Compressing megabytes takes longer than other tasks should wait.
        let body = tokio::task::spawn_blocking(move || object::gzip(&lines))
            .await
            .map_err(|error| format!("compressing failed: {error}"))?
            .map_err(|error| format!("compressing failed: {error}"))?;
        let attributes = Attributes::from_iter([(Attribute::ContentType, CONTENT_TYPE)]);
        let put = self
            .store
            .put_opts(&path, body.into(), PutOptions::from(attributes));
        put.await.map_err(|error| self.why(&error))?;
        Ok(Receipt {
            status_code: Some(200),
            response: Some(path.to_string()),
        })
    }

    fn why(&self, error: &object_store::Error) -> String {
        let bucket = &self.bucket;
        let Some(Answer { code, message }) = Answer::of(error) else {
            let told = chain(error);
            let told: String = told
                .split('<')
                .next()
                .unwrap_or_default()
                .chars()
                .take(MOST_CHARACTERS)
                .collect();
            return format!("no answer about bucket {bucket}: {}", told.trim());
        };
        let advice = match &*code {
            "NoSuchBucket" => "; create the bucket, or correct `bucket`",
            "AccessDenied" => "; allow the credentials s3:PutObject",
            "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" => {
                "; correct `access_key_id` and `secret_access_key`, or the credentials of this machine"
            }
            "PermanentRedirect" | "AuthorizationHeaderMalformed" => "; correct `region`",
            _ => "",
        };
        format!("bucket {bucket} is refused: {code}: {message}{advice}")
    }
}

/// What S3 says, without the rest of its answer, which can hold credentials.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    code: String,
    message: String,
}

impl Answer {
    fn of(error: &object_store::Error) -> Option<Self> {
        Self::parse(&chain(error))
    }

    fn parse(text: &str) -> Option<Self> {
        let within = |tag: &str| {
            let (_, rest) = text.split_once(&format!("<{tag}>"))?;
            let (inner, _) = rest.split_once('<')?;
            let line = inner.lines().next().unwrap_or_default();
            Some(line.chars().take(MOST_CHARACTERS).collect::<String>())
        };
        Some(Self {
            code: within("Code")?,
            message: within("Message").unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn an_answer_is_quoted_by_its_code_and_message() {
        let text = "403: <?xml?><Error><Code>ExpiredToken</Code><Message>It has expired.\nx</Message>\
                    <Token-0>hush</Token-0></Error>";
        let (code, message) = ("ExpiredToken".into(), "It has expired.".into());
        assert_eq!(Answer::parse(text), Some(Answer { code, message }));
        assert_eq!(Answer::parse("connection refused"), None);
    }
}
