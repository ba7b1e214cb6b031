//! Calls for which a good login is not enough (RFC 6750 §3.1, RFC 9470): what a person at a terminal reads, what a host
//! offers, and how often.

use keyward::machine::Browser as _;
use keyward::report::Exit;
use keyward::sandbox::{Entry, Faults};
use serde_json::{Value, json};
use url::Url;

use crate::serve::{Talk, request};
use crate::world::World;

/// A host that can open pages, speaking to a server of this world.
fn host(world: &World) -> Talk {
    let mut talk = Talk::start(world);
    let hello = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {"elicitation": {"url": {}}},
        "clientInfo": {"name": "host", "version": "1"},
    });
    talk.ask(&request(0, "initialize", &hello));
    talk.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
    talk
}

/// Calls a tool; the person opens what the host is asked to open, `offers` times at most. The sentences of the questions
/// and the answer.
fn call(world: &World, talk: &mut Talk, (id, tool): (u64, &str)) -> (Vec<String>, Value) {
    talk.send(&request(id, "tools/call", &json!({"name": tool})));
    let mut questions = Vec::new();
    loop {
        let message = talk.next();
        if message["method"] == "elicitation/create" {
            questions.push(message["params"]["message"].as_str().unwrap_or_default().to_owned());
            let url = Url::parse(message["params"]["url"].as_str().expect("an address")).expect("an address");
            world.person.as_ref().expect("a person").open(&url).expect("opened");
            let accepted = json!({"jsonrpc": "2.0", "id": message["id"], "result": {"action": "accept"}});
            talk.send(&format!("{accepted}\n"));
        } else if message["id"] == id {
            return (questions, message["result"].clone());
        }
    }
}

fn requests(world: &World, endpoint: &str) -> Vec<Entry> {
    world.sandbox().control().received(endpoint)
}

fn scopes(entry: &Entry) -> Vec<&str> {
    entry.parameters.get("scope").map(|scope| scope.split(' ').collect()).unwrap_or_default()
}

#[test]
fn a_missing_scope_is_named_with_the_command_that_asks_for_it() {
    let world = World::signed_in();
    let before = requests(&world, "token").len();
    let ran = world.run(&["call", "box_needs_more"]).failed(Exit::LoginRequired);
    assert!(ran.err.contains("the login of `box` does not allow this"), "{ran:?}");
    assert!(ran.err.contains("`keyward login box --scope sandbox:write`"), "{ran:?}");
    assert_eq!(requests(&world, "token").len(), before, "a good token is not renewed");
    let shown = world.run(&["call", "box_needs_more", "--json"]).failed(Exit::LoginRequired).json();
    assert_eq!(
        (&shown["error"]["code"], &shown["error"]["oauth_error"]),
        (&json!("step_up"), &json!("insufficient_scope"))
    );
}

#[test]
fn the_hinted_command_keeps_what_was_granted_and_changes_no_setting() {
    let world = World::signed_in();
    let (granted, config) =
        (world.grant("box").and_then(|grant| grant.issued).expect("a grant").scopes, world.config_text());
    world.run(&["login", "box", "--scope", "sandbox:write", "--timeout", "20"]).done();
    let now = world.grant("box").and_then(|grant| grant.issued).expect("a grant").scopes;
    assert!(granted.iter().all(|scope| now.contains(scope)) && now.contains(&"sandbox:write".to_owned()), "{now:?}");
    assert_eq!(world.config_text(), config);
    world.run(&["call", "box_needs_more"]).done();
}

#[test]
fn a_host_offers_the_login_with_granted_and_missing_scopes() {
    let world = World::signed_in();
    let granted = world.grant("box").and_then(|grant| grant.issued).expect("a grant").scopes;
    let mut talk = host(&world);
    let (questions, result) = call(&world, &mut talk, (1, "box_needs_more"));
    assert_eq!(questions, ["Sign in to `box` again: this tool needs more access (sandbox:write)"]);
    assert_ne!(result["isError"], true, "{result}");
    let asked = requests(&world, "authorize");
    let asked = scopes(asked.last().expect("a login"));
    assert!(
        granted.iter().all(|scope| asked.contains(&scope.as_str())) && asked.contains(&"sandbox:write"),
        "{asked:?}"
    );
    let (questions, result) = call(&world, &mut talk, (2, "box_needs_more"));
    assert!(questions.is_empty() && result["isError"] != true, "{result}");
}

#[test]
fn a_service_that_is_never_content_is_offered_three_logins_for_one_tool() {
    let world = World::signed_in();
    world.sandbox().control().set(Faults { narrow_scope: Some("sandbox:read".to_owned()), ..Faults::default() });
    let mut talk = host(&world);
    let offered: Vec<usize> = (1..=5)
        .map(|id| {
            let (questions, result) = call(&world, &mut talk, (id, "box_needs_more"));
            assert_eq!(result["isError"], true, "{result}");
            questions.len()
        })
        .collect();
    assert_eq!(offered, [1, 1, 1, 0, 0]);
    let (_, result) = call(&world, &mut talk, (6, "box_whoami"));
    assert_ne!(result["isError"], true, "the login is as good as it was");
}

#[test]
fn a_host_that_cannot_ask_gets_the_command() {
    let world = World::signed_in();
    let mut talk = Talk::start(&world);
    let answer = talk.ask(&request(1, "tools/call", &json!({"name": "box_needs_more"})));
    let text = answer["result"]["content"][0]["text"].as_str().expect("a text");
    assert!(answer["result"]["isError"] == true && text.contains("keyward login box --scope sandbox:write"), "{text}");
}

#[test]
fn a_proof_that_is_too_old_is_given_anew() {
    let world = World::signed_in();
    world.clock.forward(100);
    world.sandbox().control().set(Faults { max_age: Some(50), ..Faults::default() });
    let before = requests(&world, "token").len();
    let ran = world.run(&["call", "box_whoami"]).failed(Exit::LoginRequired);
    assert!(ran.err.contains("`keyward login box --max-age 50`"), "{ran:?}");
    assert_eq!(requests(&world, "token").len(), before, "a newer token of the same login is no newer proof");
    let mut talk = host(&world);
    let (questions, result) = call(&world, &mut talk, (1, "box_whoami"));
    assert_eq!(questions, ["Sign in to `box` again: this tool needs fresh or stronger proof of who you are"]);
    assert_ne!(result["isError"], true, "{result}");
    let asked = requests(&world, "authorize");
    assert_eq!(asked.last().and_then(|entry| entry.parameters.get("max_age")).map(String::as_str), Some("50"));
}

#[test]
fn a_stronger_proof_is_asked_for_by_its_name_and_keeps_what_was_granted() {
    let world = World::signed_in();
    world.run(&["login", "box", "--scope", "sandbox:write", "--timeout", "20"]).done();
    world.sandbox().control().set(Faults { acr: Some("urn:sandbox:strong".to_owned()), ..Faults::default() });
    let ran = world.run(&["call", "box_whoami"]).failed(Exit::LoginRequired);
    assert!(ran.err.contains("`keyward login box --acr urn:sandbox:strong`"), "{ran:?}");
    world.run(&["login", "box", "--acr", "urn:sandbox:strong", "--timeout", "20"]).done();
    let asked = requests(&world, "authorize");
    let named = asked.last().and_then(|entry| entry.parameters.get("acr_values")).map(String::as_str);
    assert_eq!(named, Some("urn:sandbox:strong"));
    world.run(&["call", "box_needs_more"]).done();
}
