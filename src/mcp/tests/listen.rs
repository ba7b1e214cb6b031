//! What is heard outside of requests: changes of lists and resources, by subscriptions of both eras.

use super::features::everything;
use super::*;

/// What the server does about an address.
pub(super) async fn answer(uri: String, wanted: bool, gate: Arc<Notify>) -> Result<(), ReadError> {
    match uri.as_str() {
        "test://none" => Err(ReadError::NotFound { uri, why: "there is none".into() }),
        "test://down" => Err(ReadError::Failed("it is down".into())),
        "test://panic" => panic!("the server panics"),
        "test://slow" if wanted => {
            gate.notified().await;
            Ok(())
        }
        "test://lame" if !wanted => {
            gate.notified().await;
            Ok(())
        }
        "test://never" => std::future::pending().await,
        _ => Ok(()),
    }
}

/// Tells what the arguments say, as often as they say.
pub(super) fn tell(news: &NewsSender, arguments: &Map<String, Value>) {
    let times = arguments.get("times").and_then(Value::as_u64).unwrap_or(1);
    let words = |name: &str| arguments.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    for _ in 0..times {
        for kind in words("changed") {
            news.tell(News::Changed(match kind.as_str() {
                Some("tools") => Kind::Tools,
                Some("prompts") => Kind::Prompts,
                Some("templates") => Kind::Templates,
                _ => Kind::Resources,
            }));
        }
        for uri in words("updated") {
            news.tell(News::Updated(uri.as_str().expect("a text").to_owned()));
        }
    }
}

/// A conversation, and what the server heard.
struct Hall {
    talk: Talk,
    heard: Arc<Mutex<Vec<String>>>,
    news: Arc<OnceLock<NewsSender>>,
    gate: Arc<Notify>,
}

impl Hall {
    fn of(server: Fixtures, limits: Limits, stands: bool) -> Self {
        let (heard, news, gate) = (Arc::clone(&server.heard), Arc::clone(&server.news), Arc::clone(&server.gate));
        Self { talk: Talk::timed(server, limits, stands), heard, news, gate }
    }

    fn new() -> Self {
        Self::of(everything(), Limits::default(), false)
    }

    fn ask(&mut self, id: &str, method: &str, params: &str) -> Value {
        self.talk.line(&request(id, method, params));
        self.talk.next()
    }

    fn hello(&mut self) {
        self.ask("0", "initialize", "\"protocolVersion\":\"2025-11-25\"");
        self.heard.lock().expect("unpoisoned").retain(|heard| heard != "info");
    }

    /// Sends a listening request; returns what was granted.
    fn listen(&mut self, id: &str, filter: &Value) -> Value {
        self.talk.line(&listening(id, filter));
        let first = self.talk.next();
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
        assert_eq!(first["params"]["_meta"], marked(id), "{first}");
        first["params"]["notifications"].clone()
    }

    fn cancel(&mut self, id: &str) {
        let params = format!("{{\"requestId\":{id}}}");
        self.talk.line(&format!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{params}}}"));
    }

    fn tell(&self, what: Value) {
        tell(self.news.get().expect("a sender"), what.as_object().expect("an object"));
    }

    fn ping(&mut self) {
        assert_eq!(self.ask("\"ping\"", "ping", "")["id"], "ping");
    }

    /// Waits until the server has heard so many things; returns them.
    fn hears(&self, count: usize) -> Vec<String> {
        loop {
            let heard = self.heard.lock().expect("unpoisoned").clone();
            if heard.len() >= count {
                return heard;
            }
            std::thread::yield_now();
        }
    }
}

fn listening(id: &str, filter: &Value) -> String {
    request(id, "subscriptions/listen", &format!("\"notifications\":{filter},{META}"))
}

fn marked(id: &str) -> Value {
    let id: Value = serde_json::from_str(id).expect("JSON");
    json!({ "io.modelcontextprotocol/subscriptionId": id })
}

fn note(method: &str, params: Value) -> Value {
    let mut note = json!({ "jsonrpc": "2.0", "method": format!("notifications/{method}") });
    if !params.is_null() {
        note["params"] = params;
    }
    note
}

fn sorted(mut lines: Vec<Value>) -> Vec<Value> {
    lines.sort_by_key(ToString::to_string);
    lines
}

const ALL_KINDS: [&str; 4] = ["tools", "prompts", "resources", "templates"];

#[test]
fn a_legacy_client_hears_of_the_lists_that_were_declared_after_its_handshake() {
    for (features, has_readings, expected) in [
        (everything().features, true, ["tools", "prompts", "resources"].as_slice()),
        (everything().features, false, &["tools"]),
        (Features { list_changed: false, ..everything().features }, true, &[]),
    ] {
        let mut hall = Hall::of(Fixtures { features, has_readings, ..Fixtures::default() }, Limits::default(), false);
        hall.ask("1", "tools/list", META);
        hall.tell(json!({ "changed": ALL_KINDS }));
        hall.ping();
        hall.hello();
        hall.ping();
        hall.tell(json!({ "changed": ALL_KINDS[..3] }));
        for name in expected {
            assert_eq!(hall.talk.next(), note(&format!("{name}/list_changed"), Value::Null));
        }
        assert_eq!(hall.talk.end().0, Vec::<Value>::new());
    }
}

#[test]
fn a_listening_request_is_acknowledged_first_and_hears_what_it_asked_for() {
    let mut hall = Hall::new();
    let asked = json!({"toolsListChanged": true, "promptsListChanged": false, "resourcesListChanged": null, "taskIds": ["x"],
        "resourceSubscriptions": ["test://text", "test://none", "test://é\"", "test://text", "test://panic", "test://down"]});
    let granted = json!({"toolsListChanged": true, "resourceSubscriptions": ["test://text", "test://é\""]});
    assert_eq!(hall.listen("\"l \\\"1\\\"\"", &asked), granted);
    assert_eq!(hall.listen("7", &json!({})), json!({}));
    let meta = marked("\"l \\\"1\\\"\"");
    hall.tell(json!({"changed": ALL_KINDS, "updated": ["test://none", "test://other", "test://text", "test://é\""]}));
    assert_eq!(hall.talk.next(), note("tools/list_changed", json!({ "_meta": meta })));
    for uri in ["test://text", "test://é\""] {
        assert_eq!(hall.talk.next(), note("resources/updated", json!({ "uri": uri, "_meta": meta })));
    }
    assert_eq!(
        sorted(hall.talk.end().0),
        sorted(vec![
            json!({"jsonrpc": "2.0", "id": 7, "result": ended("7")}),
            json!({"jsonrpc": "2.0", "id": "l \"1\"", "result": ended("\"l \\\"1\\\"\"")}),
        ]),
    );
}

/// The result of a request that listened to the end.
fn ended(id: &str) -> Value {
    let mut meta = marked(id);
    meta["io.modelcontextprotocol/serverInfo"] = json!({"name": "fixtures", "title": "Fixtures", "version": "1"});
    json!({"resultType": "complete", "_meta": meta})
}

#[test]
fn what_is_not_offered_is_not_granted() {
    let filter = json!({"toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
        "resourceSubscriptions": ["test://text"]});
    let granted = |features, has_readings| {
        let server = Fixtures { features, has_readings, ..Fixtures::default() };
        let mut hall = Hall::of(server, Limits::default(), false);
        (hall.listen("1", &filter), hall.heard.lock().expect("unpoisoned").len())
    };
    let all = everything().features;
    assert_eq!(granted(all, true), (filter.clone(), 1));
    assert_eq!(granted(all, false), (json!({"toolsListChanged": true}), 0));
    let no_lists = Features { list_changed: false, ..all };
    assert_eq!(granted(no_lists, true), (json!({"resourceSubscriptions": ["test://text"]}), 1));
    let lists = json!({"toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true});
    assert_eq!(granted(Features { subscribe: false, ..all }, true), (lists, 0));
}

#[test]
fn a_filter_of_the_wrong_form_is_wrong_parameters() {
    let mut hall = Hall::new();
    let many: Vec<String> = (0..=1_000).map(|number| number.to_string()).collect();
    for filter in [
        json!(null),
        json!([]),
        json!([true]),
        json!("x"),
        json!({"toolsListChanged": 1}),
        json!({"promptsListChanged": "true"}),
        json!({"resourcesListChanged": []}),
        json!({"resourceSubscriptions": "a"}),
        json!({"resourceSubscriptions": {}}),
        json!({"resourceSubscriptions": [7]}),
        json!({"resourceSubscriptions": [null]}),
        json!({ "resourceSubscriptions": many }),
        json!({"resourceSubscriptions": ["x".repeat(2_049)]}),
    ] {
        hall.talk.line(&listening("1", &filter));
        let answer = hall.talk.next();
        assert_eq!((code(&answer), &answer["id"]), (-32602, &json!(1)), "{filter}");
    }
    assert_eq!(code(&hall.ask("1", "subscriptions/listen", META)), -32602);
    assert_eq!(
        hall.listen("1", &json!({"resourceSubscriptions": many[..1_000]}))["resourceSubscriptions"],
        json!(many[..1_000])
    );
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        for params in
            [String::new(), "\"uri\":7".into(), "\"uri\":null".into(), format!("\"uri\":\"{}\"", "x".repeat(2_049))]
        {
            assert_eq!(code(&hall.ask("2", method, &params)), -32602, "{method} {params}");
        }
    }
}

#[test]
fn a_cancelled_listening_request_hears_no_more_and_gets_no_answer() {
    let mut hall = Hall::new();
    let filter = json!({"toolsListChanged": true, "resourceSubscriptions": ["test://text"]});
    hall.listen("1", &filter);
    hall.listen("2", &json!({"toolsListChanged": true}));
    hall.talk.line(&listening("1", &filter));
    assert_eq!(code(&hall.talk.next()), -32600, "the id is in use");
    hall.cancel("1");
    assert_eq!(hall.hears(2), ["begin test://text", "end test://text"]);
    hall.tell(json!({"changed": ["tools"], "updated": ["test://text"]}));
    assert_eq!(hall.talk.next(), note("tools/list_changed", json!({ "_meta": marked("2") })));
    hall.listen("1", &filter);
    hall.cancel("1");
    hall.cancel("2");
    hall.ping();
    assert_eq!(hall.talk.end().0, Vec::<Value>::new());
}

#[test]
fn the_server_hears_of_the_first_and_the_last_who_watch_an_address() {
    let mut hall = Hall::new();
    hall.hello();
    let watch = json!({"resourceSubscriptions": ["test://text"]});
    let uri = "\"uri\":\"test://text\"";
    hall.listen("1", &watch);
    hall.listen("2", &watch);
    for id in ["3", "4"] {
        assert_eq!(hall.ask(id, "resources/subscribe", uri)["result"], json!({}));
    }
    hall.tell(json!({"updated": ["test://text"]}));
    let mut lines = vec![hall.talk.next(), hall.talk.next(), hall.talk.next()];
    let mut expected = vec![
        note("resources/updated", json!({"uri": "test://text"})),
        note("resources/updated", json!({"uri": "test://text", "_meta": marked("1")})),
        note("resources/updated", json!({"uri": "test://text", "_meta": marked("2")})),
    ];
    (lines, expected) = (sorted(lines), sorted(expected));
    assert_eq!(lines, expected);
    hall.cancel("1");
    for id in ["5", "6"] {
        assert_eq!(hall.ask(id, "resources/unsubscribe", uri)["result"], json!({}));
    }
    hall.ping();
    assert_eq!(hall.hears(1), ["begin test://text"]);
    hall.cancel("2");
    assert_eq!(hall.hears(2), ["begin test://text", "end test://text"]);
    hall.tell(json!({"updated": ["test://text"]}));
    hall.ping();
    hall.ask("7", "resources/subscribe", uri);
    assert_eq!(hall.hears(3)[2], "begin test://text");
    // The end of everything is one for the last, too.
    let heard = Arc::clone(&hall.heard);
    assert_eq!(hall.talk.end(), (vec![], Ending::InputEnded));
    assert_eq!(heard.lock().expect("unpoisoned")[3..], ["end test://text"]);
}

#[test]
fn a_new_handshake_begins_without_the_subscriptions_of_the_one_before() {
    let mut hall = Hall::new();
    hall.hello();
    hall.listen("1", &json!({"resourceSubscriptions": ["b"]}));
    for (id, uri) in [("2", "a"), ("3", "b"), ("4", "c")] {
        hall.ask(id, "resources/subscribe", &format!("\"uri\":\"{uri}\""));
    }
    hall.hello();
    let mut heard = hall.hears(5)[3..].to_vec();
    heard.sort();
    assert_eq!(heard, ["end a", "end c"]);
    hall.tell(json!({"updated": ["a", "b", "c"]}));
    assert_eq!(hall.talk.next(), note("resources/updated", json!({"uri": "b", "_meta": marked("1")})));
    hall.ping();
}

#[test]
fn a_subscription_that_fails_is_told_as_a_reading_would_be() {
    let mut hall = Hall::new();
    hall.hello();
    for (uri, code, message) in [
        ("test://none", -32002, "there is none"),
        ("test://down", -32603, "it is down"),
        ("test://panic", -32603, "internal error"),
    ] {
        let answer = hall.ask("1", "resources/subscribe", &format!("\"uri\":\"{uri}\""));
        assert_eq!((&answer["error"]["code"], &answer["error"]["message"]), (&json!(code), &json!(message)));
        hall.tell(json!({ "updated": [uri] }));
        hall.ask("2", "resources/unsubscribe", &format!("\"uri\":\"{uri}\""));
    }
    assert_eq!(hall.hears(3), ["begin test://none", "begin test://down", "begin test://panic"]);
}

#[test]
fn a_server_that_answers_late_holds_nobody_else_up() {
    let mut hall = Hall::new();
    hall.hello();
    let slow = "\"uri\":\"test://slow\"";
    hall.talk.line(&listening("1", &json!({"toolsListChanged": true, "resourceSubscriptions": ["test://slow", "a"]})));
    hall.talk.line(&request("2", "resources/subscribe", slow));
    hall.talk.line(&request("3", "resources/subscribe", slow));
    hall.ping();
    // Nothing is sent before the acknowledgement, not even what needs no server.
    hall.tell(json!({"changed": ["tools"], "updated": ["test://slow", "a"]}));
    assert_eq!(hall.talk.next(), note("tools/list_changed", Value::Null), "for the legacy client");
    for id in ["1", "2", "3"] {
        assert_eq!(code(&hall.ask(id, "resources/subscribe", "\"uri\":\"a\"")), -32600, "the id is in use");
    }
    hall.cancel("3");
    hall.ping();
    hall.hears(2);
    hall.gate.notify_one();
    let answers = [hall.talk.next(), hall.talk.next()];
    assert_eq!((&answers[0]["id"], &answers[0]["result"]), (&json!(2), &json!({})));
    assert_eq!(answers[1]["params"]["notifications"]["resourceSubscriptions"], json!(["test://slow", "a"]));
    hall.tell(json!({"updated": ["a"]}));
    assert_eq!(hall.talk.next(), note("resources/updated", json!({"uri": "a", "_meta": marked("1")})));
    hall.ping();
}

#[test]
fn whoever_goes_while_the_server_is_busy_is_not_forgotten() {
    let mut hall = Hall::new();
    hall.hello();
    let slow = "\"uri\":\"test://slow\"";
    // A cancelled request, a cancelled listener, and one that was taken back: each of them alone.
    hall.talk.line(&request("1", "resources/subscribe", slow));
    hall.cancel("1");
    hall.ping();
    hall.hears(1);
    hall.gate.notify_one();
    assert_eq!(hall.hears(2)[1], "end test://slow");
    hall.talk.line(&listening("1", &json!({"resourceSubscriptions": ["test://slow"]})));
    hall.cancel("1");
    hall.ping();
    hall.hears(3);
    hall.gate.notify_one();
    assert_eq!(hall.hears(4)[3], "end test://slow");
    hall.talk.line(&request("1", "resources/subscribe", slow));
    hall.talk.line(&request("2", "resources/unsubscribe", slow));
    for id in [1, 2] {
        assert_eq!(hall.talk.next(), json!({"jsonrpc": "2.0", "id": id, "result": {}}));
    }
    hall.hears(5);
    hall.gate.notify_one();
    assert_eq!(hall.hears(6)[5], "end test://slow");
    // And one that comes back while it is being ended.
    let lame = "\"uri\":\"test://lame\"";
    hall.ask("1", "resources/subscribe", lame);
    hall.ask("2", "resources/unsubscribe", lame);
    hall.talk.line(&request("3", "resources/subscribe", lame));
    hall.ping();
    hall.hears(8);
    hall.gate.notify_one();
    assert_eq!(hall.talk.next()["id"], 3);
    assert_eq!(hall.hears(9)[6..], ["begin test://lame", "end test://lame", "begin test://lame"]);
    hall.tell(json!({"updated": ["test://lame", "test://slow"]}));
    assert_eq!(hall.talk.next(), note("resources/updated", json!({"uri": "test://lame"})));
}

#[test]
fn a_server_that_never_answers_is_not_waited_for_without_end() {
    let mut hall = Hall::of(everything(), Limits::default(), true);
    let granted =
        hall.listen("1", &json!({"promptsListChanged": true, "resourceSubscriptions": ["test://never", "a"]}));
    assert_eq!(granted, json!({"promptsListChanged": true, "resourceSubscriptions": ["a"]}));
    let answer = hall.ask("2", "resources/subscribe", "\"uri\":\"test://never\"");
    assert_eq!((code(&answer), &answer["error"]["message"]), (-32603, &json!("the subscription took too long")));
}

#[test]
fn listening_takes_no_place_and_counts_in_no_limit_of_calls() {
    let mut hall = Hall::of(everything(), Limits { running: 1, accepted: 1, ..Limits::default() }, false);
    let filter = json!({"toolsListChanged": true});
    for id in 0..64 {
        hall.listen(&id.to_string(), &filter);
    }
    hall.talk.line(&listening("64", &filter));
    assert_eq!(code(&hall.talk.next()), -32603, "one too many");
    assert_eq!(hall.ask("64", "tools/call", "\"name\":\"echo\"")["result"]["isError"], false);
    hall.cancel("7");
    hall.listen("64", &filter);
    hall.tell(json!({"changed": ["tools"]}));
    let mut ids: Vec<u64> = (0..64)
        .map(|_| hall.talk.next()["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"].as_u64().expect("an id"))
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..=64).filter(|id| *id != 7).collect::<Vec<_>>());
    // Requests that wait for the server do count.
    hall.talk.line(&request("100", "resources/subscribe", "\"uri\":\"test://slow\""));
    assert_eq!(code(&hall.ask("101", "resources/subscribe", "\"uri\":\"b\"")), -32603);
    assert_eq!(code(&hall.ask("102", "tools/call", "\"name\":\"echo\"")), -32603);
}

#[test]
fn a_batch_may_subscribe_and_not_listen() {
    let mut hall = Hall::new();
    hall.hello();
    let subscribe = |id: &str, uri: &str| request(id, "resources/subscribe", &format!("\"uri\":\"{uri}\""));
    let (one, two) = (subscribe("1", "a"), subscribe("2", "test://none"));
    hall.talk.line(&format!("[{one},{two},{}]", listening("3", &json!({"toolsListChanged": true}))));
    let answers = sorted(hall.talk.next().as_array().expect("an array").clone());
    let codes: Vec<_> = answers.iter().map(|answer| (answer["id"].clone(), answer["error"]["code"].clone())).collect();
    assert_eq!(codes, [(json!(2), json!(-32002)), (json!(3), json!(-32600)), (json!(1), Value::Null)]);
    // One that is cancelled does not hold the others back.
    hall.talk.line(&format!("[{},{}]", subscribe("4", "test://slow"), request("5", "ping", "")));
    hall.cancel("4");
    assert_eq!(hall.talk.next(), json!([{"jsonrpc": "2.0", "id": 5, "result": {}}]));
}

#[test]
fn a_burst_is_told_once_and_a_host_that_does_not_read_fills_no_memory() {
    let mut hall = Hall::new();
    hall.hello();
    hall.listen("1", &json!({"resourceSubscriptions": ["a", "b"]}));
    // All of it is told before the loop can look.
    hall.talk.line(&request("2", "tools/call", r#""name":"tell","arguments":{"changed":["tools","templates","resources"],"updated":["a","b","c"],"times":1000}"#));
    let mut lines = sorted((0..5).map(|_| hall.talk.next()).collect());
    assert_eq!(lines.remove(0)["id"], 2);
    let of = |uri: &str| note("resources/updated", json!({"uri": uri, "_meta": marked("1")}));
    let lists = ["resources/list_changed", "tools/list_changed"].map(|method| note(method, Value::Null));
    assert_eq!(lines, sorted([of("a"), of("b")].into_iter().chain(lists).collect()));
    hall.ping();
    // This goes on while nobody reads; the pipe and the queue take a few thousand lines.
    for _ in 0..200_000 {
        hall.tell(json!({"changed": ["tools"], "updated": ["a"]}));
    }
    hall.talk.line(&request("3", "ping", ""));
    let mut count = 0;
    while hall.talk.next()["id"] != 3 {
        count += 1;
    }
    assert!((2..10_000).contains(&count), "{count}");
}

#[test]
fn nothing_is_said_to_a_client_that_said_nothing() {
    let hall = Hall::new();
    while hall.news.get().is_none() {
        std::thread::yield_now();
    }
    let data = to_raw_value("x").expect("JSON");
    hall.tell(json!({"changed": ALL_KINDS, "updated": ["a"]}));
    hall.news.get().expect("a sender").tell(News::Log { level: Level::Emergency, logger: None, data });
    assert_eq!(hall.talk.end(), (vec![], Ending::InputEnded));
}

#[test]
fn an_end_in_the_middle_answers_who_listens() {
    let mut hall = Hall::of(everything(), Limits { grace: Duration::from_millis(20), ..Limits::default() }, false);
    hall.hello();
    hall.listen("1", &json!({"resourceSubscriptions": ["test://lame"]}));
    hall.talk.line(&listening("2", &json!({"resourceSubscriptions": ["test://slow"]})));
    hall.talk.line(&request("3", "resources/subscribe", "\"uri\":\"test://slow\""));
    hall.talk.line(&request("4", "tools/call", "\"name\":\"wait\""));
    hall.ping();
    let (rest, ending) = hall.talk.end();
    let ids = sorted(rest.iter().map(|answer| answer["id"].clone()).collect());
    assert_eq!((ids, ending), (vec![json!(1), json!(2)], Ending::InputEnded), "{rest:?}");
    assert!(rest.iter().all(|answer| answer["result"]["resultType"] == "complete"), "{rest:?}");
}
