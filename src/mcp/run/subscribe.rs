//! The loop's part in what is heard outside every request: subscriptions of both eras, and the news themselves.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{Id as TaskId, JoinError};

use super::{Finished, Loop, Running, Sink};
use crate::mcp::ReadError;
use crate::mcp::audience::Subscribed;
use crate::mcp::dispatch;
use crate::mcp::era::Era;
use crate::mcp::listen::Wish;
use crate::mcp::message::{Failure, INTERNAL, Id, TOO_MANY};
use crate::mcp::read;
use crate::mcp::topics::Turn;
use crate::mcp::writer::{Part, Parts};

/// How many addresses the server is told of at once.
pub(super) const AT_ONCE: usize = 16;
/// How long it has for one of them.
const PATIENCE: Duration = Duration::from_secs(30);

/// A legacy subscription that waits for the server.
pub(super) struct Waiter {
    id: Id,
    pub(super) sink: Sink,
}

impl Loop {
    /// A request of its own kind: it takes no place, and stays until it is cancelled or everything ends.
    pub(super) async fn listen(&mut self, id: Id, wish: Wish, sink: Sink) {
        if let Sink::Batch(_) = sink {
            // The answers of the others would wait for its end.
            let failure = Failure::new(-32600, "a batch cannot listen");
            let refusal = dispatch::refusal(Some(&id), &failure);
            return self.answered(id.key, sink, refusal).await;
        }
        match self.audience.listen(id.clone(), wish) {
            None => {
                let refusal = dispatch::refusal(Some(&id), &TOO_MANY);
                self.answered(id.key, sink, refusal).await;
            }
            Some((number, acknowledgement)) => {
                self.in_flight.insert(id.key, Running::Listen(number));
                if let Some(acknowledgement) = acknowledgement {
                    self.write(acknowledgement).await;
                }
            }
        }
        self.turn();
    }

    pub(super) async fn subscribe(&mut self, id: Id, uri: &str, sink: Sink) {
        let parts = match self.audience.subscribe(uri) {
            Subscribed::Now => Self::nothing(&id),
            Subscribed::Full => dispatch::refusal(Some(&id), &TOO_MANY),
            Subscribed::Later(uri) => {
                self.in_flight.insert(id.key.clone(), Running::Subscribe(Arc::clone(&uri)));
                self.audience.wait(uri, id.key.clone(), Waiter { id, sink });
                return self.turn();
            }
        };
        self.answered(id.key, sink, parts).await;
    }

    /// Whoever waits to be subscribed is answered first: for a moment, it was.
    pub(super) async fn unsubscribe(&mut self, id: &Id, uri: &str, sink: Sink) {
        for (key, Waiter { id, sink }) in self.audience.unsubscribe(uri) {
            self.answered(key, sink, Self::nothing(&id)).await;
        }
        self.answered(id.key.clone(), sink, Self::nothing(id)).await;
        self.turn();
    }

    fn nothing(id: &Id) -> Parts {
        dispatch::answer(id, vec![Part::Static("{}")])
    }

    /// Tells the server what is due. It answers in its own time.
    pub(super) fn turn(&mut self) {
        for turn in self.audience.due() {
            let (server, turning) = (Arc::clone(&self.server), Arc::clone(&self.turning));
            let (uri, wanted) = (turn.uri.to_string(), turn.wanted);
            let handle = self.tasks.spawn(async move {
                let _one = Semaphore::acquire_owned(turning).await;
                let outcome = tokio::time::timeout(PATIENCE, async { server.subscribe(uri, wanted).await }).await;
                let late = || Err(ReadError::Failed("the subscription took too long".to_owned()));
                Finished::Turn(outcome.unwrap_or_else(|_| late()))
            });
            self.turns.insert(handle.id(), turn);
        }
    }

    /// The server has answered, or made a mistake.
    pub(super) async fn turned(&mut self, turn: &Turn, ended: Result<(TaskId, Finished), JoinError>) {
        let outcome = match ended {
            Ok((_, Finished::Turn(outcome))) => outcome.map_err(|error| read::failure(Era::Legacy, error)),
            _ => Err(INTERNAL),
        };
        let (answered, acknowledgements) = self.audience.turned(turn, outcome.is_ok());
        for (key, Waiter { id, sink }) in answered {
            let parts = match &outcome {
                Ok(()) => Self::nothing(&id),
                Err(failure) => dispatch::refusal(Some(&id), failure),
            };
            self.answered(key, sink, parts).await;
        }
        for acknowledgement in acknowledgements {
            self.write(acknowledgement).await;
        }
        self.turn();
    }

    /// One line after the other, so that a host that does not read is waited for and not written ahead of.
    pub(super) async fn news(&mut self) {
        let told = self.audience.told();
        for (list, _) in told.changed.iter().enumerate().filter(|(_, is_changed)| **is_changed) {
            for line in self.audience.changed(list, &self.handshake) {
                self.write(line).await;
            }
        }
        for uri in told.updated {
            for line in self.audience.updated(&uri) {
                self.write(line).await;
            }
        }
        for log in told.logs {
            self.write(vec![Part::Text(log)]).await;
        }
    }

    /// Requests that listen are answered at the end, and the server is told that nobody does any more.
    pub(super) async fn end_listening(&mut self) {
        for id in self.audience.end() {
            let parts = dispatch::answer(&id, self.mouth.dispatch.listened(&id));
            self.answered(id.key, Sink::Line, parts).await;
        }
        self.turn();
    }
}
