//! Carries requests to the sandbox and answers back, over hyper.
//!
//! Fakes are blocking functions, so that they read like what they imitate: each request gets a thread of its own, up to
//! a bound. The connections live on one more thread with a runtime, which ends with the sandbox.

use std::io::{self, Read};
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Context, Poll, ready};
use std::thread;

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::{Semaphore, oneshot, watch};

use super::answer::{self, Cut};
use crate::backends::fake::{Body, Received, Reply};

/// Requests in progress at once; further ones wait. A fake may block, so there are many.
const MOST_THREADS: usize = 256;
/// The largest body that is read.
const BODY: usize = 1 << 20;

/// Answers one request.
pub(super) type Handler = Box<dyn Fn(Received) -> Reply + Send + Sync>;

/// A running server. Dropping it closes the port; requests in progress still get their answers.
pub(super) struct Carrier {
    stop: Option<watch::Sender<()>>,
    /// Behind a lock only because the sandbox is shared between threads.
    closed: Mutex<mpsc::Receiver<()>>,
}

impl Carrier {
    /// Serves `listener` with `handler`.
    pub(super) fn start(listener: TcpListener, handler: Handler) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = watch::channel(());
        let (closing, closed) = mpsc::channel();
        let kitchen = Arc::new(Kitchen { handler, places: Arc::new(Semaphore::new(MOST_THREADS)) });
        thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
            runtime.block_on(async {
                let connections = accept(listener, kitchen, stopped).await;
                // From here on the port is closed, and whoever drops the carrier may go on.
                drop(closing);
                connections.await;
            });
        })?;
        Ok(Self { stop: Some(stop), closed: Mutex::new(closed) })
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.stop = None;
        // Returns when the other end is gone; nothing is ever sent.
        let _ = self.closed.get_mut().unwrap_or_else(PoisonError::into_inner).recv();
    }
}

/// Accepts until it is stopped; what comes back ends when the last connection has.
async fn accept(
    listener: TcpListener,
    kitchen: Arc<Kitchen>,
    mut stopped: watch::Receiver<()>,
) -> impl Future<Output = ()> {
    let mut connections = tokio::task::JoinSet::new();
    if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
        loop {
            tokio::select! {
                _ = stopped.changed() => break,
                Some(_) = connections.join_next() => {}
                Ok((stream, _)) = listener.accept() => {
                    // Small pieces of an answer leave at once instead of waiting for each other.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(connection(stream, Arc::clone(&kitchen), stopped.clone()));
                }
            }
        }
    }
    async move { while connections.join_next().await.is_some() {} }
}

async fn connection(stream: tokio::net::TcpStream, kitchen: Arc<Kitchen>, mut stopped: watch::Receiver<()>) {
    let service = service_fn(move |request| {
        let kitchen = Arc::clone(&kitchen);
        async move { kitchen.serve(request).await }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // A client that leaves, or breaks the protocol, has nobody to tell.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// The connection is to break without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the answer is cut off")]
struct CutOff;

/// Where requests become answers.
struct Kitchen {
    handler: Handler,
    places: Arc<Semaphore>,
}

impl Kitchen {
    async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Served>, CutOff> {
        let reply = match received(request).await {
            Ok(received) => self.cook(received).await,
            Err(status) => {
                let mut reply = answer::text(status, "this request cannot be read");
                // The rest of the body was not read, so the next request could start anywhere.
                reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                reply
            }
        };
        if reply.extensions().get::<Cut>().is_some() {
            return Err(CutOff);
        }
        Ok(reply.map(Served::of))
    }

    async fn cook(self: Arc<Self>, received: Received) -> Reply {
        let failed = || answer::text(StatusCode::INTERNAL_SERVER_ERROR, "a handler failed");
        // The semaphore is never closed.
        let place = Arc::clone(&self.places).acquire_owned().await;
        let (done, reply) = oneshot::channel();
        let started = thread::Builder::new().name("fake".to_owned()).spawn(move || {
            let _place = place;
            let _ = done.send((self.handler)(received));
        });
        match (started, reply.await) {
            (Ok(_), Ok(reply)) => reply,
            _ => failed(),
        }
    }
}

/// The request with its whole body, or the status that refuses it.
async fn received(request: Request<Incoming>) -> Result<Received, StatusCode> {
    let (parts, mut incoming) = request.into_parts();
    let framings = [CONTENT_LENGTH, TRANSFER_ENCODING].map(|name| parts.headers.get_all(name).iter().count());
    if framings.iter().sum::<usize>() > 1 {
        return Err(StatusCode::BAD_REQUEST);
    }
    if incoming.size_hint().lower() > BODY as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        let Some(data) = frame.data_ref() else { continue };
        if body.len() + data.len() > BODY {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        body.extend_from_slice(data);
    }
    Ok(Request::from_parts(parts, body))
}

/// A body on its way out.
enum Served {
    Whole(Option<Bytes>),
    Pieces(tokio::sync::mpsc::Receiver<io::Result<Bytes>>),
    /// The error that breaks it off; hyper throws away what it has not sent when it meets one.
    Broken(Option<io::Error>),
}

impl Served {
    fn of(body: Body) -> Self {
        match body {
            Body::Whole(bytes) => Self::Whole(Some(Bytes::from(bytes)).filter(|bytes| !bytes.is_empty())),
            Body::Pieces(pieces) => Self::Pieces(read(pieces)),
        }
    }
}

/// Reads on a thread of its own, one piece for each read. A reader that fails breaks the answer off, so that it does
/// not look like one that ended.
fn read(mut pieces: Box<dyn Read + Send>) -> tokio::sync::mpsc::Receiver<io::Result<Bytes>> {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let reader = move || {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let piece = match pieces.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => Ok(Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default())),
                Err(error) => Err(error),
            };
            let was_last = piece.is_err();
            if sender.blocking_send(piece).is_err() || was_last {
                break;
            }
        }
    };
    // Without a thread the sender is gone, and the answer is an empty one.
    let _ = thread::Builder::new().name("pieces".to_owned()).spawn(reader);
    receiver
}

impl hyper::body::Body for Served {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Broken(error) => Poll::Ready(error.take().map(Err)),
            Self::Pieces(pieces) => match ready!(pieces.poll_recv(context)) {
                // One turn later, so that the pieces before it have left.
                Some(Err(error)) => {
                    *self = Self::Broken(Some(error));
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                piece => Poll::Ready(piece.map(|piece| piece.map(Frame::data))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Pieces(_) | Self::Broken(_) => SizeHint::default(),
        }
    }
}
