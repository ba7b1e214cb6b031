//! Exactly what stands in the configuration file. What it means is the parent's business.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::store::Kind;
use super::{Audit, Error, Network, Serve, nearest};
use crate::http::{Loopback, Pin};

/// The file, key by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// `[connections.NAME]`
    pub connections: BTreeMap<String, Connection>,
    /// `[serve]`
    pub serve: Serve,
    /// `[login]`
    pub login: Login,
    /// `[store]`
    pub store: Option<Kind>,
    /// `[network]`
    pub network: Network,
    /// `[audit]`
    pub audit: Audit,
}

/// `[login]`: what every login uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// The address of a client id metadata document.
    pub client_document: Option<String>,
}

/// One `[connections.NAME]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// The kind; the connection's name if absent.
    pub backend: Option<String>,
    /// Where the service is.
    pub url: Option<String>,
    /// How the person signs in.
    pub way: Option<String>,
    /// Which toolsets are on.
    pub toolsets: Option<Vec<String>>,
    /// Patterns of the only tools and prompts that are offered.
    pub allow: Option<Vec<String>>,
    /// Patterns of those that are not.
    pub deny: Vec<String>,
    /// The folders of this machine that tools may use.
    pub folders: Option<Vec<String>>,
    /// What is preset for its calls, as `name=value`.
    pub defaults: Vec<String>,
    /// What goes with its requests, as `Name: value`.
    pub headers: Vec<String>,
    /// The names of headers whose values are in the store.
    pub secret_headers: Vec<String>,
    /// The issuer to use.
    pub issuer: Option<String>,
    /// What kind of provider issues the tokens.
    pub provider: Option<String>,
    /// The client id to use.
    pub client_id: Option<String>,
    /// How the client identifies itself.
    pub client_auth: Option<String>,
    /// The id of the client's key.
    pub client_key_id: Option<String>,
    /// To whom the client's assertions are addressed.
    pub client_audience: Option<String>,
    /// The address of a client id metadata document.
    pub client_document: Option<String>,
    /// Whether authorization requests are pushed.
    pub par: Option<bool>,
    /// The scopes to ask for.
    pub scopes: Vec<String>,
    /// The resource to ask for.
    pub resource: Option<String>,
    /// Whether the tokens are to be bound to a key.
    pub dpop: Option<bool>,
    /// Ports for the redirect.
    pub ports: Vec<u16>,
    /// The host of the redirect.
    pub redirect_host: Option<Loopback>,
    /// The one certificate that its host may show.
    pub certificate: Option<Pin>,
    /// Where its login is kept.
    pub store: Option<Kind>,
}

/// Keys of a connection, in the order in which they are shown.
pub const CONNECTION_KEYS: &[&str] = &[
    "backend",
    "url",
    "way",
    "toolsets",
    "allow",
    "deny",
    "folders",
    "defaults",
    "headers",
    "secret_headers",
    "issuer",
    "provider",
    "client_id",
    "client_auth",
    "client_key_id",
    "client_audience",
    "client_document",
    "par",
    "scopes",
    "resource",
    "ports",
    "redirect_host",
    "dpop",
    "certificate",
    "store",
];
/// Keys of `[serve]`.
pub const SERVE_KEYS: &[&str] = &["read_only", "disable"];
/// Keys of `[login]`.
pub const LOGIN_KEYS: &[&str] = &["client_document"];
/// Keys of `[store]`.
pub const STORE_KEYS: &[&str] = &["kind"];
/// Keys of `[network]`.
pub const NETWORK_KEYS: &[&str] = &["ca_file"];
/// Keys of `[audit]`.
pub const AUDIT_KEYS: &[&str] = &["enabled"];
/// Tables at the top.
pub const TABLES: &[&str] = &["connections", "serve", "login", "store", "network", "audit"];

impl Written {
    /// Reads the file; a missing one says nothing.
    pub fn load(path: &Path) -> Result<Self, Error> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                if is_anybodys(path) {
                    log::warn!("`{}` can be changed by other users, who decide then where tokens go", path.display());
                }
                Self::parse(&text, path)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::File { path: path.to_path_buf(), why: error.kind().to_string() }),
        }
    }

    /// Reads the text of a file.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| Error::Syntax {
            path: path.to_path_buf(),
            line: error.span().map_or(1, |span| text.bytes().take(span.start).filter(|b| *b == b'\n').count() + 1),
            why: error.message().lines().collect::<Vec<_>>().join(", "),
        })?;
        let mut written = Self::default();
        for (key, item) in document.iter() {
            match key {
                "connections" => {
                    for (name, item) in table(item, key)?.iter() {
                        let key = format!("connections.{name}");
                        written.connections.insert(name.to_owned(), connection(table(item, &key)?, &key)?);
                    }
                }
                "serve" => written.serve = serve(table(item, key)?)?,
                "login" => written.login = login(table(item, key)?)?,
                "store" => written.store = store(table(item, key)?)?,
                "network" => written.network = network(table(item, key)?)?,
                "audit" => written.audit = audit(table(item, key)?)?,
                other => return Err(unknown("", other, TABLES)),
            }
        }
        Ok(written)
    }
}

/// Whether somebody else than this user and the system decides what stands in the file.
#[cfg(unix)]
fn is_anybodys(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let own = rustix::process::geteuid().as_raw();
    std::fs::metadata(path).is_ok_and(|found| ![own, 0].contains(&found.uid()) || found.mode() & 0o002 != 0)
}

/// The user's folder is closed to others.
#[cfg(not(unix))]
fn is_anybodys(_: &Path) -> bool {
    false
}

fn connection(table: &dyn TableLike, path: &str) -> Result<Connection, Error> {
    let mut written = Connection::default();
    for (key, item) in table.iter() {
        let whole = format!("{path}.{key}");
        match key {
            "backend" => written.backend = Some(text(item, &whole)?),
            "url" => written.url = Some(text(item, &whole)?),
            "way" => written.way = Some(text(item, &whole)?),
            "toolsets" => written.toolsets = Some(texts(item, &whole)?),
            "allow" => written.allow = Some(texts(item, &whole)?),
            "deny" => written.deny = texts(item, &whole)?,
            "folders" => written.folders = Some(texts(item, &whole)?),
            "defaults" => written.defaults = texts(item, &whole)?,
            "headers" => written.headers = texts(item, &whole)?,
            "secret_headers" => written.secret_headers = texts(item, &whole)?,
            "issuer" => written.issuer = Some(text(item, &whole)?),
            "provider" => written.provider = Some(text(item, &whole)?),
            "client_id" => written.client_id = Some(text(item, &whole)?),
            "client_auth" => written.client_auth = Some(text(item, &whole)?),
            "client_key_id" => written.client_key_id = Some(text(item, &whole)?),
            "client_audience" => written.client_audience = Some(text(item, &whole)?),
            "client_document" => written.client_document = Some(text(item, &whole)?),
            "par" => written.par = Some(flag(item, &whole)?),
            "scopes" => written.scopes = texts(item, &whole)?,
            "resource" => written.resource = Some(text(item, &whole)?),
            "ports" => written.ports = ports(item, &whole)?,
            "redirect_host" => {
                let host = text(item, &whole)?.parse();
                written.redirect_host = Some(host.map_err(|_| value(&whole, "`127.0.0.1`, `localhost` or `[::1]`"))?);
            }
            "certificate" => {
                let pin = text(item, &whole)?.parse();
                written.certificate = Some(pin.map_err(|_| value(&whole, "`sha256:` and 64 hexadecimal digits"))?);
            }
            "store" => written.store = Some(kind(item, &whole)?),
            "dpop" => written.dpop = Some(flag(item, &whole)?),
            other => return Err(unknown(path, other, CONNECTION_KEYS)),
        }
    }
    Ok(written)
}

fn login(table: &dyn TableLike) -> Result<Login, Error> {
    let mut written = Login::default();
    for (key, item) in table.iter() {
        match key {
            "client_document" => written.client_document = Some(text(item, "login.client_document")?),
            other => return Err(unknown("login", other, LOGIN_KEYS)),
        }
    }
    Ok(written)
}

fn serve(table: &dyn TableLike) -> Result<Serve, Error> {
    let mut written = Serve::default();
    for (key, item) in table.iter() {
        let whole = format!("serve.{key}");
        match key {
            "read_only" => written.read_only = flag(item, &whole)?,
            "disable" => written.disable = texts(item, &whole)?,
            other => return Err(unknown("serve", other, SERVE_KEYS)),
        }
    }
    Ok(written)
}

fn store(table: &dyn TableLike) -> Result<Option<Kind>, Error> {
    let mut written = None;
    for (key, item) in table.iter() {
        match key {
            "kind" => written = Some(kind(item, &format!("store.{key}"))?),
            other => return Err(unknown("store", other, STORE_KEYS)),
        }
    }
    Ok(written)
}

fn network(table: &dyn TableLike) -> Result<Network, Error> {
    let mut written = Network::default();
    for (key, item) in table.iter() {
        let whole = format!("network.{key}");
        match key {
            "ca_file" => {
                let path = PathBuf::from(text(item, &whole)?);
                // A host starts `serve` in a folder of its own choice.
                if !path.is_absolute() {
                    return Err(value(&whole, "the whole path of a file, from the root on"));
                }
                written.ca_file = Some(path);
            }
            other => return Err(unknown("network", other, NETWORK_KEYS)),
        }
    }
    Ok(written)
}

fn kind(item: &Item, key: &str) -> Result<Kind, Error> {
    item.as_str().and_then(Kind::of_word).ok_or_else(|| value(key, &Kind::expected()))
}

fn audit(table: &dyn TableLike) -> Result<Audit, Error> {
    let mut written = Audit::default();
    for (key, item) in table.iter() {
        let whole = format!("audit.{key}");
        match key {
            "enabled" => written.enabled = Some(flag(item, &whole)?),
            other => return Err(unknown("audit", other, AUDIT_KEYS)),
        }
    }
    Ok(written)
}

fn table<'a>(item: &'a Item, key: &str) -> Result<&'a dyn TableLike, Error> {
    item.as_table_like().ok_or_else(|| value(key, "a table"))
}

fn flag(item: &Item, key: &str) -> Result<bool, Error> {
    item.as_bool().ok_or_else(|| value(key, "`true` or `false`"))
}

fn text(item: &Item, key: &str) -> Result<String, Error> {
    match item.as_str() {
        Some(text) if !text.is_empty() && !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => Err(value(key, "a text in quotes")),
    }
}

fn texts(item: &Item, key: &str) -> Result<Vec<String>, Error> {
    let wrong = || value(key, "a list of texts, such as `[\"one\", \"two\"]`");
    let list = item.as_array().ok_or_else(wrong)?;
    list.iter().map(|entry| entry.as_str().map(String::from).ok_or_else(wrong)).collect()
}

fn ports(item: &Item, key: &str) -> Result<Vec<u16>, Error> {
    let wrong = || value(key, "a list of port numbers, such as `[8080, 8081]`");
    let one = |entry: &Value| entry.as_integer().and_then(|n| u16::try_from(n).ok()).filter(|port| *port > 0);
    let list = item.as_array().ok_or_else(wrong)?;
    list.iter().map(|entry| one(entry).ok_or_else(wrong)).collect()
}

fn value(key: &str, expected: &str) -> Error {
    Error::Value { key: key.to_owned(), expected: expected.to_owned() }
}

fn unknown(path: &str, key: &str, known: &[&str]) -> Error {
    let whole = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    Error::UnknownKey { key: whole(key), nearest: nearest::of(key, known.iter().copied()).map(whole) }
}
