//! `kind = "stdout"`: writes each message to standard output, one line of JSON each.

use std::{
    io::{self, ErrorKind, Write},
    sync::Arc,
};

use async_trait::async_trait;
use serde::Deserialize;
use tokio::{sync::Mutex, task::spawn_blocking};

use super::{Common, Format, Message, Receipt, Sink, SinkError};

/// Messages that are written together.
const MAX_BATCH: usize = 500;

/// `[sinks.<name>]` with this kind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {}

impl Config {
    #[expect(clippy::unused_self, reason = "one shape for all kinds")]
    pub(super) fn problems(&self, _common: &Common) -> Vec<(String, String)> {
        Vec::new()
    }

    #[expect(clippy::unused_self, reason = "one shape for all kinds")]
    pub(super) fn format(&self, common: &Common) -> Format {
        common.format()
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "one shape for all kinds"
    )]
    pub(super) fn build(&self, _common: &Common) -> Result<StdoutSink, SinkError> {
        Ok(StdoutSink::default())
    }
}

/// Writes to standard output.
#[derive(Default)]
pub(super) struct StdoutSink {
    /// Whose turn it is, and whether a failure has left a line without its end.
    is_torn: Arc<Mutex<bool>>,
}

#[async_trait]
impl Sink for StdoutSink {
    fn max_batch(&self) -> usize {
        MAX_BATCH
    }

    async fn deliver(&self, messages: &[Message]) -> Vec<Result<Receipt, SinkError>> {
        let mut lines = Vec::new();
        for message in messages {
            lines.extend_from_slice(&message.line());
            lines.push(b'\n');
        }
        // Waited for here and not on the thread: a reader that has stopped holds one thread, however many
        // calls give up.
        let mut is_torn = Arc::clone(&self.is_torn).lock_owned().await;
        let written = spawn_blocking(move || {
            let written = write(if *is_torn { b"\n" } else { b"" }, &lines);
            *is_torn = written.is_err();
            written
        });
        let outcome = match written.await {
            Ok(outcome) => outcome,
            Err(_) => Err(io::Error::other("the writing was broken off")),
        };
        messages
            .iter()
            .map(|_| match &outcome {
                Ok(()) => Ok(Receipt::default()),
                Err(error) => Err(SinkError::retry(explain(error))),
            })
            .collect()
    }

    async fn check(&self) -> Result<String, SinkError> {
        Ok("standard output of `serve`, one line a message".into())
    }
}

/// All lines under one lock, so that nothing of another sink comes between.
fn write(before: &[u8], lines: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(before)?;
    stdout.write_all(lines)?;
    stdout.flush()
}

fn explain(error: &io::Error) -> String {
    let remedy = match error.kind() {
        ErrorKind::BrokenPipe => {
            "; what read it has ended: start the receiver again with its reader"
        }
        ErrorKind::StorageFull => "; make room where it is redirected to",
        _ => "",
    };
    format!("standard output cannot be written to: {error}{remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_has_ended_is_told_as_such() {
        let told = explain(&ErrorKind::BrokenPipe.into());
        assert!(told.contains("what read it has ended"), "{told}");
    }
}
