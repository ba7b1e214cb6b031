//! The names that only this person's configuration knows. Looking them up starts as little as `serve` does: no keychain,
//! no network, nothing written. A configuration that cannot be read has no names.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::Candidate;
use crate::app::App;
use crate::backends::{ALL, Way};
use crate::config::written::{AUDIT_KEYS, CONNECTION_KEYS, LOGIN_KEYS, NETWORK_KEYS, SERVE_KEYS, STORE_KEYS};
use crate::machine::Machine;
use crate::serve::{Catalog, Choice};
use crate::store::Store;

/// What there is on this machine.
pub(super) struct Known(Option<Arc<App>>);

impl Known {
    pub(super) fn new(machine: Machine, store: Arc<dyn Store>, file: Option<PathBuf>) -> Self {
        Self(App::open(machine, store, file.as_deref()).ok().map(Arc::new))
    }

    pub(super) fn connections(&self) -> Vec<Candidate> {
        let all = self.0.iter().flat_map(|app| &app.config.connections);
        all.map(|connection| (connection.name.clone(), connection.backend.summary.to_owned())).collect()
    }

    fn catalog(&self) -> Option<Catalog> {
        Catalog::new(Arc::clone(self.0.as_ref()?), &Choice::default()).ok()
    }

    pub(super) fn tools(&self) -> Vec<Candidate> {
        let tool = |entry: &crate::serve::Entry| (entry.tool.name.clone(), entry.tool.description.to_string());
        self.catalog().iter().flat_map(|catalog| catalog.entries().map(tool).collect::<Vec<_>>()).collect()
    }

    /// The arguments of a tool, as `name=`.
    pub(super) fn arguments(&self, tool: &str) -> Vec<Candidate> {
        let Some(entry) = self.catalog().and_then(|catalog| catalog.find(tool)) else { return Vec::new() };
        let schema: Value = serde_json::from_str(entry.tool.input_schema.text()).unwrap_or_default();
        let properties = schema.get("properties").and_then(Value::as_object);
        let means = |of: &Value| of.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        properties.into_iter().flatten().map(|(name, of)| (format!("{name}="), means(of))).collect()
    }

    /// The keys of the configuration; with whole connections where these can be meant.
    pub(super) fn keys(&self, whole: bool) -> Vec<Candidate> {
        let mut keys = Vec::new();
        for (name, means) in self.connections() {
            if whole {
                keys.push((format!("connections.{name}"), means));
            }
            keys.extend(CONNECTION_KEYS.iter().map(|key| format!("connections.{name}.{key}")).map(plain));
        }
        let tables = [
            ("serve", SERVE_KEYS),
            ("login", LOGIN_KEYS),
            ("store", STORE_KEYS),
            ("network", NETWORK_KEYS),
            ("audit", AUDIT_KEYS),
        ];
        for (table, known) in tables {
            keys.extend(known.iter().map(|key| format!("{table}.{key}")).map(plain));
        }
        keys
    }

    /// The values that a key of the configuration may have, where they can be listed.
    pub(super) fn values(&self, key: &str) -> Vec<Candidate> {
        let Some((table, key)) = key.rsplit_once('.') else { return Vec::new() };
        let name = table.strip_prefix("connections.").unwrap_or_default();
        let mut all = self.0.iter().flat_map(|app| &app.config.connections);
        let backend = all.find(|connection| connection.name == name).map(|connection| connection.backend);
        match key {
            "backend" => ALL.iter().map(|backend| (backend.name.to_owned(), backend.summary.to_owned())).collect(),
            "way" => backend
                .into_iter()
                .flat_map(|backend| backend.ways)
                .map(|way: &Way| plain(way.word().to_owned()))
                .collect(),
            "toolsets" => {
                let sets = backend.into_iter().flat_map(|backend| backend.toolsets);
                sets.map(|set| (set.name.to_owned(), set.summary.to_owned())).collect()
            }
            "read_only" | "enabled" | "par" | "dpop" => ["true", "false"].map(|word| plain(word.to_owned())).into(),
            _ => Vec::new(),
        }
    }
}

/// The hosts that keyward can be installed into.
pub(super) fn hosts() -> Vec<Candidate> {
    crate::hosts::ALL.iter().map(|host| (host.name.to_owned(), host.title.to_owned())).collect()
}

/// The commands, and those below the ones that were named.
pub(super) fn commands(named: &[&str]) -> Vec<Candidate> {
    let root = crate::cli::definition();
    let mut at = &root;
    for name in named {
        let Some(inner) = at.find_subcommand(name) else { return Vec::new() };
        at = inner;
    }
    let inner = at.get_subcommands().filter(|inner| !inner.is_hide_set());
    inner.map(|inner| (inner.get_name().to_owned(), super::about(inner.get_about()))).collect()
}

fn plain(word: String) -> Candidate {
    (word, String::new())
}

#[cfg(test)]
impl Known {
    /// A machine whose configuration cannot be read.
    pub(super) fn nothing() -> Self {
        Self(None)
    }
}
