//! What every endpoint of one authorization server shares. A sandbox has several, each with clients and keys of its own.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::control::Desk;
use super::jwt::Keys;
use super::ledger::Ledger;
use super::providers::Profile;
use super::{Mount, Options};
use crate::machine::Timestamp;

/// One running authorization server.
pub(super) struct State {
    pub(super) profile: &'static Profile,
    /// `http://127.0.0.1:PORT`.
    pub(super) url: String,
    /// Where its resources are: the address of the sandbox, or of the provider.
    pub(super) root: String,
    /// Where its endpoints are. The sandbox's own are below `/as`: with a path, so that every form of the metadata
    /// address differs from the others.
    pub(super) base: String,
    pub(super) issuer: String,
    /// The `iss` of tokens.
    pub(super) token_issuer: String,
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

    /// The address of an endpoint, by its name in the record, if this server has it.
    pub(super) fn at(&self, endpoint: &str) -> Option<String> {
        self.of_tenant(endpoint, self.profile.tenants.last().unwrap_or(&""))
    }

    /// The address of an endpoint under one of the names of the authority.
    pub(super) fn of_tenant(&self, endpoint: &str, tenant: &str) -> Option<String> {
        let (_, path) = self.profile.paths.iter().find(|(name, _)| *name == endpoint)?;
        let slash = if tenant.is_empty() { "" } else { "/" };
        Some(format!("{}{slash}{tenant}{path}", self.base))
    }

    /// The path of this server's addresses, for its cookie.
    pub(super) fn path(&self) -> &str {
        self.base.strip_prefix(&self.url).unwrap_or_default()
    }

    /// Where a fake is mounted. A provider has one fake, in its own place.
    pub(super) fn place(&self, mount: &Mount) -> String {
        if self.profile.name.is_empty() { format!("{}/{}", self.root, mount.name) } else { self.root.clone() }
    }

    /// Every address a token can be asked for: each fake, its remote MCP server and its list of documents.
    pub(super) fn resources(&self) -> impl Iterator<Item = String> {
        self.mounts.iter().flat_map(|mount| {
            let fake = self.place(mount);
            [format!("{fake}/mcp"), format!("{fake}/index.json"), fake]
        })
    }

    pub(super) fn knows_resource(&self, resource: &str) -> bool {
        self.resources().any(|known| known == resource)
    }

    pub(super) fn knows_scope(&self, scope: &str) -> bool {
        self.profile.scopes.contains(&scope)
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
