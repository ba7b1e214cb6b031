//! Tasks that belong to nobody who could cancel them: a renewal or the end of a login, once begun, runs to its end.

use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

/// Runs tasks to their end. Clones share them.
#[derive(Clone, Default)]
pub struct Owned(Arc<Mutex<JoinSet<()>>>);

impl Owned {
    /// Starts a task; needs a runtime.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Waits until every task has ended, at most `limit`; what is not done by then goes on. Called before the process
    /// ends, and at once back where nothing runs.
    pub async fn settle(&self, limit: Duration) {
        let next = || poll_fn(|context| self.0.lock().unwrap_or_else(PoisonError::into_inner).poll_join_next(context));
        let _ = tokio::time::timeout(limit, async { while next().await.is_some() {} }).await;
    }
}
