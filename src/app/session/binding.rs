//! The key that a grant's tokens are bound to, alive: it proves every request to the service and every renewal (RFC 9449).

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderValue;
use url::Url;

use crate::app::grant::{Grant, Issued};
use crate::backends::Proof;
use crate::machine::Clock;
use crate::oauth::dpop::{Key, Request};
use crate::secret::Secret;

/// The key of the grant that was used last, with the nonces that its servers gave: a nonce that is forgotten costs a
/// second try.
#[derive(Default)]
pub(super) struct Keys(Mutex<Option<Arc<Key>>>);

/// The stored key cannot be read.
pub(super) struct Unreadable;

impl Keys {
    /// The key of a grant; `None` if it is bound to none.
    pub(super) fn of(&self, issued: &Issued) -> Result<Option<Arc<Key>>, Unreadable> {
        let Some(stored) = &issued.dpop else { return Ok(None) };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.as_ref().filter(|key| key.secret().matches(stored.expose())) {
            return Ok(Some(Arc::clone(key)));
        }
        let key = Arc::new(Key::of_secret(stored).map_err(|_| Unreadable)?);
        *known = Some(Arc::clone(&key));
        Ok(Some(key))
    }
}

/// Proves the requests that carry one access token.
#[derive(Debug)]
pub(super) struct Prover {
    key: Arc<Key>,
    access_token: Secret,
    clock: ServersClock,
}

/// This machine's clock, set right by what is known of the provider's: proofs of another time are refused.
struct ServersClock {
    clock: Arc<dyn Clock>,
    ahead: i64,
}

impl ServersClock {
    fn now(&self) -> i64 {
        self.clock.now().0.saturating_add(self.ahead)
    }
}

impl std::fmt::Debug for ServersClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} s ahead", self.ahead)
    }
}

/// The same moment by the provider's clock, as far as its grant tells.
pub(super) fn providers_time(issued: &Issued, now: i64) -> i64 {
    now.saturating_add(issued.clock_skew.unwrap_or(0))
}

impl Prover {
    /// The prover for a grant; `None` if it is bound to no key.
    pub(super) fn of(keys: &Keys, grant: &Grant, clock: &Arc<dyn Clock>) -> Result<Option<Arc<dyn Proof>>, Unreadable> {
        let Some(issued) = &grant.issued else { return Ok(None) };
        let Some(key) = keys.of(issued)? else { return Ok(None) };
        let clock = ServersClock { clock: Arc::clone(clock), ahead: issued.clock_skew.unwrap_or(0) };
        Ok(Some(Arc::new(Self { key, access_token: grant.access_token.clone(), clock })))
    }
}

impl Proof for Prover {
    fn header(&self, method: &str, url: &Url) -> Option<HeaderValue> {
        let request = Request { method, url, access_token: Some(&self.access_token), now: self.clock.now() };
        self.key.header(request).ok()
    }

    fn take_nonce(&self, url: &Url, nonce: &str) {
        self.key.take_nonce(url, nonce);
    }
}
