//! Bodies that are sent piece by piece, to servers that read them, stop reading them, or answer before their end.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use super::*;
use crate::machine::Environment;

const PIECE: usize = 64 << 10;
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

/// A server for one connection, and what it answers to the test.
fn serves<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (SocketAddr, oneshot::Receiver<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (send, told) = oneshot::channel();
    std::thread::spawn(move || {
        let (socket, _) = listener.accept().expect("a connection");
        let _ = send.send(serve(socket));
    });
    (address, told)
}

/// The head of a request, in small letters.
fn head(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && socket.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("text").to_ascii_lowercase()
}

/// Reads until the other side ends, and says how many bytes came.
fn drain(socket: &mut TcpStream) -> usize {
    let mut buffer = vec![0; PIECE];
    let mut count = 0;
    while let Ok(read @ 1..) = socket.read(&mut buffer) {
        count += read;
    }
    count
}

async fn upload(address: SocketAddr, pieces: Pieces, limits: Limits) -> Result<Stream, Error> {
    let request = Request::post(format!("http://{address}/upload?ticket=canary")).body(()).expect("a request");
    Http::new(&Environment::default()).upload(request, pieces, limits).await
}

async fn rest(stream: &mut Stream) -> String {
    let mut body = Vec::new();
    while let Some(piece) = stream.next().await.expect("a piece") {
        body.extend_from_slice(&piece);
    }
    String::from_utf8(body).expect("text")
}

/// A body of these pieces, said to be of some length.
fn body(length: u64, pieces: Vec<io::Result<Bytes>>) -> Pieces {
    let (send, source) = mpsc::channel(pieces.len().max(1));
    pieces.into_iter().for_each(|piece| send.try_send(piece).expect("room"));
    Pieces::new(length, source)
}

/// A body without an end, and when its producer was stopped.
fn endless() -> (Pieces, oneshot::Receiver<usize>) {
    let (send, source) = mpsc::channel(2);
    let (stopped, when) = oneshot::channel();
    std::thread::spawn(move || {
        let mut made = 0;
        while send.blocking_send(Ok(Bytes::from(vec![0; PIECE]))).is_ok() {
            made += 1;
        }
        let _ = stopped.send(made);
    });
    (Pieces::new(u64::MAX / 4, source), when)
}

#[tokio::test]
async fn a_body_arrives_whole_in_order_and_with_its_length() {
    let (address, told) = serves(|mut socket| {
        let head = head(&mut socket);
        let mut body = [0; 15];
        socket.read_exact(&mut body).expect("the body");
        socket.write_all(OK.as_bytes()).expect("an answer");
        (head, String::from_utf8_lossy(&body).into_owned())
    });
    let pieces = body(9, ["one", "two", "six"].into_iter().map(|text| Ok(text.into())).collect());
    let pieces = pieces.between(b"(2 ".to_vec(), b" 2".to_vec()).between(b"(".to_vec(), Vec::new());
    assert_eq!(pieces.length(), 15);
    let mut answer = upload(address, pieces, Limits::TOKEN).await.expect("an answer");
    assert_eq!((answer.status.as_u16(), rest(&mut answer).await.as_str()), (200, "ok"));
    let (head, body) = told.await.expect("a request");
    assert!(head.contains("\r\ncontent-length: 15\r\n") && !head.contains("transfer-encoding"), "{head}");
    assert_eq!(body, "((2 onetwosix 2");
}

/// A piece that is counted as long as it is in memory.
struct Counted(Arc<AtomicUsize>, Vec<u8>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.1
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn of_a_long_body_only_a_few_pieces_are_in_memory() {
    let size = 200 << 20;
    let (address, told) = serves(move |mut socket| {
        let _ = head(&mut socket);
        let mut left = size;
        let mut buffer = vec![0; PIECE];
        while left > 0 {
            left -= socket.read(&mut buffer).expect("more of the body");
        }
        socket.write_all(OK.as_bytes()).expect("an answer");
    });
    let (alive, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (send, source) = mpsc::channel(2);
    std::thread::spawn({
        let most = Arc::clone(&most);
        move || {
            for _ in 0..size / PIECE {
                most.fetch_max(alive.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let piece = Bytes::from_owner(Counted(Arc::clone(&alive), vec![0; PIECE]));
                if send.blocking_send(Ok(piece)).is_err() {
                    break;
                }
            }
        }
    });
    let answer = upload(address, Pieces::new(size as u64, source), Limits::TOKEN).await.expect("an answer");
    assert_eq!(answer.status, 200);
    told.await.expect("the whole body");
    let most = most.load(Ordering::SeqCst);
    assert!(most <= 16, "{most} pieces were in memory");
}

#[tokio::test]
async fn a_refusal_that_comes_early_stops_the_producer_and_is_read_to_its_end() {
    for status in ["413 Content Too Large", "302 Found", "401 Unauthorized"] {
        let (go, wait) = std::sync::mpsc::channel();
        let (address, told) = serves(move |mut socket| {
            let _ = head(&mut socket);
            // The connection stays open, and nobody reads the body.
            socket.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 6\r\n\r\nno").as_bytes()).expect("a head");
            wait.recv().expect("the test goes on");
            socket.write_all(b" way").expect("the rest");
            drain(&mut socket)
        });
        let (pieces, stopped) = endless();
        let mut answer = upload(address, pieces, Limits::TOKEN).await.expect("an answer");
        assert!(status.starts_with(answer.status.as_str()));
        stopped.await.expect("the producer was stopped");
        go.send(()).expect("a server");
        assert_eq!(rest(&mut answer).await, "no way", "{status}");
        // The server waits for the rest of the body until the connection ends.
        drop(answer);
        told.await.expect("the connection ended");
    }
}

#[tokio::test]
async fn a_success_that_comes_early_lets_the_body_be_sent_to_its_end() {
    let size = 64 * PIECE;
    let (address, told) = serves(move |mut socket| {
        let _ = head(&mut socket);
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n").expect("a head");
        socket.read_exact(&mut vec![0; size]).expect("the whole body");
        socket.write_all(b"ok").expect("the rest");
    });
    let (send, source) = mpsc::channel(64);
    let mut answer = upload(address, Pieces::new(size as u64, source), Limits::TOKEN).await.expect("an answer");
    // The answer is there before any of the body is.
    for _ in 0..64 {
        send.send(Ok(Bytes::from(vec![0; PIECE]))).await.expect("the body is still wanted");
    }
    assert_eq!(rest(&mut answer).await, "ok");
    told.await.expect("the whole body");
}

#[tokio::test]
async fn a_caller_who_goes_away_stops_the_producer_and_ends_the_connection() {
    let (began, begun) = oneshot::channel();
    let (address, told) = serves(move |mut socket| {
        let _ = head(&mut socket);
        socket.read_exact(&mut vec![0; PIECE]).expect("a beginning");
        let _ = began.send(());
        drain(&mut socket)
    });
    let (pieces, stopped) = endless();
    tokio::select! {
        outcome = upload(address, pieces, Limits::TOKEN) => panic!("{:?}", outcome.err()),
        _ = begun => {}
    }
    stopped.await.expect("the producer was stopped");
    told.await.expect("the connection ended");
}

#[tokio::test]
async fn a_body_that_cannot_be_produced_is_not_taken_for_a_broken_network() {
    let text = || Ok(Bytes::from("text"));
    for (length, pieces, expected) in [
        (8, vec![text(), Err(io::Error::other("the disk is gone"))], "the disk is gone"),
        (8, vec![text()], "it is shorter than it was said to be"),
        (6, vec![text(), text()], "it is longer than it was said to be"),
    ] {
        let (address, told) = serves(|mut socket| {
            let _ = head(&mut socket);
            drain(&mut socket)
        });
        let error = upload(address, body(length, pieces), Limits::TOKEN).await.err().expect("no answer");
        assert!(!error.nothing_was_sent(), "some of it was");
        assert_eq!(error, Error::Unread { host: address.to_string(), cause: expected.to_owned() });
        assert!(told.await.expect("the connection ended") < 8, "{expected}");
    }
}

#[tokio::test]
async fn a_server_that_takes_nothing_and_says_nothing_is_given_up() {
    let (address, told) = serves(|socket| socket);
    let (pieces, stopped) = endless();
    let limits = Limits { time: Duration::from_millis(50), ..Limits::TOKEN };
    let error = upload(address, pieces, limits).await.err();
    assert_eq!(error, Some(Error::TimedOut { host: address.to_string(), after: limits.time }));
    stopped.await.expect("the producer was stopped");
    drop(told);
}

#[tokio::test]
async fn an_empty_body_is_sent_as_one() {
    let (address, told) = serves(|mut socket| {
        let head = head(&mut socket);
        socket.write_all(OK.as_bytes()).expect("an answer");
        head
    });
    let answer = upload(address, body(0, Vec::new()), Limits::TOKEN).await.expect("an answer");
    assert_eq!(answer.status, 200);
    assert!(told.await.expect("a request").contains("\r\ncontent-length: 0\r\n"));
}
