//! What `s3` and `sqs` have in common: how credentials and endpoints are given.

use std::error::Error;

use url::Url;

use crate::secret::Secret;

/// A problem with an option: its key and a sentence.
type Problem = (String, String);

/// What is wrong with credentials that are only half there.
pub(super) fn credentials_problem(
    access_key_id: Option<&Secret>,
    secret_access_key: Option<&Secret>,
    session_token: Option<&Secret>,
) -> Option<Problem> {
    let (key, why) = match (access_key_id, secret_access_key) {
        (Some(_), None) => (
            "secret_access_key",
            "is missing, and access_key_id needs it",
        ),
        (None, Some(_)) => (
            "access_key_id",
            "is missing, and secret_access_key needs it",
        ),
        (None, None) if session_token.is_some() => {
            ("access_key_id", "is missing, and session_token needs it")
        }
        _ => return None,
    };
    Some((key.into(), why.into()))
}

/// What is wrong with a URL that requests are to go to.
pub(super) fn url_problem(key: &str, url: &Url) -> Option<Problem> {
    let why = if !matches!(url.scheme(), "https" | "http") {
        "must be a URL that begins with https://"
    } else if !url.username().is_empty() || url.password().is_some() {
        "must hold no credentials; use access_key_id and secret_access_key"
    } else {
        return None;
    };
    Some((key.into(), why.into()))
}

/// A secret as the clients want it.
pub(super) fn text(secret: &Secret) -> String {
    String::from_utf8_lossy(secret.expose()).into_owned()
}

/// An error and its causes in one line; a cause that the error itself quotes is said once.
#[must_use]
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !told.contains(&message) {
            told = format!("{told}: {message}");
        }
        cause = error.source();
    }
    told
}
