//! Who is signed in where, until when. Works offline: it reads the store and the clock, nothing else.

use super::error::Ended;
use super::grant::Grant;
use super::headers::{self, State};
use super::refused::Refused;
use super::{App, Error};
use crate::backends::Way;
use crate::backends::sign_in::Holder;
use crate::config;
use crate::config::store::Kind;
use crate::machine::Timestamp;

/// What is known of one connection.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its name.
    pub connection: String,
    /// Its backend.
    pub backend: &'static str,
    /// How its calls are signed in.
    pub way: Way,
    /// Where its calls go.
    pub url: Option<String>,
    /// Whether it can be called now.
    pub login: Login,
    /// What is kept of its secret headers.
    pub headers: Vec<(String, State)>,
    /// Who signed in, if known.
    pub account: Option<String>,
    /// What else is known of them.
    pub holder: Option<Holder>,
    /// Who issued the token, if anybody did.
    pub issuer: Option<String>,
    /// What the token may be used for.
    pub scopes: Vec<String>,
    /// When the access token ends, if known.
    pub expires_at: Option<Timestamp>,
    /// Whether it renews by itself.
    pub renewable: bool,
    /// Seconds by which the provider's clock was ahead of this machine's at the last token, if it told its time.
    pub clock_skew: Option<i64>,
    /// Where its login is kept; `None` if none is looked for.
    pub store: Option<Kind>,
    /// Where the stored login is for, if that is not where the connection points now.
    pub elsewhere: Option<String>,
}

/// Whether a connection can be called now.
#[derive(Clone, Debug)]
pub enum Login {
    /// It needs no login.
    NotNeeded,
    /// The environment supplies the token.
    Environment {
        /// Which variable.
        variable: String,
    },
    /// The access token is good.
    SignedIn,
    /// The access token has ended; the next call renews it.
    Renewable,
    /// Only a login helps.
    Required(Ended),
    /// The store could not be read, so nobody knows.
    Unknown(Error),
}

impl Login {
    /// The word for it in `--json`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotNeeded => "not-needed",
            Self::Environment { .. } => "environment",
            Self::SignedIn => "signed-in",
            Self::Renewable => "renewable",
            Self::Required(_) => "login-required",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// The status of one connection.
pub async fn of(app: &App, connection: &config::Connection) -> Status {
    let way = app.way(connection);
    let mut status = Status {
        connection: connection.name.clone(),
        backend: connection.backend.name,
        way,
        url: connection.endpoint(way).map(|url| url.to_string()),
        login: Login::NotNeeded,
        headers: Vec::new(),
        account: None,
        holder: None,
        issuer: None,
        scopes: Vec::new(),
        expires_at: None,
        renewable: false,
        clock_skew: None,
        store: None,
        elsewhere: None,
    };
    if let Some((variable, _)) = app.environment_token(connection) {
        status.login = Login::Environment { variable };
    } else if way != Way::None {
        status.store = Some(app.config.store_of(connection).0);
        match app.session(connection).stored().await {
            Ok(Some(grant)) if !app.session(connection).owns(&grant) => {
                status.login = Login::Required(Ended::Elsewhere);
                status.elsewhere = Some(grant.url.clone());
            }
            Ok(Some(grant)) => {
                status.fill(&grant, app.parts.clock.now());
                let refused = Refused::new(app.parts.shared.as_deref(), &connection.name).generation();
                if refused == Some(grant.generation) && matches!(status.login, Login::SignedIn) {
                    status.login = if status.renewable { Login::Renewable } else { Login::Required(Ended::Refused) };
                }
            }
            Ok(None) => status.login = Login::Required(Ended::Absent),
            Err(Error::LoginRequired { why, .. }) => status.login = Login::Required(why),
            Err(error) => status.login = Login::Unknown(error),
        }
    }
    status.look(app, connection).await;
    status
}

impl Status {
    /// Looks what is kept of the secret headers.
    async fn look(&mut self, app: &App, connection: &config::Connection) {
        let (names, url) = (&connection.headers.secret, connection.endpoint(self.way));
        let Some(url) = url.filter(|_| !names.is_empty()) else { return };
        self.store = self.store.or(Some(app.config.store_of(connection).0));
        let shown = |name: &http::HeaderName, state| (name.to_string(), state);
        match headers::states(app, connection, &url).await {
            Ok(states) => self.headers = states.iter().map(|(name, state)| shown(name, *state)).collect(),
            Err(error) => {
                self.headers = names.iter().map(|name| shown(name, State::Unknown)).collect();
                if !matches!(self.login, Login::Required(_)) {
                    self.login = Login::Unknown(error);
                }
            }
        }
    }

    /// The first secret header without which the service is not called, if there is one; its error.
    pub fn missing(&self) -> Option<Error> {
        let (header, state) =
            self.headers.iter().find(|(_, state)| matches!(state, State::Missing | State::Elsewhere))?;
        let (connection, is_elsewhere) = (self.connection.clone(), *state == State::Elsewhere);
        Some(Error::HeaderMissing { connection, header: header.clone(), is_elsewhere })
    }

    fn fill(&mut self, grant: &Grant, now: Timestamp) {
        self.expires_at = grant.expires_at();
        self.renewable = grant.renews(now);
        self.login = match grant.state.ended() {
            _ if grant.lasts(now, 1) => Login::SignedIn,
            Some(ended) => Login::Required(ended),
            None if self.renewable => Login::Renewable,
            None => Login::Required(Ended::Expired),
        };
        self.account = grant.account().map(String::from);
        self.holder.clone_from(&grant.holder);
        if let Some(issued) = &grant.issued {
            self.issuer = Some(issued.issuer.clone());
            self.clock_skew = issued.clock_skew;
            self.scopes.clone_from(&issued.scopes);
        }
    }
}
