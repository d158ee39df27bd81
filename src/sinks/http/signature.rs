//! Signs a message by Standard Webhooks: <https://www.standardwebhooks.com>.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, de::Error};
use sha2::Sha256;

use crate::secret::Secret;

const PREFIX: &[u8] = b"whsec_";

/// A secret of the form `whsec_…`, ready to sign with. Cannot be printed.
#[derive(Clone)]
pub(super) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// `None` when the secret does not have the form.
    fn of(secret: &Secret) -> Option<Self> {
        let text = secret.expose().strip_prefix(PREFIX)?;
        let key = BASE64_STANDARD.decode(text).ok()?;
        // An empty key would sign, and prove nothing.
        let mac = (!key.is_empty()).then(|| Hmac::new_from_slice(&key).ok())??;
        Some(Self(mac))
    }

    /// What goes into `webhook-signature`; the timestamp is that of the attempt, in seconds.
    pub(super) fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        let mut signature = String::from("v1,");
        BASE64_STANDARD.encode_string(mac.finalize().into_bytes(), &mut signature);
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl<'de> Deserialize<'de> for SigningKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let secret = Secret::deserialize(deserializer)?;
        Self::of(&secret).ok_or_else(|| {
            D::Error::custom(
                "what the reference leads to is not whsec_ followed by base64; \
                 make one with: echo \"whsec_$(openssl rand -base64 32)\"",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_has_its_signature() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let key = SigningKey::of(&secret).expect("a key");
        let signature = key.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(format!("{key:?}"), "SigningKey");
    }

    #[test]
    fn a_secret_of_another_form_is_refused() {
        for secret in [
            "",
            "whsec_",
            "whsec_%%%",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfK",
        ] {
            assert!(SigningKey::of(&Secret::new(secret)).is_none(), "{secret}");
        }
    }
}
