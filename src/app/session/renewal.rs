//! The renewal transaction.
//!
//! A rotating refresh token may be spent once, and its replacement must survive a crash. So: one flight per process →
//! the connection's lock → read again → adopt what another process renewed → a mark in the store, which also proves that
//! it can be written → the request → an encrypted copy beside the store → the durable write → use. It runs in a task of
//! its own, so that a caller who gives up does not abort it half-way.
//!
//! | the process dies | what the next one finds | what it does |
//! |---|---|---|
//! | before the mark | the old grant | renews |
//! | before the request arrived | the mark | renews: the token is unspent |
//! | after that, before the answer arrived | the mark | renews, and says what happened if the token is spent |
//! | after the answer arrived | the mark and the copy | adopts the copy |
//! | after the durable write | the new grant | uses it |

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::super::audit::What;
use super::super::client;
use super::super::error::Ended;
use super::super::grant::{ACCOUNT_CHANGED, Flow, Grant, INTERRUPTED, Issued, Renewals, State};
use super::super::provider;
use super::binding::providers_time;
use super::custody::{Change, Custody};
use super::{Error, Inner, Need, pace, spill};
use crate::machine::Timestamp;
use crate::oauth::{self, RefreshError, TokenType, Tokens};
use crate::providers::{self, Provider};

/// How long another process may hold the lock before a caller is told that it is busy.
pub(crate) const LOCK_WAIT: Duration = Duration::from_secs(20);
/// How long a login or a logout waits: a renewal may take its whole request and a slow keychain.
pub(crate) const LONG_WAIT: Duration = Duration::from_secs(50);
/// How often a write is tried again where there is no emergency copy, and after which pause.
const SAVE_AGAIN: u32 = 8;
const SAVE_PAUSE: Duration = Duration::from_secs(2);
/// A clock that differs from the provider's by more than this is worth a word.
const CLOCK_TOLERANCE: u64 = 60;

/// A renewal that failed for a reason that is not in the grant: no other is tried before `until`.
#[derive(Clone)]
pub(super) struct Trouble {
    error: Error,
    failures: u32,
    until: Instant,
}

/// A request for new tokens that failed, and when it was made.
struct Failure {
    error: RefreshError,
    began: Timestamp,
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
                        inner.land(&outcome);
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

    fn land(&self, outcome: &Result<Arc<Grant>, Error>) {
        self.memory().flight = None;
        match outcome {
            Err(error @ (Error::Busy { .. } | Error::Store { .. })) => self.trouble(error),
            // A pause after this one is in the grant, for all processes.
            Err(Error::Renewal { .. }) => {}
            _ => self.memory().trouble = None,
        }
    }

    /// Holds the next renewal of this process back, because the store cannot tell anybody to wait.
    fn trouble(&self, error: &Error) {
        let mut memory = self.memory();
        let failures = memory.trouble.as_ref().map_or(0, |trouble| trouble.failures).saturating_add(1);
        let until = Instant::now() + pace::jittered(pace::backoff(failures));
        memory.trouble = Some(Trouble { error: error.clone(), failures, until });
    }

    async fn transaction(self: &Arc<Self>, need: Need) -> Result<Arc<Grant>, Error> {
        let custody = Custody::take(&self.parts, &self.name, LOCK_WAIT).await?;
        let stamp = self.stamp.read();
        let stored = custody.read().await.map_err(|unread| self.unread(unread))?.map(Arc::new);
        let stored = self.see(stored, stamp).ok_or_else(|| self.login_required(Ended::Absent))?;
        if self.meets(&stored, need) {
            return Ok(stored);
        }
        let issued = self.renewable(&stored)?;
        let began = self.now();
        let renewals =
            Renewals { recent: pace::begun(&stored, began), spill_key: spill::key(), ..stored.renewals.clone() };
        let marked = Grant { state: State::RefreshStarted, renewals, ..Grant::clone(&stored) };
        custody.save(&marked).await.map_err(Error::store(&self.name))?;
        let outcome = match self.request(issued).await {
            Ok(tokens) if self.is_somebody_else(issued, &tokens) => {
                let end = Grant { state: State::NeedsLogin(ACCOUNT_CHANGED.to_owned()), ..Grant::clone(&stored) };
                self.end(&custody, end).await
            }
            Ok(tokens) => self.keep(&custody, &marked, self.merge(&marked, issued, tokens)).await,
            Err(error) => self.failed(&custody, &stored, Failure { error, began }).await,
        };
        self.parts.audit.ended(What::Renewal, &self.name, outcome.as_deref());
        outcome
    }

    /// The OAuth part of a grant that can be renewed now.
    fn renewable<'a>(&self, stored: &'a Grant) -> Result<&'a Issued, Error> {
        if !self.owns(stored) {
            return Err(self.login_required(Ended::Elsewhere));
        }
        if let Some(ended) = stored.state.ended() {
            return Err(self.login_required(ended));
        }
        // Another process may have failed while this one waited for the lock: sixteen programs are not to ask a provider
        // in trouble one after the other.
        if let Some((why, seconds)) = pace::pause(stored, self.now()) {
            return Err(Error::Paused { connection: self.name.clone(), seconds, why });
        }
        let issued = stored.issued.as_ref().filter(|_| stored.renews(self.now()));
        issued.ok_or_else(|| self.login_required(Ended::Expired))
    }

    async fn request(&self, issued: &Issued) -> Result<Tokens, RefreshError> {
        let resource = issued.resource.as_deref();
        match self.ask(issued, resource).await {
            Err(error) if resource.is_some() && goes_without_resource(self.provider_of(issued), &error) => {
                self.ask(issued, None).await
            }
            outcome => outcome,
        }
    }

    fn provider_of(&self, issued: &Issued) -> &'static Provider {
        self.provider.unwrap_or_else(|| providers::of_issuer(&issued.issuer))
    }

    async fn ask(&self, issued: &Issued, resource: Option<&str>) -> Result<Tokens, RefreshError> {
        let provider = self.provider_of(issued);
        let (resource, audience) = provider::target(provider, resource);
        let Ok(key) = self.keys.of(issued) else {
            return Err(RefreshError::Definitive(oauth::Error::Unusable { what: "dpop" }));
        };
        let now = providers_time(issued, self.now().0);
        let scopes = provider::coherent(provider, issued.flow == Flow::ClientCredentials, issued.scopes.clone());
        let Some(refresh_token) = issued.refresh_token.as_ref().filter(|_| issued.flow != Flow::ClientCredentials)
        else {
            // A client that acts for itself has no refresh token: it asks again, which spends nothing (RFC 6749 §4.4).
            let request = oauth::ClientCredentials {
                token_endpoint: &issued.token_endpoint,
                issuer: &issued.issuer,
                client: &issued.client,
                scopes: &scopes,
                resource,
                audience,
                habits: provider::habits(provider),
                binding: key.as_deref(),
                now,
            };
            return oauth::client_credentials(&self.parts.http, request).await.map_err(RefreshError::of);
        };
        let request = oauth::Refresh {
            token_endpoint: &issued.token_endpoint,
            issuer: &issued.issuer,
            client: &issued.client,
            refresh_token,
            resource,
            scope: provider.renewal.repeats_scopes.then_some(scopes.as_slice()),
            key: key.as_deref(),
            now,
        };
        oauth::refresh(&self.parts.http, request).await
    }

    /// OpenID Connect Core §12.2: a renewal names the account of the login. Tokens of another one must not pass for it:
    /// what the person reads and writes from then on would be somebody else's.
    fn is_somebody_else(&self, issued: &Issued, tokens: &Tokens) -> bool {
        let (Some(known), Some(id_token)) = (&issued.subject, &tokens.id_token) else { return false };
        let (issuer, client_id) = (issued.issuer.as_str(), issued.client.id.as_str());
        let habits = provider::habits(self.provider_of(issued));
        let known = oauth::Known { issuer, client_id, subject: known, habits };
        oauth::same_subject(id_token, &known).is_err()
    }

    fn merge(&self, marked: &Grant, issued: &Issued, tokens: Tokens) -> Grant {
        odd(&self.name, &tokens);
        let now = self.now();
        let habits = provider::habits(self.provider_of(issued));
        let granted = tokens.scope.as_ref().map(|scopes| habits.granted(scopes, &issued.scopes));
        if let Some(scopes) = &granted {
            let missing = habits.missing(scopes, &issued.scopes);
            if !missing.is_empty() {
                log::warn!("`{}` was renewed without these scopes: {}", self.name, missing.join(" "));
            }
        }
        let (expires_at, obtained_at) = (expiry(&tokens, now), obtained(&tokens, now));
        // A new refresh token of unknown end does not end with the old one.
        let refresh_expires_at = match (&tokens.refresh_token, refresh_expiry(&tokens, now)) {
            (None, None) => issued.refresh_expires_at,
            (_, end) => end,
        };
        let mut recent = marked.renewals.recent.clone();
        // Whatever was renewed: what is over on arrival is asked for once a minute.
        if tokens.expires_in == Some(0) && recent.last() != Some(&obtained_at) {
            recent.push(obtained_at);
        }
        let clock_skew = clock_skew(&self.name, &tokens, now);
        Grant {
            generation: marked.generation.saturating_add(1),
            access_token: tokens.access_token,
            obtained_at,
            state: State::Valid,
            issued: Some(Issued {
                // RFC 6749 §6: without a new refresh token the old one stays good, and so does the scope.
                refresh_token: tokens.refresh_token.or_else(|| issued.refresh_token.clone()),
                scopes: granted.unwrap_or_else(|| issued.scopes.clone()),
                refresh_expires_at,
                expires_at,
                claims: None,
                clock_skew: clock_skew.or(issued.clock_skew),
                dpop: issued.dpop.clone().filter(|_| tokens.token_type == TokenType::Dpop),
                ..issued.clone()
            }),
            holder: None,
            renewals: Renewals { recent, ..Renewals::default() },
            way: marked.way,
            url: marked.url.clone(),
        }
    }

    /// The durable write comes before the use: a token that was handed out and then lost with a crash could not be
    /// renewed by anybody.
    async fn keep(&self, custody: &Custody, marked: &Grant, renewed: Grant) -> Result<Arc<Grant>, Error> {
        // First the copy: it takes a file a moment, and a keychain may take seconds in which the process can be killed.
        let mut is_safe = custody.spill(marked, &renewed);
        let mut outcome = custody.replace(marked.generation, &renewed).await;
        // The provider has forgotten the old token by now, so where neither worked a passing trouble gets more chances.
        for _ in 0..SAVE_AGAIN {
            if is_safe || outcome.is_ok() {
                break;
            }
            tokio::time::sleep(SAVE_PAUSE).await;
            is_safe = custody.spill(marked, &renewed);
            outcome = custody.replace(marked.generation, &renewed).await;
        }
        match outcome {
            Ok(Change::Made) => custody.unspill(),
            Ok(Change::Overtaken(newer)) => {
                custody.unspill();
                return self.overtaken(newer);
            }
            Err(error) if is_safe => {
                log::warn!("the renewed tokens of `{}` are kept beside the store for now: {error}", self.name);
            }
            Err(error) => return Err(Error::NotKept { connection: self.name.clone(), error }),
        }
        log::info!("`{}` was renewed", self.name);
        let renewed = Arc::new(renewed);
        self.see(Some(Arc::clone(&renewed)), self.stamp.read());
        Ok(renewed)
    }

    async fn failed(&self, custody: &Custody, stored: &Grant, failure: Failure) -> Result<Arc<Grant>, Error> {
        let Failure { error, began } = failure;
        let spends = stored.issued.as_ref().is_some_and(|issued| issued.flow != Flow::ClientCredentials);
        let was_cut_off = spends && stored.state == State::RefreshStarted;
        if let RefreshError::Definitive(cause) = &error {
            let code = if was_cut_off { INTERRUPTED } else { cause.oauth_code().unwrap_or("invalid_grant") };
            if let Some(advice) = cause.description().and_then(providers::advice) {
                log::warn!("`{}`: {}", self.name, advice.replace("NAME", &self.name));
            }
            let mut end = Grant { state: State::NeedsLogin(code.to_owned()), ..stored.clone() };
            if let (Some(issued), oauth::Error::Interaction { claims, .. }) = (&mut end.issued, cause) {
                issued.claims = Some(claims.clone());
            }
            return self.end(custody, end).await;
        }
        // A refresh token belongs to its client, so another registration would not help this grant; the next login does
        // not begin with a client that the issuer has forgotten.
        if let Some(issued) = stored.issued.as_ref().filter(|_| error.cause().refuses_client())
            && let Err(error) = client::refused(&self.parts, &self.name, &issued.issuer, &issued.client.id).await
        {
            log::warn!("the client that `{}` refuses could not be forgotten: {error}", issued.issuer);
        }
        // The mark stays if the request may have arrived: whoever comes next must know that.
        let state = if !spends || nothing_was_spent(&error) { stored.state.clone() } else { State::RefreshStarted };
        let renewals = pace::failed(stored, began, self.now(), &error);
        let error = Error::Renewal { connection: self.name.clone(), error: Arc::new(error) };
        let after = Grant { state, renewals, ..stored.clone() };
        match custody.replace(stored.generation, &after).await {
            Ok(Change::Made) => {}
            Ok(Change::Overtaken(newer)) => return self.overtaken(newer),
            Err(unkept) => {
                log::warn!("the store does not know yet that `{}` could not be renewed: {unkept}", self.name);
                self.trouble(&error);
            }
        }
        Err(error)
    }

    /// Writes down that only a login helps, so that nobody asks the provider again. Only the generation that was tried
    /// is over: the lock is held, so a different one can only come from a program that does not know the lock, and it
    /// wins all the same.
    async fn end(&self, custody: &Custody, end: Grant) -> Result<Arc<Grant>, Error> {
        let ended = end.state.ended().unwrap_or(Ended::Expired);
        let end = Grant { renewals: Renewals::default(), ..end };
        match custody.replace(end.generation, &end).await {
            Ok(Change::Made) => {}
            Ok(Change::Overtaken(newer)) => return self.overtaken(newer),
            Err(unkept) => log::warn!("the store does not know yet that `{}` needs a login: {unkept}", self.name),
        }
        Err(self.login_required(ended))
    }

    /// Goes on with what came in the place of the grant that was being renewed.
    fn overtaken(&self, newer: Option<Box<Grant>>) -> Result<Arc<Grant>, Error> {
        match newer {
            None => Err(self.login_required(Ended::Absent)),
            Some(newer) if self.owns(&newer) => Ok(Arc::new(*newer)),
            Some(_) => Err(self.login_required(Ended::Elsewhere)),
        }
    }
}

/// Whether the provider is known to take a renewal without the resource of the login, and has just refused one with it.
fn goes_without_resource(provider: &Provider, error: &RefreshError) -> bool {
    let code = error.cause().oauth_code();
    provider.renewal.without_resource
        && matches!(error, RefreshError::Configuration(_))
        && code == Some("invalid_target")
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

/// From when the lifetime of tokens that arrived at `now` counts: the answer may have been made earlier, at most 5 s.
pub(crate) fn obtained(tokens: &Tokens, now: Timestamp) -> Timestamp {
    let travel = i64::try_from(tokens.took.as_secs()).unwrap_or(0).min(5);
    now.after(-travel)
}

/// When the access token of an answer that arrived at `now` ends.
pub(crate) fn expiry(tokens: &Tokens, now: Timestamp) -> Option<Timestamp> {
    end(tokens, tokens.expires_in, now)
}

/// When the refresh token of an answer that arrived at `now` ends.
pub(crate) fn refresh_expiry(tokens: &Tokens, now: Timestamp) -> Option<Timestamp> {
    end(tokens, tokens.refresh_expires_in, now)
}

fn end(tokens: &Tokens, lifetime: Option<u64>, now: Timestamp) -> Option<Timestamp> {
    Some(obtained(tokens, now).after(i64::try_from(lifetime?).unwrap_or(i64::MAX)))
}

/// Tells what was odd about an answer that was accepted, one line each.
pub(crate) fn odd(connection: &str, tokens: &Tokens) {
    for warning in &tokens.warnings {
        log::warn!("the provider's answer for `{connection}`: {warning}");
    }
}

/// Seconds by which the provider's clock is ahead of ours, if it told its time; one line if that is much.
pub(crate) fn clock_skew(connection: &str, tokens: &Tokens, now: Timestamp) -> Option<i64> {
    let skew = Timestamp(tokens.server_date?).since(now);
    if skew.unsigned_abs() > CLOCK_TOLERANCE {
        let way = if skew > 0 { "behind" } else { "ahead of" };
        log::warn!("this machine's clock is {} s {way} that of the provider of `{connection}`", skew.unsigned_abs());
    }
    Some(skew)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> RefreshError {
        let code = Some(code.to_owned());
        RefreshError::of(oauth::Error::TokenEndpoint { host: "h".to_owned(), status: 400, code, description: None })
    }

    #[test]
    fn the_resource_is_left_out_only_where_the_provider_is_known_to_take_that() {
        const RENEWAL: providers::Renewal =
            providers::Renewal { without_resource: true, ..providers::STANDARD.renewal };
        const LENIENT: Provider = Provider { renewal: RENEWAL, ..providers::STANDARD };
        for (provider, code, expected) in [
            (&LENIENT, "invalid_target", true),
            (&LENIENT, "invalid_scope", false),
            (&LENIENT, "invalid_grant", false),
            (&providers::STANDARD, "invalid_target", false),
        ] {
            assert_eq!(goes_without_resource(provider, &refused(code)), expected, "{code}");
        }
    }

    #[test]
    fn a_token_is_unspent_only_if_the_server_said_so_or_never_heard_of_it() {
        let host = || "h".to_owned();
        let server = |status| RefreshError::of(oauth::Error::Server { host: host(), status, retry_after: None });
        let network = |error| RefreshError::of(oauth::Error::Network(error));
        for (error, expected) in [
            (server(503), true),
            (server(429), true),
            (server(500), false),
            (server(502), false),
            (server(504), false),
            (network(crate::http::Error::NotFound { host: host() }), true),
            (network(crate::http::Error::Broken { host: host(), cause: host() }), false),
            (network(crate::http::Error::TimedOut { host: host(), after: LOCK_WAIT }), false),
            (refused("invalid_client"), true),
            (refused("invalid_target"), true),
            (refused("something_new"), false),
            (RefreshError::of(oauth::Error::NotJson { host: host(), status: 200 }), false),
            (RefreshError::of(oauth::Error::Malformed { host: host(), what: "it" }), false),
        ] {
            assert_eq!(nothing_was_spent(&error), expected, "{error:?}");
        }
    }
}
