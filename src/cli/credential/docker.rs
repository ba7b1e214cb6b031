//! Docker's credential helper protocol (docker-credential-helpers): an operation as the argument, an address or JSON on
//! standard input, JSON or a sentence on standard output, and an exit code other than 0 for a failure.
//!
//! The token is handed out as an identity token (the user `<token>`), which is how Docker knows that it is not a password.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Console, DOCKER, Outcome, bearer, input};
use crate::app::status::{self, Login};
use crate::app::{App, token};
use crate::backends::Way;
use crate::config;
use crate::report::{Exit, Report};
use crate::secret::Secret;

/// The words by which Docker recognises that there is nothing, and goes on without.
const NOTHING: &str = "credentials not found in native keychain";
const USER: &str = "<token>";

/// Answer Docker as its credential helper
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: `ln -s \"$(command -v keyward)\" ~/.local/bin/docker-credential-keyward`, then in \
    Docker's `config.json`: `\"credHelpers\": {\"registry.example.com\": \"keyward\"}`. Docker adds the operation.")]
pub(super) struct Arguments {
    /// What Docker wants
    operation: Operation,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Operation {
    /// The credential of the address on standard input
    Get,
    /// Every address that has one
    List,
    /// Refused, unless it is what `get` gave: keyward keeps no passwords
    Store,
    /// Refused: `keyward logout` ends a login
    Erase,
    /// The version
    Version,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Credential<T> {
    #[serde(rename = "ServerURL")]
    server: String,
    username: String,
    secret: T,
}

/// Docker shows what a helper says on standard output and nothing else of it, so failures go there, too.
pub(super) async fn run(arguments: Arguments, console: &Console, app: &App) -> Outcome {
    let outcome = match arguments.operation {
        Operation::Get => get(console, app).await,
        Operation::List => list(console, app).await,
        Operation::Store => store(app).await,
        Operation::Erase => erase(app).await,
        Operation::Version => {
            console.print(&format!("{DOCKER} (keyward) v{}", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
    };
    match outcome {
        Ok(()) => Ok(Exit::Done),
        Err(report) => {
            console.print(&line(&report));
            Ok(report.exit)
        }
    }
}

async fn get(console: &Console, app: &App) -> Result<(), Report> {
    let server = input(app).await?.trim().to_owned();
    let connection = find(app, &server)?;
    let token = bearer(app, connection).await?;
    let (username, secret) = (USER.to_owned(), token.token.expose());
    console.print_json(&Credential { server, username, secret });
    Ok(())
}

async fn list(console: &Console, app: &App) -> Result<(), Report> {
    let mut found = BTreeMap::new();
    for connection in &app.config.connections {
        if app.way(connection) == Way::None {
            continue;
        }
        let status = status::of(app, connection).await;
        let is_usable = matches!(status.login, Login::SignedIn | Login::Renewable | Login::Environment { .. });
        if let Some(url) = connection.endpoint(status.way).filter(|_| is_usable) {
            found.insert(url.origin().ascii_serialization(), USER);
        }
    }
    console.print_json(&found);
    Ok(())
}

/// Docker stores what it has just used, also if it came from here; that is kept already. What somebody typed is not.
async fn store(app: &App) -> Result<(), Report> {
    let given: Credential<Secret> = serde_json::from_str(&input(app).await?).map_err(|_| {
        Report::new(Exit::Usage, "input", "Docker's request cannot be read").cause("it is not a credential in JSON")
    })?;
    let connection = find(app, &given.server)?;
    let token = token::run(app, connection, 0).await.map_err(|error| Report::from(&error))?;
    if token.token.equals(&given.secret) {
        return Ok(());
    }
    Err(Report::new(Exit::Usage, "not_stored", "keyward keeps no passwords for Docker")
        .hint(format!("`keyward login {}` signs in", connection.name)))
}

async fn erase(app: &App) -> Result<(), Report> {
    let connection = find(app, input(app).await?.trim())?;
    Err(Report::new(Exit::Usage, "not_erased", format!("other programs use the login of `{}`, too", connection.name))
        .hint(format!("`keyward logout {}` ends it", connection.name)))
}

/// The one connection at this address: `https://host:port/path` or `host:port`, as Docker has it.
fn find<'a>(app: &'a App, server: &str) -> Result<&'a config::Connection, Report> {
    let nothing = || Report::new(Exit::Unexpected, "not_found", NOTHING);
    let addresses: Vec<Url> = match server.contains("://") {
        true => Url::parse(server).ok().into_iter().collect(),
        // Without a scheme it is https, or a registry on this machine.
        false => {
            ["https", "http"].iter().filter_map(|scheme| Url::parse(&format!("{scheme}://{server}")).ok()).collect()
        }
    };
    let is_plain = |address: &&Url| address.username().is_empty() && address.password().is_none();
    let mut found: Vec<&config::Connection> =
        addresses.iter().filter(is_plain).flat_map(|address| app.at_origin(address)).collect();
    found.retain(|connection| app.way(connection) != Way::None);
    found.dedup_by_key(|connection| &connection.name);
    match found.as_slice() {
        [] => Err(nothing()),
        [one] => Ok(one),
        several => {
            let names: Vec<String> = several.iter().map(|connection| format!("`{}`", connection.name)).collect();
            Err(Report::new(Exit::Configuration, "ambiguous", "several connections are at this address")
                .cause(format!("{} are, and Docker cannot say which one it means", names.join(" and "))))
        }
    }
}

/// Docker shows one line.
fn line(report: &Report) -> String {
    if report.message == NOTHING {
        return NOTHING.to_owned();
    }
    let parts = std::iter::once(&report.message).chain(&report.causes).chain(&report.hints);
    format!("keyward: {}", parts.map(String::as_str).collect::<Vec<_>>().join("; "))
}
