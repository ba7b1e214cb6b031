//! A session: the live, self-renewing view of one connection's grant.
//!
//! It keeps the grant in memory and looks at a small stamp file before each use, so that a login, a logout or a renewal
//! in another process is seen on the next call without asking the keychain each time. Renewing is in [`renewal`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use url::Url;

use super::error::Ended;
use super::grant::{Grant, State, Unreadable};
use super::{Error, Parts};
use crate::backends::{Boxed, Credential, CredentialSource, Unavailable, Way};
use crate::config;
use crate::store::{self, Key};

mod renewal;
mod stamp;

pub(crate) use renewal::{LOCK_WAIT, LONG_WAIT, expiry};
pub use stamp::Stamp;

/// The session of one connection. Clones share it.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    name: String,
    way: Way,
    url: Option<Url>,
    issuer: Option<String>,
    key: Key,
    stamp: Stamp,
    parts: Parts,
    memory: Mutex<Memory>,
}

/// Tells all who wait how a renewal ended.
type Flight = watch::Receiver<Option<Result<Arc<Grant>, Error>>>;

#[derive(Default)]
struct Memory {
    /// What the store held when it was last read, and the stamp of that moment.
    seen: Option<(Arc<Grant>, Option<String>)>,
    /// The renewal that is under way.
    flight: Option<Flight>,
    /// Renewals that failed in a row for a passing reason.
    trouble: Option<renewal::Trouble>,
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
            key: Key::grant(&connection.name),
            stamp: Stamp::new(parts.state.as_deref(), &connection.name),
            parts: parts.clone(),
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
        let still_good = need.not != Some(grant.generation) && grant.lasts(inner.now(), need.seconds.max(1));
        if let State::NeedsLogin(code) = &grant.state {
            // A token that has not ended yet is good although it cannot be renewed any more.
            let ended = Ended::Revoked { code: code.clone() };
            return if still_good { Ok(grant) } else { Err(inner.login_required(ended)) };
        }
        if !grant.is_renewable() {
            let ended = if need.not.is_some() { Ended::Refused } else { Ended::Expired };
            return if still_good { Ok(grant) } else { Err(inner.login_required(ended)) };
        }
        match inner.renew(need).await {
            Err(error) if still_good && !matches!(error, Error::LoginRequired { .. } | Error::NotKept { .. }) => {
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
    fn now(&self) -> crate::machine::Timestamp {
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
        let is_current = |stamp: &Option<String>| now.is_some() && *stamp == now;
        self.memory().seen.as_ref().filter(|(_, stamp)| is_current(stamp)).map(|(grant, _)| Arc::clone(grant))
    }

    async fn load(&self) -> Result<Option<Arc<Grant>>, Error> {
        // The stamp is read first: a write in between makes the next caller read again.
        let stamp = self.stamp.read();
        let stored = match self.parts.store.load(&self.key).await {
            // Only a login helps, and it sets aside what is damaged.
            Err(store::Error::Damaged { .. }) => return Err(self.login_required(Ended::Unreadable)),
            stored => stored.map_err(Error::store(&self.name))?,
        };
        let grant = match stored {
            None => None,
            Some(text) => match Grant::decode(&text) {
                Ok(grant) => Some(Arc::new(grant)),
                Err(Unreadable::Damaged) => return Err(self.login_required(Ended::Unreadable)),
                // A login would destroy what only the newer program understands.
                Err(Unreadable::Newer) => {
                    return Err(Error::store(&self.name)(store::Error::Newer { key: self.key.clone() }));
                }
            },
        };
        self.memory().seen = grant.clone().map(|grant| (grant, stamp));
        Ok(grant)
    }

    fn owns(&self, grant: &Grant) -> bool {
        self.url.as_ref().is_some_and(|url| grant.belongs(self.way, url, self.issuer.as_deref()))
    }

    fn meets(&self, grant: &Grant, need: Need) -> bool {
        self.owns(grant)
            && need.not != Some(grant.generation)
            && !matches!(grant.state, State::NeedsLogin(_))
            && grant.lasts(self.now(), need.seconds.max(grant.skew()))
    }

    fn login_required(&self, why: Ended) -> Error {
        Error::LoginRequired { connection: self.name.clone(), way: self.way, why }
    }

    async fn credential(&self, session: &Session, need: Need) -> Result<Option<Credential>, Unavailable> {
        let grant = session.grant(need).await.map_err(|error| Unavailable(Arc::new(error)))?;
        Ok(Some(Credential { header: "authorization", value: grant.bearer(), generation: grant.generation }))
    }
}

impl CredentialSource for Session {
    fn credential(&self) -> Boxed<'_, Result<Option<Credential>, Unavailable>> {
        Box::pin(self.0.credential(self, Need::default()))
    }

    fn replace<'a>(&'a self, rejected: &'a Credential) -> Boxed<'a, Result<Option<Credential>, Unavailable>> {
        Box::pin(self.0.credential(self, Need { not: Some(rejected.generation), ..Need::default() }))
    }
}
