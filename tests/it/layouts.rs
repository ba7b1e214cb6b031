//! What earlier versions stored is read, replaced and, where it comes from a later version, left alone.

use keyward::app::grant::Grant;
use keyward::report::Exit;
use keyward::secret::Secret;
use keyward::store::{Key, Store};

use crate::person::{Forbidden, Press};
use crate::world::World;

const LOGIN: &str = include_str!("../layouts/grant-1-oauth.json");
const BARE: &str = include_str!("../layouts/grant-1-bare.json");
const PASTED: &str = include_str!("../layouts/grant-1-key.json");
const HELD: &str = include_str!("../layouts/grant-1-held.json");
const CLIENT: &str = include_str!("../layouts/client-1.json");

/// Everything of `old` is in `new` with the same value; `new` may have more.
fn keeps(new: &serde_json::Value, old: &serde_json::Value) -> bool {
    match (new, old) {
        (serde_json::Value::Object(new), serde_json::Value::Object(old)) => {
            old.iter().all(|(key, value)| value.is_null() || new.get(key).is_some_and(|new| keeps(new, value)))
        }
        _ => new == old,
    }
}

pub fn put(world: &World, key: &Key, text: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(world.store.save(key, &Secret::new(text))).expect("kept");
}

pub fn stored(world: &World, key: &Key) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(world.store.load(key)).expect("readable").map(|secret| secret.expose().to_owned())
}

#[test]
fn r22_every_older_login_is_read_and_written_again_without_a_loss() {
    for old in [LOGIN, BARE, PASTED, HELD] {
        let grant = Grant::decode(&Secret::new(old)).expect("readable");
        let again = grant.encode();
        let (new, old) = (serde_json::from_str(again.expose()), serde_json::from_str(old));
        let (new, old): (serde_json::Value, serde_json::Value) = (new.expect("JSON"), old.expect("JSON"));
        assert!(keeps(&new, &old), "{new} lost something of {old}");
    }
}

#[test]
fn r22_an_older_key_is_used_and_replaced() {
    let world = World::new().config("[connections.tavily]\nway = \"api-key\"\n");
    let key = Key::grant("tavily");
    put(&world, &key, PASTED);
    assert_eq!(world.run(&["token", "tavily"]).done().out, "tvly-golden\n");
    let world = world.piping("tvly-new");
    world.run(&["login", "tavily", "--api-key"]).done();
    assert_eq!(world.run(&["token", "tavily"]).done().out, "tvly-new\n");
}

#[test]
fn r22_an_older_login_is_shown_with_its_account_and_used() {
    let entry = "[connections.box]\nbackend = \"remote\"\nurl = \"https://mcp.example.com/mcp\"\n";
    let world = World::new().config(entry);
    world.clock.forward(1_790_000_000 - 1_800_000_000);
    put(&world, &Key::grant("box"), LOGIN);
    let status = world.run(&["status", "box", "--json"]).done().json()["connections"][0].clone();
    assert_eq!((&status["login"], &status["account"]), (&"signed-in".into(), &"grün@example.com".into()));
    assert_eq!(world.run(&["token", "box"]).done().out, "at-golden\n");
}

#[test]
fn r22_an_older_registration_is_used_instead_of_another_one() {
    let world = World::signed_in();
    let issuer = world.run(&["status", "box", "--json"]).done().json()["connections"][0]["issuer"].clone();
    let key = Key::client(issuer.as_str().expect("an issuer"));
    let now: serde_json::Value = serde_json::from_str(&stored(&world, &key).expect("a client")).expect("JSON");
    let (id, redirect) = (now["id"].as_str().expect("an id"), now["redirect_uris"][0].as_str().expect("an address"));
    put(&world, &key, &CLIENT.replace("ID", id).replace("REDIRECT", redirect));
    let before = world.sandbox().control().received("register").len();
    assert!(before > 0, "the sandbox counts registrations");
    let world = world.person(Press::Allow);
    world.run(&["login", "box", "--timeout", "20"]).done();
    assert_eq!(world.sandbox().control().received("register").len(), before);
}

#[test]
fn r22_a_login_of_a_newer_version_is_refused_and_left_alone_by_every_command() {
    let world = World::signed_in().browser(Forbidden);
    let (key, newer) = (Key::grant("box"), "{\"version\":2,\"secret\":\"canary\"}");
    put(&world, &key, newer);
    for command in [&["token", "box"][..], &["status", "box"], &["login", "box"], &["logout", "box"]] {
        let ran = world.run(command).failed(Exit::Store);
        assert!(ran.err.contains("a newer version of keyward wrote it"), "{ran:?}");
        assert!(!ran.err.contains("canary"), "{ran:?}");
        assert_eq!(stored(&world, &key).as_deref(), Some(newer), "{command:?}");
    }
    let code = world.run(&["token", "box", "--json"]).failed(Exit::Store).json()["error"]["code"].clone();
    assert_eq!(code, "store_newer");
}

/// The record of a client has no version of its own: an older program uses what it understands, and what a newer one has
/// added goes with the next time that it writes. At worst the client has to be registered again.
#[test]
fn r22_a_registration_with_members_of_a_newer_version_is_used_instead_of_another_one() {
    let world = World::signed_in();
    let issuer = world.run(&["status", "box", "--json"]).done().json()["connections"][0]["issuer"].clone();
    let key = Key::client(issuer.as_str().expect("an issuer"));
    let mut client: serde_json::Value = serde_json::from_str(&stored(&world, &key).expect("a client")).expect("JSON");
    let id = client["id"].clone();
    client["of_a_newer_version"] = "canary".into();
    put(&world, &key, &client.to_string());
    let before = world.sandbox().control().received("register").len();
    let world = world.person(Press::Allow);
    world.run(&["login", "box", "--timeout", "20"]).done();
    assert_eq!(world.sandbox().control().received("register").len(), before);
    let client: serde_json::Value = serde_json::from_str(&stored(&world, &key).expect("a client")).expect("JSON");
    assert_eq!(client["id"], id);
}

#[test]
fn r22_a_server_and_a_call_leave_a_login_of_a_newer_version_alone() {
    let world = World::signed_in().browser(Forbidden);
    let (key, newer) = (Key::grant("box"), "{\"version\":2,\"secret\":\"canary\"}");
    put(&world, &key, newer);
    let mut talk = crate::serve::Talk::start(&world);
    crate::serve::handshake(&mut talk);
    let text = crate::serve::refusal(&mut talk);
    assert!(text.contains("newer version of keyward") && !text.contains("canary"), "{text}");
    world.run(&["call", "box_whoami"]).failed(Exit::Store);
    // A clock that goes on makes no renewal of it.
    world.clock.forward(100_000);
    world.run(&["token", "box"]).failed(Exit::Store);
    assert_eq!(stored(&world, &key).as_deref(), Some(newer));
    assert_eq!(world.sandbox().control().tokens_issued("refresh_token"), 0);
}

#[test]
fn a_damaged_login_is_told_and_stops_nothing_else_and_a_login_sets_it_aside() {
    let world = World::signed_in().environment("KEYWARD_TOKEN_TAVILY", "tvly-x");
    let (key, damaged) = (Key::grant("box"), "{\"version\":1,\"access_token\":\"canary\"");
    put(&world, &key, damaged);
    let ran = world.run(&["token", "box"]).failed(Exit::LoginRequired);
    assert!(ran.err.contains("cannot be read") && !ran.err.contains("canary"), "{ran:?}");
    let status = world.run(&["status", "--json"]).done().json()["connections"].clone();
    assert_eq!((&status[0]["login"], &status[0]["ended"]), (&"login-required".into(), &"unreadable".into()));
    assert_eq!(status[1]["login"], "environment");
    let world = world.person(Press::Allow);
    let ran = world.run(&["login", "box", "--timeout", "20", "-vv"]).done();
    assert!(ran.err.contains("signed in") || ran.err.contains("Signed in"), "{ran:?}");
    assert!(!ran.err.contains("canary"), "{ran:?}");
    world.run(&["token", "box"]).done();
    assert_eq!(stored(&world, &key.damaged()).as_deref(), Some(damaged));
    world.run(&["logout", "box"]).done();
    assert_eq!((stored(&world, &key), stored(&world, &key.damaged())), (None, None), "nothing of it stays");
}
