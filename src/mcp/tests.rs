//! The protocol against a server of fixtures, over pipes in memory: each rule of lifecycle, framing, methods, progress,
//! cancellation and asking, and what hostile input gets.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use proptest::prelude::*;
use serde_json::json;
use serde_json::value::to_raw_value;
use tokio::sync::Notify;

use super::*;

mod ask;
mod features;
mod listen;
mod log;
mod read;
mod relay;
mod streams;

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

/// A server whose tools do what a test needs.
#[derive(Default)]
struct Fixtures {
    gate: Arc<Notify>,
    cancelled: Arc<AtomicUsize>,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    has_readings: bool,
    features: Features,
    news: Arc<OnceLock<NewsSender>>,
    /// What the server was told about levels and addresses, in order.
    heard: Arc<Mutex<Vec<String>>>,
}

struct OnDrop(Arc<AtomicUsize>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn done(value: &Value) -> Result<Outcome, CallError> {
    let content = json!([{ "type": "text", "text": value.to_string() }]).to_string();
    Ok(Outcome::Done(ToolResult { content, structured: Some(value.to_string()), failed: false, meta: None }))
}

impl Server for Fixtures {
    fn offers(&self, kind: Kind) -> bool {
        kind == Kind::Tools || self.has_readings
    }

    fn list(&self, kind: Kind) -> Arc<Definitions> {
        let list: String = match kind {
            Kind::Tools => "[{\"name\":\"echo\",\"inputSchema\":{\"type\":\"object\"}}]".to_owned(),
            kind => read::list(kind).to_owned(),
        };
        Arc::new(list.into())
    }

    fn read(&self, request: ReadRequest) -> BoxFuture<'static, Result<Found, ReadError>> {
        let cancelled = OnDrop(Arc::clone(&self.cancelled));
        Box::pin(read::answer(request, Arc::clone(&self.gate), Arc::clone(&self.running), cancelled))
    }

    fn features(&self) -> Features {
        self.features
    }

    fn complete(&self, partial: Partial) -> BoxFuture<'static, Result<Completion, ReadError>> {
        let cancelled = OnDrop(Arc::clone(&self.cancelled));
        Box::pin(features::complete(partial, Arc::clone(&self.gate), Arc::clone(&self.running), cancelled))
    }

    fn subscribe(&self, uri: String, wanted: bool) -> BoxFuture<'static, Result<(), ReadError>> {
        let what = if wanted { "begin" } else { "end" };
        self.heard.lock().expect("unpoisoned").push(format!("{what} {uri}"));
        Box::pin(listen::answer(uri, wanted, Arc::clone(&self.gate)))
    }

    fn listen(&self, news: NewsSender) {
        assert!(self.news.set(news).is_ok(), "once");
    }

    fn level(&self, level: Level) {
        self.heard.lock().expect("unpoisoned").push(level.word().to_owned());
    }

    fn call(&self, request: ToolRequest) -> BoxFuture<'static, Result<Outcome, CallError>> {
        let (gate, cancelled) = (Arc::clone(&self.gate), Arc::clone(&self.cancelled));
        let (running, most) = (Arc::clone(&self.running), Arc::clone(&self.most));
        let news = self.news.get().cloned();
        Box::pin(async move {
            match request.name.as_str() {
                "echo" => done(&Value::Object(request.arguments)),
                "wait" => {
                    let mut ended = Some(OnDrop(cancelled));
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    gate.notified().await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    std::mem::forget(ended.take());
                    done(&json!({ "waited": true }))
                }
                "open" => {
                    gate.notify_waiters();
                    done(&json!({}))
                }
                "panic" => panic!("the handler panics"),
                "progress" => {
                    let progress = request.progress.expect("a token");
                    for step in [1.0, 2.0, 2.0, 1.0, f64::NAN, 3.5] {
                        progress.send(step, Some(4.0), Some("a \"step\"\n"));
                    }
                    tokio::spawn(async move {
                        tokio::task::yield_now().await;
                        tokio::task::yield_now().await;
                        progress.send(100.0, None, None);
                    });
                    done(&json!({}))
                }
                "ask" => match request.client.open() {
                    Asking::Cannot => done(&json!("cannot")),
                    Asking::Now(asker) => {
                        let asked = asker.open_url(&page(), "e1", Duration::from_secs(50)).await;
                        asker.completed("e1");
                        done(&json!(format!("{asked:?}")))
                    }
                    Asking::ByResult if request.answers.is_empty() => Ok(required("login", Question::Open(page()))),
                    Asking::ByResult => done(&Value::Object(request.answers)),
                },
                "confirm" => match request.client.confirm() {
                    Asking::Cannot => done(&json!("cannot")),
                    Asking::Now(asker) => done(&json!(format!("{:?}", asker.confirm("Do it?").await))),
                    Asking::ByResult if request.answers.is_empty() => {
                        Ok(required("yes", Question::Confirm("Do it?".into())))
                    }
                    Asking::ByResult => done(&json!(format!("{:?}", Asked::of(request.answers.get("yes"))))),
                },
                "lines" => Ok(Outcome::Done(ToolResult {
                    content: "[\n {\"type\":\"text\",\r\n\"text\":\"x\"}]".to_owned(),
                    structured: None,
                    failed: true,
                    meta: None,
                })),
                _ => other(request, news).await,
            }
        })
    }
}

/// The tools for what passes through.
async fn other(request: ToolRequest, news: Option<NewsSender>) -> Result<Outcome, CallError> {
    match request.name.as_str() {
        "log" => log::call(&request).await,
        "forward" => relay::forward(request).await,
        "relay" => relay::relay(request),
        "meta" => relay::meta(&request),
        "tell" => {
            listen::tell(&news.expect("a sender"), &request.arguments);
            done(&json!({}))
        }
        _ => Err(CallError::UnknownTool),
    }
}

fn required(key: &str, question: Question) -> Outcome {
    Outcome::InputRequired { questions: vec![(key.into(), question)], state: None }
}

fn page() -> UrlRequest {
    UrlRequest { message: "sign in".into(), url: "https://example.com/a".into() }
}

fn identity() -> Identity {
    Identity { name: "fixtures".into(), title: "Fixtures".into(), version: "1".into(), instructions: Some("do".into()) }
}

/// A conversation: lines in, and the lines that came back, at the end of the input or as they come.
struct Talk {
    input: Option<std::io::PipeWriter>,
    output: std::io::Lines<BufReader<std::io::PipeReader>>,
    serving: Option<std::thread::JoinHandle<Ending>>,
}

impl Talk {
    fn new(server: Fixtures, limits: Limits) -> Self {
        Self::timed(server, limits, false)
    }

    /// Read and written on threads, as where the kernel cannot do it without waiting.
    fn on_threads(server: Fixtures, limits: Limits) -> Self {
        Self::of(server, limits, false, wire)
    }

    /// Where the clock stands still it jumps to whatever is waited for, as soon as nothing else is to be done.
    fn timed(server: Fixtures, limits: Limits, stands: bool) -> Self {
        Self::of(server, limits, stands, direct)
    }

    fn of(server: Fixtures, limits: Limits, stands: bool, wire: fn(PipeReader, PipeWriter) -> Wire) -> Self {
        let (reads, input) = std::io::pipe().expect("a pipe");
        let (output, writes) = std::io::pipe().expect("a pipe");
        let serving = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().start_paused(stands).build().expect("a runtime");
            let ending = runtime.block_on(run(wire(reads, writes), identity(), Arc::new(server), limits));
            runtime.shutdown_background();
            ending
        });
        Self { input: Some(input), output: BufReader::new(output).lines(), serving: Some(serving) }
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.input.as_mut().expect("open").write_all(bytes.as_ref()).expect("written");
    }

    fn line(&mut self, line: &str) {
        self.send(format!("{line}\n"));
    }

    fn next(&mut self) -> Value {
        let line = self.output.next().expect("an answer").expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn end(mut self) -> (Vec<Value>, Ending) {
        self.input = None;
        let rest = self.output.by_ref().map(|line| serde_json::from_str(&line.expect("a line")).expect("JSON"));
        let rest = rest.collect();
        (rest, self.serving.take().expect("serving").join().expect("no panic"))
    }
}

fn wire(reads: PipeReader, writes: PipeWriter) -> Wire {
    Wire {
        input: Box::new(BufReader::new(reads)),
        output: Box::new(writes),
        handles: None,
        in_flight: InFlight::default(),
    }
}

/// The same without threads.
#[cfg(target_os = "linux")]
fn direct(reads: PipeReader, writes: PipeWriter) -> Wire {
    let handles = Some([reads.try_clone().expect("a handle").into(), writes.try_clone().expect("a handle").into()]);
    Wire { handles, ..wire(reads, writes) }
}
#[cfg(not(target_os = "linux"))]
fn direct(reads: PipeReader, writes: PipeWriter) -> Wire {
    wire(reads, writes)
}

fn talk() -> Talk {
    Talk::new(Fixtures::default(), Limits::default())
}

/// What these bytes are answered with until the end of the input.
fn answers(bytes: impl AsRef<[u8]>) -> Vec<Value> {
    let said = |mut talk: Talk| {
        talk.send(&bytes);
        let (answers, ending) = talk.end();
        assert_eq!(ending, Ending::InputEnded);
        answers
    };
    let sorted = |answers: &[Value]| {
        let mut lines: Vec<String> = answers.iter().map(Value::to_string).collect();
        lines.sort();
        lines
    };
    let answers = said(talk());
    assert_eq!(sorted(&said(Talk::on_threads(Fixtures::default(), Limits::default()))), sorted(&answers));
    answers
}

fn one(line: &str) -> Value {
    let mut all = answers(format!("{line}\n"));
    assert_eq!(all.len(), 1, "{line}: {all:?}");
    all.remove(0)
}

fn request(id: &str, method: &str, params: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{{{params}}}}}")
}

fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {answer}"))
}

#[test]
fn a_handshake_echoes_a_known_legacy_revision_and_offers_the_newest_otherwise() {
    for (asked, given) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1900-01-01", "2025-11-25"),
        ("nonsense", "2025-11-25"),
    ] {
        let answer =
            one(&request("0", "initialize", &format!("\"protocolVersion\":\"{asked}\",\"capabilities\":{{}}")));
        let expected = json!({"protocolVersion": given, "capabilities": {"tools": {}}, "instructions": "do",
            "serverInfo": {"name": "fixtures", "title": "Fixtures", "version": "1"}});
        assert_eq!(answer["result"], expected, "{asked}");
    }
}

#[test]
fn a_modern_result_is_decorated_and_a_legacy_one_is_not() {
    let info = json!({"name": "fixtures", "title": "Fixtures", "version": "1"});
    let modern = one(&request("1", "tools/list", META))["result"].clone();
    assert_eq!(modern["resultType"], "complete");
    assert_eq!(modern["cacheScope"], "private");
    assert!(modern["ttlMs"].is_u64());
    assert_eq!(modern["_meta"]["io.modelcontextprotocol/serverInfo"], info);
    let legacy = one(&request("1", "tools/list", ""))["result"].clone();
    assert_eq!(
        legacy.as_object().map(|object| object.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["tools".to_owned()])
    );
    let call = one(&request("1", "tools/call", &format!("\"name\":\"echo\",{META}")))["result"].clone();
    assert_eq!((call["resultType"].as_str(), call.get("ttlMs")), (Some("complete"), None));
    assert_eq!(call["_meta"]["io.modelcontextprotocol/serverInfo"], info);
}

#[test]
fn discovery_lists_every_revision_and_needs_a_usable_meta() {
    let result = one(&request("\"d\"", "server/discover", META))["result"].clone();
    assert_eq!(
        result["supportedVersions"],
        json!(["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])
    );
    assert_eq!(result["capabilities"], json!({"tools": {}}));
    // What is offered is this person's.
    assert_eq!((result["cacheScope"].as_str(), result["resultType"].as_str()), (Some("private"), Some("complete")));
    let all = answers(format!("{}\n{}\n", request("1", "server/discover", ""), request("2", "ping", "")));
    assert_eq!((code(&all[0]), all[1]["result"].clone()), (-32602, json!({})));
}

#[test]
fn a_version_that_nobody_speaks_is_named_with_those_we_do() {
    for method in ["tools/list", "server/discover", "initialize"] {
        for version in ["1900-01-01", "2027-01-01", "x"] {
            let meta = META.replace("2026-07-28", version);
            let error = one(&request("1", method, &meta))["error"].clone();
            assert_eq!(error["code"], -32022, "{method} {version}");
            assert_eq!(error["data"]["requested"], version);
            assert_eq!(error["data"]["supported"][0], "2026-07-28");
        }
    }
}

#[test]
fn a_meta_of_the_wrong_form_is_wrong_parameters() {
    for meta in [
        r#""_meta":5"#,
        r#""_meta":[]"#,
        r#""_meta":{"io.modelcontextprotocol/protocolVersion":5}"#,
        r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#,
        r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]}"#,
        r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/logLevel":"loud"}"#,
    ] {
        assert_eq!(code(&one(&request("1", "tools/list", meta))), -32602, "{meta}");
    }
}

#[test]
fn methods_of_the_other_era_and_unadvertised_ones_are_unknown() {
    for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"] {
        assert_eq!(code(&one(&request("1", method, META))), -32601, "{method}");
    }
    for method in [
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "completion/complete",
        "logging/setLevel",
        "subscriptions/listen",
        "tasks/get",
        "nonsense",
        "",
    ] {
        assert_eq!(code(&one(&request("1", method, ""))), -32601, "{method}");
        assert_eq!(code(&one(&request("1", method, META))), -32601, "modern {method}");
    }
}

#[test]
fn both_eras_live_in_one_process_in_any_order() {
    let lines = [
        request("1", "tools/list", META),
        request("2", "initialize", "\"protocolVersion\":\"2025-06-18\""),
        request("3", "tools/list", ""),
        request("4", "server/discover", META),
        request("5", "initialize", "\"protocolVersion\":\"2024-11-05\""),
        request("6", "ping", ""),
    ];
    let all = answers(lines.join("\n"));
    assert!(all.iter().all(|answer| answer.get("error").is_none()), "{all:?}");
    assert_eq!(all[4]["result"]["protocolVersion"], "2024-11-05");
    assert_eq!(all.len(), 6);
}

#[test]
fn whatever_comes_first_does_not_end_the_process() {
    for first in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":7}"#,
        r#"{"jsonrpc":"2.0","method":"nonsense"}"#,
        r#"{"jsonrpc":"2.0","id":9,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":9,"error":{"code":1,"message":"x"}}"#,
    ] {
        let all = answers(format!("{first}\n{}\n", request("1", "ping", "")));
        assert_eq!(all, [json!({"jsonrpc": "2.0", "id": 1, "result": {}})], "{first}");
    }
}

#[test]
fn lines_may_end_as_they_like_and_begin_with_a_mark() {
    let ping = request("1", "ping", "");
    let bytes = format!("\u{feff}{ping}\r\n\n   \r\n{ping}\n{ping}");
    assert_eq!(answers(bytes).len(), 3);
}

#[test]
fn what_is_not_json_is_a_parse_error_without_an_id() {
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{{\"a\":{}{}}}}}",
        "[".repeat(128),
        "]".repeat(128)
    );
    let lines: Vec<Vec<u8>> = vec![
        b"{".to_vec(),
        b"nonsense".to_vec(),
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} trailing".to_vec(),
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"\xff\"}".to_vec(),
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\0ing\"}".to_vec(),
        br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\ud800"}}"#.to_vec(),
        br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\ud800\u0041"}}"#.to_vec(),
        br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\udc00"}}"#.to_vec(),
        deep.into_bytes(),
        b"[{]".to_vec(),
    ];
    for mut line in lines {
        let shown = String::from_utf8_lossy(&line).chars().take(80).collect::<String>();
        line.push(b'\n');
        let all = answers([line, request("2", "ping", "").into_bytes()].concat());
        assert_eq!((code(&all[0]), &all[0]["id"]), (-32700, &Value::Null), "{shown}");
        assert_eq!(all[1]["id"], 2, "{shown}");
    }
    // A whole pair is a character like any other.
    let pair = one(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":"\ud83d\ude00\\u"}}}"#,
    );
    assert_eq!(pair["result"]["structuredContent"]["a"], "\u{1f600}\\u");
}

#[test]
fn a_wrong_shape_is_an_invalid_request_with_the_id_where_it_can_be_read() {
    for (line, id) in [
        (r#"{"id":1,"method":"ping"}"#, json!(1)),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, json!(1)),
        (r#"{"jsonrpc":2.0,"id":"x","method":"ping"}"#, json!("x")),
        (r#"{"jsonrpc":"2.0","id":1}"#, json!(1)),
        (r#"{"jsonrpc":"2.0","id":1,"method":5}"#, json!(1)),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, Value::Null),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, Value::Null),
        (r#"{"jsonrpc":"2.0","id":1e3,"method":"ping"}"#, Value::Null),
        (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, Value::Null),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, Value::Null),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, Value::Null),
        ("{}", Value::Null),
        ("5", Value::Null),
        ("\"text\"", Value::Null),
        ("null", Value::Null),
        ("[]", Value::Null),
    ] {
        let answer = one(line);
        assert_eq!((code(&answer), &answer["id"]), (-32600, &id), "{line}");
    }
}

#[test]
fn ids_come_back_exactly_as_they_were_written() {
    for id in [
        "0",
        "-1",
        "9007199254740993",
        "18446744073709551616",
        "123456789012345678901234567890",
        "\"a\"",
        "\"\"",
        r#""\u00e9 \" \\""#,
    ] {
        let mut talk = talk();
        talk.line(&request(id, "ping", ""));
        let line = talk.output.next().expect("an answer").expect("a line");
        assert!(line.contains(&format!("\"id\":{id},")), "{id}: {line}");
    }
}

#[test]
fn parameters_that_are_wrong_are_told_with_a_reason() {
    for params in [
        "",
        "\"name\":5",
        "\"name\":null",
        "\"name\":\"echo\",\"arguments\":[]",
        "\"name\":\"echo\",\"arguments\":\"x\"",
        "\"name\":\"no such tool\"",
        "\"name\":\"echo\",\"name\":\"echo\"",
    ] {
        let answer = one(&request("1", "tools/call", params));
        assert_eq!((code(&answer), &answer["id"]), (-32602, &json!(1)), "{params}");
        assert!(answer["error"]["message"].as_str().is_some_and(|message| message.len() > 5), "{answer}");
    }
    for line in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":"x"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":5}}"#,
    ] {
        assert_eq!(code(&one(line)), -32602, "{line}");
    }
}

#[test]
fn absent_and_null_arguments_are_empty() {
    for arguments in ["", ",\"arguments\":null", ",\"arguments\":{}"] {
        let answer = one(&request("1", "tools/call", &format!("\"name\":\"echo\"{arguments}")));
        assert_eq!(answer["result"]["structuredContent"], json!({}), "{arguments}");
    }
    assert!(one(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":null}"#).get("result").is_some());
    assert!(one(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":null}}"#).get("result").is_some());
}

#[test]
fn a_batch_is_answered_by_one_array_of_what_wants_an_answer() {
    let ping = |id: &str| request(id, "ping", "");
    let call = request("3", "tools/call", "\"name\":\"echo\"");
    let all = answers(format!("[{},{{\"jsonrpc\":\"2.0\",\"method\":\"x\"}},{call},7,[]]\n", ping("1")));
    assert_eq!(all.len(), 1);
    let mut ids: Vec<Value> = all[0].as_array().expect("an array").iter().map(|answer| answer["id"].clone()).collect();
    ids.sort_by_key(ToString::to_string);
    assert_eq!(ids, [json!(1), json!(3), Value::Null, Value::Null]);
    assert_eq!(answers("[{\"jsonrpc\":\"2.0\",\"method\":\"x\"}]\n"), Vec::<Value>::new());
    let mixed = answers(format!("[{}]\n{}\n", ping("1"), ping("2")));
    assert_eq!(mixed.len(), 2);
}

#[test]
fn a_batch_without_measure_is_refused_as_a_whole() {
    let ones = |count: usize| format!("[{}]\n", vec!["1"; count].join(","));
    let refused = answers(ones(1_001));
    assert_eq!((refused.len(), &refused[0]["error"]["code"]), (1, &json!(-32600)));
    let answered = answers(ones(1_000));
    assert_eq!(answered[0].as_array().map(Vec::len), Some(1_000));
}

#[test]
fn a_cancelled_element_of_a_batch_does_not_hold_the_others_back() {
    let mut talk = talk();
    let wait = request("1", "tools/call", "\"name\":\"wait\"");
    talk.line(&format!("[{wait},{}]", request("2", "ping", "")));
    talk.line(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    assert_eq!(talk.next(), json!([{"jsonrpc": "2.0", "id": 2, "result": {}}]));
}

#[test]
fn a_line_over_the_limit_is_skipped_and_answered() {
    let mut talk = Talk::new(Fixtures::default(), Limits { line: 1000, ..Limits::default() });
    talk.send(vec![b'x'; 5000]);
    talk.send("\n");
    talk.line(&request("1", "ping", ""));
    let (all, _) = talk.end();
    assert_eq!((code(&all[0]), &all[0]["id"], &all[1]["id"]), (-32600, &Value::Null, &json!(1)));
}

#[test]
fn a_request_with_the_id_of_a_running_one_is_refused_and_the_first_goes_on() {
    let mut talk = talk();
    talk.line(&request("\"a\"", "tools/call", "\"name\":\"wait\""));
    talk.line(&request("\"\\u0061\"", "tools/call", "\"name\":\"echo\""));
    assert_eq!(code(&talk.next()), -32600);
    talk.line(&request("2", "tools/call", "\"name\":\"open\""));
    let mut all = [talk.next(), talk.next()];
    all.sort_by_key(|answer| answer["id"].to_string());
    assert_eq!((&all[0]["id"], &all[0]["result"]["structuredContent"]["waited"]), (&json!("a"), &json!(true)));
}

#[test]
fn requests_run_at_once_up_to_the_bound_and_the_rest_waits() {
    let server = Fixtures::default();
    let (gate, most, running) = (Arc::clone(&server.gate), Arc::clone(&server.most), Arc::clone(&server.running));
    let mut talk = Talk::new(server, Limits { running: 4, accepted: 8, ..Limits::default() });
    for id in 0..10 {
        talk.line(&request(&id.to_string(), "tools/call", "\"name\":\"wait\""));
    }
    // Two are one too many each.
    assert_eq!([code(&talk.next()), code(&talk.next())], [-32603, -32603]);
    let mut answered = 0;
    while answered < 8 {
        while running.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        gate.notify_one();
        assert_eq!(talk.next()["result"]["isError"], false);
        answered += 1;
    }
    assert_eq!(most.load(Ordering::SeqCst), 4);
}

#[test]
fn a_panicking_handler_is_answered() {
    let all = answers(format!("{}\n{}\n", request("1", "tools/call", "\"name\":\"panic\""), request("2", "ping", "")));
    let panicked = all.iter().find(|answer| answer["id"] == 1).expect("an answer");
    assert_eq!(code(panicked), -32603);
}

#[test]
fn cancelling_stops_the_call_sends_nothing_and_frees_the_id() {
    let server = Fixtures::default();
    let (cancelled, running) = (Arc::clone(&server.cancelled), Arc::clone(&server.running));
    let mut talk = Talk::new(server, Limits::default());
    talk.line(&request("1", "tools/call", "\"name\":\"wait\""));
    while running.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    talk.line(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"enough"}}"#);
    talk.line(&request("1", "tools/call", "\"name\":\"echo\""));
    let answer = talk.next();
    assert_eq!((&answer["id"], &answer["result"]["structuredContent"]), (&json!(1), &json!({})));
    let (rest, _) = talk.end();
    assert_eq!((rest, cancelled.load(Ordering::SeqCst)), (Vec::new(), 1));
}

#[test]
fn progress_grows_carries_the_token_and_ends_with_the_answer() {
    for token in ["\"t\"", "7", "123456789012345678901234567890"] {
        let params = format!("\"name\":\"progress\",\"_meta\":{{\"progressToken\":{token}}}");
        let mut talk = talk();
        talk.line(&request("1", "tools/call", &params));
        let mut lines = Vec::new();
        while lines.len() < 4 {
            lines.push(talk.output.next().expect("more").expect("a line"));
        }
        assert!(lines[..3].iter().all(|line| line.contains(&format!("\"progressToken\":{token},"))), "{lines:?}");
        let steps: Vec<f64> = lines[..3]
            .iter()
            .map(|line| {
                serde_json::from_str::<Value>(line).expect("JSON")["params"]["progress"].as_f64().expect("a number")
            })
            .collect();
        assert_eq!(steps, [1.0, 2.0, 3.5]);
        assert!(lines[3].contains("\"id\":1"), "{lines:?}");
        let (rest, _) = talk.end();
        assert_eq!(rest, Vec::<Value>::new());
    }
}

#[test]
fn a_result_with_line_breaks_is_one_line() {
    let answer = one(&request("1", "tools/call", "\"name\":\"lines\""));
    assert_eq!(answer["result"]["content"][0]["text"], "x");
    assert_eq!(answer["result"]["isError"], true);
}

/// What a client may be asked that declares this: to open an address, and to say yes.
fn may_be_asked(version: &str, capabilities: &str) -> (bool, bool) {
    let is_asked = |tool: &str| {
        let name = format!("\"name\":\"{tool}\"");
        let mut talk = talk();
        if version == "2026-07-28" {
            let meta = META.replace("clientCapabilities\":{}", &format!("clientCapabilities\":{capabilities}"));
            talk.line(&request("1", "tools/call", &format!("{name},{meta}")));
        } else {
            let hello = format!("\"protocolVersion\":\"{version}\",\"capabilities\":{capabilities}");
            talk.line(&request("0", "initialize", &hello));
            talk.next();
            talk.line(&request("1", "tools/call", &name));
        }
        talk.next()["result"]["structuredContent"] != "cannot"
    };
    (is_asked("ask"), is_asked("confirm"))
}

#[test]
fn a_client_is_asked_only_what_it_declared_and_each_thing_for_itself() {
    for (capabilities, first, second, modern) in [
        ("{}", (false, false), (false, false), (false, false)),
        (r#"{"elicitation":{}}"#, (false, true), (false, true), (false, true)),
        (r#"{"elicitation":{"form":{}}}"#, (false, true), (false, true), (false, true)),
        (r#"{"elicitation":{"applyDefaults":true}}"#, (false, true), (false, true), (false, true)),
        (r#"{"elicitation":{"url":{}}}"#, (false, false), (true, false), (true, false)),
        (r#"{"elicitation":{"form":{},"url":{}}}"#, (false, true), (true, true), (true, true)),
        (r#"{"elicitation":{"form":true}}"#, (false, false), (false, false), (false, false)),
        (r#"{"elicitation":null}"#, (false, false), (false, false), (false, false)),
        (r#"{"elicitation":[]}"#, (false, false), (false, false), (false, false)),
    ] {
        for version in ["2024-11-05", "2025-03-26"] {
            assert_eq!(may_be_asked(version, capabilities), (false, false), "{version} {capabilities}");
        }
        assert_eq!(may_be_asked("2025-06-18", capabilities), first, "2025-06-18 {capabilities}");
        assert_eq!(may_be_asked("2025-11-25", capabilities), second, "2025-11-25 {capabilities}");
        assert_eq!(may_be_asked("2026-07-28", capabilities), modern, "2026-07-28 {capabilities}");
    }
    for tool in ["ask", "confirm"] {
        let call = one(&request("1", "tools/call", &format!("\"name\":\"{tool}\"")));
        assert_eq!(call["result"]["structuredContent"], "cannot", "before the handshake");
    }
}

/// What a client may answer to a question, and what it means.
const ANSWERS: [(&str, &str); 12] = [
    (r#"{"action":"accept"}"#, "Accepted"),
    (r#"{"action":"accept","content":{}}"#, "Accepted"),
    (r#"{"action":"accept","content":null}"#, "Accepted"),
    (r#"{"action":"accept","content":{"agree":true}}"#, "Accepted"),
    (r#"{"action":"accept","content":{"agree":false}}"#, "Declined"),
    (r#"{"action":"accept","content":{"agree":"no"}}"#, "Declined"),
    (r#"{"action":"decline","content":{"agree":true}}"#, "Declined"),
    (r#"{"action":"decline"}"#, "Declined"),
    (r#"{"action":"cancel"}"#, "Cancelled"),
    (r#"{"action":"ACCEPT"}"#, "Cancelled"),
    (r#"{"action":true}"#, "Cancelled"),
    ("[]", "Cancelled"),
];

/// A legacy client that can be asked for a yes, in a call that asks; and the question.
fn asked_for_a_yes() -> (Talk, Value) {
    let mut talk = talk();
    talk.line(&request("0", "initialize", r#""protocolVersion":"2025-06-18","capabilities":{"elicitation":{}}"#));
    talk.next();
    talk.line(&request("1", "tools/call", "\"name\":\"confirm\""));
    let question = talk.next();
    assert_eq!(question["method"], "elicitation/create");
    (talk, question)
}

fn form() -> Value {
    let schema = json!({"type": "object", "properties": {"agree": {"type": "boolean", "title": "Do this"}}});
    json!({"mode": "form", "message": "Do it?", "requestedSchema": schema})
}

#[test]
fn a_legacy_client_is_asked_for_a_yes_in_the_middle_of_the_call() {
    let error = r#""error":{"code":-32601,"message":"no"}"#;
    let both = format!("{error},\"result\":{{\"action\":\"accept\"}}");
    let errors = [(error.to_owned(), "Cancelled"), (both, "Cancelled")];
    let results = ANSWERS.map(|(answer, expected)| (format!("\"result\":{answer}"), expected));
    for (reply, expected) in errors.into_iter().chain(results) {
        let (mut talk, question) = asked_for_a_yes();
        assert_eq!(question["params"], form());
        talk.line(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{},{reply}}}", question["id"]));
        assert_eq!(talk.next()["result"]["structuredContent"], expected, "{reply}");
    }
}

#[test]
fn an_answer_that_nobody_asked_for_answers_nothing() {
    let accept = |id: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"action\":\"accept\"}}}}");
    let mut talk = talk();
    talk.line(&request("0", "initialize", r#""protocolVersion":"2025-06-18","capabilities":{"elicitation":{}}"#));
    talk.next();
    // Before the question, and for every id that a question may come to have.
    for id in ["\"keyward-1\"", "\"keyward-2\"", "1", "0"] {
        talk.line(&accept(id));
    }
    talk.line(&request("1", "tools/call", "\"name\":\"confirm\""));
    let question = talk.next();
    for id in ["\"keyward-0\"", "\"keyward-99\"", "1", "\"1\""] {
        talk.line(&accept(id));
    }
    talk.line(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"action\":\"decline\"}}}}", question["id"]));
    assert_eq!(talk.next()["result"]["structuredContent"], "Declined");
    // A second answer to a question that was answered.
    talk.line(&accept(&question["id"].to_string()));
    talk.line(&request("2", "ping", ""));
    assert_eq!(talk.next()["id"], 2);
}

#[test]
fn a_modern_client_is_asked_for_a_yes_by_the_result() {
    let meta = META.replace("clientCapabilities\":{}", "clientCapabilities\":{\"elicitation\":{\"form\":{}}}");
    let result = one(&request("1", "tools/call", &format!("\"name\":\"confirm\",{meta}")))["result"].clone();
    assert_eq!(result["resultType"], "input_required");
    assert_eq!(result["inputRequests"], json!({"yes": {"method": "elicitation/create", "params": form()}}));
    for (answer, expected) in ANSWERS {
        let again = format!("\"name\":\"confirm\",\"inputResponses\":{{\"yes\":{answer}}},{meta}");
        let result = one(&request("2", "tools/call", &again))["result"].clone();
        assert_eq!(result["structuredContent"], expected, "{answer}");
    }
}

#[test]
fn a_legacy_client_is_asked_in_the_middle_of_the_call() {
    for (reply, expected) in [
        (r#""result":{"action":"accept"}"#, "Accepted"),
        (r#""result":{"action":"decline"}"#, "Declined"),
        (r#""result":{"action":"cancel"}"#, "Cancelled"),
        (r#""result":{}"#, "Cancelled"),
        (r#""error":{"code":-32601,"message":"no"}"#, "Cancelled"),
    ] {
        let mut talk = talk();
        let capabilities = r#""protocolVersion":"2025-11-25","capabilities":{"elicitation":{"form":{},"url":{}}}"#;
        talk.line(&request("0", "initialize", capabilities));
        talk.next();
        talk.line(&request("1", "tools/call", "\"name\":\"ask\""));
        let question = talk.next();
        assert_eq!(question["method"], "elicitation/create");
        let params =
            json!({"mode": "url", "message": "sign in", "url": "https://example.com/a", "elicitationId": "e1"});
        assert_eq!(question["params"], params);
        talk.line(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{},{reply}}}", question["id"]));
        let mut rest = [talk.next(), talk.next()];
        rest.sort_by_key(|message| message.get("id").is_some());
        assert_eq!(rest[0]["method"], "notifications/elicitation/complete");
        assert_eq!(rest[1]["result"]["structuredContent"], expected);
    }
}

#[test]
fn a_modern_client_is_asked_by_the_result_and_comes_again_with_the_answer() {
    let meta = META.replace("clientCapabilities\":{}", "clientCapabilities\":{\"elicitation\":{\"url\":{}}}");
    let result = one(&request("1", "tools/call", &format!("\"name\":\"ask\",{meta}")))["result"].clone();
    assert_eq!(result["resultType"], "input_required");
    let params = json!({"mode": "url", "message": "sign in", "url": "https://example.com/a"});
    assert_eq!(result["inputRequests"], json!({"login": {"method": "elicitation/create", "params": params}}));
    assert!(result.get("content").is_none() && result.get("ttlMs").is_none(), "{result}");
    let again = format!("\"name\":\"ask\",\"inputResponses\":{{\"login\":{{\"action\":\"accept\"}}}},{meta}");
    let result = one(&request("2", "tools/call", &again))["result"].clone();
    assert_eq!(result["structuredContent"], json!({"login": {"action": "accept"}}));
}

#[test]
fn calls_still_running_at_the_end_get_a_moment_and_then_end() {
    let server = Fixtures::default();
    let cancelled = Arc::clone(&server.cancelled);
    let mut talk = Talk::new(server, Limits { grace: Duration::from_millis(20), ..Limits::default() });
    talk.line(&request("1", "tools/call", "\"name\":\"wait\""));
    talk.line(&request("2", "ping", ""));
    talk.next();
    let (rest, ending) = talk.end();
    assert_eq!((rest, ending, cancelled.load(Ordering::SeqCst)), (Vec::new(), Ending::InputEnded, 1));
}

#[test]
fn a_reader_that_went_away_ends_the_process() {
    let (reads, mut input) = std::io::pipe().expect("a pipe");
    let (output, writes) = std::io::pipe().expect("a pipe");
    drop(output);
    let serving = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let server = Arc::new(Fixtures::default());
        runtime.block_on(run(direct(reads, writes), identity(), server, Limits::default()))
    });
    input.write_all(request("1", "ping", "\n").as_bytes()).expect("written");
    assert_eq!(serving.join().expect("no panic"), Ending::OutputClosed);
    drop(input);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_end_the_process(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        bytes.extend_from_slice(b"\n");
        bytes.extend_from_slice(request("\"last\"", "ping", "").as_bytes());
        let all = answers(&bytes);
        prop_assert_eq!(all.last().map(|answer| answer["id"].clone()), Some(json!("last")));
    }

    #[test]
    fn every_request_gets_exactly_one_answer(count in 1_usize..40, kinds in prop::collection::vec(0_usize..5, 40)) {
        let lines: Vec<String> = (0..count).map(|id| {
            let id = id.to_string();
            match kinds[id.parse::<usize>().expect("a number")] {
                0 => request(&id, "ping", ""),
                1 => request(&id, "tools/call", "\"name\":\"echo\""),
                2 => request(&id, "tools/call", META),
                3 => request(&id, "nonsense", META),
                _ => request(&id, "tools/call", "\"name\":\"panic\""),
            }
        }).collect();
        let mut ids: Vec<u64> = answers(lines.join("\n")).iter().filter_map(|answer| answer["id"].as_u64()).collect();
        ids.sort_unstable();
        prop_assert_eq!(ids, (0..count as u64).collect::<Vec<_>>());
    }
}
