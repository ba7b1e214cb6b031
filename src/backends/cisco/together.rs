//! Several questions at the same time, with their answers in the order of the questions.

use std::collections::VecDeque;

use tokio::task::JoinSet;

use crate::backends::Boxed;

/// How many questions are under way at once: as many as may be asked in a second.
const WIDTH: usize = 4;

/// Runs all of them, a few at a time. Dropping this ends those under way. A job that breaks off has no answer: `None`.
pub(super) async fn all<T: Send + 'static>(
    jobs: Vec<Boxed<'static, T>>,
    mut done: impl FnMut(usize),
) -> Vec<Option<T>> {
    let mut answers: Vec<Option<T>> = jobs.iter().map(|_| None).collect();
    let mut waiting: VecDeque<(usize, Boxed<'static, T>)> = jobs.into_iter().enumerate().collect();
    let mut running = JoinSet::new();
    let mut count = 0_usize;
    loop {
        while running.len() < WIDTH
            && let Some((index, job)) = waiting.pop_front()
        {
            running.spawn(async move { (index, job.await) });
        }
        let Some(finished) = running.join_next().await else { return answers };
        count = count.saturating_add(1);
        done(count);
        if let Ok((index, answer)) = finished
            && let Some(place) = answers.get_mut(index)
        {
            *place = Some(answer);
        }
    }
}
