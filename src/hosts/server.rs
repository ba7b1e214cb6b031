//! The entries of a host's file that run keyward, whatever the file's format.

use std::ops::Range;
use std::path::Path;

use serde_json::{Map, Value};

use super::text::Trouble;
use super::{Format, Host, Wanted, json, toml, yaml};

/// The file is not what its host writes.
#[derive(Debug, PartialEq, Eq)]
pub struct Unread;

/// One server that runs keyward.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// What the host calls it.
    pub name: String,
    /// The program.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// The variables that it is started with.
    pub(super) env: Vec<(String, String)>,
}

impl Host {
    /// The servers of a file of this host that run keyward, also those that Claude Code keeps for each project.
    pub fn servers(&self, text: &str) -> Result<Vec<Server>, Unread> {
        let whole = self.format.read(text).ok_or(Unread)?;
        let projects = whole.get("projects").and_then(Value::as_object);
        let inner = projects.into_iter().flat_map(Map::values).filter_map(|one| one.get(self.key));
        let tables = whole.get(self.key).into_iter().chain(inner).filter_map(Value::as_object);
        Ok(tables.flatten().filter_map(|(name, server)| Server::of(name, server)).collect())
    }
}

/// One way to write a list, each file of which knows how.
impl Format {
    pub(super) fn put(self, text: &str, key: &str, wanted: &Wanted) -> Result<String, Trouble> {
        match self {
            Self::Json => json::put(text, key, wanted),
            Self::Toml => toml::put(text, key, wanted),
            Self::Yaml => yaml::put(text, key, wanted),
        }
    }

    /// Takes our entry away, and the table around it if that is to go once it is empty.
    pub(super) fn take(self, text: &str, key: &str, table: bool) -> Result<String, Trouble> {
        match self {
            Self::Json => json::take(text, key, table),
            Self::Toml => toml::take(text, key),
            Self::Yaml => yaml::take(text, key, table),
        }
    }

    /// Where our entry stands.
    pub(super) fn span(self, text: &str, key: &str) -> Option<Range<usize>> {
        match self {
            Self::Json => json::span(text, key),
            Self::Toml => toml::span(text, key),
            Self::Yaml => yaml::span(text, key),
        }
    }

    /// Whether the text is whole, and its table of servers is one.
    pub(super) fn check(self, text: &str, key: &str) -> Result<(), Trouble> {
        match self {
            Self::Json => json::check(text, key),
            Self::Toml => toml::check(text),
            Self::Yaml => yaml::check(text, key),
        }
    }

    /// What the text says; `None` if it cannot be read.
    pub(super) fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::Json => json::read(text),
            Self::Toml => toml::read(text),
            Self::Yaml => Some(yaml::read(text)),
        }
    }
}

impl Server {
    /// The server, if it runs keyward: as its command, or through another program that is told to.
    fn of(name: &str, server: &Value) -> Option<Self> {
        let one = Self::read(name, server)?;
        let is_ours = one.is_direct() || one.args.iter().flat_map(|word| word.split_whitespace()).any(is_keyward);
        is_ours.then_some(one)
    }

    /// The server, whatever it runs.
    pub(super) fn read(name: &str, server: &Value) -> Option<Self> {
        let texts = |keys: [&str; 2]| keys.into_iter().find_map(|key| server.get(key));
        // Zed once kept the command in a table of its own.
        let server_command = texts(["command", "cmd"])?;
        let command = server_command.as_str().or_else(|| server_command.get("path")?.as_str())?.to_owned();
        let args = server.get("args").or_else(|| server_command.get("args")).and_then(Value::as_array);
        let args: Vec<String> = args.into_iter().flatten().filter_map(Value::as_str).map(String::from).collect();
        let env = texts(["env", "envs"]).and_then(Value::as_object).into_iter().flatten();
        let env = env.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        Some(Self { name: name.to_owned(), command, args, env })
    }

    /// Whether the command is keyward itself.
    pub fn is_direct(&self) -> bool {
        is_keyward(&self.command)
    }

    /// Variables whose value is a secret, and stands in the file.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let is_reference = |value: &str| value.is_empty() || value.contains("${") || value.starts_with('$');
        let kept = self.env.iter().filter(move |(name, value)| is_secret(name, value) && !is_reference(value));
        kept.map(|(name, _)| name.as_str())
    }
}

fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let named = ["TOKEN", "SECRET", "PASSWORD", "PASSPHRASE", "API_KEY", "APIKEY", "CREDENTIAL"];
    // A proxy's address may hold its password.
    let has_password = name.ends_with("_PROXY") && url::Url::parse(value).is_ok_and(|url| url.password().is_some());
    has_password || named.iter().any(|word| name.contains(word))
}

fn is_keyward(command: &str) -> bool {
    let last = command.rsplit(['/', '\\']).next().unwrap_or(command);
    Path::new(last).file_stem().is_some_and(|stem| stem.eq_ignore_ascii_case("keyward"))
}
