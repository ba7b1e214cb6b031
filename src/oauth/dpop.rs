//! Tokens bound to a key (RFC 9449): whoever copies such a token on its way, in a log or from a host can do nothing with
//! it, because every request must come with a fresh proof of the key.
//!
//! One key for one grant, kept with it. A proof names the method, the address and the moment, so that it is good for one
//! request only, and at a service also the token. A server may want its own nonce in it; that is kept per origin.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use url::Url;

use super::discovery::Server;
use super::endpoint::Proof;
use super::error::Error;
use super::foreign::clean;
use super::jose::{BadKey, SigningKey};
use super::jwks::Jwk;
use super::random;
use super::token::{TokenType, Tokens, Warning};
use crate::secret::Secret;

/// A longer nonce is no nonce.
const LONGEST_NONCE: usize = 1024;
/// A grant has a token endpoint and a service; more origins than this are none of its own.
const MOST_ORIGINS: usize = 16;

/// The key of one grant, and the nonces that its servers gave.
pub struct Key {
    signing: SigningKey,
    public: Value,
    thumbprint: String,
    nonces: Mutex<BTreeMap<String, String>>,
}

/// One request that a proof is for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its address; query and fragment are left out of the proof (§4.2).
    pub url: &'a Url,
    /// The token that travels with it; `None` at a token endpoint.
    pub access_token: Option<&'a Secret>,
    /// Seconds since 1970, by the server's clock as far as it is known.
    pub now: i64,
}

impl Key {
    /// A new key.
    pub fn generate() -> Result<Self, Error> {
        Self::of(SigningKey::generate()?).ok_or(Error::NoRandom)
    }

    /// The key that [`Key::secret`] gave.
    pub fn of_secret(stored: &Secret) -> Result<Self, BadKey> {
        Self::of(SigningKey::of_pem(stored)?).ok_or(BadKey::Unsupported)
    }

    fn of(signing: SigningKey) -> Option<Self> {
        let public = signing.public()?;
        let thumbprint = Jwk::read(&public)?.thumbprint();
        Some(Self { signing, public: Value::Object(public), thumbprint, nonces: Mutex::default() })
    }

    /// The key as it is kept with its grant.
    pub fn secret(&self) -> &Secret {
        self.signing.pem()
    }

    /// What the authorization request names it by (`dpop_jkt`, §10): a code that was bound to it is worth nothing to
    /// whoever steals the code.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// A fresh `DPoP` header for one request, with the nonce that its origin gave last.
    pub fn header(&self, request: Request<'_>) -> Result<HeaderValue, Error> {
        let mut target = request.url.clone();
        target.set_query(None);
        target.set_fragment(None);
        let mut header = Map::new();
        header.insert("typ".to_owned(), "dpop+jwt".into());
        header.insert("jwk".to_owned(), self.public.clone());
        let mut claims = Map::new();
        for (name, value) in [
            // Servers refuse a proof that they have seen.
            ("jti", json!(random::secret()?.expose())),
            ("htm", json!(request.method)),
            ("htu", json!(target.as_str())),
            ("iat", json!(request.now)),
        ] {
            claims.insert(name.to_owned(), value);
        }
        let hash = |token: &Secret| URL_SAFE_NO_PAD.encode(digest(&SHA256, token.expose().as_bytes()));
        claims.extend(request.access_token.map(|token| ("ath".to_owned(), hash(token).into())));
        claims.extend(self.nonce(request.url).map(|nonce| ("nonce".to_owned(), nonce.into())));
        let proof = self.signing.sign(header, claims)?;
        let mut value = HeaderValue::from_str(proof.expose()).map_err(|_| Error::Unusable { what: "proof" })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Keeps the nonce that the origin of `url` wants in the next proof (§8). What is no nonce is ignored.
    pub fn take_nonce(&self, url: &Url, nonce: &str) {
        let usable = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if nonce.is_empty() || nonce.len() > LONGEST_NONCE || !nonce.bytes().all(usable) {
            return;
        }
        let (origin, mut nonces) = (origin(url), self.nonces());
        if nonces.len() < MOST_ORIGINS || nonces.contains_key(&origin) {
            nonces.insert(origin, nonce.to_owned());
        }
    }

    fn nonce(&self, url: &Url) -> Option<String> {
        self.nonces().get(&origin(url)).cloned()
    }

    fn nonces(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        // Nothing is left half-done while the lock is held, so a poisoned one is as good as any.
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A nonce is good at the server that gave it, and tells another one nothing but that it exists.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl Proof for Key {
    fn header(&self, url: &Url, now: i64) -> Result<HeaderValue, Error> {
        self.header(Request { method: "POST", url, access_token: None, now })
    }

    fn take_nonce(&self, url: &Url, nonce: &str) {
        self.take_nonce(url, nonce);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.thumbprint).finish()
    }
}

impl Server {
    /// Whether the server can bind tokens to a key of ours, as far as it says so.
    pub fn binds_tokens(&self) -> Result<(), Error> {
        match self.dpop_algorithms.is_empty() || self.dpop_algorithms.iter().any(|name| name == "ES256") {
            true => Ok(()),
            false => Err(Error::Insists { host: clean(&self.issuer), what: "proofs of a key without `ES256`" }),
        }
    }
}

/// Looks at tokens that came after a proof was sent: whether those that are not bound will do is the caller's decision,
/// who can also end them.
pub(super) fn judge(tokens: &mut Tokens) {
    if tokens.token_type == TokenType::Bearer {
        tokens.warnings.push(Warning::NotBound);
    }
}

#[cfg(test)]
mod tests;
