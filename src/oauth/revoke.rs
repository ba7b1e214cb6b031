//! Ending tokens at the server (RFC 7009).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, header};
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::client::{AuthMethod, Client};
use super::error::Error;
use super::foreign::{clean, host, retry_after};
use super::json;
use crate::http::{Http, Limits};
use crate::secret::Secret;

/// A token to end.
#[derive(Clone, Copy, Debug)]
pub struct Revocation<'a> {
    /// The revocation endpoint.
    pub endpoint: &'a Url,
    /// The client that the token belongs to.
    pub client: &'a Client,
    /// The token.
    pub token: &'a Secret,
    /// Which one it is. The refresh token goes first: with it, servers end the access tokens, too.
    pub kind: Kind,
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
    let Revocation { endpoint, client, token, kind } = revocation;
    let host = host(endpoint);
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token.expose()).append_pair("token_type_hint", kind.hint());
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(endpoint.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    match (client.method, &client.secret) {
        (AuthMethod::Basic, Some(secret)) => {
            request = request.header(header::AUTHORIZATION, basic(&client.id, secret));
        }
        (AuthMethod::Post, Some(secret)) => {
            form.append_pair("client_id", &client.id).append_pair("client_secret", secret.expose());
        }
        _ => {
            form.append_pair("client_id", &client.id);
            if empty_secret {
                form.append_pair("client_secret", "");
            }
        }
    }
    let request = request
        .body(form.finish().into_bytes())
        .map_err(|_| Error::Network(crate::http::Error::Address { host: host.clone() }))?;
    let answer = http.send(request, Limits::TOKEN).await?;
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

/// The `Authorization` header of RFC 6749 §2.3.1: both parts form-encoded before they are joined.
fn basic(id: &str, secret: &Secret) -> String {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret.expose()))))
}

#[cfg(test)]
mod tests;
