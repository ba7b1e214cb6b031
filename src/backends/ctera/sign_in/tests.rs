//! Every way of signing in, at a Portal of a few lines that says what it received.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::backends::Unavailable;
use crate::backends::sign_in::{Person, Visit};

/// A Portal that answers each request by its method and path, and notes all of them.
struct Small {
    url: Url,
    received: Arc<Mutex<Vec<(String, String)>>>,
}

type Answers = fn(&str, &str) -> String;

const INFO: &str = r#"{"name":"acme","hasWebSSO":false,"version":"8.1"}"#;
const SSO: &str = r#"{"name":"acme","hasWebSSO":true,"version":"8.1"}"#;
const ALICE: &str = r#"{"$class":"PortalSession","username":"alice","domain":"example.com","role":"EndUser","userRef":"objs/5986/acme/ADUser/alice"}"#;

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn json(body: &str) -> String {
    answer("200 OK", "Content-Type: application/json\r\n", body)
}

fn session(value: &str) -> String {
    answer("200 OK", &format!("Set-Cookie: JSESSIONID={value}; HttpOnly\r\n"), "<val>Login succeed</val>")
}

fn nobody() -> String {
    answer("302 Found", "Location: /ServicesPortal/login.html\r\nSet-Cookie: JSESSIONID=anonymous\r\n", "")
}

impl Small {
    async fn start(part: &str, answers: impl Fn(&str, &str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url =
            Url::parse(&format!("http://{}{part}", listener.local_addr().expect("an address"))).expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = whole(&mut stream).await;
                let (head, body) = request.split_once("\r\n\r\n").unwrap_or((&request, ""));
                let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
                notes.lock().expect("no panic").push((line.clone(), format!("{head}\n{body}")));
                let _ = stream.write_all(answers(&line, &request).as_bytes()).await;
            }
        });
        Self { url, received }
    }

    fn lines(&self) -> Vec<String> {
        self.received.lock().expect("no panic").iter().map(|(line, _)| line.clone()).collect()
    }

    /// What was sent with the first such request.
    fn sent(&self, line: &str) -> String {
        let all = self.received.lock().expect("no panic");
        all.iter().find(|(known, _)| known == line).map(|(_, text)| text.clone()).expect("such a request")
    }

    async fn asked(&self, way: Way, person: &Somebody, without_sso: bool) -> Result<Obtained, Failed> {
        let http = Http::new(&Default::default()).anywhere();
        let asked = Asked { way, url: &self.url, http: &http, person, without_sso, device: "d1", host_name: "my-host" };
        Portal.obtain(asked).await
    }
}

async fn whole(stream: &mut tokio::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut chunk).await {
            Ok(count @ 1..) => bytes.extend_from_slice(&chunk[..count]),
            _ => return text,
        }
    }
}

/// Answers with these lines, and comes back from pages with these.
#[derive(Default)]
struct Somebody {
    lines: Mutex<VecDeque<&'static str>>,
    backs: Mutex<VecDeque<&'static str>>,
    heard: Mutex<Vec<String>>,
}

impl Somebody {
    fn who_types(lines: &[&'static str]) -> Self {
        Self { lines: Mutex::new(lines.iter().copied().collect()), ..Self::default() }
    }

    fn who_comes_back_with(backs: &[&'static str]) -> Self {
        Self { backs: Mutex::new(backs.iter().copied().collect()), ..Self::default() }
    }

    fn hears(&self, text: &str) {
        self.heard.lock().expect("no panic").push(text.to_owned());
    }

    fn heard(&self) -> String {
        self.heard.lock().expect("no panic").join("\n")
    }

    fn line(&self, question: &str) -> Result<Secret, Unavailable> {
        self.hears(question);
        let next = self.lines.lock().expect("no panic").pop_front();
        next.map(Secret::new)
            .ok_or_else(|| Unavailable(Arc::new(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))))
    }
}

impl Person for Somebody {
    fn say(&self, text: &str) {
        self.hears(text);
    }

    fn ask<'a>(&'a self, question: &'a str) -> Boxed<'a, Result<Secret, Unavailable>> {
        Box::pin(async move { self.line(question) })
    }

    fn ask_hidden<'a>(&'a self, question: &'a str) -> Boxed<'a, Result<Secret, Unavailable>> {
        Box::pin(async move { self.line(question) })
    }

    fn visit<'a>(&'a self, visit: Visit<'a>) -> Boxed<'a, Result<Secret, Unavailable>> {
        Box::pin(async move {
            self.hears((visit.page)("http://127.0.0.1:9/back/x").as_str());
            let back = self.backs.lock().expect("no panic").pop_front().expect("nobody is sent there that often");
            Ok((visit.read)(back).expect("something that can be a code"))
        })
    }
}

/// A Portal without single sign-on, at which alice's password is right.
fn usual(line: &str, request: &str) -> String {
    match line {
        line if line.contains("/public/publicInfo") => json(INFO),
        line if line.starts_with("POST") && line.ends_with("/api/login") => {
            match request.contains("j_password=p%26ss+word") {
                true => session("good"),
                false if request.contains("j_username=device%5C5986&j_password=sh%2Bared") => session("good"),
                false => answer("403 Forbidden", "", ""),
            }
        }
        line if line.contains("/api/currentSession") && request.contains("JSESSIONID=good") => json(ALICE),
        line if line.contains("/api/logout") => answer("200 OK", "", ""),
        line if line.contains("/public/users") => {
            match request.contains("<val>p&amp;ss word</val>") || request.contains("<val>AB12-cd</val>") {
                true => json(
                    r#"{"$class":"AttachDeviceRespond","deviceName":"my-host","deviceUID":5986,"sharedSecret":"sh+ared"}"#,
                ),
                false => answer(
                    "500 Error",
                    "",
                    r#"<obj><att id="rc"><val>1</val></att><att id="msg"><val>Invalid username or password</val></att></obj>"#,
                ),
            }
        }
        _ => nobody(),
    }
}

fn with_sso(line: &str, request: &str) -> String {
    if line.contains("/public/publicInfo") { json(SSO) } else { usual(line, request) }
}

fn stored(obtained: &Obtained) -> &str {
    obtained.kept.expose()
}

#[tokio::test]
async fn a_device_is_attached_with_the_password_once_and_the_password_is_not_kept() {
    let portal = Small::start("/ServicesPortal", usual).await;
    let person = Somebody::who_types(&["alice", "p&ss word"]);
    let obtained = portal.asked(Way::Device, &person, false).await.expect("a login");
    assert_eq!(stored(&obtained), r#"{"user":"device\\5986","password":"sh+ared"}"#);
    let holder =
        Holder { account: "alice@example.com".into(), tenant: Some("acme".into()), role: Some("EndUser".into()) };
    assert_eq!(obtained.holder, holder);
    assert_eq!(
        portal.lines(),
        [
            "GET /ServicesPortal/public/publicInfo?format=jsonext",
            "POST /ServicesPortal/public/users/alice?format=jsonext",
            "POST /ServicesPortal/api/login",
            "GET /ServicesPortal/api/currentSession?format=jsonext",
            "POST /ServicesPortal/api/logout",
        ]
    );
    let attached = portal.sent("POST /ServicesPortal/public/users/alice?format=jsonext");
    let body = r#"<obj><att id="type"><val>user-defined</val></att><att id="name"><val>attachMobileDevice</val></att><att id="param"><obj class="AttachedMobileDeviceParams"><att id="deviceType"><val>Mobile</val></att><att id="deviceMac"><val>d1</val></att><att id="ssoActivationCode"/><att id="password"><val>p&amp;ss word</val></att><att id="hostname"><val>my-host</val></att></obj></att></obj>"#;
    assert!(attached.ends_with(body), "{attached}");
}

#[tokio::test]
async fn a_device_is_attached_with_the_code_that_the_page_brings_back() {
    let portal = Small::start("/ServicesPortal", with_sso).await;
    let person = Somebody::who_comes_back_with(&["?activationCode=AB12-cd"]);
    let obtained = portal.asked(Way::Device, &person, false).await.expect("a login");
    assert_eq!(stored(&obtained), r#"{"user":"device\\5986","password":"sh+ared"}"#);
    assert!(
        person.heard().ends_with("/ServicesPortal/activate?scheme=http%3A%2F%2F127.0.0.1%3A9%2Fback%2Fx"),
        "{}",
        person.heard()
    );
    let attached = portal.sent("POST /ServicesPortal/public/users?format=jsonext");
    assert!(
        attached.contains(r#"<att id="ssoActivationCode"><val>AB12-cd</val></att><att id="password"/>"#),
        "{attached}"
    );
}

#[tokio::test]
async fn what_the_portal_takes_for_no_code_is_told_and_the_page_is_shown_again_but_not_for_ever() {
    let portal = Small::start("/ServicesPortal", with_sso).await;
    let person = Somebody::who_comes_back_with(&["?user=alice@example.com", "?activationCode=AB12-cd"]);
    portal.asked(Way::Device, &person, false).await.expect("a login");
    assert!(person.heard().contains("does not take that for an activation code (Invalid username or password)"));
    let person = Somebody::who_comes_back_with(&["?code=wrong1", "?code=wrong2", "?code=wrong3"]);
    let failed = portal.asked(Way::Device, &person, false).await.expect_err("no login");
    assert!(matches!(failed, Failed::Refused { given: Given::Code, .. }), "{failed:?}");
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_and_single_sign_on_is_named_where_it_is() {
    for (answers, way, sso) in [
        (usual as Answers, Way::Device, false),
        (usual, Way::Password, false),
        (with_sso, Way::Device, true),
        (with_sso, Way::Password, true),
    ] {
        let portal = Small::start("/ServicesPortal", answers).await;
        let failed = portal.asked(way, &Somebody::who_types(&["alice", "wrong"]), true).await.expect_err("no login");
        let Failed::Refused { given: Given::Password, sso: named, .. } = failed else { panic!("{failed:?}") };
        assert_eq!(named, sso);
        assert_eq!(portal.lines().iter().filter(|line| line.starts_with("POST")).count(), 1, "{:?}", portal.lines());
    }
}

#[tokio::test]
async fn a_password_is_kept_only_when_it_has_opened_a_session_that_says_whose_it_is() {
    let portal = Small::start("/ServicesPortal", usual).await;
    let person = Somebody::who_types(&[" alice ", "p&ss word"]);
    let obtained = portal.asked(Way::Password, &person, false).await.expect("a login");
    assert_eq!(stored(&obtained), r#"{"user":"alice","password":"p&ss word"}"#);
    let page: Answers = |line, request| match line.contains("currentSession") {
        true => answer("200 OK", "Content-Type: text/html\r\n", "<html>Enter the code that we sent you</html>"),
        false => usual(line, request),
    };
    let stranger: Answers =
        |line, request| if line.contains("currentSession") { nobody() } else { usual(line, request) };
    for answers in [page, stranger] {
        let portal = Small::start("/ServicesPortal", answers).await;
        let person = Somebody::who_types(&["alice", "p&ss word"]);
        let failed = portal.asked(Way::Password, &person, false).await.expect_err("no login");
        assert!(matches!(failed, Failed::Unfinished { .. }), "{failed:?}");
    }
}

#[tokio::test]
async fn a_second_step_between_the_password_and_the_session_is_told() {
    let portal = Small::start("/ServicesPortal", |line, request| match line.contains("/api/login") {
        true => answer("302 Found", "Location: /ServicesPortal/second.html\r\n", ""),
        false => usual(line, request),
    })
    .await;
    let failed = portal.asked(Way::Password, &Somebody::who_types(&["alice", "p&ss word"]), false).await;
    assert!(matches!(failed, Err(Failed::Unfinished { .. })), "{failed:?}");
}

#[tokio::test]
async fn a_session_and_a_ticket_are_kept_when_they_are_good() {
    let portal = Small::start("/ServicesPortal", usual).await;
    let obtained =
        portal.asked(Way::Session, &Somebody::who_types(&["JSESSIONID=good"]), false).await.expect("a login");
    assert_eq!(stored(&obtained), r#"{"cookie":"good","token":null}"#);
    assert!(!portal.lines().iter().any(|line| line.contains("logout")), "it is the person's own session");
    let failed = portal.asked(Way::Session, &Somebody::who_types(&["ended"]), false).await.expect_err("no login");
    assert!(matches!(failed, Failed::Refused { given: Given::Session, .. }), "{failed:?}");
    let failed = portal.asked(Way::Session, &Somebody::who_types(&["a=b; c=d"]), false).await.expect_err("no login");
    assert!(matches!(failed, Failed::Unfit { given: Given::Session, .. }), "{failed:?}");

    let portal = Small::start("/ServicesPortal", |line, request| match line {
        line if line.contains("/sso") && request.contains("ctera_ticket=dGlja2V0") => {
            answer("302 Found", "Location: /ServicesPortal/\r\nSet-Cookie: JSESSIONID=good\r\nSet-Cookie: LB=7\r\n", "")
        }
        line if line.contains("currentSession") && request.contains("JSESSIONID=good") => {
            answer("200 OK", "Content-Type: application/json\r\nX-CTERA-TOKEN: xt\r\n", ALICE)
        }
        line => usual(line, request),
    })
    .await;
    let obtained = portal.asked(Way::Ticket, &Somebody::who_types(&["dGlja2V0"]), false).await.expect("a login");
    assert_eq!(stored(&obtained), r#"{"cookie":"JSESSIONID=good; LB=7","token":"xt"}"#);
    let failed = portal.asked(Way::Ticket, &Somebody::who_types(&["b2xk"]), false).await.expect_err("no login");
    assert!(matches!(failed, Failed::Refused { given: Given::Ticket, .. }), "{failed:?}");
}

#[tokio::test]
async fn nothing_secret_is_asked_for_or_sent_where_no_portal_answers() {
    for answers in [
        |_: &str, _: &str| answer("404 Not Found", "", ""),
        |_: &str, _: &str| answer("200 OK", "Content-Type: text/html\r\n", "<!doctype html><title>Router</title>"),
        |_: &str, _: &str| answer("200 OK", "", r#"{"hello":"world"}"#),
        |_: &str, _: &str| answer("302 Found", "Location: https://elsewhere.example/ServicesPortal/?x=1\r\n", ""),
        |_: &str, _: &str| answer("401 Unauthorized", "", ""),
    ] as [Answers; 5]
    {
        let portal = Small::start("/ServicesPortal", answers).await;
        for way in [Way::Device, Way::Password, Way::Session, Way::Ticket] {
            let person = Somebody::default();
            let failed = portal.asked(way, &person, true).await.expect_err("no login");
            assert!(matches!(failed, Failed::Elsewhere { .. }), "{way:?} {failed:?}");
            assert_eq!(person.heard(), "", "{way:?}");
            assert!(!failed.to_string().contains("x=1"), "{failed}");
        }
        assert!(portal.lines().iter().all(|line| line.starts_with("GET /ServicesPortal/public/publicInfo")));
    }
}

#[tokio::test]
async fn the_administration_takes_passwords_and_names_them_instead_of_a_device() {
    let portal = Small::start("/admin", usual).await;
    for way in [Way::Device, Way::Ticket] {
        let failed = portal.asked(way, &Somebody::default(), false).await.expect_err("no login");
        assert!(matches!(failed, Failed::Misplaced { instead: Way::Password, .. }), "{failed:?}");
    }
    assert!(portal.lines().is_empty());
    portal.asked(Way::Password, &Somebody::who_types(&["root", "p&ss word"]), false).await.expect("a login");
    assert!(portal.lines().contains(&"POST /admin/api/login".to_owned()), "{:?}", portal.lines());
}

#[tokio::test]
async fn an_administration_that_says_nothing_of_itself_gets_a_password_only_if_it_asks_for_a_login() {
    const SESSION: &str = "GET /admin/api/currentSession";
    let silent = ["401 Unauthorized", "403 Forbidden", "404 Not Found"].map(|status| answer(status, "", ""));
    for [info, session] in silent.iter().flat_map(|info| {
        let page = answer("200 OK", "Content-Type: text/html\r\n", "<html>Router</html>");
        let away = answer("302 Found", "Location: https://elsewhere.example/start\r\n", "");
        [silent[1].clone(), silent[2].clone(), page, away].map(|session| [info.clone(), session])
    }) {
        let portal = Small::start("/admin", move |line: &str, _: &str| match line {
            SESSION => session.clone(),
            _ => info.clone(),
        })
        .await;
        for way in [Way::Password, Way::Session] {
            let person = Somebody::default();
            let failed = portal.asked(way, &person, false).await.expect_err("no login");
            assert!(matches!(failed, Failed::Elsewhere { .. }), "{failed:?}");
            assert_eq!(person.heard(), "");
        }
        assert!(portal.lines().iter().all(|line| line.starts_with("GET ")), "{:?}", portal.lines());
    }
    for session in [nobody(), silent[0].clone()] {
        let portal = Small::start("/admin", move |line: &str, request: &str| match line {
            line if line.contains("/public/publicInfo") => answer("404 Not Found", "", ""),
            SESSION => session.clone(),
            line => usual(line, request),
        })
        .await;
        let person = Somebody::who_types(&["root", "p&ss word"]);
        portal.asked(Way::Password, &person, false).await.expect("a login");
    }
}

#[tokio::test]
async fn a_name_that_would_be_a_device_or_leave_its_place_in_the_address_is_none() {
    let portal = Small::start("/ServicesPortal", usual).await;
    for name in ["", "  ", "device\\5986", "DEVICE\\1", "a\tb"] {
        let failed = portal.asked(Way::Device, &Somebody::who_types(&[name, "x"]), false).await.expect_err("no login");
        assert!(matches!(failed, Failed::Unfit { given: Given::Password, .. }), "{name} {failed:?}");
    }
    let _ = portal.asked(Way::Device, &Somebody::who_types(&["../admin?x#y", "x"]), false).await;
    let line = portal.lines().into_iter().find(|line| line.contains("/public/users")).expect("one");
    assert_eq!(line, "POST /ServicesPortal/public/users/..%2Fadmin%3Fx%23y?format=jsonext");
}

#[tokio::test]
async fn what_was_given_comes_back_in_no_failure_and_in_nothing_that_is_said() {
    let quotes = |info: &'static str, status: &'static str| {
        move |line: &str, request: &str| match line {
            line if line.contains("/public/publicInfo") => json(info),
            _ => {
                let all = request.replace(['\r', '\n'], " ");
                let quoted = ["j_password=", "ctera_ticket=", "JSESSIONID=", "<val>canary", "Code\"><val>"]
                    .iter()
                    .filter_map(|start| all.find(start).and_then(|at| all.get(at..)))
                    .map(|text| text.chars().take(80).collect::<String>());
                answer(status, "Content-Type: text/plain\r\n", &format!("no: {}", quoted.collect::<String>()))
            }
        }
    };
    for status in ["400 Bad Request", "403 Forbidden", "502 Bad Gateway"] {
        for (way, lines) in [
            (Way::Password, &["alice", "canary p&ss word"] as &[&'static str]),
            (Way::Device, &["alice", "canary p&ss word"]),
            (Way::Session, &["JSESSIONID=canary-cookie"]),
            (Way::Ticket, &["Y2FuYXJ5LXRpY2tldA=="]),
        ] {
            let portal = Small::start("/ServicesPortal", quotes(INFO, status)).await;
            let failed = portal.asked(way, &Somebody::who_types(lines), true).await.expect_err("no login");
            let failed = format!("{failed:?}");
            for secret in ["canary", "Y2FuYXJ5"] {
                assert!(!failed.contains(secret), "{way:?} {status} {failed}");
            }
        }
        let portal = Small::start("/ServicesPortal", quotes(SSO, status)).await;
        let person = Somebody::who_comes_back_with(&["?code=canary-1", "?code=canary-2", "?code=canary-3"]);
        let failed = portal.asked(Way::Device, &person, false).await.expect_err("no login");
        let said = format!("{failed:?} {}", person.heard());
        assert!(!said.contains("canary"), "{status} {said}");
    }
}

#[tokio::test]
async fn a_session_is_ended_a_device_stays_and_a_password_has_no_life_there() {
    let portal = Small::start("/ServicesPortal", usual).await;
    let http = Http::new(&Default::default()).anywhere();
    let end = async |kept: Kept| Portal.end(&http, &portal.url, &kept.encode()).await.expect("an end");
    assert_eq!(end(Kept::Session { cookie: Secret::new("good"), token: None }).await, End::Ended);
    assert_eq!(portal.lines(), ["POST /ServicesPortal/api/logout"]);
    let login = |user: &str| Kept::Login { user: user.to_owned(), password: Secret::new("s") };
    assert!(matches!(end(login("device\\5986")).await, End::Stays(what) if what.contains("device 5986")));
    assert_eq!(end(login("alice")).await, End::Nothing);
    assert_eq!(portal.lines().len(), 1);
}

#[test]
fn an_address_that_was_copied_becomes_that_of_its_part_of_the_portal() {
    for (copied, tidied) in [
        ("https://portal.example.com", "https://portal.example.com/ServicesPortal"),
        (
            "https://portal.example.com/ServicesPortal/#/files/My%20Files?x=1",
            "https://portal.example.com/ServicesPortal",
        ),
        ("https://portal.example.com:8443/admin/index.html?a=b#/tenants", "https://portal.example.com:8443/admin"),
        ("https://portal.example.com/servicesportal/login.html", "https://portal.example.com/ServicesPortal"),
        ("http://127.0.0.1:9/ctera", "http://127.0.0.1:9/ctera/ServicesPortal"),
        ("http://127.0.0.1:9/ctera/admin/", "http://127.0.0.1:9/ctera/admin"),
    ] {
        assert_eq!(Portal.address(&Url::parse(copied).expect("an address")).as_str(), tidied);
    }
}

#[test]
fn a_token_from_the_environment_is_a_session_only_where_the_way_says_so() {
    let token = Secret::new("JSESSIONID=abc");
    let kept = Portal.kept_of(Way::Session, &token).expect("a session");
    assert_eq!(kept.expose(), r#"{"cookie":"abc","token":null}"#);
    assert!(Portal.kept_of(Way::OAuth, &token).is_none());
}
