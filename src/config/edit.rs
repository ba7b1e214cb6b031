//! Changing the configuration file without touching what the person wrote around it.
//!
//! The caller holds a lock over reading and writing. The file is replaced whole, so that a crash leaves the old one or
//! the new one, and the result is read back before it replaces anything, so that an edit cannot break the file.

use std::io::Write;
use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, Table, Value};

use super::Error;
use super::written::{AUDIT_KEYS, CONNECTION_KEYS, LOGIN_KEYS, NETWORK_KEYS, SERVE_KEYS, STORE_KEYS, TABLES, Written};

/// One change: the value to write, or `None` to remove the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key with its tables, outermost first.
    pub key: Vec<String>,
    /// What to write.
    pub value: Option<Setting>,
}

/// A value that the file can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A text.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of port numbers.
    Ports(Vec<u16>),
}

impl Change {
    /// Sets a key of a connection.
    pub fn connection(name: &str, key: &str, value: impl Into<String>) -> Self {
        Self { key: vec!["connections".into(), name.into(), key.into()], value: Some(Setting::Text(value.into())) }
    }

    /// Reads `connections.NAME.KEY`, `serve.KEY` and the like and, for setting it, the value's text in the form the key takes:
    /// several texts or ports are separated by commas, and texts may also come as a list of TOML.
    pub fn of_words(key: &str, value: Option<&str>) -> Result<Self, Error> {
        let parts: Vec<String> = key.split('.').map(String::from).collect();
        if value.is_none() && matches!(parts.len(), 1..=3) {
            // Removing is also how a misspelt key is got rid of.
            return Ok(Self { key: parts, value: None });
        }
        let (table, known, last) = match parts.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["connections", _, last] => ("connections.NAME", CONNECTION_KEYS, (*last).to_owned()),
            ["serve", last] => ("serve", SERVE_KEYS, (*last).to_owned()),
            ["login", last] => ("login", LOGIN_KEYS, (*last).to_owned()),
            ["store", last] => ("store", STORE_KEYS, (*last).to_owned()),
            ["network", last] => ("network", NETWORK_KEYS, (*last).to_owned()),
            ["audit", last] => ("audit", AUDIT_KEYS, (*last).to_owned()),
            _ => return Err(Error::UnknownKey { key: key.to_owned(), nearest: nearest_path(key) }),
        };
        if !known.contains(&last.as_str()) {
            let prefix = key.strip_suffix(&last).unwrap_or(table);
            let nearest = super::nearest::of(&last, known.iter().copied()).map(|word| format!("{prefix}{word}"));
            return Err(Error::UnknownKey { key: key.to_owned(), nearest });
        }
        let value = value.map(|text| setting(&last, key, text)).transpose()?;
        Ok(Self { key: parts, value })
    }
}

fn nearest_path(key: &str) -> Option<String> {
    let first = key.split('.').next().unwrap_or_default();
    super::nearest::of(first, TABLES.iter().copied()).map(|table| match table {
        "connections" => "connections.NAME.url".to_owned(),
        "login" => "login.client_document".to_owned(),
        "store" => "store.kind".to_owned(),
        "network" => "network.ca_file".to_owned(),
        "audit" => "audit.enabled".to_owned(),
        _ => "serve.read_only".to_owned(),
    })
}

fn setting(last: &str, key: &str, text: &str) -> Result<Setting, Error> {
    let wrong = |expected: &str| Error::Value { key: key.to_owned(), expected: expected.to_owned() };
    let words = || text.split(',').map(str::trim).filter(|word| !word.is_empty());
    Ok(match last {
        "read_only" | "par" | "dpop" | "enabled" => {
            Setting::Flag(text.parse().map_err(|_| wrong("`true` or `false`"))?)
        }
        "disable" | "scopes" | "toolsets" | "allow" | "deny" | "folders" | "defaults" | "headers"
        | "secret_headers" => Setting::Texts(listed(text).unwrap_or_else(|| words().map(String::from).collect())),
        "ports" => {
            let ports: Result<Vec<u16>, _> = words().map(str::parse).collect();
            Setting::Ports(ports.map_err(|_| wrong("port numbers separated by commas"))?)
        }
        _ => Setting::Text(text.to_owned()),
    })
}

/// The texts of a list as it would stand in the file: the form for texts that have a comma themselves.
fn listed(text: &str) -> Option<Vec<String>> {
    let list: Value = text.trim().parse().ok()?;
    list.as_array()?.iter().map(|entry| entry.as_str().map(String::from)).collect()
}

/// Makes the changes and writes the file if anything is different; whether it was.
pub fn apply(path: &Path, changes: &[Change]) -> Result<bool, Error> {
    let old = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(path, &error)),
    };
    // What is not TOML is refused here, before anything is lost. A file with a wrong key or value may be mended key by
    // key; a whole one must stay whole.
    let was_whole = check(&old, path);
    if let Err(error @ Error::Syntax { .. }) = was_whole {
        return Err(error);
    }
    let mut document: DocumentMut = old.parse().map_err(|_| broken(path))?;
    for change in changes {
        make(&mut document, change).ok_or_else(|| broken(path))?;
    }
    let new = document.to_string();
    if new == old {
        return Ok(false);
    }
    if let (Err(error), Ok(())) = (check(&new, path), was_whole) {
        return Err(error);
    }
    replace(path, &new).map_err(|error| failed(path, &error))?;
    Ok(true)
}

/// Whether a file with this text would be accepted.
fn check(text: &str, path: &Path) -> Result<(), Error> {
    let written = Written::parse(text, path)?;
    super::client::document(written.login.client_document.as_deref(), "login.client_document")?;
    written.connections.iter().try_for_each(|(name, entry)| super::Connection::resolve(name, Some(entry)).map(drop))
}

fn make(document: &mut DocumentMut, change: &Change) -> Option<()> {
    let (last, tables) = change.key.split_last()?;
    let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
    for name in tables {
        if change.value.is_none() && !table.contains_key(name) {
            return Some(());
        }
        let mut fresh = Table::new();
        fresh.set_implicit(true);
        table = table.entry(name).or_insert(Item::Table(fresh)).as_table_like_mut()?;
    }
    match &change.value {
        None => {
            table.remove(last);
        }
        Some(setting) => {
            // Only the value changes: the comment behind it stays.
            let mut value = toml(setting);
            if let Some(old) = table.get(last).and_then(Item::as_value) {
                *value.decor_mut() = old.decor().clone();
            }
            table.insert(last, Item::Value(value));
        }
    }
    Some(())
}

fn toml(setting: &Setting) -> Value {
    match setting {
        Setting::Text(text) => Value::from(text.as_str()),
        Setting::Flag(flag) => Value::from(*flag),
        Setting::Texts(texts) => Value::Array(texts.iter().map(String::as_str).collect::<Array>()),
        Setting::Ports(ports) => Value::Array(ports.iter().map(|port| i64::from(*port)).collect::<Array>()),
    }
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // A link to a file elsewhere (a dotfiles folder) is followed: its target is replaced, the link stays.
    let target: PathBuf = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".config").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&target)?;
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::File { path: path.to_path_buf(), why: error.kind().to_string() }
}

fn broken(path: &Path) -> Error {
    Error::File { path: path.to_path_buf(), why: "a table is needed where something else stands".to_owned() }
}
