//! A session: the live, self-renewing view of one connection's grant.
//!
//! It keeps the grant in memory and looks at a small stamp file before each use, so that a login, a logout or a renewal
//! in another process is seen on the next call without asking the keychain each time. Renewing is in [`renewal`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;
use url::Url;

use super::error::Ended;
use super::grant::{Grant, State};
use super::{Error, Parts, provider};
use crate::backends::{Boxed, Credential, CredentialSource, Unavailable, Way};
use crate::config;
use crate::machine::Timestamp;
use crate::providers::{self, Provider};
use crate::store::{self, Key};

use binding::{Keys, Prover};
use spill::{Found, Spill};

mod binding;
mod custody;
mod pace;
mod renewal;
mod spill;
mod stamp;

pub(crate) use custody::{Custody, Removal, Unread};
pub(crate) use renewal::{LOCK_WAIT, LONG_WAIT, clock_skew, expiry, obtained, odd, refresh_expiry};
pub use stamp::Stamp;

/// The session of one connection. Clones share it.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    name: String,
    way: Way,
    url: Option<Url>,
    issuer: Option<String>,
    /// The provider that the configuration names.
    provider: Option<&'static Provider>,
    key: Key,
    stamp: Stamp,
    spill: Spill,
    parts: Parts,
    keys: Keys,
    memory: Mutex<Memory>,
}

/// Tells all who wait how a renewal ended.
type Flight = watch::Receiver<Option<Result<Arc<Grant>, Error>>>;

#[derive(Default)]
struct Memory {
    /// What the store held when it was last read.
    seen: Option<Seen>,
    /// The renewal that is under way.
    flight: Option<Flight>,
    /// Renewals that failed in a row for a reason that the store could not be told.
    trouble: Option<renewal::Trouble>,
}

/// A grant, and when it was first seen here.
struct Seen {
    grant: Arc<Grant>,
    /// The stamp at the last reading.
    stamp: Option<String>,
    /// What the clock said at the first.
    wall: Timestamp,
    /// The same moment on a clock that nobody can set.
    instant: Instant,
}

impl Seen {
    /// The time for judging this grant: it has grown older by what has passed, also if the clock was set back. A clock
    /// that was set forward is believed, because a machine that was asleep looks the same.
    fn time(&self, wall: Timestamp) -> Timestamp {
        wall.max(self.wall.after(i64::try_from(self.instant.elapsed().as_secs()).unwrap_or(i64::MAX)))
    }
}

/// What a caller needs of a grant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Need {
    /// Seconds for which the token must be good; the grant's own skew if that is longer.
    pub seconds: i64,
    /// The generation that the service refused.
    pub not: Option<u64>,
}

impl Session {
    /// The session of `connection`; reads nothing yet.
    pub fn new(connection: &config::Connection, parts: &Parts) -> Self {
        Self(Arc::new(Inner {
            name: connection.name.clone(),
            way: connection.way.0,
            url: connection.endpoint(connection.way.0),
            issuer: connection.issuer.clone(),
            provider: connection.provider,
            key: Key::grant(&connection.name),
            stamp: Stamp::new(parts.shared.as_deref(), &connection.name),
            spill: Spill::new(parts.shared.as_deref(), &connection.name),
            parts: parts.clone(),
            keys: Keys::default(),
            memory: Mutex::default(),
        }))
    }

    /// A grant that meets the need: from memory, from the store, or renewed.
    pub async fn grant(&self, need: Need) -> Result<Arc<Grant>, Error> {
        let inner = &self.0;
        if let Some(grant) = inner.remembered()
            && inner.meets(&grant, need)
        {
            return Ok(grant);
        }
        let grant = inner.load().await?.ok_or_else(|| inner.login_required(Ended::Absent))?;
        if !inner.owns(&grant) {
            return Err(inner.login_required(Ended::Elsewhere));
        }
        if inner.meets(&grant, need) {
            return Ok(grant);
        }
        let now = inner.time_for(&grant);
        let still_good = need.not != Some(grant.generation) && grant.lasts(now, need.seconds.max(1));
        if let Some(ended) = grant.state.ended() {
            return inner.at_the_end(grant, still_good, ended);
        }
        if !grant.renews(now) {
            let ended = if need.not.is_some() { Ended::Refused } else { Ended::Expired };
            return if still_good { Ok(grant) } else { Err(inner.login_required(ended)) };
        }
        let outcome = match pace::pause(&grant, inner.now()) {
            Some((why, seconds)) => Err(Error::Paused { connection: inner.name.clone(), seconds, why }),
            None => inner.renew(need).await,
        };
        match outcome {
            Err(Error::LoginRequired { why, .. }) => inner.at_the_end(grant, still_good, why),
            Err(error) if still_good && !matches!(error, Error::NotKept { .. }) => {
                log::warn!("`{}` could not be renewed yet: {error}", inner.name);
                Ok(grant)
            }
            outcome => outcome,
        }
    }

    /// Whether the grant is for where the connection points now.
    pub fn owns(&self, grant: &Grant) -> bool {
        self.0.owns(grant)
    }

    /// The grant as the store has it, without renewing; `None` if there is none.
    pub async fn stored(&self) -> Result<Option<Arc<Grant>>, Error> {
        self.0.load().await
    }
}

impl Inner {
    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Nothing is left half-done while the lock is held, so a poisoned one is as good as any.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The grant in memory, unless another process has written since it was read.
    fn remembered(&self) -> Option<Arc<Grant>> {
        let now = self.stamp.read();
        // Without a stamp nobody can tell, so the store is asked.
        let is_current = |seen: &&Seen| now.is_some() && seen.stamp == now;
        self.memory().seen.as_ref().filter(is_current).map(|seen| Arc::clone(&seen.grant))
    }

    /// The grant as the store has it, or as the emergency copy beside the store has it.
    async fn load(&self) -> Result<Option<Arc<Grant>>, Error> {
        // The stamp is read first: a write in between makes the next caller read again.
        let stamp = self.stamp.read();
        let grant = match custody::read(&self.parts, &self.key).await.map_err(|unread| self.unread(unread))? {
            Some(grant) if grant.state == State::RefreshStarted => Some(self.rescued(grant).await),
            other => other,
        };
        Ok(self.see(grant.map(Arc::new), stamp))
    }

    /// What the renewal that was begun with `marked` obtained, if it could not be put into the store.
    async fn rescued(&self, marked: Grant) -> Grant {
        let Found::Kept(renewed) = self.spill.read(&marked) else { return marked };
        // If nobody holds the lock, the renewal is not under way any more, and the store gets now what it did not then.
        if let Some(custody) = Custody::try_take(&self.parts, &self.name)
            && let Ok(Some(adopted)) = custody.read().await
        {
            return adopted;
        }
        *renewed
    }

    fn see(&self, grant: Option<Arc<Grant>>, stamp: Option<String>) -> Option<Arc<Grant>> {
        let (wall, instant) = (self.now(), Instant::now());
        let mut memory = self.memory();
        let before = memory.seen.take();
        memory.seen = grant.clone().map(|grant| match before {
            Some(before) if before.grant.generation == grant.generation => Seen { grant, stamp, ..before },
            _ => {
                if grant.comes_from_the_future(wall) {
                    log::warn!(
                        "the clock was set back since `{}` was renewed: when its token ends is unknown",
                        self.name
                    );
                }
                Seen { grant, stamp, wall, instant }
            }
        });
        grant
    }

    /// The time for judging `grant`.
    fn time_for(&self, grant: &Grant) -> Timestamp {
        let wall = self.now();
        let memory = self.memory();
        let seen = memory.seen.as_ref().filter(|seen| seen.grant.generation == grant.generation);
        seen.map_or(wall, |seen| seen.time(wall))
    }

    fn owns(&self, grant: &Grant) -> bool {
        let is_issuer = |known: &str| {
            let provider = self.provider.unwrap_or_else(|| providers::of_issuer(known));
            self.issuer.as_deref().is_none_or(|named| provider::is_issuer(provider, named, known))
        };
        self.url.as_ref().is_some_and(|url| grant.belongs(self.way, url, is_issuer))
    }

    fn meets(&self, grant: &Grant, need: Need) -> bool {
        self.owns(grant)
            && need.not != Some(grant.generation)
            && !matches!(grant.state, State::NeedsLogin(_))
            && grant.lasts(self.time_for(grant), need.seconds.max(grant.skew()))
    }

    /// A token that has not ended yet is good although it cannot be renewed any more, unless it is not known whose it is.
    fn at_the_end(&self, grant: Arc<Grant>, still_good: bool, ended: Ended) -> Result<Arc<Grant>, Error> {
        match ended {
            Ended::Revoked { .. } | Ended::Interrupted if still_good => Ok(grant),
            ended => Err(self.login_required(ended)),
        }
    }

    fn unread(&self, unread: Unread) -> Error {
        match unread {
            Unread::Store(error) => Error::Store { connection: self.name.clone(), error },
            // A login would destroy what only the newer program understands.
            Unread::Newer => {
                Error::Store { connection: self.name.clone(), error: store::Error::Newer { key: self.key.clone() } }
            }
            // Only a login helps, and it sets aside what is damaged.
            Unread::Damaged => self.login_required(Ended::Unreadable),
        }
    }

    fn login_required(&self, why: Ended) -> Error {
        Error::LoginRequired { connection: self.name.clone(), way: self.way, why }
    }

    async fn credential(&self, session: &Session, need: Need) -> Result<Option<Credential>, Unavailable> {
        let grant = session.grant(need).await.map_err(|error| Unavailable(Arc::new(error)))?;
        let unreadable = |_| Unavailable(Arc::new(self.login_required(Ended::Unreadable)));
        let proof = Prover::of(&self.keys, &grant, &self.parts.clock).map_err(unreadable)?;
        let (header, value) = match grant.way.is_exchanged() {
            true => (None, grant.access_token.clone()),
            false => (Some("authorization"), grant.authorization()),
        };
        Ok(Some(Credential { header, value, companion: None, generation: grant.generation, proof }))
    }
}

impl CredentialSource for Session {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        Box::pin(self.0.credential(self, Need::default()))
    }

    fn replace<'a>(&'a self, rejected: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        Box::pin(self.0.credential(self, Need { not: Some(rejected.generation), ..Need::default() }))
    }

    /// The account where the provider names one; every login forgets what was kept before it in any case.
    fn whose(&self) -> Boxed<'_, Option<String>> {
        let inner = &self.0;
        Box::pin(async move {
            let grant = match inner.remembered() {
                Some(grant) => grant,
                None => inner.load().await.ok().flatten()?,
            };
            if !inner.owns(&grant) || grant.state.ended().is_some() {
                return None;
            }
            let issued = grant.issued.as_ref();
            let account = issued.map(|issued| (&issued.issuer, issued.subject.as_deref().unwrap_or_default()));
            Some(format!("{} {account:?}", grant.way.word()))
        })
    }
}
