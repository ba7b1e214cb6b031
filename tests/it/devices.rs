//! Signing in to the sandbox's Portal, and what becomes of the login there: detached devices, sessions that end, another
//! name for the code.

use keyward::machine::{Browser, BrowserError};
use keyward::report::Exit;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::person::{Forbidden, Press, exchange, visit_page};
use crate::world::World;

/// A connection to the sandbox's Portal that nobody has signed in to.
fn world() -> World {
    let world = World::with_sandbox();
    let url = portal(&world);
    world.config(&format!("[connections.portal]\nbackend = \"ctera\"\nurl = \"{url}/ServicesPortal\"\n"))
}

fn portal(world: &World) -> String {
    format!("{}/ctera", world.sandbox().url())
}

/// One request to the stand-in, past the program.
fn asks(world: &World, method: &str, path: &str, (media, body): (&str, &str), cookie: &str) -> (String, String) {
    use std::io::{Read, Write};
    let url = Url::parse(&portal(world)).expect("an address");
    let host = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
    let mut stream = std::net::TcpStream::connect(&host).expect("the sandbox listens");
    let head = format!("{method} /ctera{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nCookie: {cookie}\r\n");
    let request = format!("{head}Content-Type: {media}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    (head.to_owned(), body.to_owned())
}

/// Makes the Portal behave otherwise.
fn order(world: &World, order: &Value) {
    let (head, body) = asks(world, "POST", "/control", ("application/json", &order.to_string()), "");
    assert!(head.contains(" 200 "), "{head} {body}");
}

fn count(world: &World, what: &str) -> u64 {
    let (_, body) = asks(world, "GET", "/received", ("text/plain", ""), "");
    let received: Value = serde_json::from_str(&body).expect("JSON");
    received["counts"][what].as_u64().unwrap_or(0)
}

fn accepted(world: &World) -> Value {
    world.run(&["status", "portal", "--verify", "--json"]).json()["connections"][0]["verified"]["accepted"].clone()
}

fn account(world: &World) -> Value {
    world.run(&["status", "portal", "--json"]).done().json()["connections"][0]["account"].clone()
}

/// Signs in at the Portal's page as this person and goes where it sends them.
struct Activates(&'static str);

impl Browser for Activates {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        let (page, user) = (page.clone(), self.0);
        std::thread::spawn(move || {
            let scheme = page.query_pairs().find(|(name, _)| name == "scheme").expect("a way back").1.into_owned();
            let form = form_urlencoded::Serializer::new(String::new())
                .append_pair("scheme", &scheme)
                .append_pair("user", user)
                .finish();
            let (status, head, text) = exchange(&page, Some(form), "");
            let location = head.lines().find_map(|line| {
                line.split_once(": ")
                    .filter(|(name, _)| name.eq_ignore_ascii_case("location"))
                    .map(|(_, to)| to.to_owned())
            });
            let location = location.unwrap_or_else(|| panic!("{status} {text}"));
            visit_page(Url::parse(&location).expect("an address"), Press::Allow)
        });
        Ok(())
    }
}

#[test]
fn a_device_is_attached_whatever_the_code_is_called() {
    for name in ["code", "activationCode", "c"] {
        let world = world().browser(Activates("alice"));
        order(&world, &json!({"web_sso": true, "code_parameter": name}));
        world.run(&["login", "portal", "--timeout", "20"]).done();
        assert_eq!(
            (count(&world, "attaches"), count(&world, "activations"), count(&world, "logins")),
            (1, 1, 1),
            "{name}"
        );
        assert_eq!(account(&world), "alice");
        assert_eq!(accepted(&world), true);
    }
}

#[test]
fn a_person_of_a_directory_signs_in_with_the_whole_name() {
    let world = world().browser(Forbidden).piping("dan@corp.example\ndan-p&ss%\n");
    world.run(&["login", "portal"]).done();
    assert_eq!(account(&world), "dan@corp.example");
    // The proof's own session is ended, and only that one.
    assert_eq!((count(&world, "logins"), count(&world, "logouts")), (1, 1));
}

#[test]
fn a_wrong_password_is_tried_once_and_one_that_single_sign_on_refuses_names_the_browser() {
    let world = world().browser(Forbidden).piping("alice\nwrong\n");
    let ran = world.run(&["login", "portal"]).failed(Exit::Denied);
    assert!(ran.err.contains("Invalid username or password"), "{ran:?}");
    assert_eq!((count(&world, "refused_logins"), count(&world, "attaches")), (1, 0));
    order(&world, &json!({"web_sso": true}));
    let world = world.piping("alice\nalice-p&ss%\n");
    for way in ["password", "device"] {
        let ran = world.run(&["login", "portal", "--way", way, "--no-sso"]).failed(Exit::Denied);
        assert!(ran.err.contains("`keyward login portal --way device` signs in in the browser"), "{ran:?}");
    }
    assert_eq!(count(&world, "refused_logins"), 3);
    assert!(world.grant("portal").is_none());
}

#[test]
fn a_detached_device_needs_another_login_which_is_the_same_device() {
    let world = world().browser(Forbidden).piping("alice\nalice-p&ss%\n");
    world.run(&["login", "portal"]).done();
    let before = world.grant("portal").expect("a login").access_token;
    order(&world, &json!({"expire": true}));
    assert_eq!(accepted(&world), true, "a session is opened again");
    order(&world, &json!({"expire": true, "detach": true}));
    let ran = world.run(&["status", "portal", "--verify"]).failed(Exit::LoginRequired);
    assert!(ran.err.contains("`keyward login portal`"), "{ran:?}");
    world.run(&["login", "portal"]).done();
    assert_eq!(accepted(&world), true);
    let after = world.grant("portal").expect("a login").access_token;
    let user =
        |kept: &keyward::secret::Secret| serde_json::from_str::<Value>(kept.expose()).expect("JSON")["user"].clone();
    assert_eq!(user(&before), user(&after));
    assert!(!before.matches(after.expose()), "with another secret");
}

#[test]
fn the_administration_is_signed_in_to_with_a_password() {
    let world = World::with_sandbox().browser(Forbidden).piping("root\nroot-p&ss%\n");
    let address = format!("{}/admin/#/tenants", portal(&world));
    world.run(&["login", &address, "--backend", "ctera", "--name", "portal", "--way", "password"]).done();
    assert_eq!((account(&world), accepted(&world)), ("root".into(), true.into()));
    let status = world.run(&["status", "portal", "--json"]).done().json()["connections"][0].clone();
    assert!(status["url"].as_str().expect("an address").ends_with("/ctera/admin"), "{status}");
}

/// Logs in as the global administrator and has a ticket made for alice.
fn ticket(world: &World) -> String {
    let form = ("application/x-www-form-urlencoded", "j_username=root&j_password=root-p%26ss%25");
    let (head, _) = asks(world, "POST", "/admin/api/login", form, "");
    let cookie = head.split("JSESSIONID=").nth(1).and_then(|rest| rest.split(';').next()).expect("a session");
    let call = "<obj><att id=\"type\"><val>user-defined</val></att><att id=\"name\"><val>getSessionToken</val></att>\
                <att id=\"param\"><obj><att id=\"username\"><val>alice</val></att><att id=\"portal\"><val>acme</val></att>\
                </obj></att></obj>";
    let cookie = format!("JSESSIONID={cookie}");
    let (_, body) = asks(world, "POST", "/admin/api?format=jsonext", ("application/xml", call), &cookie);
    serde_json::from_str::<String>(&body).unwrap_or_else(|_| panic!("a ticket: {body}"))
}

#[test]
fn a_ticket_opens_one_session_and_the_session_ends() {
    let world = world().browser(Forbidden);
    let ticket = ticket(&world);
    let world = world.piping(&ticket);
    world.run(&["login", "portal", "--way", "ticket"]).done();
    assert_eq!((account(&world), accepted(&world)), ("alice".into(), true.into()));
    let ran = world.run(&["login", "portal", "--way", "ticket"]).failed(Exit::Denied);
    assert!(ran.err.contains("a ticket opens one session"), "{ran:?}");
    order(&world, &json!({"expire": true}));
    let ran = world.run(&["status", "portal", "--verify"]).failed(Exit::LoginRequired);
    assert!(ran.err.contains("`keyward login portal"), "{ran:?}");
}

#[test]
fn a_session_is_taken_up_wherever_those_without_one_are_sent() {
    for place in ["relative", "absolute", "admin", "entra", "foreign", "none"] {
        let world = world().browser(Forbidden);
        let form = ("application/x-www-form-urlencoded", "j_username=alice&j_password=alice-p%26ss%25");
        let (head, _) = asks(&world, "POST", "/ServicesPortal/api/login", form, "");
        let cookie =
            head.split("JSESSIONID=").nth(1).and_then(|rest| rest.split(';').next()).expect("a session").to_owned();
        order(&world, &json!({"location": place, "stray_cookie": true}));
        let world = world.piping(&format!("JSESSIONID={cookie}\n"));
        world.run(&["login", "portal", "--way", "session"]).done();
        assert_eq!((account(&world), accepted(&world)), ("alice".into(), true.into()), "{place}");
        let ran = world.run(&["logout", "portal"]).done();
        assert!(ran.err.contains("is ended at the provider"), "{ran:?}");
        assert_eq!(count(&world, "logouts"), 1);
        let ran = world.run(&["login", "portal", "--way", "session"]).failed(Exit::Denied);
        assert!(ran.err.contains("refuses the session"), "{place} {ran:?}");
    }
}
