//! Renewing an access token (RFC 6749 §6): one request, and what its failure means for the grant.

use std::time::Duration;

use url::Url;

use super::client::Client;
use super::dpop;
use super::endpoint::{Endpoint, Proof};
use super::error::Error;
use super::token::{TokenType, Tokens, Warning};
use crate::http::{self, Http};
use crate::secret::Secret;

/// A renewal, as the login was made.
#[derive(Clone, Copy, Debug)]
pub struct Refresh<'a> {
    /// The token endpoint of the grant's issuer.
    pub token_endpoint: &'a Url,
    /// The grant's issuer.
    pub issuer: &'a str,
    /// The client that the refresh token belongs to.
    pub client: &'a Client,
    /// The refresh token. It may be spent by this call, whatever the outcome.
    pub refresh_token: &'a Secret,
    /// The resource of the login, if it had one.
    pub resource: Option<&'a str>,
    /// Scopes, for the few providers that want them repeated; `None` means the same as before.
    pub scope: Option<&'a [String]>,
    /// The key that the grant is bound to, where it is bound to one.
    pub key: Option<&'a dpop::Key>,
    /// Seconds since 1970.
    pub now: i64,
}

/// Why there are no new tokens, told apart by what becomes of the grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// This refresh token is over; only a login helps.
    #[error("the session is over")]
    Definitive(#[source] Error),
    /// The server refuses the client; its record may be out of date.
    #[error("the server refuses this client")]
    Client(#[source] Error),
    /// The request is not what the server is set up for. The grant stays.
    #[error("the server is not set up for this renewal")]
    Configuration(#[source] Error),
    /// Trouble that passes. The grant stays; the server may have rotated the token unheard, the next try decides.
    #[error("no renewal for the moment")]
    Transient {
        /// How long the server asks to wait, at most ten minutes.
        retry_after: Option<Duration>,
        /// What happened.
        #[source]
        cause: Error,
    },
    /// An answer that has no meaning here. The grant stays.
    #[error("the answer to the renewal has no meaning")]
    Protocol(#[source] Error),
}

impl RefreshError {
    /// What a failed request for newer tokens means for the grant.
    pub fn of(cause: Error) -> Self {
        classify(cause)
    }

    /// What happened.
    pub fn cause(&self) -> &Error {
        match self {
            Self::Definitive(cause) | Self::Client(cause) | Self::Configuration(cause) | Self::Protocol(cause) => cause,
            Self::Transient { cause, .. } => cause,
        }
    }
}

/// Sends the renewal once; again only if nothing left this machine.
pub async fn refresh(http: &Http, refresh: Refresh<'_>) -> Result<Tokens, RefreshError> {
    let Refresh { token_endpoint, issuer, client, now, .. } = refresh;
    let proof = refresh.key.map(|key| key as &dyn Proof);
    let endpoint = Endpoint { http, url: token_endpoint, client, issuer, now, proof };
    let scope = refresh.scope.map(|scopes| scopes.join(" "));
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.refresh_token.expose())];
    form.extend(scope.as_deref().map(|scope| ("scope", scope)));
    form.extend(refresh.resource.map(|resource| ("resource", resource)));
    let mut tokens = endpoint.tokens(&form).await.map_err(classify)?;
    // The old refresh token is spent by now: to refuse the new tokens would only end the login.
    if refresh.key.is_some() && tokens.token_type == TokenType::Bearer {
        tokens.warnings.push(Warning::NotBound);
    }
    Ok(tokens)
}

fn classify(cause: Error) -> RefreshError {
    let transient = |cause, retry_after| RefreshError::Transient { retry_after, cause };
    match &cause {
        Error::Interaction { .. } => RefreshError::Definitive(cause),
        Error::TokenEndpoint { code: None, .. } => RefreshError::Client(cause),
        Error::TokenEndpoint { code: Some(code), .. } => match code.as_str() {
            "invalid_grant" | "interaction_required" | "consent_required" | "login_required" | "bad_refresh_token" => {
                RefreshError::Definitive(cause)
            }
            "invalid_client" | "unauthorized_client" | "incorrect_client_credentials" => RefreshError::Client(cause),
            "invalid_scope" | "invalid_target" | "invalid_request" | "unsupported_grant_type" => {
                RefreshError::Configuration(cause)
            }
            _ => RefreshError::Protocol(cause),
        },
        Error::Server { retry_after, .. } => {
            let retry_after = *retry_after;
            transient(cause, retry_after)
        }
        Error::Network(http::Error::TooLarge { .. }) => RefreshError::Protocol(cause),
        // A page is a portal or a proxy in between; a success that cannot be read may have rotated the token.
        Error::Network(_) | Error::NotJson { .. } | Error::Malformed { .. } => transient(cause, None),
        Error::Status { status: 404, .. } => RefreshError::Configuration(cause),
        // 407: a proxy wants to know who we are.
        Error::Status { status: 407, .. } => transient(cause, None),
        _ => RefreshError::Protocol(cause),
    }
}

#[cfg(test)]
mod tests;
