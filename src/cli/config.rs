//! `keyward config`.

use std::path::Path;

use serde::Serialize;

use super::table::Table;
use super::{Console, Outcome};
use crate::app::{self, App, Error};
use crate::backends;
use crate::config::edit::Change;
use crate::config::written::{TABLES, Written};
use crate::config::{self, Config, Source, nearest};
use crate::http::Loopback;
use crate::machine::Machine;
use crate::report::{Exit, Report};

/// Show or change the configuration
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: `keyward config set connections.notion.url https://mcp.example.com/mcp`")]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print which file is used
    #[command(after_help = "Example: `keyward config path`")]
    Path,
    /// Print what the configuration means, and where each value came from
    #[command(after_help = "Example: `keyward config show --json`")]
    Show,
    #[command(after_help = "Example: `keyward config set connections.tavily.deny tavily_extract`")]
    /// Set a key: `connections.NAME.KEY`, `serve.KEY`, `login.KEY`, `network.KEY` or `audit.KEY`
    Set {
        /// The key with its tables
        key: String,
        /// The value; several texts or ports are separated by commas, texts with a comma come as `["a, b", "c"]`
        value: String,
    },
    #[command(after_help = "Example: `keyward config unset connections.tavily.deny`")]
    /// Remove a key, or a whole connection with `connections.NAME`
    Unset {
        /// The key with its tables
        key: String,
    },
}

impl Arguments {
    /// Whether the command must work although the file cannot be used: it says where it is, or mends it.
    pub(super) fn works_on_a_broken_file(&self) -> bool {
        !matches!(self.what, What::Show)
    }
}

#[derive(Serialize)]
struct ShownChange {
    schema_version: u32,
    changed: bool,
}

#[derive(Serialize)]
struct ShownPath<'a> {
    schema_version: u32,
    path: &'a str,
}

/// Runs what works without a usable configuration.
pub(super) async fn mend(arguments: Arguments, console: &Console, machine: &Machine, file: Option<&Path>) -> Outcome {
    let path = Config::path(file, &machine.environment, machine.folders.as_ref());
    let path = path.ok_or_else(|| Report::from(&Error::Config(config::Error::NoFolder)))?;
    let change = match &arguments.what {
        What::Path | What::Show => {
            print_path(console, &path);
            return Ok(Exit::Done);
        }
        What::Set { key, value } => Change::of_words(key, Some(value)),
        What::Unset { key } => Change::of_words(key, None),
    };
    let change = change.map_err(|error| Report::from(&Error::Config(error)))?;
    known(&change, &path).map_err(|error| Report::from(&error))?;
    let changes = with_backend(change, &path);
    let changed = app::edit_config(&path, machine, &changes).await.map_err(|error| Report::from(&error))?;
    if console.json {
        console.print_json(&ShownChange { schema_version: 1, changed });
    } else {
        console.say(if changed { "Changed." } else { "Nothing to change." });
    }
    Ok(Exit::Done)
}

/// Refuses a connection that is neither in the file nor made by this change, and the removal of a key that nobody knows
/// and that is not there: both are slips, and something else was meant.
fn known(change: &Change, path: &Path) -> Result<(), Error> {
    // A file that cannot be read as a whole is mended without this.
    let Ok(written) = Written::load(path) else { return Ok(()) };
    match change.key.as_slice() {
        [table, name, rest @ ..] if table == "connections" => {
            let is_made = change.value.is_some() && rest.iter().any(|key| key == "url" || key == "backend");
            let is_there = written.connections.contains_key(name);
            if is_there || is_made || (change.value.is_some() && backends::named(name).is_some()) {
                return Ok(());
            }
            let names = written.connections.keys().map(String::as_str);
            let names: Vec<&str> = names.chain(backends::ALL.iter().map(|backend| backend.name)).collect();
            if change.value.is_none() && names.contains(&name.as_str()) {
                return Ok(());
            }
            let nearest = nearest::of(name, names).map(String::from);
            Err(Error::UnknownConnection { name: name.clone(), nearest })
        }
        key if change.value.is_none() => match Change::of_words(&key.join("."), Some("")) {
            Err(error @ config::Error::UnknownKey { .. }) if !TABLES.contains(&key.join(".").as_str()) => {
                Err(Error::Config(error))
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// A new connection that is given an address, and whose name is no backend's, is a remote server.
fn with_backend(change: Change, path: &Path) -> Vec<Change> {
    let [table, name, key] = change.key.as_slice() else { return vec![change] };
    let is_known = backends::named(name).is_some()
        || Written::load(path).is_ok_and(|written| written.connections.contains_key(name));
    if table != "connections" || key != "url" || change.value.is_none() || is_known {
        return vec![change];
    }
    vec![Change::connection(name, "backend", backends::remote::BACKEND.name), change]
}

fn print_path(console: &Console, path: &Path) {
    let text = path.display().to_string();
    if console.json {
        console.print_json(&ShownPath { schema_version: 1, path: &text });
    } else {
        console.print(&text);
    }
}

pub(super) fn run(console: &Console, app: &App) -> Outcome {
    show(console, &app.config);
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Shown<'a> {
    schema_version: u32,
    connections: Vec<One<'a>>,
    serve: Serve<'a>,
    login: Login<'a>,
    store: Store<'a>,
    network: Network,
    audit: Audit,
}

#[derive(Serialize)]
struct Login<'a> {
    client_document: Option<&'a str>,
}

#[derive(Serialize)]
struct Network {
    ca_file: Option<String>,
}

#[derive(Serialize)]
struct Audit {
    enabled: bool,
}

#[derive(Serialize)]
struct One<'a> {
    connection: &'a str,
    backend: &'a str,
    url: Option<String>,
    url_from: Option<&'a str>,
    way: &'a str,
    way_from: &'a str,
    toolsets: &'a [&'static str],
    toolsets_from: &'a str,
    allow: Option<&'a [String]>,
    deny: &'a [String],
    folders: Vec<String>,
    defaults: &'a serde_json::Map<String, serde_json::Value>,
    headers: Vec<String>,
    secret_headers: Vec<&'a str>,
    issuer: Option<&'a str>,
    provider: Option<&'a str>,
    client_id: Option<&'a str>,
    client_auth: Option<&'a str>,
    client_key_id: Option<&'a str>,
    client_audience: Option<&'a str>,
    client_document: Option<&'a str>,
    par: bool,
    scopes: &'a [String],
    resource: Option<String>,
    ports: &'a [u16],
    dpop: bool,
    redirect_host: Option<&'a str>,
    certificate: Option<String>,
    store: &'a str,
    store_from: &'a str,
}

#[derive(Serialize)]
struct Store<'a> {
    kind: &'a str,
    kind_from: &'a str,
}

#[derive(Serialize)]
struct Serve<'a> {
    read_only: bool,
    disable: &'a [String],
}

fn show(console: &Console, config: &Config) {
    if console.json {
        console.print_json(&Shown {
            schema_version: 1,
            connections: config.connections.iter().map(|connection| one(config, connection)).collect(),
            serve: Serve { read_only: config.serve.read_only, disable: &config.serve.disable },
            login: Login { client_document: config.client_document.as_deref() },
            store: Store { kind: config.store.0.word(), kind_from: config.store.1.word() },
            network: Network { ca_file: config.network.ca_file.as_ref().map(|path| path.display().to_string()) },
            audit: Audit { enabled: config.audit.is_enabled() },
        });
        return;
    }
    let mut table = Table::new(["KEY", "FROM", "VALUE"]);
    for connection in &config.connections {
        for (key, from, value) in rows(connection) {
            table.row([format!("connections.{}.{key}", connection.name), from.word().to_owned(), value]);
        }
    }
    let serve = &config.serve;
    let from = |said: bool| if said { Source::File } else { Source::Preset }.word().to_owned();
    table.row(["serve.read_only".into(), from(serve.read_only), serve.read_only.to_string()]);
    table.row(["serve.disable".into(), from(!serve.disable.is_empty()), serve.disable.join(",")]);
    if let Some(document) = &config.client_document {
        table.row(["login.client_document".into(), from(true), document.clone()]);
    }
    table.row(["store.kind".into(), config.store.1.word().to_owned(), config.store.0.word().to_owned()]);
    if let Some(path) = &config.network.ca_file {
        table.row(["network.ca_file".into(), from(true), path.display().to_string()]);
    }
    let audit = &config.audit;
    table.row(["audit.enabled".into(), from(audit.enabled.is_some()), audit.is_enabled().to_string()]);
    console.print(&table.text(console.width));
}

fn rows(connection: &config::Connection) -> Vec<(&'static str, Source, String)> {
    let file = Source::File;
    let from = if connection.configured { Source::File } else { Source::Preset };
    let mut rows = vec![("backend", from, connection.backend.name.to_owned())];
    if let Some((url, source)) = &connection.url {
        rows.push(("url", *source, url.to_string()));
    }
    rows.push(("way", connection.way.1, connection.way.0.word().to_owned()));
    if !connection.backend.toolsets.is_empty() {
        rows.push(("toolsets", connection.toolsets.1, connection.toolsets.0.join(",")));
    }
    rows.extend(connection.patterns.allow.iter().map(|allow| ("allow", file, allow.join(","))));
    if !connection.patterns.deny.is_empty() {
        rows.push(("deny", file, connection.patterns.deny.join(",")));
    }
    if !connection.folders.is_empty() {
        rows.push(("folders", file, shown(&connection.folders).join(",")));
    }
    if !connection.defaults.is_empty() {
        let one = |(name, value): (&String, &serde_json::Value)| {
            format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        rows.push(("defaults", file, connection.defaults.iter().map(one).collect::<Vec<_>>().join(",")));
    }
    if !connection.headers.plain.is_empty() {
        rows.push(("headers", file, plain(connection).collect::<Vec<_>>().join(",")));
    }
    if !connection.headers.secret.is_empty() {
        rows.push(("secret_headers", file, secret(connection).join(",")));
    }
    let known = connection.url.as_ref().and_then(|(url, _)| (connection.backend.issuer)(url));
    let said_by = if connection.issuer.as_deref() == known { Source::Preset } else { file };
    rows.extend(connection.issuer.iter().map(|issuer| ("issuer", said_by, issuer.clone())));
    rows.extend(connection.provider.iter().map(|provider| ("provider", file, provider.name.to_owned())));
    let client = &connection.client;
    for (key, value) in [
        ("client_id", &connection.client_id),
        ("client_auth", &client.method),
        ("client_key_id", &client.key_id),
        ("client_audience", &client.audience),
        ("client_document", &client.document),
    ] {
        rows.extend(value.iter().map(|value| (key, file, value.clone())));
    }
    if connection.par {
        rows.push(("par", file, "true".to_owned()));
    }
    rows.extend(connection.resource.iter().map(|url| ("resource", file, url.to_string())));
    if !connection.scopes.is_empty() {
        rows.push(("scopes", file, connection.scopes.join(",")));
    }
    if !connection.ports.is_empty() {
        rows.push(("ports", file, connection.ports.iter().map(u16::to_string).collect::<Vec<_>>().join(",")));
    }
    if connection.dpop {
        rows.push(("dpop", file, true.to_string()));
    }
    rows.extend(connection.redirect_host.iter().map(|host| ("redirect_host", file, host.to_string())));
    rows.extend(connection.certificate.iter().map(|pin| ("certificate", file, pin.to_string())));
    rows.extend(connection.store.iter().map(|kind| ("store", file, kind.word().to_owned())));
    rows
}

fn one<'a>(config: &Config, connection: &'a config::Connection) -> One<'a> {
    let (store, store_from) = config.store_of(connection);
    One {
        store: store.word(),
        store_from: store_from.word(),
        connection: &connection.name,
        backend: connection.backend.name,
        url: connection.url.as_ref().map(|(url, _)| url.to_string()),
        url_from: connection.url.as_ref().map(|(_, source)| source.word()),
        way: connection.way.0.word(),
        way_from: connection.way.1.word(),
        toolsets: &connection.toolsets.0,
        toolsets_from: connection.toolsets.1.word(),
        allow: connection.patterns.allow.as_deref(),
        deny: &connection.patterns.deny,
        folders: shown(&connection.folders),
        defaults: &connection.defaults,
        headers: plain(connection).collect(),
        secret_headers: secret(connection),
        issuer: connection.issuer.as_deref(),
        provider: connection.provider.map(|provider| provider.name),
        client_id: connection.client_id.as_deref(),
        client_auth: connection.client.method.as_deref(),
        client_key_id: connection.client.key_id.as_deref(),
        client_audience: connection.client.audience.as_deref(),
        client_document: connection.client.document.as_deref(),
        par: connection.par,
        scopes: &connection.scopes,
        resource: connection.resource.as_ref().map(ToString::to_string),
        ports: &connection.ports,
        dpop: connection.dpop,
        redirect_host: connection.redirect_host.map(Loopback::text),
        certificate: connection.certificate.map(|pin| pin.to_string()),
    }
}

/// The headers as they stand in the file.
fn plain(connection: &config::Connection) -> impl Iterator<Item = String> {
    connection.headers.plain.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default()))
}

fn secret(connection: &config::Connection) -> Vec<&str> {
    connection.headers.secret.iter().map(|name| name.as_str()).collect()
}

fn shown(folders: &[std::path::PathBuf]) -> Vec<String> {
    folders.iter().map(|folder| folder.display().to_string()).collect()
}
