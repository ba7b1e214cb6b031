//! The place of one call or reading among those that run at once. While the client is awaited another one has it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// One place. Cloning shares it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    running: Arc<Semaphore>,
    slot: Arc<Mutex<Slot>>,
}

#[derive(Debug, Default)]
struct Slot {
    permit: Option<OwnedSemaphorePermit>,
    /// How many questions are waited for.
    away: usize,
    has_ended: bool,
}

/// A place that is taken. Dropping this leaves it for good.
pub(super) struct Taken(Place);

/// A place that was left while a question is open. Dropping this without [`Away::back`] leaves it empty.
pub(super) struct Away<'a>(&'a Place);

impl Place {
    pub(super) fn new(running: &Arc<Semaphore>) -> Self {
        Self { running: Arc::clone(running), slot: Arc::default() }
    }

    /// Waits until there is one.
    pub(super) async fn take(&self) -> Taken {
        let taken = Taken(self.clone());
        self.fill().await;
        taken
    }

    async fn fill(&self) {
        // The semaphore is never closed, so waiting for it cannot fail.
        let permit = Arc::clone(&self.running).acquire_owned().await.ok();
        let mut slot = self.slot();
        // Another question may have been asked meanwhile, or the call may have ended without waiting for this.
        if slot.away == 0 && !slot.has_ended {
            slot.permit = permit;
        }
    }

    /// Lets another one have it; `None` if the call has ended.
    pub(super) fn leave(&self) -> Option<Away<'_>> {
        let mut slot = self.slot();
        if slot.has_ended {
            return None;
        }
        slot.away = slot.away.saturating_add(1);
        slot.permit = None;
        Some(Away(self))
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Away<'_> {
    /// Waits for a place again, unless another question of the same call is still open: that one would wait for ever if
    /// this one held the only place.
    pub(super) async fn back(self) {
        let place = self.0;
        drop(self);
        if place.slot().away == 0 {
            place.fill().await;
        }
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        let mut slot = self.0.slot();
        slot.away = slot.away.saturating_sub(1);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut slot = self.0.slot();
        slot.has_ended = true;
        slot.permit = None;
    }
}
