//! The sandbox: a strict OAuth 2.1 authorization server and the fakes of every backend, on loopback only.
//!
//! It is written from the RFCs and shares no code with the client side, so that one misreading cannot agree with
//! itself. It holds nothing real: its users are names, its key is made at start, and everything it knows is gone when it
//! stops. It cannot be told to listen anywhere but on 127.0.0.1.
//!
//! ```text
//!   server ── routes ─┬─ metadata       what there is (RFC 8414, 9728)
//!                     ├─ registration   who may ask (RFC 7591, 7592)
//!                     ├─ authorize ── consent ── page      what the person allows
//!                     ├─ token ── issue                    codes and refresh tokens become tokens
//!                     ├─ revoke         ending them, asking about them (RFC 7009, 7662)
//!                     ├─ control        faults on demand, and the record
//!                     └─ the fakes      under their names, with `guard` to check tokens
//! ```
//!
//! The issuer is `http://127.0.0.1:PORT/as`; the fake of a backend is at `http://127.0.0.1:PORT/NAME`, and both that
//! address and `…/NAME/mcp` are resources that tokens can be asked for. A token asked for without a resource is good
//! for every fake. A client gets refresh tokens if it registered the `refresh_token` grant, whether or not it asks for
//! `offline_access`: MCP clients seldom do. They rotate at every use.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

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
use server::Carrier;
use state::State;

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
        let decision = options.auto_consent.clone().map_or(Decision::Ask, Decision::Allow);
        let state = Arc::new(State {
            profile: &providers::STRICT,
            root: url.clone(),
            base: format!("{url}/as"),
            issuer: format!("{url}/as"),
            token_issuer: format!("{url}/as"),
            url,
            options,
            keys: jwt::Keys::new().map_err(|_| Error::Random)?,
            mounts,
            desk: control::Desk::deciding(decision),
            ledger: Mutex::default(),
        });
        let servers = vec![Arc::clone(&state)];
        let handler = Box::new(move |request| routes::answer(&servers, &request));
        let carrier = Carrier::start(listener, handler).map_err(Error::Thread)?;
        Ok(Self { control: Control(state), _carrier: carrier })
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

    /// Closes the port, as dropping does. Requests in progress still get their answers.
    /// A connection that a client keeps open cannot be closed from here: a later request on it gets no answer.
    pub fn stop(self) {}
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.control.release();
    }
}

#[cfg(test)]
mod tests;
