//! The loopback port of a login: who is answered, and what an answer tells (S17 to S21, S26, S27, S29 to S34).

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use keyward::report::Exit;
use keyward::sandbox::{Effect, TokenFault};

use super::callback::{login_as, login_with};
use super::meddler::{Answer, Login};
use crate::world::World;

/// The login still waits: the true answer is taken.
fn goes_on(login: &Login) {
    login.arrive(&login.true_answer());
}

#[test]
fn s17_a_port_that_somebody_else_holds_is_never_shared() {
    for lends in [false, true] {
        a_port_is_not_shared(lends);
    }
}

fn a_port_is_not_shared(lends: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    let held = tokio::net::TcpSocket::new_v4().expect("a socket");
    if lends {
        // The other program would let anybody in beside itself.
        held.set_reuseaddr(true).expect("set");
        #[cfg(unix)]
        held.set_reuseport(true).expect("set");
    }
    held.bind("127.0.0.1:0".parse().expect("an address")).expect("bound");
    let held = held.listen(1).expect("a port");
    let port = held.local_addr().expect("an address").port();
    let world = World::with_sandbox();
    let ran = world.run(&["login", &world.resource(), "--name", "box", "--port", &port.to_string()]);
    assert!(ran.failed(Exit::Network).err.contains(&port.to_string()));
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let ports = format!("{port},{free}");
    login_as(&world, &["--port", &ports], move |login, _| {
        assert_eq!(login.port(), free);
        goes_on(login);
    })
    .done();
}

#[test]
fn s18_only_the_host_of_the_redirect_address_is_answered() {
    let world = World::with_sandbox();
    login_with(&world, |login, control| {
        let (port, state) = (login.port(), login.state());
        for host in [
            format!("Host: evil.example:{port}\r\n"),
            format!("Host: 127.0.0.1.evil.example:{port}\r\n"),
            format!("Host: localhost.:{port}\r\n"),
            format!("Host: user@127.0.0.1:{port}\r\n"),
            format!("Host: 127.0.0.1:{}\r\n", port ^ 1),
            format!("Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}\r\n"),
            "Host: 127.0.0.1\r\n".to_owned(),
            String::new(),
        ] {
            let answer = login.raw(&format!("GET /callback?code=x&state={state} HTTP/1.1\r\n{host}\r\n"));
            assert_eq!((answer.status, answer.body.as_str()), (400, ""), "{host}");
        }
        assert_eq!(control.token_requests(), 0);
        goes_on(login);
    })
    .done();
}

const ELSEWHERE: [&str; 14] = [
    "/",
    "/favicon.ico",
    "/robots.txt",
    "/apple-touch-icon.png",
    "//callback",
    "/callback/",
    "/callback/..",
    "/%63allback",
    "/callback;x",
    "/CALLBACK",
    "/start",
    "/result/",
    "/probe/",
    "/.well-known/oauth-authorization-server",
];

#[test]
fn s19_other_paths_are_not_there() {
    let world = World::with_sandbox();
    login_with(&world, |login, control| {
        for path in ELSEWHERE {
            let answer = login.get(&format!("{path}?code=x&state={}", login.state()));
            assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{path}");
        }
        assert_eq!(control.token_requests(), 0);
        goes_on(login);
    })
    .done();
}

#[test]
fn s20_other_methods_are_refused_and_grant_no_other_site_anything() {
    let world = World::with_sandbox();
    login_with(&world, |login, control| {
        let (port, query) = (login.port(), login.true_answer());
        let preflight = "Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n\
            Access-Control-Request-Private-Network: true\r\n";
        let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n";
        for (method, headers, body) in
            [("HEAD", "", ""), ("OPTIONS", preflight, ""), ("POST", form, "a=b"), ("PUT", "", ""), ("TRACE", "", "")]
        {
            let answer = login
                .raw(&format!("{method} /callback?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n{body}"));
            assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")), "{method}");
            assert!(!answer.head.to_lowercase().contains("access-control"), "{method}: {}", answer.head);
        }
        assert_eq!(control.token_requests(), 0);
        login.arrive(&query);
    })
    .done();
}

#[test]
fn s21_what_is_too_large_is_refused_and_the_login_goes_on() {
    let world = World::with_sandbox();
    login_with(&world, |login, control| {
        let (port, state) = (login.port(), login.state());
        let host = format!("Host: 127.0.0.1:{port}\r\n");
        let many: String = (0..100).map(|n| format!("X-{n}: y\r\n")).collect();
        for (request, status) in [
            (format!("GET /callback?state={state}&code={} HTTP/1.1\r\n{host}\r\n", "a".repeat(9 << 10)), 414),
            (format!("GET /callback?state={state} HTTP/1.1\r\n{host}X: {}\r\n\r\n", "a".repeat(17 << 10)), 431),
            (format!("GET /callback?state={state} HTTP/1.1\r\n{host}{many}\r\n"), 431),
            (format!("GET /callback?state={state}&code={} HTTP/1.1\r\n{host}\r\n", "a".repeat(5000)), 400),
        ] {
            assert_eq!(login.raw(&request).status, status);
        }
        assert_eq!(control.token_requests(), 0);
        goes_on(login);
    })
    .done();
}

#[test]
fn s26_no_path_tells_the_state_the_verifier_or_the_login_page() {
    let world = World::with_sandbox();
    login_with(&world, |login, _| {
        let secrets = [login.state(), login.sent("code_challenge"), "/as/authorize".to_owned()];
        let telling =
            |answer: &Answer| secrets.iter().any(|secret| (answer.head.clone() + &answer.body).contains(secret));
        for path in ELSEWHERE.iter().chain(&["/callback", "/callback?state=x", "/result/x", "/probe/x", "/login"]) {
            assert!(!telling(&login.get(path)), "{path}");
        }
        let answer = login.come_back(&login.true_answer());
        assert!(!telling(&answer));
        assert!(!telling(&login.get(answer.header("location").expect("the page"))));
    })
    .done();
}

#[test]
fn s27_every_answer_carries_the_headers_that_protect_it() {
    let world = World::with_sandbox();
    login_with(&world, |login, _| {
        let port = login.port();
        let mut answers = vec![
            login.get("/"),
            login.get("/callback?code=x"),
            login.raw(&format!("POST /callback HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")),
            login.raw("GET /callback HTTP/1.1\r\n\r\n"),
            login.raw(&format!("GET /{} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n", "a".repeat(9 << 10))),
            login.raw(&format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: {}\r\n\r\n", "a".repeat(17 << 10))),
            login.raw("nonsense\r\n\r\n"),
        ];
        let query = login.true_answer();
        answers.push(login.come_back(&query));
        let place = answers.last().and_then(|answer| answer.header("location")).expect("the page").to_owned();
        answers.push(login.get(&place));
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [404, 400, 405, 400, 414, 431, 400, 303, 200]);
        for answer in &answers {
            guarded(answer);
        }
    })
    .done();
}

fn guarded(answer: &Answer) {
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
        assert_eq!(answer.header(name), Some(value), "{name}: {}", answer.head);
    }
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");
    let head = answer.head.to_lowercase();
    assert!(!head.contains("set-cookie") && !head.contains("access-control"), "{head}");
}

#[test]
fn s29_a_scanner_that_only_looks_does_not_use_up_the_code() {
    let world = World::with_sandbox();
    login_with(&world, |login, control| {
        let query = login.true_answer();
        for _ in 0..3 {
            let head = format!("HEAD /callback?{query} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", login.port());
            assert_eq!(login.raw(&head).status, 405);
        }
        assert_eq!(control.token_requests(), 0);
        login.arrive(&query);
    })
    .done();
}

/// The second within which the true answer is to be served is not measured, because a test that measures time fails on a
/// busy machine: it is served while the silent ones are still there.
#[test]
fn s30_silent_connections_do_not_keep_the_true_answer_out() {
    let world = World::with_sandbox();
    login_with(&world, |login, _| {
        let silent: Vec<TcpStream> =
            (0..40).filter_map(|_| TcpStream::connect(("127.0.0.1", login.port())).ok()).collect();
        let mut slow = TcpStream::connect(("127.0.0.1", login.port())).expect("a connection");
        slow.write_all(b"GET /call").expect("half a request");
        goes_on(login);
        drop((silent, slow));
    })
    .done();
}

fn is_closed(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_err() && TcpStream::connect(("::1", port)).is_err()
}

/// After Ctrl-C it is the system that closes the port, with the process: `terminal.rs` sees the process end.
#[test]
fn s31_the_port_is_closed_after_every_end() {
    let (tell, told) = std::sync::mpsc::channel();
    for (end, exit) in [("success", Exit::Done), ("denied", Exit::Denied), ("timeout", Exit::Network)] {
        let world = World::with_sandbox();
        let (tell, issuer) = (tell.clone(), world.sandbox().issuer().to_owned());
        let words: &[&str] = if end == "timeout" { &["--timeout", "10"] } else { &[] };
        let ran = login_as(&world, words, move |login, _| {
            tell.send(login.port()).expect("heard");
            match end {
                "success" => goes_on(login),
                "denied" => {
                    let query = format!("error=access_denied&state={}&iss={issuer}", login.state());
                    login.arrive(&query);
                }
                _ => {}
            }
        });
        assert_eq!(ran.exit, exit, "{end}: {ran:?}");
        let port = told.recv().expect("a port");
        assert!(is_closed(port), "{end}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn s32_no_address_but_loopback_is_bound() {
    let world = World::with_sandbox();
    login_with(&world, |login, _| {
        let port = format!(":{:04X} ", login.port());
        let mut bound = Vec::new();
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let text = std::fs::read_to_string(table).expect("the kernel's table");
            // Column two is the local address, column four the state; 0A listens.
            bound.extend(text.lines().filter(|line| line.contains(&port) && line.contains(" 0A ")).map(|line| {
                line.split_whitespace()
                    .nth(1)
                    .and_then(|address| address.split(':').next())
                    .unwrap_or_default()
                    .to_owned()
            }));
        }
        let loopback = ["0100007F", "00000000000000000000000001000000"];
        assert!(!bound.is_empty() && bound.iter().all(|address| loopback.contains(&address.as_str())), "{bound:?}");
        goes_on(login);
    })
    .done();
}

#[test]
fn s33_the_address_of_the_result_page_holds_no_code() {
    let world = World::with_sandbox();
    login_with(&world, |login, _| {
        let query = login.true_answer();
        let answer = login.come_back(&query);
        let place = answer.header("location").expect("the page").to_owned();
        assert_eq!(answer.body, "", "nothing is shown on the address with the code");
        assert!(!place.contains('?') && !place.contains("code"), "{place}");
        let code = query.split('&').find_map(|pair| pair.strip_prefix("code=")).expect("a code");
        assert!(!login.get(&place).body.contains(code));
    })
    .done();
}

#[test]
fn s34_the_page_never_claims_a_success_that_was_none() {
    let token = |effect| TokenFault { grant_type: None, effect, ..TokenFault::default() };
    let refused = Effect::Answer { status: 400, headers: vec![], body: "{\"error\":\"invalid_grant\"}".to_owned() };
    for (what, fault, breaks_store, said) in [
        ("token endpoint", Some(token(refused)), false, "this login has expired"),
        ("connection", Some(token(Effect::Drop)), false, "the sign-in did not work"),
        ("store", None, true, "the sign-in did not work"),
    ] {
        let world = World::with_sandbox();
        if let Some(fault) = fault {
            world.sandbox().control().next_token(fault);
        }
        let store = std::sync::Arc::clone(&world.store);
        let ran = login_with(&world, move |login, _| {
            if breaks_store {
                store.fail_saves(Some(keyward::store::Error::Locked));
            }
            let answer = login.come_back(&login.true_answer());
            let page = login.get(answer.header("location").expect("the page")).body.to_lowercase();
            assert!(!page.contains("signed in") && !page.contains("successful"), "{what}: {page}");
            assert!(page.contains(said), "{what}: {page}");
        });
        assert_ne!(ran.exit, Exit::Done, "{what}");
    }
    slow_page();
}

/// While nothing is known, the page says nothing.
fn slow_page() {
    let world = World::with_sandbox();
    login_with(&world, |login, control| {
        control.hold();
        let answer = login.come_back(&login.true_answer());
        let place = answer.header("location").expect("the page").to_owned();
        let mut stream = TcpStream::connect(("127.0.0.1", login.port())).expect("the listener is there");
        write!(stream, "GET {place} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", login.port()).expect("sent");
        assert!(control.wait_for_held(1, Duration::from_secs(10)), "the exchange has begun");
        stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a limit");
        let mut early = [0; 16];
        assert!(stream.read(&mut early).is_err(), "the page waits for the outcome");
        control.release();
        stream.set_read_timeout(None).expect("no limit");
        let mut page = String::new();
        stream.read_to_string(&mut page).expect("the page");
        assert!(page.contains("You are signed in"), "{page}");
    })
    .done();
}
