//! The client against the stand-in in both eras, against servers that misbehave, and lists of any content.

use std::sync::Mutex;

use http::StatusCode;
use serde_json::{Map, Value, json};

mod library;
mod questions;
mod standing;

use super::fake::{Eras, Server};
use super::*;
use crate::backends::fake::{self, Reply, Seen};
use crate::backends::tests::{Host, Kept, Tokens, connection, reply};
use crate::backends::{Agreed, Call, Effect, Output, Progress, Schema, Step};

/// A fake, its host and a connection with the fake's tools remembered.
struct Stage {
    server: Arc<Server>,
    _host: Host,
    connection: Connection,
    kept: Arc<Kept>,
}

async fn stage(eras: Eras) -> Stage {
    let server = Arc::new(Server::default());
    server.speak(eras);
    let host = Host::of(Arc::clone(&server) as Arc<dyn fake::Fake>);
    let mut connection = connection(host.at("/mcp"), Way::OAuth, Tokens::new(Some("good"), None));
    let kept = Arc::new(Kept::default());
    connection.memory = Arc::clone(&kept) as Arc<dyn crate::backends::Memory>;
    let list = learn(&connection).await.expect("a list");
    connection.remembered = Some(list);
    Stage { server, _host: host, connection, kept }
}

impl Stage {
    async fn call(&self, tools: &[Tool], name: &str, arguments: Value) -> Result<Output, Error> {
        call(tools, name, arguments, Progress::default()).await
    }

    /// The methods that arrived since the list was asked for.
    fn methods(&self) -> Vec<String> {
        let seen = self.server.record().all();
        let is_list = |seen: &Seen| seen.body["method"].as_str().is_some_and(|method| method.ends_with("/list"));
        let listed = seen.iter().rposition(is_list).map_or(0, |at| at + 1);
        seen[listed..].iter().map(word).collect()
    }
}

fn word(seen: &Seen) -> String {
    seen.body["method"].as_str().unwrap_or(&seen.method).to_owned()
}

async fn call(tools: &[Tool], name: &str, arguments: Value, progress: Progress) -> Result<Output, Error> {
    let tool = tools.iter().find(|tool| tool.name == format!("c_{name}")).expect("a tool of that name");
    let Value::Object(arguments) = arguments else { panic!("an object") };
    tool.handler.call(Call { arguments, progress, agreed: Agreed::default(), host: Default::default() }).await
}

fn text(output: &Output) -> String {
    let content: Value = serde_json::from_str(output.content.get()).expect("JSON");
    content[0]["text"].as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn every_kind_of_answer_arrives_in_both_eras() {
    for eras in [Eras::Modern, Eras::Legacy, Eras::Both] {
        let stage = stage(eras).await;
        let tools = BACKEND.tools(&stage.connection);
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names, ["c_echo", "c_add", "c_slow", "c_fail", "c_whoami", "c_big", "c_needs_more"], "{eras:?}");

        let echo = stage.call(&tools, "echo", json!({"text": "grüezi\n"})).await.expect("an answer");
        assert_eq!((text(&echo), echo.failed), ("grüezi\n".to_owned(), false));
        assert_eq!(echo.structured.expect("fields").get(), r#"{"text":"grüezi\n"}"#);
        let add = stage.call(&tools, "add", json!({"a": 1, "b": 2.5})).await.expect("an answer");
        assert_eq!(text(&add), "3.5");
        let fail = stage.call(&tools, "fail", json!({})).await.expect("an answer");
        assert_eq!((text(&fail), fail.failed), ("this tool always fails".to_owned(), true));
        let who = stage.call(&tools, "whoami", json!({})).await.expect("an answer");
        assert_eq!(text(&who), "alice");
        let big = stage.call(&tools, "big", json!({"size": 5_000_000})).await.expect("an answer");
        assert_eq!(text(&big).len(), 5_000_000);
    }
}

#[tokio::test]
async fn the_era_is_found_out_once() {
    for (eras, expected) in [
        (Eras::Both, vec!["server/discover", "tools/call"]),
        (Eras::Legacy, vec!["server/discover", "initialize", "notifications/initialized", "tools/call"]),
    ] {
        let stage = stage(eras).await;
        let tools = BACKEND.tools(&stage.connection);
        let before = stage.server.record().all().len();
        let echo = |_| stage.call(&tools, "echo", json!({"text": "x"}));
        for outcome in futures(16, echo).await {
            assert_eq!(text(&outcome.expect("an answer")), "x");
        }
        let seen: Vec<String> = stage.server.record().all()[before..].iter().map(word).collect();
        let mut once: Vec<&str> = seen.iter().map(String::as_str).filter(|method| !method.ends_with("/list")).collect();
        once.dedup();
        assert_eq!(once, expected);
        assert_eq!(seen.iter().filter(|method| *method == "tools/call").count(), 16);
    }
}

/// A call of `x` by nobody.
fn plain(arguments: &Map<String, Value>, progress: Progress) -> ToolCall<'_> {
    ToolCall { tool: "x", arguments, headers: Vec::new(), progress, host: Default::default() }
}

/// Runs several futures at once.
async fn futures<F: Future>(count: usize, make: impl Fn(usize) -> F) -> Vec<F::Output> {
    let mut running: Vec<_> = (0..count).map(|number| Some(Box::pin(make(number)))).collect();
    let mut outcomes = Vec::new();
    std::future::poll_fn(|context| {
        for slot in &mut running {
            if let Some(future) = slot
                && let std::task::Poll::Ready(outcome) = future.as_mut().poll(context)
            {
                outcomes.push(outcome);
                *slot = None;
            }
        }
        if running.iter().all(Option::is_none) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    outcomes
}

#[tokio::test]
async fn a_server_replaced_by_one_of_another_era_is_asked_again() {
    let stage = stage(Eras::Modern).await;
    let tools = BACKEND.tools(&stage.connection);
    for eras in [Eras::Modern, Eras::Legacy, Eras::Legacy, Eras::Modern, Eras::Both, Eras::Legacy] {
        // Sessions are forgotten too.
        stage.server.speak(eras);
        let outcome = stage.call(&tools, "echo", json!({"text": "x"})).await;
        assert_eq!(text(&outcome.expect("an answer")), "x", "{eras:?}");
    }
}

#[tokio::test]
async fn a_forgotten_session_is_begun_again_once_for_all_callers() {
    let stage = stage(Eras::Legacy).await;
    let tools = BACKEND.tools(&stage.connection);
    stage.call(&tools, "echo", json!({"text": "x"})).await.expect("an answer");
    stage.server.forget();
    let before = stage.server.record().all().len();
    for outcome in futures(8, |_| stage.call(&tools, "echo", json!({"text": "x"}))).await {
        outcome.expect("an answer");
    }
    let seen = stage.server.record().all().split_off(before);
    assert_eq!(seen.iter().filter(|seen| word(seen) == "initialize").count(), 1);
}

#[tokio::test]
async fn progress_is_handed_on_and_the_servers_questions_are_answered() {
    for (eras, answers) in [(Eras::Modern, vec![]), (Eras::Legacy, vec!["question-1", "question-2"])] {
        let stage = stage(eras).await;
        let tools = BACKEND.tools(&stage.connection);
        let steps = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&steps);
        let progress = Progress::to(move |step| heard.lock().expect("a healthy lock").push(step));
        let slow = call(&tools, "slow", json!({"steps": 3, "delay_ms": 0}), progress).await.expect("an answer");
        assert_eq!(text(&slow), "done");
        let step =
            |number: u8| Step { done: f64::from(number), total: Some(3.0), message: Some(format!("step {number}")) };
        assert_eq!(*steps.lock().expect("a healthy lock"), [step(1), step(2), step(3)]);
        for id in answers {
            let arrived = || stage.server.record().all().into_iter().find(|seen| seen.body["id"] == *id);
            while arrived().is_none() {
                tokio::task::yield_now().await;
            }
            let answer = arrived().expect("just seen").body;
            match id {
                "question-1" => assert_eq!(answer, json!({"jsonrpc": "2.0", "id": id, "result": {}})),
                _ => assert_eq!(answer["error"]["code"], -32601),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_a_call_tells_a_legacy_server() {
    let stage = stage(Eras::Legacy).await;
    let tools = BACKEND.tools(&stage.connection);
    let (begun, mut started) = tokio::sync::mpsc::unbounded_channel();
    let progress = Progress::to(move |_| begun.send(()).expect("a listener"));
    let slow =
        tokio::spawn(async move { call(&tools, "slow", json!({"steps": 1000, "delay_ms": 10}), progress).await });
    started.recv().await.expect("a first step");
    slow.abort();
    let asked = stage.server.record().all();
    let id = &asked.iter().find(|seen| word(seen) == "tools/call").expect("the call").body["id"];
    let cancelled = |seen: &Seen| word(seen) == "notifications/cancelled" && seen.body["params"]["requestId"] == *id;
    assert!(stage.server.record().wait(cancelled));
}

#[tokio::test]
async fn a_finished_call_is_not_cancelled() {
    let stage = stage(Eras::Legacy).await;
    let tools = BACKEND.tools(&stage.connection);
    stage.call(&tools, "echo", json!({"text": "x"})).await.expect("an answer");
    stage.call(&tools, "fail", json!({})).await.expect("an answer");
    assert!(!stage.methods().iter().any(|method| method == "notifications/cancelled"), "{:?}", stage.methods());
}

#[tokio::test]
async fn an_interrupted_stream_is_taken_up_again_and_the_call_is_not() {
    let stage = stage(Eras::Legacy).await;
    let tools = BACKEND.tools(&stage.connection);
    let slow = stage.call(&tools, "slow", json!({"interrupted": true})).await.expect("an answer");
    assert_eq!(text(&slow), "taken up again");
    let seen = stage.server.record().all();
    assert_eq!(seen.iter().filter(|seen| word(seen) == "tools/call").count(), 1);
    let resumed = seen.iter().find(|seen| seen.method == "GET").expect("a request for the rest");
    assert!(resumed.headers["last-event-id"].starts_with("event-"));
}

#[tokio::test]
async fn a_stream_without_an_answer_is_an_error_in_the_modern_era() {
    let stage = stage(Eras::Modern).await;
    let tools = BACKEND.tools(&stage.connection);
    let outcome = stage.call(&tools, "slow", json!({"interrupted": true})).await;
    assert!(matches!(outcome, Err(Error::Protocol { cause, .. }) if cause == "the stream ended without the answer"));
    assert_eq!(stage.methods().iter().filter(|method| *method == "tools/call").count(), 1);
}

#[tokio::test]
async fn the_list_is_kept_and_a_newer_one_replaces_it_after_a_call() {
    let stage = stage(Eras::Both).await;
    let listed = stage.connection.remembered.clone().expect("a list").get().to_owned();
    assert_eq!(*stage.kept.0.lock().expect("a healthy lock"), std::slice::from_ref(&listed));
    let document: Value = serde_json::from_str(&listed).expect("a document");
    assert_eq!(document["tools"].as_array().expect("an array").len(), 7, "all pages");

    let mut older = stage.connection.clone();
    let first = json!([document["tools"][0]]);
    older.remembered = Some(Arc::from(serde_json::value::to_raw_value(&first).expect("JSON")));
    older.slot = Default::default();
    let tools = BACKEND.tools(&older);
    assert_eq!(tools.len(), 1);
    // The first list was announced too.
    stage.kept.1.notified().await;
    stage.call(&tools, "echo", json!({"text": "x"})).await.expect("an answer");
    stage.kept.1.notified().await;
    assert_eq!(*stage.kept.0.lock().expect("a healthy lock"), [listed.clone(), listed]);
}

#[tokio::test]
async fn listing_ends_its_session() {
    let stage = stage(Eras::Legacy).await;
    assert_eq!(stage.methods(), ["DELETE"]);
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_listed() {
    let server = Arc::new(Server::default());
    let host = Host::of(Arc::clone(&server) as Arc<dyn fake::Fake>);
    let connection = connection(host.at("/mcp"), Way::OAuth, Tokens::new(Some("bad"), Some("worse")));
    assert!(matches!(learn(&connection).await, Err(Error::Rejected { .. })));
    let methods: Vec<String> = server.record().all().iter().map(word).collect();
    assert_eq!(methods, ["server/discover", "server/discover"], "one renewal, and no further experiment");
}

#[test]
fn the_probe_has_no_credential_and_asks_in_the_modern_way() {
    let request = probe(&Url::parse("https://host.example/mcp").expect("an address"));
    assert_eq!((request.method().as_str(), request.uri().to_string()), ("POST", "https://host.example/mcp".to_owned()));
    assert_eq!(request.headers()["accept"], "application/json, text/event-stream");
    assert_eq!(request.headers()["mcp-method"], "server/discover");
    assert!(!request.headers().contains_key("authorization"));
    let body: Value = serde_json::from_slice(request.body()).expect("JSON");
    assert_eq!(body["method"], "server/discover");
    assert_eq!(body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
}

/// Lists from a server that discovers as modern and answers lists with `page`.
async fn listed(page: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Result<String, Error> {
    let host = Host::answering(move |request| answered(request, &page));
    let connection = connection(host.at("/mcp"), Way::None, Tokens::new(None, None));
    learn(&connection).await.map(|document| offer::parts(&document)["tools"].get().to_owned())
}

fn answered(request: &fake::Received, result: &dyn Fn(&Value) -> Value) -> Reply {
    let asked: Value = serde_json::from_slice(request.body()).expect("JSON");
    let result = match asked["method"].as_str() {
        Some("server/discover") => json!({"supportedVersions": ["2026-07-28"], "resultType": "complete"}),
        _ => result(&asked),
    };
    fake::json(StatusCode::OK, &json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}))
}

#[tokio::test]
async fn a_list_without_end_is_refused() {
    let cause = |outcome: Result<String, Error>| match outcome {
        Err(Error::Protocol { cause, .. }) => cause,
        other => panic!("{other:?}"),
    };
    let count = Mutex::new(0);
    let counted = move |_: &Value| {
        let mut count = count.lock().expect("a healthy lock");
        *count += 1;
        json!({"tools": [], "nextCursor": count.to_string()})
    };
    assert_eq!(cause(listed(counted).await), "its list of tools never ends");
    let same = |_: &Value| json!({"tools": [], "nextCursor": "same"});
    assert_eq!(cause(listed(same).await), "its list of tools never ends");
    let long = |_: &Value| json!({"tools": vec![json!({"name": "x"}); 2_001]});
    assert_eq!(cause(listed(long).await), "its list of tools is too long");
    let empty = |asked: &Value| match asked["params"].get("cursor") {
        None => json!({"tools": [1], "nextCursor": ""}),
        Some(cursor) => json!({"tools": [cursor]}),
    };
    assert_eq!(listed(empty).await.ok().as_deref(), Some(r#"[1,""]"#), "an empty cursor is a cursor");
}

#[tokio::test]
async fn odd_answers_are_errors_and_calls_are_sent_once() {
    type Case = (&'static str, Box<dyn Fn(&Value) -> Reply + Send + Sync>, &'static str);
    let json = |value: Value| fake::json(StatusCode::OK, &value);
    let result = |result: Value| {
        move |asked: &Value| {
            fake::json(StatusCode::OK, &json!({"jsonrpc": "2.0", "id": asked["id"], "result": result.clone()}))
        }
    };
    let cases: Vec<Case> = vec![
        ("a page", Box::new(|_| fake::whole(StatusCode::OK, "text/html", "<p>")), "a web page instead of JSON"),
        ("no JSON", Box::new(|_| fake::whole(StatusCode::OK, "application/json", "{]")), "no JSON at line 1, column 2"),
        (
            "another id",
            Box::new(move |_| json(json!({"id": 99, "result": {"content": []}}))),
            "an answer to another request",
        ),
        ("no content", Box::new(result(json!({}))), "the result has no content"),
        ("odd content", Box::new(result(json!({"content": "x"}))), "the content of the result is not a list"),
        (
            "input",
            Box::new(result(json!({"resultType": "input_required", "content": []}))),
            "it wants to know something and does not say what",
        ),
        ("odd result", Box::new(result(json!(5))), "a message of another form"),
        ("accepted", Box::new(|_| fake::empty(StatusCode::ACCEPTED)), "no JSON at line 1, column 0"),
    ];
    for (name, answer, expected) in cases {
        let calls = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&calls);
        let host = Host::answering(move |request| {
            let asked: Value = serde_json::from_slice(request.body()).expect("JSON");
            if asked["method"] != "tools/call" {
                return answered(request, &|_| json!({"tools": []}));
            }
            *counted.lock().expect("a healthy lock") += 1;
            answer(&asked)
        });
        let peer = Peer::new(connection(host.at("/mcp"), Way::None, Tokens::new(None, None)));
        let outcome = peer.call(plain(&Map::new(), Progress::default())).await;
        assert!(matches!(&outcome, Err(Error::Protocol { cause, .. }) if cause == expected), "{name}: {outcome:?}");
        assert_eq!(*calls.lock().expect("a healthy lock"), 1, "{name}");
    }
}

#[tokio::test]
async fn a_call_that_may_have_been_executed_is_not_repeated() {
    for (status, code) in
        [(400, -32602), (400, 7), (404, 7), (409, 7), (429, 7), (500, 7), (502, 7), (503, 7), (504, 7)]
    {
        let calls = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&calls);
        let host = Host::answering(move |request| {
            let asked: Value = serde_json::from_slice(request.body()).expect("JSON");
            if asked["method"] != "tools/call" {
                return answered(request, &|_| json!({"tools": []}));
            }
            *counted.lock().expect("a healthy lock") += 1;
            let error = json!({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": code, "message": "no"}});
            reply(status, ("retry-after", "0"), &error.to_string())
        });
        let peer = Peer::new(connection(host.at("/mcp"), Way::None, Tokens::new(None, None)));
        let outcome = peer.call(plain(&Map::new(), Progress::default())).await;
        assert!(outcome.is_err());
        assert_eq!(*calls.lock().expect("a healthy lock"), 1, "{status}");
    }
}

fn offered(list: &str) -> Vec<Tool> {
    let url = Url::parse("https://host.example/mcp").expect("an address");
    let mut connection = connection(url, Way::None, Tokens::new(None, None));
    connection.remembered = Some(Arc::from(RawValue::from_string(list.to_owned()).expect("JSON")));
    BACKEND.tools(&connection)
}

#[test]
fn broken_entries_of_a_list_cost_only_themselves() {
    let list = r#"[
        5, null, {}, {"name": 5, "inputSchema": {}}, {"name": "", "inputSchema": {}}, {"name": "no schema"},
        {"name": "array", "inputSchema": {"type": "array"}}, {"name": "yes", "inputSchema": true},
        {"name": "bad header", "inputSchema": {"type": "object", "properties": {"a": {"type": "array", "x-mcp-header": "A"}}}},
        {"name": "good", "title": 7, "description": null, "annotations": {"readOnlyHint": "yes"}, "inputSchema": {"type": "object"}},
        {"name": "good", "inputSchema": {"type": "object"}},
        {"name": "bare", "inputSchema": { }, "outputSchema": {"type": "array"}},
        {"name": "untyped", "inputSchema": {
            "properties": {} }, "outputSchema": {"type":"object","$defs":{}}}
    ]"#;
    let tools = offered(list);
    let text = |schema: &Schema| schema.text().to_owned();
    let shown: Vec<(&str, String, Option<String>)> = tools
        .iter()
        .map(|tool| (tool.name.as_str(), text(&tool.input_schema), tool.output_schema.as_ref().map(text)))
        .collect();
    assert_eq!(
        shown,
        [
            ("c_good", r#"{"type": "object"}"#.to_owned(), None),
            ("c_bare", r#"{"type":"object" }"#.to_owned(), None),
            (
                "c_untyped",
                "{\"type\":\"object\",             \"properties\": {} }".to_owned(),
                Some(r#"{"type":"object","$defs":{}}"#.to_owned())
            ),
        ]
    );
    assert_eq!(offered("{}").len() + offered("null").len() + offered("[]").len(), 0);
}

#[test]
fn a_schema_hides_nothing_from_a_person_that_a_model_reads_and_has_an_end() {
    let hidden =
        |text: &str| json!({"type": "object", "description": text, "properties": {"a\u{200b}": {"enum": [text]}}});
    let list = json!([
        {"name": "raw", "inputSchema": hidden("say\u{e0041}\u{e0042} \u{202e}yes"), "outputSchema": hidden("\u{2066}x")},
        {"name": "long", "inputSchema": {"type": "object", "description": "x".repeat(70_000)}},
    ]);
    // Escaped, it says the same.
    let escaped =
        r#"[{"name": "escaped", "inputSchema": {"type": "object", "description": "say\udb40\udc41\u202e yes"}}]"#;
    let tools = offered(&list.to_string());
    assert_eq!(tools.len(), 1);
    assert_eq!(
        serde_json::from_str::<Value>(tools[0].input_schema.text()).expect("JSON"),
        json!({"type": "object", "description": "say yes", "properties": {"a": {"enum": ["say yes"]}}})
    );
    assert!(tools[0].output_schema.as_ref().is_some_and(|schema| schema.text().contains("\"x\"")));
    assert!(offered(escaped)[0].input_schema.text().contains("say yes"));
}

#[test]
fn annotations_are_passed_on_and_absent_ones_are_the_protocols_defaults() {
    let list = json!([
        {"name": "a", "inputSchema": {"type": "object"}},
        {"name": "b", "title": "B", "inputSchema": {"type": "object"}, "annotations": {
            "title": "other", "readOnlyHint": true, "idempotentHint": true, "openWorldHint": false}},
        {"name": "c", "inputSchema": {"type": "object"}, "annotations": {"title": "C", "destructiveHint": false}},
    ]);
    let tools = offered(&list.to_string());
    let effects: Vec<(&str, Effect)> = tools.iter().map(|tool| (tool.title.as_ref(), tool.effect)).collect();
    let effect =
        |read_only, destructive, idempotent, open_world| Effect { read_only, destructive, idempotent, open_world };
    assert_eq!(
        effects,
        [
            ("a", effect(false, true, false, true)),
            ("B", effect(true, false, true, false)),
            ("C", effect(false, false, false, true)),
        ]
    );
}

#[test]
fn descriptions_are_bounded_and_say_whose_they_are() {
    let words = format!("Use me.\u{1b}[2J\u{e0041} {}", "x".repeat(10_000));
    let list = json!([
        {"name": "a", "description": words, "title": "t".repeat(500), "inputSchema": {"type": "object"}},
        {"name": "b", "inputSchema": {"type": "object"}},
    ]);
    let tools = offered(&list.to_string());
    let description = &tools[0].description;
    assert!(description.starts_with("[from the MCP server host.example] Use me.[2J xxx"), "{description}");
    assert!(description.chars().count() < 4_100 && description.ends_with('…'));
    assert_eq!(tools[0].title.chars().count(), 101);
    assert_eq!(tools[1].description, "[from the MCP server host.example]");
}

proptest::proptest! {
    #[test]
    fn no_list_makes_it_panic(list in ".{0,200}", name in ".{0,80}", schema in ".{0,40}") {
        for list in [list.clone(), json!([{"name": name, "inputSchema": schema, "description": list}]).to_string()] {
            if RawValue::from_string(list.clone()).is_ok() {
                offered(&list);
            }
        }
    }

    #[test]
    fn no_message_makes_it_panic(body: Vec<u8>, text in ".{0,100}") {
        for body in [body, text.into_bytes()] {
            let _ = wire::read(&body, Some(1));
            let _ = wire::failure(&body);
        }
    }
}

#[tokio::test]
async fn only_growing_progress_of_this_call_is_reported() {
    let host = Host::answering(|request| {
        let asked: Value = serde_json::from_slice(request.body()).expect("JSON");
        if asked["method"] != "tools/call" {
            return answered(request, &|_| json!({"tools": []}));
        }
        let token = &asked["params"]["_meta"]["progressToken"];
        let step = |token: &Value, done: f64| json!({"method": "notifications/progress", "params": {"progressToken": token, "progress": done}});
        let other = json!("another call");
        let mut events =
            vec![step(token, 1.0), step(token, 1.0), step(token, 0.5), step(&other, 7.0), step(token, 2.0)];
        events.push(json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"content": []}}));
        let stream: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        fake::whole(StatusCode::OK, "text/event-stream", stream)
    });
    let peer = Peer::new(connection(host.at("/mcp"), Way::None, Tokens::new(None, None)));
    let steps = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&steps);
    let progress = Progress::to(move |step| heard.lock().expect("a healthy lock").push(step.done));
    peer.call(plain(&Map::new(), progress)).await.expect("an answer");
    assert_eq!(*steps.lock().expect("a healthy lock"), [1.0, 2.0]);
}

/// A server that keeps the answers of all its sessions by the id of the request gives one session what is another's.
#[tokio::test]
async fn sessions_share_no_ids() {
    let ids = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ids);
    let server = Host::answering(move |request| {
        let asked: Value = serde_json::from_slice(request.body()).expect("JSON");
        seen.lock().expect("a healthy lock").extend(asked["id"].as_u64());
        answered(request, &|_| json!({"content": []}))
    });
    for _ in 0..64 {
        let peer = Peer::new(connection(server.at("/mcp"), Way::None, Tokens::new(None, None)));
        peer.call(plain(&Map::new(), Progress::default())).await.expect("an answer");
    }
    let mut ids = ids.lock().expect("a healthy lock").clone();
    assert!(ids.len() >= 64, "{} requests", ids.len());
    // A peer may keep them as numbers of 32 bits.
    assert!(ids.iter().all(|id| *id < 1 << 31), "{ids:?}");
    ids.sort_unstable();
    assert!(ids.is_sorted_by(|one, next| one < next), "an id was sent twice: {ids:?}");
}
