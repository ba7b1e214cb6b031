//! Which store keeps a login: chosen at login, recorded, changed by another login, and never left half-way.

use keyward::report::Exit;
use keyward::store::memory::Calls;
use keyward::store::{Error as StoreError, Key};
use serde_json::{Value, json};

use crate::layouts::stored;
use crate::person::{Forbidden, Press};
use crate::scripted;
use crate::serve::Talk;
use crate::world::{Ran, World};

const PASSPHRASE: &str = "correct horse";
const VARIABLE: &str = "KEYWARD_STORE_PASSPHRASE";

fn keyed(world: World) -> World {
    let world = world.environment(VARIABLE, PASSPHRASE).piping("tvly-canary\n");
    world.run(&["login", "tavily", "--api-key", "--store", "file"]).done();
    world
}

fn file(world: &World) -> std::path::PathBuf {
    world.folder.path().join("state").join("store")
}

fn status(world: &World, name: &str) -> Value {
    world.run(&["status", name, "--json"]).json()["connections"][0].clone()
}

#[track_caller]
fn code(ran: &Ran, exit: Exit, code: &str) {
    assert_eq!(ran.exit, exit, "{ran:?}");
    assert_eq!(ran.json()["error"]["code"], code, "{ran:?}");
}

#[test]
fn a_login_into_the_file_is_recorded_and_found_by_the_next_command() {
    let world = keyed(World::new());
    assert_eq!(world.config_text(), "[connections.tavily]\nway = \"api-key\"\nstore = \"file\"\n");
    assert_eq!(world.run(&["token", "tavily"]).done().out, "tvly-canary\n");
    let status = status(&world, "tavily");
    assert_eq!((&status["login"], &status["store"]), (&"signed-in".into(), &"file".into()));
    let text = String::from_utf8_lossy(&std::fs::read(file(&world)).expect("a file")).into_owned();
    assert!(text.starts_with("keyward-store/1 argon2id 65536 3 4 ") && !text.contains("canary"));
    // The keychain was not asked for anything but an older login, which it had to forget.
    assert_eq!(world.store.calls(), Calls { deletes: 1, ..Calls::default() });
    world.run(&["logout", "tavily"]).done();
    world.run(&["token", "tavily"]).failed(Exit::LoginRequired);
}

#[test]
fn a_browser_login_lives_in_the_file_through_renewal_and_logout() {
    let world = World::with_sandbox().environment(VARIABLE, PASSPHRASE);
    let ran = world.run(&["login", &world.resource(), "--name", "box", "--store", "file", "--json"]).done();
    assert_eq!(ran.json()["store"], "file");
    let first = world.run(&["token", "box"]).done().out;
    world.clock.forward(400);
    let second = world.run(&["token", "box"]).done().out;
    assert_ne!(first, second);
    assert_eq!(world.sandbox().control().tokens_issued("refresh_token"), 1);
    assert_eq!(stored(&world, &Key::grant("box")), None);
    assert_eq!(world.store.calls().saves, 0);
    world.run(&["logout", "box"]).done();
    assert_eq!(status(&world, "box")["ended"], "absent");
}

#[test]
fn without_its_passphrase_the_file_stays_closed_and_the_error_names_the_ways() {
    let world = keyed(World::new()).environment(VARIABLE, "").piping("");
    for command in [["token", "tavily", "--json"], ["call", "tavily_search", "query=x"], ["status", "tavily", "--json"]]
    {
        let ran = world.run(&command).failed(Exit::Store);
        assert!(ran.out.contains("store_no_passphrase") || ran.err.contains(VARIABLE), "{ran:?}");
    }
    let ran = world.run(&["token", "tavily"]);
    assert!(ran.err.contains(VARIABLE) && ran.err.contains("systemd"), "{ran:?}");
    assert_eq!(status(&world, "tavily")["login"], "unknown");
    let world = world.environment(VARIABLE, "another one");
    code(&world.run(&["token", "tavily", "--json"]), Exit::Store, "store_wrong_passphrase");
}

#[test]
fn a_person_types_the_passphrase_at_the_terminal_and_serve_never_asks() {
    let world = World::with_sandbox().typing(PASSPHRASE);
    world.run(&["login", &world.resource(), "--name", "box", "--store", "file"]).done();
    world.run(&["token", "box"]).done();
    let call =
        json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "box_whoami", "arguments": {}}});
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
    let world = world.piping(&format!("{hello}\n{call}\n"));
    let ran = world.run(&["serve"]).done();
    let last: Value = serde_json::from_str(ran.out.lines().last().expect("an answer")).expect("JSON");
    assert_eq!(last["result"]["isError"], true, "{last}");
    assert!(last.to_string().contains("passphrase"), "{last}");
}

#[test]
fn a_running_server_follows_a_login_into_another_store() {
    let world = World::signed_in().environment(VARIABLE, PASSPHRASE);
    let mut talk = Talk::start(&world);
    talk.ask("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}\n");
    let mut call = || {
        let line = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"box_whoami\",\"arguments\":{}}}\n";
        // Other lines tell that the list of tools has changed.
        let mut answer = talk.ask(line);
        while answer.get("id").is_none() {
            answer = talk.next();
        }
        answer["result"]["isError"] == json!(true)
    };
    assert!(!call());
    world.run(&["login", "box", "--store", "file", "--timeout", "20"]).done();
    assert_eq!(stored(&world, &Key::grant("box")), None);
    assert!(!call());
    assert_eq!(world.sandbox().control().tokens_issued("refresh_token"), 0);
}

#[test]
fn a_login_that_chooses_another_store_takes_the_older_one_out_of_the_first() {
    let world = World::signed_in().environment(VARIABLE, PASSPHRASE);
    let key = Key::grant("box");
    assert!(stored(&world, &key).is_some() && !world.config_text().contains("store"));
    world.run(&["login", "box", "--store", "file", "--timeout", "20"]).done();
    assert!(world.config_text().contains("store = \"file\""));
    assert_eq!(stored(&world, &key), None);
    // Without the flag the recorded one counts.
    world.run(&["login", "box", "--timeout", "20"]).done();
    assert_eq!((stored(&world, &key), status(&world, "box")["store"].clone()), (None, "file".into()));
    world.run(&["login", "box", "--store", "keychain", "--timeout", "20"]).done();
    assert!(stored(&world, &key).is_some());
    assert!(world.config_text().contains("store = \"keychain\""));
    // The file has forgotten it.
    let world = world.environment("KEYWARD_STORE", "file");
    assert_eq!(status(&world, "box")["ended"], "absent");
}

#[test]
fn a_login_that_fails_costs_nobody_the_one_they_had() {
    let world = World::signed_in().environment(VARIABLE, PASSPHRASE).person(Press::Deny);
    let before = stored(&world, &Key::grant("box"));
    world.run(&["login", "box", "--store", "file", "--timeout", "20"]).failed(Exit::Denied);
    assert_eq!(stored(&world, &Key::grant("box")), before);
    assert!(!world.config_text().contains("store"), "{}", world.config_text());
    world.run(&["token", "box"]).done();
}

#[test]
fn an_older_login_that_cannot_be_taken_out_is_told_and_the_new_one_counts() {
    let world = World::signed_in().environment(VARIABLE, PASSPHRASE);
    world.store.fail_saves(Some(StoreError::Locked));
    world.run(&["login", "box", "--store", "file", "--timeout", "20"]).done();
    assert_eq!(status(&world, "box")["store"], "file");
    world.run(&["token", "box"]).done();
    assert!(stored(&world, &Key::grant("box")).is_some());
}

#[test]
fn a_keychain_that_is_not_there_does_not_matter_to_a_login_into_the_file() {
    let absent = StoreError::Absent { cause: "no bus".to_owned() };
    let world = World::new();
    world.store.fail_saves(Some(absent.clone()));
    world.store.fail_loads(Some(absent));
    let world = keyed(world);
    assert_eq!(world.run(&["token", "tavily"]).done().out, "tvly-canary\n");
}

#[test]
fn a_later_login_into_the_file_does_not_ask_the_keychain_that_is_gone() {
    let world = World::with_sandbox().environment(VARIABLE, PASSPHRASE);
    world.run(&["login", &world.resource(), "--name", "box", "--store", "file", "--timeout", "20"]).done();
    let absent = StoreError::Absent { cause: "no bus".to_owned() };
    world.store.fail_saves(Some(absent.clone()));
    world.store.fail_loads(Some(absent));
    let registrations = world.sandbox().control().received("register").len();
    world.run(&["login", "box", "--timeout", "20"]).done();
    assert_eq!(world.sandbox().control().received("register").len(), registrations, "the client is in the file, too");
    world.run(&["token", "box"]).done();
    world.run(&["logout", "box"]).done();
}

#[test]
fn where_no_login_was_kept_no_store_is_recorded() {
    let login = |address: std::net::SocketAddr| {
        let world = World::new().environment(VARIABLE, PASSPHRASE).browser(Forbidden);
        let ran = world.run(&["login", &format!("http://{address}/mcp"), "--name", "box", "--store", "file"]);
        assert!(world.config_text().contains("[connections.box]"), "{ran:?}");
        assert!(!world.config_text().contains("store"), "{}", world.config_text());
        ran
    };
    // The hint of this failure names a setting, and a setting needs a place: the connection is written down.
    let page = scripted::answer("401 Unauthorized", "text/html", "<html>sign in</html>");
    login(scripted::always(page)).failed(Exit::Server);
    login(scripted::open_mcp()).done();
}

#[test]
fn the_variable_has_the_last_word_and_the_settings_for_all_the_first() {
    let world = World::new().environment(VARIABLE, PASSPHRASE).piping("tvly-one\n");
    world.run(&["config", "set", "store.kind", "file"]).done();
    world.run(&["login", "tavily", "--api-key"]).done();
    assert_eq!(world.store.calls().saves, 0);
    let shown = world.run(&["config", "show", "--json"]).done().json();
    assert_eq!(shown["store"], json!({"kind": "file", "kind_from": "file"}));
    assert_eq!(shown["connections"][0]["store"], "file");
    // What holds for all may change; a login that was made stays where it is.
    world.run(&["config", "set", "store.kind", "keychain"]).done();
    assert_eq!(world.run(&["token", "tavily"]).done().out, "tvly-one\n");
    let world = world.environment("KEYWARD_STORE", "keychain");
    world.run(&["token", "tavily"]).failed(Exit::LoginRequired);
    let world = world.environment("KEYWARD_STORE", "cloud");
    let ran = world.run(&["status"]).failed(Exit::Configuration);
    assert!(ran.err.contains("`KEYWARD_STORE` cannot be used"), "{ran:?}");
}

#[test]
fn a_flag_against_the_variable_wins_and_says_what_that_means() {
    let world =
        World::new().environment(VARIABLE, PASSPHRASE).environment("KEYWARD_STORE", "keychain").piping("k-12345");
    let ran = world.run(&["login", "tavily", "--api-key", "--store", "file"]).done();
    assert!(ran.err.contains("`KEYWARD_STORE` is `keychain`"), "{ran:?}");
    assert!(ran.err.contains("kept in the encrypted file"), "{ran:?}");
    let ran = world.run(&["login", "tavily", "--store", "cloud"]).failed(Exit::Usage);
    assert!(ran.err.contains("possible values: keychain, file"), "{ran:?}");
}

#[test]
fn a_damaged_file_is_told_kept_aside_and_replaced_by_the_next_login() {
    let world = keyed(World::new());
    std::fs::write(file(&world), "no longer").expect("written");
    for _ in 0..2 {
        code(&world.run(&["token", "tavily", "--json"]), Exit::Store, "store_damaged");
    }
    let ran = world.run(&["login", "tavily", "--api-key"]).done();
    assert_eq!(std::fs::read_to_string(file(&world).with_extension("damaged-1")).expect("kept"), "no longer");
    assert!(!ran.err.contains("canary"), "{ran:?}");
    assert_eq!(world.run(&["token", "tavily"]).done().out, "tvly-canary\n");
}

#[test]
#[cfg(unix)]
fn a_file_that_others_can_read_is_refused_by_every_command() {
    use std::os::unix::fs::PermissionsExt;
    let world = keyed(World::new());
    std::fs::set_permissions(file(&world), std::fs::Permissions::from_mode(0o644)).expect("changed");
    for command in [&["token", "tavily", "--json"][..], &["login", "tavily", "--api-key", "--json"]] {
        code(&world.run(command), Exit::Store, "store_unsafe");
    }
    let ran = world.run(&["token", "tavily"]);
    assert!(ran.err.contains("can be read or written by others"), "{ran:?}");
}

#[test]
fn a_token_in_the_environment_is_a_store_that_nothing_is_written_to() {
    let world = World::signed_in().environment("KEYWARD_TOKEN_BOX", "a.b.c").browser(Forbidden);
    let before = (stored(&world, &Key::grant("box")), world.config_text());
    let calls = world.store.calls();
    let status = status(&world, "box");
    assert_eq!((&status["login"], &status["store"]), (&"environment".into(), &"environment".into()));
    assert_eq!(status["variable"], "KEYWARD_TOKEN_BOX");
    let token = world.run(&["token", "box", "--json"]).done().json();
    assert_eq!((&token["access_token"], &token["from_environment"]), (&"a.b.c".into(), &true.into()));
    world.run(&["call", "box_whoami"]).failed(Exit::LoginRequired);
    for command in [&["login", "box"][..], &["login", "box", "--bearer"], &["login", "box", "--store", "file"]] {
        let ran = world.run(command).failed(Exit::Configuration);
        assert!(ran.err.contains("`KEYWARD_TOKEN_BOX`"), "{ran:?}");
    }
    assert_eq!(world.store.calls(), calls, "the keychain is not even asked");
    assert_eq!((stored(&world, &Key::grant("box")), world.config_text()), before);
    // Ending the stored login does not end the one of the environment, and says so.
    let ran = world.run(&["logout", "box"]).done();
    assert!(ran.err.contains("`KEYWARD_TOKEN_BOX` still supplies a token"), "{ran:?}");
    assert_eq!(world.run(&["token", "box"]).done().out, "a.b.c\n");
}

#[test]
fn the_secret_of_a_client_moves_with_its_login() {
    use crate::issuer::{Issuer, Rules};
    let issuer = Issuer::start(Rules::default());
    issuer.admit("given", "client_secret_basic", b"canary");
    let entry =
        format!("[connections.box]\nbackend = \"remote\"\nurl = \"{}\"\nclient_id = \"given\"\n", issuer.resource());
    let world = World::new().person(Press::Allow).config(&entry).piping("canary").environment(VARIABLE, PASSPHRASE);
    world.run(&["login", "box", "--client-secret", "--timeout", "20"]).done();
    assert!(world.stored(&Key::secret("box")).is_some());
    world.run(&["login", "box", "--client-secret", "--store", "file", "--timeout", "20"]).done();
    assert!(world.stored(&Key::secret("box")).is_none(), "the keychain has lost it");
    world.run(&["login", "box", "--timeout", "20"]).done();
}
