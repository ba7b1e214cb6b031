//! `serve` in process: its tools, its answers, and that starting touches nothing.

use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;

use keyward::app::App;
use keyward::report::Exit;
use keyward::serve::{Choice, Server};
use serde_json::{Value, json};

use crate::world::{Paper, World};

/// A server over pipes, and what a host does with it.
pub struct Talk {
    input: Option<std::io::PipeWriter>,
    output: std::io::Lines<BufReader<std::io::PipeReader>>,
    serving: Option<std::thread::JoinHandle<()>>,
}

impl Talk {
    pub fn start(world: &World) -> Self {
        let machine = world.machine(&Arc::new(Paper::default()));
        let app = App::open(machine, world.stores().brief, None).expect("a configuration");
        let server = Server::new(Arc::new(app), &Choice::default()).expect("a catalog");
        let (server_reads, input) = std::io::pipe().expect("a pipe");
        let (output, server_writes) = std::io::pipe().expect("a pipe");
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let input = Box::new(BufReader::new(server_reads));
            runtime.block_on(keyward::serve::run(input, Box::new(server_writes), None, server));
        });
        Self { input: Some(input), output: BufReader::new(output).lines(), serving: Some(serving) }
    }

    pub fn send(&mut self, lines: &str) {
        self.input.as_mut().expect("open").write_all(lines.as_bytes()).expect("written");
    }

    pub fn next(&mut self) -> Value {
        serde_json::from_str(&self.output.next().expect("an answer").expect("a line")).expect("JSON")
    }

    pub fn ask(&mut self, line: &str) -> Value {
        self.send(line);
        self.next()
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.input = None;
        if !std::thread::panicking() {
            self.serving.take().expect("serving").join().expect("the server ends with its input");
        }
    }
}

/// Writes the lines to a server, waits for so many answers, and ends the input.
pub fn talk(world: &World, lines: &str, answers: usize) -> Vec<Value> {
    let mut talk = Talk::start(world);
    talk.send(lines);
    (0..answers).map(|_| talk.next()).collect()
}

pub fn request(id: u64, method: &str, params: &Value) -> String {
    format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
}

#[test]
fn an_empty_configuration_offers_tavily_and_the_status() {
    let world = World::new();
    let answers = talk(&world, &request(1, "tools/list", &json!({})), 1);
    let names: Vec<&str> = answers[0]["result"]["tools"]
        .as_array()
        .expect("tools")
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    assert_eq!(names, ["keyward_status", "tavily_extract", "tavily_search"]);
}

/// A host starts the server: it gets its answers before anything is asked of the store, the network or a person.
pub fn handshake(talk: &mut Talk) {
    let hello =
        json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let answer = talk.ask(&request(0, "initialize", &hello));
    assert_eq!(answer["result"]["serverInfo"]["name"], "keyward", "{answer}");
    assert!(talk.ask(&request(1, "tools/list", &json!({})))["result"]["tools"].is_array());
}

/// What a tool call says that fails in a way which somebody can do something about.
pub fn refusal(talk: &mut Talk) -> String {
    let answer = talk.ask(&request(2, "tools/call", &json!({"name": "box_whoami"})));
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let text = answer["result"]["content"][0]["text"].as_str().expect("text").to_owned();
    assert!(text.starts_with("error: ") && text.contains("\nhint:  "), "{text}");
    text
}

/// The 200 ms of the handshake are not measured here, because a test that measures time fails on a busy machine: what is
/// shown is that nothing is waited for. The fourth state, another login, is in `login/many.rs`.
#[test]
fn r16_whatever_is_wrong_the_handshake_is_answered_and_a_call_says_what_to_do() {
    type Trouble = fn(&mut World);
    let troubles: [(&str, Trouble, &str); 4] = [
        ("no login", |world| world.forget("box"), "`keyward login box`"),
        ("a locked keychain", |world| world.store.fail_loads(Some(keyward::store::Error::Locked)), "locked"),
        ("no keychain", |world| world.store.fail_loads(Some(absent())), "no session bus"),
        ("no network", |world| world.sandbox = None, "connect"),
    ];
    for (what, begin, expected) in troubles {
        // A browser that is opened fails the call with a panic instead of a text.
        let mut world = World::signed_in().browser(crate::person::Forbidden);
        begin(&mut world);
        let (before, asked) = (world.store.calls(), requests(&world));
        let mut talk = Talk::start(&world);
        handshake(&mut talk);
        assert_eq!((world.store.calls(), requests(&world)), (before, asked), "{what}");
        let text = refusal(&mut talk);
        assert!(text.to_lowercase().contains(expected), "{what}: {text}");
        handshake_goes_on(&mut talk);
    }
}

fn absent() -> keyward::store::Error {
    keyward::store::Error::Absent { cause: "no session bus".to_owned() }
}

/// What came to the provider so far.
fn requests(world: &World) -> usize {
    let control = world.sandbox.as_ref().map(|sandbox| sandbox.control());
    control
        .map_or(0, |control| ["token", "register", "authorize"].iter().map(|kind| control.received(kind).len()).sum())
}

/// A failed call ends nothing.
fn handshake_goes_on(talk: &mut Talk) {
    assert!(talk.ask(&request(3, "tools/list", &json!({})))["result"]["tools"].is_array());
}

#[test]
fn r16_listing_touches_neither_the_store_nor_the_folder() {
    let world = World::new();
    world.store.fail_loads(Some(keyward::store::Error::Locked));
    let before = std::fs::read_dir(world.folder.path()).expect("a folder").count();
    talk(&world, &request(1, "tools/list", &json!({})), 1);
    assert_eq!(std::fs::read_dir(world.folder.path()).expect("a folder").count(), before);
    assert_eq!(world.store.calls(), Default::default());
}

#[test]
fn every_tool_has_a_title_all_annotations_and_object_schemas() {
    let world = World::signed_in();
    let answers = talk(&world, &request(1, "tools/list", &json!({})), 1);
    let tools = answers[0]["result"]["tools"].as_array().expect("tools").clone();
    assert!(tools.len() > 5, "{tools:?}");
    for tool in &tools {
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
        if let Some(schema) = tool.get("outputSchema") {
            assert_eq!(schema["type"], "object", "{tool}");
        }
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{hint}: {tool}");
        }
        assert!(tool["name"].as_str().is_some_and(|name| name.len() <= 64), "{tool}");
    }
}

#[test]
fn a_call_without_a_login_fails_readably_and_names_the_command() {
    let world = World::signed_in();
    world.forget("box");
    let answers = talk(&world, &request(1, "tools/call", &json!({"name": "box_whoami"})), 1);
    assert_eq!(answers[0]["result"]["isError"], true);
    let text = answers[0]["result"]["content"][0]["text"].as_str().expect("text");
    assert!(text.starts_with("error: ") && text.contains("hint:  `keyward login box`"), "{text}");
}

#[test]
fn a_resource_without_a_login_fails_readably_and_names_the_command() {
    let world = World::new().config("[connections.cisco]\n");
    let read = json!({"uri": "keyward://cisco/bugs/CSCwa00007"});
    let answers = talk(&world, &request(1, "resources/read", &read), 1);
    assert_eq!(answers[0]["error"]["code"], -32603, "{answers:?}");
    let text = answers[0]["error"]["message"].as_str().expect("text");
    assert!(text.starts_with("error: ") && text.contains("hint:  `keyward login cisco"), "{text}");
}

#[test]
fn a_prompt_is_written_without_a_login_store_or_network() {
    let world = World::new().config("[connections.cisco]\n");
    world.store.fail_loads(Some(keyward::store::Error::Locked));
    let filled = json!({"product": "C9300 {c}", "software_version": "17.9.4"});
    let get = json!({"name": "cisco_known_issues", "arguments": filled});
    let answers = talk(&world, &request(1, "prompts/get", &get), 1);
    let text = answers[0]["result"]["messages"][0]["content"]["text"].as_str().expect("text");
    assert!(text.contains("C9300 {c}") && text.contains("`cisco_bugs`"), "{text}");
    assert_eq!(world.store.calls(), Default::default());
}

#[test]
fn r15_a_login_in_another_terminal_works_on_the_next_call() {
    // With a remote server before, and without any.
    for world in [World::signed_in(), World::with_sandbox()] {
        let machine = world.machine(&Arc::new(Paper::default()));
        let app = App::open(machine, world.stores().brief, None).expect("a configuration");
        let server = Server::new(Arc::new(app), &Choice::default()).expect("a catalog");
        let list = || keyward::mcp::Server::list(&server, keyward::mcp::Kind::Tools).to_string();
        assert!(!list().contains("\"new_whoami\""));
        world.run(&["login", &world.resource(), "--name", "new", "--timeout", "20"]).done();
        assert!(list().contains("\"new_whoami\""), "its tools are listed at once");
        // Looks a second time: the first is by what was there before.
        assert!(list().contains("\"new_whoami\""));
        // From here on the lists that other processes cache are looked at, too.
        let folder = world.lists();
        let changed = || std::fs::metadata(&folder).and_then(|folder| folder.modified()).expect("a time");
        let file = folder.join("new.json");
        let text = std::fs::read_to_string(&file).expect("a list").replace("whoami", "who_is_it");
        let before = changed();
        while changed() == before {
            std::fs::remove_file(&file).and_then(|()| std::fs::write(&file, &text)).expect("written");
        }
        assert!(list().contains("\"new_who_is_it\""), "{}", list());
    }
}

#[test]
fn r15_a_session_follows_logins_and_logouts_of_other_processes() {
    let world = World::signed_in();
    let call = |id| request(id, "tools/call", &json!({"name": "box_whoami"}));
    let mut talk = Talk::start(&world);
    assert_ne!(talk.ask(&call(1))["result"]["isError"], true);
    world.run(&["logout", "box"]).done();
    assert_eq!(talk.ask(&call(2))["result"]["isError"], true);
    world.run(&["login", "box", "--timeout", "20"]).done();
    assert_ne!(talk.ask(&call(3))["result"]["isError"], true);
}

#[test]
fn a_changed_configuration_is_told_of_if_it_changes_what_is_offered() {
    let world = World::signed_in();
    let mut talk = Talk::start(&world);
    let client =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    assert_eq!(talk.ask(&request(1, "initialize", &client))["result"]["capabilities"]["tools"]["listChanged"], true);
    talk.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
    let list = |id| request(id, "tools/list", &json!({}));
    assert!(talk.ask(&list(2)).to_string().contains("box_whoami"));
    // The other half of the tools is written elsewhere: the comparison must see both.
    for (id, more, told) in [
        (3, "# a remark\n", false),
        (5, "[serve]\ndisable = [\"box_whoami\"]\n", true),
        (7, "# another\n", false),
        (9, "[connections.more]\nbackend = \"netbox\"\nurl = \"https://netbox.example.com/\"\n", true),
    ] {
        std::fs::write(world.config_path(), world.config_text() + more).expect("written");
        // What was there before answers the first time, or not: what is told comes before the answer to what follows.
        talk.send(&(list(id) + &request(id + 1, "ping", &json!({}))));
        let mut said = vec![talk.next()];
        while said.last().is_none_or(|last| last["id"] != id + 1) {
            said.push(talk.next());
        }
        let news = said.iter().filter(|one| one["method"] == "notifications/tools/list_changed").count();
        assert_eq!(news, usize::from(told), "{more}: {said:?}");
    }
}

#[test]
fn progress_of_a_remote_tool_is_passed_on() {
    let world = World::signed_in();
    let call = json!({"name": "box_slow", "arguments": {"steps": 3}, "_meta": {"progressToken": "t"}});
    let answers = talk(&world, &request(1, "tools/call", &call), 4);
    let progress: Vec<&Value> = answers.iter().filter(|answer| answer["method"] == "notifications/progress").collect();
    assert_eq!(progress.len(), 3, "{answers:?}");
    assert!(progress.iter().all(|step| step["params"]["progressToken"] == "t"), "{progress:?}");
    assert_eq!(answers[3]["id"], 1);
}

#[test]
fn read_only_and_disabled_tools_are_left_out() {
    let world = World::new().config("[serve]\nread_only = true\ndisable = [\"tavily_e*\"]\n");
    let answers = talk(&world, &request(1, "tools/list", &json!({})), 1);
    let text = answers[0].to_string();
    assert!(text.contains("tavily_search") && !text.contains("tavily_extract"), "{text}");
}

#[test]
fn a_connection_offers_what_its_patterns_allow_and_nothing_that_they_deny() {
    let names = |patterns: &str| {
        let world = World::signed_in();
        for pattern in patterns.split_whitespace() {
            let (key, value) = pattern.split_once('=').expect("a key and a value");
            let ran = world.run(&["config", "set", &format!("connections.box.{key}"), value]);
            assert_eq!(ran.exit, Exit::Done, "{}", ran.err);
        }
        let calls = [
            request(1, "tools/list", &json!({})),
            request(2, "tools/call", &json!({"name": "box_echo", "arguments": {"text": "a"}})),
        ];
        let answers = talk(&world, &calls.concat(), 2);
        let tools = answers[0]["result"]["tools"].as_array().expect("tools").clone();
        let all: Vec<String> = tools.iter().filter_map(|tool| Some(tool["name"].as_str()?.to_owned())).collect();
        let own: Vec<String> = all.iter().filter_map(|name| name.strip_prefix("box_").map(str::to_owned)).collect();
        assert!(all.iter().any(|name| name == "tavily_search"), "another connection is left alone: {all:?}");
        let is_called = answers[1]["error"].is_null();
        assert_eq!(is_called, own.iter().any(|name| name == "echo"), "{}", answers[1]);
        own.join(" ")
    };
    assert_eq!(names("allow=echo,a*"), "add echo");
    assert_eq!(names("allow=*o* deny=echo"), "needs_more slow whoami");
    assert_eq!(names("deny=*"), "");
}

#[test]
fn structured_content_of_a_remote_tool_arrives_as_it_was_sent() {
    let world = World::signed_in();
    let call = json!({"name": "box_echo", "arguments": {"text": "a \"b\"\n"}});
    let answers = talk(&world, &request(1, "tools/call", &call), 1);
    assert_eq!(answers[0]["result"]["structuredContent"], json!({"text": "a \"b\"\n"}));
    assert_ne!(answers[0]["result"]["isError"], true);
}
