//! Who issues tokens for a connection, and what to ask them for.

use std::sync::Arc;

use url::Url;

use crate::app::{App, Error, client};
use crate::backends::{self, Way};
use crate::config;
use crate::oauth::{self, Server};
use crate::providers;

/// Who issues tokens for a connection, and what to ask them for.
pub(super) struct Found {
    pub(super) server: Server,
    pub(super) resource: Option<String>,
    pub(super) scopes: Vec<String>,
    /// Whether the service takes only tokens that are bound to a key.
    pub(super) bound_tokens_only: bool,
}

/// Finds who issues tokens for the connection: the configured issuer, or the one that the service names.
pub(super) async fn discover(app: &App, connection: &config::Connection, way: Way) -> Result<Found, Error> {
    let failed = |error| Error::Login { connection: connection.name.clone(), error: Arc::new(error) };
    let url = connection.endpoint(way).ok_or_else(|| Error::NoAddress { connection: connection.name.clone() })?;
    let http = &app.parts.http;
    if let Some(issuer) = &connection.issuer {
        let server = oauth::discover_issuer(http, issuer, policy(&url, way)).await.map_err(failed)?;
        let scopes = scopes(connection, way, &server, &[]);
        let resource = Some(connection.resource.clone().unwrap_or(url).to_string());
        // Whoever names the issuer has said all that the service would.
        return Ok(Found { server, resource, scopes, bound_tokens_only: false });
    }
    let found = match oauth::discover_resource(http, &url, probe(&url)).await {
        // An older server does not know the probe's method, and says so without asking who we are.
        Err(oauth::Error::Status { status: 400 | 405 | 406, .. }) => oauth::Discovery::Open,
        found => found.map_err(failed)?,
    };
    let resource = match found {
        oauth::Discovery::Open => return Err(Error::LoginNotNeeded { connection: connection.name.clone() }),
        oauth::Discovery::Guarded(resource) => resource,
    };
    let issuer = choose(app, connection, &resource.issuers).await?;
    let server = oauth::discover_issuer(http, &issuer, policy(&url, way)).await.map_err(failed)?;
    let scopes = scopes(connection, way, &server, &resource.scopes);
    let named = connection.resource.as_ref().filter(|_| connection.backend.oauth_url.is_none());
    let bound_tokens_only = resource.bound_tokens_only;
    let resource = Some(named.map_or(resource.identifier, ToString::to_string));
    Ok(Found { server, resource, scopes, bound_tokens_only })
}

/// The MCP request that makes the service ask for a login.
fn probe(url: &Url) -> oauth::Probe {
    let (parts, body) = backends::remote::probe(url).into_parts();
    oauth::Probe { method: parts.method, headers: parts.headers, body }
}

/// MCP wants S256 of every server where a code is issued; addresses may lead into a private network only from one.
fn policy(url: &Url, way: Way) -> oauth::Policy {
    oauth::Policy { require_s256: way == Way::OAuth, reach: oauth::Reach::of(url) }
}

/// RFC 9728 leaves the choice among several issuers to the client: one where a client is known already saves the
/// person a consent, and otherwise the first is as good as any.
async fn choose(app: &App, connection: &config::Connection, issuers: &[String]) -> Result<String, Error> {
    if issuers.len() > 1 {
        for issuer in issuers {
            if client::load(&app.parts, &connection.name, issuer).await?.is_some() {
                return Ok(issuer.clone());
            }
        }
    }
    issuers.first().cloned().ok_or_else(|| Error::Login {
        connection: connection.name.clone(),
        error: Arc::new(oauth::Error::NoIssuer { host: connection.name.clone() }),
    })
}

fn scopes(connection: &config::Connection, way: Way, server: &Server, challenged: &[String]) -> Vec<String> {
    // The usual scopes of a provider are about a person.
    let usual = if way == Way::OAuth { providers::of_issuer(&server.issuer).scopes } else { &[] };
    let named: Vec<String> = [connection.scopes.as_slice(), challenged]
        .into_iter()
        .find(|scopes| !scopes.is_empty())
        .map_or_else(|| usual.iter().map(ToString::to_string).collect(), <[String]>::to_vec);
    let mut scopes = Vec::new();
    // Without it many providers give no refresh token, and the person would have to come back every hour.
    let wanted = way == Way::OAuth && connection.scopes.is_empty();
    let offline = server.scopes.iter().find(|scope| *scope == "offline_access").filter(|_| wanted);
    for scope in named.iter().chain(offline) {
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    scopes
}
