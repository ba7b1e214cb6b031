//! A browser on another device: the person enters a code there, and nothing has to come back to this machine.

use std::sync::Arc;
use std::time::Duration;

use keyward::machine::Surroundings;
use keyward::report::Exit;
use keyward::sandbox::{Decision, Effect, Faults};

use crate::person::{Elsewhere, Forbidden, Press, visit_page};
use crate::world::{Paper, Ran, World};

const NO_DISPLAY: Surroundings = Surroundings { display: false, ..Surroundings::DESKTOP };
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn login(world: &World, arguments: &[&str]) -> Ran {
    let resource = world.resource();
    let words = ["login", &resource, "--name", "box", "--timeout", "30"];
    world.run(&[words.as_slice(), arguments].concat())
}

/// The grant types of the token requests, each with its count.
fn requests(world: &World) -> Vec<String> {
    world.sandbox().control().received("token").iter().map(|it| it.parameters["grant_type"].clone()).collect()
}

#[test]
fn s43_the_code_and_the_plain_page_are_shown_although_an_address_holds_the_code() {
    let world = World::with_sandbox();
    let ran = login(&world, &["--device"]).done();
    let page = format!("{}/device", world.sandbox().issuer());
    let shown: Vec<&str> = ran.err.lines().map(str::trim).collect();
    assert!(shown.contains(&page.as_str()), "{ran:?}");
    let is_code = |line: &&str| line.len() == 9 && line.chars().nth(4) == Some('-');
    assert!(shown.iter().any(is_code), "the code stands alone: {ran:?}");
    assert!(ran.err.contains("Never enter a code that somebody sent you"), "{ran:?}");
    // The browser here was sent to the page with the code filled in.
    assert!(world.sandbox().control().received("device")[0].parameters.contains_key("user_code"));
    world.run(&["token", "box"]).done();
}

#[test]
fn a_code_that_is_entered_brings_a_login_that_renews() {
    let world = World::with_sandbox();
    let ran = login(&world, &["--device", "--json"]).done();
    let events = ran.events();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().expect("a name")).collect();
    assert_eq!(names, ["device", "waiting", "done"]);
    let device = &events[0];
    assert_eq!(device["connection"], "box");
    assert_eq!(device["expires_at"], 1_800_000_600);
    assert!(device["verification_uri_complete"].as_str().is_some_and(|uri| uri.contains("user_code=")), "{device}");
    assert_eq!(events[2]["renewable"], true);
    let sent = requests(&world);
    assert!(sent.iter().all(|grant| grant == GRANT) && !sent.is_empty(), "{sent:?}");
    assert!(world.sandbox().control().received("authorize").is_empty());
    world.clock.forward(290);
    world.run(&["token", "box"]).done();
    assert_eq!(world.sandbox().control().tokens_issued("refresh_token"), 1);
}

#[test]
fn a_no_on_the_other_device_ends_the_login() {
    let world = World::with_sandbox().person(Press::Deny);
    let ran = login(&world, &["--device", "--json"]).failed(Exit::Denied);
    assert_eq!(ran.json()["error"]["oauth_error"], "access_denied");
    assert_eq!(world.config_text(), "");
}

#[test]
fn where_nothing_can_be_opened_or_pasted_a_code_is_asked_for_besides() {
    let world = World::with_sandbox().browser(Forbidden).surroundings(NO_DISPLAY);
    world.sandbox().control().decide(Decision::Allow("alice".to_owned()));
    let ran = login(&world, &["--json"]).done();
    let events = ran.events();
    assert_eq!((&events[0]["event"], &events[1]["event"]), (&"started".into(), &"device".into()), "{events:?}");
    assert_eq!(events[0]["no_browser_because"], "no-display");
    assert!(ran.err.contains("Or sign in on another device"), "{ran:?}");
    assert!(requests(&world).iter().all(|grant| grant == GRANT));
}

#[test]
fn a_provider_that_gives_no_code_leaves_the_other_ways() {
    let world = World::with_sandbox().browser(Forbidden).surroundings(NO_DISPLAY);
    let refused =
        Effect::Answer { status: 400, headers: Vec::new(), body: "{\"error\":\"unauthorized_client\"}".into() };
    let answers = [("device_authorization".to_owned(), refused)].into();
    world.sandbox().control().set(Faults { answers, ..Faults::default() });
    let resource = world.resource();
    let ran = world.run(&["login", &resource, "--json", "--timeout", "10"]).failed(Exit::Network);
    assert_eq!(ran.events()[0]["event"], "started");
    assert_eq!(ran.json()["error"]["code"], "login_timed_out");
    let ran = world.run(&["login", &resource, "--json", "--timeout", "10", "--device"]);
    assert_eq!(ran.exit, Exit::Configuration, "{ran:?}");
}

#[test]
fn who_asks_for_a_code_where_there_is_none_is_told_before_anything_is_registered() {
    let world = World::with_sandbox().browser(Forbidden);
    let remove = vec!["device_authorization_endpoint".to_owned()];
    let answers = [("metadata".to_owned(), Effect::Edit { set: serde_json::Map::new(), remove })].into();
    world.sandbox().control().set(Faults { answers, ..Faults::default() });
    let ran = login(&world, &["--device", "--json"]).failed(Exit::Configuration);
    assert_eq!(ran.json()["error"]["code"], "no_device_login");
    assert!(world.sandbox().control().received("register").is_empty());
}

#[test]
fn of_a_paste_and_a_code_the_first_to_come_counts_and_the_other_is_given_up() {
    let person = Elsewhere::who_pastes(Press::Allow, |address| vec![address.to_owned()]);
    let world = World::with_sandbox().elsewhere(&person);
    let ran = login(&world, &["--device", "--paste", "--json"]).done();
    let names: Vec<String> = ran.events().iter().map(|event| event["event"].to_string()).collect();
    assert_eq!(&names[..2], ["\"started\"", "\"device\""], "{names:?}");
    assert_eq!(world.sandbox().control().tokens_issued("authorization_code"), 1);
    assert_eq!(world.sandbox().control().tokens_issued(GRANT), 0);
}

#[test]
fn another_device_needs_no_pkce_and_no_port_here() {
    let world = World::with_sandbox();
    world.sandbox().control().set(Faults { metadata_without_pkce: true, ..Faults::default() });
    // A browser here would need both: every port that may be used is taken, and S256 is not listed.
    let busy = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = busy.local_addr().expect("an address").port().to_string();
    let ran = login(&world, &["--device", "--port", &port]).done();
    assert!(!ran.err.contains(&port), "{ran:?}");
    let registered = &world.sandbox().control().received("register")[0];
    assert_eq!(registered.status, 201);
    world.run(&["token", "box"]).done();
    login(&world, &["--device"]).done();
    assert_eq!(world.sandbox().control().received("register").len(), 1, "the client is used again");
    // With a browser the same server is refused, and a port is needed.
    login(&world, &["--port", &port]).failed(Exit::Server);
    world.sandbox().control().set(Faults::default());
    login(&world, &["--port", &port]).failed(Exit::Network);
    login(&world, &[]).done();
    assert_eq!(world.sandbox().control().received("register").len(), 2, "now with an address to come back to");
}

#[test]
fn tokens_that_another_device_is_given_after_the_browser_has_won_are_ended() {
    let world = World::with_sandbox();
    let control = world.sandbox().control();
    control.decide(Decision::Allow("alice".to_owned()));
    // Every request for tokens waits: first the device's, then the one for the browser's code.
    control.hold();
    let terminal = Arc::new(Paper::default());
    let resource = world.resource();
    let words = ["login", &resource, "--name", "box", "--no-browser", "--timeout", "60"];
    std::thread::scope(|scope| {
        let login = scope.spawn(|| world.run_on(&terminal, Arc::new(Forbidden), &words));
        assert!(control.wait_for_held(1, Duration::from_secs(30)), "the device asks");
        let said = terminal.said();
        let page = said.lines().map(str::trim).find(|line| line.contains("/authorize?")).expect("an address");
        let page = url::Url::parse(page).expect("an address");
        let visit = scope.spawn(|| visit_page(page, Press::Allow));
        assert!(control.wait_for_held(2, Duration::from_secs(30)), "the browser has won");
        control.release();
        login.join().expect("no panic").done();
        assert!(visit.join().expect("no panic").text.contains("You are signed in"));
    });
    let ended: Vec<String> =
        control.received("revoke").iter().map(|seen| seen.parameters["token_type_hint"].clone()).collect();
    assert_eq!(ended, ["refresh_token", "access_token"]);
    world.run(&["token", "box"]).done();
}
