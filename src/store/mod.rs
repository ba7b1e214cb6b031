//! Where grants are kept: opaque secrets by key. Nobody here knows what is inside.
//!
//! A store is chosen at login and recorded in the configuration. There is no fallback from one to another and none to
//! clear text: a store that cannot be used says which of the [`Error`]s it is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::secret::Secret;

/// What a store is doing; ready when the keychain has answered or the deadline has passed.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Keeps secrets by key. Saving replaces the old value whole: a reader sees the old one or the new one.
pub trait Store: Send + Sync {
    /// The secret of this key; `None` if there is none.
    fn load<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Secret>>;
    /// Keeps the secret durably, replacing an older one.
    fn save<'a>(&'a self, key: &'a Key, secret: &'a Secret) -> Answer<'a, ()>;
    /// Forgets the secret; whether there was one.
    fn delete<'a>(&'a self, key: &'a Key) -> Answer<'a, bool>;
    /// Proves that saving works, by writing, reading back and deleting a small item of its own.
    fn prove(&self) -> Answer<'_, ()>;
}

/// Names one secret: visible text without control characters, at most 200 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// The grant of a connection.
    pub fn grant(connection: &str) -> Self {
        Self(format!("grant {connection}"))
    }

    /// The client registered at an issuer.
    pub fn client(issuer: &str) -> Self {
        Self(format!("client {issuer}"))
    }

    /// The text of the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a store could not do it. `cause` is the platform's reason and never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no keychain: no session bus, no service on it, or no collection to write to.
    #[error("there is no keychain: {cause}")]
    Absent {
        /// The platform's reason.
        cause: String,
    },
    /// The keychain is there and locked, and nobody could unlock it.
    #[error("the keychain is locked")]
    Locked,
    /// The keychain or the person refused.
    #[error("the keychain refused: {cause}")]
    Denied {
        /// The platform's reason.
        cause: String,
    },
    /// The keychain did not answer in time.
    #[error("the keychain did not answer within {} s", after.as_secs())]
    TimedOut {
        /// The deadline.
        after: Duration,
    },
    /// An earlier call is still waiting for the keychain.
    #[error("an earlier call is still waiting for the keychain")]
    Busy,
    /// The secret does not fit, even split.
    #[error("the secret has {size} bytes, the keychain takes {limit}")]
    TooLarge {
        /// Bytes to keep.
        size: usize,
        /// Bytes that fit.
        limit: usize,
    },
    /// What is stored under the key is not whole; a new login replaces it.
    #[error("what the keychain holds for `{key}` is damaged")]
    Damaged {
        /// Which key.
        key: Key,
    },
    /// Several items answer to the key; another program wrote one.
    #[error("the keychain holds several items for `{key}`")]
    Ambiguous {
        /// Which key.
        key: Key,
    },
    /// Anything else the platform said.
    #[error("the keychain failed: {cause}")]
    Failed {
        /// The platform's reason.
        cause: String,
    },
}
