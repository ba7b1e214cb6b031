//! Whether an access token was signed by its issuer (RFC 9068 §4, as far as somebody can check it who is not the service).
//!
//! The token is for the service, which checks it as a whole. What is checked here is that the issuer has made it: what
//! its claims say is then the issuer's word.

use url::Url;

use super::discovery::Server;
use super::error::Error;
use super::foreign::host;
use super::jwks::{Jws, KeySet, Refusal};
use crate::http::Http;
use crate::secret::Secret;

/// Why a token does not count as its issuer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// It cannot be read as a signed token.
    #[error("it is no signed token")]
    NoSignature,
    /// Its algorithm proves nothing.
    #[error("it is signed in a way that proves nothing")]
    Algorithm,
    /// None of the issuer's keys is the one that it names.
    #[error("none of the issuer's keys is the one that it names")]
    UnknownKey,
    /// The signature is not that of the key.
    #[error("its signature is wrong")]
    Signature,
    /// It names another issuer.
    #[error("it names another issuer")]
    Issuer,
}

/// Checks the token with the keys that the server publishes now; the inner error says why it does not hold.
pub async fn check_signature(http: &Http, server: &Server, token: &Secret) -> Result<Result<(), Forged>, Error> {
    let Some(jws) = Jws::read(token.expose()).filter(|jws| !jws.is_unsigned()) else {
        return Ok(Err(Forged::NoSignature));
    };
    // Keys are fetched for a token that names this issuer and for no other: another issuer's name needs no request.
    if !server.habits.signs(&server.issuer, jws.unverified()) {
        return Ok(Err(Forged::Issuer));
    }
    let url = server.jwks_uri.as_ref().ok_or_else(|| Error::Malformed {
        host: Url::parse(&server.issuer).map_or_else(|_| server.issuer.clone(), |issuer| host(&issuer)),
        what: "it publishes no keys",
    })?;
    let keys = KeySet::fetch(http, url).await?;
    Ok(jws.check(&keys, None).map_err(|refusal| match refusal {
        Refusal::Algorithm => Forged::Algorithm,
        Refusal::UnknownKey => Forged::UnknownKey,
        Refusal::Signature => Forged::Signature,
    }))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::{Value, json};

    use super::*;
    use crate::oauth::testing::{Script, http, json as reply, server};

    struct Issuer {
        key: EcdsaKeyPair,
        random: SystemRandom,
    }

    impl Issuer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random);
            Self { key: key.expect("a key"), random }
        }

        fn keys(&self) -> String {
            let point = self.key.public_key().as_ref();
            let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "x": part(&point[1..33]), "y": part(&point[33..])}]})
                .to_string()
        }

        fn token(&self, header: &Value, claims: &Value) -> Secret {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let message = format!("{}.{}", part(header), part(claims));
            let signature = self.key.sign(&self.random, message.as_bytes()).expect("signed");
            Secret::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
        }
    }

    #[tokio::test]
    async fn only_what_the_issuer_signed_is_its_word() {
        let (issuer, stranger) = (Issuer::new(), Issuer::new());
        let keys = issuer.keys();
        let script = Script::start(move |_, _| reply(200, &keys)).await;
        let server = Server { jwks_uri: Some(script.address("/jwks")), ..server(&script.url) };
        let header = json!({"alg": "ES256", "kid": "1"});
        let claims = json!({"iss": script.url, "sub": "alice"});
        let good = issuer.token(&header, &claims);
        let swapped = {
            let other = issuer.token(&header, &json!({"iss": script.url, "sub": "mallory"}));
            let signature = good.expose().rsplit('.').next().expect("a signature").to_owned();
            let (message, _) = other.expose().rsplit_once('.').expect("a token");
            Secret::new(format!("{message}.{signature}"))
        };
        for (what, token, expected) in [
            ("the issuer's", good, Ok(())),
            ("with other claims", swapped, Err(Forged::Signature)),
            ("a stranger's", stranger.token(&header, &claims), Err(Forged::Signature)),
            ("of an unknown key", issuer.token(&json!({"alg": "ES256", "kid": "2"}), &claims), Err(Forged::UnknownKey)),
            ("unsigned", issuer.token(&json!({"alg": "none"}), &claims), Err(Forged::NoSignature)),
            (
                "signed with a shared secret",
                issuer.token(&json!({"alg": "HS256", "kid": "1"}), &claims),
                Err(Forged::Algorithm),
            ),
            ("of another issuer", issuer.token(&header, &json!({"iss": "https://evil.example"})), Err(Forged::Issuer)),
            ("of nobody", issuer.token(&header, &json!({"sub": "alice"})), Err(Forged::Issuer)),
            ("opaque", Secret::new("opaque"), Err(Forged::NoSignature)),
        ] {
            assert_eq!(check_signature(&http(), &server, &token).await, Ok(expected), "{what}");
        }
    }

    #[tokio::test]
    async fn an_issuer_without_keys_can_vouch_for_nothing() {
        let issuer = Issuer::new();
        let server = server("https://as.example");
        let token = issuer.token(&json!({"alg": "ES256"}), &json!({"iss": "https://as.example"}));
        let error = check_signature(&http(), &server, &token).await.expect_err("no keys");
        assert!(error.to_string().ends_with("it publishes no keys"), "{error}");
    }
}
