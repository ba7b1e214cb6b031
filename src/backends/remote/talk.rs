//! What a server and the host have to say to each other in the middle of one request: questions, their answers and logs.
//!
//! How long a person takes is nobody's fault: that time counts against no limit, and meanwhile the request has no place
//! among those that run at once.

use std::collections::{BTreeMap, HashSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout_at};

use super::era::Era;
use super::peer::Peer;
use super::question;
use super::wire::Asking;
use crate::backends::host::{Takes, Unanswered};
use crate::backends::{Host, outside};

/// How many questions one request may ask.
const QUESTIONS: usize = 20;
/// How many requests of the server are looked at during one of ours, pings included.
const REQUESTS: usize = 1_000;
/// How long one question stays open.
const PATIENCE: Duration = Duration::from_secs(600);
/// How exactly the time of the person is measured.
const STEP: Duration = Duration::from_secs(1);

/// The host of one request. Dropping this withdraws what is still asked.
pub(super) struct Talk(Arc<Shared>);

/// The same for the tasks that ask, which do not keep a question open.
#[derive(Clone)]
pub(super) struct Voice(Arc<Shared>);

pub(super) struct Shared {
    host: Host,
    takes: Takes,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many questions there were.
    asked: usize,
    /// The ids of the server's requests.
    seen: HashSet<String>,
    /// The tasks that wait for an answer to them.
    waiting: BTreeMap<String, AbortHandle>,
    /// How many questions are open, since when one is, and for how long others were before.
    open: usize,
    since: Option<Instant>,
    spent: Duration,
    place: Option<OwnedSemaphorePermit>,
    /// Whether the place was left for a question.
    is_away: bool,
}

/// A question that is open. Dropping this closes it.
struct Open<'a>(&'a Shared);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.open = state.open.saturating_sub(1);
        if let (0, Some(since)) = (state.open, state.since) {
            state.spent = state.spent.saturating_add(since.elapsed());
            state.since = None;
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.leave();
        let waiting = std::mem::take(&mut self.0.state().waiting);
        waiting.values().for_each(AbortHandle::abort);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Option<Open<'_>> {
        let mut state = self.state();
        if state.asked >= QUESTIONS {
            return None;
        }
        state.asked = state.asked.saturating_add(1);
        state.open = state.open.saturating_add(1);
        state.since.get_or_insert_with(Instant::now);
        // Another request may run while the person is awaited.
        state.is_away |= state.place.take().is_some();
        Some(Open(self))
    }

    fn spent(&self) -> (Duration, bool) {
        let state = self.state();
        let now = state.since.map(|since| since.elapsed()).unwrap_or_default();
        (state.spent.saturating_add(now), state.since.is_some())
    }

    /// Asks the host, if it takes such a question and has not been asked too much.
    async fn ask(&self, peer: &Peer, method: &str, params: Option<&RawValue>) -> Result<Box<RawValue>, Unanswered> {
        let question = question::of(&peer.host(), self.takes, method, params)?;
        let Some(_open) = self.open() else {
            return Err(Unanswered { code: -32600, message: "too many questions in one request".to_owned() });
        };
        let _turn = peer.questions.acquire().await.ok();
        self.host.ask(question, PATIENCE).await
    }
}

impl Talk {
    pub(super) fn new(host: Host) -> Self {
        Self(Voice::to(host).0)
    }

    pub(super) fn host(&self) -> &Host {
        &self.0.host
    }

    pub(super) fn takes(&self) -> Takes {
        self.0.takes
    }

    pub(super) fn voice(&self) -> Voice {
        Voice(Arc::clone(&self.0))
    }

    /// Waits for a place among the requests that run at once.
    pub(super) async fn take(&self, places: &Arc<Semaphore>) {
        // The semaphore is never closed, so waiting for it cannot fail.
        let place = Arc::clone(places).acquire_owned().await.ok();
        let mut state = self.0.state();
        (state.place, state.is_away) = (place, false);
    }

    /// Waits for a place if it was left for a question, and none is open any more.
    pub(super) async fn take_again(&self, places: &Arc<Semaphore>) {
        let is_back = {
            let state = self.0.state();
            state.is_away && state.open == 0
        };
        if is_back {
            self.take(places).await;
        }
    }

    /// Leaves the place.
    pub(super) fn leave(&self) {
        self.0.state().place = None;
    }

    /// What comes of the future within `limit`, not counting the time in which the person was asked.
    pub(super) async fn within<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let began = Instant::now();
        let before = self.0.spent().0;
        loop {
            let now = Instant::now();
            let (spent, is_open) = self.0.spent();
            let until = began.checked_add(limit.saturating_add(spent.saturating_sub(before)))?;
            let until = if is_open { until.max(now.checked_add(STEP)?) } else { until };
            match timeout_at(until, &mut future).await {
                Ok(outcome) => return Some(outcome),
                Err(_) if !is_open && !self.0.spent().1 && self.0.spent().0 == spent => return None,
                Err(_) => {}
            }
        }
    }

    /// Asks several questions at once; what was said to each, by the server's names for them.
    pub(super) async fn ask_all(
        &self,
        peer: &Arc<Peer>,
        questions: BTreeMap<String, question::Raw>,
    ) -> Vec<(String, String, Result<Box<RawValue>, Unanswered>)> {
        // Dropping the set, because the call was given up, withdraws them.
        let mut all = JoinSet::new();
        for (name, question::Raw { method, params }) in questions {
            let (shared, peer) = (Arc::clone(&self.0), Arc::clone(peer));
            all.spawn(async move {
                let said = shared.ask(&peer, &method, params.as_deref()).await;
                (name, method, said)
            });
        }
        let mut said = Vec::new();
        while let Some(one) = all.join_next().await {
            said.extend(one.ok());
        }
        said
    }
}

impl Voice {
    pub(super) fn to(host: Host) -> Self {
        Self(Arc::new(Shared { takes: host.takes(), host, state: Mutex::default() }))
    }

    /// Takes a request of a legacy server: asks, and answers it. The stream must not wait for that.
    pub(super) fn take(&self, peer: &Arc<Peer>, era: &Era, asking: Asking) {
        let id = asking.id.get().to_owned();
        {
            let mut state = self.0.state();
            // What was sent again after an interruption is asked once.
            if state.seen.len() >= REQUESTS || !state.seen.insert(id.clone()) {
                return;
            }
        }
        let (shared, peer, era, name) = (Arc::clone(&self.0), Arc::clone(peer), era.clone(), id.clone());
        let task = tokio::spawn(async move {
            let Asking { id, method, params } = asking;
            let said = match method.as_str() {
                "ping" => Ok(RawValue::from_string("{}".to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())),
                _ => shared.ask(&peer, &method, params.as_deref()).await,
            };
            shared.state().waiting.remove(&name);
            peer.tell(&era, question::reply(&id, said)).await;
        });
        self.0.state().waiting.insert(id, task.abort_handle());
    }

    /// The server does not want to know it any more.
    pub(super) fn withdraw(&self, params: &RawValue) {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Cancelled<'a> {
            #[serde(borrow)]
            request_id: &'a RawValue,
        }
        let Ok(cancelled) = serde_json::from_str::<Cancelled<'_>>(params.get()) else { return };
        if let Some(task) = self.0.state().waiting.remove(cancelled.request_id.get()) {
            task.abort();
        }
    }

    /// What was to be done at an address is done there.
    pub(super) fn completed(&self, params: &RawValue) {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Completed {
            elicitation_id: String,
        }
        if let Ok(Completed { elicitation_id: id }) = serde_json::from_str(params.get()) {
            self.0.host.completed(&outside::line(&id, question::NAME));
        }
    }

    /// What a session remembers of it.
    pub(super) fn downgrade(&self) -> std::sync::Weak<Shared> {
        Arc::downgrade(&self.0)
    }

    pub(super) fn of(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

#[cfg(test)]
impl Talk {
    /// A question that is open until this is dropped.
    pub(super) fn opened(&self) -> Option<impl Drop + '_> {
        self.0.open()
    }
}
