//! Asking the server about a token (RFC 7662).

use url::Url;

use super::client::Client;
use super::endpoint::{Answer, Endpoint};
use super::error::Error;
use super::foreign::{clean, host, retry_after};
use super::json;
use crate::http::Http;
use crate::secret::Secret;

/// A token to ask about.
#[derive(Clone, Copy, Debug)]
pub struct Introspection<'a> {
    /// The introspection endpoint.
    pub endpoint: &'a Url,
    /// Whose endpoint it is.
    pub issuer: &'a str,
    /// Who asks. Servers answer only those they know, which a public client seldom is (§2.1).
    pub client: &'a Client,
    /// The access token.
    pub token: &'a Secret,
    /// Seconds since 1970.
    pub now: i64,
}

/// Whether the token is alive. Nothing else in the answer can be relied on (§2.2), and nothing else is read.
pub async fn introspect(http: &Http, introspection: Introspection<'_>) -> Result<bool, Error> {
    let Introspection { endpoint: url, issuer, client, token, now } = introspection;
    let form = [("token", token.expose()), ("token_type_hint", "access_token")];
    Endpoint { http, url, client, issuer, now, proof: None }.post(&form, |answer| read(host(url), &answer)).await
}

fn read(host: String, answer: &Answer) -> Result<bool, Error> {
    let status = answer.status().as_u16();
    let members = json::object(answer.body());
    match status {
        200 => {
            let members = members.map_err(|_| Error::NotJson { host: host.clone(), status })?;
            // Taking anything but the word itself for a yes would believe a page or another kind of answer.
            let active = members.get("active").and_then(serde_json::Value::as_bool);
            active.ok_or(Error::Malformed { host, what: "it does not say whether the token is active" })
        }
        300..=399 => Err(Error::Redirected { host, status }),
        408 | 425 | 429 | 500..=599 => Err(Error::Server { host, status, retry_after: retry_after(answer.headers()) }),
        _ => {
            let members = members.unwrap_or_default();
            let said = |name| json::text(&members, name).map(clean);
            let (code, description) = (said("error"), said("error_description"));
            Err(Error::TokenEndpoint { host, status, code, description })
        }
    }
}

#[cfg(test)]
mod tests;
