//! What every endpoint of one running sandbox shares.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::control::Desk;
use super::jwt::Keys;
use super::ledger::Ledger;
use super::{Mount, Options};
use crate::machine::Timestamp;

/// The scopes there are. `sandbox:read` is what the fakes' resource metadata asks for.
pub(super) const SCOPES: [&str; 5] = ["openid", "profile", "email", "offline_access", "sandbox:read"];
/// What is granted to a client that asks for no scope.
pub(super) const DEFAULT_SCOPE: &str = "sandbox:read";

/// One running sandbox.
pub(super) struct State {
    /// `http://127.0.0.1:PORT`.
    pub(super) url: String,
    /// `http://127.0.0.1:PORT/as`: with a path, so that every form of the metadata address differs from the others.
    pub(super) issuer: String,
    pub(super) options: Options,
    pub(super) keys: Keys,
    pub(super) mounts: Vec<Mount>,
    pub(super) desk: Desk,
    pub(super) ledger: Mutex<Ledger>,
}

impl State {
    pub(super) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// The tables, locked. A fake that panicked while holding nothing of ours must not close the server for good.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every address a token can be asked for: each fake and its remote MCP server.
    pub(super) fn resources(&self) -> impl Iterator<Item = String> {
        self.mounts.iter().flat_map(|mount| {
            let fake = format!("{}/{}", self.url, mount.name);
            [format!("{fake}/mcp"), fake]
        })
    }

    pub(super) fn knows_resource(&self, resource: &str) -> bool {
        self.resources().any(|known| known == resource)
    }
}

/// Scopes as the wire has them.
pub(super) fn joined(scope: &[String]) -> String {
    scope.join(" ")
}

/// The scopes in a parameter, each once and in their order.
pub(super) fn split(scope: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for one in scope.split(' ').filter(|one| !one.is_empty()) {
        if !all.iter().any(|known| known == one) {
            all.push(one.to_owned());
        }
    }
    all
}

/// A lifetime as the clock counts.
pub(super) fn seconds(lifetime: u64) -> i64 {
    i64::try_from(lifetime).unwrap_or(i64::MAX)
}
