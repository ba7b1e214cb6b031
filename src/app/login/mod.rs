//! A login in the browser: from a connection's name to a grant in the store.
//!
//! [`begin`] does everything that can fail without the person: it proves that the store can be written, finds the
//! issuer, gets a client identity and binds the listener. [`Pending::finish`] waits for the person. What follows the
//! person's answer (exchange, durable write, page) runs in a task that nobody can cancel half-way.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::grant::{Flow, Grant, Issued, Renewals, State};
use super::{App, Error, Parts, session};
use crate::backends::Way;
use crate::config;
use crate::machine::Timestamp;
use crate::oauth::{self, Attempt, Listener, Page, Server};
use crate::providers;
use crate::store::lock;

mod binding;
mod discover;
mod identify;
mod record;

use discover::{Found, discover};
use identify::identify;
pub use record::{learn_tools, record};

/// How long the person has, unless they ask for another time.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// What a login obtained, for people and `--json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Which connection.
    pub connection: String,
    /// How.
    pub way: Way,
    /// Who signed in, if the provider said so.
    pub account: Option<String>,
    /// When the token ends.
    pub expires_at: Option<Timestamp>,
    /// Whether it renews by itself.
    pub renewable: bool,
}

/// A login that waits for the person.
pub struct Pending {
    connection: config::Connection,
    issued: Proto,
    attempt: Attempt,
    listener: Listener,
    parts: Parts,
    _running: lock::Guard,
}

/// What is known of the grant before it exists.
#[derive(Clone)]
struct Proto {
    issuer: String,
    server: Server,
    client: oauth::Client,
    resource: Option<String>,
    scopes: Vec<String>,
    url: String,
}

/// Prepares a login. Nothing is open in a browser yet.
pub async fn begin(app: &App, connection: &config::Connection) -> Result<Pending, Error> {
    if let Some((variable, _)) = app.environment_token(connection) {
        return Err(Error::TokenInEnvironment { variable });
    }
    if !connection.backend.ways.contains(&Way::OAuth) {
        let ways = connection.backend.ways;
        return Err(Error::NoLogin { connection: connection.name.clone(), wanted: Some(Way::OAuth), ways });
    }
    let running = only_one(app, &connection.name)?;
    // A person who consented and then finds that nothing can be kept has done it for nothing.
    app.parts.store.prove().await.map_err(Error::store(&connection.name))?;
    let Found { server, resource, scopes, bound_tokens_only } = discover(app, connection).await?;
    let (client, listener) = identify(app, connection, &server, &scopes).await?;
    let attempt = Attempt::new(&server, &client, &listener.redirect_uri(), &scopes, resource.as_deref());
    let failed = |error| Error::Login { connection: connection.name.clone(), error: Arc::new(error) };
    let attempt = match binding::key(connection, (&server, &client), bound_tokens_only).map_err(failed)? {
        Some((key, unbound)) => attempt.map_err(failed)?.bound(key, unbound),
        None => attempt.map_err(failed)?,
    };
    let attempt = if wants_consent(&scopes) { attempt.with("prompt", "consent") } else { attempt };
    let url = connection.endpoint(Way::OAuth).map(|url| url.to_string()).unwrap_or_default();
    let issued = Proto { issuer: server.issuer.clone(), server, client, resource, scopes, url };
    let connection = connection.clone();
    Ok(Pending { connection, issued, attempt, listener, parts: app.parts.clone(), _running: running })
}

impl Pending {
    /// The page that the person must see.
    pub fn url(&self) -> &Url {
        self.attempt.url()
    }

    /// The port on which the answer is awaited.
    pub fn port(&self) -> u16 {
        self.listener.port()
    }

    /// Who will ask the person.
    pub fn provider(&self) -> &'static str {
        providers::of_issuer(&self.issued.issuer).title
    }

    /// Waits for the person and keeps what they granted.
    pub async fn finish(self, app: &App, patience: Duration) -> Result<Done, Error> {
        let Self { connection, issued, attempt, listener, parts, _running } = self;
        let name = connection.name.clone();
        let failed = |error| Error::Login { connection: name.clone(), error: Arc::new(error) };
        let callback = listener.wait(&attempt, patience).await.map_err(failed)?;
        let (landed, outcome) = tokio::sync::oneshot::channel();
        let owner = parts.owned.clone();
        let kept = name.clone();
        owner.spawn(async move {
            let answer = exchange(&parts, &kept, issued, &attempt, &callback).await;
            callback.finish(page(&kept, &answer)).await;
            let _ = landed.send(answer);
        });
        let grant = outcome.await.map_err(|_| Error::Interrupted)??;
        record(app, &connection, Way::OAuth).await?;
        let issued = grant.issued.as_ref();
        Ok(Done {
            connection: name,
            way: Way::OAuth,
            account: issued.and_then(|issued| issued.account.clone()),
            expires_at: grant.expires_at(),
            renewable: grant.is_renewable(),
        })
    }
}

async fn exchange(
    parts: &Parts,
    name: &str,
    issued: Proto,
    attempt: &Attempt,
    callback: &oauth::Callback,
) -> Result<Grant, Error> {
    let failed = |error| Error::Login { connection: name.to_owned(), error: Arc::new(error) };
    let code = callback.code().map_err(|error| failed(error.clone()))?;
    // A renewal of the older login may be under way in another process; the newer login must have the last word. The
    // lock comes before the code is spent, because a code that was exchanged for nothing cannot be used again.
    let custody = session::Custody::take(parts, name, session::LONG_WAIT).await?;
    let tokens = oauth::exchange(&parts.http, attempt, code, parts.clock.now().0).await.map_err(failed)?;
    let now = parts.clock.now();
    let account = attempt.identify(&parts.http, &issued.server, &tokens, now.0).await.map_err(failed)?;
    let grant = Grant {
        way: Way::OAuth,
        generation: first_generation(now),
        url: issued.url,
        obtained_at: session::obtained(&tokens, now),
        state: State::Valid,
        issued: Some(Issued {
            issuer: issued.issuer,
            token_endpoint: issued.server.token_endpoint,
            revocation_endpoint: issued.server.revocation_endpoint,
            end_session_endpoint: issued.server.end_session_endpoint,
            client: issued.client,
            flow: Flow::Code,
            resource: issued.resource,
            expires_at: session::expiry(&tokens, now),
            refresh_expires_at: session::refresh_expiry(&tokens, now),
            clock_skew: session::clock_skew(name, &tokens, now),
            dpop: attempt.key_of(&tokens),
            refresh_token: tokens.refresh_token,
            scopes: tokens.scope.unwrap_or(issued.scopes),
            subject: account.as_ref().map(|account| account.subject.clone()),
            account: account.map(|account| account.label().to_owned()),
        }),
        access_token: tokens.access_token,
        renewals: Renewals::default(),
    };
    custody.keep_login(grant).await.map_err(Error::store(name))
}

/// The page tells what really happened: it is written after the exchange and the durable write.
fn page(connection: &str, answer: &Result<Grant, Error>) -> Page {
    let connection = connection.to_owned();
    match answer {
        Ok(grant) => {
            let account = grant.issued.as_ref().and_then(|issued| issued.account.clone());
            Page::SignedIn { connection, account }
        }
        Err(Error::Login { error, .. }) if matches!(**error, oauth::Error::Denied { .. }) => {
            Page::Denied { connection }
        }
        Err(_) => Page::Failed { connection, reason: None },
    }
}

/// OpenID Connect Core §11: a server ignores `offline_access` unless the person is asked to consent.
fn wants_consent(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == "offline_access")
}

/// Two logins of one connection would race for the same entry of the store: the second is refused.
pub(super) fn only_one(app: &App, connection: &str) -> Result<lock::Guard, Error> {
    let lock = lock::try_acquire(&app.parts.locks()?, &format!("login-{connection}"));
    lock.map_err(Error::lock(connection))?.ok_or_else(|| Error::LoginRunning { connection: connection.to_owned() })
}

/// The least generation of a new login: above those of every login that a logout has removed, because it starts at the
/// clock's seconds. Above what is stored it is put when it is stored.
pub(super) fn first_generation(now: Timestamp) -> u64 {
    u64::try_from(now.0).unwrap_or_default()
}
