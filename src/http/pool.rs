//! Connections that are open and wait for the next request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hyper::client::conn::http1::SendRequest;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::awake::Waiting;
use super::outgoing::Outgoing;

/// How long a connection may wait.
const IDLE: Duration = Duration::from_secs(60);

/// The open connections of one client.
#[derive(Default)]
pub(super) struct Pool {
    state: Mutex<State>,
    /// Whose answers are waited for.
    pub(super) waiting: Waiting,
}

/// An open connection.
pub(super) struct Open {
    pub(super) sender: SendRequest<Outgoing>,
    /// Whether the last answer came at once (see [`super::awake`]).
    pub(super) is_quick: bool,
}

#[derive(Default)]
struct State {
    /// By the origin that they lead to, the one that waits longest first.
    idle: BTreeMap<Arc<str>, Vec<Idle>>,
    /// Closes what waits too long.
    sweeper: Option<JoinHandle<()>>,
}

struct Idle {
    open: Open,
    since: Instant,
}

impl Idle {
    fn is_over(&self) -> bool {
        self.open.sender.is_closed() || self.since.elapsed() > IDLE
    }
}

/// A connection that is in use; afterwards it waits for the next request, unless the rest of the answer is not here yet.
pub(super) struct Lease {
    open: Option<Open>,
    origin: Arc<str>,
    pool: Arc<Pool>,
}

impl Pool {
    /// No connection yet, to services that are waited for like this.
    pub(super) fn new(waiting: Waiting) -> Self {
        Self { waiting, ..Self::default() }
    }

    /// A connection to this origin that waits for a request.
    pub(super) fn take(&self, origin: &str) -> Option<Open> {
        let mut state = self.state();
        let idle = state.idle.get_mut(origin)?;
        idle.retain(|one| !one.is_over());
        // The one that was used last: the others may be closed for lack of use.
        idle.pop().map(|one| one.open)
    }

    /// The connection while it is in use for this origin.
    pub(super) fn lease(self: &Arc<Self>, origin: &str, open: Open) -> Lease {
        let known = self.state().idle.get_key_value(origin).map(|(known, _)| Arc::clone(known));
        Lease { open: Some(open), origin: known.unwrap_or_else(|| origin.into()), pool: Arc::clone(self) }
    }

    fn put(self: &Arc<Self>, origin: &Arc<str>, open: Open) {
        // Without a runtime nobody drives the connection.
        let Ok(runtime) = Handle::try_current() else { return };
        let idle = Idle { open, since: Instant::now() };
        let mut state = self.state();
        match state.idle.get_mut(origin) {
            Some(others) => others.push(idle),
            None => drop(state.idle.insert(Arc::clone(origin), vec![idle])),
        }
        // The runtime of one that has ended may be gone.
        if state.sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
            state.sweeper = Some(runtime.spawn(sweep(Arc::downgrade(self))));
        }
    }

    /// Closes what has waited too long; whether anything is left.
    fn swept(&self) -> bool {
        let mut state = self.state();
        state.idle.retain(|_, idle| {
            idle.retain(|one| !one.is_over());
            !idle.is_empty()
        });
        if state.idle.is_empty() {
            state.sweeper = None;
        }
        !state.idle.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE / 2).await;
        if !pool.upgrade().is_some_and(|pool| pool.swept()) {
            return;
        }
    }
}

impl Lease {
    /// The answer is read.
    pub(super) fn end(mut self) {
        if let Some(open) = self.open.take_if(|open| open.sender.is_ready()) {
            self.pool.put(&self.origin, open);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (Some(mut open), Ok(runtime)) = (self.open.take(), Handle::try_current()) else { return };
        let (origin, pool) = (Arc::clone(&self.origin), Arc::clone(&self.pool));
        // It is ready when the request is sent and the answer read, and ends by itself if nobody reads what is still to come.
        runtime.spawn(async move {
            if open.sender.ready().await.is_ok() {
                pool.put(&origin, open);
            }
        });
    }
}
