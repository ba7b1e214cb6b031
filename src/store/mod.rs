//! Where grants are kept: opaque secrets by key. Nobody here knows what is inside.
//!
//! A store is chosen at login and recorded in the configuration. There is no fallback from one to another and none to
//! clear text: a store that cannot be used says which of the [`Error`]s it is.

pub mod file;
mod hex;
mod items;
pub mod keychain;
pub mod lock;
pub mod memory;
mod split;
mod thread;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::secret::Secret;

/// What a store is doing; ready when the keychain has answered or the deadline has passed.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Keeps secrets by key. Saving replaces the old value whole: a reader sees the old one or the new one.
///
/// Every call may fail with [`Error::Absent`], [`Error::Locked`], [`Error::Denied`], [`Error::TimedOut`],
/// [`Error::Busy`] and [`Error::Failed`]; what else may happen is said beside each.
pub trait Store: Send + Sync {
    /// The secret of this key. `None` means that the store was open and had none: a locked or missing one is an error,
    /// so that nobody is told to log in who only has to unlock. Also [`Error::Damaged`], [`Error::Newer`] and
    /// [`Error::Ambiguous`].
    fn load<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Secret>>;
    /// Keeps the secret durably, replacing an older or damaged one; it has been read back when this is ready. Also
    /// [`Error::TooLarge`], [`Error::Newer`] and [`Error::Ambiguous`].
    fn save<'a>(&'a self, key: &'a Key, secret: &'a Secret) -> Answer<'a, ()>;
    /// Forgets the secret; whether there was one. Also [`Error::Newer`] and [`Error::Ambiguous`].
    fn delete<'a>(&'a self, key: &'a Key) -> Answer<'a, bool>;
    /// Proves that saving works, by writing, reading back and deleting a small item of its own.
    fn prove(&self) -> Answer<'_, ()>;
}

/// A store for people who may have to answer a dialog, and for programs that must not wait for one.
#[derive(Clone)]
pub struct Stores {
    /// Gives up soon: `serve`, `status`, `token`.
    pub brief: Arc<dyn Store>,
    /// Waits for the person: `login`, `logout`.
    pub patient: Arc<dyn Store>,
}

impl Stores {
    /// The operating system's keychain. Touches nothing yet.
    pub fn keychain() -> Self {
        let brief = keychain::Keychain::new(keychain::Limits::BRIEF);
        let patient = brief.with_deadline(keychain::Limits::PATIENT.deadline);
        Self { brief: Arc::new(brief), patient: Arc::new(patient) }
    }
}

/// Names one secret: text without control characters, at most 200 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    const LONGEST: usize = 200;
    // No other kind of key begins like this.
    const DAMAGED: &'static str = "damaged";

    /// The grant of a connection.
    pub fn grant(connection: &str) -> Self {
        Self::of("grant", connection)
    }

    /// The client registered at an issuer.
    pub fn client(issuer: &str) -> Self {
        Self::of("client", issuer)
    }

    /// What the configured client of a connection identifies itself with.
    pub fn secret(connection: &str) -> Self {
        Self::of("secret", connection)
    }

    /// The values of the secret headers of a connection.
    pub fn headers(connection: &str) -> Self {
        Self::of("headers", connection)
    }

    /// Where what this key held is kept when it was damaged and has been replaced. Without effect on such a key itself.
    #[must_use]
    pub fn damaged(&self) -> Self {
        if self.0.starts_with(Self::DAMAGED) { self.clone() } else { Self::of(Self::DAMAGED, &self.0) }
    }

    // A keychain may cut what is long and refuse what is not text. Such a name is replaced by its digest, so that two
    // names never share an item.
    fn of(kind: &str, name: &str) -> Self {
        let text = format!("{kind} {name}");
        if text.len() <= Self::LONGEST && !text.chars().any(char::is_control) {
            return Self(text);
        }
        Self(format!("{kind} sha256 {}", hex::digest(name.as_bytes())))
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
    /// A newer version of this program wrote what is stored under the key; nothing was changed.
    #[error("a newer version of keyward wrote what the keychain holds for `{key}`")]
    Newer {
        /// Which key.
        key: Key,
    },
    /// Several items answer to the key; another program wrote one.
    #[error("the keychain holds several items for `{key}`")]
    Ambiguous {
        /// Which key.
        key: Key,
    },
    /// The encrypted file cannot be used.
    #[error(transparent)]
    File(#[from] file::Error),
    /// Anything else the platform said.
    #[error("the keychain failed: {cause}")]
    Failed {
        /// The platform's reason.
        cause: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_its_name() {
        assert_eq!(Key::grant("cisco").as_str(), "grant cisco");
        assert_eq!(Key::client("https://id.example/ü").as_str(), "client https://id.example/ü");
    }

    #[test]
    fn a_name_that_a_keychain_could_cut_or_refuse_becomes_its_digest() {
        let long = "a".repeat(300);
        assert_eq!(Key::grant(&long).as_str().len(), "grant sha256 ".len() + 64);
        assert_ne!(Key::grant(&long), Key::grant(&format!("{long}a")));
        assert_ne!(Key::grant("a\nb"), Key::grant("a\tb"));
        assert_eq!(Key::grant("a\nb").as_str().chars().filter(|c| c.is_control()).count(), 0);
        assert_eq!(Key::grant(&"a".repeat(194)).as_str().len(), 200);
    }
}
