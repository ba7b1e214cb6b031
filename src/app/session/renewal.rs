//! The renewal transaction.
//!
//! A rotating refresh token may be spent once, and its replacement must survive a crash. So: one flight per process →
//! the connection's lock → read again → adopt what another process renewed → a mark in the store, which also proves that
//! it can be written → the request → the durable write → use. It runs in a task of its own, so that a caller who gives
//! up does not abort it half-way.

use std::sync::Arc;
use std::time::Duration;

use ring::rand::SecureRandom as _;
use tokio::sync::watch;
use tokio::time::Instant;

use super::super::error::Ended;
use super::super::grant::{Grant, Issued, State};
use super::super::{client, grant_lock};
use super::{Error, Inner, Need};
use crate::machine::Timestamp;
use crate::oauth::{self, RefreshError, Tokens};
use crate::secret::Secret;
use crate::store::lock;

/// How long another process may hold the lock before a caller is told that it is busy.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(20);
/// How long a login or a logout waits: a renewal may take its whole request and a slow keychain.
pub(crate) const LONG_WAIT: Duration = Duration::from_secs(50);
/// How often a write is tried again, and after which pause.
const SAVE_AGAIN: u32 = 8;
const SAVE_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(600);

/// A renewal that failed for a passing reason: no other is tried before `until`.
#[derive(Clone)]
pub(super) struct Trouble {
    error: Error,
    failures: u32,
    until: Instant,
}

impl Inner {
    /// Joins the renewal that is under way, or starts one.
    pub(super) async fn renew(self: &Arc<Self>, need: Need) -> Result<Arc<Grant>, Error> {
        let mut flight = {
            let mut memory = self.memory();
            if let Some(trouble) = memory.trouble.as_ref().filter(|trouble| Instant::now() < trouble.until) {
                return Err(trouble.error.clone());
            }
            match &memory.flight {
                // A flight whose task is gone will never land; the next caller starts another.
                Some(flight) if flight.has_changed().is_ok() => flight.clone(),
                _ => {
                    let (landed, flight) = watch::channel(None);
                    memory.flight = Some(flight.clone());
                    let inner = Arc::clone(self);
                    self.parts.owned.spawn(async move {
                        let outcome = inner.transaction(need).await;
                        inner.remember(&outcome);
                        landed.send_replace(Some(outcome));
                    });
                    flight
                }
            }
        };
        // The sender is dropped without a word only if the task died with the runtime.
        let landed = flight.wait_for(Option::is_some).await.map_err(|_| Error::Interrupted)?;
        landed.clone().unwrap_or(Err(Error::Interrupted))
    }

    fn remember(&self, outcome: &Result<Arc<Grant>, Error>) {
        let mut memory = self.memory();
        memory.flight = None;
        memory.trouble = match outcome {
            Err(error @ (Error::Renewal { .. } | Error::Busy { .. } | Error::Store { .. })) => {
                let failures = memory.trouble.as_ref().map_or(0, |trouble| trouble.failures) + 1;
                let until = Instant::now() + pause(failures, error);
                Some(Trouble { error: error.clone(), failures, until })
            }
            _ => None,
        };
    }

    async fn transaction(self: &Arc<Self>, need: Need) -> Result<Arc<Grant>, Error> {
        let folder = self.parts.locks()?;
        let _lock =
            lock::acquire(&folder, &grant_lock(&self.name), LOCK_WAIT).await.map_err(Error::lock(&self.name))?;
        let stored = self.load().await?.ok_or_else(|| self.login_required(Ended::Absent))?;
        if self.meets(&stored, need) {
            return Ok(stored);
        }
        if !self.owns(&stored) {
            return Err(self.login_required(Ended::Elsewhere));
        }
        let Some((issued, refresh_token)) = spendable(&stored) else {
            return Err(self.login_required(match &stored.state {
                State::NeedsLogin(code) => Ended::Revoked { code: code.clone() },
                _ => Ended::Expired,
            }));
        };
        let interrupted = stored.state == State::RefreshStarted;
        let marked = Grant { state: State::RefreshStarted, ..Grant::clone(&stored) };
        self.save(&marked).await.map_err(Error::store(&self.name))?;
        let request = oauth::Refresh {
            token_endpoint: &issued.token_endpoint,
            issuer: &issued.issuer,
            client: &issued.client,
            refresh_token: &refresh_token,
            resource: issued.resource.as_deref(),
            scope: None,
            now: self.now().0,
        };
        match oauth::refresh(&self.parts.http, request).await {
            Ok(tokens) => self.keep(merge(&stored, issued, tokens, self.now())).await,
            Err(error) => self.failed(&stored, error, interrupted).await,
        }
    }

    /// The durable write comes before the use: a token that was handed out and then lost with a crash could not be
    /// renewed by anybody.
    async fn keep(&self, renewed: Grant) -> Result<Arc<Grant>, Error> {
        let mut outcome = self.save(&renewed).await;
        // The provider has forgotten the old token by now, so a passing trouble gets more chances. A write that timed
        // out may still be under way: the lock is held until it is over or the patience is.
        for _ in 0..SAVE_AGAIN {
            match outcome {
                Ok(()) => break,
                Err(_) => tokio::time::sleep(SAVE_PAUSE).await,
            }
            outcome = self.save(&renewed).await;
        }
        outcome.map_err(|error| Error::NotKept { connection: self.name.clone(), error })?;
        let renewed = Arc::new(renewed);
        self.memory().seen = Some((Arc::clone(&renewed), self.stamp.read()));
        log::info!("`{}` was renewed", self.name);
        Ok(renewed)
    }

    async fn save(&self, grant: &Grant) -> Result<(), crate::store::Error> {
        self.parts.store.save(&self.key, &grant.encode()).await?;
        self.stamp.write(Some(grant.generation));
        Ok(())
    }

    async fn failed(&self, before: &Grant, error: RefreshError, interrupted: bool) -> Result<Arc<Grant>, Error> {
        if let RefreshError::Definitive(cause) = &error {
            let code = cause.oauth_code().unwrap_or("invalid_grant").to_owned();
            // Only this generation is over. The lock is held, so a different one can only come from a login that
            // does not know the lock; it wins all the same.
            if let Some(now) = self.load().await?.filter(|now| now.generation != before.generation && self.owns(now)) {
                return Ok(now);
            }
            let ended = Grant { state: State::NeedsLogin(code.clone()), ..before.clone() };
            self.save(&ended).await.map_err(Error::store(&self.name))?;
            return Err(self.login_required(if interrupted { Ended::Interrupted } else { Ended::Revoked { code } }));
        }
        // A refresh token belongs to its client, so another registration would not help this grant; the next login does
        // not begin with a client that the issuer has forgotten.
        if error.cause().refuses_client()
            && let Some(issued) = &before.issued
        {
            client::refused(&self.parts, &self.name, &issued.issuer, &issued.client.id).await?;
        }
        // The mark stays if the request may have arrived: whoever comes next must know that.
        if nothing_was_spent(&error) && !interrupted {
            self.save(before).await.map_err(Error::store(&self.name))?;
        }
        Err(Error::Renewal { connection: self.name.clone(), error: Arc::new(error) })
    }
}

/// The OAuth part and the refresh token of a grant that can be renewed.
fn spendable(stored: &Grant) -> Option<(Issued, Secret)> {
    if matches!(stored.state, State::NeedsLogin(_)) {
        return None;
    }
    let issued = stored.issued.clone()?;
    let refresh_token = issued.refresh_token.clone()?;
    Some((issued, refresh_token))
}

/// Whether the refresh token is certainly unspent: the request never left, or the server said why it did nothing.
fn nothing_was_spent(error: &RefreshError) -> bool {
    match error {
        RefreshError::Client(_) | RefreshError::Configuration(_) => true,
        RefreshError::Transient { cause: oauth::Error::Network(error), .. } => error.nothing_was_sent(),
        RefreshError::Transient { cause: oauth::Error::Server { status, .. }, .. } => {
            matches!(status, 408 | 425 | 429 | 503)
        }
        _ => false,
    }
}

fn merge(before: &Grant, issued: Issued, tokens: Tokens, now: Timestamp) -> Grant {
    let expires_at = expiry(&tokens, now);
    Grant {
        way: before.way,
        access_token: tokens.access_token,
        generation: before.generation.saturating_add(1),
        url: before.url.clone(),
        obtained_at: now,
        state: State::Valid,
        issued: Some(Issued {
            // RFC 6749 §6: without a new refresh token the old one stays good, and so does the scope.
            refresh_token: tokens.refresh_token.or(issued.refresh_token),
            scopes: tokens.scope.unwrap_or(issued.scopes),
            expires_at,
            ..issued
        }),
    }
}

/// When tokens that arrived at `now` end: counted from when the answer may have been made, at most 5 s before.
pub(crate) fn expiry(tokens: &Tokens, now: Timestamp) -> Option<Timestamp> {
    let lifetime = i64::try_from(tokens.expires_in?).unwrap_or(i64::MAX);
    let travel = i64::try_from(tokens.took.as_secs()).unwrap_or(0).min(5);
    Some(now.after(lifetime).after(-travel))
}

fn pause(failures: u32, error: &Error) -> Duration {
    if let Error::Renewal { error, .. } = error
        && let RefreshError::Transient { retry_after: Some(asked), .. } = error.as_ref()
    {
        return (*asked).min(LONGEST_RETRY_AFTER);
    }
    let doubled = Duration::from_secs(1 << failures.saturating_sub(1).min(6)).min(LONGEST_PAUSE);
    // A fifth more or less, so that many programs do not come back in one moment.
    let mut byte = [128; 1];
    let _ = ring::rand::SystemRandom::new().fill(&mut byte);
    doubled.mul_f64(f64::from(byte[0]) / 255.0 * 0.4 + 0.8)
}
