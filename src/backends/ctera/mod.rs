//! CTERA Portal: a person's files on their company's Portal, with the person's own rights.
//!
//! The Portal knows sessions: a cookie that a login gives and that ends after some minutes without use. What the store
//! keeps is what opens sessions ([`kept`]); the sessions themselves live in memory only. `wire` is the notation of
//! requests and answers, `path` that of file names.
//!
//! One address may be used in two parts of the Portal, [`Scope`]: the one of end users, and the administration. The last
//! part of the connection's address says which.

use url::Url;

use super::{Backend, Features, Toolset, Way, outside};

mod change;
mod client;
pub mod fake;
mod fields;
mod item;
mod kept;
mod links;
mod listing;
mod look;
mod open;
mod path;
mod read;
mod sessions;
mod shape;
mod sign_in;
mod task;
mod tool;
mod transfer;
mod wire;

/// What the person must know before they keep a password.
const PASSWORD: &str = "kept in the store as it is; with `device`, the password is used once and never kept";
/// The reference names no release that takes a token there.
const UNPROVEN: &str = "not proven to work: no release documents which tokens the Portal takes";

/// Files on a CTERA Portal.
pub static BACKEND: Backend = Backend {
    name: "ctera",
    summary: "files, versions, links and shares on a CTERA Portal",
    ways: &[Way::Device, Way::Password, Way::Session, Way::Ticket, Way::OAuth],
    notes: &[(Way::Password, PASSWORD), (Way::OAuth, UNPROVEN)],
    url: None,
    oauth_url: None,
    sign_in: Some(&sign_in::Portal),
    issuer: |_| None,
    toolsets: &[
        Toolset { name: "read", summary: "looking at files, versions, links and shares", is_usual: true },
        Toolset { name: "write", summary: "making, changing, moving and deleting files", is_usual: true },
        Toolset { name: "links", summary: "making and ending public links", is_usual: true },
    ],
    takes_folders: true,
    tools: tool::all,
    prompts: |_| Vec::new(),
    resources: |_| Vec::new(),
    features: |_| Features::default(),
    passage: None,
    check: |connection| Box::pin(async move { client::Client::new(&connection).at(None).await?.who().await.map(drop) }),
    fake: || Box::new(fake::Server::default()),
};

/// A part of the Portal: the first segment of its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    /// The portal of end users and of a tenant's administrators.
    User,
    /// The administration.
    Admin,
}

impl Scope {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::User, Self::Admin];

    /// As addresses begin.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::User => "ServicesPortal",
            Self::Admin => "admin",
        }
    }

    /// Which part the connection's address names, and the address before it, without a slash at its end. An address that
    /// names none is that of the end users' part.
    pub(super) fn split(url: &Url) -> (Self, String) {
        let mut base = url.clone();
        base.set_query(None);
        base.set_fragment(None);
        let base = base.as_str().trim_end_matches('/').to_owned();
        let named = Self::ALL.into_iter().find_map(|scope| {
            let rest = base.strip_suffix(scope.word())?.strip_suffix('/')?;
            rest.contains("://").then(|| (scope, rest.to_owned()))
        });
        named.filter(|(_, rest)| !rest.ends_with('/')).unwrap_or((Self::User, base))
    }
}

/// Where a Portal is, and in which part of it the connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    scope: Scope,
    base: String,
}

impl Address {
    /// The address of a connection.
    pub(super) fn of(url: &Url) -> Self {
        let (scope, base) = Scope::split(url);
        Self { scope, base }
    }

    /// The whole address of a path from the Portal's root on.
    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The host, for words.
    fn host(&self) -> String {
        Url::parse(&self.base).map(|url| super::http::host_of(&url)).unwrap_or_default()
    }
}

/// What the body of a refusal says: the `msg` of an XML object, or whatever is readable (reference: "Errors in one place").
fn said(body: &[u8]) -> String {
    let words = wire::parse(body).ok().and_then(|object| fields::text(&object, "msg"));
    words.map_or_else(|| outside::said(body), |words| outside::line(&words, outside::LONGEST))
}

#[cfg(test)]
mod tests;
