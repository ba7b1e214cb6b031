//! A token for a script: valid for as long as it asks, or an error that says why not.

use std::sync::Arc;

use url::Url;

use super::refused::Refused;
use super::session::Need;
use super::{App, Error};
use crate::backends::Way;
use crate::config;
use crate::http::is_safe;
use crate::machine::Timestamp;
use crate::secret::Secret;

/// A token and what is known of it.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token.
    pub token: Secret,
    /// How it is used: `Bearer`, or `DPoP` for one that needs proofs of a key.
    pub token_type: &'static str,
    /// Who issued it, if that is known: from the login, or from the configuration for a token of the environment.
    pub issuer: Option<String>,
    /// When it ends, if that is known.
    pub expires_at: Option<Timestamp>,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// Whether the environment supplied it.
    pub from_environment: bool,
}

/// The token of a connection, valid for at least `seconds`, renewed if need be. Never opens a browser.
pub async fn run(app: &App, connection: &config::Connection, seconds: i64) -> Result<Token, Error> {
    if let Some((variable, token)) = app.environment_token(connection).filter(|_| !app.way(connection).is_exchanged()) {
        // A line break would end the line of a protocol in which the token travels, and begin one of its own.
        if token.expose().chars().any(char::is_control) {
            return Err(Error::EnvironmentTokenUnusable { variable });
        }
        return Ok(Token {
            token,
            token_type: "Bearer",
            issuer: connection.issuer.clone(),
            expires_at: None,
            scopes: Vec::new(),
            from_environment: true,
        });
    }
    // What opens sessions is no token: whoever asks for one would send it as what it is not.
    if connection.way.0.is_exchanged() {
        return Err(Error::NoToken { connection: connection.name.clone(), way: connection.way.0 });
    }
    if connection.way.0 == Way::None {
        let ways = connection.backend.ways;
        return Err(Error::NoLogin { connection: connection.name.clone(), wanted: None, ways });
    }
    let refused = Refused::new(app.parts.shared.as_deref(), &connection.name);
    let not = refused.generation();
    let grant = app.session(connection).grant(Need { seconds, not }).await?;
    if not.is_some() {
        refused.forget();
    }
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
        issuer: grant.issued.as_ref().map(|issued| issued.issuer.clone()),
        expires_at: grant.expires_at(),
        scopes: grant.issued.as_ref().map(|issued| issued.scopes.clone()).unwrap_or_default(),
        from_environment: false,
    })
}

/// Notes that the service refused this token, so that whoever asks next gets another one; whether it is ours. A token
/// from the environment is used as it is and stays.
pub async fn refuse(app: &App, connection: &config::Connection, token: &Secret) -> Result<bool, Error> {
    let way = connection.way.0;
    if app.environment_token(connection).is_some() || way == Way::None || way.is_exchanged() {
        return Ok(false);
    }
    // Anybody can say that something was refused. Only who holds the token makes us renew.
    let stored = app.session(connection).stored().await?.filter(|grant| grant.access_token.equals(token));
    if let Some(grant) = &stored {
        Refused::new(app.parts.shared.as_deref(), &connection.name).note(grant.generation);
    }
    Ok(stored.is_some())
}

impl App {
    /// The connections whose calls go to the origin of `address`: a token is for that origin and for nobody else.
    pub fn at_origin(&self, address: &Url) -> Vec<&config::Connection> {
        self.config.connections.iter().filter(|connection| self.is_at(connection, address)).collect()
    }

    /// Whether the calls of this connection go to the origin of `address`, and may carry a credential there.
    pub fn is_at(&self, connection: &config::Connection, address: &Url) -> bool {
        let endpoint = connection.endpoint(self.way(connection));
        is_safe(address) && endpoint.is_some_and(|endpoint| endpoint.origin() == address.origin())
    }
}
