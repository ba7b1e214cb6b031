//! The assertion by which a client identifies itself with its key (RFC 7523 §3, OpenID Connect Core §9).

use serde_json::{Map, Value, json};

use super::client::ClientKey;
use super::error::Error;
use super::random;
use crate::secret::Secret;

/// Seconds that an assertion is good for: one request and two clocks that differ a little.
const LIFETIME: i64 = 120;

/// The value of `client_assertion_type`.
pub(super) const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An assertion for one request at `now`, addressed to `issuer` unless the key names another audience. An issuer is one
/// server; the address of an endpoint could be that of an attacker who passes the assertion on to the real one.
pub(super) fn assertion(client_id: &str, key: &ClientKey, issuer: &str, now: i64) -> Result<Secret, Error> {
    let mut header = Map::new();
    header.insert("typ".to_owned(), "JWT".into());
    header.extend(key.id.clone().map(|id| ("kid".to_owned(), Value::from(id))));
    let audience = key.audience.as_deref().unwrap_or(issuer);
    let mut claims = Map::new();
    for (name, value) in [
        ("iss", json!(client_id)),
        ("sub", json!(client_id)),
        ("aud", json!(audience)),
        // The server keeps it until the end, so that nobody can use a copy.
        ("jti", json!(random::secret()?.expose())),
        ("iat", json!(now)),
        ("exp", json!(now.saturating_add(LIFETIME))),
    ] {
        claims.insert(name.to_owned(), value);
    }
    key.signing.sign(header, claims)
}

#[cfg(test)]
mod tests;
