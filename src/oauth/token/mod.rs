//! The token request and what comes back (RFC 6749 §4.1.3, §5).

use std::time::Duration;

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet, PkceCodeVerifier, RedirectUrl,
    StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use url::Url;

use super::attempt::Attempt;
use super::client::{AuthMethod, Client};
use super::error::Error;
use crate::http::Http;
use crate::secret::Secret;

mod answer;
mod line;
#[cfg(test)]
mod tests;

use answer::Extra;
pub use answer::Warning;
use line::Heard;
pub(super) use line::Line;

/// What a token endpoint gave. The token type is always `Bearer`; anything else is an error.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token: visible ASCII, opaque.
    pub access_token: Secret,
    /// The refresh token; `None` at a renewal means that the previous one stays.
    pub refresh_token: Option<Secret>,
    /// Seconds from the arrival of the answer, at most ten years; 0 for "already expired"; `None` if unknown.
    pub expires_in: Option<u64>,
    /// Seconds until the refresh token expires; `None` if unknown or without end.
    pub refresh_expires_in: Option<u64>,
    /// The granted scopes; `None` means those that were asked for or granted before.
    pub scope: Option<Vec<String>>,
    /// The identity token; only if `openid` was asked for.
    pub id_token: Option<Secret>,
    /// From sending to the end of the answer; the lifetime may have begun that much earlier.
    pub took: Duration,
    /// The server's clock, in seconds since 1970.
    pub server_date: Option<i64>,
    /// What was odd about the answer.
    pub warnings: Vec<Warning>,
}

/// Trades the code for tokens. Sent once: a second try could look like theft and end the grant (RFC 9700 §4.5), so it is
/// repeated only if nothing left this machine.
pub async fn exchange(http: &Http, attempt: &Attempt, code: &Secret) -> Result<Tokens, Error> {
    let wire = wire(&attempt.client, &attempt.token_endpoint);
    let redirect =
        RedirectUrl::new(attempt.redirect_uri.clone()).map_err(|_| Error::Unusable { what: "redirect_uri" })?;
    let wire = wire.set_redirect_uri(redirect);
    let mut request = wire
        .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.expose().to_owned()));
    if let Some(resource) = &attempt.resource {
        request = request.add_extra_param("resource", resource);
    }
    let line = Line::new(http);
    let answer = request.request_async(&line).await;
    let mut tokens = line.tokens(answer)?;
    if !attempt.scopes.iter().any(|scope| scope == "openid") {
        tokens.id_token = None;
    }
    if let Some(granted) = &tokens.scope {
        let missing: Vec<String> = attempt.scopes.iter().filter(|scope| !granted.contains(scope)).cloned().collect();
        if !missing.is_empty() {
            tokens.warnings.push(Warning::ScopeNarrowed { missing });
        }
    }
    Ok(tokens)
}

/// A token answer after normalisation.
pub(super) type Wire = StandardTokenResponse<Extra, BasicTokenType>;

/// The crate's client for one token endpoint.
pub(super) type WireClient = oauth2::Client<
    BasicErrorResponse,
    Wire,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// A client for `token_endpoint` that identifies itself as `client` says.
pub(super) fn wire(client: &Client, token_endpoint: &Url) -> WireClient {
    let wire =
        oauth2::Client::new(ClientId::new(client.id.clone())).set_token_uri(TokenUrl::from_url(token_endpoint.clone()));
    let secret = client.secret.as_ref().map(|secret| ClientSecret::new(secret.expose().to_owned()));
    match (client.method, secret) {
        (AuthMethod::Basic, Some(secret)) => wire.set_auth_type(AuthType::BasicAuth).set_client_secret(secret),
        (AuthMethod::Post, Some(secret)) => wire.set_auth_type(AuthType::RequestBody).set_client_secret(secret),
        // A public client is known by the id in its body.
        _ => wire.set_auth_type(AuthType::RequestBody),
    }
}

impl Tokens {
    fn of(wire: &Wire, heard: Heard) -> Self {
        let extra = wire.extra_fields();
        Self {
            access_token: Secret::new(wire.access_token().secret()),
            refresh_token: wire.refresh_token().map(|token| Secret::new(token.secret())),
            expires_in: wire.expires_in().map(|lifetime| lifetime.as_secs()),
            refresh_expires_in: extra.refresh_expires_in,
            scope: wire.scopes().map(|scopes| scopes.iter().map(|scope| scope.to_string()).collect()),
            id_token: extra.id_token.clone(),
            took: heard.took,
            server_date: heard.server_date,
            warnings: heard.warnings,
        }
    }
}
