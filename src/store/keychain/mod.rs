//! The operating system's keychain: the Secret Service, the macOS login keychain, Windows Credential Manager.
//!
//! Its calls block, some for ever: a daemon that hangs, a dialog that nobody answers. So they run on one thread of their
//! own, every call has a deadline, and the process can end while that thread hangs. A grant too large for one item is
//! split by `split`; the platforms' differences are in `platform`.

mod errors;
pub mod habits;
mod platform;

use std::time::Duration;

use zeroize::Zeroizing;

use super::items::Items;
use super::split::{Split, prove};
use super::thread::Thread;
use super::{Answer, Error, Key, Store};
use crate::secret::Secret;

use platform::{Connection, Lock};

/// Every item carries this service name, so that other programs and the person can tell whose it is.
pub const SERVICE: &str = "keyward";

/// How long a call may take and how large an item may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Waiting for the keychain, from the call until its answer.
    pub deadline: Duration,
    /// Bytes in one item; a larger secret is split.
    pub item: usize,
}

impl Limits {
    /// Nobody is expected to answer a dialog: `serve`, `status`, `token`.
    pub const BRIEF: Self = Self { deadline: Duration::from_secs(5), item: platform::ITEM };
    /// The person was told that a dialog may appear: `login`.
    pub const PATIENT: Self = Self { deadline: Duration::from_secs(120), ..Self::BRIEF };
}

/// The keychain. Cloning shares the connection and its thread; both begin with the first call.
#[derive(Clone)]
pub struct Keychain {
    thread: Thread<Open>,
    limits: Limits,
}

impl Keychain {
    /// Touches nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self { thread: Thread::new("keychain"), limits }
    }

    /// The same keychain with another deadline.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { thread: self.thread.clone(), limits: Limits { deadline, ..self.limits } }
    }

    fn call<'a, T: Send + 'static>(
        &'a self,
        key: Key,
        work: impl FnOnce(&mut Entries<'_>, &Key, usize) -> Result<T, Error> + Send + 'static,
    ) -> Answer<'a, T> {
        let limit = self.limits.item;
        Box::pin(
            self.thread
                .run(self.limits.deadline, move |open: &mut Open| work(&mut Entries { open, key: &key }, &key, limit)),
        )
    }
}

impl Store for Keychain {
    fn load<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Secret>> {
        self.call(key.clone(), |entries, key, limit| Split::new(entries, key, limit).load())
    }

    fn save<'a>(&'a self, key: &'a Key, secret: &'a Secret) -> Answer<'a, ()> {
        let secret = secret.clone();
        self.call(key.clone(), move |entries, key, limit| Split::new(entries, key, limit).save(&secret))
    }

    fn delete<'a>(&'a self, key: &'a Key) -> Answer<'a, bool> {
        self.call(key.clone(), |entries, key, limit| Split::new(entries, key, limit).delete())
    }

    fn prove(&self) -> Answer<'_, ()> {
        self.call(Key::of("probe", "keychain"), |entries, _, _| prove(entries))
    }
}

// The connection, once there is one. Lives on the keychain's thread.
#[derive(Default)]
struct Open(Option<Connection>);

// The keychain's items, as long as one call works on them.
struct Entries<'a> {
    open: &'a mut Open,
    key: &'a Key,
}

impl Entries<'_> {
    fn call<T>(&mut self, work: impl Fn(&Connection) -> keyring_core::Result<T>) -> Result<Option<T>, Error> {
        let mut outcome = self.attempt(&work)?;
        // A keychain that was restarted refuses every call on the old connection, for good.
        if matches!(outcome, Err(keyring_core::Error::PlatformFailure(_))) {
            self.open.0 = None;
            outcome = self.attempt(&work)?;
        }
        match outcome {
            Ok(done) => Ok(Some(done)),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(errors::sort(error, self.key)),
        }
    }

    fn attempt<T>(
        &mut self,
        work: impl Fn(&Connection) -> keyring_core::Result<T>,
    ) -> Result<keyring_core::Result<T>, Error> {
        let connection = match &mut self.open.0 {
            Some(connection) => connection,
            none => none.insert(Connection::open().map_err(|error| errors::unopened(error, self.key))?),
        };
        Ok(work(connection))
    }

    // Some keychains hide what is in a locked collection instead of refusing, and then nothing found means nothing: a
    // person who is logged in would be told to log in. So an absence counts only where the collection is open.
    fn find<T>(&mut self, work: impl Fn(&Connection) -> keyring_core::Result<T>) -> Result<Option<T>, Error> {
        if let Some(found) = self.call(&work)? {
            return Ok(Some(found));
        }
        match self.call(Connection::ensure_unlocked)? {
            Some(Lock::OpenedNow) => self.call(&work),
            Some(Lock::WasOpen) | None => Ok(None),
        }
    }
}

impl Items for Entries<'_> {
    fn get(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.find(|connection| connection.get(name).map(Zeroizing::new))
    }

    fn set(&mut self, name: &str, content: &str) -> Result<(), Error> {
        match self.call(|connection| connection.set(name, content.as_bytes())) {
            Err(Error::TooLarge { limit, .. }) => Err(Error::TooLarge { size: content.len(), limit }),
            outcome => outcome.map(|_| ()),
        }
    }

    fn delete(&mut self, name: &str) -> Result<bool, Error> {
        Ok(self.find(|connection| connection.delete(name))?.is_some())
    }
}
