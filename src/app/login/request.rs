//! What the person answers to: a request that the browser takes to the provider, a code for another device, or both.

use std::sync::Arc;

use super::binding;
use super::identify::{Identity, Origin, failed, identify, register, registrable};
use super::{Device, Strength};
use crate::app::{App, Error, client, provider};
use crate::config;
use crate::oauth::dpop::Key;
use crate::oauth::{self, Attempt, Listener, Server, Unusable, device};
use crate::providers::{Offline, Provider, Secret};

/// What is asked for, at whom.
pub(super) struct Asked<'a> {
    pub(super) server: &'a Server,
    pub(super) provider: &'static Provider,
    pub(super) scopes: &'a [String],
    pub(super) resource: Option<&'a str>,
    /// The service takes only tokens that are bound to a key.
    pub(super) bound_tokens_only: bool,
    /// How the person must prove who they are.
    pub(super) strength: &'a Strength,
    /// What the provider wants the request to carry (OpenID Connect Core §5.5).
    pub(super) claims: Option<&'a str>,
    /// Whether the person may come back from a browser.
    pub(super) browser: bool,
    /// Whether the person may use another device.
    pub(super) device: Device,
}

/// What the person answers to.
pub(super) struct Open {
    pub(super) attempt: Option<Attempt>,
    pub(super) device: Option<Code>,
}

/// A code for another device, and what its tokens are bound to.
pub(super) struct Code {
    pub(super) device: device::Device,
    pub(super) binding: Option<Arc<Key>>,
}

/// Finds out who we are and asks. Where the provider looks at the client before the person does, one that it has
/// forgotten is registered anew, once.
pub(super) async fn prepare(
    app: &App,
    connection: &config::Connection,
    asked: &Asked<'_>,
) -> Result<(Identity, Open), Error> {
    let Asked { server, provider, scopes, .. } = asked;
    let (parts, name, issuer) = (&app.parts, connection.name.as_str(), server.issuer.as_str());
    possible(asked).map_err(|error| Error::Login { connection: name.to_owned(), error: Arc::new(error) })?;
    let mut identity = identify(app, connection, (server, provider), scopes, asked.browser).await?;
    proves_itself(asked, connection, &identity)?;
    let mut outcome = open(app, connection, asked, &identity).await;
    if identity.origin == Origin::Kept && outcome.as_ref().is_err_and(oauth::Error::refuses_client) {
        client::refused(parts, name, issuer, &identity.client.id).await?;
        registrable(connection, (server, provider))?;
        identity.client = register(app, connection, server, scopes, identity.listener.as_ref()).await?;
        identity.origin = Origin::Fresh;
        outcome = open(app, connection, asked, &identity).await;
    }
    match outcome {
        Ok(open) => Ok((identity, open)),
        Err(error) => Err(failed(parts, name, (issuer, &identity.client, identity.origin), error).await),
    }
}

/// Some providers want a secret that a native program cannot keep; without it, the person would consent for nothing.
fn proves_itself(asked: &Asked<'_>, connection: &config::Connection, identity: &Identity) -> Result<(), Error> {
    let proves = identity.client.secret.is_some() || identity.client.key.is_some();
    let why = match asked.provider.secret {
        Secret::Always if !proves => Unusable::SecretExpected,
        Secret::ForCodes if !proves && asked.browser => Unusable::SecretForCodes,
        Secret::Unasked | Secret::ForCodes | Secret::Always => return Ok(()),
    };
    Err(Error::ClientUnusable { connection: connection.name.clone(), why })
}

/// Nobody is registered at a server where the person could not answer.
fn possible(asked: &Asked<'_>) -> Result<(), oauth::Error> {
    if asked.browser {
        asked.server.browser_endpoint()?;
    }
    match asked.device {
        Device::Asked if asked.server.device_authorization_endpoint.is_none() => {
            Err(oauth::Error::NoDeviceLogin { issuer: asked.server.issuer.clone() })
        }
        _ => Ok(()),
    }
}

async fn open(
    app: &App,
    connection: &config::Connection,
    asked: &Asked<'_>,
    identity: &Identity,
) -> Result<Open, oauth::Error> {
    let attempt = match &identity.listener {
        Some(listener) => Some(attempt(app, connection, asked, (&identity.client, listener)).await?),
        None => None,
    };
    let device = match (asked.device, &asked.server.device_authorization_endpoint) {
        (Device::No, _) | (Device::IfOffered, None) => None,
        (Device::Asked, _) => Some(code(app, connection, asked, identity).await?),
        // It would have helped; the other ways are still there.
        (Device::IfOffered, Some(_)) => match code(app, connection, asked, identity).await {
            Ok(code) => Some(code),
            Err(error) => {
                log::warn!("`{}` gives no code for another device: {error}", asked.server.issuer);
                None
            }
        },
    };
    Ok(Open { attempt, device })
}

async fn code(
    app: &App,
    connection: &config::Connection,
    asked: &Asked<'_>,
    identity: &Identity,
) -> Result<Code, oauth::Error> {
    let Asked { server, provider, scopes, bound_tokens_only, .. } = *asked;
    let (resource, audience) = provider::target(provider, asked.resource);
    let client = &identity.client;
    let binding = binding::key(connection, (server, client), bound_tokens_only)?;
    let key = binding.as_deref();
    let now = app.parts.clock.now().0;
    let request = device::Request { server, client, scopes, resource, audience, binding: key, now };
    let device = device::begin(&app.parts.http, request).await?;
    Ok(Code { device, binding })
}

async fn attempt(
    app: &App,
    connection: &config::Connection,
    asked: &Asked<'_>,
    (client, listener): (&oauth::Client, &Listener),
) -> Result<Attempt, oauth::Error> {
    let (resource, audience) = provider::target(asked.provider, asked.resource);
    let attempt = Attempt::new(asked.server, client, &listener.redirect_uri(), asked.scopes, resource)?;
    let attempt = audience.into_iter().fold(attempt, |attempt, audience| attempt.with("audience", audience));
    let attempt = match binding::key(connection, (asked.server, client), asked.bound_tokens_only)? {
        Some(key) => attempt.bound(key),
        None => attempt,
    };
    let attempt = asked.strength.asked_by(attempt);
    let attempt = asked.claims.into_iter().fold(attempt, |attempt, claims| attempt.with("claims", claims));
    let parameters: &[(&str, &str)] = match asked.provider.offline {
        Offline::Listed if wants_consent(asked.scopes) => &[("prompt", "consent")],
        Offline::Parameters(parameters) => parameters,
        Offline::Listed | Offline::Scope | Offline::Unasked => &[],
    };
    let attempt = parameters.iter().fold(attempt, |attempt, (name, value)| attempt.with(name, value));
    if !asked.server.requires_par && !connection.par {
        return Ok(attempt);
    }
    oauth::push(&app.parts.http, asked.server, attempt, app.parts.clock.now().0).await
}

/// OpenID Connect Core §11: a server ignores `offline_access` unless the person is asked to consent.
fn wants_consent(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == "offline_access")
}
