//! Ending tokens at the server (RFC 7009).

use url::Url;

use super::client::{AuthMethod, Client};
use super::endpoint::{Answer, Endpoint};
use super::error::Error;
use super::foreign::{clean, host, retry_after};
use super::json;
use crate::http::Http;
use crate::secret::Secret;

/// A token to end.
#[derive(Clone, Copy, Debug)]
pub struct Revocation<'a> {
    /// The revocation endpoint.
    pub endpoint: &'a Url,
    /// Whose endpoint it is.
    pub issuer: &'a str,
    /// The client that the token belongs to.
    pub client: &'a Client,
    /// The token.
    pub token: &'a Secret,
    /// Which one it is. The refresh token goes first: with it, servers end the access tokens, too.
    pub kind: Kind,
    /// Seconds since 1970.
    pub now: i64,
}

/// Which token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The refresh token.
    Refresh,
    /// The access token.
    Access,
}

impl Kind {
    const fn hint(self) -> &'static str {
        match self {
            Self::Refresh => "refresh_token",
            Self::Access => "access_token",
        }
    }
}

/// Revokes the token. Success also covers a token that the server does not know (§2.2).
pub async fn revoke(http: &Http, revocation: Revocation<'_>) -> Result<(), Error> {
    match send(http, &revocation, false).await {
        // One widespread server library demands a secret even of public clients; an empty one satisfies it.
        Err(Error::TokenEndpoint { status: 400 | 401, .. }) if revocation.client.method == AuthMethod::None => {
            send(http, &revocation, true).await
        }
        outcome => outcome,
    }
}

async fn send(http: &Http, revocation: &Revocation<'_>, empty_secret: bool) -> Result<(), Error> {
    let Revocation { endpoint: url, issuer, client, token, kind, now } = *revocation;
    let mut form = vec![("token", token.expose()), ("token_type_hint", kind.hint())];
    form.extend(empty_secret.then_some(("client_secret", "")));
    Endpoint { http, url, client, issuer, now, proof: None }.post(&form, |answer| read(host(url), &answer)).await
}

fn read(host: String, answer: &Answer) -> Result<(), Error> {
    let status = answer.status().as_u16();
    match status {
        200..=299 => Ok(()),
        300..=399 => Err(Error::Redirected { host, status }),
        408 | 425 | 429 | 500..=599 => Err(Error::Server { host, status, retry_after: retry_after(answer.headers()) }),
        _ => {
            let members = json::object(answer.body()).unwrap_or_default();
            let said = |name| json::text(&members, name).map(clean);
            let (code, description) = (said("error"), said("error_description"));
            Err(Error::TokenEndpoint { host, status, code, description })
        }
    }
}

#[cfg(test)]
mod tests;
