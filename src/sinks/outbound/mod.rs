//! Requests to the addresses that people configure: one client a sink, with limits. It follows no redirect, uses no
//! proxy, and reaches no private address unless it is told to.

mod answer;
mod endpoint;
mod failure;
mod guard;
mod roots;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{Client, Method, Request, Response, header::HeaderMap, redirect};
use url::Url;

pub(super) use self::{endpoint::Endpoint, roots::ExtraRoots};
use self::{
    failure::describe,
    guard::{PublicOnly, not_public},
};
use super::{Receipt, SinkError};
use crate::domain::{Clock, SystemClock};

const USER_AGENT: &str = concat!("huntr-receiver/", env!("CARGO_PKG_VERSION"));
/// A connection is made in the background, even when nobody waits for it any longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than most servers keep a connection, so that few are closed while a request is on its way.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// One HTTP/2 connection carries all requests: without a sign of life they would all wait on a dead one.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// Where requests go, and what may be done to get there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) allow_private: bool,
    pub(super) ca_file: Option<&'a ExtraRoots>,
}

impl Route<'_> {
    /// What is wrong with it: pairs of a key and a sentence.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if let Some(why) = self.refusal() {
            problems.push(("url".to_owned(), why));
        }
        if self.ca_file.is_some()
            && let Err(error) = self.client()
        {
            let why = format!("is of no use: {}", failure::innermost(&error));
            problems.push(("ca_file".to_owned(), why));
        }
        problems
    }

    /// Makes the client. Nothing is connected yet.
    pub(super) fn open(&self) -> Result<Outbound, SinkError> {
        if let Some(why) = self.refusal() {
            return Err(SinkError::reject(format!("the url {why}")));
        }
        let prepared = self.client().and_then(|client| {
            // The client takes the password out of the URL and makes a header of it.
            let request = client.get(self.endpoint.url().clone()).build()?;
            Ok((client, request))
        });
        let (client, request) = prepared.map_err(|error| {
            let cause = failure::innermost(&error);
            SinkError::retry(format!("cannot prepare requests: {cause}"))
        })?;
        Ok(Outbound {
            client,
            url: request.url().clone(),
            headers: request.headers().clone(),
            origin: self.endpoint.to_string(),
            clock: SystemClock,
        })
    }

    /// An address that is written as numbers never reaches the resolver, so it is looked at here.
    fn refusal(&self) -> Option<String> {
        let host = self.endpoint.url().host()?;
        (!self.allow_private).then(|| not_public(&host))?
    }

    fn client(&self) -> reqwest::Result<Client> {
        // Fails only when a provider is installed already, which is just as well.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let mut client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http2_keep_alive_interval(SIGN_OF_LIFE)
            .http2_keep_alive_timeout(SIGN_OF_LIFE);
        if !self.allow_private {
            client = client.dns_resolver(Arc::new(PublicOnly));
        }
        if self.endpoint.url().scheme() == "http" {
            // A machine without root certificates can do this.
            client = client.tls_certs_only([]);
        } else if let Some(roots) = self.ca_file {
            client = client.tls_certs_merge(roots.certificates());
        }
        client.build()
    }
}

/// A client for one URL.
pub(super) struct Outbound {
    client: Client,
    url: Url,
    headers: HeaderMap,
    origin: String,
    clock: SystemClock,
}

impl Outbound {
    /// The headers that each request begins with: what the user and password in the URL became.
    pub(super) fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    /// Sends a request, and tells by the answer's status what became of it.
    pub(super) async fn send(
        &self,
        method: &Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Receipt, SinkError> {
        let response = self.request(method, headers, body).await?;
        answer::judge(response, &self.origin, self.clock.now()).await
    }

    /// Whether anything answers. `HEAD` asks for nothing to be done, and any answer will do.
    pub(super) async fn check(&self, headers: HeaderMap) -> Result<String, SinkError> {
        let response = self.request(&Method::HEAD, headers, Bytes::new()).await?;
        let status = response.status().as_u16();
        Ok(format!(
            "reachable; {} answered a HEAD request with {status}",
            self.origin
        ))
    }

    async fn request(
        &self,
        method: &Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, SinkError> {
        let mut request = Request::new(method.clone(), self.url.clone());
        *request.headers_mut() = headers;
        if *method != Method::HEAD {
            *request.body_mut() = Some(body.into());
        }
        let answer = self.client.execute(request).await;
        answer.map_err(|error| SinkError::retry(describe(&error, &self.origin)))
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::AUTHORIZATION;

    use super::*;

    fn route(endpoint: &Endpoint, allow_private: bool) -> Route<'_> {
        Route {
            endpoint,
            allow_private,
            ca_file: None,
        }
    }

    #[test]
    fn a_private_address_is_refused_before_anything_is_sent() {
        for url in [
            "http://127.0.0.1:8080/",
            "http://2130706433/",
            "http://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            "http://localhost./",
            "http://db.localhost/",
            "http://169.254.169.254/latest/meta-data",
        ] {
            let endpoint = Endpoint::parse(url).expect("a URL");
            let problems = route(&endpoint, false).problems();
            assert_eq!(problems.len(), 1, "{url}");
            assert!(problems[0].1.contains("allow_private"), "{problems:?}");
            assert!(route(&endpoint, false).open().is_err(), "{url}");
            assert_eq!(route(&endpoint, true).problems(), [], "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_refused_on_connecting() {
        let endpoint = Endpoint::parse("http://localhost:9/").expect("a URL");
        let client = route(&endpoint, false).client().expect("a client");
        let error = client.get("http://localhost:9/").send().await;
        let told = describe(&error.expect_err("it is private"), "http://localhost:9");
        assert!(told.contains("localhost is at "), "{told}");
        assert!(told.contains("allow_private = true"), "{told}");
    }

    #[test]
    fn a_password_in_the_url_becomes_a_header() {
        let endpoint = Endpoint::parse("http://ada:p%40ss@example.com/hook").expect("a URL");
        let outbound = route(&endpoint, false).open().expect("a client");
        assert_eq!(outbound.url.as_str(), "http://example.com/hook");
        let header = &outbound.headers[AUTHORIZATION];
        assert_eq!(header, "Basic YWRhOnBAc3M=");
        assert!(header.is_sensitive());
    }
}
