//! Tokens for a program that acts for itself (RFC 6749 §4.4): no person, no browser, no refresh token.

use tokio::time::sleep;
use url::Url;

use super::client::{AuthMethod, Client};
use super::dpop;
use super::endpoint::{Endpoint, Proof};
use super::error::Error;
use super::habits::Habits;
use super::token::Tokens;
use crate::http::Http;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct ClientCredentials<'a> {
    /// The token endpoint.
    pub token_endpoint: &'a Url,
    /// Whose endpoint it is.
    pub issuer: &'a str,
    /// Who asks; it must have a secret or a key.
    pub client: &'a Client,
    /// Scopes; none leaves them to the server.
    pub scopes: &'a [String],
    /// The resource (RFC 8707).
    pub resource: Option<&'a str>,
    /// Who the token is for, where the server wants to be told in this way.
    pub audience: Option<&'a str>,
    /// What the server is known to do differently.
    pub habits: Habits,
    /// The key to bind the token to.
    pub binding: Option<&'a dpop::Key>,
    /// Seconds since 1970.
    pub now: i64,
}

/// Asks for a token. A renewal is the same request again, so a refresh token is not kept (§4.4.3), and neither is an
/// identity token: there is no person whose it could be.
pub async fn client_credentials(http: &Http, request: ClientCredentials<'_>) -> Result<Tokens, Error> {
    let ClientCredentials { token_endpoint, issuer, client, now, .. } = request;
    // Whoever reads a client id could ask as well (§4.4: confidential clients only).
    if client.method == AuthMethod::None {
        return Err(Error::PublicClient { issuer: issuer.to_owned() });
    }
    let proof = request.binding.map(|key| key as &dyn Proof);
    let endpoint = Endpoint { http, url: token_endpoint, client, issuer, now, proof };
    let scope = request.scopes.join(" ");
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(Some(("scope", scope.as_str())).filter(|_| !scope.is_empty()));
    form.extend(request.resource.map(|resource| ("resource", resource)));
    form.extend(request.audience.map(|audience| ("audience", audience)));
    let mut tokens = match (endpoint.tokens(&form).await, request.habits.second_try) {
        // Nothing is spent by asking again, and who is known to be mistaken is not believed at once: a client that counts
        // as forgotten costs the person more than a second.
        (Err(error), Some(pause)) if error.oauth_code() == Some("invalid_client") => {
            log::info!("{error}; asking once more");
            sleep(pause).await;
            endpoint.tokens(&form).await?
        }
        (outcome, _) => outcome?,
    };
    if request.binding.is_some() {
        dpop::judge(&mut tokens);
    }
    tokens.settle(request.scopes, &request.habits);
    Ok(Tokens { refresh_token: None, refresh_expires_in: None, id_token: None, ..tokens })
}

#[cfg(test)]
mod tests;
