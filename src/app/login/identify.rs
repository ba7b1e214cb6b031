//! Who we are at an issuer, and the port on which its answer may arrive.

use std::sync::Arc;

use url::Url;

use crate::app::{App, Error, client};
use crate::config;
use crate::oauth::{self, Listener, Server};

/// Decides who we are at this issuer, and binds the listener on a port that this identity may use.
pub(super) async fn identify(
    app: &App,
    connection: &config::Connection,
    server: &Server,
    scopes: &[String],
) -> Result<(oauth::Client, Listener), Error> {
    let failed = |error| Error::Login { connection: connection.name.clone(), error: Arc::new(error) };
    if let Some(id) = &connection.client_id {
        let listener = Listener::bind(&connection.ports).await.map_err(failed)?;
        return Ok((oauth::Client::public(id), listener));
    }
    let known = client::load(&app.parts, &connection.name, &server.issuer).await?;
    if let Some(known) = known {
        // Not every provider ignores the port of a loopback redirect, so the one that was registered comes first.
        let ports = if connection.ports.is_empty() { ports_of(&known.redirect_uris) } else { connection.ports.clone() };
        if let Ok(listener) = Listener::bind(&ports).await
            && known.redirect_uris.contains(&listener.redirect_uri())
        {
            return Ok((known, listener));
        }
    }
    let listener = Listener::bind(&connection.ports).await.map_err(failed)?;
    let wish = oauth::Registration {
        client_name: "keyward".to_owned(),
        redirect_uris: vec![listener.redirect_uri()],
        scopes: scopes.to_vec(),
    };
    let client = oauth::register(&app.parts.http, server, &wish).await.map_err(failed)?;
    client::save(&app.parts, &connection.name, &server.issuer, &client).await?;
    Ok((client, listener))
}

fn ports_of(redirect_uris: &[String]) -> Vec<u16> {
    redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok()?.port()).collect()
}
