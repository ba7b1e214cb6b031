//! A store that fails where a keychain would: at the write that the test names, or too late, or with another program in
//! between. What it keeps is in a store in memory.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use keyward::secret::Secret;
use keyward::store::memory::Memory;
use keyward::store::{Answer, Error, Key, Store};

/// What becomes of one save.
#[derive(Clone, Debug)]
pub enum Save {
    /// It works.
    Works,
    /// It fails and changes nothing.
    Fails(Error),
    /// It runs into its deadline and goes on; until it has landed, every other call is refused.
    IsLate,
}

/// The store.
pub struct Fickle {
    kept: Arc<Memory>,
    orders: Mutex<Orders>,
}

#[derive(Default)]
struct Orders {
    saves: VecDeque<Save>,
    always: Option<Save>,
    late: Option<(Key, Secret)>,
    /// So many loads from now, another program writes this right after.
    intruder: Option<(usize, Key, Secret)>,
    failed: usize,
}

impl Fickle {
    pub fn before(kept: &Arc<Memory>) -> Self {
        Self { kept: Arc::clone(kept), orders: Mutex::default() }
    }

    /// What becomes of the next saves, one after the other; later ones work.
    pub fn saves(&self, saves: impl IntoIterator<Item = Save>) {
        let mut orders = self.orders();
        orders.saves = saves.into_iter().collect();
        orders.always = None;
    }

    /// What becomes of the saves after these.
    pub fn then_always(&self, save: Save) {
        self.orders().always = Some(save);
    }

    /// Another program writes this right after the load of that number, counted from 1.
    pub fn intrude_after_load(&self, number: usize, key: Key, secret: Secret) {
        self.orders().intruder = Some((number, key, secret));
    }

    /// The late save is carried out.
    pub async fn land(&self) {
        let late = self.orders().late.take();
        let (key, secret) = late.expect("a save is late");
        self.kept.save(&key, &secret).await.expect("a store that works");
    }

    /// How many saves have failed or were late.
    pub fn failed(&self) -> usize {
        self.orders().failed
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().expect("no panic")
    }

    fn is_busy(&self) -> bool {
        self.orders().late.is_some()
    }
}

impl Store for Fickle {
    fn load<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Secret>> {
        if self.is_busy() {
            return Box::pin(ready(Err(Error::Busy)));
        }
        let intruder = {
            let mut orders = self.orders();
            match orders.intruder.take() {
                Some((1, key, secret)) => Some((key, secret)),
                Some((number, key, secret)) => {
                    orders.intruder = Some((number - 1, key, secret));
                    None
                }
                None => None,
            }
        };
        Box::pin(async move {
            let found = self.kept.load(key).await;
            if let Some((key, secret)) = intruder {
                self.kept.save(&key, &secret).await?;
            }
            found
        })
    }

    fn save<'a>(&'a self, key: &'a Key, secret: &'a Secret) -> Answer<'a, ()> {
        if self.is_busy() {
            return Box::pin(ready(Err(Error::Busy)));
        }
        let mut orders = self.orders();
        let order = orders.saves.pop_front().or_else(|| orders.always.clone()).unwrap_or(Save::Works);
        orders.failed += usize::from(!matches!(order, Save::Works));
        match order {
            Save::Works => self.kept.save(key, secret),
            Save::Fails(error) => Box::pin(ready(Err(error))),
            Save::IsLate => {
                orders.late = Some((key.clone(), secret.clone()));
                Box::pin(ready(Err(Error::TimedOut { after: Duration::from_secs(5) })))
            }
        }
    }

    fn delete<'a>(&'a self, key: &'a Key) -> Answer<'a, bool> {
        if self.is_busy() {
            return Box::pin(ready(Err(Error::Busy)));
        }
        self.kept.delete(key)
    }

    fn prove(&self) -> Answer<'_, ()> {
        self.kept.prove()
    }
}
