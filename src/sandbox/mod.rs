//! The sandbox: a strict OAuth 2.1 authorization server and the fakes of every backend, on loopback only.
//!
//! It is written from the RFCs and shares no code with the client side, so that one misreading cannot agree with
//! itself. It holds nothing real: its users are names, its key is made at start, and everything it knows is gone when it
//! stops. It cannot be told to listen anywhere but on 127.0.0.1.
//!
//! ```text
//!   server ── routes ─┬─ metadata       what there is (RFC 8414, 9728)
//!                     ├─ registration   who may ask (RFC 7591, 7592); document: who is an address
//!                     ├─ par ── authorize ── consent ── page      what the person allows (RFC 9126)
//!                     ├─ device         the same for a device without a browser (RFC 8628)
//!                     ├─ token ── issue                    codes and refresh tokens become tokens
//!                     │    └─ client, assertion, dpop      who asks, proven by secret or key (RFC 7523, 9449)
//!                     ├─ revoke, userinfo, logout          ending them, asking about them, leaving
//!                     ├─ control        faults on demand, and the record
//!                     └─ the fakes      under their names, with `guard` to check tokens
//! ```
//!
//! The issuer is `http://127.0.0.1:PORT/as`; the fake of a backend is at `http://127.0.0.1:PORT/NAME`, and that
//! address, `…/NAME/mcp` and `…/NAME/index.json` are resources that tokens can be asked for. A token asked for without a resource is good
//! for every fake. A client gets refresh tokens if it registered the `refresh_token` grant, whether or not it asks for
//! `offline_access`: MCP clients seldom do. They rotate at every use.
//!
//! Beside this strict server stand imitations of well-known providers, each at `http://127.0.0.1:PORT/p/NAME` with a
//! resource `…/p/NAME/mcp`: [`Sandbox::provider`]. What each does differently is a value in `providers`, and the header
//! of its file says how it is reached and what it refuses; `dialect` has the few decisions that no value can say.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use crate::backends::{self, fake::Fake};
use crate::machine::Clock;

mod answer;
mod assertion;
mod authorize;
mod client;
mod consent;
mod control;
mod date;
mod device;
mod dialect;
mod document;
mod dpop;
mod faults;
mod guard;
mod issue;
mod jose;
mod jwt;
mod ledger;
mod logout;
mod metadata;
mod page;
mod par;
mod params;
mod provider;
mod providers;
mod redirect;
mod registration;
mod revoke;
mod routes;
mod server;
mod state;
mod target;
mod token;
mod userinfo;

pub use control::{Control, Entry};
pub use faults::{Decision, Effect, Faults, Forgery, ResponseIss, TokenFault};
pub use provider::Provider;
use server::Carrier;

/// How a sandbox behaves. Lifetimes are in seconds of its clock.
#[derive(Clone)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// What time it is, for every expiry.
    pub clock: Arc<dyn Clock>,
    /// How long an access token lives.
    pub access_lifetime: u64,
    /// How long a code lives.
    pub code_lifetime: u64,
    /// How long a refresh token lives without being used.
    pub refresh_idle: u64,
    /// How long a login lives, however often it is refreshed.
    pub refresh_absolute: u64,
    /// How long a spent refresh token is still accepted; 0 ends its family at once.
    pub refresh_grace: u64,
    /// How long a device may wait for its person.
    pub device_lifetime: u64,
    /// How long a device waits from one poll to the next.
    pub device_interval: u64,
    /// Scripted runs only: this user allows every request at once, and no page is shown.
    pub auto_consent: Option<String>,
}

impl Options {
    /// Any port, tokens of five minutes, codes of one, two idle weeks, ninety days in all, no grace, a consent page.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            port: 0,
            clock,
            access_lifetime: 300,
            code_lifetime: 60,
            refresh_idle: 14 * 86_400,
            refresh_absolute: 90 * 86_400,
            refresh_grace: 0,
            device_lifetime: 600,
            device_interval: 5,
            auto_consent: None,
        }
    }
}

/// A fake and the path segment it lives under.
pub struct Mount {
    /// The backend's name.
    pub name: String,
    /// Its stand-in server.
    pub fake: Box<dyn Fake>,
}

/// Why the sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is taken or not allowed; another one, or 0, may do.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// Which port.
        port: u16,
        /// The system's reason.
        source: io::Error,
    },
    /// The system gave no random bytes for the signing key.
    #[error("the system gave no random bytes")]
    Random,
    /// The system gave no thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// A running sandbox. Dropping it closes the port and forgets everything.
pub struct Sandbox {
    control: Control,
    providers: Vec<Control>,
    /// Closes the port when it is dropped.
    _carrier: Carrier,
}

impl Sandbox {
    /// Starts the authorization server and the fakes of [`backends::ALL`].
    pub fn start(options: Options) -> Result<Self, Error> {
        let mount = |backend: &&backends::Backend| Mount { name: backend.name.to_owned(), fake: (backend.fake)() };
        Self::start_with(options, backends::ALL.iter().map(mount).collect())
    }

    /// Starts the authorization server and these fakes.
    pub fn start_with(options: Options, mounts: Vec<Mount>) -> Result<Self, Error> {
        let port = options.port;
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|it| Ok((it.local_addr()?, it)));
        let (address, listener) = bound.map_err(|source| Error::Listen { port, source })?;
        let url = format!("http://{address}");
        let own = provider::server(&providers::STRICT, &url, options.clone(), mounts)?;
        let mut servers = vec![Arc::clone(&own)];
        for profile in providers::ALL {
            let backend = backends::ALL.iter().find(|backend| backend.name == profile.backend);
            let mount = backend.map(|backend| Mount { name: backend.name.to_owned(), fake: (backend.fake)() });
            servers.push(provider::server(profile, &url, options.clone(), mount.into_iter().collect())?);
        }
        let providers = servers.iter().skip(1).map(|state| Control(Arc::clone(state))).collect();
        let handler = Box::new(move |request| routes::answer(&servers, &request));
        let carrier = Carrier::start(listener, handler).map_err(Error::Thread)?;
        Ok(Self { control: Control(own), providers, _carrier: carrier })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.control.0.url
    }

    /// The authorization server's issuer, for discovery.
    pub fn issuer(&self) -> &str {
        &self.control.0.issuer
    }

    /// The resource that an OAuth login to this backend asks for: its remote MCP server.
    pub fn resource(&self, backend: &str) -> String {
        format!("{}/{backend}/mcp", self.url())
    }

    /// Faults, forced events and the record.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The imitation of a provider, by its name: `okta`, `entra`, `scalekit`, `auth0`, `keycloak`, `google`, `github`,
    /// `tavily`.
    pub fn provider(&self, name: &str) -> Option<Provider<'_>> {
        self.providers().find(|provider| provider.name() == name)
    }

    /// The imitations of providers.
    pub fn providers(&self) -> impl Iterator<Item = Provider<'_>> {
        self.providers.iter().map(Provider)
    }

    /// Closes the port, as dropping does. Requests in progress still get their answers.
    /// A connection that a client keeps open cannot be closed from here: a later request on it gets no answer.
    pub fn stop(self) {}
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.control.release();
        self.providers.iter().for_each(Control::release);
    }
}

#[cfg(test)]
mod tests;
