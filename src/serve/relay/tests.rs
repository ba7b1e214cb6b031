//! Whole conversations with a tool that asks something in the middle of its call, in each era.

use std::io::{BufRead as _, BufReader, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::*;
use crate::app::App;
use crate::backends::{self, Call, Effect, Handler, Output, Schema, Step, Tool};
use crate::machine::{Environment, Machine};
use crate::serve::{Catalog, Choice, Entry, Server};
use crate::store::memory::Memory;

/// Asks what it is told to ask, all at once, and returns what was answered.
#[derive(Clone, Default)]
struct Curious {
    runs: Arc<AtomicUsize>,
    ends: Arc<AtomicUsize>,
}

struct End(Arc<AtomicUsize>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Handler for Curious {
    fn call(&self, call: Call) -> Boxed<'static, Result<Output, backends::Error>> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let end = End(Arc::clone(&self.ends));
        Box::pin(async move {
            let _end = end;
            let Call { arguments, progress, host, .. } = call;
            let questions = arguments.get("questions").and_then(Value::as_array).cloned().unwrap_or_default();
            let mut asks = tokio::task::JoinSet::new();
            for (number, question) in questions.into_iter().enumerate() {
                let to = if question["mode"].is_string() { Asked::Person } else { Asked::Model };
                let (host, params) = (host.clone(), to_raw_value(&question).expect("JSON"));
                asks.spawn(async move {
                    let answer = host.ask(Question { to, params }, Duration::from_secs(20)).await;
                    (
                        number,
                        answer.map_or_else(|why| json!(why.code), |raw| serde_json::from_str(raw.get()).expect("JSON")),
                    )
                });
            }
            progress.report(Step { done: 1.0, total: None, message: Some("asked".to_owned()) });
            let mut answers = asks.join_all().await;
            answers.sort_by_key(|(number, _)| *number);
            progress.report(Step { done: 2.0, total: None, message: Some("answered".to_owned()) });
            let answers: Vec<Value> = answers.into_iter().map(|(_, answer)| answer).collect();
            let takes = host.takes();
            let structured = json!({ "answers": answers, "form": takes.form, "sampling": takes.sampling });
            Ok(Output { content: (&json!([])).into(), structured: Some((&structured).into()), failed: false })
        })
    }
}

/// A server with such a tool, and a host.
struct Talk {
    input: Option<std::io::PipeWriter>,
    output: std::io::Lines<BufReader<std::io::PipeReader>>,
    serving: Option<std::thread::JoinHandle<()>>,
    curious: Curious,
    id: u64,
}

impl Talk {
    fn start() -> Self {
        let curious = Curious::default();
        let machine = Machine { environment: Environment::default(), folders: None, ..Machine::real() };
        let app = App::open(machine, Arc::new(Memory::new()), None).expect("a configuration");
        let server = Server::new(Arc::new(app), &Choice::default()).expect("a catalog");
        {
            let mut current = server.0.current.lock().expect("no panic");
            let mut catalog = Catalog::new(Arc::clone(&current.app), &Choice::default()).expect("a catalog");
            for name in ["box_ask", "box_other"] {
                catalog = catalog.with(entry(name, &curious));
            }
            current.catalog = Arc::new(catalog);
        }
        let (reads, input) = std::io::pipe().expect("a pipe");
        let (output, writes) = std::io::pipe().expect("a pipe");
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(crate::serve::run(Box::new(BufReader::new(reads)), Box::new(writes), None, server));
        });
        let output = BufReader::new(output).lines();
        Self { input: Some(input), output, serving: Some(serving), curious, id: 0 }
    }

    fn legacy(capabilities: &Value) -> Self {
        let mut talk = Self::start();
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities});
        talk.send(&json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": hello}));
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
        self.id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.id, "method": "tools/call", "params": params}));
        self.next()
    }

    /// A modern call with these answers.
    fn modern(&mut self, tool: &str, questions: &Value, answers: &[(&Value, Value)]) -> Value {
        let capabilities = json!({"elicitation": {"form": {}}, "sampling": {}});
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        });
        let mut params = json!({"name": tool, "arguments": {"questions": questions}, "_meta": meta});
        for (asked, answer) in answers {
            params["requestState"] = asked["requestState"].clone();
            let keys = asked["inputRequests"].as_object().expect("questions").keys();
            for (key, answer) in keys.zip(answer.as_array().expect("answers")).filter(|(_, answer)| !answer.is_null()) {
                params["inputResponses"][key] = answer.clone();
            }
        }
        self.call(&params)["result"].clone()
    }

    fn counts(&self) -> (usize, usize) {
        (self.curious.runs.load(Ordering::SeqCst), self.curious.ends.load(Ordering::SeqCst))
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

fn entry(name: &str, curious: &Curious) -> Entry {
    let tool = Tool {
        name: name.to_owned(),
        own: "ask".into(),
        title: "Ask".into(),
        description: "Asks.".into(),
        input_schema: Schema::Static(r#"{"type":"object"}"#),
        output_schema: None,
        effect: Effect { read_only: false, destructive: true, idempotent: false, open_world: false },
        toolset: None,
        handler: Arc::new(curious.clone()),
    };
    Entry { connection: Some("box".to_owned()), tool, passes: true }
}

fn form(message: &str) -> Value {
    json!({"mode": "form", "message": message, "requestedSchema": {"type": "object", "properties": {}}})
}

fn sample(text: &str) -> Value {
    let message = json!({"role": "user", "content": {"type": "text", "text": text}});
    json!({"messages": [message], "maxTokens": 10})
}

#[test]
fn a_legacy_host_is_asked_in_the_middle_and_its_answers_arrive_as_they_were() {
    let mut talk = Talk::legacy(&json!({"elicitation": {"form": {}}, "sampling": {}}));
    let questions = json!([form("Who?"), sample("Why?")]);
    let params = json!({"name": "box_ask", "arguments": {"questions": questions}});
    let mut asked = [talk.call(&params), talk.next()];
    asked.sort_by_key(|message| message["method"].to_string());
    let [elicit, create] = asked;
    assert_eq!((&elicit["method"], &elicit["params"]), (&json!("elicitation/create"), &questions[0]));
    assert_eq!((&create["method"], &create["params"]), (&json!("sampling/createMessage"), &questions[1]));
    let answers = [json!({"action": "accept", "content": {"a": [1, 2.5]}}), json!({"role": "assistant", "model": "m"})];
    talk.send(&json!({"jsonrpc": "2.0", "id": create["id"], "result": answers[1]}));
    talk.send(&json!({"jsonrpc": "2.0", "id": elicit["id"], "result": answers[0]}));
    assert_eq!(talk.next()["result"]["structuredContent"]["answers"], json!(answers));
    assert_eq!(talk.counts(), (1, 1));
}

#[test]
fn an_address_to_open_has_an_id_for_a_legacy_host_and_keeps_one_that_it_has() {
    for id in [None, Some("theirs")] {
        let mut talk = Talk::legacy(&json!({"elicitation": {"url": {}}}));
        let mut question = json!({"mode": "url", "message": "Open", "url": "https://a.example/"});
        if let Some(id) = id {
            question["elicitationId"] = json!(id);
        }
        let asked = talk.call(&json!({"name": "box_ask", "arguments": {"questions": [question]}}));
        let given = asked["params"]["elicitationId"].as_str().expect("an id");
        assert_eq!(given == "theirs", id.is_some(), "{asked}");
        assert_eq!((&asked["params"]["url"], given.is_empty()), (&question["url"], false));
        talk.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept"}}));
        assert_eq!(talk.next()["result"]["structuredContent"]["answers"], json!([{"action": "accept"}]));
    }
}

#[test]
fn what_a_host_did_not_declare_is_not_asked_of_it() {
    let mut talk = Talk::legacy(&json!({}));
    let call = json!({"name": "box_ask", "arguments": {"questions": [form("Who?"), sample("Why?")]}});
    let answer = talk.call(&call);
    let structured = &answer["result"]["structuredContent"];
    assert_eq!(structured, &json!({"answers": [-32601, -32601], "form": false, "sampling": false}));
    let mut talk = Talk::legacy(&json!({"sampling": {}}));
    assert_eq!(talk.call(&call)["method"], "sampling/createMessage");
}

#[test]
fn a_modern_host_is_given_the_questions_and_comes_again_with_the_answers() {
    let mut talk = Talk::start();
    let questions = json!([form("Who?"), sample("Why?")]);
    let asked = talk.modern("box_ask", &questions, &[]);
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let requests: Vec<Value> = asked["inputRequests"].as_object().expect("questions").values().cloned().collect();
    let expected = [
        json!({"method": "elicitation/create", "params": questions[0]}),
        json!({"method": "sampling/createMessage", "params": questions[1]}),
    ];
    assert!(expected.iter().all(|one| requests.contains(one)), "{requests:?}");
    assert_eq!(talk.counts(), (1, 0), "it waits");
    let of = |request: &Value| json!({ "answer": request["method"] });
    let answers = json!(requests.iter().map(of).collect::<Vec<_>>());
    let result = talk.modern("box_ask", &questions, &[(&asked, answers)]);
    assert_eq!(result["resultType"], "complete", "{result}");
    let answered = json!([{"answer": "elicitation/create"}, {"answer": "sampling/createMessage"}]);
    assert_eq!(result["structuredContent"]["answers"], answered);
    assert_eq!(talk.counts(), (1, 1), "it ran once");
}

#[test]
fn a_question_without_an_answer_is_asked_again() {
    let mut talk = Talk::start();
    let questions = json!([form("Who?"), form("What?")]);
    let asked = talk.modern("box_ask", &questions, &[]);
    let again = talk.modern("box_ask", &questions, &[(&asked, json!([{"action": "accept"}, null]))]);
    assert_eq!(again["inputRequests"].as_object().map(serde_json::Map::len), Some(1), "{again}");
    assert_ne!(again["requestState"], asked["requestState"]);
    let late = talk.modern("box_ask", &questions, &[(&asked, json!([{"action": "accept"}, {"action": "accept"}]))]);
    assert_eq!(late["isError"], true, "{late}");
    let result = talk.modern("box_ask", &questions, &[(&again, json!([{"action": "decline"}]))]);
    let mut answers = result["structuredContent"]["answers"].as_array().expect("answers").clone();
    answers.sort_by_key(ToString::to_string);
    assert_eq!(json!(answers), json!([{"action": "accept"}, {"action": "decline"}]));
    assert_eq!(talk.counts(), (1, 1), "it ran once");
}

#[test]
fn answers_count_for_the_call_they_were_asked_for_and_never_begin_another() {
    let mut talk = Talk::start();
    let questions = json!([form("Who?")]);
    let asked = talk.modern("box_ask", &questions, &[]);
    let answer = json!([{"action": "accept"}]);
    for (tool, questions) in [("box_other", questions.clone()), ("box_ask", json!([form("Who else?")]))] {
        let refused = talk.modern(tool, &questions, &[(&asked, answer.clone())]);
        let text = refused["content"][0]["text"].as_str().expect("a text");
        assert!(refused["isError"] == true && text.contains("too late"), "{refused}");
    }
    let mut forged = asked.clone();
    forged["requestState"] = json!("0".repeat(64));
    assert_eq!(talk.modern("box_ask", &questions, &[(&forged, answer.clone())])["isError"], true);
    assert_eq!(talk.counts(), (1, 0), "nothing ran again, and the call still waits");
    let result = talk.modern("box_ask", &questions, &[(&asked, answer.clone())]);
    assert_eq!(result["structuredContent"]["answers"], answer, "{result}");
    assert_eq!(talk.modern("box_ask", &questions, &[(&asked, answer)])["isError"], true, "a state counts once");
    assert_eq!(talk.counts(), (1, 1));
}

#[test]
fn what_waits_is_bounded_and_ends_with_the_process() {
    let mut talk = Talk::start();
    let questions = json!([form("Who?")]);
    for _ in 0..=MOST {
        talk.modern("box_ask", &questions, &[]);
    }
    assert_eq!(talk.counts().0, MOST + 1);
    // The task that gave way is dropped by the runtime, which has answered meanwhile.
    while talk.counts().1 == 0 {
        talk.modern("box_other", &json!([]), &[]);
    }
    let curious = talk.curious.clone();
    drop(talk);
    assert_eq!(curious.runs.load(Ordering::SeqCst), curious.ends.load(Ordering::SeqCst));
}
