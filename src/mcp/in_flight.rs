//! The requests without an answer yet, where a panic finds them. A bug ends the process, and still nobody waits for
//! an answer for ever.

use std::collections::HashMap;
use std::fmt;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::error::TrySendError;
use tokio::task::{AbortHandle, Id as TaskId};

use super::dispatch;
use super::message::{INTERNAL, Key};
use super::writer::{Part, Parts, Writer};

/// How long a host that does not read keeps the process alive.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// A handle to what one run of the protocol has in flight. Cloning shares it.
#[derive(Clone, Default)]
pub struct InFlight(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    requests: HashMap<Key, Running>,
    writer: Option<Writer>,
}

/// What has the id of a request.
pub(super) enum Running {
    /// It is being understood, or waits for the answers of its batch.
    Still,
    Task(AbortHandle),
    /// The listening request of this number.
    Listen(u64),
    /// A subscription to this address, which the server does not know of yet.
    Subscribe(Arc<str>),
}

impl InFlight {
    /// Answers everything in flight as an internal error (-32603) and returns when the answers are written; nothing is
    /// written after them. For a panic hook: it waits 300 ms in all, for a lock that the panic left locked and for a host
    /// that does not read.
    #[expect(clippy::disallowed_methods, reason = "the runtime's thread may be the one that panicked")]
    pub fn fail(&self) {
        let until = Instant::now() + LAST_WORDS;
        let Some(mut table) = self.before(until) else { return };
        let Table { requests, writer } = &mut *table;
        let Some(writer) = writer else { return };
        while !writer.end_direct() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        for key in requests.drain().map(|(key, _)| key) {
            if let Some(id) = key.written() {
                say(writer, dispatch::refusal(Some(&id), &INTERNAL), until);
            }
        }
        let (written, all) = sync_channel(1);
        say(writer, vec![Part::Written(written)], until);
        let _ = all.recv_timeout(until.saturating_duration_since(Instant::now()));
    }

    /// The table, if whoever holds it lets go of it in time: it may be the one that panicked.
    #[expect(clippy::disallowed_methods, reason = "the runtime's thread may be the one that panicked")]
    fn before(&self, until: Instant) -> Option<MutexGuard<'_, Table>> {
        loop {
            match self.0.try_lock() {
                Ok(table) => return Some(table),
                Err(_) if Instant::now() > until => return None,
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    pub(super) fn writes_to(&self, writer: &Writer) {
        self.table().writer = Some(writer.clone());
    }

    /// What runs under this id from now on, in the place of what did.
    pub(super) fn insert(&self, key: Key, running: Running) {
        self.table().requests.insert(key, running);
    }

    pub(super) fn contains(&self, key: &Key) -> bool {
        self.table().requests.contains_key(key)
    }

    pub(super) fn remove(&self, key: &Key) -> Option<Running> {
        self.table().requests.remove(key)
    }

    /// Removes what can be cancelled.
    pub(super) fn cancel(&self, key: &Key) -> Option<Running> {
        let mut table = self.table();
        let is_still = matches!(table.requests.get(key), Some(Running::Still));
        if is_still { None } else { table.requests.remove(key) }
    }

    /// Whether the id still belongs to this task. A cancelled call has lost it, and it may be in use again.
    pub(super) fn is_of(&self, key: &Key, task: TaskId) -> bool {
        matches!(self.table().requests.get(key), Some(Running::Task(handle)) if handle.id() == task)
    }

    /// The writing thread ends when the last sender is gone.
    pub(super) fn end(&self) {
        self.table().writer = None;
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlight").finish_non_exhaustive()
    }
}

/// Puts a line before the writer, as soon as there is room.
#[expect(clippy::disallowed_methods, reason = "the runtime's thread is the one that panicked")]
fn say(writer: &Writer, mut line: Parts, until: Instant) {
    while let Err(TrySendError::Full(back)) = writer.give(line) {
        if Instant::now() > until {
            return;
        }
        line = back;
        std::thread::sleep(Duration::from_millis(1));
    }
}
