//! Accepting connections: side by side, and never more than a few.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet};

use super::connection;
use super::shared::Shared;

/// Open connections.
const MOST: usize = 32;
/// How long answers under way may take to arrive after the end.
const DRAIN: Duration = Duration::from_secs(2);

/// A connection as the accepting side sees it.
struct Guest {
    /// A request is being answered.
    busy: Arc<AtomicBool>,
    task: AbortHandle,
}

/// Serves until `stopped`, then closes the port and lets open exchanges end.
pub(super) async fn run(
    v4: Option<TcpListener>,
    v6: Option<TcpListener>,
    shared: Arc<Shared>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut tasks = JoinSet::new();
    let mut guests: Vec<Guest> = Vec::new();
    loop {
        let stream = tokio::select! {
            _ = &mut stopped => break,
            stream = next(v4.as_ref()) => stream,
            stream = next(v6.as_ref()) => stream,
            Some(_) = tasks.join_next() => continue,
        };
        guests.retain(|guest| !guest.task.is_finished());
        if guests.len() >= MOST && !evict(&mut guests) {
            continue;
        }
        let busy = Arc::new(AtomicBool::new(false));
        let task = tasks.spawn(connection::serve(stream, Arc::clone(&shared), Arc::clone(&busy)));
        guests.push(Guest { busy, task });
    }
    drop((v4, v6));
    for guest in guests.iter().filter(|guest| !guest.busy.load(Ordering::SeqCst)) {
        guest.task.abort();
    }
    let _ = tokio::time::timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
}

async fn next(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // Out of descriptors, mostly: trying again at once would only burn the processor.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Makes room by closing the oldest connection that is not being answered, so that a crowd of silent connections cannot
/// keep the browser out. If all of them are, the newcomer has to go.
fn evict(guests: &mut Vec<Guest>) -> bool {
    match guests.iter().position(|guest| !guest.busy.load(Ordering::SeqCst)) {
        Some(oldest) => {
            guests.remove(oldest).task.abort();
            true
        }
        None => false,
    }
}
