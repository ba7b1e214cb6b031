//! Ctrl-C and the system's request to end.

use std::future::Future;

use super::Outcome;
use crate::report::{Exit, Report};

/// Runs the work to its end, or to the first signal.
///
/// The signals are ours before the work begins: one that ended the process half-way into it would leave a terminal
/// without echo, or a file half-written.
pub(super) async fn or(work: impl Future<Output = Outcome>) -> Outcome {
    let signal = signal();
    tokio::select! {
        biased;
        outcome = work => outcome,
        exit = signal => Err(Report::new(exit, "interrupted", match exit {
            Exit::Terminated => "terminated",
            _ => "interrupted",
        })),
    }
}

/// Lets a write beyond the limit for one file fail, instead of ending the process in the middle of a renewal. The handler
/// stays for as long as the process lives.
#[cfg(unix)]
pub(super) fn survive_limits() {
    use tokio::signal::unix::{SignalKind, signal};
    let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
}

/// There is no such limit here.
#[cfg(not(unix))]
pub(super) fn survive_limits() {}

#[cfg(unix)]
fn signal() -> impl Future<Output = Exit> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [signal(SignalKind::interrupt()), signal(SignalKind::terminate())];
    async {
        let [Ok(mut interrupt), Ok(mut terminate)] = signals else { return std::future::pending().await };
        tokio::select! {
            _ = interrupt.recv() => Exit::Interrupted,
            _ = terminate.recv() => Exit::Terminated,
        }
    }
}

#[cfg(not(unix))]
async fn signal() -> Exit {
    match tokio::signal::ctrl_c().await {
        Ok(()) => Exit::Interrupted,
        Err(_) => std::future::pending().await,
    }
}
