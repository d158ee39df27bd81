//! Decides by an answer's status what became of a message, and keeps the answer's beginning for people.

use std::time::Duration;

use reqwest::{
    Response, StatusCode,
    header::{LOCATION, RETRY_AFTER},
};
use tokio::time::timeout;

use crate::{
    domain::Timestamp,
    sinks::{Failure, Fault, Receipt, SinkError},
};

/// What is kept of an answer.
const KEPT: usize = 1024;
/// A longer answer costs its connection, which is cheaper than reading it.
const READ: usize = 64 * 1024;
/// The status has said it all: nobody waits long for the rest.
const PATIENCE: Duration = Duration::from_millis(500);
/// Whoever asks for more is asked again tomorrow.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// 2xx is taken. What may pass is tried again: 408, 425, 429, 5xx, and redirects, which somebody can mend here.
/// The rest will not change.
pub(super) async fn judge(
    response: Response,
    origin: &str,
    now: Timestamp,
) -> Result<Receipt, SinkError> {
    let status = response.status();
    if status.is_success() {
        return Ok(receipt(response).await);
    }
    let mut what = format!("{origin} answered {status}");
    if status.is_redirection() {
        what.push_str(&redirection(&response));
    }
    let after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| retry_after(value.to_str().ok()?, now));
    let failure = Failure {
        what,
        receipt: receipt(response).await,
    };
    Err(if may_pass(status) {
        SinkError::Retry { after, failure }
    } else {
        let fault = fault(status);
        SinkError::Reject { failure, fault }
    })
}

/// Who is turned away for the address or the login is turned away with everything.
fn fault(status: StatusCode) -> Fault {
    match status {
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        | StatusCode::GONE => Fault::Setup,
        _ => Fault::Message,
    }
}

fn may_pass(status: StatusCode) -> bool {
    let passing = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    !status.is_client_error() || passing.contains(&status)
}

/// Where it leads, as far as the host: the rest may be secret.
fn redirection(response: &Response) -> String {
    let location = response.headers().get(LOCATION);
    let target = location
        .and_then(|value| response.url().join(value.to_str().ok()?).ok())
        .and_then(|url| Some(format!(", to {}", url.host_str()?)));
    let target = target.unwrap_or_default();
    format!("{target}; redirects are not followed: put the final address into the url")
}

/// Seconds, or a date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has room for are a long time, too.
        let wait = value.parse().map_or(LONGEST_WAIT, Duration::from_secs);
        return Some(wait.min(LONGEST_WAIT));
    }
    let date = Timestamp::from(httpdate::parse_http_date(value).ok()?);
    let wait = (date - now).to_std().unwrap_or_default();
    Some(wait.min(LONGEST_WAIT))
}

async fn receipt(response: Response) -> Receipt {
    let status_code = Some(response.status().as_u16());
    Receipt {
        status_code,
        response: beginning(response).await,
    }
}

/// The rest is read, when there is little of it, so that the connection can be used again.
async fn beginning(mut response: Response) -> Option<String> {
    // With room for a character that the limit would cut in two.
    let limit = KEPT + 3;
    let mut kept = Vec::new();
    let reading = async {
        let mut read = 0;
        while let Ok(Some(piece)) = response.chunk().await {
            let room = limit - kept.len();
            kept.extend_from_slice(&piece[..piece.len().min(room)]);
            read += piece.len();
            if read > READ {
                break;
            }
        }
    };
    timeout(PATIENCE, reading).await.ok();
    (!kept.is_empty()).then(|| text(&kept))
}

/// As much as is kept, in characters that every store takes.
fn text(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}");
    text.truncate(text.floor_char_boundary(KEPT));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let passing = [300, 301, 308, 408, 425, 429, 500, 503, 599];
        let lasting = [400, 401, 403, 404, 409, 410, 413, 422, 451];
        let may_pass = |status| may_pass(StatusCode::from_u16(status).expect("a status"));
        assert!(passing.into_iter().all(may_pass));
        assert!(!lasting.into_iter().any(may_pass));
    }

    #[test]
    fn retry_after_is_a_number_or_a_date() {
        let now = Timestamp::from_timestamp(784_111_777, 0).expect("a time");
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("604800", Some(86_400)),
            ("99999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:51:37 GMT", Some(120)),
            ("Sunday, 06-Nov-94 08:51:37 GMT", Some(120)),
            ("Sun Nov  6 08:51:37 1994", Some(120)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(value, now), expected, "{value}");
        }
    }

    #[test]
    fn an_answer_is_kept_to_1_kb_of_clean_text() {
        assert_eq!(text(b"a\0b\xffc"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(text("x".repeat(KEPT + 3).as_bytes()).len(), KEPT);
        let cut = text(format!("{}\u{20ac}", "x".repeat(KEPT - 1)).as_bytes());
        assert_eq!(cut, "x".repeat(KEPT - 1));
        assert!(text(&[0xff; KEPT]).len() <= KEPT);
    }
}
