//! `sqs`: a message for each event, ten to a request.

mod entry;
mod options;

use std::fmt::Display;

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::send_message_batch::SendMessageBatchOutput,
    types::{BatchResultErrorEntry, QueueAttributeName},
};
use futures_util::future::join_all;
use tokio::sync::OnceCell;

use super::{
    Common, Failure, Format, Message, Receipt, Sink, SinkError,
    cloud::{self, chain},
};
use entry::Entry;

pub(super) use options::Config;

/// What one request takes.
const MOST_AT_ONCE: usize = 10;
/// What a message, and all messages of a request together, may have.
const MOST_BYTES: usize = 1024 * 1024;
/// The beginning of an answer that is told. What follows the first line may repeat the request.
const MOST_CHARACTERS: usize = 300;

type Delivered = Result<Receipt, SinkError>;

/// Sends to one queue.
pub(super) struct Sqs {
    options: Config,
    client: OnceCell<Client>,
}

#[async_trait]
impl Sink for Sqs {
    fn max_batch(&self) -> usize {
        MOST_AT_ONCE
    }

    async fn deliver(&self, messages: &[Message]) -> Vec<Delivered> {
        let mut results: Vec<Option<Delivered>> = messages.iter().map(|_| None).collect();
        let mut entries = Vec::with_capacity(messages.len());
        for (index, message) in messages.iter().enumerate() {
            match Entry::of(index, message, self.options.is_fifo()) {
                Ok(entry) => entries.push(entry),
                Err(error) => results[index] = Some(Err(error)),
            }
        }
        let sent = join_all(pack(entries).into_iter().map(|batch| self.send(batch))).await;
        for (index, result) in sent.into_iter().flatten() {
            results[index] = Some(result);
        }
        let unsaid = || {
            Err(SinkError::retry(
                "the answer says nothing about this message",
            ))
        };
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(unsaid))
            .collect()
    }

    async fn check(&self) -> Result<String, SinkError> {
        let asking = self.client().await.get_queue_attributes();
        let asking = asking
            .queue_url(self.options.queue_url.as_str())
            .attribute_names(QueueAttributeName::MaximumMessageSize);
        match asking.send().await {
            Ok(answer) => {
                let size = answer
                    .attributes()
                    .and_then(|all| all.get(&QueueAttributeName::MaximumMessageSize)?.parse().ok());
                let size = bytesize::ByteSize::b(size.unwrap_or(MOST_BYTES as u64));
                Ok(format!("reachable; the queue takes messages of up to {size}"))
            }
            Err(error) if is_forbidden(error.code()) => Ok(
                "reachable, and the credentials are known; what they may is not, as sqs:GetQueueAttributes is \
                 not allowed"
                    .into(),
            ),
            Err(error) => Err(self.refusal(&error)),
        }
    }
}

impl Sqs {
    /// Finding credentials takes a while, and is done when they are first needed.
    async fn client(&self) -> &Client {
        self.client.get_or_init(|| self.options.client()).await
    }

    async fn send(&self, batch: Vec<Entry>) -> Vec<(usize, Delivered)> {
        match self.request(&batch).await {
            Ok(answer) => told(&answer, &batch),
            // Perhaps the queue's limit is lower than the highest there is. Alone, each has its own result.
            Err(error) if is_of_the_message(error.code()) && batch.len() > 1 => {
                let one_by_one = batch.into_iter().map(async |entry| {
                    let index = entry.index;
                    let alone = [entry];
                    match self.request(&alone).await {
                        Ok(answer) => told(&answer, &alone),
                        Err(error) => vec![(index, Err(self.refusal(&error)))],
                    }
                });
                join_all(one_by_one).await.into_iter().flatten().collect()
            }
            Err(error) => {
                let failed = |entry: Entry| (entry.index, Err(self.refusal(&error)));
                batch.into_iter().map(failed).collect()
            }
        }
    }

    async fn request(
        &self,
        batch: &[Entry],
    ) -> Result<
        SendMessageBatchOutput,
        SdkError<impl ProvideErrorMetadata + std::error::Error + 'static>,
    > {
        let entries = batch
            .iter()
            .map(Entry::to_request)
            .collect::<Result<_, _>>();
        let request = self.client().await.send_message_batch();
        request
            .queue_url(self.options.queue_url.as_str())
            .set_entries(Some(entries.map_err(SdkError::construction_failure)?))
            .send()
            .await
    }

    fn refusal<E: ProvideErrorMetadata + std::error::Error + 'static>(
        &self,
        error: &SdkError<E>,
    ) -> SinkError {
        let queue = &self.options.queue_url;
        let status_code = error.raw_response().map(|answer| answer.status().as_u16());
        let what = match (error.code(), status_code) {
            (Some(code), _) => refused(code, error.message()),
            (None, Some(status)) => format!("status {status}"),
            (None, None) => {
                return SinkError::retry(format!("no answer from {queue}: {}", chain(error)));
            }
        };
        let code = error.code();
        let receipt = Receipt {
            status_code,
            response: Some(what.clone()),
        };
        let failure = |what| Failure { what, receipt };
        if is_of_the_message(code) {
            return SinkError::reject(failure(format!("{queue} refuses: {what}")));
        }
        let advice = match code.unwrap_or_default() {
            _ if is_forbidden(code) => "; allow the credentials sqs:SendMessage",
            code if code.ends_with("QueueDoesNotExist") || code.ends_with("NonExistentQueue") => {
                "; create the queue, or correct `queue_url`"
            }
            "InvalidClientTokenId" | "SignatureDoesNotMatch" | "UnrecognizedClientException" => {
                "; correct `access_key_id` and `secret_access_key`, or the credentials of this machine"
            }
            _ => "",
        };
        SinkError::retry(failure(format!("{queue} refuses: {what}{advice}")))
    }
}

/// Requests of as many messages as one may hold.
fn pack(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut batches: Vec<Vec<Entry>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        match batches.last_mut() {
            Some(batch) if batch.len() < MOST_AT_ONCE && bytes + entry.bytes <= MOST_BYTES => {
                bytes += entry.bytes;
                batch.push(entry);
            }
            _ => {
                bytes = entry.bytes;
                batches.push(vec![entry]);
            }
        }
    }
    batches
}

/// What the answer says of each message.
fn told(answer: &SendMessageBatchOutput, batch: &[Entry]) -> Vec<(usize, Delivered)> {
    let sent = answer.successful().iter().map(|sent| {
        let response = format!("message {}", sent.message_id());
        (sent.id(), Ok(taken(response)))
    });
    let failed = answer.failed().iter();
    let failed = failed.map(|failed| (failed.id(), Err(rejection(failed))));
    let is_ours = |index: &usize| batch.iter().any(|entry| entry.index == *index);
    sent.chain(failed)
        .filter_map(|(id, result)| Some((id.parse().ok().filter(is_ours)?, result)))
        .collect()
}

fn taken(response: String) -> Receipt {
    Receipt {
        status_code: Some(200),
        response: Some(response),
    }
}

/// What the queue refuses for what the message is, it refuses for ever.
fn rejection(failed: &BatchResultErrorEntry) -> SinkError {
    let what = refused(failed.code(), failed.message());
    let failure = Failure {
        receipt: taken(what.clone()),
        what: format!("the queue refuses the message: {what}"),
    };
    if failed.sender_fault() && is_of_the_message(Some(failed.code())) {
        SinkError::reject(failure)
    } else {
        SinkError::retry(failure)
    }
}

fn refused(code: impl Display, message: Option<&str>) -> String {
    let line = message.and_then(|message| message.lines().next());
    match line.filter(|line| !line.is_empty()) {
        Some(line) => format!("{code}: {line}")
            .chars()
            .take(MOST_CHARACTERS)
            .collect(),
        None => code.to_string(),
    }
}

/// What is wrong with the message itself, as nothing else in a request is invalid.
fn is_of_the_message(code: Option<&str>) -> bool {
    let codes = [
        "BatchRequestTooLong",
        "InvalidMessageContents",
        "InvalidParameterValue",
    ];
    code.is_some_and(|code| codes.iter().any(|known| code.ends_with(known)))
}

fn is_forbidden(code: Option<&str>) -> bool {
    matches!(code, Some("AccessDenied" | "AccessDeniedException"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::BatchResultErrorEntry;
    use bytes::Bytes;

    use super::{Entry, MOST_BYTES, SinkError, entry::tests::message, pack, refused, rejection};

    #[test]
    fn a_request_holds_ten_messages_and_a_mebibyte() {
        let sizes = |bodies: &[usize]| -> Vec<usize> {
            let entries = bodies.iter().enumerate().map(|(index, size)| {
                Entry::of(index, &message(Bytes::from(vec![b'x'; *size])), false).expect("an entry")
            });
            pack(entries.collect()).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(&[10; 21]), [10, 10, 1]);
        let third = MOST_BYTES / 3 - 1000;
        assert_eq!(sizes(&[third, third, third, third]), [3, 1]);
        assert_eq!(sizes(&[]), [0; 0]);
    }

    #[test]
    fn only_what_is_wrong_with_the_message_is_final() {
        for (code, fault, is_final) in [
            ("InvalidMessageContents", true, true),
            ("InvalidParameterValue", true, true),
            ("InternalError", false, false),
            ("AccessDenied", true, false),
            ("KmsThrottled", true, false),
        ] {
            let failed = BatchResultErrorEntry::builder()
                .id("0")
                .code(code)
                .sender_fault(fault);
            let error = rejection(&failed.build().expect("an entry"));
            assert_eq!(
                matches!(error, SinkError::Reject { .. }),
                is_final,
                "{code}"
            );
        }
    }

    #[test]
    fn an_answer_is_quoted_by_its_first_line() {
        let message =
            "The signature does not match.\n\nThe canonical string is\nx-amz-security-token:hush";
        assert_eq!(
            refused("SignatureDoesNotMatch", Some(message)),
            "SignatureDoesNotMatch: The signature does not match."
        );
        assert_eq!(refused("Unknown", None), "Unknown");
    }
}
