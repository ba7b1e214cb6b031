//! What was pulled and not handed out yet, for each connection.
//!
//! Smart Bonding delivers an update once. A call may end before its answer is here: the host cancels it, or waits no
//! longer. So a task of its own pulls and keeps what comes, and the next fetch begins with it. It is kept in this
//! process only, until the next fetch of the same running `serve`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::update::Pulled;
use crate::backends::{Boxed, Error, Progress, Step};

/// After this time nothing more is pulled: many hosts wait a minute for a call, and not longer.
const TIME: Duration = Duration::from_secs(25);

/// The queues by the connection's name and address. Tools are made anew whenever the configuration changes; what was
/// pulled must outlive them.
static ALL: Mutex<BTreeMap<(String, String), Arc<Queue>>> = Mutex::new(BTreeMap::new());

/// What one connection has pulled. It holds what one fetch finds at most: as long as there is anything, nobody pulls.
#[derive(Default)]
pub(super) struct Queue {
    kept: Mutex<VecDeque<Pulled>>,
    /// One fetch pulls at a time.
    turn: tokio::sync::Mutex<()>,
}

/// One pull; nothing in it means that there is nothing more.
pub(super) type Pull = Box<dyn Fn() -> Boxed<'static, Result<Vec<Pulled>, Error>> + Send + Sync>;

/// How a fetch ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// There is nothing more.
    All,
    /// There may be more.
    More,
    /// Nothing was pulled: an earlier fetch had left something.
    Kept,
}

/// What the task tells the call, if it still listens.
enum Told {
    Pulled(u64),
    Ended(Result<End, Error>),
}

/// The queue of that connection.
pub(super) fn of(name: &str, url: &str) -> Arc<Queue> {
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(all.entry((name.to_owned(), url.to_owned())).or_default())
}

impl Queue {
    /// Takes the oldest out, to hand them out.
    pub(super) fn take(&self, most: u64) -> Vec<Pulled> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let count = kept.len().min(usize::try_from(most).unwrap_or(usize::MAX));
        kept.drain(..count).collect()
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> u64 {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        u64::try_from(kept.len()).unwrap_or(u64::MAX)
    }

    fn keep(&self, pulled: impl IntoIterator<Item = Pulled>) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).extend(pulled);
    }

    /// Pulls until `most` wait here, nothing more comes, or the time is over. Dropping this future ends it after the
    /// pull that is on its way, whose answer is kept.
    pub(super) async fn fetch(self: &Arc<Self>, most: u64, pull: Pull, progress: &Progress) -> Result<End, Error> {
        let (call, mut told) = unbounded_channel();
        let queue = Arc::clone(self);
        tokio::spawn(async move {
            let ended = queue.pull(most, pull, &call).await;
            if let Err(unheard) = call.send(Told::Ended(ended)) {
                queue.keep(unheard.0.lost());
            }
        });
        while let Some(told) = told.recv().await {
            match told {
                Told::Pulled(done) => progress.report(step(done, most)),
                Told::Ended(ended) => return ended,
            }
        }
        Ok(End::More)
    }

    async fn pull(&self, most: u64, pull: Pull, call: &UnboundedSender<Told>) -> Result<End, Error> {
        let until = Instant::now().checked_add(TIME);
        let _turn = self.turn.lock().await;
        if self.waiting() > 0 {
            return Ok(End::Kept);
        }
        for done in 1..=most {
            if call.is_closed() || self.waiting() >= most || until.is_some_and(|until| Instant::now() >= until) {
                break;
            }
            let pulled = pull().await?;
            if pulled.is_empty() {
                return Ok(End::All);
            }
            self.keep(pulled);
            // Whoever does not listen any more needs no progress.
            let _ = call.send(Told::Pulled(done));
        }
        Ok(End::More)
    }
}

impl Told {
    /// What the next fetch must know of what nobody heard: an update may be gone.
    fn lost(self) -> Option<Pulled> {
        match self {
            Self::Ended(Err(error @ Error::MaybeDone { .. })) => Some(Pulled::Note(format!("a fetch failed: {error}"))),
            _ => None,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "both are at most 20")]
fn step(done: u64, most: u64) -> Step {
    let message = Some(format!("fetch {done} of at most {most}"));
    Step { done: done as f64, total: Some(most as f64), message }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    fn note(text: impl Into<String>) -> Pulled {
        Pulled::Note(text.into())
    }

    /// Answers `answers` one after the other, each when the gate lets it through; counts the pulls.
    fn gated(
        gate: &Arc<Semaphore>,
        count: &Arc<AtomicU64>,
        answer: fn(u64) -> Result<Vec<Pulled>, Error>,
    ) -> impl Fn() -> Pull {
        let (gate, count) = (Arc::clone(gate), Arc::clone(count));
        move || {
            let (gate, count) = (Arc::clone(&gate), Arc::clone(&count));
            Box::new(move || {
                let (gate, number) = (Arc::clone(&gate), count.fetch_add(1, Ordering::SeqCst) + 1);
                Box::pin(async move {
                    gate.acquire().await.expect("an open gate").forget();
                    answer(number)
                })
            })
        }
    }

    async fn until_asked(count: &AtomicU64, times: u64) {
        while count.load(Ordering::SeqCst) < times {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn an_answer_on_its_way_outlives_the_call_and_nothing_is_pulled_after_it() {
        let (queue, gate, count) = (Arc::new(Queue::default()), Arc::new(Semaphore::new(0)), Arc::default());
        let pull = gated(&gate, &count, |number| Ok(vec![note(number.to_string())]));
        let (caller, first) = (Arc::clone(&queue), pull());
        let call = tokio::spawn(async move { caller.fetch(5, first, &Progress::default()).await });
        until_asked(&count, 1).await;
        call.abort();
        assert!(call.await.is_err(), "the call was dropped");
        gate.add_permits(9);
        // Waits for its turn, and finds what the other left.
        assert_eq!(queue.fetch(5, pull(), &Progress::default()).await.ok(), Some(End::Kept));
        assert_eq!((queue.take(5), count.load(Ordering::SeqCst)), (vec![note("1")], 1));
    }

    #[tokio::test]
    async fn a_failure_that_nobody_heard_is_told_by_the_next_fetch_if_an_update_may_be_gone() {
        let (queue, gate, count) = (Arc::new(Queue::default()), Arc::new(Semaphore::new(0)), Arc::default());
        let pull = gated(&gate, &count, |_| Err(Error::MaybeDone { host: "h".to_owned(), cause: "cut".to_owned() }));
        let (caller, first) = (Arc::clone(&queue), pull());
        let call = tokio::spawn(async move { caller.fetch(5, first, &Progress::default()).await });
        until_asked(&count, 1).await;
        call.abort();
        assert!(call.await.is_err(), "the call was dropped");
        gate.add_permits(1);
        while queue.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(queue.take(5), [note("a fetch failed: whether `h` did it is not known: cut")]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_25_seconds_nothing_more_is_pulled_and_what_came_is_there() {
        let queue = Arc::new(Queue::default());
        let pull: Pull = Box::new(|| {
            Box::pin(async {
                tokio::time::advance(Duration::from_secs(10)).await;
                Ok(vec![note("x")])
            })
        });
        assert_eq!(queue.fetch(20, pull, &Progress::default()).await.ok(), Some(End::More));
        assert_eq!(queue.take(20).len(), 3);
    }

    #[tokio::test]
    async fn every_pull_is_told_and_as_many_are_pulled_as_were_asked_for() {
        let (queue, gate, count) = (Arc::new(Queue::default()), Arc::new(Semaphore::new(9)), Arc::default());
        let steps: Arc<Mutex<Vec<Step>>> = Arc::default();
        let heard = Arc::clone(&steps);
        let progress = Progress::to(move |step| heard.lock().expect("a healthy lock").push(step));
        let pull = gated(&gate, &count, |number| Ok(vec![note(number.to_string()), note("same answer")]));
        assert_eq!(queue.fetch(4, pull(), &progress).await.ok(), Some(End::More));
        assert_eq!(*steps.lock().expect("a healthy lock"), [step(1, 4), step(2, 4)]);
        assert_eq!((queue.take(3).len(), queue.waiting()), (3, 1), "the rest waits");
    }

    #[test]
    fn each_connection_has_a_queue_of_its_own_whoever_asks_for_it() {
        let (one, again) = (of("a", "https://a.example/"), of("a", "https://a.example/"));
        assert!(Arc::ptr_eq(&one, &again));
        for (name, url) in [("b", "https://a.example/"), ("a", "https://b.example/")] {
            assert!(!Arc::ptr_eq(&one, &of(name, url)), "{name} {url}");
        }
    }
}
