//! What the configuration says: [`written`] is exactly what stands in the file, this file is what it means.
//!
//! The file is TOML, never holds a secret and is optional: `tavily` works without it. Unknown keys are refused with the
//! nearest known one, because a misspelt key that is silently ignored is a setting the person believes in.

use std::path::{Path, PathBuf};

use serde_json::Map;
use url::Url;

use crate::backends::{self, Backend, Way};
use crate::http::{Loopback, Pin};
use crate::machine::{Environment, Folders};
use crate::providers::{self, Provider};

pub mod client;
mod defaults;
pub mod edit;
pub mod folders;
pub mod headers;
pub mod nearest;
pub mod patterns;
pub mod store;
pub mod toolsets;
pub mod written;

use written::Written;

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything: the built-in value.
    Preset,
    /// The configuration file.
    File,
    /// An environment variable.
    Environment,
}

impl Source {
    /// The word for it in `config show`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Preset => "preset",
            Self::File => "file",
            Self::Environment => "environment",
        }
    }
}

/// The meaning of the whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file, whether it exists or not; `None` if the platform names no folder and nobody else did.
    pub path: Option<PathBuf>,
    /// Every connection, configured or preset, by name.
    pub connections: Vec<Connection>,
    /// Those of backends that somebody may sign in to and nobody has, by name.
    presets: Vec<Connection>,
    /// What `serve` offers.
    pub serve: Serve,
    /// The address of a client id metadata document, for connections that name none.
    pub client_document: Option<String>,
    /// The store of connections whose entry names none, and who said so.
    pub store: (store::Kind, Source),
    /// The same without the environment: what the next command finds.
    pub recorded_store: store::Kind,
    /// How the network is used.
    pub network: Network,
    /// Whether an audit log is kept.
    pub audit: Audit,
}

/// How the network is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// A file with certificates that are trusted besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// The audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Whether it is written; `None` if the file does not say.
    pub enabled: Option<bool>,
}

impl Audit {
    /// Whether it is written: yes, unless the file says no.
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }
}

/// What `serve` offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Serve {
    /// Only tools that change nothing.
    pub read_only: bool,
    /// Names of tools and prompts that are not offered; `*` stands for any text.
    pub disable: Vec<String>,
}

/// A named, configured backend.
#[derive(Clone)]
pub struct Connection {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub backend: &'static Backend,
    /// Whether the file has an entry for it.
    pub configured: bool,
    /// Where the service is, and who said so; `None` if nobody did.
    pub url: Option<(Url, Source)>,
    /// How the person signs in, and who said so.
    pub way: (Way, Source),
    /// The toolsets that are on, and who said so.
    pub toolsets: (Vec<&'static str>, Source),
    /// Which of its tools and prompts are offered.
    pub patterns: patterns::Patterns,
    /// The folders of this machine that its tools may use; none if the file names none.
    pub folders: Vec<PathBuf>,
    /// What is preset for its calls.
    pub defaults: Map<String, serde_json::Value>,
    /// What goes with every request to its service.
    pub headers: headers::Headers,
    /// The issuer to use instead of the one the service names.
    pub issuer: Option<String>,
    /// The provider whose particularities count, whatever the issuer looks like.
    pub provider: Option<&'static Provider>,
    /// The client id registered by an administrator.
    pub client_id: Option<String>,
    /// How the client identifies itself, and what stands for an id where there is none.
    pub client: client::Client,
    /// Whether authorization requests are pushed although the server does not insist.
    pub par: bool,
    /// The scopes to ask for instead of those the service names.
    pub scopes: Vec<String>,
    /// The resource to ask a token for, where it is not `url`.
    pub resource: Option<Url>,
    /// Whether the tokens are bound to a key also where the service does not insist (RFC 9449).
    pub dpop: bool,
    /// Ports the provider knows for the loopback redirect; empty for any.
    pub ports: Vec<u16>,
    /// The host of the loopback redirect; `None` leaves it to the provider.
    pub redirect_host: Option<Loopback>,
    /// The one certificate that its host may show, whoever signed it.
    pub certificate: Option<Pin>,
    /// The store that its login chose.
    pub store: Option<store::Kind>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.backend.name, self.way.0.word())
    }
}

/// Why there is no configuration to work with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file exists and cannot be read or written.
    #[error("`{}`: {why}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        why: String,
    },
    /// The file is not TOML.
    #[error("`{}` line {line}: {why}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the parser expected.
        why: String,
    },
    /// A key that nobody knows.
    #[error("unknown key `{key}`")]
    UnknownKey {
        /// The whole key, with its tables.
        key: String,
        /// The known key that looks most like it.
        nearest: Option<String>,
    },
    /// A known key with a value it cannot have.
    #[error("`{key}` must be {expected}")]
    Value {
        /// The whole key, with its tables.
        key: String,
        /// What it may be.
        expected: String,
    },
    /// A header that is not for a file: its value, or what its name says of it, seems to be a secret.
    #[error("`{header}` in `connections.{connection}.headers` seems to be a secret")]
    SecretHeader {
        /// Whose header it is.
        connection: String,
        /// Its name.
        header: String,
    },
    /// Nobody knows where the file should be.
    #[error("there is no folder for the configuration")]
    NoFolder,
}

impl Config {
    /// Reads the file if there is one, and says what it means.
    pub fn load(file: Option<&Path>, environment: &Environment, folders: Option<&Folders>) -> Result<Self, Error> {
        let path = Self::path(file, environment, folders);
        let written = match &path {
            Some(path) => Written::load(path)?,
            None => Written::default(),
        };
        let private = folders::Private::of(environment, folders, path.as_deref());
        let config = Self::of(path, written, environment)?;
        config.connections.iter().try_for_each(|connection| private.check(&connection.name, &connection.folders))?;
        Ok(config)
    }

    /// What is meant if neither the file nor the environment says anything.
    pub fn preset(path: Option<PathBuf>) -> Self {
        let nothing = Self {
            path: None,
            connections: Vec::new(),
            presets: Vec::new(),
            serve: Serve::default(),
            client_document: None,
            store: (store::Kind::Keychain, Source::Preset),
            recorded_store: store::Kind::Keychain,
            network: Network::default(),
            audit: Audit::default(),
        };
        Self { path, ..Self::of(None, Written::default(), &Environment::default()).unwrap_or(nothing) }
    }

    fn of(path: Option<PathBuf>, written: Written, environment: &Environment) -> Result<Self, Error> {
        let mut connections = Vec::new();
        client::document(written.login.client_document.as_deref(), "login.client_document")?;
        for (name, entry) in &written.connections {
            connections.push(Connection::resolve(name, Some(entry))?);
        }
        let mut presets = Vec::new();
        for backend in backends::ALL {
            // A backend without an address of its own has no connection until somebody configures one.
            if backend.url.is_some() && !written.connections.contains_key(backend.name) {
                let preset = Connection::resolve(backend.name, None)?;
                // The tools of a service that the person does not use would only be in the way.
                let in_use = preset.way.0 == Way::None || environment.text(&preset.token_variable()).is_some();
                if in_use { connections.push(preset) } else { presets.push(preset) }
            }
        }
        for (index, one) in connections.iter().enumerate() {
            // A token in the environment is for one service; two names that share a variable would share the token.
            let other = connections.iter().skip(index + 1).find(|other| other.token_variable() == one.token_variable());
            if let Some(other) = other {
                let expected = format!("a name that differs from `{}` in more than `-` and `_`", one.name);
                return Err(Error::Value { key: format!("connections.{}", other.name), expected });
            }
        }
        connections.sort_by(|one, other| one.name.cmp(&other.name));
        let store = store::default(written.store, environment)?;
        let recorded_store = written.store.unwrap_or(store::Kind::Keychain);
        Ok(Self {
            path,
            connections,
            presets,
            serve: written.serve,
            client_document: written.login.client_document,
            store,
            recorded_store,
            network: written.network,
            audit: written.audit,
        })
    }

    /// Which file is used: the given one, the one that `KEYWARD_CONFIG` names, or the one in the user's folder.
    pub fn path(file: Option<&Path>, environment: &Environment, folders: Option<&Folders>) -> Option<PathBuf> {
        file.map(Path::to_path_buf)
            .or_else(|| environment.path("KEYWARD_CONFIG"))
            .or_else(|| folders.map(|folders| folders.config.join("config.toml")))
    }

    /// The connection of that name, also one that nobody has signed in to yet.
    pub fn connection(&self, name: &str) -> Option<&Connection> {
        self.connections.iter().chain(&self.presets).find(|connection| connection.name == name)
    }

    /// The connection that nobody has signed in to yet, and whose tool this would be.
    pub fn preset_of(&self, tool: &str) -> Option<&Connection> {
        self.presets.iter().find(|preset| tool.strip_prefix(&preset.name).is_some_and(|rest| rest.starts_with('_')))
    }

    /// The known name that looks most like `name`.
    pub fn nearest(&self, name: &str) -> Option<String> {
        let names = self.connections.iter().map(|c| c.name.as_str()).chain(backends::ALL.iter().map(|b| b.name));
        nearest::of(name, names).map(String::from)
    }
}

impl Connection {
    /// What the entry of that name means; without an entry, the preset of the backend with that name.
    pub fn resolve(name: &str, entry: Option<&written::Connection>) -> Result<Self, Error> {
        let nothing = written::Connection::default();
        let written = entry.unwrap_or(&nothing);
        let key = |last: &str| format!("connections.{name}.{last}");
        if !is_name(name) {
            return Err(Error::Value { key: format!("connections.{name}"), expected: NAME_RULE.to_owned() });
        }
        let word = written.backend.as_deref().unwrap_or(name);
        let backend = backends::named(word).ok_or_else(|| Error::Value {
            key: key("backend"),
            expected: format!("one of {}", listed(backends::ALL.iter().map(|backend| backend.name))),
        })?;
        let way = match &written.way {
            None => (*backend.ways.first().unwrap_or(&Way::None), Source::Preset),
            Some(word) => match Way::of_word(word).filter(|way| backend.ways.contains(way)) {
                Some(way) => (way, Source::File),
                None => {
                    let expected = format!("one of {}", listed(backend.ways.iter().map(|way| way.word())));
                    return Err(Error::Value { key: key("way"), expected });
                }
            },
        };
        let url = url_of(backend, written, &key)?;
        let usual_issuer = || url.as_ref().and_then(|(url, _)| (backend.issuer)(url)).map(str::to_owned);
        let connection = Self {
            name: name.to_owned(),
            backend,
            configured: entry.is_some(),
            way,
            toolsets: toolsets::resolve(backend, written.toolsets.as_deref(), &key("toolsets"))?,
            patterns: patterns::Patterns { allow: written.allow.clone(), deny: written.deny.clone() },
            folders: folders::resolve(backend, written.folders.as_deref(), &key("folders"))?,
            defaults: defaults::resolve(backend, &written.defaults, &key("defaults"))?,
            headers: headers::resolve(backend, name, written, &key)?,
            issuer: written.issuer.clone().or_else(usual_issuer),
            url,
            provider: provider_of(written, &key)?,
            client_id: written.client_id.clone(),
            client: client::Client::resolve(written, &key)?,
            par: written.par.unwrap_or(false),
            scopes: written.scopes.clone(),
            resource: written.resource.as_deref().map(|text| address(text, &key("resource"))).transpose()?,
            dpop: written.dpop.unwrap_or(false),
            ports: written.ports.clone(),
            redirect_host: written.redirect_host,
            certificate: written.certificate,
            store: written.store,
        };
        match &connection.issuer {
            Some(issuer) => drop(address(issuer, &key("issuer"))?),
            // An assertion for one server must not be sent to whichever a service names.
            None if connection.client.audience.is_some() => {
                let expected = "set together with `issuer`, which comes first".to_owned();
                return Err(Error::Value { key: key("client_audience"), expected });
            }
            None => {}
        }
        Ok(connection)
    }

    /// Where requests go when the person signed in this way.
    pub fn endpoint(&self, way: Way) -> Option<Url> {
        let configured = self.url.as_ref().filter(|(_, source)| *source == Source::File).map(|(url, _)| url.clone());
        if way != Way::OAuth {
            return self.url.as_ref().map(|(url, _)| url.clone());
        }
        let preset = self.backend.oauth_url.and_then(|url| Url::parse(url).ok());
        // Where a backend has one address for keys and another for tokens, `resource` is that other one. Elsewhere it is
        // a name to ask a token for (RFC 8707), and never a place to send one to.
        let other = self.resource.clone().filter(|_| preset.is_some());
        other.or(configured).or(preset).or_else(|| self.url.as_ref().map(|(url, _)| url.clone()))
    }

    /// What stands for the address of a connection that works on folders alone; nothing is ever sent there.
    pub fn nowhere(&self, way: Way) -> Option<Url> {
        let is_local = way == Way::None && self.backend.is_local();
        is_local.then(|| Url::parse("file:///").ok()).flatten()
    }

    /// The environment variable whose token is used as it is.
    pub fn token_variable(&self) -> String {
        let word: String = self.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        format!("KEYWARD_TOKEN_{}", word.to_ascii_uppercase())
    }
}

fn url_of(
    backend: &Backend,
    written: &written::Connection,
    key: &dyn Fn(&str) -> String,
) -> Result<Option<(Url, Source)>, Error> {
    match (&written.url, backend.url) {
        (Some(text), _) => Ok(Some((address(text, &key("url"))?, Source::File))),
        (None, Some(preset)) => Ok(Url::parse(preset).ok().map(|url| (url, Source::Preset))),
        (None, None) => Ok(None),
    }
}

fn provider_of(
    written: &written::Connection,
    key: &dyn Fn(&str) -> String,
) -> Result<Option<&'static Provider>, Error> {
    let Some(word) = &written.provider else { return Ok(None) };
    let expected = || format!("one of {}", listed(providers::names().map(|(name, _)| name)));
    providers::named(word).map(Some).ok_or_else(|| Error::Value { key: key("provider"), expected: expected() })
}

const NAME_RULE: &str = "a name of at most 40 small letters, digits, `-` and `_` that starts with a letter or digit";

/// Whether a connection may have this name: it becomes part of tool names, file names and variable names.
pub fn is_name(name: &str) -> bool {
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

/// Reads an address to which a credential may travel: https, or http on this machine.
pub fn address(text: &str, key: &str) -> Result<Url, Error> {
    let wrong = |expected: &str| Error::Value { key: key.to_owned(), expected: expected.to_owned() };
    let url = Url::parse(text).map_err(|_| wrong("an address such as `https://host/path`"))?;
    if !crate::http::is_safe(&url) {
        return Err(wrong("an https address (http only on this machine)"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(wrong("an address without a user name, a password and a fragment"));
    }
    let secret = |name: &str| ["key", "token", "secret", "password"].iter().any(|word| name.contains(word));
    if url.query_pairs().any(|(name, _)| secret(&name.to_ascii_lowercase())) {
        return Err(wrong("an address without a secret in its query: `keyward login` keeps secrets in the keychain"));
    }
    Ok(url)
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
