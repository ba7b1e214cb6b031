//! OAuth 2 for a native program: discovery, registration, the authorization code flow with PKCE, renewal, revocation.
//!
//! HTTP and RFCs only. No disk, no store, no MCP and no clock: times come in as values (seconds since 1970), waiting is
//! the runtime's job. What one provider does differently is a value that the caller passes.
//!
//! A login, in order:
//!
//! 1. [`discover_resource`] asks the resource who guards it (RFC 9728), [`discover_issuer`] asks that issuer for its
//!    endpoints (RFC 8414). The outcome, a [`Server`], can be cached.
//! 2. [`register`] obtains a [`Client`] where none is configured (RFC 7591).
//! 3. [`Listener::bind`] opens the loopback port (RFC 8252), then [`Attempt::new`] makes the address for the browser;
//!    [`push`] shortens it to a reference where the server wants that (RFC 9126).
//! 4. [`Listener::wait`] returns the one answer that belongs to the attempt, or [`Attempt::paste`] finds it in what the
//!    person pasted; [`exchange`] trades its code for [`Tokens`].
//! 5. The caller stores them, then [`Callback::finish`] tells the person what really happened.
//!
//! Without a person, [`client_credentials`] asks for a token in one request. Instead of a browser on this machine:
//! [`device`]. Tokens that are of no use to a thief: [`dpop`]. Who signed in: [`identify`].
//!
//! Later: [`refresh`], [`revoke`], and [`standing`] and [`unregister`] for a registration (RFC 7592). Every text that came
//! from a server is cut and stripped before it enters an error.

mod account;
mod assertion;
mod attempt;
mod client;
mod client_credentials;
pub mod device;
mod discovery;
pub mod dpop;
mod end_session;
mod endpoint;
mod error;
mod foreign;
mod habits;
mod introspect;
mod jose;
mod json;
mod jwks;
mod listener;
mod management;
mod paste;
mod pushed;
mod random;
mod reach;
mod refresh;
mod registration;
mod response;
mod revoke;
mod signature;
#[cfg(test)]
mod testing;
mod token;

pub use account::{Account, Expected, Known, identify, same_subject};
pub use attempt::Attempt;
pub use client::{AuthMethod, Client, ClientKey, Evidence, Management, Unusable};
pub use client_credentials::{ClientCredentials, client_credentials};
pub use discovery::{Discovery, Endpoints, Policy, Probe, Resource, Server, discover_issuer, discover_resource};
pub use end_session::end_session;
pub use error::{Class, Error, Why};
pub use habits::{Habits, TokenIssuer};
pub use introspect::{Introspection, introspect};
pub use jose::{Algorithm, BadKey, SigningKey};
pub use listener::{Callback, Listener, Notice, Page};
pub use management::{Standing, Unregistered, standing, unregister};
pub use paste::{LONGEST as LONGEST_PASTE, Pasted, Unfit};
pub use pushed::push;
pub use reach::Reach;
pub use refresh::{Refresh, RefreshError, refresh};
pub use registration::{Registration, register};
pub use response::Outcome;
pub use revoke::{Kind, Revocation, revoke};
pub use signature::{Forged, check_signature};
pub use token::{TokenType, Tokens, Warning, exchange};
