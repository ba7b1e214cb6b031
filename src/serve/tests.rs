//! Prompts and resources of a connection, as `serve` offers them.

use serde_json::{Map, Value, json};

use super::*;
use crate::backends::tests::library;
use crate::backends::{Backend, Effect, Tool, netbox, remote, tavily};
use crate::config::patterns::Patterns;
use crate::machine::{Environment, Machine};
use crate::mcp::{Found, Kind, ReadError, Reading, Server as _};
use crate::store::memory::Memory;

const FILE: &str = "\
[connections.shelf]
backend = \"remote\"
url = \"https://library.example/\"
way = \"oauth\"

[connections.other]
backend = \"remote\"
url = \"https://other.example/\"
way = \"none\"
";

/// A server whose connections are all libraries, with more lines in its configuration.
fn server(more: &str, choice: &Choice) -> Server {
    server_of(&library::BACKEND, more, choice)
}

fn server_of(backend: &'static Backend, more: &str, choice: &Choice) -> Server {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    std::fs::write(&file, format!("{FILE}{more}")).expect("written");
    let machine = Machine { environment: Environment::default(), ..Machine::real() };
    let mut app = App::open(machine, Arc::new(Memory::new()), Some(&file)).expect("a configuration");
    app.config.connections.retain(|connection| connection.configured);
    for connection in &mut app.config.connections {
        connection.backend = backend;
    }
    // Nothing is read again.
    app.config.path = None;
    Server::new(Arc::new(app), choice).expect("a catalog")
}

fn all() -> Server {
    server("", &Choice::default())
}

fn listed(server: &Server, kind: Kind, member: &str) -> Vec<String> {
    let list: Vec<Value> = serde_json::from_str(&server.list(kind).to_string()).expect("JSON");
    list.iter().map(|one| one[member].as_str().expect("a text").to_owned()).collect()
}

fn read(server: &Server, reading: Reading) -> Result<Found, ReadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(server.read(mcp::ReadRequest::new(reading)))
}

fn prompt(name: &str, arguments: Value) -> Result<Found, ReadError> {
    let Value::Object(arguments) = arguments else { panic!("an object") };
    read(&all(), Reading::Prompt { name: name.to_owned(), arguments })
}

fn resource(uri: &str) -> Result<Found, ReadError> {
    read(&all(), Reading::Resource { uri: uri.to_owned() })
}

fn refused(result: Result<Found, ReadError>) -> String {
    match result {
        Err(ReadError::Parameters(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn prompts_and_resources_of_every_connection_are_listed_by_name_and_address() {
    let server = all();
    let names = ["other_ask", "other_broken", "other_picky", "shelf_ask", "shelf_broken", "shelf_picky"];
    assert_eq!(listed(&server, Kind::Prompts, "name"), names);
    let addresses = ["down", "mine", "note"].map(|name| format!("keyward://shelf/{name}"));
    assert_eq!(listed(&server, Kind::Resources, "uri")[3..], addresses);
    let families = ["keyward://other/books/{title}", "keyward://shelf/books/{title}"];
    assert_eq!(listed(&server, Kind::Templates, "uriTemplate"), families);
}

#[test]
fn a_definition_says_all_that_a_person_chooses_by() {
    let server = all();
    let first = |kind| serde_json::from_str::<Vec<Value>>(&server.list(kind).to_string()).expect("JSON")[0].clone();
    let arguments = json!([
        {"name": "topic", "description": "what about", "required": true},
        {"name": "tone", "description": "how", "required": false},
    ]);
    let expected = json!({"name": "other_ask", "title": "ask", "description": "asks \"it\"", "arguments": arguments});
    assert_eq!(first(Kind::Prompts), expected);
    let texts = json!({"name": "down", "title": "down", "description": "holds \"it\"", "mimeType": "text/plain"});
    let mut expected = texts.as_object().expect("an object").clone();
    expected.insert("uri".into(), "keyward://other/down".into());
    assert_eq!(first(Kind::Resources), Value::Object(expected));
}

#[test]
fn what_is_not_chosen_is_not_told_of_either() {
    let told = |only: &[&str]| {
        let only = only.iter().map(|name| (*name).to_owned()).collect();
        let server = server("", &Choice { only, read_only: false });
        let request = mcp::ToolRequest { name: "keyward_status".to_owned(), ..mcp::ToolRequest::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let Ok(mcp::Outcome::Done(result)) = runtime.block_on(server.call(request)) else { panic!("no result") };
        let structured: Value = serde_json::from_str(&result.structured.expect("an object")).expect("JSON");
        let rows = structured["connections"].as_array().expect("rows").clone();
        rows.iter().map(|row| row["connection"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told(&["other"]), ["other"]);
    assert_eq!(told(&[]), ["other", "shelf"]);
}

#[test]
fn what_is_not_chosen_is_not_offered() {
    let only = Choice { only: vec!["other".to_owned()], read_only: true };
    let server = server("[serve]\ndisable = [\"*_picky\", \"other_b*\", \"*note\"]\n", &only);
    assert_eq!(listed(&server, Kind::Prompts, "name"), ["other_ask"]);
    // A pattern is about names of tools and prompts; read-only leaves what only reads.
    let addresses = ["down", "mine", "note"].map(|name| format!("keyward://other/{name}"));
    assert_eq!(listed(&server, Kind::Resources, "uri"), addresses);
    let gone = Reading::Resource { uri: "keyward://shelf/note".to_owned() };
    assert!(matches!(read(&server, gone), Err(ReadError::NotFound { .. })));
    let disabled = Reading::Prompt { name: "other_picky".to_owned(), arguments: Map::new() };
    assert_eq!(refused(read(&server, disabled)), "unknown prompt");
}

#[test]
fn another_servers_word_that_its_tool_only_reads_counts_for_tools_that_are_named() {
    let connection = || {
        let url = "https://other.example/".parse().expect("an address");
        crate::backends::tests::connection(
            url,
            crate::backends::Way::None,
            crate::backends::tests::Tokens::new(None, None),
        )
    };
    let looks = netbox::BACKEND.tools(&connection()).into_iter().find(|tool| tool.own == "status").expect("a tool");
    let changes = Tool { effect: Effect { read_only: false, ..looks.effect }, ..looks.clone() };
    for (backend, allow, is_offered) in [
        (&netbox::BACKEND, None, true),
        (&remote::BACKEND, None, false),
        (&remote::BACKEND, Some("other"), false),
        (&remote::BACKEND, Some("status"), true),
        (&remote::BACKEND, Some("*"), true),
    ] {
        let patterns = Patterns { allow: allow.map(|one| vec![one.to_owned()]), deny: Vec::new() };
        let service = catalog::Service { backend, connection: connection(), patterns };
        assert_eq!(service.only_reads(&looks), is_offered, "{} {allow:?}", backend.name);
        assert!(!service.only_reads(&changes), "{} {allow:?}", backend.name);
    }
}

#[test]
fn a_server_without_prompts_and_resources_does_not_claim_them() {
    let (none, some) = (server_of(&tavily::BACKEND, "", &Choice::default()), all());
    for (kind, is_always) in
        [(Kind::Tools, true), (Kind::Prompts, false), (Kind::Resources, false), (Kind::Templates, false)]
    {
        assert_eq!((none.offers(kind), some.offers(kind)), (is_always, true), "{kind:?}");
    }
    let disabled = server("[serve]\ndisable = [\"*\"]\n", &Choice::default());
    assert!(!disabled.offers(Kind::Prompts) && disabled.offers(Kind::Resources));
}

#[test]
fn prompts_and_resources_are_made_when_they_are_asked_for_and_once() {
    let server = all();
    assert!(server.offers(Kind::Tools));
    server.list(Kind::Tools);
    assert_eq!(library::built(), 0);
    for _ in 0..2 {
        assert!(server.offers(Kind::Prompts) && server.offers(Kind::Resources));
        let first = server.list(Kind::Prompts);
        assert!(Arc::ptr_eq(&first, &server.list(Kind::Prompts)), "the text is made once, too");
    }
    assert_eq!(library::built(), 4, "two kinds of two connections");
}

#[test]
fn a_prompt_is_written_from_what_the_person_filled_in() {
    let text = |arguments: Value| match prompt("shelf_ask", arguments) {
        Ok(Found::Prompt { description, messages }) => {
            assert_eq!(description.as_deref(), Some("asks \"it\""));
            let messages: Value = serde_json::from_str(messages.get()).expect("JSON");
            let text = messages[0]["content"]["text"].as_str().expect("a text").to_owned();
            assert_eq!(messages, json!([{"role": "user", "content": {"type": "text", "text": text}}]));
            serde_json::from_str::<Value>(&text).expect("JSON")
        }
        other => panic!("{other:?}"),
    };
    let both = json!({"topic": "a \"b\"\n", "tone": "dry"});
    assert_eq!(text(both.clone()), both);
    // What was left open is not there; hosts send it as an empty text.
    for open in [json!(null), json!(""), json!(" \n")] {
        assert_eq!(text(json!({"topic": "x", "tone": open})), json!({"topic": "x"}));
    }
    // What a person does not see, the model does not read.
    assert_eq!(text(json!({"topic": "a\u{202e}b\u{e0041}\u{7}c"})), json!({"topic": "abc"}));
    let longest = "\u{e9}".repeat(2000);
    assert_eq!(text(json!({"topic": longest})), json!({"topic": longest}));
}

#[test]
fn a_prompt_that_cannot_be_filled_in_says_why() {
    for (arguments, why) in [
        (json!({}), "the prompt needs `topic`: what about"),
        (json!({"topic": ""}), "the prompt needs `topic`: what about"),
        (json!({"topic": "\u{200b}"}), "the prompt needs `topic`: what about"),
        (json!({"topic": null, "tone": "dry"}), "the prompt needs `topic`: what about"),
        (json!({"topic": 7}), "`topic` is not a text"),
        (json!({"topic": ["x"]}), "`topic` is not a text"),
        (json!({"topic": "x".repeat(2001)}), "`topic` has more than 2000 characters"),
        (json!({"topic": "x", "colour\u{7}": "red"}), "the prompt takes no `colour`"),
    ] {
        assert_eq!(refused(prompt("shelf_ask", arguments.clone())), why, "{arguments}");
    }
    assert_eq!(refused(prompt("shelf_picky", json!({"topic": "x"}))), "`topic` is none of ours");
    for name in ["shelf_none", "ask", "", "keyward_status", "shelf_extra"] {
        assert_eq!(refused(prompt(name, json!({"topic": "x"}))), "unknown prompt", "{name}");
    }
    let Err(ReadError::Failed(words)) = prompt("shelf_broken", json!({"topic": "x"})) else { panic!("it is broken") };
    assert!(words.starts_with("error: `shelf` could not do it\ncause: ") && words.contains("no words"), "{words}");
}

#[test]
fn a_resource_is_read_at_its_address() {
    for (uri, expected) in [
        ("keyward://shelf/note", "note"),
        ("keyward://shelf/books/CSCvb12345", "the book CSCvb12345"),
        ("keyward://other/books/a%2Fb%20%C3%A9", "the book a/b \u{e9}"),
    ] {
        let Ok(Found::Resource { contents }) = resource(uri) else { panic!("it is there") };
        let contents: Value = serde_json::from_str(contents.get()).expect("JSON");
        assert_eq!(contents, json!([{"uri": uri, "mimeType": "text/plain", "text": expected}]));
    }
}

#[test]
fn an_address_of_nothing_is_told_with_what_is_wrong_with_it() {
    let (nothing, no_name) = ("there is no such resource", "the address does not end in one percent-encoded name");
    for (uri, expected) in [
        ("", nothing),
        ("keyward://shelf", nothing),
        ("keyward://shelf/", nothing),
        ("keyward://shelf/none", nothing),
        ("keyward://shelf/extra", nothing),
        ("keyward://shelf/NOTE", nothing),
        ("keyward://shelf/note/", nothing),
        ("keyward://shelf/note?x", nothing),
        ("file:///etc/passwd", nothing),
        ("keyward://shelf/books", nothing),
        ("keyward://shelf/books/a/b", nothing),
        ("keyward://shelf/books/../note", nothing),
        ("keyward://shelf/books/", no_name),
        ("keyward://shelf/books/..", no_name),
        ("keyward://shelf/books/%2e%2e", no_name),
        ("keyward://shelf/books/%20", no_name),
        ("keyward://shelf/books/a%0Ab", no_name),
        ("keyward://shelf/books/a%zz", no_name),
        ("keyward://shelf/books/%ff", no_name),
        ("keyward://shelf/books/a#b", no_name),
        ("keyward://shelf/books/none", "no book has that title"),
    ] {
        let error = ReadError::NotFound { uri: uri.to_owned(), why: expected.to_owned() };
        assert_eq!(resource(uri).err(), Some(error), "{uri}");
    }
}

#[test]
fn a_resource_that_cannot_be_read_is_told_in_the_words_of_every_failure() {
    let words = |uri| match resource(uri) {
        Err(ReadError::Failed(words)) => words,
        other => panic!("{other:?}"),
    };
    let login = words("keyward://shelf/mine");
    assert!(login.starts_with("error: ") && login.contains("hint:  `keyward login shelf`"), "{login}");
    let down = words("keyward://shelf/down");
    let expected =
        "error: `shelf` could not do it\ncause: `library` failed with status 503: later\nhint:  try again later";
    assert_eq!(down, expected);
    let mine = Reading::Resource { uri: "keyward://other/mine".to_owned() };
    assert!(read(&all(), mine).is_ok(), "no login is needed there");
}
