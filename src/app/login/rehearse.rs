//! A login up to the point where it would change something: who would be asked, as whom, for what.

use super::discover::{Found, discover};
use super::identify::{given, ports, redirect_host, registers};
use super::{Wish, more, stored, usable};
use crate::app::{App, Error, client, provider};
use crate::backends::Way;
use crate::config;
use crate::http::Loopback;
use crate::providers::Provider;

/// Who the program would be at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// The client that the configuration names, or a document that it names.
    Configured(String),
    /// The client that was registered at an earlier login.
    Registered(String),
    /// A client that would be registered.
    Registration,
    /// None: the provider registers nobody, and none is configured.
    Missing,
}

/// What a login would ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// Which connection.
    pub connection: String,
    /// How the login would be made.
    pub way: Way,
    /// What the person must know about that.
    pub note: Option<&'static str>,
    /// Who would issue the tokens.
    pub issuer: String,
    /// What kind of provider that is.
    pub provider: &'static Provider,
    /// The page that the person would see, without the request.
    pub authorization_endpoint: Option<String>,
    /// Whether the provider offers a code for another device.
    pub device: bool,
    /// Who the program would be.
    pub client: Client,
    /// What would be asked for.
    pub scopes: Vec<String>,
    /// For which resource, where it is named by `resource`.
    pub resource: Option<String>,
    /// For whom, where that is named by `audience`.
    pub audience: Option<String>,
    /// The host of the redirect.
    pub redirect_host: Loopback,
    /// The ports of the redirect; any, if there are none.
    pub ports: Vec<u16>,
}

/// Finds out what a login in this way would ask for, with a person or for the client itself. Opens no port and no page,
/// registers and stores nothing.
pub async fn rehearse(app: &App, connection: &config::Connection, way: Way, wish: &Wish) -> Result<Rehearsal, Error> {
    let alone = way == Way::ClientCredentials;
    match app.environment_token(connection) {
        Some((variable, _)) if alone => return Err(Error::TokenInEnvironment { variable }),
        _ if alone => {}
        _ => usable(app, connection)?,
    }
    let app = &app.at(connection);
    let Found { server, provider, resource, scopes, .. } =
        discover(app, connection, way, wish.browser && !alone).await?;
    let scopes = match alone {
        true => scopes,
        false => more(scopes, wish, (&server, provider), stored(app, connection).await.as_deref()),
    };
    let client = match given(app, connection, &server).await? {
        Some(given) => Client::Configured(given.id),
        // What a client may do that asks for itself, an administrator decides.
        None if alone => Client::Missing,
        None => match client::load(&app.parts, &connection.name, &server.issuer).await? {
            Some(known) => Client::Registered(known.id),
            None if registers(&server, provider) => Client::Registration,
            None => Client::Missing,
        },
    };
    let ports = match &client {
        _ if alone => Vec::new(),
        Client::Configured(_) | Client::Missing => ports(connection, provider).to_vec(),
        _ => connection.ports.clone(),
    };
    let (resource, audience) = provider::target(provider, resource.as_deref());
    Ok(Rehearsal {
        connection: connection.name.clone(),
        way,
        note: connection.backend.note(way),
        issuer: server.issuer,
        provider,
        authorization_endpoint: server.authorization_endpoint.filter(|_| !alone).map(String::from),
        device: server.device_authorization_endpoint.is_some() && !alone,
        client,
        scopes,
        resource: resource.map(str::to_owned),
        audience: audience.map(str::to_owned),
        redirect_host: redirect_host(connection, provider),
        ports,
    })
}
