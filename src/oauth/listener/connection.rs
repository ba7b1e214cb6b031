//! One connection: one request, one answer, over.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, StatusCode};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::checks::{Ask, classify};
use super::page::Word;
use super::reply::{Reply, refusal, reply, see};
use super::shared::{Notice, Reaction, Shared};

const HEAD: usize = 16 * 1024;
const HEADERS: usize = 64;
/// A TLS handshake record begins with this byte.
const HANDSHAKE: u8 = 0x16;
/// For a client that neither reads nor leaves; the page's own wait comes on top.
const SPARE: Duration = Duration::from_secs(15);
const LINGER: Duration = Duration::from_millis(500);

/// Serves a connection to its end. `busy` is true from the first whole request until it is answered.
pub(super) async fn serve(stream: TcpStream, shared: Arc<Shared>, busy: Arc<AtomicBool>) {
    let mut first = [0; 1];
    match timeout(shared.limits.silence, stream.peek(&mut first)).await {
        Ok(Ok(1)) if first == [HANDSHAKE] => return shared.tell(Notice::Encrypted),
        Ok(Ok(1)) => {}
        // Browsers open connections ahead of need; silence is no offence.
        _ => return,
    }
    let showed_page = AtomicBool::new(false);
    let service = service_fn(|request| {
        busy.store(true, Ordering::SeqCst);
        answer(request, &shared, &showed_page)
    });
    let stream = Guarded { stream, busy: &busy, refused: None };
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.limits.head)
        .max_buf_size(HEAD)
        .max_headers(HEADERS)
        .keep_alive(false)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), service);
    let end = timeout(shared.limits.page.saturating_add(SPARE), &mut connection).await;
    let Guarded { mut stream, refused, .. } = connection.into_parts().io.into_inner();
    if showed_page.load(Ordering::SeqCst) {
        shared.deliver();
    }
    match end {
        Err(_) => return,
        Ok(Err(error)) if error.is_parse() && !busy.load(Ordering::SeqCst) => {
            let refused = refusal(refused.unwrap_or(StatusCode::BAD_REQUEST));
            if stream.write_all(&refused).await.is_err() || stream.shutdown().await.is_err() {
                return;
            }
        }
        Ok(_) => {}
    }
    busy.store(false, Ordering::SeqCst);
    linger(stream).await;
}

/// Reads what the client still sends: closing over unread bytes resets the connection, and the reset can overtake the
/// answer.
async fn linger(mut stream: TcpStream) {
    let mut scrap = [0; 4096];
    let rest = async {
        for _ in 0..64 {
            if !matches!(stream.read(&mut scrap).await, Ok(1..)) {
                return;
            }
        }
    };
    let _ = timeout(LINGER, rest).await;
}

async fn answer<B>(request: Request<B>, shared: &Shared, showed_page: &AtomicBool) -> Result<Reply, Infallible> {
    Ok(match classify(&request, shared) {
        Ask::Refused(status) => reply(status, String::new()),
        Ask::Elsewhere => reply(StatusCode::NOT_FOUND, String::new()),
        Ask::Method => reply(StatusCode::METHOD_NOT_ALLOWED, String::new()),
        Ask::Probe => {
            shared.see_probe();
            reply(StatusCode::NOT_FOUND, String::new())
        }
        Ask::Callback(brought) => match shared.react(brought) {
            Reaction::Done => see(shared.result_path()),
            Reaction::Again => reply(StatusCode::OK, Word::Again.html()),
            Reaction::Refused => reply(StatusCode::BAD_REQUEST, Word::Refused.html()),
            Reaction::Unread => reply(StatusCode::BAD_REQUEST, Word::Unread.html()),
        },
        Ask::Result => {
            let html = shared.page().await;
            showed_page.store(true, Ordering::SeqCst);
            reply(StatusCode::OK, html)
        }
    })
}

/// A stream that keeps hyper's own refusals to itself: they would go out without our headers. Only their status is
/// kept, and ours is sent in their place.
struct Guarded<'a> {
    stream: TcpStream,
    busy: &'a AtomicBool,
    refused: Option<StatusCode>,
}

impl Guarded<'_> {
    fn passes(&self) -> bool {
        self.busy.load(Ordering::SeqCst)
    }
}

impl AsyncRead for Guarded<'_> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Guarded<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.passes() {
            return Pin::new(&mut self.stream).poll_write(cx, bytes);
        }
        // `HTTP/1.1 431 …`
        let status = bytes.get(9..12).and_then(|code| StatusCode::from_bytes(code).ok());
        self.refused = self.refused.or(status);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.passes() { Pin::new(&mut self.stream).poll_shutdown(cx) } else { Poll::Ready(Ok(())) }
    }
}
