//! Asking whether a login is still accepted: the provider where it answers us, and otherwise the service itself.
//!
//! One small question with a limit. A token that has ended or is refused is renewed first, as any call would do it, so
//! "no" means that only a login helps.

use std::time::Duration;

use super::session::Need;
use super::status::{Login, Status};
use super::{App, Error, provider};
use crate::backends::{self, Unavailable, Way};
use crate::config;
use crate::oauth::{self, AuthMethod, Introspection};

/// How long one connection may take, all its requests together.
const PATIENCE: Duration = Duration::from_secs(15);

/// What an answer says, and whose it is.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Who was asked.
    pub by: By,
    /// Its host.
    pub host: String,
    /// Whether the login is accepted; an error may also mean that nobody knows.
    pub outcome: Result<(), Error>,
}

/// Who was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Who issued the token, by introspection (RFC 7662).
    Provider,
    /// The service that the token is for.
    Service,
}

impl By {
    /// The word for it in `--json`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Service => "service",
        }
    }
}

/// Asks about the login that `status` describes, or the headers that stand in for one; `None` if there is none to ask about.
pub async fn of(app: &App, connection: &config::Connection, status: &Status) -> Option<Verified> {
    match &status.login {
        Login::NotNeeded if status.headers.is_empty() => return None,
        Login::Required(_) | Login::Unknown(_) => return None,
        Login::NotNeeded | Login::Environment { .. } | Login::SignedIn | Login::Renewable => {}
    }
    let host = connection.endpoint(status.way).map(|url| backends::http::host_of(&url)).unwrap_or_default();
    let late = host.clone();
    let asked = tokio::time::timeout(PATIENCE, async {
        if let Some(verified) = by_provider(app, connection, status).await {
            return verified;
        }
        Verified { by: By::Service, host, outcome: by_service(app, connection).await }
    });
    Some(asked.await.unwrap_or_else(|_| {
        let error = crate::http::Error::TimedOut { host: late.clone(), after: PATIENCE };
        Verified { by: By::Service, host: late, outcome: Err(Error::Network(error)) }
    }))
}

async fn by_service(app: &App, connection: &config::Connection) -> Result<(), Error> {
    let service = app.service(connection)?;
    let error = match connection.backend.check(service).await {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    // What kept us from asking is our own: a login that has ended is not the service's answer.
    if let backends::Error::Credential(Unavailable(why)) = &error
        && let Some(own) = why.downcast_ref::<Error>()
    {
        return Err(own.clone());
    }
    Err(Error::Service { connection: connection.name.clone(), error })
}

/// Asks the provider, where the client can identify itself and the provider takes such questions. Whatever goes wrong
/// with the question itself leaves it to the service.
async fn by_provider(app: &App, connection: &config::Connection, status: &Status) -> Option<Verified> {
    if status.way != Way::OAuth || matches!(status.login, Login::Environment { .. }) {
        return None;
    }
    let session = app.session(connection);
    let known = session.stored().await.ok()??;
    let issued = known.issued.as_ref().filter(|issued| issued.client.method != AuthMethod::None)?;
    let reach = provider::reach(connection, &connection.endpoint(Way::OAuth)?);
    let server = provider::server(app, connection, &issued.issuer, reach).await.ok()?;
    let endpoint = server.introspection_endpoint.as_ref()?;
    let host = backends::http::host_of(endpoint);
    let verified = |outcome| Some(Verified { by: By::Provider, host: host.clone(), outcome });
    let mut need = Need::default();
    for _ in 0..2 {
        let grant = match session.grant(need).await {
            Ok(grant) => grant,
            Err(error) => return verified(Err(error)),
        };
        let introspection = Introspection {
            endpoint,
            issuer: &issued.issuer,
            client: &issued.client,
            token: &grant.access_token,
            now: app.parts.clock.now().0,
        };
        if oauth::introspect(&app.parts.http, introspection).await.ok()? {
            return verified(Ok(()));
        }
        // The access token is over before its time: what follows is what a call would do after a 401.
        need = Need { not: Some(grant.generation), ..Need::default() };
    }
    // The provider renewed it and disowns the new one: the service has the last word.
    None
}
