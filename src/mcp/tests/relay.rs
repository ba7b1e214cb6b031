//! Somebody else's questions on their way to the client and back, and what else passes through.

use super::*;

/// Asks the client in the middle of the call; the arguments say what.
pub(super) async fn forward(request: ToolRequest) -> Result<Outcome, CallError> {
    let takes = request.client.takes();
    let Asking::Now(asker) = request.client.asking() else { return done(&json!(format!("{takes:?}"))) };
    if let Some(count) = request.arguments.get("count").and_then(Value::as_u64) {
        return many(asker, count).await;
    }
    let (method, params) = question(&request.arguments);
    let reply = asker.forward(method, params, Duration::from_secs(50)).await;
    if let Some(id) = request.arguments.get("completed").and_then(Value::as_str) {
        asker.completed(id);
    }
    if request.arguments.contains_key("late") {
        let asker = asker.clone();
        tokio::spawn(async move {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            let again = asker.forward(Method::Elicit, question(&Map::new()).1, Duration::from_secs(50)).await;
            assert!(again.is_err());
        });
    }
    done(&match reply {
        Ok(answer) => serde_json::from_str(answer.get()).expect("JSON"),
        Err(Unanswered { code, message }) => json!({ "code": code, "message": message }),
    })
}

/// Asks so many questions at once; tells how many were answered.
async fn many(asker: &Asker, count: u64) -> Result<Outcome, CallError> {
    let mut replies = tokio::task::JoinSet::new();
    for _ in 0..count {
        let asker = asker.clone();
        replies.spawn(
            async move { asker.forward(Method::Elicit, question(&Map::new()).1, Duration::from_secs(50)).await },
        );
    }
    let replies = replies.join_all().await;
    let refused = replies.iter().filter_map(|reply| reply.as_ref().err());
    assert!(refused.clone().all(|error| error.message == "too many questions at once"));
    let refused = refused.count();
    done(&json!({ "refused": refused, "answered": replies.len() - refused }))
}

fn question(arguments: &Map<String, Value>) -> (Method, Box<RawValue>) {
    let method = if arguments.get("method") == Some(&json!("sample")) { Method::Sample } else { Method::Elicit };
    let form = json!({"message": "m", "requestedSchema": {"type": "object", "properties": {}}});
    (method, to_raw_value(arguments.get("params").unwrap_or(&form)).expect("JSON"))
}

/// Ends with the question; comes back with the answers.
pub(super) fn relay(request: ToolRequest) -> Result<Outcome, CallError> {
    if request.arguments.contains_key("nothing") {
        return Ok(Outcome::InputRequired { questions: vec![], state: None });
    }
    if !request.answers.is_empty() || request.request_state.is_some() {
        return done(&json!({ "answers": request.answers, "state": request.request_state }));
    }
    let (method, params) = question(&request.arguments);
    let questions = vec![("a \"b\"".into(), Question::Relay { method, params })];
    let state = request.arguments.get("state").and_then(Value::as_str).map(ToOwned::to_owned);
    Ok(if request.arguments.contains_key("only state") {
        Outcome::InputRequired { questions: vec![], state }
    } else {
        Outcome::InputRequired { questions, state }
    })
}

/// The same for readings.
pub(super) fn ask(answers: &Map<String, Value>, state: Option<String>) -> Result<Found, ReadError> {
    if answers.is_empty() && state.is_none() {
        let (method, params) = question(&Map::new());
        let questions = vec![("q".into(), Question::Relay { method, params })];
        return Ok(Found::InputRequired { questions, state: Some("s".into()) });
    }
    let messages = to_raw_value(&json!([{ "answers": answers, "state": state }])).expect("JSON");
    Ok(Found::Prompt { description: None, messages })
}

pub(super) fn meta(request: &ToolRequest) -> Result<Outcome, CallError> {
    let meta = request.arguments.get("meta").map(|meta| to_raw_value(meta).expect("JSON"));
    Ok(Outcome::Done(ToolResult { content: "[]".to_owned(), structured: None, failed: false, meta }))
}

const MODERN: &str = "2026-07-28";

/// A client that declares this.
fn host(version: &str, capabilities: &str, limits: Limits, stands: bool) -> Talk {
    let mut talk = Talk::timed(features::everything(), limits, stands);
    let hello = format!("\"protocolVersion\":\"{version}\",\"capabilities\":{capabilities}");
    talk.line(&request("0", "initialize", &hello));
    talk.next();
    talk
}

fn able() -> Talk {
    let capabilities = r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{},"context":{}}}"#;
    host("2025-11-25", capabilities, Limits::default(), false)
}

fn call(id: &str, tool: &str, arguments: &Value) -> String {
    request(id, "tools/call", &format!("\"name\":\"{tool}\",\"arguments\":{arguments}"))
}

fn modern(id: &str, tool: &str, arguments: &Value, capabilities: &str) -> String {
    let meta = META.replace("clientCapabilities\":{}", &format!("clientCapabilities\":{capabilities}"));
    request(id, "tools/call", &format!("\"name\":\"{tool}\",\"arguments\":{arguments},{meta}"))
}

fn reply(question: &Value, reply: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{},{reply}}}", question["id"])
}

#[test]
fn a_client_takes_what_it_declared_under_its_revision() {
    let all = r#"{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{},"context":{}}}"#;
    for (version, capabilities, expected) in [
        (MODERN, all, "fust c"),
        ("2025-11-25", all, "fust c"),
        ("2025-06-18", all, "fs"),
        ("2025-03-26", all, "s"),
        ("2024-11-05", all, "s"),
        (MODERN, r#"{"sampling":{}}"#, "s"),
        (MODERN, r#"{"sampling":{"tools":{}}}"#, "st"),
        (MODERN, r#"{"sampling":{"context":{}}}"#, "sc"),
        (MODERN, r#"{"sampling":[]}"#, ""),
        (MODERN, r#"{"sampling":null,"elicitation":{}}"#, "f"),
        (MODERN, r#"{"sampling":{"tools":true},"elicitation":{}}"#, "f"),
        (MODERN, r#"{"sampling":{},"elicitation":7}"#, "s"),
        (MODERN, r#"{"roots":{"listChanged":true}}"#, ""),
    ] {
        let has = |letter| expected.contains(letter);
        let takes = Takes {
            form: has('f'),
            url: has('u'),
            sampling: has('s'),
            sampling_tools: has('t'),
            sampling_context: has('c'),
        };
        let caps = serde_json::from_str::<Box<RawValue>>(capabilities).expect("JSON");
        let found = if version == MODERN { Takes::of(Some(&caps)) } else { Takes::under(version, Some(&caps)) };
        assert_eq!(found, takes, "{version} {capabilities}");
    }
}

#[test]
fn a_question_and_its_answer_pass_through_a_legacy_call_as_they_are() {
    for (arguments, method) in [
        (json!({"params": {"mode": "form", "message": "m", "x": [1, "é"]}}), "elicitation/create"),
        (json!({"params": {"mode": "url", "url": "https://a", "elicitationId": "e"}}), "elicitation/create"),
        (json!({"params": {"message": "m"}}), "elicitation/create"),
        (json!({"method": "sample", "params": {"messages": [], "maxTokens": 7}}), "sampling/createMessage"),
        (json!({"method": "sample", "params": {"messages": [], "tools": [{"name": "t"}]}}), "sampling/createMessage"),
    ] {
        let mut talk = able();
        talk.line(&call("1", "forward", &arguments));
        let question = talk.next();
        assert_eq!((&question["method"], &question["params"]), (&json!(method), &arguments["params"]));
        let result = json!({"action": "accept", "content": {"a": [1.5, null]}, "_meta": {"k": "v"}});
        talk.line(&reply(&question, &format!("\"result\":{result}")));
        assert_eq!(talk.next()["result"]["structuredContent"], result);
        assert_eq!(talk.end().0, Vec::<Value>::new());
    }
}

#[test]
fn an_error_of_the_client_passes_through_and_a_wrong_one_becomes_ours() {
    for (answer, code, message) in [
        (r#""error":{"code":-1,"message":"the person said no","data":{}}"#, -1, "the person said no"),
        (r#""error":{"code":-32601,"message":""},"result":{}"#, -32601, ""),
        (r#""error":{}"#, -32603, "the client's error has no code or no message"),
        (r#""error":null"#, -32603, "the client's error has no code or no message"),
        (r#""error":{"code":"x","message":7}"#, -32603, "the client's error has no code or no message"),
    ] {
        let mut talk = able();
        talk.line(&call("1", "forward", &json!({})));
        let question = talk.next();
        talk.line(&reply(&question, answer));
        let expected = json!({"code": code, "message": message});
        assert_eq!(talk.next()["result"]["structuredContent"], expected, "{answer}");
    }
}

#[test]
fn what_the_client_did_not_declare_is_not_asked_whoever_wants_it() {
    let url = json!({"params": {"mode": "url", "url": "https://a"}});
    let form = json!({"params": {"mode": "form"}});
    let plain = json!({"params": {}});
    let other = json!({"params": {"mode": "voice"}});
    let list = json!({"params": [1]});
    let sample = json!({"method": "sample", "params": {}});
    let tools = json!({"method": "sample", "params": {"tools": []}});
    let choice = json!({"method": "sample", "params": {"toolChoice": {}}});
    let missing = |name: &str, mode: &str| {
        let inner = if mode.is_empty() { json!({}) } else { json!({ mode: {} }) };
        json!({"requiredCapabilities": { name: inner }})
    };
    let cases = [
        (r#"{"elicitation":{}}"#, &url, missing("elicitation", "url")),
        (r#"{"elicitation":{"url":{}}}"#, &form, missing("elicitation", "form")),
        (r#"{"elicitation":{"url":{}}}"#, &plain, missing("elicitation", "form")),
        (r#"{"elicitation":{}}"#, &other, Value::Null),
        (r#"{"elicitation":{}}"#, &list, Value::Null),
        (r#"{"elicitation":{}}"#, &sample, missing("sampling", "")),
        (r#"{"sampling":{}}"#, &plain, missing("elicitation", "form")),
        (r#"{"sampling":{}}"#, &tools, missing("sampling", "tools")),
        (r#"{"sampling":{}}"#, &choice, missing("sampling", "tools")),
    ];
    for (capabilities, question, data) in cases {
        let mut talk = host("2025-11-25", capabilities, Limits::default(), false);
        talk.line(&call("1", "forward", question));
        assert_eq!(talk.next()["result"]["structuredContent"]["code"], -32602, "{capabilities} {question}");
        talk.line(&modern("2", "relay", question, capabilities));
        let error = talk.next()["error"].clone();
        let code = if data.is_null() { -32603 } else { -32021 };
        assert_eq!((&error["code"], &error["data"]), (&json!(code), &data), "{capabilities} {question}");
        assert_eq!(talk.end().0, Vec::<Value>::new());
    }
}

#[test]
fn questions_pass_through_the_result_of_a_modern_call_and_the_answers_through_the_next() {
    let mut talk = able();
    let params = json!({"mode": "url", "url": "https://a", "message": "m", "elicitationId": ""});
    let capabilities = r#"{"elicitation":{"url":{}}}"#;
    talk.line(&modern("1", "relay", &json!({"params": params, "state": "s \"1\""}), capabilities));
    let result = talk.next()["result"].clone();
    let requests = json!({"a \"b\"": {"method": "elicitation/create", "params": params}});
    assert_eq!((&result["inputRequests"], &result["requestState"]), (&requests, &json!("s \"1\"")));
    assert_eq!(result["resultType"], "input_required");
    assert!(result.get("content").is_none() && result.get("ttlMs").is_none(), "{result}");
    let again = r#""name":"relay","inputResponses":{"a \"b\"":{"action":"accept"}},"requestState":"s \"1\"""#;
    talk.line(&request("2", "tools/call", &format!("{again},{META}")));
    let expected = json!({"answers": {"a \"b\"": {"action": "accept"}}, "state": "s \"1\""});
    assert_eq!(talk.next()["result"]["structuredContent"], expected);
    // A state without a question is an answer, too; neither is none.
    talk.line(&modern("3", "relay", &json!({"only state": 1, "state": "s"}), "{}"));
    let result = talk.next()["result"].clone();
    assert_eq!((&result["requestState"], result.get("inputRequests")), (&json!("s"), None));
    talk.line(&modern("4", "relay", &json!({"nothing": 1}), "{}"));
    assert_eq!(code(&talk.next()), -32603);
    // A legacy client cannot read any of it.
    talk.line(&call("5", "relay", &json!({"state": "s"})));
    assert_eq!(code(&talk.next()), -32603);
}

#[test]
fn a_reading_can_end_with_questions_in_the_modern_era_only() {
    let meta = META.replace("clientCapabilities\":{}", "clientCapabilities\":{\"elicitation\":{}}");
    for (method, which) in [("prompts/get", "\"name\":\"ask\""), ("resources/read", "\"uri\":\"test://ask\"")] {
        let mut talk = able();
        talk.line(&request("1", method, &format!("{which},{meta}")));
        let result = talk.next()["result"].clone();
        assert_eq!((&result["resultType"], &result["requestState"]), (&json!("input_required"), &json!("s")));
        assert_eq!(result["inputRequests"]["q"]["method"], "elicitation/create");
        assert!(result.get("ttlMs").is_none(), "{result}");
        let answers = r#""inputResponses":{"q":{"action":"decline"}},"requestState":"s""#;
        talk.line(&request("2", method, &format!("{which},{answers},{meta}")));
        let expected = json!([{"answers": {"q": {"action": "decline"}}, "state": "s"}]);
        assert_eq!(talk.next()["result"]["messages"], expected);
        talk.line(&request("3", method, which));
        assert_eq!(code(&talk.next()), -32603);
        for wrong in ["\"inputResponses\":[]", "\"requestState\":7"] {
            talk.line(&request("4", method, &format!("{which},{wrong},{meta}")));
            assert_eq!(code(&talk.next()), -32602, "{wrong}");
        }
    }
}

#[test]
fn a_question_that_nobody_answers_is_withdrawn_with_the_place_left_meanwhile() {
    let capabilities = r#"{"elicitation":{}}"#;
    let mut talk = host("2025-11-25", capabilities, Limits { running: 1, ..Limits::default() }, true);
    talk.line(&call("1", "forward", &json!({})));
    let question = talk.next();
    let mut rest = [talk.next(), talk.next()];
    rest.sort_by_key(|message| message.get("id").is_some());
    assert_eq!(rest[0]["params"]["requestId"], question["id"]);
    let expected = json!({"code": -32603, "message": "nobody answered in time"});
    assert_eq!(rest[1]["result"]["structuredContent"], expected);
}

#[test]
fn a_call_may_ask_several_things_at_once_and_not_without_measure() {
    // With one place for all, a question that holds it must not keep another one of the same call waiting.
    let limits = Limits { running: 1, ..Limits::default() };
    for (count, answered) in [(3, 3), (1_100, 1_024)] {
        let mut talk = host("2025-11-25", r#"{"elicitation":{}}"#, limits, false);
        talk.line(&call("1", "forward", &json!({ "count": count })));
        let questions: Vec<Value> = (0..answered).map(|_| talk.next()).collect();
        for question in &questions {
            talk.line(&reply(question, "\"result\":{\"action\":\"decline\"}"));
        }
        let expected = json!({"refused": count - answered, "answered": answered});
        assert_eq!(talk.next()["result"]["structuredContent"], expected);
        talk.line(&call("2", "echo", &json!({})));
        assert_eq!(talk.next()["id"], 2);
        assert_eq!(talk.end().0, Vec::<Value>::new());
    }
}

#[test]
fn nothing_is_asked_for_a_call_that_has_ended() {
    let mut talk = able();
    talk.line(&call("1", "forward", &json!({"late": 1, "completed": "e1"})));
    let question = talk.next();
    talk.line(&reply(&question, "\"result\":{\"action\":\"cancel\"}"));
    let completed = json!({"elicitationId": "e1"});
    let mut rest = [talk.next(), talk.next()];
    rest.sort_by_key(|message| message.get("id").is_some());
    assert_eq!(rest[0], json!({"jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": completed}));
    assert_eq!(rest[1]["result"]["structuredContent"], json!({"action": "cancel"}));
    // Time enough for the late question, were it sent.
    for id in 2..20 {
        talk.line(&request(&id.to_string(), "ping", ""));
        assert_eq!(talk.next()["id"], id);
    }
    assert_eq!(talk.end().0, Vec::<Value>::new());
}

#[test]
fn what_stands_beside_a_result_passes_through_without_what_is_kept_for_mcp() {
    let kept =
        json!({"example.com/a": {"b": 1}, "plain": "x\n", "io.example/mcp": 1, "mcp.example/x": 2, "trace/mcp/y": 3});
    let mut meta = kept.as_object().expect("an object").clone();
    for key in ["io.modelcontextprotocol/serverInfo", "dev.mcp/x", "a.MCP/y", "com.modelcontextprotocol.sub/z"] {
        meta.insert(key.to_owned(), json!("theirs"));
    }
    let mut talk = able();
    talk.line(&call("1", "meta", &json!({"meta": meta})));
    assert_eq!(talk.next()["result"]["_meta"], kept);
    talk.line(&modern("2", "meta", &json!({"meta": meta}), "{}"));
    let mut result = talk.next()["result"]["_meta"].clone();
    let ours = result.as_object_mut().and_then(|meta| meta.remove("io.modelcontextprotocol/serverInfo"));
    assert_eq!((&ours.expect("ours")["name"], result), (&json!("fixtures"), kept));
    for meta in [json!({}), json!(7), json!([]), json!({"io.modelcontextprotocol/x": 1})] {
        talk.line(&call("3", "meta", &json!({ "meta": meta })));
        assert_eq!(talk.next()["result"], json!({"content": [], "isError": false}), "{meta}");
    }
}
