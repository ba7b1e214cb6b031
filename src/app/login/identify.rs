//! Who we are at an issuer, in the order of trust: what the configuration names, a client id metadata document, a
//! registration. And the port on which the answer may arrive, because a registration names it.

use std::sync::Arc;

use url::Url;

use crate::app::{App, Error, Parts, client, secret_of_client};
use crate::config;
use crate::http::Loopback;
use crate::oauth::{self, AuthMethod, Listener, Server, Standing};
use crate::providers::{Provider, Redirect};

/// Who we are, and where the answer of a browser arrives.
pub(super) struct Identity {
    pub(super) client: oauth::Client,
    /// Only where a browser comes back.
    pub(super) listener: Option<Listener>,
    pub(super) origin: Origin,
}

/// Where an identity comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Somebody else made it: the configuration or a document names it. Nothing here can mend it.
    Given,
    /// It was registered at an earlier login; the server may have forgotten it since.
    Kept,
    /// It was registered by this login. Another registration would be refused for the same reason.
    Fresh,
}

/// Decides who we are at this issuer, and where a browser comes back binds the listener on a port that this identity may
/// use. Nothing comes back to this machine from another device, so there no port is opened.
pub(super) async fn identify(
    app: &App,
    connection: &config::Connection,
    (server, provider): (&Server, &'static Provider),
    scopes: &[String],
    browser: bool,
) -> Result<Identity, Error> {
    let host = redirect_host(connection, provider);
    let failed = |error| Error::Login { connection: connection.name.clone(), error: Arc::new(error) };
    if let Some(client) = given(app, connection, server).await? {
        secret_of_client::bind(&app.parts, &connection.name, &server.issuer).await?;
        let listener = match browser {
            true => Some(Listener::bind(host, ports(connection, provider)).await.map_err(failed)?),
            false => None,
        };
        return Ok(Identity { client, listener, origin: Origin::Given });
    }
    // Asking for more than was registered, some providers answer with an error instead of a page.
    if let Some(known) = still_known(app, connection, server).await?.filter(|known| known.covers(scopes)) {
        // Not every provider ignores the port of a loopback redirect, so the one that was registered comes first.
        let ports = if connection.ports.is_empty() { ports_of(&known.redirect_uris) } else { connection.ports.clone() };
        if !browser {
            return Ok(Identity { client: known, listener: None, origin: Origin::Kept });
        }
        if let Ok(listener) = Listener::bind(host, &ports).await
            && known.redirect_uris.contains(&listener.redirect_uri())
        {
            return Ok(Identity { client: known, listener: Some(listener), origin: Origin::Kept });
        }
    }
    registrable(connection, (server, provider))?;
    let listener = match browser {
        true => Some(Listener::bind(host, &connection.ports).await.map_err(failed)?),
        false => None,
    };
    let client = register(app, connection, server, scopes, listener.as_ref()).await?;
    Ok(Identity { client, listener, origin: Origin::Fresh })
}

/// The host of the redirect: the one that the person names, or the one that the provider wants.
pub(super) fn redirect_host(connection: &config::Connection, provider: &Provider) -> Loopback {
    connection.redirect_host.unwrap_or(provider.redirect.host)
}

/// The ports of the redirect of a client that somebody registered by hand; any, if there are none.
pub(super) fn ports<'a>(connection: &'a config::Connection, provider: &Provider) -> &'a [u16] {
    if connection.ports.is_empty() { provider.redirect.ports } else { &connection.ports }
}

/// Whether a stranger may register there at all.
pub(super) fn registers(server: &Server, provider: &Provider) -> bool {
    server.registration_endpoint.is_some() && !provider.registers_nobody
}

/// Where no stranger may register, somebody has to say which client to be.
pub(super) fn registrable(
    connection: &config::Connection,
    (server, provider): (&Server, &Provider),
) -> Result<(), Error> {
    if registers(server, provider) {
        return Ok(());
    }
    let redirect = Redirect { host: redirect_host(connection, provider), ports: ports(connection, provider) };
    let (connection, issuer) = (connection.name.clone(), server.issuer.clone());
    Err(Error::ClientIdNeeded { connection, issuer, redirect: Some(redirect.text()) })
}

/// The client that somebody else made for us: it comes before any registration, because a person who names it means it.
pub(super) async fn given(
    app: &App,
    connection: &config::Connection,
    server: &Server,
) -> Result<Option<oauth::Client>, Error> {
    if let Some(id) = &connection.client_id {
        let evidence = secret_of_client::load(&app.parts, connection, id, &server.issuer).await?;
        let forced = connection.client.method.as_deref().and_then(AuthMethod::of_name);
        let client = oauth::Client::configured(id.as_str(), evidence, forced, server);
        let failed = |why| Error::ClientUnusable { connection: connection.name.clone(), why };
        return client.map(Some).map_err(failed);
    }
    let document = connection.client.document.as_ref().or(app.config.client_document.as_ref());
    Ok(document.filter(|_| server.accepts_client_documents).map(oauth::Client::public))
}

/// The registration of an earlier login, unless the server says that it has forgotten it: with a forgotten client the
/// person would see an error page of the provider, and nobody here would learn of it.
async fn still_known(
    app: &App,
    connection: &config::Connection,
    server: &Server,
) -> Result<Option<oauth::Client>, Error> {
    let (parts, name, issuer) = (&app.parts, connection.name.as_str(), server.issuer.as_str());
    let Some(known) = client::load(parts, name, issuer).await? else { return Ok(None) };
    match oauth::standing(&parts.http, &known, server.reach).await {
        Standing::Untold => Ok(Some(known)),
        // The old management token may be dead by now.
        Standing::Known(now) => client::save(parts, name, issuer, &now).await.map(|()| Some(*now)),
        Standing::Forgotten => client::refused(parts, name, issuer, &known.id).await.map(|_| None),
    }
}

/// Registers at the issuer and keeps the outcome.
pub(super) async fn register(
    app: &App,
    connection: &config::Connection,
    server: &Server,
    scopes: &[String],
    listener: Option<&Listener>,
) -> Result<oauth::Client, Error> {
    // Servers want one in any case; the first login with a browser registers where it really comes back.
    let unused = || format!("http://{}/callback", Loopback::default().text());
    let wish = oauth::Registration {
        client_name: "keyward".to_owned(),
        redirect_uris: vec![listener.map_or_else(unused, Listener::redirect_uri)],
        scopes: scopes.to_vec(),
    };
    let registered = oauth::register(&app.parts.http, server, &wish).await;
    let failed = |error| Error::Login { connection: connection.name.clone(), error: Arc::new(error) };
    let client = registered.map_err(failed)?;
    client::save(&app.parts, &connection.name, &server.issuer, &client).await?;
    Ok(client)
}

/// What a failed request of this login means. A client that was kept and is refused is forgotten, so that the next
/// login registers; one that this login registered is not replaced, or two programs could go on for ever.
pub(super) async fn failed(
    parts: &Parts,
    connection: &str,
    (issuer, client, origin): (&str, &oauth::Client, Origin),
    error: oauth::Error,
) -> Error {
    if error.refuses_client() && origin != Origin::Given {
        // A store that fails now leaves a client that the next login finds refused again.
        let forgotten = client::refused(parts, connection, issuer, &client.id).await;
        if origin == Origin::Kept && forgotten.is_ok() {
            return Error::ClientForgotten { connection: connection.to_owned(), issuer: issuer.to_owned() };
        }
    }
    Error::Login { connection: connection.to_owned(), error: Arc::new(error) }
}

fn ports_of(redirect_uris: &[String]) -> Vec<u16> {
    redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok()?.port()).collect()
}
