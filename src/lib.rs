//! keyward: one local program through which an MCP host uses the services people work with, under the person's own login.
//!
//! # Layers
//!
//! ```text
//!   main ── collects the arguments and the real machine, calls run(), returns its exit code
//!    │
//!   cli ─────────┐        two faces of app: the command line and the stdio server
//!    │         serve
//!   report       │        every failure in words: error / cause / hint, and its exit code
//!    │           │
//!    └── app ────┘        the use cases: login, session (renewal), status, token, logout
//!         │
//!   ┌─────┼────────┬────────┬──────┐
//! oauth  store  backends   mcp   hosts      islands: none of them imports another
//!   └─────┴───┬────┴────────┴──────┘
//!  config providers secret machine http order  leaves: values, settings, and what we cannot control
//!
//!  sandbox ── the authorization server and the mounting of every backend's fake; shares no code with oauth
//! ```
//!
//! | module | may import |
//! |---|---|
//! | [`secret`], [`order`] | nothing of ours |
//! | [`machine`], [`http`] | `secret`, each other |
//! | [`providers`] | `http` (which host a redirect has) |
//! | [`config`] | `backends` (names, ways), `providers` (names), `machine`, `http` (which addresses are safe) |
//! | [`oauth`] | `secret`, `http` |
//! | [`store`] | `secret` |
//! | [`backends`] | `secret`, `http`, `order` |
//! | [`mcp`] | nothing of ours |
//! | [`hosts`] | `machine` |
//! | [`app`] | everything above |
//! | [`report`] | the error types of everything above |
//! | [`serve`] | `app`, `report`, `mcp`, `backends`, `config`, `order` |
//! | [`sandbox`] | `backends` (the fakes), `machine` (the clock), `secret` |
//! | [`cli`] | everything but `mcp` |
//!
//! A test reads the sources and refuses any other import, files over 500 lines, and calls of `Secret::expose` outside
//! the few files that need it.
//!
//! # Where a fix belongs
//!
//! * What an RFC says about a request or an answer: `oauth`. What one provider does differently: a value in `providers`.
//! * When to renew, which grant wins, what a crash leaves behind: `app::session`.
//! * A keychain's habits: `store`. A service's wire format: its folder in `backends`; also how it signs people in where that
//!   is not OAuth (`backends::sign_in`).
//! * Where a host keeps its list of servers, and how its file is edited: `hosts`.
//! * A line on standard input or output of `serve`: `mcp`. What a tool call without a login gets: `serve`.
//! * A sentence that a person reads: `report` (failures), `cli` (everything else).
//!
//! # How a call travels
//!
//! `mcp` reads a line, `serve` finds the tool, its handler asks a `backends::CredentialSource` for a credential. That is
//! an `app::session`: it has the grant in memory, or reads it from the `store`, or renews it through `oauth` under the
//! connection's lock. The handler sends the request, `serve` turns the outcome into a tool result, `mcp` writes the line.
//! A service of this machine that answered within 0.2 ms the last time is waited for awake for as long (`http::awake`); every
//! other wait is a sleep.
//!
//! # Absent on purpose
//!
//! * A clear-text store, and any switch that turns certificate checks off.
//! * An MCP library: the server side of the protocol is small, and the time to the first answer is a promise.
//! * A client above hyper's connections: what keyward needs of one, that connections wait for the next request, are a hundred
//!   lines in [`http`]; the one that did more took a fifth of the time of a call.
//! * HTTP/2: every service here speaks HTTP/1.1, and 0.6 MB is a tenth of the program.
//! * Following redirects with a secret: a token request that follows one hands the code to a stranger.
//! * A second runtime thread: one thread answers thousands of calls a second; the keychain has a thread of its own.

use std::ffi::OsString;

pub mod app;
pub mod backends;
pub mod cli;
pub mod config;
pub mod hosts;
pub mod http;
pub mod machine;
pub mod mcp;
pub mod oauth;
pub mod order;
pub mod providers;
pub mod report;
pub mod sandbox;
pub mod secret;
pub mod serve;
pub mod store;

/// Runs the program on a machine, with its stores, and returns the exit code of the process.
///
/// `arguments` begin with the program's name.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    machine: machine::Machine,
    stores: store::Stores,
) -> report::Exit {
    cli::run(arguments.into_iter().collect(), machine, stores)
}
