//! Whole conversations with a tool that does nothing without a yes, in each era: who is asked, whose yes counts for
//! what, and what is written down.

use std::io::{BufRead as _, BufReader, Write as _};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::app::App;
use crate::backends::{self, Boxed, Call, Effect, Handler, Output, Schema, Tool};
use crate::machine::{Clock, Environment, Folders, Machine, Timestamp};
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
            Ok(Output { content: (&json!([])).into(), structured: None, failed: false })
        })
    }
}

fn entry(name: &str, deeds: &Deeds) -> Entry {
    let tool = Tool {
        name: name.to_owned(),
        own: "do".into(),
        title: "Do".into(),
        description: "Does a deed.".into(),
        input_schema: Schema::Static(r#"{"type":"object"}"#),
        output_schema: None,
        effect: Effect { read_only: false, destructive: true, idempotent: false, open_world: false },
        toolset: None,
        handler: Arc::new(deeds.clone()),
    };
    Entry { connection: Some("box".to_owned()), tool, passes: false }
}

/// A server with two such tools, and a host.
struct Talk {
    input: Option<std::io::PipeWriter>,
    output: std::io::Lines<BufReader<std::io::PipeReader>>,
    serving: Option<std::thread::JoinHandle<()>>,
    folder: tempfile::TempDir,
    deeds: Deeds,
    hands: Hands,
    server: Server,
}

/// A clock that is set by hand.
#[derive(Clone)]
struct Hands(Arc<Mutex<i64>>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp(*self.0.lock().expect("no panic"))
    }
}

impl Talk {
    fn start() -> Self {
        let hands = Hands(Arc::new(Mutex::new(1_800_000_000)));
        let (folder, deeds) = (tempfile::tempdir().expect("a folder"), Deeds::default());
        let path = || folder.path().to_path_buf();
        let machine = Machine {
            environment: Environment::default(),
            clock: Arc::new(hands.clone()),
            folders: Some(Folders { config: path(), state: path(), shared: path(), home: None }),
            ..Machine::real()
        };
        let app = App::open(machine, Arc::new(Memory::new()), None).expect("a configuration");
        let server = Server::new(Arc::new(app), &Choice::default()).expect("a catalog");
        {
            let mut current = server.0.current.lock().expect("no panic");
            let catalog = Catalog::new(Arc::clone(&current.app), &Choice::default()).expect("a catalog");
            let catalog = catalog.with(entry("box_do", &deeds)).with(entry("box_redo", &deeds));
            current.catalog = Arc::new(catalog);
        }
        let (reads, input) = std::io::pipe().expect("a pipe");
        let (output, writes) = std::io::pipe().expect("a pipe");
        let serves = server.clone();
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(crate::serve::run(Box::new(BufReader::new(reads)), Box::new(writes), None, serves));
        });
        let output = BufReader::new(output).lines();
        Self { input: Some(input), output, serving: Some(serving), folder, deeds, hands, server }
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

/// Another way to do it is told only where nobody was asked.
fn refused(result: &Value, because: &str) {
    let text = result["content"][0]["text"].as_str().expect("a text");
    assert_eq!(result["isError"], true, "{text}");
    let is_asked = because != "nobody could be asked";
    assert_eq!(text.contains("`keyward call box_do …` at a terminal"), !is_asked, "{text}");
    assert!(text.contains(because) && text.contains("the person"), "{text}");
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

fn yes(key: &str) -> Value {
    json!({ key: {"action": "accept", "content": {"agree": true}} })
}

#[test]
fn a_yes_to_one_deed_is_none_to_another() {
    let mut talk = Talk::start();
    let mut asks = |call, answers: &Value| {
        let (key, message) = asked(&talk.modern(call, answers));
        assert_eq!(message, format!("Do `{}`?", call.1));
        key
    };
    let send = ("box_do", "send");
    let mut keys = vec![asks(send, &json!({}))];
    // Another argument and another tool are asked for anew, and a key that came is used up also there.
    for call in [("box_do", "send all"), ("box_redo", "send")] {
        let key = asks(send, &json!({}));
        keys.push(asks(call, &yes(&key)));
        keys.push(asks(send, &yes(&key)));
    }
    let key = asks(send, &json!({}));
    for wrong in [
        "agree",
        "agree-",
        "login",
        "",
        key.trim_end_matches(|c: char| c.is_ascii_hexdigit()),
        &key.to_uppercase(),
        &keys[1].clone(),
        &keys[3].clone(),
    ] {
        keys.push(asks(send, &yes(wrong)));
    }
    keys.push(key.clone());
    let several = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!((keys.len(), talk.deeds(), talk.log()), (several, vec![], vec![]));
    talk.modern(send, &yes(&key));
    assert_eq!(talk.deeds(), ["send"]);
}

#[test]
fn an_answer_of_a_modern_host_counts_once_whatever_it_was() {
    let mut talk = Talk::start();
    let send = ("box_do", "send");
    for answer in ["accept", "decline", "cancel"] {
        let (key, _) = asked(&talk.modern(send, &json!({})));
        talk.modern(send, &json!({ &key: {"action": answer} }));
        asked(&talk.modern(send, &yes(&key)));
        asked(&talk.modern(send, &yes(&key)));
    }
    assert_eq!(talk.deeds(), ["send"]);
}

#[test]
fn an_answer_to_a_question_that_nobody_asked_here_is_none() {
    let send = ("box_do", "send");
    let (key, _) = asked(&Talk::start().modern(send, &json!({})));
    let mut other = Talk::start();
    let digest = ring::digest::digest(&ring::digest::SHA256, b"box_do\0Do `send`?");
    let computed: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    for key in [key, format!("agree-{computed}")] {
        asked(&other.modern(send, &yes(&key)));
    }
    assert_eq!(other.deeds(), Vec::<String>::new());
}

#[test]
fn an_answer_that_comes_too_late_or_before_its_question_is_none() {
    let send = ("box_do", "send");
    for (later, counts) in [(0, true), (OPEN_FOR - 1, true), (OPEN_FOR, false), (-1, false)] {
        let mut talk = Talk::start();
        let (key, _) = asked(&talk.modern(send, &json!({})));
        *talk.hands.0.lock().expect("no panic") += later;
        let result = talk.modern(send, &yes(&key));
        assert_eq!(
            (talk.deeds().len(), result.get("inputRequests").is_none()),
            (usize::from(counts), counts),
            "{later}"
        );
    }
}

#[test]
fn only_so_many_questions_are_open_and_the_oldest_gives_way() {
    let mut talk = Talk::start();
    let send = ("box_do", "send");
    let (first, _) = asked(&talk.modern(send, &json!({})));
    let (second, _) = asked(&talk.modern(send, &json!({})));
    for _ in 1..MOST {
        talk.modern(("box_redo", "send"), &json!({}));
    }
    assert_eq!(talk.server.0.questions.0.lock().expect("no panic").len(), MOST);
    talk.modern(send, &yes(&second));
    assert_eq!(talk.deeds(), ["send"]);
    asked(&talk.modern(send, &yes(&first)));
    assert_eq!(talk.deeds(), ["send"]);
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

/// A connection with the tool's name, at this address.
fn at(talk: &Talk, address: &str) {
    let file = talk.folder.path().join("config.toml");
    let text = format!("[connections.box]\nbackend = \"remote\"\nurl = \"{address}\"\nway = \"none\"\n");
    // Whoever looks for changes meanwhile would read the file by itself, and drop the tools of these tests.
    let mut current = talk.server.0.current.lock().expect("no panic");
    std::fs::write(&file, text).expect("written");
    let app = App::open(current.app.machine.clone(), Arc::new(Memory::new()), Some(&file)).expect("a configuration");
    current.signature = app.signature();
    current.app = Arc::new(app);
}

#[test]
fn what_is_switched_off_while_the_person_is_asked_is_not_done() {
    let gone = |talk: &Talk| {
        let mut current = talk.server.0.current.lock().expect("no panic");
        let catalog = Catalog::new(Arc::clone(&current.app), &Choice::default()).expect("a catalog");
        current.catalog = Arc::new(catalog);
    };
    let moved = |talk: &Talk| at(talk, "https://other.example/");
    for (change, is_still) in [(&gone as &dyn Fn(&Talk), false), (&moved, false), (&|_| (), true)] {
        let mut talk = Talk::legacy(&json!({"elicitation": {}}));
        at(&talk, "https://box.example/");
        let question = talk.call(&json!({"name": "box_do", "arguments": {"deed": "send"}}));
        change(&talk);
        let result = talk.answer(&question, &json!({"action": "accept"}));
        match is_still {
            true => assert_eq!(talk.deeds(), ["send"], "{result}"),
            false => {
                refused(&result, "something else");
                assert_eq!(talk.deeds(), Vec::<String>::new());
                assert_eq!(talk.log(), ["agreement box box_do done", "agreement box box_do changed"]);
            }
        }
    }
}

#[test]
fn a_modern_host_is_asked_again_where_the_address_has_changed() {
    let mut talk = Talk::start();
    at(&talk, "https://box.example/");
    let (key, _) = asked(&talk.modern(("box_do", "send"), &json!({})));
    at(&talk, "https://other.example/");
    asked(&talk.modern(("box_do", "send"), &yes(&key)));
    assert_eq!(talk.deeds(), Vec::<String>::new());
}
