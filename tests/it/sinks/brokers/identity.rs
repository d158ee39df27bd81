//! A server's certificate, and that of the authority which vouches for it.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// The paths of files in PEM form.
pub(crate) struct Identity {
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Identity {
    /// For a server on 127.0.0.1, in files in this folder.
    pub(crate) fn new(dir: &Path) -> Self {
        let file = |name: &str, text: String| {
            let path = dir.join(name);
            std::fs::write(&path, text).expect("writing it");
            path.display().to_string()
        };
        let params = |name: &str| CertificateParams::new(vec![name.into()]).expect("a name");
        let mut authority = params("authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().expect("a key");
        let authority_certificate = authority
            .self_signed(&authority_key)
            .expect("a certificate");
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().expect("a key");
        let certificate = params("127.0.0.1")
            .signed_by(&key, &issuer)
            .expect("a certificate");
        Self {
            authority: file("authority.pem", authority_certificate.pem()),
            certificate: file("certificate.pem", certificate.pem()),
            key: file("key.pem", key.serialize_pem()),
        }
    }
}
