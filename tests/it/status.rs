//! Status: what is known here, and with `--verify` what the provider or the service says.

use keyward::report::Exit;
use keyward::store::Error as StoreError;
use serde_json::{Value, json};

use crate::scripted::{self, answer};
use crate::world::{Ran, World};

fn row(ran: &Ran) -> Value {
    ran.json()["connections"][0].clone()
}

fn verified(world: &World) -> (Exit, Value) {
    let ran = world.run(&["status", "box", "--verify", "--json"]);
    (ran.exit, row(&ran)["verified"].clone())
}

#[test]
fn a_failing_status_has_its_data_and_its_error_in_one_object() {
    let world = World::signed_in();
    world.forget("box");
    let ran = world.run(&["status", "box", "--json"]).failed(Exit::LoginRequired);
    assert_eq!(row(&ran)["login"], "login-required");
    assert_eq!(ran.json()["error"]["code"], "login_required");
    assert_eq!(ran.json()["error"]["exit"], 3);
    let ran = world.run(&["status", "box"]).failed(Exit::LoginRequired);
    assert!(ran.out.contains("not signed in") && ran.err.contains("hint:  `keyward login box`"), "{ran:?}");
    // Asked about all, it is no failure that somebody has not signed in yet.
    let ran = world.run(&["status", "--json"]).done();
    assert!(ran.json().get("error").is_none());
    world.store.fail_loads(Some(StoreError::Locked));
    let ran = world.run(&["status", "--json"]).failed(Exit::Store);
    assert_eq!(ran.json()["error"]["code"], "store_locked");
}

#[test]
fn the_service_is_asked_and_the_answer_says_so() {
    let world = World::signed_in();
    let host = world.resource().split('/').nth(2).expect("a host").to_owned();
    let (exit, said) = verified(&world);
    assert_eq!((exit, said), (Exit::Done, json!({"by": "service", "host": host, "accepted": true, "error": null})));
    let ran = world.run(&["status", "box", "--verify"]).done();
    assert!(ran.out.contains(&format!("`{host}` accepts it")), "{ran:?}");
}

#[test]
fn a_login_that_was_ended_at_the_provider_is_found_out_only_by_asking() {
    let world = World::signed_in();
    world.sandbox().control().revoke_grants();
    let ran = world.run(&["status", "box", "--json"]).done();
    assert_eq!((row(&ran)["login"].as_str(), row(&ran).get("verified")), (Some("signed-in"), None));
    let ran = world.run(&["status", "box", "--verify", "--json"]).failed(Exit::LoginRequired);
    assert_eq!((row(&ran)["login"].as_str(), row(&ran)["ended"].as_str()), (Some("login-required"), Some("revoked")));
    assert_eq!(row(&ran)["verified"]["accepted"], false);
    assert_eq!(ran.json()["error"]["exit"], 3);
    // Also when nobody asked for this one in particular.
    let world = World::signed_in();
    world.sandbox().control().revoke_grants();
    world.run(&["status", "--verify"]).failed(Exit::LoginRequired);
}

#[test]
fn an_access_token_that_was_ended_is_renewed_before_anybody_says_no() {
    let world = World::signed_in();
    world.sandbox().control().expire_access_tokens();
    assert_eq!(verified(&world).0, Exit::Done);
    assert_eq!(world.sandbox().control().tokens_issued("refresh_token"), 1);
}

#[test]
fn a_service_that_cannot_be_reached_is_no_answer() {
    let mut world = World::signed_in();
    world.sandbox = None;
    let ran = world.run(&["status", "box", "--verify", "--json"]).failed(Exit::Network);
    assert_eq!((row(&ran)["login"].as_str(), &row(&ran)["verified"]["accepted"]), (Some("signed-in"), &Value::Null));
    assert_eq!(ran.json()["error"]["exit"], 7);
    let ran = world.run(&["status", "box", "--verify"]).failed(Exit::Network);
    assert!(ran.out.contains("could not tell"), "{ran:?}");
}

#[test]
fn what_has_no_login_is_not_asked_about() {
    let world = World::signed_in();
    world.forget("box");
    let requests = world.sandbox().control().record().len();
    let ran = world.run(&["status", "--verify", "--json"]).done();
    assert!(ran.json()["connections"].as_array().expect("rows").iter().all(|row| row.get("verified").is_none()));
    assert_eq!(world.sandbox().control().record().len(), requests);
}

#[test]
fn a_key_is_verified_with_a_question_that_costs_nothing() {
    let world = World::with_sandbox();
    let url = world.sandbox().resource("tavily");
    let url = url.trim_end_matches("/mcp");
    for (key, exit, accepted) in
        [("tvly-good", Exit::Done, json!(true)), ("sk-other", Exit::LoginRequired, json!(false))]
    {
        let world = World::new()
            .config(&format!("[connections.tavily]\nurl = \"{url}\"\nway = \"api-key\"\n"))
            .piping(&format!("{key}\n"));
        world.run(&["login", "tavily", "--api-key"]).done();
        let ran = world.run(&["status", "tavily", "--verify", "--json"]).failed(exit);
        assert_eq!(row(&ran)["verified"]["accepted"], accepted);
        let world = World::new()
            .config(&format!("[connections.tavily]\nurl = \"{url}\"\n"))
            .environment("KEYWARD_TOKEN_TAVILY", key);
        let ran = world.run(&["status", "tavily", "--verify", "--json"]).failed(exit);
        assert_eq!((row(&ran)["login"].as_str(), &row(&ran)["verified"]["accepted"]), (Some("environment"), &accepted));
    }
    let asked = world.sandbox().control().received("tavily");
    assert!(asked.iter().all(|entry| entry.path.ends_with("/usage")), "{asked:?}");
}

/// An authorization server that knows a confidential client and says this about every token.
fn introspecting(says: &'static str) -> std::net::SocketAddr {
    scripted::each(move |base, target, body| match target {
        "/.well-known/oauth-authorization-server" | "/.well-known/openid-configuration" => {
            let metadata = json!({
                "issuer": base, "authorization_endpoint": format!("{base}/a"), "token_endpoint": format!("{base}/t"),
                "introspection_endpoint": format!("{base}/i"), "response_types_supported": ["code"],
            });
            answer("200 OK", "application/json", &metadata.to_string())
        }
        "/i" if body.contains("client_secret=hush") => answer("200 OK", "application/json", says),
        _ => answer("400 Bad Request", "application/json", "{\"error\":\"invalid_grant\"}"),
    })
}

fn confidential(world: &World, server: std::net::SocketAddr) {
    world.rewrite("box", |grant| {
        let issued = &mut grant["issued"];
        issued["issuer"] = json!(format!("http://{server}"));
        issued["token_endpoint"] = json!(format!("http://{server}/t"));
        issued["client"] = json!({
            "id": "known", "secret": "hush", "method": "client_secret_post", "redirect_uris": [],
            "secret_expires_at": null, "management": null,
        });
    });
}

#[test]
fn a_provider_that_answers_us_is_asked_instead_of_the_service() {
    let world = World::signed_in();
    let server = introspecting("{\"active\":true}");
    confidential(&world, server);
    let before = world.sandbox().control().received("remote").len();
    let (exit, said) = verified(&world);
    let expected = json!({"by": "provider", "host": server.to_string(), "accepted": true, "error": null});
    assert_eq!((exit, said), (Exit::Done, expected));
    assert_eq!(world.sandbox().control().received("remote").len(), before);
}

#[test]
fn a_provider_that_disowns_the_token_and_does_not_renew_it_has_ended_the_login() {
    let world = World::signed_in();
    confidential(&world, introspecting("{\"active\":false}"));
    let (exit, said) = verified(&world);
    assert_eq!((exit, &said["by"], &said["accepted"]), (Exit::LoginRequired, &json!("provider"), &json!(false)));
}

#[test]
fn a_provider_that_does_not_answer_the_question_leaves_it_to_the_service() {
    let world = World::signed_in();
    confidential(&world, introspecting("{\"active\":\"yes\"}"));
    let (exit, said) = verified(&world);
    assert_eq!((exit, &said["by"], &said["accepted"]), (Exit::Done, &json!("service"), &json!(true)));
}

#[test]
fn a_login_for_another_address_is_named_with_it() {
    let world = World::signed_in();
    let address = world.resource();
    world.run(&["config", "set", "connections.box.url", "https://elsewhere.example/mcp"]).done();
    let ran = world.run(&["status", "box", "--json"]).failed(Exit::LoginRequired);
    assert_eq!(
        (row(&ran)["ended"].as_str(), row(&ran)["elsewhere"].as_str()),
        (Some("elsewhere"), Some(address.as_str()))
    );
    let ran = world.run(&["status", "box"]).failed(Exit::LoginRequired);
    assert!(ran.out.contains(&format!("for another address ({address})")), "{ran:?}");
}

#[test]
fn a_damaged_login_is_no_missing_one() {
    let world = World::signed_in();
    world.rewrite("box", |grant| grant["generation"] = json!("x"));
    let ran = world.run(&["status", "box", "--json"]).failed(Exit::LoginRequired);
    assert_eq!(row(&ran)["ended"], "unreadable");
}

#[test]
fn the_table_fits_the_terminal_and_more_is_shown_when_it_is_asked_for() {
    let world = World::signed_in().of_width(50);
    let ran = world.run(&["status"]).done();
    assert!(ran.out.lines().count() > 3 && ran.out.lines().all(|line| line.chars().count() <= 50), "{}", ran.out);
    let ran = world.run(&["status", "box", "-v"]).done();
    for (name, value) in
        [("scopes", "sandbox:read offline_access"), ("way", "oauth"), ("token ends", "2027-01-15T08:05:00Z")]
    {
        assert!(ran.out.lines().any(|line| line.contains(name) && line.contains(value)), "{name}: {}", ran.out);
    }
}

#[test]
fn fifty_connections_are_fifty_readings_of_the_keychain() {
    let connections: String = (0..50)
        .map(|number| {
            format!("[connections.c{number}]\nbackend = \"remote\"\nurl = \"https://c{number}.example/mcp\"\n")
        })
        .collect();
    let world = World::new().config(&connections);
    let ran = world.run(&["status", "--json"]).done();
    assert_eq!(ran.json()["connections"].as_array().map(Vec::len), Some(51));
    let calls = world.store.calls();
    assert_eq!((calls.loads, calls.saves, calls.deletes, calls.proofs), (50, 0, 0, 0));
}
