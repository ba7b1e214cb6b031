//! Sending a body that is produced piece by piece: its length is known, and only a few pieces of it are in memory.
//!
//! The producer is stopped as soon as nobody needs more: because the answer came early and is not a success, because
//! the caller went away, or because the connection broke.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Request};
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use super::outgoing::Outgoing;
use super::{Error, Http, Limits, Stream};

/// A body and how long it is.
pub struct Pieces {
    length: u64,
    front: VecDeque<Bytes>,
    source: Option<mpsc::Receiver<io::Result<Bytes>>>,
    back: Bytes,
}

impl Pieces {
    /// What comes from `source`, which is `length` bytes in all. A source that is slow or full is waited for; whoever
    /// fills it notices by its closed channel that nobody wants more.
    pub fn new(length: u64, source: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self { length, front: VecDeque::new(), source: Some(source), back: Bytes::new() }
    }

    /// The same between two texts.
    #[must_use]
    pub fn between(mut self, front: Vec<u8>, back: Vec<u8>) -> Self {
        self.length = self.length.saturating_add(front.len() as u64).saturating_add(back.len() as u64);
        self.front.push_front(front.into());
        self.back = [self.back.as_ref(), &back].concat().into();
        self
    }

    /// How many bytes it has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// All of it, where its source is filled already.
    #[cfg(test)]
    pub fn whole(mut self) -> Vec<u8> {
        let mut context = Context::from_waker(Waker::noop());
        let mut whole = Vec::new();
        while let Poll::Ready(Some(Ok(piece))) = self.poll(&mut context) {
            whole.extend_from_slice(&piece);
        }
        whole
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if let Some(piece) = self.front.pop_front() {
            return Poll::Ready(Some(Ok(piece)));
        }
        if let Some(source) = &mut self.source {
            match ready!(source.poll_recv(context)) {
                None => self.source = None,
                piece => return Poll::Ready(piece),
            }
        }
        Poll::Ready(Some(std::mem::take(&mut self.back)).filter(|back| !back.is_empty()).map(Ok))
    }
}

/// How far the sending is.
struct State {
    /// What is to be sent; `None` when nobody needs more of it.
    pieces: Option<Pieces>,
    /// How many bytes of it the connection has not taken yet.
    left: u64,
    /// The body was given up: the connection must end, because the server waits for the rest.
    is_given_up: bool,
    /// Why it could not be produced.
    failure: Option<String>,
    waker: Option<Waker>,
}

/// The body as the connection sees it.
pub(super) struct Sending(Arc<Mutex<State>>);

/// Gives the body up when it is dropped.
pub(super) struct Hold(Arc<Mutex<State>>);

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a body ended before its end. The reason itself is kept beside it: it is not the network's.
#[derive(Debug, thiserror::Error)]
#[error("the body was given up")]
pub(super) struct GivenUp;

impl State {
    fn fail(&mut self, why: String) -> Poll<Option<Result<Frame<Bytes>, GivenUp>>> {
        self.failure = Some(why);
        self.pieces = None;
        Poll::Ready(Some(Err(GivenUp)))
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = GivenUp;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut state = locked(&self.0);
        if state.is_given_up || state.failure.is_some() {
            return Poll::Ready(Some(Err(GivenUp)));
        }
        // The answer is here and is still being read: an error would end the connection that it arrives on.
        let Some(pieces) = &mut state.pieces else {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        };
        let Poll::Ready(piece) = pieces.poll(context) else {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        };
        match piece {
            Some(Err(error)) => state.fail(error.to_string()),
            Some(Ok(piece)) => match state.left.checked_sub(piece.len() as u64) {
                Some(left) => {
                    state.left = left;
                    Poll::Ready(Some(Ok(Frame::data(piece))))
                }
                None => state.fail("it is longer than it was said to be".to_owned()),
            },
            None if state.left > 0 => state.fail("it is shorter than it was said to be".to_owned()),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        locked(&self.0).left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(locked(&self.0).left)
    }
}

impl Hold {
    fn left(&self) -> u64 {
        locked(&self.0).left
    }

    /// Stops the producer, and sends nothing more; the answer can still be read.
    fn stop(&self) {
        locked(&self.0).pieces = None;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = locked(&self.0);
        (state.is_given_up, state.pieces) = (true, None);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Http {
    /// Sends `request` once with this body and returns when the headers of the answer are there.
    ///
    /// `limits.time` is how long nothing may move: a long body may take long. An answer other than a success that comes
    /// before the end of the body ends the sending. Dropping the future, or the stream before its end, ends it, too.
    pub async fn upload(&self, request: Request<()>, pieces: Pieces, limits: Limits) -> Result<Stream, Error> {
        let host = Error::host_of(request.uri());
        let left = pieces.length;
        let state = State { pieces: Some(pieces), left, is_given_up: false, failure: None, waker: None };
        let state = Arc::new(Mutex::new(state));
        let hold = Hold(Arc::clone(&state));
        let mut request = request.map(|()| Outgoing::Pieces(Sending(state)));
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(left));
        let mut exchange = std::pin::pin!(self.execute(request, &host));
        let outcome = loop {
            let before = hold.left();
            match tokio::time::timeout(limits.time, &mut exchange).await {
                Ok(outcome) => break outcome,
                Err(_) if hold.left() == before => {
                    return Err(Error::TimedOut { host: host.clone(), after: limits.time });
                }
                Err(_) => {}
            }
        };
        let failure = locked(&hold.0).failure.clone();
        match (outcome, failure) {
            (Ok(mut stream), _) => {
                if !stream.status.is_success() {
                    hold.stop();
                }
                stream.sending = Some(hold);
                Ok(stream)
            }
            (Err(_), Some(cause)) => Err(Error::Unread { host: host.clone(), cause }),
            (Err(error), None) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
