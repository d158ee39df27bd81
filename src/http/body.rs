//! Reads a request's body within its limits, and gets rid of one that is not wanted.

use std::{pin::pin, time::Duration};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::body::Body as _;

use super::{RequestLimits, error::HttpError};
use crate::intake::Reservation;

/// As much of an unwanted body is read, so that a proxy that is still sending it sees our answer
/// and not a broken pipe.
const MAX_DRAINED: usize = 256 * 1024;
/// And for so long.
const MAX_DRAIN_TIME: Duration = Duration::from_secs(2);
/// And of so many at once. Beyond that, there are more strangers than proxies.
pub(super) const MOST_DRAINED: usize = 512;
/// So often it is looked for before.
const LOOKS: usize = 3;

/// Reads the whole body, reserving memory for it as it arrives.
pub(super) async fn read(
    body: &mut Body,
    limits: RequestLimits,
    memory: &mut Reservation,
) -> Result<Bytes, HttpError> {
    tokio::time::timeout(
        limits.request_timeout,
        collect(body, limits.max_body, memory),
    )
    .await
    .unwrap_or(Err(HttpError::Timeout))
}

/// A body that arrives in one piece, as nearly all do, is not copied.
async fn collect(
    body: &mut Body,
    max_body: usize,
    memory: &mut Reservation,
) -> Result<Bytes, HttpError> {
    let mut whole = Bytes::new();
    let mut pieces = BytesMut::new();
    loop {
        let frame = tokio::select! {
            biased;
            () = memory.gives_way() => return Err(HttpError::NoRoom),
            frame = body.frame() => frame,
        };
        let Some(frame) = frame else {
            break;
        };
        let frame = frame.map_err(|_| HttpError::Incomplete)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let read = whole.len() + pieces.len() + data.len();
        if read > max_body {
            return Err(HttpError::TooLarge);
        }
        let to_come = body
            .size_hint()
            .upper()
            .and_then(|bytes| usize::try_from(bytes).ok());
        let longest = to_come.map_or(max_body, |to_come| max_body.min(read + to_come));
        if !memory.cover(read, longest).await {
            return Err(HttpError::NoRoom);
        }
        if read == data.len() {
            whole = data;
        } else {
            pieces.extend_from_slice(&std::mem::take(&mut whole));
            pieces.extend_from_slice(&data);
        }
    }
    memory.complete();
    Ok(if pieces.is_empty() {
        whole
    } else {
        pieces.freeze()
    })
}

/// Reads away what of an unwanted body is here already. `true` when that is all of it, as with most: then no task
/// need be made for it, which would be the dearest part of a refusal.
pub(super) async fn skim(body: &mut Body) -> bool {
    for _ in 0..LOOKS {
        match body.frame().now_or_never() {
            Some(Some(Ok(_))) => {}
            Some(Some(Err(_)) | None) => return true,
            // The connection reads on only once it is known that somebody waits.
            None => tokio::task::yield_now().await,
        }
    }
    false
}

/// Reads a bounded part of a body that nobody wants, and throws it away.
pub(super) async fn drain(body: Body) {
    let mut body = pin!(body);
    let discard = async {
        let mut drained = 0;
        while drained < MAX_DRAINED {
            match body.frame().await {
                Some(Ok(frame)) => drained += frame.data_ref().map_or(0, Bytes::len),
                Some(Err(_)) | None => return,
            }
        }
    };
    // Time is up: the connection is closed with the body unread.
    drop(tokio::time::timeout(MAX_DRAIN_TIME, discard).await);
}

/// Whether a body that is left alone would stand in the way of the answer.
pub(super) fn wants_draining(body: &Body, expects_continue: bool) -> bool {
    !body.is_end_stream() && !expects_continue
}
