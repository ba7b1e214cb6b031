//! A logout: ending the tokens at the provider, then forgetting what the store keeps for a connection.
//!
//! Two facts, and neither waits for the other: what became of the tokens at the provider, and what became of the copy
//! here. The copy goes even where the lock, the provider or a part of the store fails; what could not be done is said.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::audit::What;
use super::client::{self, AtIssuer};
use super::grant::{Grant, Issued};
use super::refused::Refused;
use super::session::{self, Custody, Removal, Unread};
use super::{App, Error, Parts, copies, headers, login, memory, secret_of_client, stores};
use crate::backends::sign_in::{End, Procedure};
use crate::backends::{self, Backend, Way};
use crate::config;
use crate::http::is_safe;
use crate::oauth::{self, Kind};
use crate::providers::{self, Revocation};
use crate::secret::Secret;

/// How many logins that come in between are ended, too.
const ROUNDS: u8 = 3;
/// How long the provider has to end the tokens, all of them together.
const PATIENCE: Duration = Duration::from_secs(8);

/// What to do besides forgetting the tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// Do not talk to the provider.
    pub local_only: bool,
    /// Also end the registration of the client at the provider, and forget it and its secret.
    pub forget_client: bool,
    /// Find the provider's page on which the person ends their own session.
    pub end_session: bool,
}

/// What a logout did.
#[derive(Clone, Debug)]
pub struct Done {
    /// Which connection.
    pub connection: String,
    /// Whether there was a login to forget, as far as the store could tell.
    pub was_signed_in: bool,
    /// How the person had signed in, where the copy here could be read.
    pub way: Option<Way>,
    /// What became of the tokens at the provider.
    pub provider: AtProvider,
    /// What became of the client that was registered there, if it was to be forgotten.
    pub client: AtIssuer,
    /// Whether the provider confirmed the end of the access token; `None` if it was not asked.
    pub access_ended: Option<bool>,
    /// What became of the copy here.
    pub here: Here,
    /// The secret headers whose values were forgotten with it.
    pub headers: Vec<String>,
    /// Who issued the tokens, if anybody did.
    pub issuer: Option<String>,
    /// The provider's page on which the person can end logins that do not end from here, if it is known.
    pub sessions: Option<&'static str>,
    /// The provider's page on which the person ends their own session, if they asked for it and there is one.
    pub page: Option<Url>,
    /// The variable that still supplies a token, if there is one.
    pub variable: Option<String>,
    /// What could not be done here.
    pub trouble: Option<Error>,
}

/// What became of the copy here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Here {
    /// There was none.
    Nothing,
    /// It is gone.
    Removed,
    /// It is gone, and another process held the lock: if that one was renewing, it may write a newer one.
    RemovedUnlocked,
    /// The store did not let it go.
    Kept,
}

impl Here {
    /// The word for it in `--json`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Removed => "removed",
            Self::RemovedUnlocked => "removed-unlocked",
            Self::Kept => "kept",
        }
    }
}

/// What became of the tokens at the provider.
#[derive(Clone, Debug)]
pub enum AtProvider {
    /// There were none: nobody was signed in, or a key was kept, which has no end of its own.
    Nothing,
    /// They are ended.
    Ended,
    /// They live until they run out: nobody was to ask the provider.
    Unasked,
    /// They live on: the provider takes no such request, or nobody here knows how to ask it.
    NoEndpoint,
    /// They live until they run out: the provider does not end tokens of this kind (RFC 7009 §2.2.1).
    Unsupported,
    /// They live until they run out: the provider does not know the client any more.
    UnknownClient(Arc<oauth::Error>),
    /// They live until they run out: the provider could not be reached, or said no.
    Failed(Arc<oauth::Error>),
    /// They live until they run out: the provider did not answer in time.
    TimedOut,
    /// What a backend's own procedure obtained was forgotten, and there was nothing to end.
    Forgotten,
    /// Something stays there that cannot be ended from here; what, and who removes it.
    Stays(String),
    /// The service did not end the session, which ends some time after its last use.
    Unended(backends::Error),
    /// Nobody knows: the copy here could not be read.
    Unread,
}

impl AtProvider {
    /// The word for it in `--json`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Ended => "ended",
            Self::Unasked => "unasked",
            Self::NoEndpoint => "no-endpoint",
            Self::Unsupported => "unsupported",
            Self::UnknownClient(_) => "unknown-client",
            Self::Failed(_) => "failed",
            Self::TimedOut => "timed-out",
            Self::Forgotten => "nothing",
            Self::Stays(_) => "stays",
            Self::Unended(_) => "failed",
            Self::Unread => "unread",
        }
    }

    /// The provider's own error code, if there is one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::UnknownClient(error) | Self::Failed(error) => error.oauth_code(),
            _ => None,
        }
    }

    fn of(outcome: Result<(), oauth::Error>) -> Self {
        match outcome {
            Ok(()) => Self::Ended,
            Err(error) => match error.oauth_code() {
                Some("unsupported_token_type") => Self::Unsupported,
                Some("invalid_client") => Self::UnknownClient(Arc::new(error)),
                _ => Self::Failed(Arc::new(error)),
            },
        }
    }
}

/// Every connection that may have a grant: the configured ones, and those that were taken out of the configuration and
/// have left a stamp.
pub fn known(app: &App) -> Vec<String> {
    let mut names = session::Stamp::names(app.parts.shared.as_deref());
    names.extend(app.config.connections.iter().map(|connection| connection.name.clone()));
    names.sort();
    names.dedup();
    names
}

/// Whether `name` can be logged out: a connection, or what the store still keeps for one that is configured no more.
pub async fn require(app: &App, name: &str) -> Result<(), Error> {
    let unknown = match app.connection(name) {
        Ok(_) => return Ok(()),
        Err(unknown) => unknown,
    };
    // The name becomes part of paths.
    if !config::is_name(name) {
        return Err(unknown);
    }
    let has_stamp = session::Stamp::names(app.parts.shared.as_deref()).iter().any(|known| known == name);
    if has_stamp || stores::keeper(app, name).await.is_some() { Ok(()) } else { Err(unknown) }
}

/// Ends and forgets the grant of a connection, configured or not.
///
/// It holds the same lock as a renewal, so that one which is under way cannot bring the tokens back. Once it has begun
/// it runs to its end, also if the caller goes: an interrupted logout leaves nothing behind.
pub async fn run(app: &App, name: &str, wish: Wish) -> Result<Done, Error> {
    let connection = app.config.connection(name);
    let parts = match connection {
        Some(connection) => app.parts_of(connection),
        None => match stores::keeper(app, name).await {
            Some(store) => Parts { store, ..app.parts.clone() },
            None => app.parts.clone(),
        },
    };
    let custody = Custody::take(&parts, name, session::LONG_WAIT).await;
    let logout = Logout {
        parts: parts.clone(),
        name: name.to_owned(),
        is_configured: connection.is_some(),
        provider: connection.and_then(|connection| connection.provider),
        backend: connection.map(|connection| connection.backend),
        variable: connection.and_then(|connection| app.environment_token(connection)).map(|(variable, _)| variable),
        wish,
    };
    let mut done = begin(logout, custody).await.map_err(|_| Error::Interrupted)?;
    if wish.forget_client {
        match forget_client(app, &parts, &done, wish.local_only).await {
            Ok(client) => done.client = client,
            Err(error) => done.trouble = done.trouble.or(Some(error)),
        }
    }
    Ok(done)
}

/// Without a login to tell who the issuer is, the configuration or the service does: a client that the issuer refuses at
/// the first login must be forgotten, too.
async fn forget_client(app: &App, parts: &Parts, done: &Done, local_only: bool) -> Result<AtIssuer, Error> {
    let name = &done.connection;
    secret_of_client::forget(parts, name).await?;
    let connection = app.config.connection(name);
    let found = match (&done.issuer, connection) {
        (Some(issuer), _) => Some(issuer.clone()),
        (None, Some(connection)) if connection.issuer.is_some() => connection.issuer.clone(),
        (None, Some(connection)) if !local_only => login::issuer(app, connection).await.ok(),
        (None, _) => None,
    };
    match found {
        Some(issuer) => client::end(app, parts, name, &issuer, local_only).await,
        None => Ok(AtIssuer::Nothing),
    }
}

fn begin(logout: Logout, custody: Result<Custody, Error>) -> oneshot::Receiver<Done> {
    let (landed, outcome) = oneshot::channel();
    logout.parts.owned.clone().spawn(async move {
        let _ = landed.send(logout.run(custody).await);
    });
    outcome
}

/// What a logout works with, apart from whoever asked for it.
struct Logout {
    parts: Parts,
    name: String,
    is_configured: bool,
    /// The provider that the configuration names.
    provider: Option<&'static providers::Provider>,
    /// The backend that the configuration names.
    backend: Option<&'static Backend>,
    variable: Option<String>,
    wish: Wish,
}

impl Logout {
    async fn run(self, custody: Result<Custody, Error>) -> Done {
        let (custody, busy) = match custody {
            Ok(custody) => (custody, None),
            // Whoever holds the lock may be frozen for good; the person wants no login here all the same.
            Err(busy) => (Custody::without_lock(&self.parts, &self.name), Some(busy)),
        };
        let mut done = Done {
            connection: self.name.clone(),
            was_signed_in: false,
            way: None,
            provider: AtProvider::Nothing,
            client: AtIssuer::Nothing,
            access_ended: None,
            here: Here::Nothing,
            headers: Vec::new(),
            issuer: None,
            sessions: None,
            page: None,
            variable: self.variable.clone(),
            trouble: None,
        };
        match self.forget(&custody, &mut done).await {
            Ok(false) => {}
            Ok(true) if busy.is_none() => done.here = Here::Removed,
            Ok(true) => {
                done.here = Here::RemovedUnlocked;
                done.trouble = busy;
            }
            Err(error) => {
                self.parts.audit.failed(What::Logout, &self.name, &error);
                done.here = Here::Kept;
                done.trouble = Some(error);
            }
        }
        match headers::forget(&custody, &self.parts, &self.name).await {
            Ok(names) => done.headers = names,
            Err(error) => done.trouble = done.trouble.or(Some(error)),
        }
        if !done.headers.is_empty() && !matches!(done.here, Here::Removed | Here::RemovedUnlocked) {
            self.parts.audit.done(What::Logout, &self.name, None);
        }
        done.was_signed_in |= matches!(done.here, Here::Removed | Here::RemovedUnlocked);
        Refused::new(self.parts.shared.as_deref(), &self.name).forget();
        copies::forget(self.parts.state.as_deref(), &self.name);
        if !self.is_configured {
            // Nobody will ask for the tools of a connection that is configured no more.
            memory::forget(self.parts.state.as_deref(), &self.name);
        }
        done
    }

    /// Ends the tokens at the provider and removes the copy here; whether there was one.
    async fn forget(&self, custody: &Custody, done: &mut Done) -> Result<bool, Error> {
        let store = Error::store(&self.name);
        let mut known = match custody.read().await {
            Ok(known) => known,
            Err(unread) => {
                done.provider = AtProvider::Unread;
                match unread {
                    // What cannot be read can still be forgotten.
                    Unread::Damaged => None,
                    // What only a newer program understands is not ours to destroy.
                    unread => return Err(store(custody.failure(unread))),
                }
            }
        };
        let deadline = Instant::now() + PATIENCE;
        for _ in 0..ROUNDS {
            if let Some(grant) = &known {
                done.was_signed_in = true;
                done.way = Some(grant.way);
                self.end(grant, deadline, done).await;
            }
            let looked_at = known.as_ref().map(|grant| grant.generation);
            match custody.delete(looked_at).await.map_err(Error::store(&self.name))? {
                Removal::Removed(existed) => {
                    if existed {
                        self.parts.audit.done(What::Logout, &self.name, known.as_ref());
                    }
                    return Ok(existed);
                }
                // A program that does not know the lock has logged in meanwhile. The person wants no login, and tokens
                // that were merely forgotten would live on at the provider: these are ended, too.
                Removal::Overtaken(newer) => known = Some(*newer),
            }
        }
        Err(Error::Busy { connection: self.name.clone(), waited: session::LONG_WAIT })
    }

    /// The parts that reach the provider. Of a connection that is configured no more, the login itself says where it was.
    fn reaching(&self, grant: &Grant) -> Parts {
        if self.is_configured {
            return self.parts.clone();
        }
        let address = Url::parse(&grant.url).ok();
        Parts { http: self.parts.http.near(address.iter()), ..self.parts.clone() }
    }

    /// The procedure that obtained a login of this way. The entry of the connection may be gone, or name another backend
    /// by now; the name of the connection or the way still tells whose procedure it was, unless several have that way.
    fn procedure(&self, way: Way) -> Option<&'static dyn Procedure> {
        let has_it = |backend: &&Backend| backend.ways.contains(&way);
        let named = [self.backend, backends::named(&self.name)].into_iter().flatten().find(has_it);
        let mut all = backends::ALL.iter().copied().filter(has_it);
        named.or_else(|| all.next().filter(|_| all.next().is_none()))?.sign_in
    }

    /// Ends what a backend's own procedure obtained, where it was: the configuration may point elsewhere by now.
    async fn end_own(&self, grant: &Grant, deadline: Instant) -> AtProvider {
        if self.wish.local_only {
            return AtProvider::Unasked;
        }
        let (Some(procedure), Ok(url)) = (self.procedure(grant.way), Url::parse(&grant.url)) else {
            return AtProvider::NoEndpoint;
        };
        let http = self.parts.http.near([&url]);
        match timeout_at(deadline, procedure.end(&http, &url, &grant.access_token)).await {
            Err(_) => AtProvider::TimedOut,
            Ok(Ok(End::Nothing)) => AtProvider::Forgotten,
            Ok(Ok(End::Ended)) => AtProvider::Ended,
            Ok(Ok(End::Stays(what))) => AtProvider::Stays(what),
            Ok(Err(error)) => AtProvider::Unended(error),
        }
    }

    async fn end(&self, grant: &Grant, deadline: Instant, done: &mut Done) {
        if grant.way.is_exchanged() {
            done.provider = self.end_own(grant, deadline).await;
            return;
        }
        let Some(issued) = &grant.issued else { return };
        done.issuer = Some(issued.issuer.clone());
        let known = self.provider.unwrap_or_else(|| providers::of_issuer(&issued.issuer));
        done.sessions = known.sessions;
        if self.wish.end_session {
            done.page = page(issued);
        }
        if self.wish.local_only {
            done.provider = AtProvider::Unasked;
            return;
        }
        let Some(endpoint) = &issued.revocation_endpoint else {
            done.provider = AtProvider::NoEndpoint;
            return;
        };
        let parts = &self.reaching(grant);
        let provider = Provider { parts, endpoint, issued, deadline };
        // The refresh token first: with it, servers end the access tokens of the grant, too (RFC 7009 §2.1).
        let refresh = match &issued.refresh_token {
            Some(token) => Some(provider.end(token, Kind::Refresh).await),
            None => None,
        };
        // Who could not be reached, or does not know us, has the same answer for the other token.
        let goes_on = match &refresh {
            None | Some(AtProvider::Ended | AtProvider::Unsupported) => true,
            Some(AtProvider::Failed(error)) => error.oauth_code().is_some(),
            Some(_) => false,
        };
        let access = match (known.revocation, &refresh) {
            _ if !goes_on => None,
            // It says so of every access token, and is not asked in vain.
            (Revocation::RefreshOnly, _) => Some(AtProvider::Unsupported),
            // The refresh token has ended everything, and of the other one nobody knows any more.
            (Revocation::Login, Some(AtProvider::Ended)) => Some(AtProvider::Ended),
            _ => Some(provider.end(&grant.access_token, Kind::Access).await),
        };
        done.access_ended = access.as_ref().map(|access| matches!(access, AtProvider::Ended));
        // The one that renews is what matters; without it, the access token is.
        done.provider = refresh.or(access).unwrap_or(AtProvider::Unasked);
    }
}

/// The provider's page on which the person ends their session there. An address from metadata is a stranger's: one that
/// is neither https nor on this machine is none.
fn page(issued: &Issued) -> Option<Url> {
    let endpoint = issued.end_session_endpoint.as_ref().filter(|endpoint| is_safe(endpoint))?;
    Some(oauth::end_session(endpoint, &issued.client.id, issued.account.as_deref(), None))
}

/// The provider, for as long as it has.
struct Provider<'a> {
    parts: &'a Parts,
    endpoint: &'a Url,
    issued: &'a Issued,
    deadline: Instant,
}

impl Provider<'_> {
    async fn end(&self, token: &Secret, kind: Kind) -> AtProvider {
        match timeout_at(self.deadline, self.insist(token, kind)).await {
            Ok(outcome) => AtProvider::of(outcome),
            Err(_) => AtProvider::TimedOut,
        }
    }

    /// A provider that asks for a moment (RFC 7009 §2.2.1: 503 with `Retry-After`) gets it once, if there is time.
    async fn insist(&self, token: &Secret, kind: Kind) -> Result<(), oauth::Error> {
        let Issued { client, issuer, .. } = self.issued;
        let (http, endpoint, now) = (&self.parts.http, self.endpoint, self.parts.clock.now().0);
        let revocation = oauth::Revocation { endpoint, issuer, client, token, kind, now };
        let first = oauth::revoke(http, revocation).await;
        let Err(oauth::Error::Server { retry_after: Some(moment), .. }) = &first else { return first };
        if Instant::now() + *moment >= self.deadline {
            return first;
        }
        tokio::time::sleep(*moment).await;
        oauth::revoke(http, revocation).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Http;
    use crate::machine::{Clock, Timestamp};
    use crate::store::memory::Memory;
    use crate::store::{Key, Store as _};

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp(1_800_000_000)
        }
    }

    async fn kept(store: &Memory) {
        let url = Url::parse("https://api.example/v1").expect("an address");
        let grant = Grant::pasted(Way::ApiKey, Secret::new("k"), &url, 7, Timestamp(0));
        store.save(&Key::grant("box"), &grant.encode()).await.expect("saved");
    }

    fn logout(store: &Memory) -> Logout {
        let parts = Parts {
            http: Http::new(&Default::default()),
            store: Arc::new(store.clone()),
            clock: Arc::new(Noon),
            state: None,
            shared: None,
            owned: Default::default(),
            audit: crate::app::Audit::new(None, Arc::new(Noon)),
        };
        let (variable, wish) = (None, Wish::default());
        Logout { parts, name: "box".to_owned(), is_configured: true, provider: None, backend: None, variable, wish }
    }

    #[tokio::test]
    async fn the_copy_goes_without_the_lock_and_the_result_says_that_it_was_not_had() {
        let store = Memory::new();
        kept(&store).await;
        let busy = || Err(Error::Busy { connection: "box".to_owned(), waited: session::LONG_WAIT });
        let done = logout(&store).run(busy()).await;
        assert_eq!((done.here, done.was_signed_in), (Here::RemovedUnlocked, true));
        assert!(matches!(done.trouble, Some(Error::Busy { .. })), "{done:?}");
        assert_eq!(store.delete(&Key::grant("box")).await, Ok(false));
        // Where nothing was kept, nobody can have been working on it.
        let done = logout(&store).run(busy()).await;
        assert!(done.here == Here::Nothing && done.trouble.is_none() && !done.was_signed_in, "{done:?}");
    }

    #[tokio::test]
    async fn a_logout_that_has_begun_ends_also_when_the_caller_is_gone() {
        let store = Memory::new();
        kept(&store).await;
        let logout = logout(&store);
        let owned = logout.parts.owned.clone();
        drop(begin(logout, Err(Error::Interrupted)));
        owned.settle(Duration::from_secs(5)).await;
        assert_eq!(store.delete(&Key::grant("box")).await, Ok(false));
    }
}
