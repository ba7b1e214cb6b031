//! `serve` in process: its tools, its answers, and that starting touches nothing.

use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;

use keyward::app::App;
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
            runtime.block_on(keyward::serve::run(input, Box::new(server_writes), server));
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
fn r15_a_login_in_another_terminal_works_on_the_next_call() {
    let world = World::signed_in();
    let machine = world.machine(&Arc::new(Paper::default()));
    let app = App::open(machine, world.stores().brief, None).expect("a configuration");
    let server = Server::new(Arc::new(app), &Choice::default()).expect("a catalog");
    assert!(!keyward::mcp::Server::tools(&server).contains("\"new_whoami\""));
    world.run(&["login", &world.resource(), "--name", "new", "--timeout", "20"]).done();
    assert!(keyward::mcp::Server::tools(&server).contains("\"new_whoami\""), "its tools are listed at once");
}

#[test]
fn a_session_follows_logins_and_logouts_of_other_processes() {
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
fn structured_content_of_a_remote_tool_arrives_as_it_was_sent() {
    let world = World::signed_in();
    let call = json!({"name": "box_echo", "arguments": {"text": "a \"b\"\n"}});
    let answers = talk(&world, &request(1, "tools/call", &call), 1);
    assert_eq!(answers[0]["result"]["structuredContent"], json!({"text": "a \"b\"\n"}));
    assert_ne!(answers[0]["result"]["isError"], true);
}
