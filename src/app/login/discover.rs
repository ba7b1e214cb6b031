//! Who issues tokens for a connection, and what to ask them for.

use std::sync::Arc;

use http::{HeaderMap, Request};

use crate::app::{App, Error, client, headers, provider};
use crate::backends::{self, Way};
use crate::config;
use crate::http::Http;
use crate::oauth::{self, Reach, Server};
use crate::providers::{Offline, Provider, Target};

/// Who issues tokens for a connection, and what to ask them for.
pub(super) struct Found {
    pub(super) server: Server,
    pub(super) provider: &'static Provider,
    pub(super) resource: Option<String>,
    pub(super) scopes: Vec<String>,
    /// Whether the service takes only tokens that are bound to a key.
    pub(super) bound_tokens_only: bool,
}

/// Finds who issues tokens for the connection: the configured issuer, or the one that the service names. `browser` says
/// that a code is to come through one.
pub(super) async fn discover(
    app: &App,
    connection: &config::Connection,
    way: Way,
    browser: bool,
) -> Result<Found, Error> {
    let failed = |error| Error::Login { connection: connection.name.clone(), error: Arc::new(error) };
    let url = connection.endpoint(way).ok_or_else(|| Error::NoAddress { connection: connection.name.clone() })?;
    let http = &app.parts.http;
    let has_secrets = !connection.headers.secret.is_empty();
    if let Some(issuer) = &connection.issuer {
        let provider = provider::of(connection, issuer);
        let server = server(http, issuer, provider, policy(provider::reach(connection, &url), browser, provider))
            .await
            .map_err(failed)?;
        let resource = connection.resource.clone().unwrap_or(url).to_string();
        let scopes = scopes(connection, way, (&server, provider), (&[], &resource));
        // Whoever names the issuer has said all that the service would.
        return Ok(Found { server, provider, resource: Some(resource), scopes, bound_tokens_only: false });
    }
    let own = headers::now(app, connection, &url).await?;
    let mut found = oauth::discover_resource(http, &url, probe(backends::remote::probe(&url), own.clone())).await;
    // An older server may look at the request before it looks at who sends it.
    if matches!(found, Err(oauth::Error::Status { status: 400 | 404 | 405 | 406, .. })) {
        found = oauth::discover_resource(http, &url, probe(backends::remote::older_probe(&url), own)).await;
    }
    let found = match found {
        // It knows neither request, and says so without asking who we are.
        Err(oauth::Error::Status { status: 400 | 405 | 406, .. }) => oauth::Discovery::Open,
        // Gateways say 403 to a key that they do not know.
        Err(oauth::Error::Status { status: 403, .. }) if has_secrets => return Err(headers::refused(connection)),
        found => found.map_err(failed)?,
    };
    let resource = match found {
        oauth::Discovery::Open => return Err(Error::LoginNotNeeded { connection: connection.name.clone() }),
        oauth::Discovery::Guarded(resource) => resource,
    };
    let issuer = choose(app, connection, &resource.issuers).await?;
    let provider = provider::of(connection, &issuer);
    let server = server(http, &issuer, provider, policy(Reach::of(&url), browser, provider)).await;
    let server = server.map_err(|error| match error {
        // Nobody there knows of a login, so the refusal was about what was shown.
        oauth::Error::NoMetadata { .. } if has_secrets && !resource.published => headers::refused(connection),
        error => failed(error),
    })?;
    let named = connection.resource.as_ref().filter(|_| connection.backend.oauth_url.is_none());
    let bound_tokens_only = resource.bound_tokens_only;
    let identifier = named.map_or(resource.identifier, ToString::to_string);
    let scopes = scopes(connection, way, (&server, provider), (&resource.scopes, &identifier));
    Ok(Found { server, provider, resource: Some(identifier), scopes, bound_tokens_only })
}

/// The MCP request that makes the service ask for a login, with the headers of the connection.
fn probe(request: Request<Vec<u8>>, own: HeaderMap) -> oauth::Probe {
    let (parts, body) = request.into_parts();
    let mut headers = own;
    headers.extend(parts.headers);
    oauth::Probe { method: parts.method, headers, body }
}

/// MCP wants S256 of every server where a browser brings a code, unless it is known to have it; addresses may lead into a
/// private network only from one.
fn policy(reach: Reach, browser: bool, provider: &'static Provider) -> oauth::Policy {
    let require_s256 = browser && !provider.s256_unsaid;
    oauth::Policy { require_s256, reach, habits: provider::habits(provider) }
}

/// The issuer's server: from its metadata, or as it is known where it publishes none.
async fn server(
    http: &Http,
    issuer: &str,
    provider: &'static Provider,
    policy: oauth::Policy,
) -> Result<Server, oauth::Error> {
    let issuer = provider::canonical(provider, issuer);
    match oauth::discover_issuer(http, issuer, policy).await {
        Err(error @ oauth::Error::NoMetadata { .. }) => {
            provider::without_metadata(provider, issuer, policy).ok_or(error)
        }
        found => found,
    }
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

fn scopes(
    connection: &config::Connection,
    way: Way,
    (server, provider): (&Server, &Provider),
    (challenged, resource): (&[String], &str),
) -> Vec<String> {
    // The usual scopes of a provider are about a person.
    let usual = if way == Way::OAuth { provider.scopes } else { &[] };
    let named: Vec<String> = [connection.scopes.as_slice(), challenged]
        .into_iter()
        .find(|scopes| !scopes.is_empty())
        .map_or_else(|| usual.iter().map(ToString::to_string).collect(), <[String]>::to_vec);
    // Where the target is in the scopes, a token without any would be for nobody. A client without a person asks for a
    // whole resource there: what it may do, an administrator has decided.
    let alone = way == Way::ClientCredentials && connection.scopes.is_empty();
    let whole = provider.target == Target::Scope && (alone || named.is_empty());
    let (named, whole) = match whole {
        true => (Vec::new(), Some(provider::whole(resource))),
        false => (named, None),
    };
    // Without it many providers give no refresh token, and the person would have to come back every hour.
    let wanted = way == Way::OAuth && connection.scopes.is_empty();
    let offers = match provider.offline {
        Offline::Listed => server.scopes.iter().any(|scope| scope == OFFLINE),
        Offline::Scope => true,
        Offline::Parameters(_) | Offline::Unasked => false,
    };
    let offline = (wanted && offers).then(|| OFFLINE.to_owned());
    let mut scopes = Vec::new();
    for scope in named.into_iter().chain(whole).chain(offline) {
        if !scopes.contains(&scope) && understands(provider, &scope) {
            scopes.push(scope);
        }
    }
    scopes
}

/// The scope that asks for a refresh token (OpenID Connect Core §11).
const OFFLINE: &str = "offline_access";

/// Whether a provider knows a scope at all: for one that it does not, some show a page of their own and no way back.
pub(super) fn understands(provider: &Provider, scope: &str) -> bool {
    scope != OFFLINE || matches!(provider.offline, Offline::Listed | Offline::Scope)
}
