//! A token for a script: valid for as long as it asks, or an error that says why not.

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
    /// How it is used: `Bearer`, `DPoP` for one that needs proofs of a key, or a service's own word.
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
    if let Some((variable, token)) = app.environment_token(connection)
        && let Some((token_type, token)) = sent_as(app, connection, (&variable, token))?
    {
        // A line break would end the line of a protocol in which the token travels, and begin one of its own.
        if token.expose().chars().any(char::is_control) {
            return Err(Error::EnvironmentTokenUnusable { variable });
        }
        return Ok(Token {
            token,
            token_type,
            issuer: connection.issuer.clone(),
            expires_at: None,
            scopes: Vec::new(),
            from_environment: true,
        });
    }
    // What opens sessions is no token: whoever asks for one would send it as what it is not.
    let no_token = || Error::NoToken { connection: connection.name.clone(), way: connection.way.0 };
    if connection.way.0.is_exchanged() && connection.way.0 != Way::Token {
        return Err(no_token());
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
    let (token_type, token) = match grant.way.is_exchanged() {
        true => connection.backend.sign_in.and_then(|own| own.token_of(&grant.access_token)).ok_or_else(no_token)?,
        false => (grant.scheme(), grant.access_token.clone()),
    };
    Ok(Token {
        token,
        token_type,
        issuer: grant.issued.as_ref().map(|issued| issued.issuer.clone()),
        expires_at: grant.expires_at(),
        scopes: grant.issued.as_ref().map(|issued| issued.scopes.clone()).unwrap_or_default(),
        from_environment: false,
    })
}

/// A token from the environment and the word before it; `None` for what is no token.
fn sent_as(
    app: &App,
    connection: &config::Connection,
    (variable, token): (&str, Secret),
) -> Result<Option<(&'static str, Secret)>, Error> {
    match (app.way(connection), connection.backend.sign_in) {
        (Way::Token, Some(own)) => {
            let token = own.kept_of(Way::Token, &token).and_then(|kept| own.token_of(&kept));
            token.map(Some).ok_or_else(|| Error::EnvironmentTokenUnusable { variable: variable.to_owned() })
        }
        (way, _) => Ok((!way.is_exchanged()).then_some(("Bearer", token))),
    }
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
