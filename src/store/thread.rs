//! A thread for calls that may never come back.
//!
//! The runtime's own pool for blocking calls will not do: the runtime waits for that pool when it ends, so a keychain
//! that hangs would keep the process from ending. Nothing waits for this thread. It works on one call at a time and the
//! others queue, each within its own deadline. Once a call has run past a deadline, new ones are refused at once until
//! it ends.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use super::Error;

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// The thread and what it keeps between calls. Cloning shares both; the thread begins with the first call and ends
/// with the last clone.
pub struct Thread<S>(Arc<Shared<S>>);

struct Shared<S> {
    name: &'static str,
    turn: Arc<Semaphore>,
    state: Mutex<State<S>>,
}

struct State<S> {
    jobs: Option<SyncSender<Job<S>>>,
    // Every call that got its turn has a number.
    last: u64,
    running: Option<u64>,
    late: bool,
}

impl<S> Clone for Thread<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Default + 'static> Thread<S> {
    /// Starts nothing yet.
    pub fn new(name: &'static str) -> Self {
        let state = Mutex::new(State { jobs: None, last: 0, running: None, late: false });
        Self(Arc::new(Shared { name, turn: Arc::new(Semaphore::new(1)), state }))
    }

    /// Runs `work` on the thread. After `deadline` the caller gets [`Error::TimedOut`] and the work goes on.
    pub async fn run<T: Send + 'static>(
        &self,
        deadline: Duration,
        work: impl FnOnce(&mut S) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let ahead = {
            let state = self.0.state();
            if state.late {
                return Err(Error::Busy);
            }
            state.running
        };
        let mut own = None;
        let outcome = timeout(deadline, async {
            let turn = Arc::clone(&self.0.turn).acquire_owned().await.map_err(|_| ended())?;
            let (answer, answered) = oneshot::channel();
            own = Some(self.start(turn, move |kept, turn| {
                let outcome = work(kept);
                // First: whoever has the answer finds the thread free.
                drop(turn);
                // Nobody listens any more if the deadline has passed.
                let _ = answer.send(outcome);
            })?);
            answered.await.map_err(|_| ended())?
        })
        .await;
        outcome.unwrap_or_else(|_| {
            self.0.is_late([ahead, own]);
            Err(Error::TimedOut { after: deadline })
        })
    }

    fn start(
        &self,
        permit: OwnedSemaphorePermit,
        work: impl FnOnce(&mut S, Turn<S>) + Send + 'static,
    ) -> Result<u64, Error> {
        let (jobs, number) = {
            let mut state = self.0.state();
            let jobs = match &state.jobs {
                Some(jobs) => jobs.clone(),
                None => state.jobs.insert(spawn(self.0.name)?).clone(),
            };
            state.last = state.last.wrapping_add(1);
            state.running = Some(state.last);
            (jobs, state.last)
        };
        let turn = Turn { shared: Arc::clone(&self.0), number, _permit: permit };
        jobs.try_send(Box::new(move |kept| work(kept, turn))).map_err(|_| ended())?;
        Ok(number)
    }
}

// A plain thread, because nothing waits for it when the process ends.
fn spawn<S: Default + 'static>(name: &str) -> Result<SyncSender<Job<S>>, Error> {
    let (jobs, inbox) = sync_channel::<Job<S>>(1);
    let body = move || {
        let mut kept = S::default();
        while let Ok(job) = inbox.recv() {
            job(&mut kept);
        }
    };
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    started.map(|_| jobs).map_err(|error| Error::Failed { cause: format!("no thread for it: {}", error.kind()) })
}

// One call's turn; over when the work is done.
struct Turn<S> {
    shared: Arc<Shared<S>>,
    number: u64,
    _permit: OwnedSemaphorePermit,
}

impl<S> Drop for Turn<S> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if state.running == Some(self.number) {
            state.running = None;
            state.late = false;
        }
    }
}

impl<S> Shared<S> {
    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // A caller's deadline has passed. That makes the running call late only if it is the caller's own or was running
    // when the caller came; a call that only just got its turn is not to blame.
    fn is_late(&self, suspects: [Option<u64>; 2]) {
        let mut state = self.state();
        state.late = state.late || (state.running.is_some() && suspects.contains(&state.running));
    }
}

fn ended() -> Error {
    Error::Failed { cause: "a call of it broke off".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    const HOUR: Duration = Duration::from_secs(3600);
    const AT_ONCE: Duration = Duration::ZERO;

    /// A keychain that hangs until it is let go.
    fn hanging() -> (Sender<()>, impl FnOnce(&mut u32) -> Result<u32, Error> + Send + 'static) {
        let (release, held): (Sender<()>, Receiver<()>) = channel();
        let work = move |kept: &mut u32| {
            let _ = held.recv();
            *kept += 1;
            Ok(*kept)
        };
        (release, work)
    }

    #[tokio::test]
    async fn after_a_deadline_calls_are_refused_at_once_until_the_late_one_ends() {
        let thread = Thread::<u32>::new("test");
        let (release, hangs) = hanging();
        assert_eq!(thread.run(AT_ONCE, hangs).await, Err(Error::TimedOut { after: AT_ONCE }));
        assert_eq!(thread.run(HOUR, |_| Ok(0)).await, Err(Error::Busy));
        assert_eq!(thread.clone().run(HOUR, |_| Ok(0)).await, Err(Error::Busy));
        let free = Arc::clone(&thread.0.turn);
        release.send(()).unwrap();
        drop(free.acquire().await.unwrap());
        assert_eq!(thread.run(HOUR, |kept| Ok(*kept)).await, Ok(1));
    }

    #[tokio::test]
    async fn calls_in_time_queue_and_are_not_refused() {
        let thread = Thread::<u32>::new("test");
        let (release, hangs) = hanging();
        let queued = async {
            let next = |kept: &mut u32| {
                *kept += 10;
                Ok(*kept)
            };
            tokio::join!(thread.run(HOUR, next), thread.run(HOUR, next), async { release.send(()).unwrap() })
        };
        let (first, (second, third, ())) = tokio::join!(thread.run(HOUR, hangs), queued);
        assert_eq!((first, second, third), (Ok(1), Ok(11), Ok(21)));
    }

    #[tokio::test]
    async fn a_call_that_waited_in_vain_finds_out_that_the_one_ahead_is_late() {
        let thread = Thread::<u32>::new("test");
        let (release, hangs) = hanging();
        let patient = thread.run(HOUR, hangs);
        let others = async {
            assert_eq!(thread.run(AT_ONCE, |_| Ok(0)).await, Err(Error::TimedOut { after: AT_ONCE }));
            assert_eq!(thread.run(HOUR, |_| Ok(0)).await, Err(Error::Busy));
            release.send(()).unwrap();
        };
        assert_eq!(tokio::join!(patient, others).0, Ok(1));
        assert_eq!(thread.run(HOUR, |kept| Ok(*kept)).await, Ok(1));
    }

    #[tokio::test]
    async fn a_call_that_just_got_its_turn_is_not_blamed_for_the_one_before() {
        let thread = Thread::<u32>::new("test");
        assert_eq!(thread.run(HOUR, |_| Ok(0)).await, Ok(0));
        let (release, hangs) = hanging();
        let others = async {
            thread.0.is_late([Some(1), None]);
            tokio::join!(thread.run(HOUR, |kept| Ok(*kept)), async { release.send(()).unwrap() }).0
        };
        assert_eq!(tokio::join!(thread.run(HOUR, hangs), others), (Ok(1), Ok(1)));
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_leaves_the_work_to_end_by_itself() {
        let thread = Thread::<u32>::new("test");
        let (release, hangs) = hanging();
        tokio::select! {
            biased;
            _ = thread.run(HOUR, hangs) => panic!("it hangs"),
            () = std::future::ready(()) => {}
        }
        release.send(()).unwrap();
        assert_eq!(thread.run(HOUR, |kept| Ok(*kept)).await, Ok(1));
    }

    #[test]
    fn the_runtime_ends_while_a_call_hangs() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let thread = Thread::<u32>::new("test");
        let (release, hangs) = hanging();
        assert_eq!(runtime.block_on(thread.run(AT_ONCE, hangs)), Err(Error::TimedOut { after: AT_ONCE }));
        drop(runtime);
        release.send(()).unwrap();
    }
}
