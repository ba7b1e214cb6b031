//! Why a use case failed, told apart by what the person can do next. The words for it are in `report`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::login;
use crate::backends::Way;
use crate::backends::sign_in::Failed;
use crate::{backends, config, http, oauth, store};

/// What switches a tool off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Off {
    /// Its toolset is not on.
    Toolset {
        /// Of which connection.
        connection: String,
        /// Which one.
        toolset: &'static str,
    },
    /// A pattern of the connection denies it.
    Denied {
        /// Of which connection.
        connection: String,
        /// Which one.
        pattern: String,
    },
    /// The connection allows only others.
    NotAllowed {
        /// Which connection.
        connection: String,
    },
    /// A pattern that is for every connection.
    Disabled {
        /// Which one.
        pattern: String,
    },
    /// It changes something, and only what changes nothing is offered.
    ReadOnly,
}

/// A use case that failed. Clones share their cause, because one renewal can fail for many callers.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// No connection has that name.
    #[error("unknown connection `{name}`")]
    UnknownConnection {
        /// What was asked for.
        name: String,
        /// The known name that looks most like it.
        nearest: Option<String>,
    },
    /// No tool has that name.
    #[error("unknown tool `{name}`")]
    UnknownTool {
        /// What was asked for.
        name: String,
        /// The known name that looks most like it.
        nearest: Option<String>,
        /// A connection has it.
        is_connection: bool,
    },
    /// There is such a tool, and the configuration switches it off.
    #[error("the tool `{name}` is switched off")]
    ToolOff {
        /// Which tool.
        name: String,
        /// By what.
        by: Off,
    },
    /// The backend needs an address and nobody configured one.
    #[error("no address for `{connection}`")]
    NoAddress {
        /// Which connection.
        connection: String,
    },
    /// The address cannot take a credential.
    #[error("`{address}` cannot be used: {why}")]
    Address {
        /// The address as it was given.
        address: String,
        /// What it must be.
        why: String,
    },
    /// The connection cannot be used without a login, and there is none that works.
    #[error("`{connection}` needs a login")]
    LoginRequired {
        /// Which connection.
        connection: String,
        /// How the person would sign in.
        way: Way,
        /// What became of an earlier login.
        why: Ended,
    },
    /// The provider's tokens are shorter than what was asked for.
    #[error("a token of `{connection}` lasts {lasts} s, not {asked} s")]
    TooShort {
        /// Which connection.
        connection: String,
        /// Seconds asked for.
        asked: i64,
        /// Seconds that the newest token lasts.
        lasts: i64,
    },
    /// The connection has no way to sign in of that kind.
    #[error("`{connection}` has no login")]
    NoLogin {
        /// Which connection.
        connection: String,
        /// The way that was asked for, if one was.
        wanted: Option<Way>,
        /// The ways there are.
        ways: &'static [Way],
    },
    /// The server takes no login at all.
    #[error("`{connection}` answers without a login")]
    LoginNotNeeded {
        /// Which connection.
        connection: String,
    },
    /// An environment variable supplies the token, so nothing can be stored for this connection.
    #[error("`{variable}` supplies the token")]
    TokenInEnvironment {
        /// Which variable.
        variable: String,
    },
    /// The service refuses the token from the environment.
    #[error("the token in `{variable}` was refused")]
    EnvironmentTokenRefused {
        /// Which variable.
        variable: String,
    },
    /// The token in the environment cannot travel in a header.
    #[error("the token in `{variable}` cannot be used")]
    EnvironmentTokenUnusable {
        /// Which variable.
        variable: String,
    },
    /// What was typed or piped in cannot be a key.
    #[error("no usable key was given: {why}")]
    NoKey {
        /// What is wrong with it.
        why: &'static str,
    },
    /// No header of this name can be added.
    #[error("no value of `{header}` can be kept: {why}")]
    UnfitHeader {
        /// Its name, as far as it is one.
        header: String,
        /// Why not.
        why: String,
    },
    /// The store has no value of a secret header for where the connection points.
    #[error("`{connection}` has no value for the header `{header}`")]
    HeaderMissing {
        /// Which connection.
        connection: String,
        /// Which header.
        header: String,
        /// Whether it has one for another address.
        is_elsewhere: bool,
    },
    /// The service refuses a request that showed nothing but these headers.
    #[error("`{connection}` refused the headers")]
    HeadersRefused {
        /// Which connection.
        connection: String,
        /// Which headers.
        headers: Vec<String>,
    },
    /// Another login of the same connection is under way.
    #[error("another login of `{connection}` is under way")]
    LoginRunning {
        /// Which connection.
        connection: String,
        /// Who is at it, if that is known.
        who: Option<login::Who>,
    },
    /// Somebody else has signed in than was wanted; nothing of it was kept.
    #[error("the login to `{connection}` was another account's: {who}")]
    OtherAccount {
        /// Which connection.
        connection: String,
        /// Who, and instead of whom.
        who: Outsider,
        /// What became of their login at the provider.
        left: Left,
    },
    /// Another process holds the connection's lock.
    #[error("another process is working on `{connection}`")]
    Busy {
        /// Which connection.
        connection: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The folder for locks and caches cannot be used.
    #[error("`{}` cannot be used: {why}", path.display())]
    StateFolder {
        /// Which folder or file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The store failed.
    #[error("the store failed for `{connection}`")]
    Store {
        /// Which connection.
        connection: String,
        /// How.
        error: store::Error,
    },
    /// The new tokens arrived and could not be kept; the old ones may have ended.
    #[error("the renewed tokens of `{connection}` could not be kept")]
    NotKept {
        /// Which connection.
        connection: String,
        /// How the store failed.
        error: store::Error,
    },
    /// The issuer registers no clients, so somebody must say which one to be.
    #[error("`{connection}` needs a client id at `{issuer}`")]
    ClientIdNeeded {
        /// Which connection.
        connection: String,
        /// The issuer.
        issuer: String,
        /// The redirect address to register, if a browser comes back.
        redirect: Option<String>,
    },
    /// The configured client cannot identify itself the way that was chosen.
    #[error("the client of `{connection}` cannot identify itself: {why}")]
    ClientUnusable {
        /// Which connection.
        connection: String,
        /// Why not.
        why: oauth::Unusable,
    },
    /// The issuer no longer knew the client that an earlier login had registered. It is forgotten here, too: the same
    /// login made once more registers another.
    #[error("`{issuer}` no longer knows the client of `{connection}`")]
    ClientForgotten {
        /// Which connection.
        connection: String,
        /// The issuer.
        issuer: String,
    },
    /// The secret or key that is kept belongs to another client id or issuer than this login would show it to.
    #[error("the client secret of `{connection}` is not for `{issuer}`")]
    ClientSecretElsewhere {
        /// Which connection.
        connection: String,
        /// Who would have received it.
        issuer: String,
    },
    /// What was piped in is no private key that can be used.
    #[error("no usable private key was given: {error}")]
    BadKey {
        /// What is wrong with it.
        error: oauth::BadKey,
    },
    /// The login failed.
    #[error("the login to `{connection}` failed")]
    Login {
        /// Which connection.
        connection: String,
        /// How.
        error: Arc<oauth::Error>,
    },
    /// The backend's own procedure brought no login; nothing was kept.
    #[error("the login to `{connection}` failed")]
    NotObtained {
        /// Which connection.
        connection: String,
        /// How the person wanted to sign in.
        way: Way,
        /// Why.
        failed: Box<Failed>,
    },
    /// A question of a login got no answer.
    #[error("a question of the login to `{connection}` got no answer: {why}")]
    NoAnswer {
        /// Which connection.
        connection: String,
        /// Why not.
        why: &'static str,
    },
    /// What is kept for this way of signing in is no token.
    #[error("`{connection}` has no token")]
    NoToken {
        /// Which connection.
        connection: String,
        /// The way.
        way: Way,
    },
    /// The renewal failed, and the login may still be good.
    #[error("the renewal of `{connection}` failed")]
    Renewal {
        /// Which connection.
        connection: String,
        /// How.
        error: Arc<oauth::RefreshError>,
    },
    /// No renewal is tried for the moment, because earlier ones failed or did not help.
    #[error("the renewal of `{connection}` is paused for {seconds} s")]
    Paused {
        /// Which connection.
        connection: String,
        /// Until when, in seconds from now.
        seconds: i64,
        /// Why.
        why: Pause,
    },
    /// Nobody knows who should have signed the token.
    #[error("the issuer of the token of `{connection}` is not known")]
    UnknownIssuer {
        /// Which connection.
        connection: String,
    },
    /// The keys of the issuer could not be had.
    #[error("the keys for the token of `{connection}` could not be fetched")]
    Keys {
        /// Which connection.
        connection: String,
        /// How.
        error: Arc<oauth::Error>,
    },
    /// The issuer has not signed the token.
    #[error("the token of `{connection}` does not hold: {why}")]
    Forged {
        /// Which connection.
        connection: String,
        /// Why it does not count.
        why: oauth::Forged,
    },
    /// The service failed.
    #[error("`{connection}` failed")]
    Service {
        /// Which connection.
        connection: String,
        /// How.
        error: backends::Error,
    },
    /// The tool does this only after the person's yes, and there is none: nothing was done.
    #[error("the person has not said yes to `{tool}`")]
    Unconfirmed {
        /// The tool.
        tool: String,
        /// What the person is asked.
        question: String,
        /// Why there is no yes.
        why: NoYes,
    },
    /// The answers that came are for a call that does not wait for them any more, or were for another one.
    #[error("the answers for `{tool}` came too late")]
    AnswersTooLate {
        /// The tool.
        tool: String,
    },
    /// The network failed.
    #[error(transparent)]
    Network(#[from] http::Error),
    /// The person interrupted.
    #[error("interrupted")]
    Interrupted,
}

/// Why there is no yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoYes {
    /// Nobody could be asked.
    Unasked,
    /// The person said no.
    Declined,
    /// The person was asked and said nothing.
    Cancelled,
    /// The person said yes, and by then something else would have been done.
    Changed,
}

/// Why no renewal is tried for the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// The provider was not reached.
    Network,
    /// The provider was in trouble, or answered what nobody understands.
    Server,
    /// The provider refused the request as such.
    Refused,
    /// So many renewals within a minute did not help.
    TooMany,
}

/// Somebody who was not wanted. The names of accounts are foreign text, cut and stripped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Outsider {
    /// Another account than the one that was named.
    #[error("expected `{expected}`, {}", actual.as_deref().map_or("and the provider did not say who signed in".to_owned(), |actual| format!("and `{actual}` signed in")))]
    Unexpected {
        /// The one that was named.
        expected: String,
        /// The one that signed in, if the provider said so.
        actual: Option<String>,
    },
    /// Another account than the one whose login is stored.
    #[error("the stored login is that of `{stored}`, and `{new}` signed in")]
    Swapped {
        /// The one whose login is stored.
        stored: String,
        /// The one that signed in.
        new: String,
    },
}

/// What a login that is not kept leaves at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing: there was nothing that lives there.
    Nothing,
    /// Nothing any more: it was ended.
    Ended,
    /// What ends by itself: the provider did not end it.
    Alive,
    /// Something that does not end by itself, of use to nobody.
    Listed,
}

/// What became of an earlier login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There never was one, or it was logged out.
    Absent,
    /// It ran out and cannot be renewed.
    Expired,
    /// The provider says that it is over.
    Revoked {
        /// The provider's error code.
        code: String,
    },
    /// The provider says so after a renewal that was cut off, which may have used up the refresh token.
    Interrupted,
    /// The provider renewed it with the tokens of another account.
    OtherAccount,
    /// The service refuses the key or token.
    Refused,
    /// It was for another address, issuer or way to sign in than the configuration names now.
    Elsewhere,
    /// What the store holds is not readable.
    Unreadable,
}

impl Error {
    /// The same, of a call that was made again after the person's yes: what wants another yes now has changed.
    #[must_use]
    pub fn after_a_yes(self) -> Self {
        match self {
            Self::Unconfirmed { tool, question, .. } => Self::Unconfirmed { tool, question, why: NoYes::Changed },
            other => other,
        }
    }

    /// Wraps a store's error.
    pub fn store(connection: &str) -> impl FnOnce(store::Error) -> Self + use<> {
        let connection = connection.to_owned();
        |error| Self::Store { connection, error }
    }

    /// Wraps a lock's error.
    pub fn lock(connection: &str) -> impl FnOnce(store::lock::Error) -> Self + use<> {
        let connection = connection.to_owned();
        |error| match error {
            store::lock::Error::Busy { waited } => Self::Busy { connection, waited },
            store::lock::Error::Folder { path, why } => Self::StateFolder { path, why: why.to_string() },
            store::lock::Error::Io { path, kind } => Self::StateFolder { path, why: kind.to_string() },
        }
    }
}
