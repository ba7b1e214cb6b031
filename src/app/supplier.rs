//! Credentials that are not a session: none at all, and a token from the environment.

use std::sync::Arc;

use base64::Engine as _;

use super::Error;
use super::error::Ended;
use crate::backends::{Boxed, Credential, CredentialSource, Unavailable, Way};
use crate::config;
use crate::secret::Secret;

/// Supplies nothing: the connection needs no credential.
pub(super) struct Nothing;

impl CredentialSource for Nothing {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        Box::pin(async { Ok(None) })
    }

    fn replace<'a>(&'a self, _: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        self.credential()
    }

    fn whose(&self) -> Boxed<'_, Option<String>> {
        Box::pin(async { Some("nobody".to_owned()) })
    }
}

/// Supplies the token of an environment variable, as it is: never renewed, never stored.
pub(super) struct Fixed {
    variable: String,
    header: Option<&'static str>,
    value: Secret,
}

impl Fixed {
    pub(super) fn new(variable: String, token: &Secret) -> Self {
        Self { variable, header: Some("authorization"), value: Secret::new(format!("Bearer {}", token.expose())) }
    }

    /// What is attached to no request: the backend opens its sessions with it.
    pub(super) fn exchanged(variable: String, kept: Secret) -> Self {
        Self { variable, header: None, value: kept }
    }
}

impl CredentialSource for Fixed {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        let credential =
            Credential { header: self.header, value: self.value.clone(), companion: None, generation: 0, proof: None };
        Box::pin(async { Ok(Some(credential)) })
    }

    fn replace<'a>(&'a self, _: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        let error = Error::EnvironmentTokenRefused { variable: self.variable.clone() };
        Box::pin(async { Err(Unavailable(Arc::new(error))) })
    }

    /// Nothing else is known of it than the token itself.
    fn whose(&self) -> Boxed<'_, Option<String>> {
        let digest = ring::digest::digest(&ring::digest::SHA256, self.value.expose().as_bytes());
        let whose = format!("token {}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest));
        Box::pin(async { Some(whose) })
    }
}

/// What kind of credential a token from the environment is. Where a backend takes both keys and OAuth tokens, the
/// configured way decides, and without one the shape does: a JSON Web Token has two dots, a key has none.
pub(super) fn way_of_token(connection: &config::Connection, token: &Secret) -> Way {
    let (way, source) = connection.way;
    // A device's secret or a password is for the store; of what is exchanged, only a session or a token is one word that works.
    let is_worded = !way.is_exchanged() || matches!(way, Way::Session | Way::Token);
    if way != Way::None && source == config::Source::File && is_worded {
        return way;
    }
    let ways = connection.backend.ways;
    let is_jwt = token.expose().split('.').count() == 3;
    let wanted = if is_jwt { Way::OAuth } else { Way::ApiKey };
    [wanted, Way::Token, Way::Bearer, Way::ApiKey, Way::OAuth].into_iter().find(|way| ways.contains(way)).unwrap_or(way)
}

impl Ended {
    /// The word for it in `--json`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Expired => "expired",
            Self::Revoked { .. } => "revoked",
            Self::Interrupted => "interrupted",
            Self::Refused => "refused",
            Self::Elsewhere => "elsewhere",
            Self::OtherAccount => "other-account",
            Self::Unreadable => "unreadable",
        }
    }
}
