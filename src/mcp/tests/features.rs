//! What is declared besides lists, and completion.

use super::*;

const ALL: Features = Features { completions: true, list_changed: true, subscribe: true, logging: true };

/// Everything that can be offered.
pub(super) fn everything() -> Fixtures {
    Fixtures { features: ALL, ..read::fixtures() }
}

pub(super) async fn complete(
    partial: Partial,
    gate: Arc<Notify>,
    running: Arc<AtomicUsize>,
    cancelled: OnDrop,
) -> Result<Completion, ReadError> {
    let mut cancelled = Some(cancelled);
    let result = match partial.argument.as_str() {
        "panic" => panic!("the completer panics"),
        "wait" => {
            running.fetch_add(1, Ordering::SeqCst);
            gate.notified().await;
            Ok(Completion::default())
        }
        "many" => Ok(Completion {
            values: (0..150).map(|number| number.to_string()).collect(),
            total: Some(150),
            has_more: false,
        }),
        "failed" => Err(ReadError::Failed("it is down".into())),
        "none" => Err(ReadError::NotFound { uri: "test://none".into(), why: "there is none".into() }),
        _ => Ok(Completion { values: vec![format!("{partial:?}")], total: None, has_more: true }),
    };
    std::mem::forget(cancelled.take());
    result
}

/// Both answers to the same request: in the legacy era and in the modern one.
fn both(server: fn() -> Fixtures, method: &str, params: &str) -> [Value; 2] {
    let mut talk = Talk::new(server(), Limits::default());
    talk.line(&request("1", method, params));
    let legacy = talk.next();
    let modern = if params.is_empty() { META.to_owned() } else { format!("{params},{META}") };
    talk.line(&request("2", method, &modern));
    [legacy, talk.next()]
}

fn complete_both(params: &str) -> [Value; 2] {
    both(everything, "completion/complete", params)
}

#[test]
fn what_is_offered_besides_lists_is_declared_in_every_revision() {
    let declared = |features, has_readings| {
        let server = || Fixtures { features, has_readings, ..Fixtures::default() };
        let capabilities = |line: String| {
            let mut talk = Talk::new(server(), Limits::default());
            talk.line(&line);
            talk.next()["result"]["capabilities"].clone()
        };
        let modern = capabilities(request("1", "server/discover", META));
        for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            let hello = request("1", "initialize", &format!("\"protocolVersion\":\"{version}\""));
            assert_eq!(capabilities(hello), modern, "{version}");
        }
        modern
    };
    let none = Features::default();
    assert_eq!(declared(none, false), json!({"tools": {}}));
    let changing = json!({"listChanged": true});
    assert_eq!(
        declared(ALL, true),
        json!({"tools": changing, "prompts": changing, "resources": {"subscribe": true, "listChanged": true},
            "completions": {}, "logging": {}})
    );
    // Of a kind that is not offered nothing is declared.
    assert_eq!(declared(ALL, false), json!({"tools": changing, "completions": {}, "logging": {}}));
    let subscribe = Features { subscribe: true, ..none };
    assert_eq!(declared(subscribe, true), json!({"tools": {}, "prompts": {}, "resources": {"subscribe": true}}));
    assert_eq!(declared(Features { completions: true, ..none }, false), json!({"tools": {}, "completions": {}}));
    assert_eq!(declared(Features { logging: true, ..none }, false), json!({"tools": {}, "logging": {}}));
}

#[test]
fn a_method_is_known_only_with_its_feature_and_in_its_era() {
    let none = Features::default();
    let filter = "\"notifications\":{}";
    let argument = r#""ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"who","value":""}"#;
    for (method, params, features, has_readings, known) in [
        ("completion/complete", argument, Features { completions: false, ..ALL }, true, [false, false]),
        ("completion/complete", argument, Features { completions: true, ..none }, false, [true, true]),
        ("logging/setLevel", "\"level\":\"info\"", Features { logging: false, ..ALL }, true, [false, false]),
        ("logging/setLevel", "\"level\":\"info\"", Features { logging: true, ..none }, true, [true, false]),
        ("resources/subscribe", "\"uri\":\"a\"", Features { subscribe: false, ..ALL }, true, [false, false]),
        ("resources/subscribe", "\"uri\":\"a\"", ALL, false, [false, false]),
        ("resources/subscribe", "\"uri\":\"a\"", ALL, true, [true, false]),
        ("resources/unsubscribe", "\"uri\":\"a\"", Features { subscribe: false, ..ALL }, true, [false, false]),
        ("resources/unsubscribe", "\"uri\":\"a\"", ALL, true, [true, false]),
        ("subscriptions/listen", filter, Features { completions: true, logging: true, ..none }, true, [false, false]),
        ("subscriptions/listen", filter, Features { subscribe: true, ..none }, false, [false, false]),
        ("subscriptions/listen", filter, Features { subscribe: true, ..none }, true, [false, true]),
        ("subscriptions/listen", filter, Features { list_changed: true, ..none }, false, [false, true]),
    ] {
        let mut talk = Talk::new(Fixtures { features, has_readings, ..Fixtures::default() }, Limits::default());
        for (is_known, params) in known.into_iter().zip([params.to_owned(), format!("{params},{META}")]) {
            talk.line(&request("1", method, &params));
            let answer = talk.next();
            assert_eq!(answer["error"]["code"] != -32601, is_known, "{method} {params}: {answer}");
        }
    }
}

#[test]
fn a_completion_reaches_the_server_as_it_was_written_and_comes_back() {
    let reference = r#""ref":{"type":"ref/prompt","name":"a \"b\"","title":"x"}"#;
    let argument = r#""argument":{"name":"who","value":"\u00e9"}"#;
    let context = r#""context":{"arguments":{"other":"y"}}"#;
    let others: Map<String, Value> = json!({"other": "y"}).as_object().expect("an object").clone();
    for (context, others) in [(context, others), ("\"context\":{}", Map::new()), ("\"context\":null", Map::new())] {
        let of = Reference::Prompt("a \"b\"".into());
        let partial = Partial { of, argument: "who".into(), value: "\u{e9}".into(), others };
        let [legacy, modern] = complete_both(&format!("{reference},{argument},{context}"));
        let completion = json!({"values": [format!("{partial:?}")], "hasMore": true});
        assert_eq!(legacy["result"], json!({ "completion": completion }));
        assert_eq!(
            (&modern["result"]["completion"], &modern["result"]["resultType"]),
            (&completion, &json!("complete"))
        );
        assert!(modern["result"].get("ttlMs").is_none(), "{modern}");
    }
    let [legacy, _] =
        complete_both(&format!(r#""ref":{{"type":"ref/resource","uri":"test://one/{{id}}"}},{argument}"#));
    let told = legacy["result"]["completion"]["values"][0].as_str().expect("a text").to_owned();
    assert!(told.contains(r#"Resource("test://one/{id}")"#), "{told}");
}

#[test]
fn at_most_a_hundred_values_leave() {
    let of = r#""ref":{"type":"ref/prompt","name":"greet"}"#;
    for answer in complete_both(&format!("{of},\"argument\":{{\"name\":\"many\",\"value\":\"\"}}")) {
        let completion = &answer["result"]["completion"];
        assert_eq!(completion["values"].as_array().map(Vec::len), Some(100));
        assert_eq!((&completion["total"], &completion["hasMore"]), (&json!(150), &json!(true)));
    }
}

#[test]
fn a_completion_that_cannot_be_is_told_with_a_reason() {
    let of = r#""ref":{"type":"ref/prompt","name":"greet"}"#;
    let argument = r#""argument":{"name":"who","value":""}"#;
    for params in [
        String::new(),
        of.to_owned(),
        argument.to_owned(),
        format!("\"ref\":7,{argument}"),
        format!("\"ref\":[],{argument}"),
        format!("\"ref\":{{}},{argument}"),
        format!("\"ref\":{{\"type\":\"ref/tool\",\"name\":\"x\"}},{argument}"),
        format!("\"ref\":{{\"type\":\"ref/prompt\"}},{argument}"),
        format!("\"ref\":{{\"type\":\"ref/prompt\",\"name\":7}},{argument}"),
        format!("\"ref\":{{\"type\":\"ref/resource\",\"name\":\"x\"}},{argument}"),
        format!("{of},\"argument\":[]"),
        format!("{of},\"argument\":{{\"name\":\"who\"}}"),
        format!("{of},\"argument\":{{\"value\":\"\"}}"),
        format!("{of},\"argument\":{{\"name\":7,\"value\":\"\"}}"),
        format!("{of},\"argument\":{{\"name\":\"who\",\"value\":null}}"),
        format!("{of},{argument},\"context\":7"),
        format!("{of},{argument},\"context\":{{\"arguments\":[]}}"),
        format!("{of},\"argument\":{{\"name\":\"none\",\"value\":\"\"}}"),
    ] {
        for answer in complete_both(&params) {
            assert_eq!(code(&answer), -32602, "{params}");
            assert!(answer["error"]["message"].as_str().is_some_and(|message| message.len() > 5), "{answer}");
        }
    }
    for name in ["failed", "panic"] {
        for answer in complete_both(&format!("{of},\"argument\":{{\"name\":\"{name}\",\"value\":\"\"}}")) {
            assert_eq!(code(&answer), -32603, "{name}");
        }
    }
}

#[test]
fn a_completion_holds_nobody_up_and_can_be_cancelled() {
    let server = everything();
    let (cancelled, running) = (Arc::clone(&server.cancelled), Arc::clone(&server.running));
    let mut talk = Talk::new(server, Limits::default());
    let of = r#""ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"wait","value":""}"#;
    talk.line(&request("1", "completion/complete", of));
    while running.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    talk.line(&request("1", "completion/complete", of));
    assert_eq!(code(&talk.next()), -32600);
    talk.line(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    talk.line(&request("1", "ping", ""));
    assert_eq!(talk.next()["result"], json!({}));
    let (rest, _) = talk.end();
    assert_eq!((rest, cancelled.load(Ordering::SeqCst)), (Vec::new(), 1));
}
