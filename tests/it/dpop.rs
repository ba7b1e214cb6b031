//! Tokens bound to a key (RFC 9449), against the sandbox, which checks every proof by code of its own: logins, calls,
//! renewals, nonces, and what is printed of such a token.

use keyward::report::Exit;
use keyward::sandbox::{Effect, Entry, Faults, TokenFault};
use serde_json::{Value, json};

use crate::serve::{Talk, request};
use crate::world::World;

/// A sandbox whose resources take bound tokens only.
fn strict() -> World {
    let world = World::with_sandbox();
    world.sandbox().control().set(Faults { require_dpop: true, ..Faults::default() });
    world
}

fn signed_in(world: World) -> World {
    world.run(&["login", &world.resource(), "--name", "box", "--timeout", "20"]).done();
    world
}

/// The fault that takes the binding out of the next answer of the token endpoint.
fn unbound(grant_type: &str) -> TokenFault {
    let set = json!({"token_type": "Bearer"}).as_object().cloned().unwrap_or_default();
    let effect = Effect::Edit { set, remove: Vec::new() };
    TokenFault { grant_type: Some(grant_type.to_owned()), effect, ..TokenFault::default() }
}

fn proved(entries: &[Entry]) -> Vec<bool> {
    entries.iter().map(|entry| entry.parameters.contains_key("(dpop)")).collect()
}

#[test]
fn a_service_that_takes_bound_tokens_only_gets_them() {
    let world = signed_in(strict());
    let control = world.sandbox().control();
    let sent = control.received("authorize");
    assert!(sent.iter().any(|entry| entry.parameters.get("dpop_jkt").is_some_and(|jkt| jkt.len() == 43)), "{sent:?}");
    assert_eq!(proved(&control.received("token")), [true]);
    let issued = world.grant("box").and_then(|grant| grant.issued).expect("a grant");
    assert!(issued.dpop.is_some());
    let done = world.run(&["call", "box_whoami"]).done();
    assert!(done.out.contains("alice") || done.out.contains("ada"), "{done:?}");
}

#[test]
fn every_renewal_proves_the_same_key() {
    let world = signed_in(strict());
    let key = |world: &World| world.grant("box").and_then(|grant| grant.issued?.dpop).expect("a key");
    let before = key(&world);
    for _ in 0..3 {
        world.clock.forward(400);
        world.run(&["call", "box_whoami"]).done();
    }
    assert_eq!(proved(&world.sandbox().control().received("token")), [true; 4]);
    assert!(key(&world).matches(before.expose()));
    assert_eq!(world.sandbox().control().received("token").iter().filter(|entry| entry.status != 200).count(), 0);
}

#[test]
fn two_logins_have_two_keys() {
    let world = signed_in(strict());
    let key = |world: &World| world.grant("box").and_then(|grant| grant.issued?.dpop).expect("a key");
    let before = key(&world);
    world.run(&["login", "box", "--timeout", "20"]).done();
    assert!(!key(&world).matches(before.expose()));
    world.run(&["call", "box_whoami"]).done();
}

#[test]
fn a_nonce_that_server_and_service_want_is_given_and_remembered() {
    let world = World::with_sandbox();
    let faults = Faults { require_dpop: true, dpop_nonce: true, ..Faults::default() };
    world.sandbox().control().set(faults);
    let world = signed_in(world);
    let control = world.sandbox().control();
    let statuses = |entries: Vec<Entry>| entries.iter().map(|entry| entry.status).collect::<Vec<_>>();
    assert_eq!(statuses(control.received("token")), [400, 200], "once more, and only once");
    let mut talk = Talk::start(&world);
    let call = |talk: &mut Talk, id| talk.ask(&request(id, "tools/call", &json!({"name": "box_whoami"})));
    assert_ne!(call(&mut talk, 1)["result"]["isError"], true);
    control.clear_record();
    for id in 2..5 {
        assert_ne!(call(&mut talk, id)["result"]["isError"], true);
    }
    let refused = control.record().iter().filter(|entry| entry.status == 401).count();
    assert_eq!(refused, 0, "the nonce of the first call serves the others");
    // Nonces end; the service then names the next one with its refusal.
    world.clock.forward(250);
    assert_ne!(call(&mut talk, 5)["result"]["isError"], true);
    let refused: Vec<Entry> = control.record().into_iter().filter(|entry| entry.status == 401).collect();
    // The list of tools, which is asked for in the background, may meet the same refusal.
    assert!((1..=2).contains(&refused.len()), "{refused:?}");
}

#[test]
fn a_token_that_is_not_bound_is_refused_where_the_service_takes_no_other() {
    let world = strict();
    world.sandbox().control().next_token(unbound("authorization_code"));
    let ran = world.run(&["login", &world.resource(), "--name", "box", "--timeout", "20"]).failed(Exit::Server);
    assert!(ran.err.contains("not bound to a key"), "{ran:?}");
    assert!(world.grant("box").is_none());
    // Anybody could use them, so they must not live on.
    assert_eq!(world.sandbox().control().received("revoke").len(), 2);
}

#[test]
fn a_token_that_is_not_bound_is_accepted_where_only_the_person_wanted_it() {
    let world = World::with_sandbox();
    let resource = world.resource();
    let config = format!("[connections.box]\nbackend = \"remote\"\nurl = \"{resource}\"\ndpop = true\n");
    let world = world.config(&config);
    world.run(&["login", "box", "--timeout", "20"]).done();
    assert!(world.grant("box").and_then(|grant| grant.issued?.dpop).is_some(), "the server can bind, so it did");
    world.run(&["call", "box_whoami"]).done();
    world.sandbox().control().next_token(TokenFault {
        effect: Effect::Answer {
            status: 200,
            headers: Vec::new(),
            body: json!({"access_token": "t", "token_type": "Bearer"}).to_string(),
        },
        ..TokenFault::default()
    });
    world.run(&["login", "box", "--timeout", "20"]).done();
    let grant = world.grant("box").expect("a grant");
    assert_eq!((grant.scheme(), grant.issued.and_then(|issued| issued.dpop).is_some()), ("Bearer", false));
}

#[test]
fn a_stolen_token_is_of_no_use() {
    let world = signed_in(strict());
    let stolen = world.run(&["token", "box"]).done().out.trim().to_owned();
    let thief = World::new().environment("KEYWARD_TOKEN_BOX", &stolen);
    let config = format!("[connections.box]\nbackend = \"remote\"\nurl = \"{}\"\n", world.resource());
    let ran = thief.config(&config).run(&["tools", "--refresh"]);
    assert!(ran.err.contains("the service answered 401") && !ran.out.contains("box_"), "{ran:?}");
}

#[test]
fn what_is_printed_of_a_bound_token_says_that_it_is_one() {
    let world = signed_in(strict());
    let header = world.run(&["token", "box", "--header"]).done();
    assert!(header.out.starts_with("Authorization: DPoP "), "{header:?}");
    let shown = world.run(&["token", "box", "--json"]).done().json();
    assert_eq!(shown["token_type"], "DPoP");
    let world = World::signed_in();
    assert!(world.run(&["token", "box", "--header"]).done().out.starts_with("Authorization: Bearer "));
    assert_eq!(world.run(&["token", "box", "--json"]).done().json()["token_type"], "Bearer");
}

#[test]
fn a_logout_ends_a_bound_grant() {
    let world = signed_in(strict());
    world.run(&["logout", "box"]).done();
    let revoked = world.sandbox().control().received("revoke");
    assert!(!revoked.is_empty() && revoked.iter().all(|entry| entry.status == 200), "{revoked:?}");
    assert!(world.grant("box").is_none());
}

#[test]
fn the_key_is_nowhere_but_in_the_store() {
    let world = signed_in(strict());
    let key = world.grant("box").and_then(|grant| grant.issued?.dpop).expect("a key");
    let line = key.expose().lines().nth(1).expect("a line of the key").to_owned();
    for arguments in [
        &["-vv", "status", "box"][..],
        &["-vv", "call", "box_whoami"],
        &["token", "box", "--json"],
        &["status", "--json"],
    ] {
        let ran = world.run(arguments);
        assert!(!ran.out.contains(&line) && !ran.err.contains(&line), "{arguments:?}");
    }
    let mut folders = vec![world.folder.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let text = std::fs::read(entry.path()).expect("a file");
                assert!(!String::from_utf8_lossy(&text).contains(&line), "{}", entry.path().display());
            }
        }
    }
}

#[test]
fn progress_of_a_long_call_arrives_with_a_bound_token() {
    let world = signed_in(strict());
    let mut talk = Talk::start(&world);
    let call = json!({"name": "box_slow", "arguments": {"steps": 3}, "_meta": {"progressToken": "t"}});
    talk.send(&request(1, "tools/call", &call));
    let answers: Vec<Value> = (0..4).map(|_| talk.next()).collect();
    assert_eq!(answers.iter().filter(|answer| answer["method"] == "notifications/progress").count(), 3, "{answers:?}");
    assert_ne!(answers[3]["result"]["isError"], true);
}

#[test]
fn a_client_that_acts_for_itself_proves_its_key_too() {
    let world = strict();
    let metadata = json!({
        "client_name": "robot",
        "grant_types": ["client_credentials"],
        "response_types": [],
        "redirect_uris": [],
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": "sandbox:read",
    });
    let robot = world.sandbox().control().register(&metadata).expect("a client");
    let text = |name: &str| robot[name].as_str().expect("a text").to_owned();
    let entry = format!(
        "[connections.box]\nbackend = \"remote\"\nurl = \"{}\"\nway = \"client-credentials\"\nclient_id = \"{}\"\nscopes = [\"sandbox:read\"]\n",
        world.resource(),
        text("client_id"),
    );
    let world = world.config(&entry).piping(&text("client_secret"));
    world.run(&["login", "box", "--client-secret"]).done();
    world.run(&["call", "box_whoami"]).done();
    let grant = world.grant("box").expect("a grant");
    let key = grant.issued.as_ref().and_then(|issued| issued.dpop.clone()).expect("a key");
    world.clock.forward(400);
    world.run(&["call", "box_whoami"]).done();
    let again = world.grant("box").and_then(|grant| grant.issued?.dpop).expect("a key");
    assert!(again.matches(key.expose()));
    assert_eq!(proved(&world.sandbox().control().received("token")), [true, true]);
}
