//! The token request and what comes back (RFC 6749 §4.1.3, §5).

use std::time::Duration;

use super::attempt::Attempt;
use super::dpop;
use super::endpoint::{Endpoint, Proof};
use super::error::Error;
use super::habits::Habits;
use crate::http::Http;
use crate::secret::Secret;

mod answer;
#[cfg(test)]
mod tests;

pub use answer::Warning;
pub(super) use answer::read;

/// What a token endpoint gave.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token: visible ASCII, opaque.
    pub access_token: Secret,
    /// How it is used.
    pub token_type: TokenType,
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

/// How an access token is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// Whoever has it may use it (RFC 6750).
    Bearer,
    /// Good only with proofs of the key it is bound to (RFC 9449); comes only where a proof was sent.
    Dpop,
}

/// Trades the code for tokens, at `now` (seconds since 1970). The code is spent, whatever the outcome.
pub async fn exchange(http: &Http, attempt: &Attempt, code: &Secret, now: i64) -> Result<Tokens, Error> {
    let endpoint = Endpoint {
        http,
        url: &attempt.token_endpoint,
        client: &attempt.client,
        issuer: attempt.issuer(),
        now,
        proof: attempt.binding.as_ref().map(|key| key.as_ref() as &dyn Proof),
    };
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", &attempt.redirect_uri),
        ("code_verifier", attempt.verifier.expose()),
    ];
    form.extend(attempt.resource.as_deref().map(|resource| ("resource", resource)));
    let mut tokens = endpoint.tokens(&form).await?;
    if attempt.binding.is_some() {
        dpop::judge(&mut tokens);
    }
    tokens.settle(&attempt.scopes, &attempt.habits);
    Ok(tokens)
}

impl Tokens {
    /// Compares the answer with the scopes that were asked for.
    pub(super) fn settle(&mut self, asked: &[String], habits: &Habits) {
        if !asked.iter().any(|scope| scope == "openid") {
            self.id_token = None;
        }
        let Some(granted) = self.scope.take().map(|granted| habits.granted(&granted, asked)) else { return };
        let missing = habits.missing(&granted, asked);
        self.scope = Some(granted);
        if !missing.is_empty() {
            self.warnings.push(Warning::ScopeNarrowed { missing });
        }
    }
}
