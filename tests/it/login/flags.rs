//! What the flags of a login change, and what it prints for scripts.

use keyward::backends::{self, Way};
use keyward::machine::Surroundings;
use keyward::report::Exit;
use serde_json::Value;

use crate::person::{Forbidden, Nobody};
use crate::world::{Missing, World};

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port().to_string()
}

#[test]
fn every_line_of_json_is_an_event_and_nothing_else_is_printed() {
    let world = World::with_sandbox();
    let ran = world.run(&["login", &world.resource(), "--name", "box", "--json", "--timeout", "20"]).done();
    let events = ran.events();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().expect("a name")).collect();
    assert_eq!((names.first(), names.last()), (Some(&"started"), Some(&"done")), "{events:?}");
    let started = &events[0];
    assert_eq!(started["connection"], "box");
    assert_eq!(started["browser"], true);
    assert_eq!(started["paste"], false);
    assert_eq!(started["expires_at"], 1_800_000_020);
    let url = url::Url::parse(started["url"].as_str().expect("an address")).expect("an address");
    let redirect = url.query_pairs().find(|(name, _)| name == "redirect_uri").expect("a redirect").1.into_owned();
    assert_eq!(redirect, format!("http://127.0.0.1:{}/callback", started["port"]));
}

#[test]
fn a_browser_that_cannot_be_opened_is_a_warning_in_json() {
    let world = World::with_sandbox().browser(Missing);
    let ran = world.run(&["login", &world.resource(), "--json", "--timeout", "10"]).failed(Exit::Network);
    let events = ran.events();
    assert_eq!(events[1]["event"], "warning", "{events:?}");
    assert_eq!(events[1]["code"], "no_browser");
    assert_eq!(events[2]["error"]["code"], "login_timed_out");
}

#[test]
fn the_surroundings_choose_and_say_why() {
    let ci = Surroundings { ci: true, ..Surroundings::DESKTOP };
    let container = Surroundings { container: true, display: false, ..Surroundings::DESKTOP };
    for (surroundings, word, why) in
        [(ci, "ci", "this is an automatic build"), (container, "container", "this is a container without a display")]
    {
        let world = World::with_sandbox().browser(Forbidden).surroundings(surroundings);
        let ran = world.run(&["login", &world.resource(), "--json", "--timeout", "10"]).failed(Exit::Network);
        let started = &ran.events()[0];
        assert_eq!((&started["browser"], &started["no_browser_because"]), (&false.into(), &word.into()), "{ran:?}");
        assert!(ran.err.contains(&format!("No browser is opened here: {why}.")), "{ran:?}");
    }
}

#[test]
fn a_port_that_is_named_is_used_and_the_first_free_one_of_several() {
    let world = World::with_sandbox();
    let busy = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let (busy_port, free) = (busy.local_addr().expect("an address").port(), free_port());
    let ports = format!("{busy_port},{free}");
    let login = ["login", &world.resource(), "--name", "box", "--timeout", "20", "--json", "--port"];
    let ran = world.run(&[login.as_slice(), &[&ports]].concat()).done();
    assert_eq!(ran.events()[0]["port"].to_string(), free);
    let busy_port = busy_port.to_string();
    let ran = world.run(&[login.as_slice(), &[&busy_port]].concat()).failed(Exit::Network);
    assert_eq!(ran.json()["error"]["code"], "ports_busy");
    world.run(&[login.as_slice(), &["0"]].concat()).failed(Exit::Usage);
}

#[test]
fn the_host_of_the_redirect_is_a_flag_or_a_setting() {
    let world = World::with_sandbox().browser(Nobody);
    let redirect = |arguments: &[&str]| {
        let ran = world.run(&[&["login", "box", "--json", "--timeout", "10"], arguments].concat());
        let url = ran.events()[0]["url"].as_str().expect("an address").to_owned();
        let url = url::Url::parse(&url).expect("an address");
        let redirect = url.query_pairs().find(|(name, _)| name == "redirect_uri").expect("a redirect").1.into_owned();
        redirect.rsplit_once(':').expect("a port").0.to_owned()
    };
    world.run(&["config", "set", "connections.box.backend", "remote"]);
    std::fs::write(
        world.config_path(),
        format!("[connections.box]\nbackend = \"remote\"\nurl = \"{}\"\nredirect_host = \"[::1]\"\n", world.resource()),
    )
    .expect("written");
    assert_eq!(redirect(&[]), "http://[::1]");
    assert_eq!(redirect(&["--redirect-host", "localhost"]), "http://localhost");
    let ran = world.run(&["login", "box", "--redirect-host", "0.0.0.0"]).failed(Exit::Usage);
    assert!(ran.err.contains("127.0.0.1"), "{ran:?}");
}

#[test]
fn a_dry_run_asks_the_provider_and_changes_nothing() {
    let world = World::with_sandbox().browser(Forbidden);
    let words = ["login", &world.resource(), "--name", "box", "--dry-run", "--json"];
    let ran = world.run(&words).done();
    let shown = ran.json();
    assert_eq!(shown["dry_run"], true);
    assert_eq!(shown["issuer"], world.sandbox().issuer());
    assert_eq!(shown["client"]["from"], "registration");
    assert_eq!(shown["resource"], world.resource());
    assert!(world.sandbox().control().received("register").is_empty());
    assert!(world.sandbox().control().received("authorize").is_empty());
    assert_eq!(world.config_text(), "");
    assert!(!ran.out.contains("state=") && !ran.out.contains("code_challenge"), "{ran:?}");
    assert!(world.run(&words[..5]).done().out.contains("a new one would be registered"));
}

#[test]
fn what_is_to_be_known_about_a_way_is_said_before_anybody_signs_in() {
    let mut noted = backends::ALL.iter().flat_map(|backend| backend.notes.iter().map(move |note| (backend, note)));
    let (backend, (_, note)) = noted.find(|(_, (way, _))| *way == Way::OAuth).expect("cisco has one");
    let help = World::new().run(&["login", "--help"]).done().out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains(&format!("`way = \"oauth\"` of `{}` is {note}.", backend.name)), "{help}");
    let world = World::with_sandbox();
    let url = world.resource();
    let entry = format!("[connections.box]\nbackend = \"{}\"\nurl = \"{url}\"\nway = \"oauth\"\n", backend.name);
    let world = world.config(&entry);
    let shown = world.run(&["login", "box", "--dry-run", "--json"]).done().json();
    assert_eq!((&shown["way"], &shown["note"]), (&"oauth".into(), &(*note).into()));
    assert!(world.run(&["login", "box", "--dry-run"]).done().out.contains(note));
    let ran = world.run(&["login", "box", "--timeout", "20", "--json"]).done();
    let events = ran.events();
    let said = events.iter().position(|event| event["event"] == "warning").expect("a warning");
    assert!(events[said]["message"].as_str().is_some_and(|message| message.contains(note)), "{events:?}");
    assert!(said < events.iter().position(|event| event["event"] == "started").expect("a start"), "{events:?}");
}

#[test]
fn a_dry_run_of_a_client_for_itself_shows_no_page_and_says_who_would_ask() {
    let world = World::with_sandbox().browser(Forbidden);
    let url = world.resource();
    let entry = |more: &str| format!("[connections.box]\nbackend = \"remote\"\nurl = \"{url}\"\n{more}\n");
    let way = "way = \"client-credentials\"";
    let world = world.config(&entry(way));
    let shown = world.run(&["login", "box", "--dry-run", "--json"]).done().json();
    assert_eq!((&shown["way"], &shown["authorization_endpoint"]), (&"client-credentials".into(), &Value::Null));
    assert_eq!((&shown["client"]["from"], &shown["browser"]), (&"nobody".into(), &false.into()));
    let out = world.run(&["login", "box", "--dry-run"]).done().out;
    assert!(out.contains("connections.box.client_id") && !out.contains("redirect") && !out.contains("page"), "{out}");
    let world = world.config(&entry(&format!("{way}\nclient_id = \"robot\"")));
    let shown = world.run(&["login", "box", "--dry-run", "--json"]).done().json();
    assert_eq!((&shown["client"]["from"], &shown["client"]["id"]), (&"configuration".into(), &"robot".into()));
}

#[test]
fn a_dry_run_knows_the_client_of_an_earlier_login() {
    let world = World::signed_in();
    let shown = world.run(&["login", "box", "--dry-run", "--json", "--scope", "sandbox:read,extra"]).done().json();
    assert_eq!(shown["client"]["from"], "earlier-registration");
    assert!(shown["client"]["id"].is_string());
    assert!(shown["scopes"].as_array().is_some_and(|scopes| scopes.contains(&"extra".into())), "{shown}");
}

#[test]
fn scopes_that_are_asked_for_come_besides_the_usual_and_the_earlier_ones() {
    let world = World::signed_in();
    let asked = |at: usize| world.sandbox().control().received("authorize")[at].parameters["scope"].clone();
    let usual: Vec<String> = asked(0).split(' ').map(String::from).collect();
    world.run(&["login", "box", "--scope", "email", "--timeout", "20"]).done();
    world.run(&["login", "box", "--scope", "profile", "--timeout", "20"]).done();
    let now = asked(world.sandbox().control().received("authorize").len() - 1);
    let now: Vec<&str> = now.split(' ').collect();
    for scope in usual.iter().map(String::as_str).chain(["email", "profile"]) {
        assert!(now.contains(&scope), "{scope}: {now:?}");
    }
}
