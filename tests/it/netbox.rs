//! Signing in to the sandbox's NetBox: tokens that are pasted or made, what is told of them, and what a logout ends.

use keyward::backends::netbox::fake::{SECRET, TOKENS};
use keyward::report::Exit;
use keyward::store::Error as StoreError;
use serde_json::{Value, json};
use url::Url;

use crate::fickle::Save;
use crate::world::{Ran, World};

const PASSWORD: &str = "jdoe-p&ss%";

fn address(world: &World) -> String {
    format!("{}/netbox", world.sandbox().url())
}

fn world(piped: &str) -> World {
    let world = World::with_sandbox().piping(piped);
    let url = address(&world);
    world.config(&format!("[connections.nb]\nbackend = \"netbox\"\nurl = \"{url}\"\n"))
}

fn v2(key: &str) -> String {
    format!("nbt_{key}.{SECRET}")
}

/// One request to the stand-in, past the program.
fn asks(world: &World, method: &str, path: &str, body: &str) -> String {
    use std::io::{Read, Write};
    let url = Url::parse(&address(world)).expect("an address");
    let host = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
    let mut stream = std::net::TcpStream::connect(&host).expect("the sandbox listens");
    let head = format!("{method} /netbox{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    let request = format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    assert!(head.contains(" 200 "), "{head} {body}");
    body.to_owned()
}

fn order(world: &World, order: &Value) {
    asks(world, "POST", "/control", &order.to_string());
}

fn seen(world: &World) -> Vec<Value> {
    let received: Value = serde_json::from_str(&asks(world, "GET", "/received", "")).expect("JSON");
    received["received"].as_array().expect("a list").clone()
}

fn status(world: &World) -> Value {
    world.run(&["status", "nb", "--verify", "--json"]).json()["connections"][0].clone()
}

/// Nothing secret was shown or written into the configuration.
#[track_caller]
fn quiet(world: &World, ran: &Ran) {
    let config = world.config_text();
    for secret in [PASSWORD, SECRET, TOKENS[0]] {
        for text in [&ran.out, &ran.err, &config] {
            assert!(!text.contains(secret), "{secret}: {ran:?} {config}");
        }
    }
}

#[test]
fn a_token_of_either_version_signs_in_and_goes_out_behind_its_own_word() {
    for (token, keyword, may) in [
        (TOKENS[0].to_owned(), "Token", "reading and writing"),
        (TOKENS[1].to_owned(), "Bearer", "reading and writing"),
        (v2("SandboxReads"), "Bearer", "reading only, until 2031-01-01T00:00:00Z"),
    ] {
        let world = world(&format!("  {token}\n"));
        let ran = world.run(&["login", "nb"]).done();
        quiet(&world, &ran);
        assert!(ran.err.contains(&format!("Signed in to `nb` as jdoe ({may}). The token is kept")), "{ran:?}");
        let status = status(&world);
        assert_eq!(
            (&status["account"], &status["role"], &status["way"], &status["verified"]["accepted"]),
            (&json!("jdoe"), &json!(may), &json!("token"), &json!(true)),
            "{status}"
        );
        let seen = seen(&world);
        assert_eq!(
            (&seen[0]["path"], &seen[0]["keyword"]),
            (&json!("/api/"), &Value::Null),
            "first it must be a NetBox"
        );
        assert!(seen[1..].iter().all(|one| one["keyword"] == keyword && one["status"] == 200), "{seen:?}");
        let header = world.run(&["token", "nb", "--header"]).done();
        assert_eq!(header.out, format!("Authorization: {keyword} {token}\n"));
        assert_eq!(world.run(&["token", "nb", "--json"]).done().json()["token_type"], keyword);
    }
}

#[test]
fn the_address_of_any_page_makes_a_connection() {
    let world = World::with_sandbox().piping(&format!("{}\n", TOKENS[1]));
    let copied = format!("{}/user/api-tokens/?sort=key", address(&world));
    world.run(&["login", &copied, "--backend", "netbox", "--name", "nb"]).done();
    let text = world.config_text();
    assert!(text.contains(&format!("url = \"{}\"", address(&world))), "{text}");
    world.run(&["login", &format!("{}/dcim/devices/7/", address(&world)), "--backend", "netbox"]).done();
    assert_eq!(status(&world)["login"], "signed-in");
}

#[test]
fn what_cannot_be_a_token_is_sent_nowhere() {
    let v1 = TOKENS[0];
    for (line, why) in [
        (format!("Authorization: Token {v1}"), "without the words before it"),
        (format!("Bearer {}", TOKENS[1]), "without the words before it"),
        ("nbt_SandboxJdoe1".to_owned(), "shown once only"),
        (format!("{v1} {v1}"), "blanks"),
        (format!("{v1}0"), "neither the 40 characters"),
        ("eyJh.eyJz.c2ln".to_owned(), "identity provider"),
    ] {
        let world = world(&format!("{line}\n"));
        let ran = world.run(&["login", "nb"]).failed(Exit::Usage);
        quiet(&world, &ran);
        assert!(ran.err.contains(why), "{line}: {ran:?}");
        assert!(world.grant("nb").is_none());
        assert!(seen(&world).iter().all(|one| one["keyword"].is_null()), "nothing of it was sent");
    }
}

#[test]
fn every_token_that_is_refused_is_refused_in_words_of_its_own() {
    for (token, exit, why) in [
        (v2("SandboxEnded"), Exit::Denied, "the token has ended"),
        (v2("SandboxIsOff"), Exit::Denied, "the token is switched off"),
        (v2("SandboxGhost"), Exit::Denied, "the account of the token is switched off"),
        (v2("SandboxPlace"), Exit::Denied, "may not be used from here"),
        (v2("SandboxWrong"), Exit::Denied, "knows no such token"),
        (TOKENS[0].replace('0', "f"), Exit::Denied, "knows no such token"),
    ] {
        let world = world(&format!("{token}\n"));
        let ran = world.run(&["login", "nb"]).failed(exit);
        quiet(&world, &ran);
        assert!(ran.err.contains(why) && ran.err.contains("asks for another token"), "{ran:?}");
        assert!(world.grant("nb").is_none());
    }
}

#[test]
fn a_token_is_made_with_a_password_that_is_not_kept_and_deleted_at_the_logout() {
    for (piped, more) in
        [(format!("jdoe\n{PASSWORD}\n"), &["--no-sso"][..]), (format!("\njdoe\n{PASSWORD}\n"), &[][..])]
    {
        let world = world(&piped);
        let ran = world.run(&[&["login", "nb"], more].concat()).done();
        quiet(&world, &ran);
        let kept = world.grant("nb").expect("a login").access_token;
        assert!(!kept.expose().contains(PASSWORD) && kept.expose().contains("\"id\":1000"), "the token and its number");
        let made = seen(&world).into_iter().find(|one| one["method"] == "POST").expect("a request for it");
        let description = made["body"]["description"].as_str().expect("a description").to_owned();
        assert!(description.starts_with("keyward on "), "{description}");
        // Signing in again takes its place, also in NetBox's list.
        world.run(&[&["login", "nb"], more].concat()).done();
        let deleted = |world: &World| {
            let all = seen(world).into_iter().filter(|one| one["method"] == "DELETE");
            all.map(|one| (one["path"].clone(), one["status"].clone())).collect::<Vec<_>>()
        };
        assert_eq!(deleted(&world), [(json!("/api/users/tokens/1000/"), json!(204))]);
        let token = world.run(&["token", "nb"]).done().out.trim().to_owned();
        let ran = world.run(&["logout", "nb"]).done();
        assert!(ran.err.contains("The login of `nb` is ended"), "{ran:?}");
        assert_eq!(deleted(&world)[1], (json!("/api/users/tokens/1001/"), json!(204)));
        let world = world.piping(&format!("{token}\n"));
        assert!(world.run(&["login", "nb"]).failed(Exit::Denied).err.contains("knows no such token"));
    }
}

#[test]
fn a_token_that_cannot_be_kept_is_deleted_and_the_one_before_it_stays() {
    let world = world(&format!("jdoe\n{PASSWORD}\n"));
    world.run(&["login", "nb", "--no-sso"]).done();
    world.fickle.then_always(Save::Fails(StoreError::Locked));
    world.run(&["login", "nb", "--no-sso"]).failed(Exit::Store);
    let deleted: Vec<_> = seen(&world).into_iter().filter(|one| one["method"] == "DELETE").collect();
    let paths: Vec<_> = deleted.iter().map(|one| one["path"].as_str().unwrap_or_default()).collect();
    assert_eq!(paths, ["/api/users/tokens/1001/"]);
    world.fickle.saves([]);
    world.run(&["status", "nb", "--verify"]).done();
}

#[test]
fn a_token_that_was_pasted_stays_its_owners() {
    let world = world(&format!("{}\n", TOKENS[1]));
    world.run(&["login", "nb"]).done();
    let ran = world.run(&["logout", "nb"]).done();
    assert!(ran.err.contains("The token itself stays good") && ran.err.contains("/user/api-tokens/"), "{ran:?}");
    assert!(seen(&world).iter().all(|one| one["method"] != "DELETE"));
}

#[test]
fn a_wrong_password_is_tried_once_and_says_what_else_there_is() {
    let world = world("jdoe\nwrong-canary\n");
    let ran = world.run(&["login", "nb", "--no-sso"]).failed(Exit::Denied);
    assert!(ran.err.contains("the name or the password is wrong") && ran.err.contains("takes a token"), "{ran:?}");
    assert!(!ran.err.contains("wrong-canary") && world.grant("nb").is_none());
    assert_eq!(seen(&world).iter().filter(|one| one["method"] == "POST").count(), 1);
}

#[test]
fn what_is_no_netbox_gets_neither_a_token_nor_a_password() {
    let page = "<html>Sign in</html>";
    for fault in [
        json!({ "path": "/api/", "status": 200, "body": page, "times": 0 }),
        json!({ "path": "/api/", "status": 200, "body": { "dcim": "x" }, "times": 0 }),
        json!({ "path": "/api/", "status": 404, "body": { "detail": "Not found." }, "times": 0 }),
    ] {
        for more in [&[][..], &["--no-sso"]] {
            let world = world(&format!("{}\n{PASSWORD}\n", TOKENS[1]));
            order(&world, &json!({ "faults": [fault.clone()] }));
            let ran = world.run(&[&["login", "nb"], more].concat()).failed(Exit::Configuration);
            assert!(ran.err.contains("there is no NetBox at"), "{ran:?}");
            let seen = seen(&world);
            assert!(seen.iter().all(|one| one["keyword"].is_null() && one["method"] == "GET"), "{seen:?}");
        }
    }
}

#[test]
fn a_token_that_is_refused_later_asks_for_a_login_and_a_missing_right_does_not() {
    let world = world(&format!("{}\n", TOKENS[1]));
    world.run(&["login", "nb"]).done();
    for (set, why) in [
        (json!({ "users.token": { "2": { "enabled": false } } }), "the token is switched off"),
        (
            json!({ "users.token": { "2": { "enabled": true, "expires": "2020-01-01T00:00:00Z" } } }),
            "the token has ended",
        ),
    ] {
        order(&world, &json!({ "set": set }));
        let ran = world.run(&["status", "nb", "--verify"]);
        assert!(ran.err.contains(why) || ran.out.contains(why), "{ran:?}");
        assert_eq!(status(&world)["verified"]["accepted"], false);
    }
    order(
        &world,
        &json!({ "reset": true, "faults": [
        { "path": "/status/", "status": 403, "body": { "detail": "You do not have permission to perform this action." }, "times": 0 }] }),
    );
    let ran = world.run(&["status", "nb", "--verify"]);
    assert!(format!("{}{}", ran.out, ran.err).contains("lacks the permission"), "{ran:?}");
    assert!(world.grant("nb").is_some());
}

#[test]
fn the_environment_supplies_a_token_and_a_malformed_one_is_sent_nowhere() {
    let world = world("").environment("KEYWARD_TOKEN_NB", TOKENS[0]);
    assert_eq!(status(&world)["verified"]["accepted"], true);
    assert_eq!(world.run(&["token", "nb", "--header"]).done().out, format!("Authorization: Token {}\n", TOKENS[0]));
    let world = world.environment("KEYWARD_TOKEN_NB", "nbt_SandboxJdoe1");
    let before = seen(&world).len();
    let ran = world.run(&["status", "nb", "--verify"]);
    assert!(format!("{}{}", ran.out, ran.err).contains("shown once only"), "{ran:?}");
    assert_eq!(seen(&world).len(), before);
    assert!(!world.run(&["token", "nb"]).failed(Exit::Configuration).out.contains("nbt_"));
}

#[test]
fn a_release_without_tokens_of_version_2_takes_the_others_and_makes_them() {
    let world = world(&format!("{}\n", TOKENS[0]));
    order(&world, &json!({ "release": "4.0.11" }));
    let ran = world.run(&["login", "nb"]).done();
    assert!(ran.err.contains("as jdoe (reading and writing)"), "its own row says whose it is: {ran:?}");
    let world = world.piping(&format!("jdoe\n{PASSWORD}\n"));
    let ran = world.run(&["login", "nb", "--no-sso"]).done();
    assert!(ran.err.contains("as jdoe (reading and writing)"), "{ran:?}");
    assert!(world.run(&["token", "nb", "--header"]).done().out.starts_with("Authorization: Token "));
}
