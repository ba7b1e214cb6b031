//! Headers of a connection: those of the configuration, and secret ones whose values are in the store.

use std::sync::{Arc, Mutex};

use keyward::report::Exit;
use keyward::secret::Secret;
use keyward::store::{Error as StoreError, Key};
use serde_json::{Value, json};

use crate::person::{Forbidden, Press};
use crate::security::protected;
use crate::serve::{Talk, handshake, request};
use crate::wire::{Request, Wire, bare, json as answer};
use crate::world::{Ran, World};

/// An MCP server behind a gateway that wants this key in `X-Api-Key`, if any, and a login there, if anywhere. Its tool
/// repeats everything that the request had in its head.
fn gateway(key: &Arc<Mutex<String>>, login: Option<String>) -> Wire {
    let key = Arc::clone(key);
    Wire::start(move |wire, request| {
        let (url, key) = (wire.url(), key.lock().expect("no panic").clone());
        if request.path().starts_with("/.well-known/oauth-protected-resource") && login.is_some() {
            return answer("200 OK", &json!({ "resource": format!("{url}/mcp"), "authorization_servers": [login] }));
        }
        if request.path() != "/mcp" {
            return bare("404 Not Found", "");
        }
        if !key.is_empty() && request.header("x-api-key") != Some(&key) {
            return bare("401 Unauthorized", "");
        }
        if login.is_some() && request.header("authorization").is_none() {
            return bare("401 Unauthorized", "WWW-Authenticate: Bearer\r\n");
        }
        speak(request)
    })
}

fn speak(request: &Request) -> String {
    let message: Value = serde_json::from_str(&request.body).unwrap_or_default();
    if request.method != "POST" {
        return bare("200 OK", "");
    }
    if message["method"] == "tools/call" {
        let content = json!([{"type": "text", "text": request.head}]);
        return answer("200 OK", &json!({"jsonrpc": "2.0", "id": message["id"], "result": {"content": content}}));
    }
    match crate::scripted::mcp(request.body.as_bytes()) {
        said if said.is_empty() => bare("202 Accepted", ""),
        said if said == "{}" => answer("400 Bad Request", &json!({})),
        said => answer("200 OK", &serde_json::from_str(&said).expect("JSON")).replacen(
            "\r\n",
            "\r\nMcp-Session-Id: s1\r\n",
            1,
        ),
    }
}

fn key(text: &str) -> Arc<Mutex<String>> {
    Arc::new(Mutex::new(text.to_owned()))
}

fn entry(wire: &Wire, more: &str) -> String {
    format!("[connections.box]\nbackend = \"remote\"\nurl = \"{}/mcp\"\n{more}", wire.url())
}

/// How often a line of this header is in the head.
fn count(request: &Request, name: &str) -> usize {
    request.head.lines().filter(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:"))).count()
}

/// Whether it only looks who is there, and does not ask for the stream on which a server tells.
fn looks(request: &Request) -> bool {
    request.method == "GET" && request.header("accept") != Some("text/event-stream")
}

/// The text that a call of the one tool brings.
fn call(talk: &mut Talk) -> String {
    let answer = talk.ask(&request(2, "tools/call", &json!({"name": "box_hello"})));
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn serving(world: &World) -> Talk {
    let mut talk = Talk::start(world);
    handshake(&mut talk);
    talk
}

#[track_caller]
fn silent(ran: Ran) -> Ran {
    assert!(!ran.out.contains("canary") && !ran.err.contains("canary"), "{ran:?}");
    ran
}

fn state(world: &World) -> Value {
    world.run(&["status", "box", "--json"]).json()["connections"][0]["secret_headers"].clone()
}

/// Signed in with the key alone.
fn with_a_key(wire: &Wire) -> World {
    let world = World::new().piping("canary-key-1\n");
    silent(world.run(&["login", &format!("{}/mcp", wire.url()), "--name", "box", "--header", "X-Api-Key", "-vv"]))
        .done();
    world
}

#[test]
fn headers_of_the_configuration_go_once_with_every_request_to_the_service_and_to_nobody_else() {
    let provider = protected(|_| bare("404 Not Found", ""));
    let wire = gateway(&key(""), Some(provider.url()));
    let headers = "headers = [\"X-Team: search\", \"Accept-Language: de, en\"]\n";
    let world = World::new().person(Press::Allow).config(&entry(&wire, headers));
    world.run(&["login", "box", "--timeout", "15"]).done();
    let said = call(&mut serving(&world)).to_lowercase();
    assert!(said.contains("x-team: search") && said.contains("accept-language: de, en"), "{said}");
    let record = wire.received("/mcp");
    let messages = |word: &str| record.iter().filter(|request| request.body.contains(word)).count();
    assert!(messages("server/discover") > 1 && messages("initialize") > 1 && messages("tools/call") == 1, "{record:?}");
    assert!(record.iter().any(|request| request.method == "DELETE"), "{record:?}");
    for request in &record {
        assert_eq!((count(request, "x-team"), count(request, "accept-language")), (1, 1), "{request:?}");
    }
    assert!(!provider.record().is_empty());
    assert!(provider.record().iter().all(|request| count(request, "x-team") == 0), "{:?}", provider.record());
    let shown = world.run(&["config", "show", "--json"]).done().json();
    let shown = shown["connections"].as_array().expect("a list").iter().find(|one| one["connection"] == "box");
    assert_eq!(shown.expect("the box")["headers"], json!(["x-team: search", "accept-language: de, en"]));
}

#[test]
fn a_key_in_a_header_is_all_that_a_server_may_want_and_is_seen_by_nobody_else() {
    let wire = gateway(&key("canary-key-1"), None);
    let world = with_a_key(&wire);
    let expected = entry(&wire, "secret_headers = [\"x-api-key\"]\nway = \"none\"\n");
    assert_eq!(world.config_text(), expected);
    let ran = world.run(&["login", "box", "--header", "X-Api-Key", "--json"]).done();
    assert_eq!((&ran.json()["way"], &ran.json()["store"]), (&json!("none"), &json!("keychain")));
    let text = call(&mut serving(&world));
    assert!(text.to_lowercase().contains("x-api-key: [secret]") && !text.contains("canary"), "{text}");
    for line in [
        &["status", "-vv"][..],
        &["status", "box", "--verify", "--json"],
        &["config", "show"],
        &["doctor", "box", "-vv"],
        &["tools", "--refresh", "-vv"],
        &["call", "box_hello", "-vv"],
    ] {
        silent(world.run(line)).done();
    }
    let ran = world.run(&["status", "box", "--verify"]).done();
    assert!(ran.out.contains("not needed, with `x-api-key`; `127.0.0.1") && ran.out.contains("accepts it"), "{ran:?}");
    let record = wire.received("/mcp");
    let asked: Vec<_> = record.iter().filter(|request| !looks(request)).collect();
    assert!(asked.len() > 5 && asked.iter().all(|request| count(request, "x-api-key") == 1), "{asked:?}");
    // The look of `doctor` shows no key.
    assert!(record.iter().filter(|request| looks(request)).all(|request| count(request, "x-api-key") == 0));
}

#[test]
fn a_key_that_was_replaced_elsewhere_is_used_from_the_next_call_on() {
    let wanted = key("canary-key-1");
    let wire = gateway(&wanted, None);
    let world = with_a_key(&wire);
    let mut talk = serving(&world);
    call(&mut talk);
    let loads = world.store.calls().loads;
    call(&mut talk);
    assert_eq!(world.store.calls().loads, loads, "it is remembered");
    *wanted.lock().expect("no panic") = "canary-key-2".to_owned();
    let world = world.piping("canary-key-2\n");
    silent(world.run(&["login", "box", "--header", "x-api-key"])).done();
    let before = wire.received("/mcp").len();
    call(&mut talk);
    let since = wire.received("/mcp").split_off(before);
    assert!(since.iter().all(|request| request.header("x-api-key") == Some("canary-key-2")), "{since:?}");
    // Behind everybody's back: the refusal of the service is the only sign.
    *wanted.lock().expect("no panic") = "canary-key-3".to_owned();
    let kept = json!({"version": 1, "headers": {"x-api-key": {"origin": wire.url(), "value": "canary-key-3"}}});
    world.keep(&Key::headers("box"), &Secret::new(kept.to_string()));
    call(&mut talk);
    let loads = world.store.calls().loads;
    *wanted.lock().expect("no panic") = "another".to_owned();
    let text = call(&mut talk);
    assert!(
        text.contains("refuses the stored headers") && text.contains("`keyward login box --header x-api-key`"),
        "{text}"
    );
    assert_eq!(world.store.calls().loads, loads + 1, "looked for once");
}

#[test]
fn a_key_stays_where_it_was_given_for() {
    let wire = gateway(&key("canary-key-1"), None);
    let other = gateway(&key(""), None);
    let world = with_a_key(&wire);
    world.run(&["config", "set", "connections.box.url", &format!("{}/mcp", other.url())]).done();
    let ran = silent(world.run(&["call", "box_hello"])).failed(Exit::LoginRequired);
    assert!(
        ran.err.contains("`keyward login box --header x-api-key`") && ran.err.contains("another address"),
        "{ran:?}"
    );
    assert_eq!(other.record(), []);
    assert_eq!(state(&world), json!([{"name": "x-api-key", "state": "elsewhere"}]));
    let ran = world.run(&["status", "box"]).failed(Exit::LoginRequired);
    assert!(ran.out.contains("for another address: `keyward login box --header x-api-key`"), "{ran:?}");
    // Neither does it go there before a login, to ask who issues tokens.
    world.run(&["config", "unset", "connections.box.way"]).done();
    silent(world.run(&["login", "box", "--timeout", "15"])).failed(Exit::LoginRequired);
    assert_eq!(other.record(), []);
    let world = world.piping("canary-key-2\n");
    silent(world.run(&["login", "box", "--header", "x-api-key"])).done();
    assert!(other.received("/mcp").iter().all(|request| request.header("x-api-key") == Some("canary-key-2")));
}

#[test]
fn a_logout_forgets_the_key_and_what_needs_it_says_how_to_get_it_back() {
    let wire = gateway(&key("canary-key-1"), None);
    let world = with_a_key(&wire);
    let ran = silent(world.run(&["logout", "--all"])).done();
    assert!(ran.err.contains("Of its headers, forgotten here: `x-api-key`"), "{ran:?}");
    assert!(world.stored(&Key::headers("box")).is_none());
    assert_eq!(state(&world), json!([{"name": "x-api-key", "state": "missing"}]));
    for line in [&["status", "box"][..], &["doctor", "box"]] {
        let ran = world.run(line).failed(Exit::LoginRequired);
        assert!(format!("{}{}", ran.out, ran.err).contains("`keyward login box --header x-api-key`"), "{ran:?}");
    }
    let before = wire.record().len();
    let text = call(&mut serving(&world));
    assert!(
        text.contains("no value of it is stored") && text.contains("`keyward login box --header x-api-key`"),
        "{text}"
    );
    assert_eq!(wire.record().len(), before, "nothing is asked without it");
    world.run(&["status"]).done();
    let told = world.run(&["logout", "box", "--json"]).done().json();
    assert!(told["connections"][0].get("headers").is_none(), "{told}");
}

#[test]
fn a_logout_finds_the_key_of_a_connection_that_is_configured_no_more() {
    let wire = gateway(&key("canary-key-1"), None);
    let world = with_a_key(&wire);
    world.run(&["config", "unset", "connections.box"]).done();
    let told = silent(world.run(&["logout", "--all", "--json"])).done().json();
    assert_eq!(told["connections"][0]["headers"], json!(["x-api-key"]));
    assert!(world.stored(&Key::headers("box")).is_none());
}

#[test]
fn a_locked_store_is_told_and_asked_again() {
    let wire = gateway(&key("canary-key-1"), None);
    let world = with_a_key(&wire);
    world.store.fail_loads(Some(StoreError::Locked));
    let mut talk = serving(&world);
    assert!(call(&mut talk).contains("locked"));
    let ran = world.run(&["status", "box", "--json"]).failed(Exit::Store);
    assert_eq!(ran.json()["connections"][0]["secret_headers"], json!([{"name": "x-api-key", "state": "unknown"}]));
    world.run(&["status", "box"]).failed(Exit::Store);
    world.store.fail_loads(None);
    assert!(call(&mut talk).to_lowercase().contains("x-api-key: [secret]"));
    world.store.fail_saves(Some(StoreError::Locked));
    silent(world.run(&["login", "box", "--header", "x-other"])).failed(Exit::Store);
    assert!(!world.config_text().contains("x-other"), "{}", world.config_text());
}

#[test]
fn a_login_shows_the_key_to_the_service_and_not_to_the_provider() {
    let provider = protected(|_| bare("404 Not Found", ""));
    let wanted = key("canary-key-1");
    let wire = gateway(&wanted, Some(provider.url()));
    let world = World::new().person(Press::Allow).config(&entry(&wire, "")).piping("canary-key-1\n");
    silent(world.run(&["login", "box", "--header", "X-Api-Key", "--timeout", "15"])).done();
    let text = call(&mut serving(&world));
    assert!(text.contains("Bearer [secret]") && !text.contains("canary"), "{text}");
    assert!(provider.record().iter().all(|request| !request.head.contains("canary-key")), "{:?}", provider.record());
    // Another key is no reason for another login.
    *wanted.lock().expect("no panic") = "canary-key-2".to_owned();
    let (asked, world) = (provider.record().len(), world.browser(Forbidden).piping("canary-key-2\n"));
    let ran = silent(world.run(&["login", "box", "--header", "X-Api-Key"])).done();
    assert!(ran.err.contains("Of the headers of `box`, kept in the keychain: `x-api-key`."), "{ran:?}");
    assert_eq!(provider.record().len(), asked);
    let ran = silent(world.run(&["login", "box", "--header", "X-Api-Key", "--json"])).done();
    assert_eq!((&ran.json()["way"], &ran.json()["store"]), (&json!("oauth"), &json!("keychain")));
    // Unless it is asked for.
    let world = world.person(Press::Allow);
    silent(world.run(&["login", "box", "--header", "X-Api-Key", "--way", "oauth", "--timeout", "15"])).done();
    assert!(provider.record().len() > asked);
    let ran = silent(world.run(&["logout", "box"])).done();
    assert!(ran.err.contains("The login of `box`") && ran.err.contains("`x-api-key`"), "{ran:?}");
}

#[test]
fn several_keys_take_one_line_each_and_go_beside_a_token() {
    let wire = gateway(&key("canary-key-1"), None);
    let world = World::new().config(&entry(&wire, "way = \"bearer\"\n")).piping("canary-token-1\n");
    silent(world.run(&["login", "box", "--bearer"])).done();
    let world = world.piping("canary-key-1\ncanary \"key\" 2\n");
    silent(world.run(&["login", "box", "--header", "X-Api-Key", "--header", "x-second"])).done();
    let before = wire.received("/mcp").len();
    let text = call(&mut serving(&world));
    assert!(!text.contains("canary") && text.matches("[secret]").count() == 3, "{text}");
    for request in wire.received("/mcp").split_off(before) {
        let sent = ["authorization", "x-api-key", "x-second"].map(|name| request.header(name).unwrap_or_default());
        assert_eq!(sent, ["Bearer canary-token-1", "canary-key-1", "canary \"key\" 2"]);
    }
    // A token of the environment takes the place of the login, not of the keys.
    let world = world.environment("KEYWARD_TOKEN_BOX", "canary-other").piping("canary-key-1\n");
    silent(world.run(&["login", "box", "--header", "x-api-key"])).done();
    silent(world.run(&["call", "box_hello"])).done();
    let last = wire.received("/mcp").pop().expect("a request");
    assert_eq!(
        (last.header("authorization"), last.header("x-api-key")),
        (Some("Bearer canary-other"), Some("canary-key-1"))
    );
    // One that is left out of the configuration is sent no more, and forgotten when the next one is given.
    world.run(&["config", "set", "connections.box.secret_headers", "x-api-key"]).done();
    silent(world.run(&["login", "box", "--header", "x-api-key"])).done();
    assert!(!world.stored(&Key::headers("box")).expect("kept").expose().contains("x-second"));
}

#[test]
fn what_cannot_be_a_secret_header_is_refused_and_not_repeated() {
    let wire = gateway(&key(""), None);
    let world = World::new().config(&entry(&wire, "headers = [\"X-Team: a\"]\n")).piping("canary-key-1\n");
    for name in [
        "Authorization",
        "cookie",
        "Host",
        "Content-Type",
        "Proxy-Authorization",
        "Mcp-Session-Id",
        "X-Api-Key: canary",
        "X-Api-Key=canary",
        "X-Api-Key canary",
        "",
        "x-team",
    ] {
        let ran = silent(world.run(&["login", "box", "--header", name, "--json"])).failed(Exit::Usage);
        assert_eq!(ran.json()["error"]["code"], "unfit_header", "{name}: {ran:?}");
    }
    for value in ["", "\n", "canary\u{e9}-key\n", "canary\n", "canary\u{7}-key\n", &"canary".repeat(2000)] {
        let world = World::new().config(&entry(&wire, "")).piping(value);
        let ran = silent(world.run(&["login", "box", "--header", "x-api-key", "--json"])).failed(Exit::Usage);
        assert_eq!(ran.json()["error"]["code"], "no_key", "{value:?}: {ran:?}");
        assert!(world.stored(&Key::headers("box")).is_none());
    }
    let two = ["login", "box", "--header", "x-a", "--header", "x-b", "--json"];
    silent(world.run(&two)).failed(Exit::Usage);
    assert_eq!(wire.record(), []);
}

#[test]
fn a_secret_in_the_file_is_refused_and_its_hints_bring_it_into_the_store() {
    let wire = gateway(&key("canary-key-1"), None);
    let world =
        World::new().config(&entry(&wire, "headers = [\"X-Api-Key: canary-key-1\"]\n")).piping("canary-key-1\n");
    let ran = silent(world.run(&["status"])).failed(Exit::Configuration);
    let commands: Vec<String> = ran.err.lines().flat_map(crate::reports::commands).collect();
    assert_eq!(commands, ["keyward config unset connections.box.headers", "keyward login box --header x-api-key"]);
    for command in &commands {
        silent(world.run(&command.split(' ').skip(1).collect::<Vec<_>>())).done();
    }
    silent(world.run(&["call", "box_hello"])).done();
    // Not by a command either.
    let ran = world.run(&["config", "set", "connections.box.headers", "X-Team: Bearer canary"]);
    silent(ran).failed(Exit::Configuration);
}

#[test]
fn a_wrong_key_is_told_from_a_missing_login() {
    let wire = gateway(&key("canary-key-1"), None);
    let world = World::new().piping("canary-key-0\n");
    let address = format!("{}/mcp", wire.url());
    for line in [
        &["login", &address, "--name", "box", "--header", "x-api-key", "--json"][..],
        &["login", "box", "--header", "x-api-key", "--json"],
    ] {
        let ran = silent(world.run(line)).failed(Exit::LoginRequired);
        assert_eq!(ran.json()["error"]["code"], "headers_refused", "{ran:?}");
        assert_eq!(ran.json()["error"]["hint"], json!(["`keyward login box --header x-api-key`"]));
    }
    assert_eq!(state(&world), json!([{"name": "x-api-key", "state": "kept"}]));
}

#[test]
fn keys_move_with_their_login_from_one_store_to_the_other() {
    let provider = protected(|_| bare("404 Not Found", ""));
    let wire = gateway(&key("canary-key-1"), Some(provider.url()));
    let world = World::new().person(Press::Allow).config(&entry(&wire, "")).piping("canary-key-1\n");
    let world = world.environment("KEYWARD_STORE_PASSPHRASE", "canary-passphrase");
    silent(world.run(&["login", "box", "--header", "x-api-key", "--timeout", "15"])).done();
    // With a key: the login comes along.
    let world = world.browser(Forbidden);
    silent(world.run(&["login", "box", "--header", "x-api-key", "--store", "file"])).done();
    assert!(world.stored(&Key::grant("box")).is_none() && world.stored(&Key::headers("box")).is_none());
    silent(world.run(&["call", "box_hello"])).done();
    // With a login: the key does.
    let world = world.person(Press::Allow);
    silent(world.run(&["login", "box", "--store", "keychain", "--timeout", "15"])).done();
    assert!(world.stored(&Key::grant("box")).is_some() && world.stored(&Key::headers("box")).is_some());
    silent(world.run(&["call", "box_hello"])).done();
    // And without any login.
    let world =
        with_a_key(&gateway(&key("canary-key-1"), None)).environment("KEYWARD_STORE_PASSPHRASE", "canary-passphrase");
    silent(world.run(&["login", "box", "--header", "x-api-key", "--store", "file"])).done();
    assert!(world.stored(&Key::headers("box")).is_none() && world.config_text().contains("store = \"file\""));
    silent(world.run(&["call", "box_hello"])).done();
}

#[test]
fn what_a_newer_program_keeps_stays_as_it_is_and_what_is_damaged_is_given_again() {
    let wire = gateway(&key("canary-key-1"), None);
    let world = with_a_key(&wire);
    let newer = "{\"version\":2,\"canary\":true}";
    world.keep(&Key::headers("box"), &Secret::new(newer));
    for line in [&["call", "box_hello", "--json"][..], &["login", "box", "--header", "x-api-key", "--json"]] {
        let ran = silent(world.run(line)).failed(Exit::Store);
        assert_eq!(ran.json()["error"]["code"], "store_newer", "{ran:?}");
    }
    assert!(world.stored(&Key::headers("box")).expect("kept").matches(newer));
    world.keep(&Key::headers("box"), &Secret::new("canary"));
    assert_eq!(state(&world), json!([{"name": "x-api-key", "state": "missing"}]));
    silent(world.run(&["login", "box", "--header", "x-api-key"])).done();
    silent(world.run(&["call", "box_hello"])).done();
}
