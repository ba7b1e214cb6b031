//! The entries of a host's file that run keyward, whatever the file's format.

use std::path::Path;

use serde_json::{Map, Value};

use super::files::Format;
use super::{json, yaml};

/// The file is not what its host writes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unread;

/// One server that runs keyward.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) command: String,
    pub(super) args: Vec<String>,
    env: Vec<(String, String)>,
}

/// The entries below `key`, also those that Claude Code keeps for each project.
pub(super) fn entries(text: &str, format: Format, key: &str) -> Result<Vec<Entry>, Unread> {
    let whole = match format {
        Format::Json if text.trim().is_empty() => Value::Null,
        Format::Json => serde_json::from_str(&json::strict(text)).map_err(|_| Unread)?,
        Format::Toml => toml(text.parse::<toml_edit::DocumentMut>().map_err(|_| Unread)?.as_item()),
        Format::Yaml => yaml::read(text),
    };
    let projects = whole.get("projects").and_then(Value::as_object);
    let tables =
        whole.get(key).into_iter().chain(projects.into_iter().flat_map(Map::values).filter_map(|one| one.get(key)));
    Ok(tables.filter_map(Value::as_object).flatten().filter_map(|(name, server)| Entry::of(name, server)).collect())
}

fn toml(item: &toml_edit::Item) -> Value {
    use toml_edit::Item;
    match item {
        Item::Table(_) | Item::Value(toml_edit::Value::InlineTable(_)) => {
            let pairs = item.as_table_like().into_iter().flat_map(|table| table.iter());
            Value::Object(pairs.map(|(key, item)| (key.to_owned(), toml(item))).collect())
        }
        Item::Value(toml_edit::Value::Array(list)) => {
            Value::Array(list.iter().filter_map(|one| one.as_str().map(Value::from)).collect())
        }
        other => other.as_str().map_or(Value::Null, Value::from),
    }
}

impl Entry {
    /// The server, if it runs keyward: as its command, or through another program that is told to.
    fn of(name: &str, server: &Value) -> Option<Self> {
        let texts = |keys: [&str; 2]| keys.into_iter().find_map(|key| server.get(key));
        // Zed once kept the command in a table of its own.
        let server_command = texts(["command", "cmd"])?;
        let command = server_command.as_str().or_else(|| server_command.get("path")?.as_str())?.to_owned();
        let args = server.get("args").or_else(|| server_command.get("args")).and_then(Value::as_array);
        let args: Vec<String> = args.into_iter().flatten().filter_map(Value::as_str).map(String::from).collect();
        let env = texts(["env", "envs"]).and_then(Value::as_object).into_iter().flatten();
        let env = env.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        let entry = Self { name: name.to_owned(), command, args, env };
        let is_ours = entry.is_direct() || entry.args.iter().flat_map(|word| word.split_whitespace()).any(is_keyward);
        is_ours.then_some(entry)
    }

    /// Whether the command is keyward itself.
    pub(super) fn is_direct(&self) -> bool {
        is_keyward(&self.command)
    }

    /// Variables whose value is a secret, and stands in the file.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
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
