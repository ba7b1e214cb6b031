//! One authorization server of the sandbox, made from its pattern, and the handle on an imitated provider.

use std::sync::{Arc, Mutex};

use super::client::{Client, GRANTS, Metadata, Method};
use super::control::{Control, Desk};
use super::faults::Decision;
use super::jwt::Keys;
use super::ledger::Ledger;
use super::providers::{Preset, Profile};
use super::state::State;
use super::{Error, Mount, Options};
use crate::secret::Secret;

/// An imitated provider in a running sandbox.
#[derive(Clone, Copy)]
pub struct Provider<'a>(pub(super) &'a Control);

impl<'a> Provider<'a> {
    /// Its name in the address.
    pub fn name(&self) -> &'static str {
        self.0.0.profile.name
    }

    /// `http://127.0.0.1:PORT/p/NAME`.
    #[expect(clippy::misnamed_getters, reason = "the sandbox's own address is another field of the same state")]
    pub fn url(&self) -> &'a str {
        &self.0.0.base
    }

    /// Its issuer.
    pub fn issuer(&self) -> &'a str {
        &self.0.0.issuer
    }

    /// The resource that takes its tokens: `http://127.0.0.1:PORT/p/NAME/mcp`.
    pub fn resource(&self) -> String {
        format!("{}/mcp", self.0.0.root)
    }

    /// An endpoint by its name in the record, if it has it.
    pub fn endpoint(&self, name: &str) -> Option<String> {
        self.0.0.at(name)
    }

    /// The clients that are there from the start, each with the secret that must be sent with it.
    pub fn clients(&self) -> impl Iterator<Item = (&'static str, Option<&'static str>)> + use<> {
        self.0.0.profile.clients.iter().map(|preset| (preset.id, preset.secret))
    }

    /// Faults, forced events and the record of this provider alone.
    pub fn control(&self) -> &'a Control {
        self.0
    }
}

/// A server of this pattern, with its clients.
pub(super) fn server(
    profile: &'static Profile,
    url: &str,
    mut options: Options,
    mounts: Vec<Mount>,
) -> Result<Arc<State>, Error> {
    let own = profile.name.is_empty();
    let root = if own { url.to_owned() } else { format!("{url}/p/{}", profile.name) };
    let base = if own { format!("{url}/as") } else { root.clone() };
    let tenant = profile.tenants.last().map_or_else(String::new, |tenant| format!("/{tenant}"));
    let issuer = format!("{base}{tenant}{}", profile.issuer);
    let or = |fixed: u64, usual: u64| if fixed == 0 { usual } else { fixed };
    options.access_lifetime = or(profile.lifetime, options.access_lifetime);
    options.refresh_absolute = or(profile.absolute, options.refresh_absolute);
    options.refresh_grace = or(profile.grace, options.refresh_grace);
    let decision = options.auto_consent.clone().map_or(Decision::Ask, Decision::Allow);
    let mut ledger = Ledger::default();
    for preset in profile.clients {
        ledger.keep_client(client(preset, options.clock.now()));
    }
    Ok(Arc::new(State {
        token_issuer: profile.token_issuer.map_or_else(|| issuer.clone(), |end| format!("{base}{end}")),
        profile,
        url: url.to_owned(),
        root,
        base,
        issuer,
        options,
        keys: Keys::new().map_err(|_| Error::Random)?,
        mounts,
        desk: Desk::deciding(decision),
        ledger: Mutex::new(ledger),
    }))
}

/// A client that somebody registered by hand.
fn client(preset: &Preset, now: crate::machine::Timestamp) -> Client {
    Client {
        id: preset.id.to_owned(),
        issued: now,
        secret: preset.secret.map(Secret::new),
        management: None,
        metadata: Metadata {
            name: Some(format!("The client {}", preset.id)),
            redirects: preset.redirects.iter().map(|uri| (*uri).to_owned()).collect(),
            method: if preset.secret.is_some() { Method::Post } else { Method::None },
            grants: GRANTS.into_iter().filter(|known| preset.grants.contains(known)).collect(),
            scope: None,
            application: Some("native".to_owned()),
            keys: None,
            logouts: Vec::new(),
            proves: false,
        },
    }
}
