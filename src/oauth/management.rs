//! A client's own record at the server (RFC 7592): asking whether it is still there, and ending it.

use http::{Method, Request, header};
use zeroize::Zeroizing;

use super::client::{Client, Management};
use super::endpoint::Answer;
use super::error::Error;
use super::foreign::{host, retry_after};
use super::json;
use super::reach::Reach;
use super::registration;
use crate::http::{Http, Limits};

/// What a server says about a client that it registered.
#[derive(Clone, Debug)]
pub enum Standing {
    /// It knows the client; this is what counts from now on.
    Known(Box<Client>),
    /// It knows nothing of the client (§2.1): every request that names it would fail.
    Forgotten,
    /// Nobody can tell: the record cannot be read.
    Untold,
}

/// What became of a registration that was to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unregistered {
    /// The server has ended it.
    Ended,
    /// It was gone already, or what opened it is.
    Gone,
    /// The server does not let clients end their registration.
    Unsupported,
}

/// Asks whether the server still knows the client. An answer may bring a new management token or secret; the old one is
/// dead then, so the caller keeps what comes back. Trouble on the way is no answer.
pub async fn standing(http: &Http, client: &Client, reach: Reach) -> Standing {
    let Some(management) = &client.registration else { return Standing::Untold };
    let Ok(answer) = send(http, management, Method::GET).await else { return Standing::Untold };
    match answer.status().as_u16() {
        200 => Standing::Known(Box::new(updated(client, &answer, reach))),
        401 => Standing::Forgotten,
        _ => Standing::Untold,
    }
}

/// Ends the registration at the server (§2.3). All tokens of the client end with it.
pub async fn unregister(http: &Http, client: &Client) -> Result<Unregistered, Error> {
    let Some(management) = &client.registration else { return Ok(Unregistered::Unsupported) };
    let answer = send(http, management, Method::DELETE).await?;
    let (host, status) = (host(&management.uri), answer.status().as_u16());
    match status {
        200..=299 => Ok(Unregistered::Ended),
        401 | 404 => Ok(Unregistered::Gone),
        403 | 405 | 501 => Ok(Unregistered::Unsupported),
        300..=399 => Err(Error::Redirected { host, status }),
        408 | 425 | 429 | 500..=599 => Err(Error::Server { host, status, retry_after: retry_after(answer.headers()) }),
        _ => Err(Error::Status { host, status }),
    }
}

async fn send(http: &Http, management: &Management, method: Method) -> Result<Answer, Error> {
    let bearer = Zeroizing::new(format!("Bearer {}", management.token.expose()));
    let mut value =
        header::HeaderValue::from_str(&bearer).map_err(|_| Error::Unusable { what: "registration_access_token" })?;
    value.set_sensitive(true);
    let request = Request::builder()
        .method(method)
        .uri(management.uri.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::AUTHORIZATION, value)
        .body(Vec::new())
        .map_err(|_| Error::Unusable { what: "registration_client_uri" })?;
    Ok(http.send(request, Limits::METADATA).await?)
}

/// The client with what the record says now. A record that cannot be used, or of another client, changes nothing.
fn updated(client: &Client, answer: &Answer, reach: Reach) -> Client {
    let Ok(members) = json::object(answer.body()) else { return client.clone() };
    let Ok(now) = registration::read(&members, &client.redirect_uris, "", reach) else { return client.clone() };
    if now.id != client.id {
        return client.clone();
    }
    // §3: a member that is not in the answer has not changed. Without the secret the method stays, too.
    let (secret, method, secret_expires_at) = match now.secret {
        Some(secret) => (Some(secret), now.method, now.secret_expires_at),
        None => (client.secret.clone(), client.method, client.secret_expires_at),
    };
    let registration = now.registration.or_else(|| client.registration.clone());
    Client { secret, method, secret_expires_at, registration, redirect_uris: now.redirect_uris, ..client.clone() }
}

#[cfg(test)]
mod tests;
