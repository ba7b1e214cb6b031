//! The listener, driven byte by byte over raw connections.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Mutex;

use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use super::bind::open;
use super::*;
use crate::oauth::testing::{client, server};

type Ended = JoinHandle<Result<Callback, Error>>;

/// A login that is waiting.
struct Login {
    host: Loopback,
    port: u16,
    attempt: Arc<Attempt>,
    notices: Arc<Mutex<Vec<Notice>>>,
    wait: Ended,
}

impl Login {
    async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    async fn with(limits: Limits) -> Self {
        Self::at(Loopback::V4, limits).await
    }

    async fn at(host: Loopback, limits: Limits) -> Self {
        let listener = Listener::bind_with(host, &[], (Door::Known, limits)).await.expect("a port");
        let port = listener.port();
        let redirect = listener.redirect_uri();
        let attempt = Attempt::new(&server("https://as.example"), &client(), &redirect, &[], None).expect("an attempt");
        let (attempt, notices) = (Arc::new(attempt), Arc::new(Mutex::new(Vec::new())));
        let (record, waiting) = (Arc::clone(&notices), Arc::clone(&attempt));
        listener.notify(move |notice| record.lock().expect("no panic").push(notice));
        let wait = tokio::spawn(async move { listener.wait(&waiting, Duration::from_secs(60)).await });
        // The task must have begun to wait before the first request.
        tokio::task::yield_now().await;
        Self { host, port, attempt, notices, wait }
    }

    fn state(&self) -> String {
        let mut query = self.attempt.url().query_pairs();
        query.find(|(name, _)| name == "state").expect("a state").1.into_owned()
    }

    async fn get(&self, target: &str) -> Answer {
        self.send(&self.request("GET", target)).await
    }

    fn request(&self, method: &str, target: &str) -> String {
        format!("{method} {target} HTTP/1.1\r\nHost: {}:{}\r\n\r\n", self.host, self.port)
    }

    async fn send(&self, bytes: impl AsRef<[u8]>) -> Answer {
        send(self.port, bytes.as_ref()).await
    }

    fn true_callback(&self) -> String {
        format!("/callback?code=the-code&state={}", self.state())
    }

    /// The true callback still works: nothing before it has ended the login or used it up.
    async fn succeeds(self, why: &str) {
        let answer = self.get(&self.true_callback()).await;
        assert_eq!(answer.status, 303, "{why}");
        let callback = self.wait.await.expect("no panic").expect("an answer");
        assert!(callback.code().is_ok_and(|code| code.matches("the-code")), "{why}");
    }
}

/// What came back until the connection was closed.
#[derive(Clone, Debug, Default)]
struct Answer {
    /// 0 if the connection was closed without a word.
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

async fn send(port: u16, bytes: &[u8]) -> Answer {
    exchange(TcpStream::connect(("127.0.0.1", port)).await.expect("a connection"), bytes).await
}

async fn exchange(mut stream: TcpStream, bytes: &[u8]) -> Answer {
    // The listener may refuse and close before everything is written.
    let _ = stream.write_all(bytes).await;
    receive(stream).await
}

async fn receive(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut chunk).await {
        bytes.extend_from_slice(&chunk[..count]);
    }
    let text = String::from_utf8(bytes).expect("text");
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        assert_eq!(text, "", "half an answer");
        return Answer::default();
    };
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

async fn is_closed(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).await.is_err() && TcpStream::connect(("::1", port)).await.is_err()
}

fn signed_in() -> Page {
    Page::SignedIn { connection: "cisco".to_owned(), account: Some("ada@example.com".to_owned()) }
}

#[tokio::test]
async fn the_browser_ends_on_a_clean_address_with_the_outcome() {
    let login = Login::start().await;
    let port = login.port;
    let first = login.get(&login.true_callback()).await;
    let place = first.header("location").expect("a place to go").to_owned();
    assert_eq!((first.status, first.body.as_str()), (303, ""));
    assert!(place.starts_with("/result/") && place.len() == 51 && !place.contains("code"), "{place}");
    let browser = tokio::spawn({
        let request = login.request("GET", &place);
        async move { send(port, request.as_bytes()).await }
    });
    let callback = login.wait.await.expect("no panic").expect("an answer");
    assert!(callback.code().is_ok_and(|code| code.matches("the-code")));
    callback.finish(signed_in()).await;
    assert!(is_closed(port).await);
    let page = browser.await.expect("no panic");
    assert_eq!(page.status, 200);
    for text in ["You are signed in", "cisco", "ada@example.com"] {
        assert!(page.body.contains(text), "{text}");
    }
}

#[tokio::test]
async fn the_page_does_not_come_before_the_outcome() {
    let login = Login::start().await;
    let first = login.get(&login.true_callback()).await;
    let place = first.header("location").expect("a place to go").to_owned();
    let mut early = TcpStream::connect(("127.0.0.1", login.port)).await.expect("a connection");
    early.write_all(login.request("GET", &place).as_bytes()).await.expect("sent");
    let probe = login.get("/").await;
    assert_eq!(probe.status, 404, "others are served meanwhile");
    assert_eq!(early.try_read(&mut [0; 1]).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
    let callback = login.wait.await.expect("no panic").expect("an answer");
    callback.finish(Page::Failed { connection: "cisco".to_owned(), reason: Some("<no room>".to_owned()) }).await;
    let page = receive(early).await;
    assert!(page.body.contains("The sign-in did not work") && page.body.contains("&lt;no room&gt;"), "{}", page.body);
    assert!(!page.body.contains("signed in"), "{}", page.body);
}

#[tokio::test]
async fn a_page_that_waits_too_long_claims_nothing() {
    let limits = Limits { page: Duration::from_millis(1), ..Limits::default() };
    let login = Login::with(limits).await;
    let first = login.get(&login.true_callback()).await;
    let page = login.get(first.header("location").expect("a place to go")).await;
    assert!(page.body.contains("Still working") && !page.body.contains("signed in"), "{}", page.body);
    let callback = login.wait.await.expect("no panic").expect("an answer");
    callback.finish(signed_in()).await;
    assert!(is_closed(login.port).await);
}

#[tokio::test]
async fn a_callback_that_is_dropped_closes_the_port_and_claims_nothing() {
    let login = Login::start().await;
    let first = login.get(&login.true_callback()).await;
    let place = first.header("location").expect("a place to go").to_owned();
    let mut early = TcpStream::connect(("127.0.0.1", login.port)).await.expect("a connection");
    early.write_all(login.request("GET", &place).as_bytes()).await.expect("sent");
    assert_eq!(login.get("/").await.status, 404);
    let port = login.port;
    drop(login.wait.await.expect("no panic").expect("an answer"));
    let page = receive(early).await;
    assert!(page.body.contains("This login was ended") && !page.body.contains("signed in"), "{}", page.body);
    assert!(is_closed(port).await);
}

#[tokio::test]
async fn answers_with_another_state_change_nothing() {
    let login = Login::start().await;
    let state = login.state();
    let swapped: String = state
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    let states = [
        String::new(),
        "&state=".to_owned(),
        "&state=other".to_owned(),
        format!("&state={swapped}"),
        format!("&state={}", state.get(..42).expect("43 characters")),
        format!("&state={state}x"),
        format!("&state={state}%20"),
        format!("&state={state}%00"),
        format!("&state={state}&state={state}"),
        format!("&state={state}&state=other"),
    ];
    for state in &states {
        for rest in ["code=looks-good", "error=access_denied&error_description=canary"] {
            let answer = login.get(&format!("/callback?{rest}{state}")).await;
            assert_eq!(answer.status, 400, "{rest}{state}");
            assert!(answer.body.contains("Not for this login") && !answer.body.contains("canary"), "{rest}{state}");
        }
    }
    login.succeeds("after strangers").await;
}

#[tokio::test]
async fn the_person_is_told_once_about_many_strangers() {
    let login = Login::start().await;
    for _ in 0..25 {
        assert_eq!(login.get("/callback?code=x&state=other").await.status, 400);
    }
    assert_eq!(*login.notices.lock().expect("no panic"), [Notice::Strangers { count: 20 }]);
    login.succeeds("after many strangers").await;
}

#[tokio::test]
async fn an_error_with_the_right_state_ends_the_login() {
    let login = Login::start().await;
    let target = format!("/callback?error=access_denied&error_description=canary&state={}", login.state());
    let answer = login.get(&target).await;
    assert!(answer.status == 303 && !answer.head.contains("canary"), "{}", answer.head);
    let callback = login.wait.await.expect("no panic").expect("an answer");
    let expected = Error::Denied { description: Some("canary".to_owned()) };
    assert_eq!(callback.code().err(), Some(&expected));
}

#[tokio::test]
async fn repeated_or_broken_parameters_are_refused_and_the_login_goes_on() {
    let login = Login::start().await;
    let state = login.state();
    for query in [
        format!("code=a&code=a&state={state}"),
        format!("iss=a&iss=b&code=a&state={state}"),
        format!("error=a&error=b&state={state}"),
        format!("code=%zz&state={state}"),
        format!("code=%c0%af&state={state}"),
        format!("code={}&state={state}", "a".repeat(5000)),
    ] {
        assert_eq!(login.get(&format!("/callback?{query}")).await.status, 400, "{query}");
    }
    login.succeeds("after broken parameters").await;
}

#[tokio::test]
async fn line_breaks_in_values_reach_no_header() {
    let login = Login::start().await;
    let target = format!("/callback?code=a%0d%0aSet-Cookie:%20x=y%00&state={}", login.state());
    let answer = login.get(&target).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (303, None));
    let callback = login.wait.await.expect("no panic").expect("an answer");
    assert!(matches!(callback.code(), Err(Error::MalformedResponse { .. })));
}

#[tokio::test]
async fn only_the_host_of_the_redirect_is_answered() {
    let login = Login::start().await;
    let (port, target) = (login.port, login.true_callback());
    for host in [
        format!("Host: evil.example:{port}\r\n"),
        format!("Host: 127.0.0.1.evil.example:{port}\r\n"),
        format!("Host: localhost.:{port}\r\n"),
        format!("Host: localhost:{port}\r\n"),
        format!("Host: [::1]:{port}\r\n"),
        format!("Host: user@127.0.0.1:{port}\r\n"),
        format!("Host: 127.0.0.1:{}\r\n", port.wrapping_add(1)),
        format!("Host: 127.0.0.1:{port}, evil.example\r\n"),
        format!("Host: 127.0.0.1:0{port}\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n"),
        "Host: 127.0.0.1\r\n".to_owned(),
        "Host: \r\n".to_owned(),
        String::new(),
    ] {
        let answer = login.send(format!("GET {target} HTTP/1.1\r\n{host}\r\n")).await;
        assert_eq!((answer.status, answer.body.as_str()), (400, ""), "{host}");
    }
    login.succeeds("after other hosts").await;
}

#[tokio::test]
async fn other_paths_are_not_there() {
    let login = Login::start().await;
    let state = login.state();
    for path in [
        "/",
        "/favicon.ico",
        "/robots.txt",
        "/apple-touch-icon.png",
        "//callback",
        "/callback/",
        "/callback/..",
        "/callback/../callback",
        "/./callback",
        "/%63allback",
        "/callback;x",
        "/CALLBACK",
        "/callback%20",
        "/result",
        "/result/",
        "/result/x",
        "/probe/x",
        "/.well-known/x",
        "/start",
        "/login",
    ] {
        let answer = login.get(&format!("{path}?code=x&state={state}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{path}");
        assert_eq!(answer.header("location"), None, "{path}");
    }
    login.succeeds("after other paths").await;
}

#[tokio::test]
async fn only_get_reaches_the_code() {
    let login = Login::start().await;
    let (port, target) = (login.port, login.true_callback());
    for (method, headers, body) in [
        ("HEAD", "", ""),
        (
            "OPTIONS",
            "Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Private-Network: true\r\n",
            "",
        ),
        ("POST", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n", "a=b"),
        ("POST", "Content-Length: 99999999999\r\n", "a=b"),
        ("PUT", "", ""),
        ("TRACE", "", ""),
        ("PROPFIND", "", ""),
        ("get", "", ""),
    ] {
        let answer =
            login.send(format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n{body}")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")), "{method}");
        assert!(!answer.head.to_lowercase().contains("access-control"), "{method}");
    }
    login.succeeds("after other methods").await;
}

#[tokio::test]
async fn requests_that_no_browser_sends_are_refused() {
    let login = Login::start().await;
    let (port, target) = (login.port, login.true_callback());
    let host = format!("Host: 127.0.0.1:{port}\r\n");
    let many: String = (0..100).map(|n| format!("X-{n}: y\r\n")).collect();
    let refused = |status: u16| vec![status];
    for (request, expected) in [
        (format!("GET http://127.0.0.1:{port}{target} HTTP/1.1\r\n{host}\r\n"), refused(400)),
        (format!("GET http://evil.example{target} HTTP/1.1\r\n{host}\r\n"), refused(400)),
        (format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n{host}\r\n"), refused(400)),
        (format!("GET {target}\r\n{host}\r\n"), refused(400)),
        (format!("GET {target} HTTP/2.0\r\n{host}\r\n"), refused(400)),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), refused(400)),
        (format!("GET {target} HTTP/1.1\r\n{host}no colon\r\n\r\n"), refused(400)),
        (format!("GET {target} HTTP/1.1\r\n{host}X: a\0b\r\n\r\n"), refused(400)),
        ("\0\u{1}\u{2}\r\n\r\n".to_owned(), refused(400)),
        (format!("GET {target} HTTP/1.1\r\n{host}Content-Length: 3\r\n\r\nabc"), refused(400)),
        (format!("GET {target} HTTP/1.1\r\n{host}Content-Length: x\r\n\r\n"), refused(400)),
        (format!("GET {target} HTTP/1.1\r\n{host}Content-Length: -1\r\n\r\n"), refused(400)),
        (format!("GET {target} HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), refused(400)),
        (format!("GET {target} HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), refused(400)),
        (format!("GET {target}&x={} HTTP/1.1\r\n{host}\r\n", "a".repeat(9 << 10)), refused(414)),
        (format!("GET {target} HTTP/1.1\r\n{host}X: {}\r\n\r\n", "a".repeat(17 << 10)), refused(431)),
        (format!("GET {target} HTTP/1.1\r\n{host}{many}\r\n"), refused(431)),
        (format!("GET {target}&x={} HTTP/1.1\r\n{host}\r\n", "a".repeat(1 << 20)), vec![414, 431]),
    ] {
        let answer = login.send(&request).await;
        let shown: String = request.chars().take(160).collect();
        assert!(expected.contains(&answer.status), "{shown} {}", answer.status);
        assert_eq!(answer.body, "", "{shown}");
        assert_guarded(&answer, &shown);
    }
    login.succeeds("after broken requests").await;
}

/// The headers that every answer carries.
fn assert_guarded(answer: &Answer, what: &str) {
    let policy = answer.header("content-security-policy").unwrap_or_default().to_owned();
    let (start, rest) = policy.split_once("style-src 'sha256-").unwrap_or_default();
    assert_eq!(start, "default-src 'none'; ", "{what}");
    assert!(rest.ends_with("'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"), "{what} {policy}");
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("connection", "close"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{what} {name}");
    }
    let head = answer.head.to_lowercase();
    assert!(!head.contains("set-cookie") && !head.contains("access-control"), "{what}");
}

#[tokio::test]
async fn every_answer_is_guarded_and_none_leads_elsewhere_or_tells_a_secret() {
    let login = Login::start().await;
    let state = login.state();
    let lure = "redirect=https://evil.example&next=//evil.example&return_to=x&error_uri=javascript:alert(1)";
    let truth = format!("{}&{lure}", login.true_callback());
    let mut answers = vec![
        login.get(&format!("/?{lure}")).await,
        login.get(&format!("/callback?{lure}&state=x")).await,
        login.send(login.request("HEAD", &truth)).await,
        login.send(format!("GET {truth} HTTP/1.1\r\n\r\n")).await,
        login.get(&truth).await,
        login.get(&truth).await,
    ];
    let place = answers[4].header("location").expect("a place to go").to_owned();
    answers.push(login.send(login.request("POST", &place)).await);
    let late = tokio::spawn({
        let (request, port) = (login.request("GET", &place), login.port);
        async move { send(port, request.as_bytes()).await }
    });
    let callback = login.wait.await.expect("no panic").expect("an answer");
    callback.finish(signed_in()).await;
    answers.push(late.await.expect("no panic"));
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [404, 400, 405, 400, 303, 200, 405, 200]);
    let verifier = login.attempt.verifier.expose();
    for answer in &answers {
        let what = format!("{} {}", answer.status, answer.body);
        assert_guarded(answer, &what);
        let whole = format!("{}{}", answer.head, answer.body);
        for secret in ["evil.example", "javascript", "as.example", "the-code", &state, verifier] {
            assert!(!whole.contains(secret), "{secret} in {whole}");
        }
        assert!(answer.header("location").is_none_or(|location| location == place), "{what}");
    }
}

#[tokio::test]
async fn the_style_of_the_page_is_the_one_the_policy_allows() {
    use base64::Engine as _;
    let login = Login::start().await;
    let page = login.get("/callback").await;
    let style = page.body.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next()).expect("a style");
    let digest = ring::digest::digest(&ring::digest::SHA256, style.as_bytes());
    let allowed = format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(digest));
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains(&allowed)));
}

#[tokio::test]
async fn of_many_true_callbacks_one_counts() {
    let login = Login::start().await;
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        let (request, port) = (login.request("GET", &login.true_callback()), login.port);
        tasks.spawn(async move { send(port, request.as_bytes()).await });
    }
    let answers = tasks.join_all().await;
    let accepted = answers.iter().filter(|answer| answer.status == 303).count();
    let spent = answers.iter().filter(|answer| answer.status == 200 && answer.body.contains("Already handled")).count();
    assert_eq!((accepted, spent), (1, 9));
    assert!(login.wait.await.expect("no panic").is_ok());
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let limits = Limits { silence: Duration::from_secs(3600), head: Duration::from_secs(3600), ..Limits::default() };
    let login = Login::with(limits).await;
    let mut crowd = Vec::new();
    for n in 0..80 {
        let mut stream = TcpStream::connect(("127.0.0.1", login.port)).await.expect("a connection");
        if n % 2 == 0 {
            stream.write_all(b"GET /call").await.expect("sent");
        }
        crowd.push(stream);
    }
    login.succeeds("among silent connections").await;
    drop(crowd);
}

#[tokio::test]
async fn connections_that_stay_after_their_answer_keep_nobody_out() {
    let login = Login::start().await;
    let mut crowd = Vec::new();
    for _ in 0..64 {
        let mut stream = TcpStream::connect(("127.0.0.1", login.port)).await.expect("a connection");
        stream.write_all(login.request("GET", "/").as_bytes()).await.expect("sent");
        assert_eq!(stream.read_u8().await.ok(), Some(b'H'));
        crowd.push(stream);
    }
    login.succeeds("among connections that stay").await;
    drop(crowd);
}

#[tokio::test]
async fn when_all_have_asked_the_newest_has_to_go() {
    let login = Login::start().await;
    let first = login.get(&login.true_callback()).await;
    let place = first.header("location").expect("a place to go").to_owned();
    let mut crowd = Vec::new();
    // Connections that have just been answered linger a moment, so the crowd may have to try again.
    while crowd.len() < 40 {
        let mut stream = TcpStream::connect(("127.0.0.1", login.port)).await.expect("a connection");
        stream.write_all(login.request("GET", &place).as_bytes()).await.expect("sent");
        crowd.push(stream);
    }
    let late = login.get("/").await;
    assert_eq!(late.status, 0, "refused without a word");
    let callback = login.wait.await.expect("no panic").expect("an answer");
    callback.finish(signed_in()).await;
    let mut served = 0;
    for stream in crowd {
        served += usize::from(receive(stream).await.status == 200);
    }
    assert!((30..=32).contains(&served), "{served}");
}

#[tokio::test]
async fn silence_and_half_a_request_are_closed() {
    let limits = Limits { silence: Duration::from_millis(1), head: Duration::from_millis(1), ..Limits::default() };
    let login = Login::with(limits).await;
    for begin in ["", "GET /callback HTTP/1.1\r\nHost"] {
        let answer = login.send(begin).await;
        assert_eq!(answer.status, 0, "{begin}");
    }
}

#[tokio::test]
async fn an_encrypted_hello_is_closed_and_told() {
    let login = Login::start().await;
    let answer = login.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await;
    assert_eq!(answer.status, 0);
    assert_eq!(*login.notices.lock().expect("no panic"), [Notice::Encrypted]);
    login.succeeds("after an encrypted hello").await;
}

#[tokio::test]
async fn connections_that_reset_change_nothing() {
    let login = Login::start().await;
    for _ in 0..100 {
        let mut stream = TcpStream::connect(("127.0.0.1", login.port)).await.expect("a connection");
        stream.write_all(login.request("GET", "/callback?state=x&code=y").as_bytes()).await.expect("sent");
        stream.set_zero_linger().expect("set");
    }
    login.succeeds("after resets").await;
}

fn any_attempt() -> Attempt {
    let redirect = "http://127.0.0.1:4711/callback";
    Attempt::new(&server("https://as.example"), &client(), redirect, &[], None).expect("an attempt")
}

#[tokio::test]
async fn the_port_is_closed_after_every_end() {
    let listener = Listener::bind(Loopback::V4, &[]).await.expect("a port");
    let (port, limit) = (listener.port(), Duration::from_millis(1));
    let ended = listener.wait(&any_attempt(), limit).await;
    assert_eq!(ended.err(), Some(Error::TimedOut { after: limit }));
    assert!(is_closed(port).await, "after the limit");

    let listener = Listener::bind(Loopback::V4, &[]).await.expect("a port");
    let port = listener.port();
    let waiting = tokio::spawn(async move { listener.wait(&any_attempt(), Duration::from_secs(60)).await.is_ok() });
    tokio::task::yield_now().await;
    waiting.abort();
    assert!(waiting.await.is_err_and(|error| error.is_cancelled()));
    tokio::task::yield_now().await;
    assert!(is_closed(port).await, "after a cancelled wait");

    let listener = Listener::bind(Loopback::V4, &[]).await.expect("a port");
    let port = listener.port();
    drop(listener);
    tokio::task::yield_now().await;
    assert!(is_closed(port).await, "after a drop");
}

#[tokio::test]
async fn before_the_wait_no_callback_is_taken() {
    let listener = Listener::bind(Loopback::V4, &[]).await.expect("a port");
    let port = listener.port();
    let attempt = Attempt::new(&server("https://as.example"), &client(), &listener.redirect_uri(), &[], None);
    let state = attempt
        .expect("an attempt")
        .url()
        .query_pairs()
        .find(|(name, _)| name == "state")
        .expect("a state")
        .1
        .into_owned();
    let early = format!("GET /callback?code=x&state={state} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    assert_eq!(send(port, early.as_bytes()).await.status, 400);
}

#[tokio::test]
async fn r19_ports_are_tried_in_order_and_never_shared() {
    let holders = [TcpSocket::new_v4(), TcpSocket::new_v4()].map(|socket| {
        let socket = socket.expect("a socket");
        // Whatever the other program allows, we do not share.
        socket.set_reuseaddr(true).expect("set");
        #[cfg(unix)]
        socket.set_reuseport(true).expect("set");
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("bound");
        socket.listen(1).expect("listening")
    });
    let busy: Vec<u16> = holders.iter().map(|holder| holder.local_addr().expect("an address").port()).collect();
    assert_eq!(Listener::bind(Loopback::V4, &busy).await.err(), Some(Error::PortsBusy { ports: busy.clone() }));

    let free = Listener::bind(Loopback::V4, &[]).await.expect("a port").port();
    tokio::task::yield_now().await;
    let listener = Listener::bind(Loopback::V4, &[busy[0], free, busy[1]]).await.expect("the free one");
    assert_eq!((listener.port(), listener.redirect_uri()), (free, format!("http://127.0.0.1:{free}/callback")));
    // And nobody gets in beside us.
    let second = TcpSocket::new_v4().expect("a socket");
    second.set_reuseaddr(true).expect("set");
    #[cfg(unix)]
    second.set_reuseport(true).expect("set");
    let shared = second.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, free))).and_then(|()| second.listen(1));
    assert_eq!(shared.err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
    assert_eq!(Listener::bind(Loopback::V4, &[free]).await.err(), Some(Error::PortsBusy { ports: vec![free] }));
}

#[tokio::test]
async fn a_used_port_is_free_for_the_next_login_at_once() {
    let listener = Listener::bind(Loopback::V4, &[]).await.expect("a port");
    let port = listener.port();
    assert_eq!(send(port, b"GET / HTTP/1.1\r\n\r\n").await.status, 400);
    drop(listener);
    tokio::task::yield_now().await;
    assert_eq!(Listener::bind(Loopback::V4, &[port]).await.map(|listener| listener.port()), Ok(port));
}

#[tokio::test]
async fn a_port_that_leads_to_somebody_else_is_noticed() {
    let stranger = crate::oauth::testing::Script::always(crate::oauth::testing::reply(404, &[], "")).await;
    let port = stranger.address("/").port().expect("a port");
    let listener = Listener::bind(Loopback::V4, &[]).await.expect("a port");
    let address = [SocketAddr::from((Ipv4Addr::LOCALHOST, port))];
    assert_eq!(listener.server.proves_itself(&address).await, Err(Error::Shadowed { port }));
    assert!(stranger.targets()[0].starts_with("/probe/"));
    let own = [SocketAddr::from((Ipv4Addr::LOCALHOST, listener.port()))];
    assert_eq!(listener.server.proves_itself(&own).await, Ok(()));
}

#[tokio::test]
async fn each_host_answers_to_its_own_name_and_to_no_other() {
    for host in Loopback::ALL {
        let login = Login::at(host, Limits::default()).await;
        let (port, target) = (login.port, login.true_callback());
        assert_eq!(login.attempt.redirect_uri(), format!("http://{host}:{port}/callback"));
        let other = |name: Loopback| format!("GET {target} HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n");
        // By which of its addresses the browser comes is its own business.
        for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
            for name in Loopback::ALL.into_iter().filter(|name| *name != host) {
                let stream = TcpStream::connect((ip, port)).await.expect("a connection");
                assert_eq!(exchange(stream, other(name).as_bytes()).await.status, 400, "{name} at {ip} for {host}");
            }
            let stream = TcpStream::connect((ip, port)).await.expect("a connection");
            let answer = exchange(stream, login.request("GET", "/").as_bytes()).await;
            assert_eq!(answer.status, 404, "{host} at {ip}");
        }
        login.succeeds(host.text()).await;
    }
}

#[tokio::test]
async fn only_loopback_is_bound() {
    let listener = open(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a port");
    assert!(listener.local_addr().is_ok_and(|address| address.ip() == Ipv4Addr::LOCALHOST));
    if let Ok(listener) = open(SocketAddr::from((Ipv6Addr::LOCALHOST, 0))) {
        assert!(listener.local_addr().is_ok_and(|address| address.ip() == Ipv6Addr::LOCALHOST));
    }
    // Every address of 127/8 leads to this machine, and only one of them to us.
    let login = Login::start().await;
    if cfg!(target_os = "linux") {
        assert!(TcpStream::connect(("127.0.0.2", login.port)).await.is_err());
    }
}

/// Whatever follows `?code=`, if it is long enough.
fn read(brought: &str) -> Option<Secret> {
    brought.strip_prefix("?code=").filter(|code| code.len() > 3).map(Secret::new)
}

#[tokio::test]
async fn behind_a_secret_path_a_stranger_neither_ends_the_login_nor_fools_it() {
    let listener = Listener::bind_secret(Loopback::V4, &[]).await.expect("a port");
    let (port, back) = (listener.port(), listener.redirect_uri());
    let path = back.strip_prefix(&format!("http://127.0.0.1:{port}")).expect("a path").to_owned();
    let other = Listener::bind_secret(Loopback::V4, &[]).await.expect("a port").redirect_uri();
    let (start, secret) = path.rsplit_once('/').expect("a secret");
    assert!(secret.len() >= 43 && !other.ends_with(secret), "nobody guesses {path}");
    let notices = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&notices);
    listener.notify(move |notice| record.lock().expect("no panic").push(notice));
    let wait = tokio::spawn(async move { listener.wait_to_read(read, Duration::from_secs(60)).await });
    tokio::task::yield_now().await;
    let ask = async |method: &str, target: &str, host: &str| {
        send(port, format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await
    };
    let own = format!("127.0.0.1:{port}");
    for target in
        ["/?code=evil", "/callback?code=evil", &format!("{start}/?code=evil"), &format!("{start}/x{secret}?code=evil")]
    {
        assert_eq!(ask("GET", target, &own).await.status, 404, "{target}");
    }
    assert_eq!(ask("POST", &format!("{path}?code=evil"), &own).await.status, 405);
    assert_eq!(ask("GET", &format!("{path}?code=evil"), "evil.example").await.status, 400);
    assert!(notices.lock().expect("no panic").is_empty(), "nobody is bothered with strangers");
    // The right place, and nothing that can be read: told, and not the end.
    let unread = ask("GET", &format!("{path}?x=1"), &own).await;
    assert!(unread.status == 400 && unread.body.contains("No code came along"), "{unread:?}");
    assert_eq!(*notices.lock().expect("no panic"), [Notice::Unread]);
    let first = ask("GET", &format!("{path}?code=good"), &own).await;
    assert_eq!(first.status, 303);
    assert_eq!(ask("GET", &format!("{path}?code=late"), &own).await.body, Word::Again.html());
    let callback = wait.await.expect("no panic").expect("an answer");
    assert!(callback.code().is_ok_and(|code| code.matches("good")));
}

#[tokio::test]
async fn an_answer_after_the_limit_is_told_that_it_came_too_late() {
    let shared = Shared::new("127.0.0.1:9", Door::Known, Limits::default()).expect("random numbers");
    let (sender, receiver) = oneshot::channel();
    shared.expect(Box::new(|_| Verdict::Answer(Ok(Secret::new("the-code".to_owned())))), sender);
    drop(receiver);
    assert!(matches!(shared.react("code=the-code"), shared::Reaction::Done));
    assert_eq!(shared.page().await, Word::Late.html());
}
