//! What becomes of a connection after an answer, and which way it goes, against real sockets.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};

use super::*;

/// A server that keeps connections open; each request is `answer`ed by its number, from 1 on. It tells of how many
/// connections and requests it had.
struct Counting {
    url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    /// Tells when a connection has ended.
    ended: Receiver<()>,
}

/// What is written, and whether the connection goes on after it.
type Answered = (Vec<u8>, bool);

fn counting(answer: impl Fn(usize) -> Answered + Send + Sync + 'static) -> Counting {
    let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen, had, answer) = (Arc::clone(&connections), Arc::clone(&requests), Arc::new(answer));
    let (ends, ended) = channel();
    let ends = Mutex::new(ends);
    let address = listen(move |mut socket| {
        seen.fetch_add(1, Ordering::SeqCst);
        let (had, answer, ends) = (Arc::clone(&had), Arc::clone(&answer), ends.lock().expect("no panic").clone());
        std::thread::spawn(move || {
            while head(&mut socket).is_some() {
                let (bytes, goes_on) = answer(had.fetch_add(1, Ordering::SeqCst) + 1);
                if socket.write_all(&bytes).is_err() || !goes_on {
                    break;
                }
            }
            drop(socket);
            let _ = ends.send(());
        });
    });
    Counting { url: format!("http://{address}/"), connections, requests, ended }
}

impl Counting {
    fn counts(&self) -> (usize, usize) {
        (self.connections.load(Ordering::SeqCst), self.requests.load(Ordering::SeqCst))
    }

    /// Returns when a connection has ended at the server's side, too.
    async fn end(&self) {
        self.until(|server| server.ended.try_recv().is_ok(), "no connection ended").await;
    }

    async fn until(&self, is_so: impl Fn(&Self) -> bool, otherwise: &str) {
        let until = std::time::Instant::now() + Duration::from_secs(20);
        while !is_so(self) {
            assert!(std::time::Instant::now() < until, "{otherwise}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn hello() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello".to_vec()
}

async fn begun(http: &Http, url: &str) -> Stream {
    let request = Request::get(url).body(Vec::new()).expect("a request");
    http.stream(request, Limits::METADATA).await.expect("an answer")
}

#[tokio::test]
async fn a_connection_is_used_again_and_its_answers_have_an_end_each() {
    let forms: [&[u8]; 4] = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nx-trailer: 1\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ];
    let server = counting(move |number| (forms[(number - 1) % 4].to_vec(), true));
    let http = http(&[]);
    for expected in ["hello", "hello", "", ""].repeat(3) {
        assert_eq!(ask(&http, &server.url).await.as_deref(), Ok(expected));
    }
    assert_eq!(server.counts(), (1, 12));
}

#[tokio::test]
async fn as_many_connections_are_open_as_there_are_requests_at_once() {
    let all = std::sync::Barrier::new(8);
    let server = counting(move |_| {
        all.wait();
        (hello(), true)
    });
    let http = http(&[]);
    for _ in 0..2 {
        let all: Vec<_> = (0..8)
            .map(|_| {
                let (http, url) = (http.clone(), server.url.clone());
                tokio::spawn(async move { ask(&http, &url).await })
            })
            .collect();
        for one in all {
            assert_eq!(one.await.expect("no panic").as_deref(), Ok("hello"));
        }
    }
    assert_eq!(server.counts(), (8, 16));
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_waited_is_replaced() {
    let server = counting(|_| (hello(), false));
    let http = http(&[]);
    for round in 1..=5 {
        assert_eq!(ask(&http, &server.url).await.as_deref(), Ok("hello"));
        server.end().await;
        assert_eq!(server.counts(), (round, round));
    }
}

#[tokio::test]
async fn a_request_that_a_server_has_got_is_not_sent_again() {
    let server = counting(|number| if number == 1 { (hello(), true) } else { (Vec::new(), false) });
    let http = http(&[]);
    assert_eq!(ask(&http, &server.url).await.as_deref(), Ok("hello"));
    let error = ask(&http, &server.url).await.expect_err("no answer");
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    assert!(!error.nothing_was_sent());
    assert_eq!(server.counts(), (1, 2));
}

#[tokio::test]
async fn an_answer_that_nobody_reads_ends_its_connection_unless_its_rest_is_here() {
    let server = counting(|number| {
        let length = if number == 1 { 1_000_000_000 } else { 5 };
        (format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nhello").into_bytes(), true)
    });
    let http = http(&[]);
    let mut stream = begun(&http, &server.url).await;
    assert_eq!(stream.next().await.expect("a piece").as_deref(), Some(&b"hello"[..]));
    drop(stream);
    server.end().await;
    for _ in 0..3 {
        drop(begun(&http, &server.url).await);
        // The connection is told that nobody reads, and is ready again.
        later(0).await;
    }
    assert_eq!(server.counts(), (2, 4));
}

#[tokio::test]
async fn the_rest_of_an_answer_that_nobody_reads_is_no_answer_to_the_next_request() {
    let (goes_on, waits) = channel();
    let waits = Mutex::new(waits);
    let server = listen(move |mut socket| {
        let _ = head(&mut socket);
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 45\r\n\r\n");
        let _ = waits.lock().expect("no panic").recv();
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong.");
    });
    let (http, url) = (http(&[]), format!("http://{server}/"));
    drop(begun(&http, &url).await);
    later(0).await;
    goes_on.send(()).expect("a server");
    let asked = tokio::spawn({
        let (http, url) = (http.clone(), url.clone());
        async move { begun(&http, &url).await.next().await.map(|piece| piece.map(|piece| piece.to_vec())) }
    });
    later(0).await;
    goes_on.send(()).expect("a server");
    let piece = asked.await.expect("no panic").expect("a piece").expect("a body");
    assert!(piece.starts_with(b"HTTP/1.1 200 OK"), "the body of an answer of its own: {piece:?}");
}

#[tokio::test]
async fn a_connection_that_stays_open_is_not_used_under_another_trust() {
    let authority = Authority::named("Corp Root");
    let folder = tempfile::tempdir().expect("a folder");
    let key = KeyPair::generate().expect("a key");
    let certificate = params(&["127.0.0.1"]).signed_by(&key, &authority.issuer).expect("a certificate");
    let url = format!("https://{}/", keeping_alive(certificate.der().clone(), &key));
    let address = Url::parse(&url).expect("an address");
    let http = http(&[]);
    http.trust(Some(&authority.in_file(&folder)));
    let right = http.pinned(&address, Some(Pin::of(certificate.der())));
    let wrong = http.pinned(&address, Some(Pin::of(b"another certificate")));
    for trusted in [&http, &right] {
        assert_eq!(ask(trusted, &url).await.as_deref(), Ok("hello"));
        let refused = ask(&wrong, &url).await;
        assert!(matches!(refused, Err(Error::Tls { fault: TlsFault::Changed { .. }, .. })), "{refused:?}");
    }
    http.trust(None);
    let refused = ask(&http, &url).await;
    assert!(matches!(refused, Err(Error::Tls { fault: TlsFault::UnknownIssuer { .. }, .. })), "{refused:?}");
    assert_eq!(ask(&right, &url).await.as_deref(), Ok("hello"));
}

#[tokio::test]
async fn an_address_is_connected_to_as_it_is_judged() {
    let server = counting(|_| (hello(), true));
    let port = server.url.trim_end_matches('/').rsplit(':').next().expect("a port");
    // For the standard these are 127.0.0.1; a resolver may know better.
    for written in ["127.0.0.1.", "0x7f.1", "2130706433", "ada:canary@127.1"] {
        assert_eq!(ask(&http(&[]), &format!("http://{written}:{port}/")).await.as_deref(), Ok("hello"), "{written}");
    }
}

#[tokio::test]
async fn a_caller_who_goes_away_ends_the_connection() {
    let server = counting(|number| {
        let waits = number == 1;
        (if waits { Vec::new() } else { hello() }, true)
    });
    let http = http(&[]);
    let waiting = tokio::spawn({
        let (http, url) = (http.clone(), server.url.clone());
        async move { ask(&http, &url).await }
    });
    server.until(|server| server.counts() == (1, 1), "no request").await;
    waiting.abort();
    server.end().await;
    assert_eq!(ask(&http, &server.url).await.as_deref(), Ok("hello"));
    assert_eq!(server.counts(), (2, 2));
}

/// After so many seconds, and what was begun before them.
async fn later(seconds: u64) {
    tokio::time::sleep(Duration::from_millis(20)).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_connection_that_waited_a_minute_is_closed_and_none_is_left_behind() {
    let server = counting(|_| (hello(), true));
    let http = http(&[]);
    assert_eq!(ask(&http, &server.url).await.as_deref(), Ok("hello"));
    later(50).await;
    assert_eq!(ask(&http, &server.url).await.as_deref(), Ok("hello"));
    assert_eq!(server.counts(), (1, 2));
    later(61).await;
    assert_eq!(ask(&http, &server.url).await.as_deref(), Ok("hello"));
    assert_eq!(server.counts(), (2, 3));
    server.end().await;
    // Nobody asks any more, and still it is closed.
    later(91).await;
    server.end().await;
}

#[tokio::test]
async fn a_client_outlives_the_runtime_that_its_connections_were_made_in() {
    let server = counting(|_| (hello(), true));
    let http = http(&[]);
    for round in 1..=2 {
        let (http, url) = (http.clone(), server.url.clone());
        let asked = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(ask(&http, &url))
        });
        assert_eq!(asked.join().expect("no panic").as_deref(), Ok("hello"));
        server.end().await;
        assert_eq!(server.counts(), (round, round));
    }
}

#[tokio::test]
async fn r27_a_proxy_is_told_the_whole_address_of_what_is_no_tunnel() {
    let (address, seen) = proxy(None, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    let http = http(&[("HTTP_PROXY", &format!("http://ada:p%40ss@{address}"))]);
    assert_eq!(ask(&http, "http://bob:canary@service.example:8080/path?q=1").await.as_deref(), Ok("hello"));
    let seen = seen.lock().expect("no panic").join("").to_lowercase();
    assert!(seen.starts_with("get http://service.example:8080/path?q=1 http/1.1\r\n"), "{seen}");
    for line in ["\r\nhost: service.example:8080\r\n", "\r\nproxy-authorization: basic ywrhonbac3m=\r\n"] {
        assert!(seen.contains(line), "{line}: {seen}");
    }
}

/// A proxy behind TLS that answers whatever it is asked, and then nothing more.
fn behind_tls(authority: &Authority, host: &str, answer: &'static [u8]) -> SocketAddr {
    let key = KeyPair::generate().expect("a key");
    let certificate = params(&[host]).signed_by(&key, &authority.issuer).expect("a certificate");
    let config = showing(rustls::DEFAULT_VERSIONS, vec![certificate.der().clone()], &key);
    listen(move |mut socket| {
        let session = rustls::ServerConnection::new(Arc::clone(&config)).expect("a session");
        let mut stream = rustls::StreamOwned::new(session, &mut socket);
        if head(&mut stream).is_some_and(|head| head.starts_with("CONNECT service.example:443 ")) {
            let _ = stream.write_all(answer).and_then(|()| stream.flush());
        }
    })
}

#[tokio::test]
async fn r27_a_fault_of_the_proxy_s_own_certificate_is_the_proxy_s_and_not_to_be_kept() {
    let authority = Authority::named("Corp Root");
    let folder = tempfile::tempdir().expect("a folder");
    let address = behind_tls(&authority, "127.0.0.1", b"HTTP/1.1 403 Forbidden\r\n\r\n");
    let (target, named) = ("https://service.example/", address.to_string());
    let http = http(&[("HTTPS_PROXY", &format!("https://{address}"))]);
    let error = ask(&http, target).await.expect_err("nobody vouches for the proxy");
    assert!(
        matches!(&error, Error::Tls { host, presented: None, fault: TlsFault::UnknownIssuer { .. } } if *host == named),
        "{error:?}"
    );
    assert!(error.nothing_was_sent());
    http.trust(Some(&authority.in_file(&folder)));
    let refused = ask(&http, target).await;
    assert_eq!(refused, Err(Error::ProxyRefused { proxy: named, host: "service.example".to_owned() }));
}

#[tokio::test]
async fn r27_behind_a_tunnel_the_certificate_is_the_host_s() {
    let address = listen(|mut socket| {
        let _ = head(&mut socket);
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        // What follows the proxy's consent, and the greeting, is no TLS.
        let _ = socket.read_exact(&mut [0; 5]);
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = socket.read_to_end(&mut Vec::new());
    });
    let error = ask(&http(&[("HTTPS_PROXY", &format!("http://{address}"))]), "https://service.example/").await;
    let expected = Error::Tls { host: "service.example".to_owned(), fault: TlsFault::NotTls, presented: None };
    assert_eq!(error, Err(expected));
}

#[tokio::test]
async fn r27_who_says_nothing_is_waited_for_ten_seconds() {
    // Connections are taken, and nothing is ever said.
    let held = listen(|mut socket| drop(socket.read_to_end(&mut Vec::new())));
    let limits = Limits { time: Duration::from_secs(60), ..Limits::METADATA };
    let proxied = http(&[("HTTPS_PROXY", &format!("http://{held}"))]);
    for (http, url) in [(proxied, "https://service.example/".to_owned()), (http(&[]), format!("https://{held}/"))] {
        let request = Request::get(url).body(Vec::new()).expect("a request");
        let asked = tokio::spawn(async move { http.send(request, limits).await.err() });
        later(9).await;
        assert!(!asked.is_finished(), "before its time");
        later(2).await;
        let error = asked.await.expect("no panic");
        assert!(matches!(error, Some(Error::ProxyConnect { .. } | Error::Connect { .. })), "{error:?}");
    }
}
