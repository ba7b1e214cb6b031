//! A token for a script: valid for as long as it asks, or an error that says why not.

use std::sync::Arc;

use super::session::Need;
use super::{App, Error};
use crate::backends::Way;
use crate::config;
use crate::machine::Timestamp;
use crate::secret::Secret;

/// A token and what is known of it.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token.
    pub token: Secret,
    /// How it is used: `Bearer`, or `DPoP` for one that needs proofs of a key.
    pub token_type: &'static str,
    /// When it ends, if that is known.
    pub expires_at: Option<Timestamp>,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// Whether the environment supplied it.
    pub from_environment: bool,
}

/// The token of a connection, valid for at least `seconds`, renewed if need be. Never opens a browser.
pub async fn run(app: &App, connection: &config::Connection, seconds: i64) -> Result<Token, Error> {
    if let Some((_, token)) = app.environment_token(connection) {
        return Ok(Token { token, token_type: "Bearer", expires_at: None, scopes: Vec::new(), from_environment: true });
    }
    if connection.way.0 == Way::None {
        let ways = connection.backend.ways;
        return Err(Error::NoLogin { connection: connection.name.clone(), wanted: None, ways });
    }
    let grant = app.session(connection).grant(Need { seconds, not: None }).await?;
    if !grant.lasts(app.parts.clock.now(), seconds) {
        // The provider gives shorter tokens than the script asks for; a token that ends too early would be a lie.
        return Err(Error::TooShort {
            connection: connection.name.clone(),
            asked: seconds,
            lasts: grant.expires_at().map_or(0, |end| end.since(app.parts.clock.now())),
        });
    }
    Ok(Token {
        token: Arc::unwrap_or_clone(Arc::clone(&grant)).access_token,
        token_type: grant.scheme(),
        expires_at: grant.expires_at(),
        scopes: grant.issued.as_ref().map(|issued| issued.scopes.clone()).unwrap_or_default(),
        from_environment: false,
    })
}
