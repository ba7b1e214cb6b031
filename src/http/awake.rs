//! How an answer is waited for.
//!
//! To go to sleep and to be woken again takes longer than a service of this machine takes to answer. So where the last answer
//! came at once, the next is waited for awake for as long, looking at the streams again and again; everybody else who has
//! something to do does it in between. One that takes longer is slept through, and so is the next.

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
pub(super) struct Waiting {
    count: AtomicUsize,
    at_once: Duration,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { count: AtomicUsize::new(0), at_once: AT_ONCE }
    }
}

impl Waiting {
    /// The answer, and whether it came at once. `is_quick` says whether the last one did.
    pub(super) async fn until<T>(&self, answer: impl Future<Output = T>, is_quick: bool) -> (T, bool) {
        let mut answer = pin!(answer);
        let (start, one) = (Instant::now(), One::of(&self.count));
        let is_at_once = || start.elapsed() < self.at_once;
        let is_awake = || is_quick && is_at_once() && one.is_alone() && is_run_beside_us();
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

/// Whether a service of this machine can answer while somebody here is awake.
fn is_run_beside_us() -> bool {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| available_parallelism().map_or(1, NonZero::get)) > 1
}

#[cfg(test)]
impl Waiting {
    /// Where everything is at once, or nothing.
    pub(super) fn with(at_once: Duration) -> Self {
        Self { at_once, ..Self::default() }
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

    /// Whether such an answer is looked for, where there are two processors, and not only waited for until somebody tells.
    async fn is_looked_for(waiting: &Waiting, is_quick: bool) -> bool {
        let looked = tokio::time::timeout(Duration::from_millis(300), waiting.until(silent(), is_quick)).await;
        looked.map_or(!is_run_beside_us(), |((), is_quick)| is_quick)
    }

    #[tokio::test]
    async fn only_what_came_at_once_the_last_time_is_waited_for_awake() {
        let always = Waiting::with(Duration::MAX);
        assert!(is_looked_for(&always, true).await);
        assert!(tokio::time::timeout(Duration::from_millis(300), always.until(silent(), false)).await.is_err());
        // Whoever was given up waits no more.
        assert!(is_looked_for(&always, true).await);
        assert!(always.until(std::future::ready(7), false).await == (7, true));
    }

    #[tokio::test]
    async fn what_takes_longer_is_slept_through_and_not_waited_for_awake_the_next_time() {
        let never = Waiting::with(Duration::ZERO);
        assert!(tokio::time::timeout(Duration::from_millis(300), never.until(silent(), true)).await.is_err());
        let later = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            7
        };
        assert_eq!(never.until(later, true).await, (7, false));
    }

    #[tokio::test]
    async fn of_several_nobody_is_waited_for_awake() {
        let always = Waiting::with(Duration::MAX);
        let other = One::of(&always.count);
        assert!(tokio::time::timeout(Duration::from_millis(300), always.until(silent(), true)).await.is_err());
        drop(other);
        assert!(is_looked_for(&always, true).await);
    }
}
