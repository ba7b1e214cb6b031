//! Whole conversations with a tool that does nothing without a yes, in each era: who is asked, whose yes counts for
//! what, and what is written down.

use std::io::{BufRead as _, BufReader, Write as _};
use std::sync::{Arc, Mutex};

use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::*;
use crate::app::App;
use crate::backends::{self, Boxed, Call, Effect, Handler, Output, Schema, Tool};
use crate::machine::{Environment, Folders, Machine};
use crate::serve::{Catalog, Choice, Server};
use crate::store::memory::Memory;

/// Does what it is told after a yes, and keeps what it has done. `moving` makes another question each time.
#[derive(Clone, Default)]
struct Deeds {
    done: Arc<Mutex<Vec<String>>>,
    moving: Arc<Mutex<Option<u32>>>,
}

impl Handler for Deeds {
    fn call(&self, call: Call) -> Boxed<'static, Result<Output, backends::Error>> {
        let deeds = self.clone();
        Box::pin(async move {
            let deed = call.arguments.get("deed").and_then(Value::as_str).unwrap_or_default().to_owned();
            let mut question = format!("Do `{deed}`?");
            if let Some(count) = deeds.moving.lock().expect("no panic").as_mut() {
                *count += 1;
                question += &count.to_string();
            }
            call.agreed.must(question)?;
            deeds.done.lock().expect("no panic").push(deed);
            let content = to_raw_value(&json!([])).unwrap_or_else(|_| RawValue::NULL.to_owned());
            Ok(Output { content, structured: None, failed: false })
        })
    }
}

fn entry(name: &str, deeds: &Deeds) -> Entry {
    let tool = Tool {
        name: name.to_owned(),
        title: "Do".into(),
        description: "Does a deed.".into(),
        input_schema: Schema::Static(r#"{"type":"object"}"#),
        output_schema: None,
        effect: Effect { read_only: false, destructive: true, idempotent: false, open_world: false },
        toolset: None,
        handler: Arc::new(deeds.clone()),
    };
    Entry { connection: Some("box".to_owned()), tool }
}

/// A server with two such tools, and a host.
struct Talk {
    input: Option<std::io::PipeWriter>,
    output: std::io::Lines<BufReader<std::io::PipeReader>>,
    serving: Option<std::thread::JoinHandle<()>>,
    folder: tempfile::TempDir,
    deeds: Deeds,
}

impl Talk {
    fn start() -> Self {
        let (folder, deeds) = (tempfile::tempdir().expect("a folder"), Deeds::default());
        let path = || folder.path().to_path_buf();
        let machine = Machine {
            environment: Environment::default(),
            folders: Some(Folders { config: path(), state: path(), shared: path() }),
            ..Machine::real()
        };
        let app = App::open(machine, Arc::new(Memory::new()), None).expect("a configuration");
        let server = Server::new(Arc::new(app), &Choice::default()).expect("a catalog");
        {
            let mut current = server.current.lock().expect("no panic");
            let catalog = Catalog::new(Arc::clone(&current.app), &Choice::default()).expect("a catalog");
            let catalog = catalog.with(entry("box_do", &deeds)).with(entry("box_redo", &deeds));
            current.catalog = Arc::new(catalog);
        }
        let (reads, input) = std::io::pipe().expect("a pipe");
        let (output, writes) = std::io::pipe().expect("a pipe");
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(crate::serve::run(Box::new(BufReader::new(reads)), Box::new(writes), server));
        });
        let output = BufReader::new(output).lines();
        Self { input: Some(input), output, serving: Some(serving), folder, deeds }
    }

    fn legacy(capabilities: &Value) -> Self {
        let mut talk = Self::start();
        let hello = json!({"protocolVersion": "2025-06-18", "capabilities": capabilities});
        talk.send(&json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}));
        talk.next();
        talk
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.input.as_mut().expect("open"), "{message}").expect("written");
    }

    fn next(&mut self) -> Value {
        serde_json::from_str(&self.output.next().expect("an answer").expect("a line")).expect("JSON")
    }

    fn call(&mut self, params: &Value) -> Value {
        self.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}));
        self.next()
    }

    /// A modern call with these answers.
    fn modern(&mut self, (tool, deed): (&str, &str), answers: &Value) -> Value {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
        });
        let arguments = json!({ "deed": deed });
        let params = json!({"name": tool, "arguments": arguments, "inputResponses": answers, "_meta": meta});
        self.call(&params)["result"].clone()
    }

    fn answer(&mut self, question: &Value, result: &Value) -> Value {
        self.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": result}));
        self.next()["result"].clone()
    }

    fn deeds(&self) -> Vec<String> {
        self.deeds.done.lock().expect("no panic").clone()
    }

    /// What the audit log says of each yes that was wanted.
    fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join(crate::app::audit::FILE)).unwrap_or_default();
        let read = |line: &str| -> Value { serde_json::from_str(line).expect("JSON") };
        text.lines()
            .map(read)
            .map(|line| format!("{} {} {} {}", line["event"], line["connection"], line["tool"], line["outcome"]))
            .map(|line| line.replace('"', ""))
            .collect()
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

/// The one key of a modern question.
fn asked(result: &Value) -> (String, Value) {
    assert_eq!(result["resultType"], "input_required", "{result}");
    let requests = result["inputRequests"].as_object().expect("questions");
    assert_eq!(requests.len(), 1);
    let (key, request) = requests.iter().next().expect("one question");
    (key.clone(), request["params"]["message"].clone())
}

fn refused(result: &Value, because: &str) {
    let text = result["content"][0]["text"].as_str().expect("a text");
    assert_eq!(result["isError"], true, "{text}");
    assert!(text.contains(because) && text.contains("`keyward call box_do …` at a terminal"), "{text}");
}

#[test]
fn a_legacy_host_asks_and_only_a_yes_lets_it_be_done() {
    for (answer, because, outcome) in [
        (json!({"action": "accept", "content": {"agree": true}}), None, "done"),
        (json!({"action": "accept"}), None, "done"),
        (json!({"action": "accept", "content": {"agree": false}}), Some("said no"), "declined"),
        (json!({"action": "decline"}), Some("said no"), "declined"),
        (json!({"action": "cancel"}), Some("neither yes nor no"), "cancelled"),
        (json!({}), Some("neither yes nor no"), "cancelled"),
    ] {
        let mut talk = Talk::legacy(&json!({"elicitation": {}}));
        let question = talk.call(&json!({"name": "box_do", "arguments": {"deed": "send"}}));
        assert_eq!((&question["method"], talk.deeds()), (&json!("elicitation/create"), vec![]));
        assert_eq!(question["params"]["message"], "Do `send`?");
        let result = talk.answer(&question, &answer);
        match because {
            None => assert_eq!((&result["isError"], talk.deeds()), (&json!(false), vec!["send".to_owned()])),
            Some(because) => {
                refused(&result, because);
                assert_eq!(talk.deeds(), Vec::<String>::new(), "{answer}");
            }
        }
        assert_eq!(talk.log(), [format!("agreement box box_do {outcome}")]);
    }
}

#[test]
fn a_yes_is_used_up_by_the_call_it_was_given_in() {
    let mut talk = Talk::legacy(&json!({"elicitation": {}}));
    let call = json!({"name": "box_do", "arguments": {"deed": "send"}});
    let question = talk.call(&call);
    talk.answer(&question, &json!({"action": "accept"}));
    let question = talk.call(&call);
    assert_eq!(question["method"], "elicitation/create", "asked again");
    refused(&talk.answer(&question, &json!({"action": "decline"})), "said no");
    assert_eq!(talk.deeds(), ["send"]);
}

#[test]
fn a_yes_that_comes_before_the_question_is_none() {
    let mut talk = Talk::legacy(&json!({"elicitation": {}}));
    for id in 0..20 {
        talk.send(&json!({"jsonrpc": "2.0", "id": format!("keyward-{id}"), "result": {"action": "accept"}}));
    }
    let question = talk.call(&json!({"name": "box_do", "arguments": {"deed": "send"}}));
    assert_eq!((&question["method"], talk.deeds()), (&json!("elicitation/create"), vec![]));
    refused(&talk.answer(&question, &json!({"action": "decline"})), "said no");
}

#[test]
fn a_host_that_cannot_ask_gets_the_command() {
    for capabilities in [json!({}), json!({"elicitation": {"url": {}}})] {
        let mut talk = Talk::legacy(&capabilities);
        let params =
            json!({"name": "box_do", "arguments": {"deed": "send"}, "inputResponses": {"x": {"action": "accept"}}});
        refused(&talk.call(&params)["result"], "nobody could be asked");
        assert_eq!((talk.deeds(), talk.log()), (vec![], vec!["agreement box box_do not_asked".to_owned()]));
    }
}

#[test]
fn a_modern_host_comes_again_with_the_answer() {
    for (answer, because, outcome) in [
        (json!({"action": "accept", "content": {"agree": true}}), None, "done"),
        (json!({"action": "accept", "content": {}}), None, "done"),
        (json!({"action": "accept", "content": {"agree": false}}), Some("said no"), "declined"),
        (json!({"action": "decline"}), Some("said no"), "declined"),
        (json!({"action": "cancel"}), Some("neither yes nor no"), "cancelled"),
        (json!("accept"), Some("neither yes nor no"), "cancelled"),
    ] {
        let mut talk = Talk::start();
        let (key, message) = asked(&talk.modern(("box_do", "send"), &json!({})));
        assert_eq!((message, talk.deeds(), talk.log()), (json!("Do `send`?"), vec![], vec![]));
        let result = talk.modern(("box_do", "send"), &json!({ key: answer }));
        match because {
            None => assert_eq!((&result["isError"], talk.deeds()), (&json!(false), vec!["send".to_owned()])),
            Some(because) => {
                refused(&result, because);
                assert_eq!(talk.deeds(), Vec::<String>::new(), "{answer}");
            }
        }
        assert_eq!(talk.log(), [format!("agreement box box_do {outcome}")]);
    }
}

#[test]
fn a_yes_to_one_deed_is_none_to_another() {
    let mut talk = Talk::start();
    let yes = |key: &str| json!({ key: {"action": "accept", "content": {"agree": true}} });
    let (key, _) = asked(&talk.modern(("box_do", "send"), &json!({})));
    // Another argument, another tool, another key: each is asked for anew.
    let (changed, message) = asked(&talk.modern(("box_do", "send all"), &yes(&key)));
    assert_eq!(message, "Do `send all`?");
    let (other, _) = asked(&talk.modern(("box_redo", "send"), &yes(&key)));
    assert!(key != changed && key != other && changed != other);
    for wrong in [
        "agree",
        "login",
        "",
        key.trim_end_matches(|c: char| c.is_ascii_hexdigit()),
        &key.to_uppercase(),
        &other,
        &changed,
    ] {
        asked(&talk.modern(("box_do", "send"), &yes(wrong)));
    }
    assert_eq!((talk.deeds(), talk.log()), (vec![], vec![]));
    talk.modern(("box_do", "send"), &yes(&key));
    assert_eq!(talk.deeds(), ["send"]);
}

#[test]
fn tool_and_question_make_the_key_together() {
    assert_eq!(key("a", "b"), key("a", "b"));
    assert_ne!(key("a", "bc"), key("ab", "c"));
    assert_ne!(key("a", "b"), key("a", "b "));
    let digits = key("a", "b").strip_prefix("agree-").map(str::len);
    assert_eq!(digits, Some(64));
}

#[test]
fn a_deed_that_changes_while_the_person_is_asked_is_not_done() {
    let mut talk = Talk::legacy(&json!({"elicitation": {}}));
    *talk.deeds.moving.lock().expect("no panic") = Some(0);
    let question = talk.call(&json!({"name": "box_do", "arguments": {"deed": "send"}}));
    refused(&talk.answer(&question, &json!({"action": "accept"})), "something else");
    assert_eq!(talk.deeds(), Vec::<String>::new());
    assert_eq!(talk.log(), ["agreement box box_do done", "agreement box box_do changed"]);
}
