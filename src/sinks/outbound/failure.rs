//! Says why a request got no answer, without the URL, of which parts may be secret.

use std::{error::Error, io};

use rustls::{CertificateError, Error as TlsError};

use super::guard::NotPublic;

/// Why there was no answer from there.
pub(super) fn describe(error: &reqwest::Error, origin: &str) -> String {
    let cause = innermost(error);
    if find::<NotPublic>(error).is_some() {
        return cause;
    }
    if !error.is_connect() {
        return format!("{origin} gave no answer: {cause}");
    }
    if error.is_timeout() {
        return format!(
            "cannot connect to {origin}: it does not react; is it up, and let through?"
        );
    }
    let remedy = match find(error) {
        Some(TlsError::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "; if a private authority issued its certificate, name that authority's in ca_file"
        }
        Some(_) => "",
        None => "; is it up, and the url right?",
    };
    format!("cannot connect to {origin}: {cause}{remedy}")
}

/// The last of the causes, which says most.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// An error and its causes. TLS fails within I/O, which keeps its error where `source` does not show it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let within = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        within.map_or_else(
            || (*error).source(),
            |error| Some(error as &(dyn Error + 'static)),
        )
    })
}
