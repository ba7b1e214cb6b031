//! A login up to the point where it would change something: who would be asked, as whom, for what.

use super::discover::{Found, discover};
use super::identify::{given, ports, redirect_host, registers};
use super::{Wish, more, stored, usable};
use crate::app::{App, Error, client};
use crate::backends::Way;
use crate::config;
use crate::http::Loopback;

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
    /// Who would issue the tokens.
    pub issuer: String,
    /// The page that the person would see, without the request.
    pub authorization_endpoint: Option<String>,
    /// Whether the provider offers a code for another device.
    pub device: bool,
    /// Who the program would be.
    pub client: Client,
    /// What would be asked for.
    pub scopes: Vec<String>,
    /// For which resource.
    pub resource: Option<String>,
    /// The host of the redirect.
    pub redirect_host: Loopback,
    /// The ports of the redirect; any, if there are none.
    pub ports: Vec<u16>,
}

/// Finds out what a login would ask for. Opens no port and no page, registers and stores nothing.
pub async fn rehearse(app: &App, connection: &config::Connection, wish: &Wish) -> Result<Rehearsal, Error> {
    usable(app, connection)?;
    let app = &app.at(connection);
    let Found { server, provider, resource, scopes, .. } = discover(app, connection, Way::OAuth).await?;
    let scopes = more(scopes, wish, (&server, provider), stored(app, connection).await.as_deref());
    let client = match given(app, connection, &server).await? {
        Some(given) => Client::Configured(given.id),
        None => match client::load(&app.parts, &connection.name, &server.issuer).await? {
            Some(known) => Client::Registered(known.id),
            None if registers(&server, provider) => Client::Registration,
            None => Client::Missing,
        },
    };
    let ports = match &client {
        Client::Configured(_) => ports(connection, provider).to_vec(),
        _ => connection.ports.clone(),
    };
    Ok(Rehearsal {
        connection: connection.name.clone(),
        issuer: server.issuer,
        authorization_endpoint: server.authorization_endpoint.map(String::from),
        device: server.device_authorization_endpoint.is_some(),
        client,
        scopes,
        resource,
        redirect_host: redirect_host(connection, provider),
        ports,
    })
}
