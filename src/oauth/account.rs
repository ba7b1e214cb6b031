//! Who signed in, for showing only (OpenID Connect Core §3.1.3.7).
//!
//! The identity token comes straight from the token endpoint over TLS, so its signature is not checked; its claims must
//! therefore decide nothing but what the person reads.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::attempt::Attempt;
use super::foreign::clean;
use super::json;
use super::token::Tokens;
use crate::secret::Secret;

/// Clocks differ.
const TOLERANCE: i64 = 120;

/// The person behind a login.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// The issuer's own name for the person; the same at every login.
    pub subject: String,
    /// A name to show.
    pub name: Option<String>,
    /// An address to show.
    pub email: Option<String>,
}

impl Account {
    /// The most telling of the three.
    pub fn label(&self) -> &str {
        self.email.as_deref().or(self.name.as_deref()).unwrap_or(&self.subject)
    }
}

/// What an identity token must agree with.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The client id.
    pub client_id: &'a str,
    /// The nonce that was sent; `None` at a renewal.
    pub nonce: Option<&'a Secret>,
    /// Seconds since 1970.
    pub now: i64,
}

/// The account in an identity token; `None` if it is unreadable or meant for somebody else, some other login or time.
pub fn account(id_token: &Secret, expected: &Expected<'_>) -> Option<Account> {
    let claims = claims(id_token.expose())?;
    let text = |name| json::text(&claims, name);
    let agrees = text("iss").is_none_or(|issuer| issuer == expected.issuer)
        && text("azp").is_none_or(|party| party == expected.client_id)
        && is_for(&claims, expected.client_id)
        && claims
            .get("exp")
            .and_then(Value::as_i64)
            .is_none_or(|expiry| expiry.saturating_add(TOLERANCE) > expected.now)
        && expected.nonce.is_none_or(|sent| text("nonce").is_some_and(|nonce| sent.matches(nonce)));
    if !agrees {
        return None;
    }
    let shown = |names: &[&str]| {
        names.iter().find_map(|name| json::text(&claims, name)).map(clean).filter(|text| !text.is_empty())
    };
    Some(Account {
        subject: shown(&["sub"])?,
        name: shown(&["name", "preferred_username", "upn"]),
        email: shown(&["email"]),
    })
}

fn claims(token: &str) -> Option<Map<String, Value>> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    json::object(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}

fn is_for(claims: &Map<String, Value>, client_id: &str) -> bool {
    match claims.get("aud") {
        None => true,
        Some(Value::String(audience)) => audience == client_id,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience.as_str() == Some(client_id)),
        Some(_) => false,
    }
}

impl Attempt {
    /// The account that signed in by this attempt, at `now` (seconds since 1970).
    pub fn account(&self, tokens: &Tokens, now: i64) -> Option<Account> {
        let expected =
            Expected { issuer: self.pending.issuer(), client_id: &self.client.id, nonce: self.nonce.as_ref(), now };
        account(tokens.id_token.as_ref()?, &expected)
    }
}

#[cfg(test)]
mod tests;
