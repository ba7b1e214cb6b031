//! A login without a person: the client itself asks for a token (RFC 6749 §4.4).

use std::sync::Arc;

use url::Url;

use super::binding;
use super::discover::{Found, discover};
use super::identify::given;
use super::keep::ended;
use super::{By, Done, claim, first_generation, leaves_newer_alone, record};
use crate::app::audit::What;
use crate::app::grant::{Flow, Grant, Issued, Renewals, State};
use crate::app::{App, Error, provider, secret_of_client, session};
use crate::backends::Way;
use crate::config;
use crate::oauth::{self, Client, ClientCredentials, Server, TokenType};

const WAY: Way = Way::ClientCredentials;

/// Obtains a token for the client that the configuration names, and keeps it. Opens nothing and asks nobody.
pub async fn client_credentials(app: &App, connection: &config::Connection) -> Result<Done, Error> {
    let name = connection.name.as_str();
    if let Some((variable, _)) = app.environment_token(connection) {
        return Err(Error::TokenInEnvironment { variable });
    }
    let url = connection.endpoint(WAY).ok_or_else(|| Error::NoAddress { connection: name.to_owned() })?;
    let app = &app.at(connection);
    let _claim = claim(app, name, By::Login)?;
    let kept = obtain(app, connection, url).await;
    app.parts.audit.ended(What::Login, name, kept.as_ref());
    let grant = kept?;
    record(app, connection, WAY).await?;
    Ok(Done::of(name, &grant))
}

async fn obtain(app: &App, connection: &config::Connection, url: Url) -> Result<Grant, Error> {
    let (parts, name) = (&app.parts, connection.name.as_str());
    let failed = |error| Error::Login { connection: name.to_owned(), error: Arc::new(error) };
    leaves_newer_alone(app, connection).await?;
    parts.store.prove().await.map_err(Error::store(name))?;
    let Found { server, provider, resource, scopes, bound_tokens_only } = discover(app, connection, WAY, false).await?;
    let client = configured(app, connection, &server).await?;
    let binding = binding::key(connection, (&server, &client), bound_tokens_only).map_err(failed)?;
    let target = provider::target(provider, resource.as_deref());
    let request = ClientCredentials {
        token_endpoint: &server.token_endpoint,
        issuer: &server.issuer,
        client: &client,
        scopes: &scopes,
        resource: target.0,
        audience: target.1,
        habits: server.habits,
        binding: binding.as_deref(),
        now: parts.clock.now().0,
    };
    let tokens = oauth::client_credentials(&parts.http, request).await.map_err(failed)?;
    session::odd(name, &tokens);
    let now = parts.clock.now();
    let custody = session::Custody::take(parts, name, session::LONG_WAIT).await?;
    let grant = Grant {
        way: WAY,
        generation: first_generation(now),
        url: url.to_string(),
        obtained_at: session::obtained(&tokens, now),
        state: State::Valid,
        issued: Some(Issued {
            issuer: server.issuer,
            token_endpoint: server.token_endpoint,
            revocation_endpoint: server.revocation_endpoint,
            end_session_endpoint: None,
            client,
            flow: Flow::ClientCredentials,
            resource,
            expires_at: session::expiry(&tokens, now),
            refresh_token: None,
            refresh_expires_at: None,
            claims: None,
            clock_skew: session::clock_skew(name, &tokens, now),
            dpop: binding.filter(|_| tokens.token_type == TokenType::Dpop).map(|key| key.secret().clone()),
            scopes: tokens.scope.unwrap_or(scopes),
            subject: None,
            account: None,
        }),
        access_token: tokens.access_token,
        holder: None,
        renewals: Renewals::default(),
    };
    if let Some(error) = binding::refused(bound_tokens_only, &grant) {
        drop(custody);
        ended(parts, &grant).await;
        return Err(failed(error));
    }
    custody.keep_login(grant).await.map_err(Error::store(name))
}

/// The client that the configuration names. A registration would be a client without rights of its own: what it may do,
/// an administrator decides.
async fn configured(app: &App, connection: &config::Connection, server: &Server) -> Result<Client, Error> {
    let (name, issuer) = (connection.name.as_str(), server.issuer.as_str());
    let client = given(app, connection, server).await?;
    let client = client.ok_or_else(|| Error::ClientIdNeeded {
        connection: name.to_owned(),
        issuer: issuer.to_owned(),
        redirect: None,
    })?;
    secret_of_client::bind(&app.parts, name, issuer).await?;
    Ok(client)
}
