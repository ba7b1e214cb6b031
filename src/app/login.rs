//! A login in the browser: from a connection's name to a grant in the store.
//!
//! [`begin`] does everything that can fail without the person: it proves that the store can be written, finds the
//! issuer, gets a client identity and binds the listener. [`Pending::finish`] waits for the person. What follows the
//! person's answer (exchange, durable write, page) runs in a task that nobody can cancel half-way.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::grant::{Grant, Issued, State};
use super::{App, Error, Parts, client, grant_lock, session};
use crate::backends::{self, Way};
use crate::config::edit::Change;
use crate::config::{self, Source};
use crate::machine::Timestamp;
use crate::oauth::{self, Attempt, Listener, Page, Server};
use crate::providers;
use crate::store::{Key, lock};

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
    generation: u64,
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
    let (server, resource, scopes) = discover(app, connection).await?;
    let (client, listener) = identify(app, connection, &server, &scopes).await?;
    let attempt = Attempt::new(&server, &client, &listener.redirect_uri(), &scopes, resource.as_deref());
    let attempt =
        attempt.map_err(|error| Error::Login { connection: connection.name.clone(), error: Arc::new(error) })?;
    let attempt = if wants_consent(&scopes) { attempt.with("prompt", "consent") } else { attempt };
    let generation = next_generation(app, connection).await;
    let url = connection.endpoint(Way::OAuth).map(|url| url.to_string()).unwrap_or_default();
    let issued = Proto { issuer: server.issuer.clone(), server, client, resource, scopes, generation, url };
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
    let _lock =
        lock::acquire(&parts.locks()?, &grant_lock(name), session::LONG_WAIT).await.map_err(Error::lock(name))?;
    let tokens = oauth::exchange(&parts.http, attempt, code).await.map_err(failed)?;
    let now = parts.clock.now();
    let account = attempt.account(&tokens, now.0);
    let grant = Grant {
        way: Way::OAuth,
        generation: issued.generation,
        url: issued.url,
        obtained_at: now,
        state: State::Valid,
        issued: Some(Issued {
            issuer: issued.issuer,
            token_endpoint: issued.server.token_endpoint,
            revocation_endpoint: issued.server.revocation_endpoint,
            client: issued.client,
            resource: issued.resource,
            expires_at: session::expiry(&tokens, now),
            refresh_token: tokens.refresh_token,
            scopes: tokens.scope.unwrap_or(issued.scopes),
            subject: account.as_ref().map(|account| account.subject.clone()),
            account: account.map(|account| account.label().to_owned()),
        }),
        access_token: tokens.access_token,
    };
    parts.store.save(&Key::grant(name), &grant.encode()).await.map_err(Error::store(name))?;
    session::Stamp::new(parts.state.as_deref(), name).write(Some(grant.generation));
    Ok(grant)
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

/// Finds who issues tokens for the connection: the configured issuer, or the one that the service names.
async fn discover(app: &App, connection: &config::Connection) -> Result<(Server, Option<String>, Vec<String>), Error> {
    let failed = |error| Error::Login { connection: connection.name.clone(), error: Arc::new(error) };
    let url =
        connection.endpoint(Way::OAuth).ok_or_else(|| Error::NoAddress { connection: connection.name.clone() })?;
    let http = &app.parts.http;
    if let Some(issuer) = &connection.issuer {
        let server = oauth::discover_issuer(http, issuer, policy(&url)).await.map_err(failed)?;
        let scopes = scopes(connection, &server, &[]);
        return Ok((server, Some(connection.resource.clone().unwrap_or(url).to_string()), scopes));
    }
    let found = match oauth::discover_resource(http, &url, probe(&url)).await {
        // An older server does not know the probe's method, and says so without asking who we are.
        Err(oauth::Error::Status { status: 400 | 405 | 406, .. }) => oauth::Discovery::Open,
        found => found.map_err(failed)?,
    };
    let resource = match found {
        oauth::Discovery::Open => return Err(Error::LoginNotNeeded { connection: connection.name.clone() }),
        oauth::Discovery::Guarded(resource) => resource,
    };
    let issuer = choose(app, connection, &resource.issuers).await?;
    let server = oauth::discover_issuer(http, &issuer, policy(&url)).await.map_err(failed)?;
    let scopes = scopes(connection, &server, &resource.scopes);
    let named = connection.resource.as_ref().filter(|_| connection.backend.oauth_url.is_none());
    Ok((server, Some(named.map_or(resource.identifier, ToString::to_string)), scopes))
}

/// The MCP request that makes the service ask for a login.
fn probe(url: &Url) -> oauth::Probe {
    let (parts, body) = backends::remote::probe(url).into_parts();
    oauth::Probe { method: parts.method, headers: parts.headers, body }
}

/// MCP wants S256 of every server; addresses may lead into a private network only from one.
fn policy(url: &Url) -> oauth::Policy {
    oauth::Policy { require_s256: true, reach: oauth::Reach::of(url) }
}

/// RFC 9728 leaves the choice among several issuers to the client: one where a client is known already saves the
/// person a consent, and otherwise the first is as good as any.
async fn choose(app: &App, connection: &config::Connection, issuers: &[String]) -> Result<String, Error> {
    if issuers.len() > 1 {
        for issuer in issuers {
            if client::load(&app.parts, &connection.name, issuer).await?.is_some() {
                return Ok(issuer.clone());
            }
        }
    }
    issuers.first().cloned().ok_or_else(|| Error::Login {
        connection: connection.name.clone(),
        error: Arc::new(oauth::Error::NoIssuer { host: connection.name.clone() }),
    })
}

fn scopes(connection: &config::Connection, server: &Server, challenged: &[String]) -> Vec<String> {
    let provider = providers::of_issuer(&server.issuer);
    let named: Vec<String> = [connection.scopes.as_slice(), challenged]
        .into_iter()
        .find(|scopes| !scopes.is_empty())
        .map_or_else(|| provider.scopes.iter().map(ToString::to_string).collect(), <[String]>::to_vec);
    let mut scopes = Vec::new();
    // Without it many providers give no refresh token, and the person would have to come back every hour.
    let offline =
        server.scopes.iter().find(|scope| *scope == "offline_access").filter(|_| connection.scopes.is_empty());
    for scope in named.iter().chain(offline) {
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    scopes
}

/// OpenID Connect Core §11: a server ignores `offline_access` unless the person is asked to consent.
fn wants_consent(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == "offline_access")
}

/// Decides who we are at this issuer, and binds the listener on a port that this identity may use.
async fn identify(
    app: &App,
    connection: &config::Connection,
    server: &Server,
    scopes: &[String],
) -> Result<(oauth::Client, Listener), Error> {
    let failed = |error| Error::Login { connection: connection.name.clone(), error: Arc::new(error) };
    if let Some(id) = &connection.client_id {
        let listener = Listener::bind(&connection.ports).await.map_err(failed)?;
        return Ok((oauth::Client::configured(id.as_str(), None, server), listener));
    }
    let known = client::load(&app.parts, &connection.name, &server.issuer).await?;
    if let Some(known) = known {
        // Not every provider ignores the port of a loopback redirect, so the one that was registered comes first.
        let ports = if connection.ports.is_empty() { ports_of(&known.redirect_uris) } else { connection.ports.clone() };
        if let Ok(listener) = Listener::bind(&ports).await
            && known.redirect_uris.contains(&listener.redirect_uri())
        {
            return Ok((known, listener));
        }
    }
    let listener = Listener::bind(&connection.ports).await.map_err(failed)?;
    let wish = oauth::Registration {
        client_name: "keyward".to_owned(),
        redirect_uris: vec![listener.redirect_uri()],
        scopes: scopes.to_vec(),
    };
    let client = oauth::register(&app.parts.http, server, &wish).await.map_err(failed)?;
    client::save(&app.parts, &connection.name, &server.issuer, &client).await?;
    Ok((client, listener))
}

fn ports_of(redirect_uris: &[String]) -> Vec<u16> {
    redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok()?.port()).collect()
}

/// Two logins of one connection would race for the same entry of the store: the second is refused.
pub(super) fn only_one(app: &App, connection: &str) -> Result<lock::Guard, Error> {
    let lock = lock::try_acquire(&app.parts.locks()?, &format!("login-{connection}"));
    lock.map_err(Error::lock(connection))?.ok_or_else(|| Error::LoginRunning { connection: connection.to_owned() })
}

/// A generation above every earlier one of this connection, also of those that a logout has removed: it starts at the
/// clock's seconds. An unreadable older grant is replaced all the same.
pub(super) async fn next_generation(app: &App, connection: &config::Connection) -> u64 {
    let now = u64::try_from(app.parts.clock.now().0).unwrap_or_default();
    match app.session(connection).stored().await {
        Ok(Some(grant)) => now.max(grant.generation.saturating_add(1)),
        _ => now,
    }
}

/// Lists the tools of a remote server once after its login, so that `serve` knows them without a network. Other
/// backends know theirs anyway.
pub async fn learn_tools(app: &App, connection: &config::Connection, way: Way) -> Result<(), Error> {
    if connection.backend.name != backends::remote::BACKEND.name {
        return Ok(());
    }
    let connection = config::Connection { way: (way, Source::File), ..connection.clone() };
    let listed = backends::remote::list_tools(&app.service(&connection)?).await;
    listed.map(drop).map_err(|error| Error::Service { connection: connection.name.clone(), error })
}

/// Writes what the login learned and is not secret, so that the next command needs no flags.
pub async fn record(app: &App, connection: &config::Connection, way: Way) -> Result<(), Error> {
    let name = &connection.name;
    let mut changes = Vec::new();
    if connection.backend.name != name && !connection.configured {
        changes.push(Change::connection(name, "backend", connection.backend.name));
    }
    if let Some((url, Source::File)) = &connection.url
        && !connection.configured
    {
        changes.push(Change::connection(name, "url", url.as_str()));
    }
    if connection.way.0 != way {
        changes.push(Change::connection(name, "way", way.word()));
    }
    if !changes.is_empty() {
        app.edit_config(&changes).await?;
    }
    Ok(())
}
