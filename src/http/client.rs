//! The clients behind [`super::Http`], made when they are needed: one for this machine, one for what the person
//! configured, and one for each configured host's neighbourhood.
//!
//! They are apart because a connection is reused by its host's name: one that was made by a request that may reach far
//! must not serve a request that may not. The certificates are read once for all of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Proxy;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::Error;
use super::pin::Pin;
use super::proxies::Proxies;
use super::resolve::{Guarded, Lookup, Resolver};
use super::trust::Trust;
use crate::machine::Environment;

const CONNECT: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(60);

/// Which of the clients a request needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Line {
    /// To a loopback address.
    Local,
    /// To anywhere.
    Open,
    /// To the public network and to the neighbourhood of these hosts.
    Near(Arc<[String]>),
    /// To this host, of which this certificate is expected; whether it is this machine.
    Pinned(Pin, Arc<str>, bool),
}

pub(super) struct Clients {
    proxies: Proxies,
    lookup: Arc<dyn Lookup>,
    made: Mutex<Made>,
}

struct Made {
    trust: Trust,
    config: Option<ClientConfig>,
    clients: BTreeMap<Line, reqwest::Client>,
}

impl Clients {
    pub(super) fn new(environment: &Environment, lookup: Arc<dyn Lookup>) -> Self {
        let made = Made { trust: Trust::of(environment), config: None, clients: BTreeMap::new() };
        Self { proxies: Proxies::of(environment), lookup, made: Mutex::new(made) }
    }

    pub(super) fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    pub(super) fn trusted(&self) -> Trust {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).trust.clone()
    }

    /// Trusts another file; what was made under the old trust is not used again.
    pub(super) fn trust(&self, file: Option<&Path>) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.trust.extra.as_deref() != file {
            let trust = Trust { extra: file.map(Path::to_path_buf), ..made.trust.clone() };
            *made = Made { trust, config: None, clients: BTreeMap::new() };
        }
    }

    /// The client of that line. A failure is not remembered: the file may be mended while `serve` runs.
    pub(super) fn get(&self, line: Line) -> Result<reqwest::Client, Error> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.clients.get(&line) {
            return Ok(client.clone());
        }
        let config = match (&line, &made.config) {
            (Line::Pinned(pin, host, _), _) => {
                let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(bare).map_err(|_| Error::Address { host: host.to_string() })?;
                made.trust.config(Some((*pin, name)))?
            }
            (_, Some(config)) => config.clone(),
            (_, None) => {
                let config = made.trust.config(None)?;
                made.config.insert(config).clone()
            }
        };
        let client = self.build(&line, config)?;
        made.clients.insert(line, client.clone());
        Ok(client)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that builds an HTTP client")]
    fn build(&self, line: &Line, config: ClientConfig) -> Result<reqwest::Client, Error> {
        let mut client = reqwest::Client::builder()
            .user_agent(concat!("keyward/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .tls_backend_preconfigured(config)
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE);
        if matches!(line, Line::Local | Line::Pinned(_, _, true)) {
            client = client.no_proxy();
        } else if !self.proxies.is_empty() {
            self.proxies.check()?;
            let proxies = self.proxies.clone();
            client = client.proxy(Proxy::custom(move |url| proxies.choose(url).cloned()));
        } else if cfg!(not(any(target_os = "macos", windows))) {
            // Only macOS and Windows have settings of their own to look for.
            client = client.no_proxy();
        }
        if let Line::Near(hosts) = line {
            let (lookup, proxies) = (Arc::clone(&self.lookup), self.proxies.clone());
            client =
                client.dns_resolver(Arc::new(Resolver(Arc::new(Guarded { lookup, near: Arc::clone(hosts), proxies }))));
        }
        client.build().map_err(|error| Error::NoTrust {
            cause: std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default(),
        })
    }
}
