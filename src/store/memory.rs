//! A store in this process's memory, for tests and for what must not outlive the process.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use super::split::{Split, prove};
use super::{Answer, Error, Key, Store};
use crate::secret::Secret;

/// The memory store. Cloning shares what is in it.
#[derive(Clone)]
pub struct Memory(Arc<Mutex<State>>);

struct State {
    items: BTreeMap<String, Zeroizing<Vec<u8>>>,
    limit: usize,
    loads_fail: Option<Error>,
    saves_fail: Option<Error>,
    calls: Calls,
}

/// How often each was called, failed or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Calls of [`Store::load`].
    pub loads: usize,
    /// Calls of [`Store::save`].
    pub saves: usize,
    /// Calls of [`Store::delete`].
    pub deletes: usize,
    /// Calls of [`Store::prove`].
    pub proofs: usize,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_items_of(usize::MAX)
    }

    /// An empty store that splits secrets into items of at most this many bytes, as a keychain with a limit does.
    pub fn with_items_of(limit: usize) -> Self {
        let (loads_fail, saves_fail) = (None, None);
        Self(Arc::new(Mutex::new(State {
            items: BTreeMap::new(),
            limit,
            loads_fail,
            saves_fail,
            calls: Calls::default(),
        })))
    }

    /// From now on every load fails with this; `None` ends it.
    pub fn fail_loads(&self, error: Option<Error>) {
        self.state().loads_fail = error;
    }

    /// From now on every save, deletion and proof fails with this and changes nothing; `None` ends it.
    pub fn fail_saves(&self, error: Option<Error>) {
        self.state().saves_fail = error;
    }

    /// What was called so far.
    pub fn calls(&self) -> Calls {
        self.state().calls
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing<T>(
        &self,
        count: fn(&mut Calls) -> &mut usize,
        work: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut state = self.state();
        let counter = count(&mut state.calls);
        *counter = counter.saturating_add(1);
        match &state.saves_fail {
            Some(error) => Err(error.clone()),
            None => work(&mut state),
        }
    }
}

impl Store for Memory {
    fn load<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Secret>> {
        let mut state = self.state();
        state.calls.loads = state.calls.loads.saturating_add(1);
        let limit = state.limit;
        let outcome = match &state.loads_fail {
            Some(error) => Err(error.clone()),
            None => Split::new(&mut state.items, key, limit).load(),
        };
        Box::pin(ready(outcome))
    }

    fn save<'a>(&'a self, key: &'a Key, secret: &'a Secret) -> Answer<'a, ()> {
        let save = |state: &mut State| Split::new(&mut state.items, key, state.limit).save(secret);
        Box::pin(ready(self.writing(|calls| &mut calls.saves, save)))
    }

    fn delete<'a>(&'a self, key: &'a Key) -> Answer<'a, bool> {
        let delete = |state: &mut State| Split::new(&mut state.items, key, state.limit).delete();
        Box::pin(ready(self.writing(|calls| &mut calls.deletes, delete)))
    }

    fn prove(&self) -> Answer<'_, ()> {
        Box::pin(ready(self.writing(|calls| &mut calls.proofs, |state| prove(&mut state.items))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_saved_is_loaded_until_it_is_deleted() {
        let (store, key) = (Memory::with_items_of(300), Key::grant("a"));
        let grant = "g".repeat(2000);
        assert!(store.load(&key).await.unwrap().is_none());
        store.save(&key, &Secret::new(grant.clone())).await.unwrap();
        assert!(store.load(&key).await.unwrap().unwrap().matches(&grant));
        assert!(store.load(&Key::client("a")).await.unwrap().is_none());
        assert_eq!(store.delete(&key).await, Ok(true));
        assert_eq!(store.delete(&key).await, Ok(false));
        assert!(store.state().items.is_empty());
        assert_eq!(store.calls(), Calls { loads: 3, saves: 1, deletes: 2, proofs: 0 });
    }

    #[tokio::test]
    async fn a_failure_that_was_ordered_changes_nothing() {
        let (store, key) = (Memory::new(), Key::grant("a"));
        store.save(&key, &Secret::new("old")).await.unwrap();
        store.fail_saves(Some(Error::Locked));
        store.fail_loads(Some(Error::Busy));
        assert_eq!(store.save(&key, &Secret::new("new")).await, Err(Error::Locked));
        assert_eq!(store.delete(&key).await, Err(Error::Locked));
        assert_eq!(store.prove().await, Err(Error::Locked));
        assert_eq!(store.load(&key).await.err(), Some(Error::Busy));
        store.fail_saves(None);
        store.fail_loads(None);
        assert_eq!(store.prove().await, Ok(()));
        assert!(store.load(&key).await.unwrap().unwrap().matches("old"));
    }
}
