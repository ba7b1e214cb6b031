//! Documents from folders and from behind a login, through the commands and through `serve`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;

use keyward::report::Exit;
use serde_json::{Value, json};

use crate::serve::{Talk, handshake, request};
use crate::world::World;

/// A world whose connection `docs` is the list of the sandbox, with a login.
fn signed_in() -> World {
    let world = World::with_sandbox();
    let url = format!("{}/documents/index.json", world.sandbox().url());
    let world =
        world.config(&format!("[connections.docs]\nbackend = \"documents\"\nurl = \"{url}\"\nway = \"oauth\"\n"));
    world.run(&["login", "docs", "--timeout", "20"]).done();
    world
}

fn copies(world: &World) -> PathBuf {
    world.folder.path().join("state/copies/docs")
}

/// How the list is answered from now on.
fn answer(world: &World, status: &str) {
    let host = world.sandbox().url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&host).expect("the sandbox listens");
    let head = format!("PUT /documents/fake/status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    write!(stream, "{head}Content-Length: {}\r\n\r\n{status}", status.len()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
}

#[test]
fn a_folder_in_the_configuration_is_all_that_is_needed() {
    let docs = tempfile::tempdir().expect("a folder");
    fs::create_dir(docs.path().join("checklists")).expect("a folder");
    fs::write(docs.path().join("checklists/release.md"), "- [ ] the tests are green\n").expect("a file");
    let world = World::new();
    let refused = world.run(&["call", "documents_list_checklists"]).failed(Exit::Usage);
    assert!(refused.err.contains("documents_list_checklists"), "{}", refused.err);
    let folder = docs.path().to_str().expect("a path");
    world.run(&["config", "set", "connections.documents.folders", folder]).done();
    let found = world.run(&["call", "documents_get_checklist", "name=Release", "--json"]).done().json();
    assert_eq!(found["structured"]["content"], "- [ ] the tests are green\n");
    let status = world.run(&["status", "documents", "--json"]).done().json();
    assert!(!status.to_string().contains("file:"), "{status}");
    let missing = world.run(&["call", "documents_get_checklist", "name=relase"]).failed(Exit::Usage);
    assert!(missing.err.contains("did you mean `release`?"), "{}", missing.err);
}

#[test]
fn a_connection_without_folders_says_which_command_sets_them() {
    let world = World::new().config("[connections.docs]\nbackend = \"documents\"\n");
    let refused = world.run(&["call", "docs_list_checklists"]).failed(Exit::Denied);
    assert!(refused.err.contains("keyward config set connections.docs.folders"), "{}", refused.err);
    let unknown = World::new().run(&["login", "documents"]).failed(Exit::Configuration);
    assert!(
        unknown.err.contains("keyward config set connections.documents.folders /path/of/a/folder"),
        "{}",
        unknown.err
    );
}

#[test]
fn a_login_opens_the_list_and_a_logout_forgets_its_copies() {
    let world = signed_in();
    let call = |exit: Exit| {
        let ran = world.run(&["call", "docs_get_checklist", "name=release", "--json"]);
        assert_eq!(ran.exit, exit, "{ran:?}");
        ran
    };
    let found = call(Exit::Done).json();
    assert!(
        found["structured"]["content"].as_str().is_some_and(|text| text.contains("the tests are green")),
        "{found}"
    );
    let kept = fs::read_dir(copies(&world)).expect("copies").count();
    assert_eq!(kept, 3, "the list, the document and the mark of the folder");
    answer(&world, "503");
    world.clock.forward(300);
    let old = call(Exit::Done).json();
    assert!(
        old["structured"]["notes"][0].as_str().is_some_and(|note| note.ends_with("a copy that is 5 minutes old")),
        "{old}"
    );
    world.run(&["logout", "docs"]).done();
    assert!(!copies(&world).exists());
    call(Exit::LoginRequired);
}

#[test]
fn a_permission_that_is_withdrawn_is_not_answered_from_a_copy() {
    let world = signed_in();
    world.run(&["call", "docs_list_checklists"]).done();
    assert!(copies(&world).exists());
    answer(&world, "403");
    world.run(&["call", "docs_list_checklists"]).failed(Exit::Denied);
    assert!(!copies(&world).exists());
    answer(&world, "503");
    assert_ne!(world.run(&["call", "docs_list_checklists"]).exit, Exit::Done);
}

#[test]
fn another_login_begins_without_the_copies_of_the_one_before() {
    let world = signed_in();
    world.run(&["call", "docs_list_checklists"]).done();
    assert!(copies(&world).exists());
    world.run(&["login", "docs", "--timeout", "20"]).done();
    assert!(!copies(&world).exists());
}

#[test]
fn a_host_reads_documents_as_resources_and_fills_in_prompts() {
    let world = signed_in();
    let mut talk = Talk::start(&world);
    handshake(&mut talk);
    let mut ask = |id: u64, method: &str, params: Value| talk.ask(&request(id, method, &params))["result"].clone();
    let templates = ask(2, "resources/templates/list", json!({}));
    assert!(templates.to_string().contains("keyward://docs/checklists/{name}"), "{templates}");
    let read = ask(3, "resources/read", json!({"uri": "keyward://docs/documents/runbooks%2Frestore"}));
    assert!(read["contents"][0]["text"].as_str().is_some_and(|text| text.starts_with("# Restore")), "{read}");
    let prompt = ask(4, "prompts/get", json!({"name": "docs_checklist", "arguments": {"name": "release"}}));
    let text = prompt["messages"][0]["content"]["text"].as_str().expect("a text");
    assert!(text.contains("point by point") && text.contains("the tests are green"), "{text}");
}
