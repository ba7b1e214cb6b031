//! Signing in by a procedure of a backend's own, where the service speaks no OAuth: what the person is asked for, what is
//! obtained with it, and what can be ended again.
//!
//! A procedure knows the service. Who keeps what it obtained, and how a person is asked, is the business of others: it
//! speaks to them through [`Person`], and whatever it returns was proved good before.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Boxed, Error, Sent, Unavailable, Way};
use crate::http::Http;
use crate::secret::Secret;

/// Signs in to one kind of service.
pub trait Procedure: Send + Sync {
    /// The address to configure for one that a person copied from their browser.
    fn address(&self, copied: &Url) -> Url;

    /// Obtains what the store keeps. What comes back was used once: a session was opened with it, and the service said
    /// whose it is.
    fn obtain<'a>(&'a self, asked: Asked<'a>) -> Boxed<'a, Result<Obtained, Failed>>;

    /// Ends at the service what can be ended of a login that is to be forgotten.
    fn end<'a>(&'a self, http: &'a Http, url: &'a Url, kept: &'a Secret) -> Boxed<'a, Result<End, Error>>;

    /// What the store would keep for a token from the environment that is used in this way; `None` for one that is sent
    /// as it is.
    fn kept_of(&self, way: Way, token: &Secret) -> Option<Secret>;

    /// The other way round: what a script may send of what is kept, and the word before it in the header; `None` for what
    /// opens sessions.
    fn token_of(&self, kept: &Secret) -> Option<(&'static str, Secret)> {
        let _ = kept;
        None
    }
}

/// A login that is wanted.
pub struct Asked<'a> {
    /// How.
    pub way: Way,
    /// Where the service is.
    pub url: &'a Url,
    /// Sends the requests.
    pub http: &'a Http,
    /// Who signs in.
    pub person: &'a dyn Person,
    /// Name and password are wanted also where the service offers single sign-on.
    pub without_sso: bool,
    /// This installation and connection: always the same, and guessed by nobody.
    pub device: &'a str,
    /// What the person calls this machine.
    pub host_name: &'a str,
}

/// Whoever sits in front of the program.
pub trait Person: Send + Sync {
    /// Tells them something.
    fn say(&self, text: &str);
    /// Asks for a line that may be seen.
    fn ask<'a>(&'a self, question: &'a str) -> Boxed<'a, Result<Secret, Unavailable>>;
    /// Asks for a line that is a secret.
    fn ask_hidden<'a>(&'a self, question: &'a str) -> Boxed<'a, Result<Secret, Unavailable>>;
    /// Sends them to a page, and waits for what their browser brings back from there, or they paste.
    fn visit<'a>(&'a self, visit: Visit<'a>) -> Boxed<'a, Result<Secret, Unavailable>>;
}

/// A page that the person must see, and what is to come back from it.
#[derive(Clone, Copy)]
pub struct Visit<'a> {
    /// The service, for words.
    pub service: &'a str,
    /// What is to come back, for words.
    pub wanted: &'a str,
    /// The page, made of the address to which it sends the browser back.
    pub page: &'a (dyn Fn(&str) -> Url + Send + Sync),
    /// Finds in what the browser brought what is wanted: in what follows the address that it was sent back to, as it was
    /// sent.
    pub read: fn(&str) -> Option<Secret>,
    /// The same for what a person pasted: the whole address at which their browser ended, or what is wanted alone.
    pub read_pasted: fn(&str) -> Option<Secret>,
}

/// What a login obtained.
#[derive(Clone, Debug)]
pub struct Obtained {
    /// For the store.
    pub kept: Secret,
    /// Whose it is.
    pub holder: Holder,
    /// What it takes the place of, each as something that [`Procedure::end`] ends: once this one is kept, and not before.
    pub replaces: Vec<Secret>,
}

/// Whose a login is, as the service says. Foreign text, cut and stripped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The account.
    pub account: String,
    /// The part of the service that the account belongs to, where it has such parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What it may do, as the service calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// What became of a login at the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// There was nothing to end: what was kept has no life of its own there.
    Nothing,
    /// It is ended.
    Ended,
    /// The service has no way to end it from here; what stays there and who removes it, as a sentence.
    Stays(String),
}

/// What a person gives to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// A name and a password.
    Password,
    /// A code that a page of the service gave.
    Code,
    /// A session that is open in a browser.
    Session,
    /// A ticket.
    Ticket,
    /// A token.
    Token,
}

/// Why a login was not obtained. Text from the service is data: bounded and without control characters.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failed {
    /// Nobody answered; the asker says why.
    #[error("nobody answered")]
    Person(Unavailable),
    /// What was given cannot be it, and was sent nowhere.
    #[error("what was given cannot be used: {why}")]
    Unfit {
        /// What was asked for.
        given: Given,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The service refuses what was given.
    #[error("`{host}` refuses it: {said}")]
    Refused {
        /// What was given.
        given: Given,
        /// Which host.
        host: String,
        /// What it said.
        said: String,
        /// The service signs its people in elsewhere, and may know no passwords.
        sso: bool,
    },
    /// The service took the name and the password, and opened no session.
    #[error("`{host}` opens no session: {cause}")]
    Unfinished {
        /// Which host.
        host: String,
        /// What it did instead.
        cause: String,
    },
    /// The way is not one of this part of the service.
    #[error("{why}")]
    Misplaced {
        /// Why not.
        why: &'static str,
        /// The way that is.
        instead: Way,
    },
    /// Whatever is there, it is not the service.
    #[error("there is no {service} at `{host}`: {cause}")]
    Elsewhere {
        /// What it should be.
        service: &'static str,
        /// Which host.
        host: String,
        /// What it answered.
        cause: String,
    },
    /// The service failed.
    #[error("the service failed")]
    Service(#[from] Error),
}

impl Failed {
    /// The failure without what was given: a gateway may quote the request that it refuses.
    #[must_use]
    pub fn without(mut self, given: &Sent) -> Self {
        match &mut self {
            Self::Refused { said: text, .. }
            | Self::Unfinished { cause: text, .. }
            | Self::Elsewhere { cause: text, .. } => given.hide(text),
            Self::Service(_) | Self::Person(_) | Self::Unfit { .. } | Self::Misplaced { .. } => {}
        }
        match self {
            Self::Service(error) => Self::Service(given.out_of(error)),
            failed => failed,
        }
    }
}
