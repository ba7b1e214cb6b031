//! How an answer of a service of this machine is waited for.
//!
//! To go to sleep and to be woken again takes longer than such a service takes to answer. So where the last answer of a
//! connection came at once, the next is waited for awake for as long, looking at the streams again and again; everybody else
//! who has something to do does it in between. One that takes longer is slept through from there on, and so is the next.

use std::future::poll_fn;
use std::num::NonZero;
use std::pin::pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

/// What is at once, and so the longest that anything is waited for awake.
const AT_ONCE: Duration = Duration::from_micros(200);

/// The answers that are waited for.
#[derive(Default)]
pub(super) struct Waiting {
    count: AtomicUsize,
    /// Nothing for those who are always slept through.
    at_once: Duration,
}

impl Waiting {
    /// For services of this machine, which can answer while somebody here is awake if there is another processor.
    pub(super) fn beside_us() -> Self {
        static PROCESSORS: OnceLock<usize> = OnceLock::new();
        Self::on(*PROCESSORS.get_or_init(|| available_parallelism().map_or(1, NonZero::get)))
    }

    fn on(processors: usize) -> Self {
        Self { at_once: if processors > 1 { AT_ONCE } else { Duration::ZERO }, ..Self::default() }
    }

    /// The answer, and whether it came at once. `is_quick` says whether the last one did.
    pub(super) async fn until<T>(&self, answer: impl Future<Output = T>, is_quick: bool) -> (T, bool) {
        let mut answer = pin!(answer);
        let (start, one) = (Instant::now(), One::of(&self.count));
        let is_at_once = || start.elapsed() < self.at_once;
        let is_awake = || is_quick && is_at_once() && one.is_alone();
        let answer = loop {
            match poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
                Poll::Ready(answer) => break answer,
                Poll::Pending if is_awake() => tokio::task::yield_now().await,
                Poll::Pending => break answer.await,
            }
        };
        (answer, is_at_once())
    }
}

/// One of those who wait.
struct One<'a>(&'a AtomicUsize);

impl<'a> One<'a> {
    fn of(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }

    /// Where several wait, there is enough to do, and nobody knows whose answer is the next.
    fn is_alone(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 1
    }
}

impl Drop for One<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
impl Waiting {
    /// Where everything is at once, or nothing.
    pub(super) fn with(at_once: Duration) -> Self {
        Self { at_once, ..Self::default() }
    }

    pub(super) fn at_once(&self) -> Duration {
        self.at_once
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Is there at the hundredth look, of which nobody tells.
    async fn silent() {
        let mut looks = 0;
        poll_fn(|_| {
            looks += 1;
            if looks < 100 { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// Whether such an answer is looked for, and not only waited for until somebody tells.
    async fn is_looked_for(waiting: &Waiting, is_quick: bool) -> bool {
        tokio::time::timeout(Duration::from_secs(1), waiting.until(silent(), is_quick)).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_came_at_once_the_last_time_is_waited_for_awake() {
        let always = Waiting::with(Duration::MAX);
        assert!(is_looked_for(&always, true).await);
        assert!(!is_looked_for(&always, false).await);
        // Whoever was given up waits no more.
        assert!(is_looked_for(&always, true).await);
        assert_eq!(always.until(std::future::ready(7), false).await, (7, true));
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_longer_is_slept_through_and_not_waited_for_awake_the_next_time() {
        let never = Waiting::default();
        assert!(!is_looked_for(&never, true).await);
        assert_eq!(never.until(std::future::ready(7), true).await, (7, false));
    }

    #[tokio::test(start_paused = true)]
    async fn of_several_nobody_is_waited_for_awake() {
        let always = Waiting::with(Duration::MAX);
        let other = One::of(&always.count);
        assert!(!is_looked_for(&always, true).await);
        drop(other);
        assert!(is_looked_for(&always, true).await);
    }

    #[test]
    fn on_one_processor_nobody_is_waited_for_awake() {
        assert_eq!([1, 2, 64].map(|processors| Waiting::on(processors).at_once), [Duration::ZERO, AT_ONCE, AT_ONCE]);
    }
}
