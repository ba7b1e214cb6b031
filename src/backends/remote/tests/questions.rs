//! What a server asks in the middle of a request, in both eras: who is asked, what is refused, and what is sent again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::backends::Boxed;
use crate::backends::host::{Asked, Entry, Host as Caller, Link, Question, Takes, Unanswered};

const ALL: Takes = Takes { form: true, url: true, sampling: true, sampling_tools: false, sampling_context: false };

/// A person and a model who answer at once, and remember what they were asked.
struct Person {
    takes: Takes,
    answer: Result<&'static str, i64>,
    asked: Mutex<Vec<Value>>,
    logged: Mutex<Vec<String>>,
}

impl Person {
    fn new(takes: Takes, answer: Result<&'static str, i64>) -> Arc<Self> {
        Arc::new(Self { takes, answer, asked: Mutex::default(), logged: Mutex::default() })
    }

    fn asked(&self) -> Vec<Value> {
        self.asked.lock().expect("a healthy lock").clone()
    }
}

struct Line(Arc<Person>);

impl Link for Line {
    fn takes(&self) -> Takes {
        self.0.takes
    }
    fn ask(&self, question: Question, _: Duration) -> Boxed<'static, Result<Box<RawValue>, Unanswered>> {
        let params: Value = serde_json::from_str(question.params.get()).expect("JSON");
        let to = if question.to == Asked::Person { "person" } else { "model" };
        self.0.asked.lock().expect("a healthy lock").push(json!({ to: params }));
        let answer = self.0.answer;
        Box::pin(async move {
            match answer {
                Ok(text) => Ok(RawValue::from_string(text.to_owned()).expect("JSON")),
                Err(code) => Err(Unanswered { code, message: "no".to_owned() }),
            }
        })
    }
    fn level(&self) -> Option<&'static str> {
        Some("warning")
    }
    fn log(&self, entry: Entry) {
        self.0.logged.lock().expect("a healthy lock").push(format!("{} {}", entry.level, entry.data));
    }
    fn completed(&self, id: &str) {
        self.0.logged.lock().expect("a healthy lock").push(format!("completed {id}"));
    }
}

/// Everything that arrived.
type Record = Arc<Mutex<Vec<Value>>>;

/// A server that discovers in one of the eras, and answers calls with `call`.
fn server(
    modern: bool,
    call: impl Fn(&Value, &[Value]) -> Reply + Send + Sync + 'static,
) -> (Host, Connection, Record) {
    let record = Record::default();
    let seen = Arc::clone(&record);
    let host = Host::answering(move |request| {
        let asked: Value =
            serde_json::from_slice(request.body()).unwrap_or_else(|_| json!({"method": request.method().as_str()}));
        let before = {
            let mut seen = seen.lock().expect("a healthy lock");
            seen.push(asked.clone());
            seen.clone()
        };
        let answer =
            |result: Value| fake::json(StatusCode::OK, &json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}));
        let capabilities = json!({"tools": {}, "logging": {}});
        match asked["method"].as_str() {
            Some("server/discover") if modern => {
                answer(json!({"supportedVersions": ["2026-07-28"], "capabilities": capabilities}))
            }
            Some("server/discover") => fake::empty(StatusCode::BAD_REQUEST),
            Some("initialize") => {
                let id = before.iter().filter(|seen| seen["method"] == "initialize").count();
                let result = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities});
                let mut reply = answer(result);
                reply.headers_mut().insert("mcp-session-id", id.to_string().parse().expect("a value"));
                reply
            }
            Some("tools/call") => call(&asked, &before),
            Some("GET") => fake::empty(StatusCode::METHOD_NOT_ALLOWED),
            _ => fake::empty(StatusCode::ACCEPTED),
        }
    });
    let connection = connection(host.at("/mcp"), Way::None, Tokens::new(None, None));
    (host, connection, record)
}

fn by(person: &Arc<Person>) -> Caller {
    Caller::by(Line(Arc::clone(person)))
}

async fn called(peer: &Arc<Peer>, host: Caller) -> Result<Output, Error> {
    peer.call(ToolCall { host, ..plain(&Map::new(), Progress::default()) }).await
}

fn result(asked: &Value, result: Value) -> Reply {
    fake::json(StatusCode::OK, &json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}))
}

/// A stream of these messages that ends with the answer, once a message without a method has come for each `wait`.
fn stream(asked: &Value, messages: Vec<Value>, record: Record, wait: &'static [&'static str]) -> Reply {
    let text: String = messages.iter().map(|message| format!("data: {message}\n\n")).collect();
    let last = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"content": []}});
    let last = std::iter::once_with(move || {
        let answered = |id: &str| {
            let record = record.lock().expect("a healthy lock");
            record.iter().any(|seen| seen["id"] == id && seen.get("method").is_none())
        };
        while !wait.iter().all(|id| answered(id)) {
            std::thread::yield_now();
        }
        format!("data: {last}\n\n").into_bytes()
    });
    let mut reply = Reply::new(fake::pieces(std::iter::once(text.into_bytes()).chain(last)));
    reply.headers_mut().insert("content-type", "text/event-stream".parse().expect("a value"));
    reply
}

fn form() -> Value {
    json!({"message": "Your\u{202e} name?", "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}})
}

fn question(id: &str, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn answer_of(record: &Record, id: &str) -> Value {
    let record = record.lock().expect("a healthy lock");
    record.iter().find(|seen| seen["id"] == id && seen.get("method").is_none()).expect("an answer").clone()
}

/// Calls a legacy server that asks these questions.
async fn legacy(person: &Arc<Person>, messages: Vec<Value>, wait: &'static [&'static str]) -> (Record, Vec<Value>) {
    let slot: Arc<std::sync::OnceLock<Record>> = Arc::default();
    let known = Arc::clone(&slot);
    let (_host, connection, record) = server(false, move |asked, _| {
        stream(asked, messages.clone(), Arc::clone(known.get().expect("a record")), wait)
    });
    slot.get_or_init(|| Arc::clone(&record));
    called(&Peer::new(connection), by(person)).await.expect("an answer");
    let asked = person.asked();
    (record, asked)
}

#[tokio::test]
async fn a_legacy_server_asks_the_host_of_the_call_and_gets_its_answer() {
    let person = Person::new(ALL, Ok(r#"{"action":"accept","content":{"name":"x"}}"#));
    let model =
        json!({"messages": [], "maxTokens": 1_000_000, "systemPrompt": "Be brief.", "includeContext": "allServers"});
    let messages = vec![
        question("q1", "elicitation/create", form()),
        question("q1", "elicitation/create", form()),
        question("q2", "sampling/createMessage", model),
        question("q3", "roots/list", json!({})),
        question("q4", "ping", json!({})),
    ];
    let (record, asked) = legacy(&person, messages, &["q1", "q2", "q3", "q4"]).await;
    assert_eq!(asked.len(), 2, "what is sent twice is asked once: {asked:?}");
    let message = asked[0]["person"]["message"].as_str().expect("a message");
    assert!(message.starts_with("[from the MCP server 127.0.0.1:") && message.ends_with("] Your name?"), "{message}");
    assert_eq!(asked[1]["model"]["maxTokens"], 32_768);
    assert!(asked[1]["model"].get("includeContext").is_none());
    assert!(asked[1]["model"]["systemPrompt"].as_str().expect("a text").starts_with("[from the MCP server "));
    assert_eq!(answer_of(&record, "q1")["result"]["content"]["name"], "x");
    assert_eq!(answer_of(&record, "q3")["error"]["code"], -32601);
    assert_eq!(answer_of(&record, "q4")["result"], json!({}));
    let record = record.lock().expect("a healthy lock");
    let declared = record.iter().find(|seen| seen["method"] == "initialize").expect("a beginning");
    assert_eq!(declared["params"]["capabilities"], json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}}));
}

#[tokio::test]
async fn what_should_not_be_asked_is_refused_without_asking() {
    let person = Person::new(ALL, Ok("{}"));
    let url = |url: &str| json!({"mode": "url", "message": "m", "url": url, "elicitationId": "e"});
    let many: Map<String, Value> = (0..200).map(|n| (n.to_string(), json!({"type": "string"}))).collect();
    let odd = |schema: Value| json!({"message": "m", "requestedSchema": schema});
    let bad = [
        url("http://far.example/"),
        // What listens on this machine is no business of a server elsewhere.
        url("http://127.0.0.1:80/x"),
        url("https://localhost/x"),
        url("https://bank.example@evil.example/"),
        url("javascript:alert(1)"),
        url("nonsense"),
        json!({"mode": "telepathy", "message": "m"}),
        json!({"requestedSchema": {"type": "object", "properties": {}}}),
        odd(json!({"type": "array"})),
        odd(json!({"type": "object", "properties": {"a": {"type": "object"}}})),
        odd(json!({"type": "object", "properties": many})),
        json!({"message": "x".repeat(200_000), "requestedSchema": {"type": "object", "properties": {}}}),
        json!([]),
    ];
    for params in bad {
        let params = serde_json::value::to_raw_value(&params).expect("JSON");
        let refused = question::of("h", ALL, "elicitation/create", Some(&params));
        let shown: String = params.get().chars().take(100).collect();
        assert!(refused.is_err(), "{shown}");
    }
    for (from, good) in [
        ("h", url("https://h.example/a?b")),
        ("127.0.0.1:9", url("http://127.0.0.1:80/x")),
        ("[::1]:9", url("https://localhost/x")),
        ("h", form()),
    ] {
        let params = serde_json::value::to_raw_value(&good).expect("JSON");
        assert!(question::of(from, ALL, "elicitation/create", Some(&params)).is_ok(), "{good}");
        assert!(question::of("h", Takes::default(), "elicitation/create", Some(&params)).is_err(), "nobody to ask");
    }
    for bad in [
        json!({"messages": 5, "maxTokens": 5}),
        json!({"messages": []}),
        json!({"messages": [], "maxTokens": -1}),
        json!({"messages": [], "maxTokens": 1, "tools": []}),
        json!({"messages": ["x".repeat(2 << 20)], "maxTokens": 1}),
    ] {
        let params = serde_json::value::to_raw_value(&bad).expect("JSON");
        assert!(question::of("h", ALL, "sampling/createMessage", Some(&params)).is_err());
    }
    assert!(question::of("h", ALL, "roots/list", None).is_err() && person.asked().is_empty());
}

#[tokio::test]
async fn one_request_may_not_ask_without_end() {
    let person = Person::new(ALL, Ok(r#"{"action":"decline"}"#));
    let messages: Vec<Value> =
        (0..40).map(|number| question(&format!("q{number}"), "elicitation/create", form())).collect();
    let (record, asked) = legacy(&person, messages, &["q0", "q39"]).await;
    assert_eq!(asked.len(), 20);
    assert_eq!(answer_of(&record, "q39")["error"]["code"], -32600);
}

#[tokio::test]
async fn hosts_that_take_other_things_have_sessions_of_their_own() {
    let (_host, connection, record) = server(false, |asked, _| result(asked, json!({"content": []})));
    let peer = Peer::new(connection);
    let (one, other) = (Person::new(ALL, Ok("{}")), Person::new(Takes { form: true, ..Takes::default() }, Ok("{}")));
    for person in [&one, &other, &one, &other] {
        called(&peer, by(person)).await.expect("an answer");
    }
    called(&peer, Caller::default()).await.expect("an answer");
    let record = record.lock().expect("a healthy lock");
    let declared: Vec<&Value> = record
        .iter()
        .filter(|seen| seen["method"] == "initialize")
        .map(|seen| &seen["params"]["capabilities"])
        .collect();
    let all = [
        json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}}),
        json!({"elicitation": {"form": {}}}),
        json!({}),
    ];
    assert_eq!(declared, all.iter().collect::<Vec<_>>());
}

fn rounds(calls: &[Value]) -> Vec<Value> {
    calls.iter().filter(|seen| seen["method"] == "tools/call").cloned().collect()
}

#[tokio::test]
async fn a_modern_server_gets_the_answers_and_its_state_back() {
    for (answer, expected) in [
        (Ok(r#"{"action":"accept","content":{}}"#), "accept"),
        (Ok(r#"{"action":"decline"}"#), "decline"),
        (Err(-1), "cancel"),
    ] {
        let person = Person::new(ALL, answer);
        let (_host, connection, record) = server(true, |asked, _| match asked["params"].get("inputResponses") {
            None => result(
                asked,
                json!({"resultType": "input_required", "requestState": "sealed", "inputRequests": {
                    "a": {"method": "elicitation/create", "params": form()},
                    "b": {"method": "elicitation/create", "params": form()},
                }}),
            ),
            Some(_) => result(asked, json!({"resultType": "complete", "content": []})),
        });
        called(&Peer::new(connection), by(&person)).await.expect("an answer");
        let calls = rounds(&record.lock().expect("a healthy lock"));
        assert_eq!((calls.len(), person.asked().len()), (2, 2));
        let meta = &calls[0]["params"]["_meta"];
        assert_eq!(
            meta["io.modelcontextprotocol/clientCapabilities"],
            json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}})
        );
        assert_eq!(meta["io.modelcontextprotocol/logLevel"], "warning");
        assert_eq!(calls[1]["params"]["requestState"], "sealed");
        assert_eq!(calls[1]["params"]["inputResponses"]["a"]["action"], expected);
        assert_eq!(calls[1]["params"]["inputResponses"]["b"]["action"], expected);
        assert_ne!(calls[0]["id"], calls[1]["id"]);
    }
}

#[tokio::test]
async fn questions_that_never_end_or_were_not_offered_end_the_call() {
    type Case = (fn() -> Value, usize, &'static str);
    let cases: [Case; 7] = [
        (
            || json!({"requestState": "s", "inputRequests": {"a": {"method": "elicitation/create", "params": form()}}}),
            11,
            "its questions never end",
        ),
        (|| json!({}), 1, "it wants to know something and does not say what"),
        (
            || json!({"inputRequests": {"a": {"method": "elicitation/create", "params": form()}, "b": {"method": "roots/list"}}}),
            1,
            "it asks for `roots/list`, which was not offered",
        ),
        (|| json!({"inputRequests": 5}), 1, "it asks in a form that cannot be read"),
        (
            || json!({"inputRequests": (0..17).map(|n| (n.to_string(), json!({"method": "elicitation/create"}))).collect::<Map<_, _>>()}),
            1,
            "it asks too much at once",
        ),
        (|| json!({"requestState": "x".repeat(2 << 20)}), 1, "it wants too much back"),
        (
            || json!({"inputRequests": {"a": {"method": "sampling/createMessage", "params": {}}}}),
            1,
            "it asks the model, which does not answer: the question has no messages or no `maxTokens`",
        ),
    ];
    for (members, count, expected) in cases {
        let person = Person::new(ALL, Ok(r#"{"action":"accept"}"#));
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let (_host, connection, _) = server(true, move |asked, _| {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut members = members();
            members["resultType"] = json!("input_required");
            result(asked, members)
        });
        let outcome = called(&Peer::new(connection), by(&person)).await;
        assert!(matches!(&outcome, Err(Error::Protocol { cause, .. }) if cause == expected), "{expected}: {outcome:?}");
        assert_eq!(calls.load(Ordering::SeqCst), count, "{expected}");
        assert!(count > 1 || person.asked().is_empty(), "nobody is asked in vain");
    }
}

#[tokio::test]
async fn a_round_is_not_sent_again_in_another_era() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    // While the person is asked, another program takes the place of the server.
    let host = Host::answering(move |request| {
        let asked: Value = serde_json::from_slice(request.body()).expect("JSON");
        match (asked["method"].as_str(), counted.load(Ordering::SeqCst)) {
            (Some("server/discover"), 0) => {
                result(&asked, json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}))
            }
            (Some("initialize"), _) => {
                result(&asked, json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}}))
            }
            (Some("tools/call"), before) => {
                counted.store(before + 1, Ordering::SeqCst);
                match before {
                    0 => result(&asked, json!({"resultType": "input_required", "requestState": "s"})),
                    1 => fake::empty(StatusCode::BAD_REQUEST),
                    _ => result(&asked, json!({"content": []})),
                }
            }
            _ => fake::empty(StatusCode::BAD_REQUEST),
        }
    });
    let peer = Peer::new(connection(host.at("/mcp"), Way::None, Tokens::new(None, None)));
    assert!(called(&peer, Caller::default()).await.is_err());
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn logs_of_a_call_reach_its_host_and_the_server_is_told_how_much_once() {
    let person = Person::new(ALL, Ok("{}"));
    let log = |data: Value| json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "error", "data": data}});
    let messages = vec![
        log(json!({"a": 1})),
        log(json!("x".repeat(100_000))),
        json!({"method": "notifications/message", "params": 5}),
    ];
    let slot: Arc<std::sync::OnceLock<Record>> = Arc::default();
    let known = Arc::clone(&slot);
    let (_host, connection, record) =
        server(false, move |asked, _| stream(asked, messages.clone(), Arc::clone(known.get().expect("a record")), &[]));
    slot.get_or_init(|| Arc::clone(&record));
    let peer = Peer::new(connection);
    for _ in 0..2 {
        called(&peer, by(&person)).await.expect("an answer");
    }
    let logged = person.logged.lock().expect("a healthy lock").clone();
    assert_eq!(logged.len(), 4);
    assert_eq!(logged[0], r#"error {"a":1}"#);
    assert!(logged[1].len() < 5_000);
    let record = record.lock().expect("a healthy lock");
    let told: Vec<&Value> = record.iter().filter(|seen| seen["method"] == "logging/setLevel").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["params"]["level"], "warning");
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_person_counts_against_no_limit() {
    let talk = talk::Talk::new(Caller::default());
    let second = Duration::from_secs(1);
    let sleep = |seconds: u32| tokio::time::sleep(second * seconds);
    assert_eq!(talk.within(second * 10, sleep(9)).await, Some(()));
    assert_eq!(talk.within(second * 10, sleep(11)).await, None);
    let asked = async {
        sleep(5).await;
        let open = talk.opened().expect("a question");
        sleep(500).await;
        drop(open);
        sleep(4).await;
    };
    assert_eq!(talk.within(second * 10, asked).await, Some(()));
    let asked = async {
        drop(talk.opened().expect("a question"));
        sleep(500).await;
    };
    assert_eq!(talk.within(second * 10, asked).await, None);
}

#[tokio::test]
async fn a_question_holds_no_place_among_what_runs() {
    let places = Arc::new(tokio::sync::Semaphore::new(1));
    let talk = talk::Talk::new(Caller::default());
    talk.take(&places).await;
    assert_eq!(places.available_permits(), 0);
    let open = talk.opened().expect("a question");
    assert_eq!(places.available_permits(), 1);
    talk.take_again(&places).await;
    assert_eq!(places.available_permits(), 1, "while it is open");
    drop(open);
    talk.take_again(&places).await;
    assert_eq!(places.available_permits(), 0);
    drop(talk);
    assert_eq!(places.available_permits(), 1);
}

#[tokio::test]
async fn a_refusal_for_pages_leads_the_person_there_and_the_call_is_made_once_more() {
    let page = |url: &str| json!({"mode": "url", "message": "Pay", "url": url, "elicitationId": "e1"});
    let fine = vec![page("https://pay.example/")];
    let accepts = Ok(r#"{"action":"accept"}"#);
    for (takes, says, pages, refusals, (calls, asked, is_done)) in [
        (ALL, accepts, fine.clone(), 1, (2, 1, true)),
        (ALL, accepts, fine.clone(), 9, (2, 1, false)),
        (ALL, Ok(r#"{"action":"decline"}"#), fine.clone(), 1, (1, 1, false)),
        (ALL, Err(-32603), fine.clone(), 1, (1, 1, false)),
        (Takes { url: false, ..ALL }, accepts, fine.clone(), 1, (1, 0, false)),
        (ALL, accepts, vec![fine[0].clone(), page("http://pay.example/")], 1, (1, 1, false)),
        (ALL, accepts, vec![json!("https://pay.example/")], 1, (1, 0, false)),
        (ALL, accepts, vec![], 1, (1, 0, false)),
    ] {
        let person = Person::new(takes, says);
        let told = pages.clone();
        let (_host, connection, record) = server(false, move |asked, before| {
            match before.iter().filter(|seen| seen["method"] == "tools/call").count() > refusals {
                true => result(asked, json!({"content": []})),
                false => {
                    let error = json!({"code": -32042, "message": "pay first", "data": {"elicitations": told.clone()}});
                    fake::json(StatusCode::OK, &json!({"jsonrpc": "2.0", "id": asked["id"], "error": error}))
                }
            }
        });
        let outcome = called(&Peer::new(connection), by(&person)).await;
        let sent = record.lock().expect("a healthy lock").iter().filter(|seen| seen["method"] == "tools/call").count();
        assert_eq!((sent, person.asked().len(), outcome.is_ok()), (calls, asked, is_done), "{pages:?} {outcome:?}");
        if let Some(shown) = person.asked().first() {
            assert_eq!(
                (&shown["person"]["url"], &shown["person"]["elicitationId"]),
                (&json!("https://pay.example/"), &json!("e1"))
            );
            assert!(shown["person"]["message"].as_str().is_some_and(|text| text.contains("127.0.0.1")), "{shown}");
        }
    }
}

#[tokio::test]
async fn that_a_page_is_done_is_told_to_the_host_that_was_led_there() {
    let person = Person::new(ALL, Ok(r#"{"action":"accept"}"#));
    let page = json!({"mode": "url", "message": "m", "url": "https://h.example/", "elicitationId": "e1"});
    let done =
        |params: Value| json!({"jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": params});
    let messages = vec![
        question("q", "elicitation/create", page),
        done(json!({"elicitationId": "e\u{202e}1"})),
        done(json!({"elicitationId": 5})),
    ];
    let (_, asked) = legacy(&person, messages, &["q"]).await;
    assert_eq!(asked.len(), 1);
    assert_eq!(*person.logged.lock().expect("a healthy lock"), ["completed e1"]);
}

#[tokio::test]
async fn a_call_is_made_again_for_a_forgotten_session_and_not_for_a_tool_that_speaks_of_one() {
    for (says, calls) in [
        ("Bad Request: No valid session ID provided", 2),
        ("Session not found", 2),
        ("Bad Request: Server not initialized", 2),
        ("closing session 7 failed", 1),
        ("the _meta of the picture is damaged", 1),
    ] {
        let person = Person::new(ALL, Ok("{}"));
        let (_host, connection, record) = server(false, move |asked, before| {
            match before.iter().filter(|seen| seen["method"] == "tools/call").count() {
                1 => {
                    let error = json!({"code": -32000, "message": says});
                    fake::json(StatusCode::BAD_REQUEST, &json!({"jsonrpc": "2.0", "id": asked["id"], "error": error}))
                }
                _ => result(asked, json!({"content": []})),
            }
        });
        let outcome = called(&Peer::new(connection), by(&person)).await;
        let sent = record.lock().expect("a healthy lock").iter().filter(|seen| seen["method"] == "tools/call").count();
        assert_eq!((sent, outcome.is_ok()), (calls, calls == 2), "{says}: {outcome:?}");
    }
}
