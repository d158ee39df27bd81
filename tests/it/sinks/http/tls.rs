//! Over TLS, with a certificate of a private authority.

use std::sync::Arc;

use hyper::Version;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig, crypto,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tempfile::NamedTempFile;

use crate::sinks::{
    made::{self, deliver, message, problem, retry},
    web_server::WebServer,
};

/// A server for 127.0.0.1, and the authority that vouches for it.
async fn server() -> (WebServer, NamedTempFile) {
    let mut params = CertificateParams::new([]).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");

    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()])
        .and_then(|params| params.signed_by(&key, &authority))
        .expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::from(key))
        .expect("a server's configuration");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];

    let ca_file = NamedTempFile::new().expect("a file");
    std::fs::write(ca_file.path(), authority.pem()).expect("writing it");
    (WebServer::start_with_tls(config).await, ca_file)
}

#[tokio::test]
async fn a_private_authority_is_believed_when_it_is_named() {
    let (server, ca_file) = server().await;
    let options = format!("url = \"{}\"\nallow_private = true\n", server.url());

    let distrustful = made::sink("http", &options);
    let told = retry(deliver(&*distrustful, message(1, "{}")).await);
    assert!(told.contains("UnknownIssuer"), "{told}");
    assert!(told.contains("in ca_file"), "{told}");
    assert!(distrustful.check().await.is_err());
    assert_eq!(server.received().len(), 0);

    let ca_file = ca_file.path().display();
    let trusting = made::sink("http", &format!("{options}ca_file = \"{ca_file}\""));
    let before = server.connections();
    for id in 0..10 {
        deliver(&*trusting, message(id, "{}"))
            .await
            .expect("delivered");
    }
    assert_eq!(server.last().version, Version::HTTP_2);
    assert_eq!(server.connections() - before, 1, "it was used again");
}

#[test]
fn a_file_without_certificates_is_refused() {
    let file = NamedTempFile::new().expect("a file");
    let pem = "-----BEGIN CERTIFICATE-----\naHVzaA==\n-----END CERTIFICATE-----\n";
    for content in ["", "hush", pem] {
        std::fs::write(file.path(), content).expect("writing it");
        let (key, why) = problem(
            "http",
            &format!(
                "url = \"https://example.com\"\nca_file = \"{}\"",
                file.path().display()
            ),
        );
        assert_eq!(key, "ca_file", "{why}");
    }
    let (key, why) = problem(
        "http",
        "url = \"https://example.com\"\nca_file = \"/nowhere\"",
    );
    assert_eq!(key, "ca_file");
    assert!(why.contains("cannot be read: No such file"), "{why}");
}
