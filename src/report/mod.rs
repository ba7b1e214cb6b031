//! Every failure in words: what could not be done, the fact that stopped it, and the command or setting that helps.
//!
//! The same three parts reach a person at a terminal, a script through `--json` and a model through a failed tool
//! result. One file per kind of failure; this one holds the frame and the exit codes.

use std::fmt::Write as _;

use serde::Serialize;

use crate::app;

mod authorization;
mod client;
mod header;
mod hosts;
mod local;
mod login;
mod network;
mod service;
mod session;
mod settings;
mod sign_in;
mod store;
mod token;

/// How the process ends. The numbers are a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything that was asked for happened.
    Done = 0,
    /// Something that should not happen.
    Unexpected = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A login is required.
    LoginRequired = 3,
    /// The person or the server said no.
    Denied = 4,
    /// The configuration, here or at the provider, is wrong.
    Configuration = 5,
    /// The store is locked, absent or full.
    Store = 6,
    /// Network, TLS or time-out.
    Network = 7,
    /// The server answered wrongly.
    Server = 8,
    /// Somebody else is at it.
    Busy = 9,
    /// Interrupted by the person.
    Interrupted = 130,
    /// Terminated by the system.
    Terminated = 143,
}

/// A failure in words. No part ends with a full stop; no part holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What could not be done, in the person's terms.
    pub message: String,
    /// The facts that stopped it, outermost first.
    pub causes: Vec<String>,
    /// What helps; at most two.
    pub hints: Vec<String>,
    /// How the process ends.
    pub exit: Exit,
    /// A stable word for scripts.
    pub code: &'static str,
    /// The provider's own error code, if there is one.
    pub oauth_error: Option<String>,
    /// Whether the same command may work later without any change.
    pub retryable: bool,
}

impl Report {
    /// A report with a message; causes and hints are added to it.
    pub fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            exit,
            code,
            oauth_error: None,
            retryable: false,
        }
    }

    /// Adds a cause.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says that the same command may work later.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    fn oauth(mut self, code: impl Into<String>) -> Self {
        self.oauth_error = Some(code.into());
        self
    }

    /// The lines for people and models, without colour.
    pub fn text(&self) -> String {
        let mut text = format!("error: {}", self.message);
        for cause in &self.causes {
            let _ = write!(text, "\ncause: {cause}");
        }
        for hint in &self.hints {
            let _ = write!(text, "\nhint:  {hint}");
        }
        text
    }

    /// The object for scripts.
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Shown<'a> {
            schema_version: u32,
            error: Failure<'a>,
        }
        serde_json::to_string(&Shown { schema_version: 1, error: self.failure() }).unwrap_or_default()
    }

    /// The member `error` of that object, for a command that also has something to show.
    pub fn failure(&self) -> Failure<'_> {
        Failure {
            code: self.code,
            exit: self.exit as u8,
            message: &self.message,
            cause: &self.causes,
            hint: &self.hints,
            oauth_error: self.oauth_error.as_deref(),
            retryable: self.retryable,
        }
    }
}

/// A failure as scripts see it.
#[derive(Clone, Debug, Serialize)]
pub struct Failure<'a> {
    code: &'a str,
    exit: u8,
    message: &'a str,
    cause: &'a [String],
    hint: &'a [String],
    oauth_error: Option<&'a str>,
    retryable: bool,
}

impl From<&app::Error> for Report {
    fn from(error: &app::Error) -> Self {
        use app::Error as E;
        match error {
            E::Config(error) => settings::config(error),
            E::UnknownConnection { name, nearest } => settings::unknown_connection(name, nearest.as_deref()),
            E::UnknownTool { name, is_connection: true, .. } => settings::no_tool_but_connection(name),
            E::UnknownTool { name, nearest, .. } => settings::unknown_tool(name, nearest.as_deref()),
            E::ToolOff { name, by } => settings::tool_off(name, by),
            E::NoAddress { connection } => settings::no_address(connection),
            E::Address { address, why } => settings::address(address, why),
            E::StateFolder { path, why } => settings::state_folder(path, why),
            E::LoginRequired { connection, way, why } => session::login_required(connection, *way, why),
            E::NoLogin { connection, wanted, ways } => login::no_login(connection, *wanted, ways),
            E::LoginNotNeeded { connection } => login::not_needed(connection),
            E::TokenInEnvironment { variable } => login::token_in_environment(variable),
            E::EnvironmentTokenRefused { variable } => session::environment_token_refused(variable),
            E::EnvironmentTokenUnusable { variable } => session::environment_token_unusable(variable),
            E::NoKey { why } => login::no_key(why),
            E::UnfitHeader { header, why } => header::unfit(header, why),
            E::HeaderMissing { connection, header, is_elsewhere } => header::missing(connection, header, *is_elsewhere),
            E::HeadersRefused { connection, headers } => header::refused(connection, headers),
            E::TooShort { connection, asked, lasts } => session::too_short(connection, *asked, *lasts),
            E::LoginRunning { connection, who } => login::running(connection, who.as_ref()),
            E::OtherAccount { connection, who, left } => login::other_account(connection, who, *left),
            E::Busy { connection, waited } => session::busy(connection, *waited),
            E::Store { connection, error } => store::failed(connection, error),
            E::NotKept { connection, error } => session::not_kept(connection, error),
            E::ClientIdNeeded { connection, issuer, redirect } => {
                client::id_needed(connection, issuer, redirect.as_deref())
            }
            E::ClientUnusable { connection, why } => client::unusable(connection, *why),
            E::ClientForgotten { connection, issuer } => client::forgotten(connection, issuer),
            E::ClientSecretElsewhere { connection, issuer } => client::elsewhere(connection, issuer),
            E::BadKey { error } => client::bad_key(*error),
            E::Login { connection, error } => authorization::failed(connection, error),
            E::NotObtained { connection, way, failed } => sign_in::failed(connection, *way, failed),
            E::NoAnswer { connection, why } => sign_in::no_answer(connection, why),
            E::NoToken { connection, way } => sign_in::no_token(connection, *way),
            E::Renewal { connection, error } => session::renewal(connection, error),
            E::Paused { connection, seconds, why } => session::paused(connection, *seconds, *why),
            E::UnknownIssuer { connection } => token::unknown_issuer(connection),
            E::Keys { connection, error } => token::keys(connection, error),
            E::Forged { connection, why } => token::forged(connection, *why),
            E::Service { connection, error } => service::failed(connection, error),
            E::Unconfirmed { tool, why, .. } => service::unconfirmed(tool, *why),
            E::AnswersTooLate { tool } => service::answers_too_late(tool),
            E::Network(error) => network::failed("the request could not be made", error),
            E::Interrupted => Self::new(Exit::Interrupted, "interrupted", "interrupted"),
        }
    }
}

pub use network::certificate;
pub use sign_in::token_not_taken;
pub use token::bound;

/// A cause for an input/output error.
pub fn io(message: impl Into<String>, error: &std::io::Error) -> Report {
    Report::new(Exit::Unexpected, "io", message).cause(error.to_string())
}
