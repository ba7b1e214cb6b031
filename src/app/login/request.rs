//! The request that the browser takes to the provider: who asks, for what, and whether the provider keeps it meanwhile.

use super::binding;
use super::identify::{Identity, Origin, failed, identify, register};
use crate::app::{App, Error, client};
use crate::config;
use crate::oauth::{self, Attempt, Server};

/// What is asked for, at whom.
pub(super) struct Asked<'a> {
    pub(super) server: &'a Server,
    pub(super) scopes: &'a [String],
    pub(super) resource: Option<&'a str>,
    /// The service takes only tokens that are bound to a key.
    pub(super) bound_tokens_only: bool,
}

/// Finds out who we are and makes the request. Where it is pushed, the provider looks at the client before the person
/// does: one that it has forgotten is registered anew, once.
pub(super) async fn prepare(
    app: &App,
    connection: &config::Connection,
    asked: &Asked<'_>,
) -> Result<(Identity, Attempt), Error> {
    let Asked { server, scopes, .. } = asked;
    let (parts, name, issuer) = (&app.parts, connection.name.as_str(), server.issuer.as_str());
    let mut identity = identify(app, connection, server, scopes).await?;
    let mut outcome = attempt(app, connection, asked, &identity).await;
    if identity.origin == Origin::Kept && outcome.as_ref().is_err_and(oauth::Error::refuses_client) {
        client::refused(parts, name, issuer, &identity.client.id).await?;
        identity.client = register(app, connection, server, scopes, &identity.listener).await?;
        identity.origin = Origin::Fresh;
        outcome = attempt(app, connection, asked, &identity).await;
    }
    match outcome {
        Ok(attempt) => Ok((identity, attempt)),
        Err(error) => Err(failed(parts, name, (issuer, &identity.client, identity.origin), error).await),
    }
}

async fn attempt(
    app: &App,
    connection: &config::Connection,
    asked: &Asked<'_>,
    identity: &Identity,
) -> Result<Attempt, oauth::Error> {
    let Identity { client, listener, .. } = identity;
    let attempt = Attempt::new(asked.server, client, &listener.redirect_uri(), asked.scopes, asked.resource)?;
    let attempt = match binding::key(connection, (asked.server, client), asked.bound_tokens_only)? {
        Some((key, unbound)) => attempt.bound(key, unbound),
        None => attempt,
    };
    let attempt = if wants_consent(asked.scopes) { attempt.with("prompt", "consent") } else { attempt };
    if !asked.server.requires_par && !connection.par {
        return Ok(attempt);
    }
    oauth::push(&app.parts.http, asked.server, attempt, app.parts.clock.now().0).await
}

/// OpenID Connect Core §11: a server ignores `offline_access` unless the person is asked to consent.
fn wants_consent(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == "offline_access")
}
