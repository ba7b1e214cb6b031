//! Ctrl-C and the system's request to end.

use std::future::Future;

use super::Outcome;
use crate::report::{Exit, Report};

/// Runs the work to its end, or to the first signal.
pub(super) async fn or(work: impl Future<Output = Outcome>) -> Outcome {
    tokio::select! {
        biased;
        outcome = work => outcome,
        exit = signal() => Err(Report::new(exit, "interrupted", match exit {
            Exit::Terminated => "terminated",
            _ => "interrupted",
        })),
    }
}

#[cfg(unix)]
async fn signal() -> Exit {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => Exit::Interrupted,
        _ = terminate.recv() => Exit::Terminated,
    }
}

#[cfg(not(unix))]
async fn signal() -> Exit {
    match tokio::signal::ctrl_c().await {
        Ok(()) => Exit::Interrupted,
        Err(_) => std::future::pending().await,
    }
}
