//! When sessions are opened, when they are opened again, and what is never done with them.

use std::collections::BTreeSet;
use std::sync::Mutex;

use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderValue, Method, StatusCode};

use super::*;
use crate::backends::fake::{Received, Reply, empty, whole};

/// A Portal that knows sessions, one password and the methods that the tests call.
#[derive(Default)]
struct Portal {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The sessions that are open, with the portal that each looks at.
    open: std::collections::BTreeMap<String, String>,
    /// Every cookie that was ever handed to somebody without a session.
    anonymous: BTreeSet<String>,
    count: usize,
    logins: usize,
    /// `METHOD path name` of what was done with an open session.
    done: Vec<String>,
    /// What strangers are told.
    ending: Ending,
    /// Sessions look where they looked, whatever they are told.
    stubborn: bool,
}

#[derive(Clone, Copy, Default, Debug)]
enum Ending {
    #[default]
    Redirect,
    To(&'static str),
    Unauthorized,
    Page,
}

impl Portal {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("a healthy lock")
    }

    fn expire(&self) {
        self.state().open.clear();
    }

    fn answer(&self, request: &Received) -> Reply {
        let mut state = self.state();
        let path = request.uri().path().to_owned();
        let body = String::from_utf8_lossy(request.body()).into_owned();
        if path.ends_with("/api/login") {
            state.logins += 1;
            if !body.contains("j_password=right") {
                let mut reply = empty(StatusCode::FORBIDDEN);
                reply.headers_mut().insert(SET_COOKIE, HeaderValue::from_static("JSESSIONID=of-a-refusal"));
                return reply;
            }
            state.count += 1;
            let cookie = format!("session-{}", state.count);
            state.open.insert(cookie.clone(), String::new());
            let mut reply = whole(StatusCode::OK, "application/xml", "<val>Login succeed</val>");
            let cookie = HeaderValue::from_str(&format!("JSESSIONID={cookie}; Path=/; HttpOnly")).expect("a cookie");
            reply.headers_mut().insert(SET_COOKIE, cookie);
            return reply;
        }
        let cookie = request.headers().get(COOKIE).and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
        let cookie = cookie.trim_start_matches("JSESSIONID=").to_owned();
        assert!(!state.anonymous.contains(&cookie), "a cookie came back that no login gave");
        let Some(portal) = state.open.get(&cookie).cloned() else { return state.stranger() };
        let name =
            ["fetchResources", "makeCollection"].into_iter().find(|name| body.contains(name)).unwrap_or_default();
        state.done.push(format!("{} {path} {name}", request.method()));
        match (request.method(), path.as_str()) {
            (&Method::PUT, "/admin/api/currentPortal") if body.contains("nobody") => whole(
                StatusCode::INTERNAL_SERVER_ERROR,
                "application/xml",
                "<obj><att id=\"msg\"><val>No such portal</val></att></obj>",
            ),
            (&Method::PUT, "/admin/api/currentPortal") => {
                let name = body.trim_start_matches("<val>").trim_end_matches("</val>").to_owned();
                if !state.stubborn {
                    state.open.insert(cookie, name);
                }
                empty(StatusCode::OK)
            }
            (_, "/admin/api/currentPortal") => whole(StatusCode::OK, "application/json", json!(portal).to_string()),
            (_, path) if path.ends_with("/currentSession") => {
                whole(StatusCode::OK, "application/json", json!({"username": "alice"}).to_string())
            }
            _ if name == "fetchResources" => {
                let row = json!({"name": portal, "href": format!("/{}/webdav/x", path.split('/').nth(1).expect("a part")), "isFolder": true});
                whole(
                    StatusCode::OK,
                    "application/json",
                    json!({"root": row, "items": [row], "hasMore": false}).to_string(),
                )
            }
            _ => whole(StatusCode::OK, "application/json", "null"),
        }
    }
}

impl State {
    /// What somebody without a session gets: the cookie of a new and empty one, and the way to a login.
    fn stranger(&mut self) -> Reply {
        self.count += 1;
        let cookie = format!("anonymous-{}", self.count);
        let mut reply = match self.ending {
            Ending::Unauthorized => empty(StatusCode::UNAUTHORIZED),
            Ending::Page => whole(StatusCode::OK, "text/html; charset=utf-8", "<!DOCTYPE html><form>"),
            _ => empty(StatusCode::FOUND),
        };
        let place = match self.ending {
            Ending::Redirect => Some("/ServicesPortal/login.html"),
            Ending::To(place) => Some(place),
            _ => None,
        };
        if let Some(place) = place {
            reply.headers_mut().insert(LOCATION, HeaderValue::from_static(place));
        }
        let set = HeaderValue::from_str(&format!("JSESSIONID={cookie}")).expect("a cookie");
        self.anonymous.insert(cookie);
        reply.headers_mut().insert(SET_COOKIE, set);
        reply
    }
}

fn portal() -> (Arc<Portal>, Host) {
    let portal = Arc::new(Portal::default());
    let inner = Arc::clone(&portal);
    (portal, Host::answering(move |request| inner.answer(request)))
}

fn tools(host: &Host, path: &str, kept: Arc<Holding>) -> Vec<Tool> {
    BACKEND.tools(&to(host, path, Way::Password, kept))
}

#[tokio::test]
async fn a_session_that_ends_under_64_calls_is_opened_once_and_no_call_fails() {
    let (portal, host) = portal();
    let tools = tools(&host, "", Holding::password("alice", "right"));
    call(&tools, "info", json!({"path": "x"})).await.expect("a first look");
    for ending in [Ending::Redirect, Ending::Unauthorized, Ending::Page] {
        (portal.state().ending, portal.state().logins) = (ending, 0);
        portal.expire();
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let tools = tools.clone();
            calls.spawn(async move { call(&tools, "info", json!({"path": "x"})).await });
        }
        let outcomes = calls.join_all().await;
        assert!(outcomes.iter().all(Result::is_ok), "{ending:?}: {outcomes:?}");
        assert_eq!(portal.state().logins, 1, "{ending:?}");
    }
}

#[tokio::test]
async fn every_way_of_saying_that_a_session_has_ended_is_understood_and_no_cookie_of_a_stranger_is_kept() {
    let endings = [
        Ending::Redirect,
        Ending::To("https://portal.example.com/ServicesPortal/login.html"),
        Ending::To("/admin/login.html"),
        Ending::To("https://login.microsoftonline.com/common/saml2"),
        Ending::To("https://sso.example/start"),
        Ending::Unauthorized,
        Ending::Page,
    ];
    for ending in endings {
        let (portal, host) = portal();
        let tools = tools(&host, "", Holding::password("alice", "right"));
        portal.state().ending = ending;
        for round in 1..=3 {
            call(&tools, "info", json!({"path": "x"})).await.unwrap_or_else(|error| panic!("{ending:?}: {error:?}"));
            portal.expire();
            assert_eq!(portal.state().logins, round, "{ending:?}");
        }
    }
}

#[tokio::test]
async fn a_call_signs_in_again_once_and_not_for_ever() {
    let (other, host) = self::portal();
    let tools = self::tools(&host, "", Holding::password("alice", "right"));
    other.state().ending = Ending::Redirect;
    call(&tools, "info", json!({"path": "x"})).await.expect("a session");
    other.expire();
    // From now on no session counts, whoever opened it.
    let known = Arc::clone(&other);
    let refusing = Host::answering(move |request| {
        let path = request.uri().path();
        if path.ends_with("/login") { other.answer(request) } else { other.state().stranger() }
    });
    let tools = self::tools(&refusing, "", Holding::password("alice", "right"));
    let before = known.state().logins;
    for _ in 0..3 {
        let error = call(&tools, "info", json!({"path": "x"})).await.expect_err("no session counts");
        assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    }
    assert_eq!(known.state().logins, before + 1);
}

#[tokio::test]
async fn a_password_that_was_refused_is_not_tried_again_before_another_login() {
    let (portal, host) = portal();
    let kept = Holding::password("alice", "wrong");
    let tools = tools(&host, "", Arc::clone(&kept));
    for _ in 0..3 {
        let error = call(&tools, "info", json!({"path": "x"})).await.expect_err("a refusal");
        assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    }
    assert_eq!(portal.state().logins, 1);
    kept.again();
    drop(call(&tools, "info", json!({"path": "x"})).await);
    assert_eq!(portal.state().logins, 2);
}

#[tokio::test]
async fn a_password_that_was_refused_is_tried_once_whichever_portals_are_asked_for() {
    let (portal, host) = portal();
    let tools = tools(&host, "/admin", Holding::password("root", "wrong"));
    let mut calls = tokio::task::JoinSet::new();
    for index in 0..50 {
        let tools = tools.clone();
        calls.spawn(async move { call(&tools, "list", json!({"portal": format!("p{index}")})).await.is_err() });
    }
    assert!(calls.join_all().await.into_iter().all(|failed| failed));
    assert_eq!(portal.state().logins, 1);
}

#[tokio::test]
async fn a_new_login_of_the_person_ends_the_use_of_the_old_session() {
    let (portal, host) = portal();
    let kept = Holding::password("alice", "right");
    let tools = tools(&host, "", Arc::clone(&kept));
    call(&tools, "info", json!({"path": "x"})).await.expect("a session");
    kept.again();
    call(&tools, "info", json!({"path": "x"})).await.expect("another session");
    assert_eq!(portal.state().logins, 2);
}

#[tokio::test]
async fn a_session_from_elsewhere_is_used_as_it_is_and_never_opened_again() {
    let (portal, host) = portal();
    portal.state().open.insert("from-a-browser".to_owned(), String::new());
    let kept = Holding::new(Kept::Session { cookie: Secret::new("from-a-browser"), token: None });
    let tools = BACKEND.tools(&to(&host, "", Way::Session, kept));
    call(&tools, "info", json!({"path": "x"})).await.expect("the session is open");
    portal.expire();
    for _ in 0..2 {
        let error = call(&tools, "info", json!({"path": "x"})).await.expect_err("it has ended");
        assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    }
    assert_eq!(portal.state().logins, 0);
}

#[tokio::test]
async fn each_portal_has_a_session_of_its_own_and_no_call_turns_another_one() {
    let (portal, host) = portal();
    let tools = tools(&host, "/admin", Holding::password("root", "right"));
    let mut calls = tokio::task::JoinSet::new();
    for index in 0..60 {
        let tools = tools.clone();
        calls.spawn(async move {
            let wanted = ["", "acme", "globex"][index % 3];
            let arguments =
                if wanted.is_empty() { json!({"path": "x"}) } else { json!({"path": "x", "portal": wanted}) };
            let output = call(&tools, "list", arguments).await.unwrap_or_else(|error| panic!("{wanted}: {error:?}"));
            assert_eq!(fields(&output)["items"][0]["name"], if wanted.is_empty() { "x" } else { wanted });
        });
    }
    calls.join_all().await;
    let state = portal.state();
    assert_eq!(state.logins, 3);
    assert_eq!(state.done.iter().filter(|done| done.starts_with("PUT")).count(), 2);
}

#[tokio::test]
async fn a_portal_that_is_not_there_or_not_to_be_chosen_is_an_error_in_words() {
    let (_, host) = portal();
    let admin = tools(&host, "/admin", Holding::password("root", "right"));
    let error = call(&admin, "list", json!({"portal": "nobody"})).await.expect_err("no such portal");
    assert!(matches!(&error, Error::Arguments(why) if why.contains("No such portal")), "{error:?}");
    let user = tools(&host, "", Holding::password("alice", "right"));
    let error = call(&user, "list", json!({"portal": "acme"})).await.expect_err("no portals here");
    assert!(matches!(error, Error::Arguments(_)), "{error:?}");
    let device = Holding::new(Kept::Login { user: "device\\7".to_owned(), password: Secret::new("right") });
    let error = call(&BACKEND.tools(&to(&host, "/admin", Way::Device, device)), "list", json!({}))
        .await
        .expect_err("no devices");
    assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
}

#[tokio::test]
async fn nothing_is_done_in_a_portal_that_the_session_did_not_turn_to() {
    let (portal, host) = portal();
    portal.state().stubborn = true;
    let tools = tools(&host, "/admin", Holding::password("root", "right"));
    let error = call(&tools, "list", json!({"path": "x", "portal": "acme"})).await.expect_err("it looks elsewhere");
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
    assert!(portal.state().done.iter().all(|done| !done.contains("fetchResources")));
}

#[tokio::test]
async fn nothing_is_changed_in_a_portal_to_which_somebody_else_turned_the_session_meanwhile() {
    let (portal, host) = portal();
    portal.state().open.insert("from-a-browser".to_owned(), "acme".to_owned());
    let kept = Holding::new(Kept::Session { cookie: Secret::new("from-a-browser"), token: None });
    let client = super::super::client::Client::new(&to(&host, "/admin", Way::Session, kept));
    let at = client.at(Some("acme")).await.expect("it looks there");
    portal.state().open.insert("from-a-browser".to_owned(), "globex".to_owned());
    let made = at.call("makeCollection", super::super::wire::Node::Null, crate::backends::http::Kind::Write).await;
    assert!(matches!(&made, Err(Error::Arguments(why)) if why.contains("globex")), "{made:?}");
    let sent = at.must_still_be_there().await;
    assert!(matches!(sent, Err(Error::Arguments(_))), "{sent:?}");
    assert!(portal.state().done.iter().all(|done| !done.contains("makeCollection")));
}

#[tokio::test]
async fn a_session_from_elsewhere_is_not_turned_to_another_portal() {
    let (portal, host) = portal();
    portal.state().open.insert("from-a-browser".to_owned(), "acme".to_owned());
    let kept = Holding::new(Kept::Session { cookie: Secret::new("from-a-browser"), token: None });
    let tools = BACKEND.tools(&to(&host, "/admin", Way::Session, kept));
    call(&tools, "list", json!({"path": "x", "portal": "acme"})).await.expect("it looks there");
    for arguments in [json!({"path": "x", "portal": "globex"}), json!({"path": "x"})] {
        let error = call(&tools, "list", arguments).await.expect_err("it looks elsewhere");
        assert!(matches!(&error, Error::Arguments(why) if why.contains("acme")), "{error:?}");
    }
    assert!(portal.state().done.iter().all(|done| !done.starts_with("PUT")));
}

#[tokio::test]
async fn what_changes_something_is_repeated_after_a_redirect_and_not_after_a_page() {
    let (portal, host) = portal();
    let tools = tools(&host, "", Holding::password("alice", "right"));
    let client = super::client::Client::new(&to(&host, "", Way::Password, Holding::password("alice", "right")));
    let at = client.at(None).await.expect("a place");
    let param = || super::wire::Node::object([("name", "a".into())]);
    let make = async || at.call("makeCollection", param(), crate::backends::http::Kind::Write).await;
    make().await.expect("made");
    portal.expire();
    make().await.expect("made, after another login");
    assert_eq!(portal.state().logins, 2);
    portal.state().ending = Ending::Page;
    portal.expire();
    let error = make().await.expect_err("nobody knows");
    assert!(matches!(error, Error::MaybeDone { .. }), "{error:?}");
    assert_eq!(portal.state().logins, 2);
    assert_eq!(portal.state().done.iter().filter(|done| done.contains("makeCollection")).count(), 2);
    drop(tools);
}

#[tokio::test]
async fn neither_a_password_nor_a_session_travels_where_somebody_could_read_it() {
    let (_, host) = portal();
    for kept in [
        Holding::password("alice", "right"),
        Holding::new(Kept::Session { cookie: Secret::new("from-a-browser"), token: None }),
    ] {
        let mut connection = to(&host, "", Way::Password, kept);
        connection.url = Url::parse("http://192.0.2.1/ServicesPortal").expect("an address");
        let error = call(&BACKEND.tools(&connection), "info", json!({"path": "x"})).await.expect_err("withheld");
        assert!(matches!(error, Error::Credential(_)), "{error:?}");
    }
}
