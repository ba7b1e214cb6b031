//! The right to change one connection's grant: the connection's lock, and every write that is made under it.
//!
//! Nobody else writes or removes a grant. A write compares first: what another program has put there since it was looked
//! at stays, and the caller is told. A keychain that answers too late may still carry out what it was asked to, so the
//! lock is not released before nothing of ours is under way any more: an older grant that lands on top of a newer one
//! would bring back a spent refresh token, and using that looks like theft.
//!
//! What remains is a process that ends, or is killed, while the keychain hangs. The system then releases the lock, and a
//! request that the keychain's daemon already has may still be carried out. The daemon takes requests in the order in
//! which they came, so it comes before anything that the next holder of the lock asks for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::spill::{Found, Spill};
use super::stamp::Stamp;
use crate::app::grant::{Grant, State, Unreadable};
use crate::app::{Error, Parts, copies, grant_lock};
use crate::secret::Secret;
use crate::store::{self, Key, lock};

/// How often it is looked whether a late write has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The lock on a connection's grant, until it is dropped.
pub(crate) struct Custody {
    parts: Parts,
    connection: String,
    key: Key,
    stamp: Stamp,
    spill: Spill,
    lock: Option<lock::Guard>,
    /// A write ran into its deadline and may still be under way.
    is_late: AtomicBool,
}

/// Why a grant could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// The store failed.
    Store(store::Error),
    /// A newer program wrote it: it stays as it is until the person logs out.
    Newer,
    /// It is damaged, and a login may replace it.
    Damaged,
}

/// What became of a write.
#[derive(Debug)]
pub(super) enum Change {
    /// It was made.
    Made,
    /// It was not: this is there now instead of what was looked at.
    Overtaken(Option<Box<Grant>>),
}

/// What became of a removal.
#[derive(Debug)]
pub(crate) enum Removal {
    /// It is gone; whether there was anything.
    Removed(bool),
    /// This has come in the place of what was looked at, and stays.
    Overtaken(Box<Grant>),
}

impl Custody {
    /// Waits for the lock, at most for `wait`.
    pub(crate) async fn take(parts: &Parts, connection: &str, wait: Duration) -> Result<Self, Error> {
        let lock = lock::acquire(&parts.locks()?, &grant_lock(connection), wait).await;
        Ok(Self::of(parts, connection, Some(lock.map_err(Error::lock(connection))?)))
    }

    /// The lock, if nobody holds it.
    pub(super) fn try_take(parts: &Parts, connection: &str) -> Option<Self> {
        let lock = lock::try_acquire(&parts.locks().ok()?, &grant_lock(connection)).ok()??;
        Some(Self::of(parts, connection, Some(lock)))
    }

    /// The same without the lock, for a logout that could not have it: a holder that is frozen for good must not keep
    /// somebody signed in. Writes are still compared with what is there.
    pub(crate) fn without_lock(parts: &Parts, connection: &str) -> Self {
        Self::of(parts, connection, None)
    }

    fn of(parts: &Parts, connection: &str, lock: Option<lock::Guard>) -> Self {
        Self {
            parts: parts.clone(),
            connection: connection.to_owned(),
            key: Key::grant(connection),
            stamp: Stamp::new(parts.shared.as_deref(), connection),
            spill: Spill::new(parts.shared.as_deref(), connection),
            lock,
            is_late: AtomicBool::new(false),
        }
    }

    /// The grant. What a renewal obtained and could not put into the store is put there first.
    pub(crate) async fn read(&self) -> Result<Option<Grant>, Unread> {
        let Some(stored) = read(&self.parts, &self.key).await? else { return Ok(None) };
        if stored.state != State::RefreshStarted {
            return Ok(Some(stored));
        }
        match self.spill.read(&stored) {
            Found::Nothing => Ok(Some(stored)),
            Found::Foreign => {
                self.spill.set_aside();
                Ok(Some(stored))
            }
            Found::Kept(renewed) => {
                match self.save(&renewed).await {
                    Ok(()) => self.spill.remove(),
                    // The copy is durable, too, and stays until the store takes it.
                    Err(error) => log::warn!("renewed tokens are still kept beside the store: {error}"),
                }
                Ok(Some(*renewed))
            }
        }
    }

    /// Puts `grant` in the place of the one of generation `looked_at`, if that is still there.
    pub(super) async fn replace(&self, looked_at: u64, grant: &Grant) -> Result<Change, store::Error> {
        match self.found(looked_at).await? {
            Some(other) => Ok(Change::Overtaken(other)),
            None => self.save(grant).await.map(|()| Change::Made),
        }
    }

    /// Removes the grant of generation `looked_at`, if that is still there; `None` means that there was none, or none
    /// that could be read.
    pub(crate) async fn delete(&self, looked_at: Option<u64>) -> Result<Removal, store::Error> {
        match read(&self.parts, &self.key).await {
            Ok(Some(now)) if Some(now.generation) != looked_at => return Ok(Removal::Overtaken(Box::new(now))),
            Ok(_) | Err(Unread::Damaged) => {}
            Err(unread) => return Err(self.failure(unread)),
        }
        // Once before, in case of a crash in between, and once after: nobody goes on with what is being forgotten.
        self.stamp.write(None);
        let removed = self.noting(self.parts.store.delete(&self.key).await);
        let set_aside = self.noting(self.parts.store.delete(&self.key.damaged()).await);
        self.stamp.write(None);
        self.spill.remove();
        set_aside?;
        removed.map(Removal::Removed)
    }

    /// Keeps what a login obtained, whatever is there. Its generation is above that of everything there was: it is
    /// decided here, under the lock, because a renewal may have come since the login began.
    pub(crate) async fn keep_login(&self, grant: Grant) -> Result<Grant, store::Error> {
        let before = match read(&self.parts, &self.key).await {
            Ok(before) => before.map_or(0, |before| before.generation),
            // What is damaged is replaced all the same: logging in is what the person was told to do about it.
            Err(Unread::Damaged) => {
                self.set_aside().await;
                0
            }
            Err(unread) => return Err(self.failure(unread)),
        };
        let generation = grant.generation.max(before.saturating_add(1));
        let grant = Grant { generation, ..grant };
        self.save(&grant).await?;
        self.spill.remove();
        // What the login before it could see is not for this one.
        copies::forget(self.parts.state.as_deref(), &self.connection);
        Ok(grant)
    }

    /// Keeps something else of the connection beside the grant, in place of what is there.
    pub(crate) async fn keep_beside(&self, key: &Key, secret: &Secret) -> Result<(), store::Error> {
        self.noting(self.parts.store.save(key, secret).await)?;
        // Any number says that something is kept.
        self.stamp.write(Some(1));
        Ok(())
    }

    /// Forgets that, at the end of a logout.
    pub(crate) async fn forget_beside(&self, key: &Key) -> Result<bool, store::Error> {
        let removed = self.noting(self.parts.store.delete(key).await);
        self.stamp.write(None);
        removed
    }

    /// Writes without looking. Only for who has just looked.
    pub(super) async fn save(&self, grant: &Grant) -> Result<(), store::Error> {
        self.noting(self.parts.store.save(&self.key, &grant.encode()).await)?;
        self.stamp.write(Some(grant.generation));
        Ok(())
    }

    /// Keeps the outcome of a renewal beside the store; whether it is safe there.
    pub(super) fn spill(&self, marked: &Grant, renewed: &Grant) -> bool {
        let written = self.spill.write(marked, renewed);
        if let Err(error) = &written {
            log::debug!("there is no emergency copy of the renewed tokens: {error}");
        }
        written.is_ok()
    }

    /// Removes the emergency copy.
    pub(super) fn unspill(&self) {
        self.spill.remove();
    }

    /// What is there instead of the grant of this generation; `None` if that one is. Something unreadable in its place
    /// is no grant that could be lost.
    async fn found(&self, generation: u64) -> Result<Option<Option<Box<Grant>>>, store::Error> {
        match read(&self.parts, &self.key).await {
            Ok(Some(now)) if now.generation == generation => Ok(None),
            Ok(now) => Ok(Some(now.map(Box::new))),
            Err(Unread::Damaged) => Ok(None),
            Err(unread) => Err(self.failure(unread)),
        }
    }

    /// Keeps a grant that cannot be read under another name, before a login replaces it. Best effort: it must not keep the
    /// person from logging in.
    async fn set_aside(&self) {
        // What the store itself finds damaged it sets aside itself.
        let Ok(Some(text)) = self.parts.store.load(&self.key).await else { return };
        match self.noting(self.parts.store.save(&self.key.damaged(), &text).await) {
            Ok(()) => log::warn!("what `{}` held could not be read and is set aside", self.key),
            Err(error) => log::warn!("what `{}` held is damaged and could not be set aside: {error}", self.key),
        }
    }

    /// The words for what could not be read, where only a store can have failed.
    pub(crate) fn failure(&self, unread: Unread) -> store::Error {
        let key = self.key.clone();
        match unread {
            Unread::Store(error) => error,
            Unread::Newer => store::Error::Newer { key },
            Unread::Damaged => store::Error::Damaged { key },
        }
    }

    fn noting<T>(&self, outcome: Result<T, store::Error>) -> Result<T, store::Error> {
        if matches!(outcome, Err(store::Error::TimedOut { .. })) {
            self.is_late.store(true, Ordering::Relaxed);
        }
        outcome
    }
}

impl Drop for Custody {
    fn drop(&mut self) {
        let Some(lock) = self.lock.take() else { return };
        if !self.is_late.load(Ordering::Relaxed) {
            return;
        }
        // Not an owned task: a process that ends lets go of the lock and of the write alike.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (store, key) = (std::sync::Arc::clone(&self.parts.store), self.key.clone());
            runtime.spawn(async move {
                while matches!(store.load(&key).await, Err(store::Error::Busy | store::Error::TimedOut { .. })) {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                drop(lock);
            });
        }
    }
}

/// The grant as the store has it.
pub(super) async fn read(parts: &Parts, key: &Key) -> Result<Option<Grant>, Unread> {
    let text = match parts.store.load(key).await {
        Ok(None) => return Ok(None),
        Ok(Some(text)) => text,
        Err(store::Error::Damaged { .. }) => return Err(Unread::Damaged),
        Err(store::Error::Newer { .. }) => return Err(Unread::Newer),
        Err(error) => return Err(Unread::Store(error)),
    };
    Grant::decode(&text).map(Some).map_err(|why| match why {
        Unreadable::Newer => Unread::Newer,
        Unreadable::Damaged => Unread::Damaged,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::app::Owned;
    use crate::backends::Way;
    use crate::http::Http;
    use crate::machine::{Clock, Environment, Timestamp};
    use crate::store::Store as _;
    use crate::store::memory::Memory;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp(1000)
        }
    }

    fn parts(store: &Memory, folder: &tempfile::TempDir) -> Parts {
        Parts {
            http: Http::new(&Environment::default()),
            store: Arc::new(store.clone()),
            clock: Arc::new(Noon),
            state: None,
            shared: Some(folder.path().to_path_buf()),
            owned: Owned::default(),
            audit: crate::app::Audit::new(None, Arc::new(Noon)),
        }
    }

    async fn custody(store: &Memory, folder: &tempfile::TempDir) -> Custody {
        Custody::take(&parts(store, folder), "box", Duration::ZERO).await.unwrap()
    }

    fn grant(generation: u64) -> Grant {
        let url = url::Url::parse("https://api.example/mcp").unwrap();
        Grant::pasted(Way::OAuth, Secret::new("t"), &url, generation, Timestamp(100))
    }

    async fn stored(store: &Memory) -> Option<u64> {
        let text = store.load(&Key::grant("box")).await.unwrap()?;
        Some(Grant::decode(&text).unwrap().generation)
    }

    async fn put(store: &Memory, text: &Secret) {
        store.save(&Key::grant("box"), text).await.unwrap();
    }

    #[tokio::test]
    async fn a_write_replaces_only_what_was_looked_at() {
        let (store, folder) = (Memory::new(), tempfile::tempdir().unwrap());
        let custody = custody(&store, &folder).await;
        assert!(matches!(custody.replace(1, &grant(2)).await, Ok(Change::Overtaken(None))), "it has vanished");
        assert_eq!(stored(&store).await, None);
        put(&store, &grant(9).encode()).await;
        let overtaken = custody.replace(1, &grant(2)).await.unwrap();
        assert!(matches!(overtaken, Change::Overtaken(Some(newer)) if newer.generation == 9));
        assert_eq!(stored(&store).await, Some(9));
        assert!(matches!(custody.replace(9, &grant(10)).await, Ok(Change::Made)));
        assert_eq!(stored(&store).await, Some(10));
    }

    #[tokio::test]
    async fn a_removal_takes_only_what_was_looked_at() {
        let (store, folder) = (Memory::new(), tempfile::tempdir().unwrap());
        let custody = custody(&store, &folder).await;
        assert!(matches!(custody.delete(None).await, Ok(Removal::Removed(false))));
        put(&store, &grant(9).encode()).await;
        for looked_at in [Some(8), None] {
            let overtaken = custody.delete(looked_at).await.unwrap();
            assert!(matches!(overtaken, Removal::Overtaken(newer) if newer.generation == 9), "{looked_at:?}");
        }
        assert_eq!(stored(&store).await, Some(9));
        assert!(matches!(custody.delete(Some(9)).await, Ok(Removal::Removed(true))));
        assert_eq!(stored(&store).await, None);
        assert!(matches!(custody.delete(Some(9)).await, Ok(Removal::Removed(false))), "somebody else has done it");
    }

    #[tokio::test]
    async fn a_login_is_above_everything_there_was() {
        let (store, folder) = (Memory::new(), tempfile::tempdir().unwrap());
        let custody = custody(&store, &folder).await;
        assert_eq!(custody.keep_login(grant(7)).await.unwrap().generation, 7);
        assert_eq!(custody.keep_login(grant(7)).await.unwrap().generation, 8);
        assert_eq!(custody.keep_login(grant(100)).await.unwrap().generation, 100);
        assert_eq!(stored(&store).await, Some(100));
    }

    #[tokio::test]
    async fn what_a_newer_program_wrote_is_left_alone_and_what_is_damaged_is_set_aside() {
        let (store, folder) = (Memory::new(), tempfile::tempdir().unwrap());
        let custody = custody(&store, &folder).await;
        let newer = Secret::new("{\"version\":2}");
        put(&store, &newer).await;
        let refused = store::Error::Newer { key: Key::grant("box") };
        assert_eq!(custody.read().await.err(), Some(Unread::Newer));
        assert_eq!(custody.keep_login(grant(7)).await.err(), Some(refused.clone()));
        assert_eq!(custody.replace(1, &grant(7)).await.err(), Some(refused.clone()));
        assert_eq!(custody.delete(None).await.err(), Some(refused));
        assert!(store.load(&Key::grant("box")).await.unwrap().unwrap().matches(newer.expose()));
        put(&store, &Secret::new("damaged")).await;
        assert_eq!(custody.read().await.err(), Some(Unread::Damaged));
        assert_eq!(custody.keep_login(grant(7)).await.unwrap().generation, 7);
        assert!(store.load(&Key::grant("box").damaged()).await.unwrap().unwrap().matches("damaged"));
        assert!(matches!(custody.delete(Some(7)).await, Ok(Removal::Removed(true))));
        assert!(store.load(&Key::grant("box").damaged()).await.unwrap().is_none(), "and a logout forgets that, too");
    }

    #[tokio::test]
    async fn every_change_changes_the_stamp() {
        let (store, folder) = (Memory::new(), tempfile::tempdir().unwrap());
        let custody = custody(&store, &folder).await;
        let stamp = Stamp::new(Some(folder.path()), "box");
        let mut seen = vec![stamp.read()];
        custody.keep_login(grant(1)).await.unwrap();
        seen.push(stamp.read());
        custody.replace(1, &grant(1)).await.unwrap();
        seen.push(stamp.read());
        custody.delete(Some(1)).await.unwrap();
        seen.push(stamp.read());
        custody.keep_login(grant(1)).await.unwrap();
        seen.push(stamp.read());
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), all, "{seen:?}");
    }

    #[tokio::test]
    async fn the_lock_is_free_when_nothing_is_late() {
        let (store, folder) = (Memory::new(), tempfile::tempdir().unwrap());
        let held = custody(&store, &folder).await;
        assert!(Custody::try_take(&parts(&store, &folder), "box").is_none());
        drop(held);
        assert!(Custody::try_take(&parts(&store, &folder), "box").is_some());
    }
}
