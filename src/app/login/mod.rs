//! A login: from a connection's name to a grant in the store.
//!
//! [`begin`] does everything that can fail without the person: it proves that the store can be written, finds the
//! issuer, gets a client identity and binds the listener. [`Pending::finish`] waits for the person, who may come back
//! through the browser here or paste what a browser elsewhere shows. What follows the person's answer (exchange, durable
//! write, page) runs in a task that nobody can cancel half-way.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::audit::What;
use super::grant::Grant;
use super::{App, Error, provider};
use crate::backends::Way;
use crate::backends::sign_in::Holder;
use crate::config;
use crate::http::Loopback;
use crate::machine::Timestamp;
use crate::oauth::{self, Attempt, Listener, Server};
use crate::providers::Provider;
use crate::store;

mod alone;
mod binding;
mod discover;
mod finish;
mod identify;
mod keep;
mod occupant;
mod person;
mod record;
pub mod rehearse;
mod request;
mod running;
mod strength;

pub use alone::client_credentials;
use discover::{Found, discover, understands};
pub use finish::Finish;
use identify::{Identity, Origin};
pub(super) use occupant::{Whose, is_named, swap, swap_of_tenant};
pub use person::{News, Nobody, Person, Swap};
pub use record::{learn_tools, proved, record};
pub(super) use running::claim;
pub use running::{By, Who, attend};
pub use strength::Strength;

/// How long the person has, unless they ask for another time.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// What a login is asked for besides the usual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Which part of the program signs in.
    pub by: By,
    /// Scopes to ask for besides.
    pub scopes: Vec<String>,
    /// The account that must sign in: its subject, its address or its name.
    pub expect: Option<String>,
    /// How the person must prove who they are.
    pub strength: Strength,
    /// Whether the person may come back from a browser.
    pub browser: bool,
    /// Whether the person may use another device.
    pub device: Device,
}

/// Whether a code for another device is asked for (RFC 8628).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// No.
    No,
    /// If the provider offers it.
    IfOffered,
    /// Yes, and without it there is no login.
    Asked,
}

impl Wish {
    /// The usual and nothing else.
    pub const fn usual(by: By) -> Self {
        Self { by, scopes: Vec::new(), expect: None, strength: Strength::USUAL, browser: true, device: Device::No }
    }
}

/// What a login obtained, for people and `--json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Which connection.
    pub connection: String,
    /// How.
    pub way: Way,
    /// Who signed in, if the provider said so.
    pub account: Option<String>,
    /// What else is known of them, where a backend's own procedure has found out.
    pub holder: Option<Holder>,
    /// When the token ends.
    pub expires_at: Option<Timestamp>,
    /// Whether it renews by itself.
    pub renewable: bool,
}

impl Done {
    pub(super) fn of(connection: &str, grant: &Grant) -> Self {
        Self {
            connection: connection.to_owned(),
            way: grant.way,
            account: grant.account().map(String::from),
            holder: grant.holder.clone(),
            expires_at: grant.expires_at(),
            renewable: grant.is_renewable(),
        }
    }
}

/// A login that waits for the person.
pub struct Pending {
    connection: config::Connection,
    issued: Proto,
    page: Url,
    browser: Option<Waiting>,
    code: Option<request::Code>,
    expect: Option<String>,
    claim: running::Claim,
}

/// The browser is awaited.
struct Waiting {
    attempt: Attempt,
    listener: Listener,
}

/// What is known of the grant before it exists.
#[derive(Clone)]
struct Proto {
    issuer: String,
    server: Server,
    provider: &'static Provider,
    client: oauth::Client,
    origin: Origin,
    resource: Option<String>,
    scopes: Vec<String>,
    url: String,
    /// The service takes only tokens that are bound to a key.
    bound_tokens_only: bool,
}

/// Prepares a login. Nothing is open in a browser yet.
pub async fn begin(app: &App, connection: &config::Connection, wish: Wish) -> Result<Pending, Error> {
    usable(app, connection)?;
    let app = &app.at(connection);
    let claim = claim(app, &connection.name, wish.by)?;
    match prepare(app, connection, wish, claim).await {
        // Nobody had to sign in.
        Err(error @ Error::LoginNotNeeded { .. }) => Err(error),
        prepared => prepared.inspect_err(|error| app.parts.audit.failed(What::Login, &connection.name, error)),
    }
}

async fn prepare(
    app: &App,
    connection: &config::Connection,
    wish: Wish,
    claim: running::Claim,
) -> Result<Pending, Error> {
    leaves_newer_alone(app, connection).await?;
    // A person who consented and then finds that nothing can be kept has done it for nothing.
    app.parts.store.prove().await.map_err(Error::store(&connection.name))?;
    let Found { server, provider, resource, scopes, bound_tokens_only } =
        discover(app, connection, Way::OAuth, wish.browser).await?;
    let known = stored(app, connection).await;
    let scopes = more(scopes, &wish, (&server, provider), known.as_deref());
    let asked = request::Asked {
        server: &server,
        provider,
        scopes: &scopes,
        resource: resource.as_deref(),
        bound_tokens_only,
        strength: &wish.strength,
        claims: known.as_deref().and_then(|grant| claims(grant, &server.issuer)),
        browser: wish.browser,
        device: wish.device,
    };
    let (Identity { client, listener, origin }, open) = request::prepare(app, connection, &asked).await?;
    let browser = open.attempt.zip(listener).map(|(attempt, listener)| Waiting { attempt, listener });
    let code = open.device;
    let page = browser.as_ref().map(|waiting| waiting.attempt.url().clone());
    let Some(page) = page.or_else(|| code.as_ref().map(|code| code.device.verification_uri.clone())) else {
        let error = oauth::Error::NoDeviceLogin { issuer: server.issuer };
        return Err(Error::Login { connection: connection.name.clone(), error: Arc::new(error) });
    };
    let url = connection.endpoint(Way::OAuth).map(|url| url.to_string()).unwrap_or_default();
    let issuer = server.issuer.clone();
    let issued = Proto { issuer, server, provider, client, origin, resource, scopes, url, bound_tokens_only };
    let connection = connection.clone();
    Ok(Pending { connection, issued, page, browser, code, expect: wish.expect, claim })
}

/// Whether a login by OAuth makes sense for this connection at all.
fn usable(app: &App, connection: &config::Connection) -> Result<(), Error> {
    if let Some((variable, _)) = app.environment_token(connection) {
        return Err(Error::TokenInEnvironment { variable });
    }
    let ways = connection.backend.ways;
    match ways.contains(&Way::OAuth) {
        true => Ok(()),
        false => Err(Error::NoLogin { connection: connection.name.clone(), wanted: Some(Way::OAuth), ways }),
    }
}

/// The scopes to ask for: the usual ones, those that the person names, and what it takes to learn who signed in if that
/// matters. Whoever asks for more keeps what they have been given before.
fn more(
    usual: Vec<String>,
    wish: &Wish,
    (server, provider): (&Server, &Provider),
    stored: Option<&Grant>,
) -> Vec<String> {
    let kept = stored.and_then(|grant| grant.issued.as_ref()).filter(|issued| issued.issuer == server.issuer);
    let is_more = !wish.scopes.is_empty() || wish.strength != Strength::USUAL;
    let kept = kept.filter(|_| is_more).map(|issued| issued.scopes.clone()).unwrap_or_default();
    let identity = ["openid", "email", "profile"].into_iter().map(String::from);
    // Whoever was named at the last login is named again, or somebody else could take their place unseen.
    let was_named = stored.and_then(|grant| grant.issued.as_ref()).is_some_and(|issued| issued.subject.is_some());
    let matters = |scope: &String| wish.expect.is_some() || (was_named && scope == "openid");
    let identity = identity.filter(|scope| matters(scope) && server.scopes.contains(scope));
    let mut scopes = usual;
    for scope in kept.into_iter().chain(wish.scopes.iter().cloned()).chain(identity) {
        if !scopes.contains(&scope) && understands(provider, &scope) {
            scopes.push(scope);
        }
    }
    provider::coherent(provider, false, scopes)
}

impl Pending {
    /// Which connection it is for.
    pub fn connection(&self) -> &str {
        &self.connection.name
    }

    /// The page that the person must see. With a code for another device alone it is the one that takes the code.
    pub fn url(&self) -> &Url {
        &self.page
    }

    /// The port on which a browser's answer is awaited, if one is.
    pub fn port(&self) -> Option<u16> {
        self.browser.as_ref().map(|waiting| waiting.listener.port())
    }

    /// For how many seconds from `now` the page can be opened; `None` for as long as the login waits. A provider keeps a
    /// pushed request for a short time (RFC 9126 §2.2), and another login pushes another.
    pub fn lasts(&self, now: Timestamp) -> Option<i64> {
        self.browser.as_ref().and_then(|waiting| waiting.attempt.ends_at()).map(|end| Timestamp(end).since(now))
    }

    /// The code for another device.
    pub fn device(&self) -> Option<&oauth::device::Device> {
        self.code.as_ref().map(|code| &code.device)
    }

    /// The host to which the browser comes back.
    pub fn redirect_host(&self) -> Loopback {
        identify::redirect_host(&self.connection, self.issued.provider)
    }

    /// Who will ask the person.
    pub fn provider(&self) -> &'static str {
        self.issued.provider.title
    }
}

/// What the issuer wants the next login to carry, since it refused to renew the stored one.
fn claims<'a>(stored: &'a Grant, issuer: &str) -> Option<&'a str> {
    stored.issued.as_ref().filter(|issued| issued.issuer == issuer)?.claims.as_deref()
}

/// Who would issue tokens for this connection.
pub(super) async fn issuer(app: &App, connection: &config::Connection) -> Result<String, Error> {
    discover(app, connection, connection.way.0, connection.way.0 == Way::OAuth).await.map(|found| found.server.issuer)
}

/// The least generation of a new login: above those of every login that a logout has removed, because it starts at the
/// clock's seconds. Above what is stored it is put when it is stored.
pub(super) fn first_generation(now: Timestamp) -> u64 {
    u64::try_from(now.0).unwrap_or_default()
}

/// A newer program's login is not replaced, which is said before the person consents to one.
pub(super) async fn leaves_newer_alone(app: &App, connection: &config::Connection) -> Result<(), Error> {
    match app.session(connection).stored().await {
        Err(newer @ Error::Store { error: store::Error::Newer { .. }, .. }) => Err(newer),
        _ => Ok(()),
    }
}

/// The grant that the store has, if it is readable.
async fn stored(app: &App, connection: &config::Connection) -> Option<Arc<Grant>> {
    app.session(connection).stored().await.ok().flatten()
}
