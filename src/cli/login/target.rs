//! Which connection a login is for: a name, an address that is known, or a new connection for an address.

use url::Url;

use super::Arguments;
use crate::app::{App, Error};
use crate::backends::{self, Backend};
use crate::config;

/// The connection that is meant: by name, by address, or a new one for an address.
pub(super) fn target(arguments: &Arguments, app: &App) -> Result<config::Connection, Error> {
    let text = &arguments.connection;
    if !text.contains("://") {
        let flag = [("--name", arguments.name.is_some()), ("--backend", arguments.backend.is_some())];
        if let Some((flag, _)) = flag.iter().find(|(_, is_given)| *is_given) {
            let why = format!("an address: `{flag}` is for a new connection");
            return Err(Error::Address { address: shown(text), why });
        }
        return app.connection(text).cloned();
    }
    let named = arguments.backend.as_deref().and_then(backends::named);
    let backend = named.or_else(|| backend_at(app, text)).unwrap_or(&backends::remote::BACKEND);
    let text = &tidied(backend, text);
    let url = config::address(text, "url").map_err(|error| match error {
        config::Error::Value { expected, .. } => Error::Address { address: shown(text), why: expected },
        other => Error::Config(other),
    })?;
    let known = |connection: &&config::Connection| {
        connection.backend.name == backend.name && connection.url.as_ref().is_some_and(|(known, _)| *known == url)
    };
    if arguments.name.is_none()
        && let Some(known) = app.config.connections.iter().find(known)
    {
        return Ok(known.clone());
    }
    let name = arguments.name.clone().unwrap_or_else(|| name_of(&url, app));
    match app.config.connection(&name) {
        // With all that is configured for it.
        Some(taken) if taken.configured && known(&taken) => return Ok(taken.clone()),
        Some(taken) if !known(&taken) => {
            let why = format!("given another `--name`: `{}` is a connection already", taken.name);
            return Err(Error::Address { address: shown(text), why });
        }
        _ => {}
    }
    let entry = config::written::Connection {
        backend: Some(backend.name.to_owned()),
        url: Some(url.to_string()),
        ..Default::default()
    };
    let mut connection = config::Connection::resolve(&name, Some(&entry)).map_err(Error::Config)?;
    connection.configured = false;
    Ok(connection)
}

/// What is at this address according to the configuration: the page that a person copies does not say it.
fn backend_at(app: &App, text: &str) -> Option<&'static Backend> {
    let mut own = app.config.connections.iter().filter(|connection| connection.backend.sign_in.is_some());
    let is_at = |connection: &config::Connection| {
        connection.url.as_ref().is_some_and(|(known, _)| known.as_str() == tidied(connection.backend, text))
    };
    own.find(|connection| is_at(connection)).map(|known| known.backend)
}

/// The address as the backend wants it configured: people copy that of the page that their browser shows.
fn tidied(backend: &Backend, text: &str) -> String {
    match (backend.sign_in, Url::parse(text)) {
        (Some(procedure), Ok(url)) => procedure.address(&url).to_string(),
        _ => text.to_owned(),
    }
}

/// An address without what may be secret in it.
fn shown(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let text = text.get(..end).unwrap_or_default();
    let user = text.find("://").and_then(|at| text.rfind('@').map(|end| (at + 3, end)));
    match user {
        Some((start, end)) if start < end => {
            let (head, tail) = (text.get(..start).unwrap_or_default(), text.get(end + 1..).unwrap_or_default());
            format!("{head}{tail}")
        }
        _ => text.to_owned(),
    }
}

/// A short name after the host: `https://mcp.notion.com/mcp` becomes `notion-com`.
fn name_of(url: &Url, app: &App) -> String {
    let host = url.host_str().unwrap_or("remote");
    let host = ["mcp.", "www.", "api."].iter().find_map(|prefix| host.strip_prefix(prefix)).unwrap_or(host);
    let mut name: String =
        host.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    if let Some(port) = url.port() {
        name = format!("{name}-{port}");
    }
    let name: String = name.trim_matches('-').chars().take(36).collect();
    let free = |name: &String| app.config.connection(name).is_none() && backends::named(name).is_none();
    if free(&name) {
        return name;
    }
    (2..100).map(|number| format!("{name}-{number}")).find(free).unwrap_or(name)
}
