//! Prompts and resources of the fixtures, and the rules of listing and reading them in both eras.

use super::*;

const LISTS: [(&str, &str, Kind); 3] = [
    ("prompts/list", "prompts", Kind::Prompts),
    ("resources/list", "resources", Kind::Resources),
    ("resources/templates/list", "resourceTemplates", Kind::Templates),
];

pub(super) fn list(kind: Kind) -> &'static str {
    match kind {
        Kind::Tools => "[]",
        Kind::Prompts => r#"[{"name":"greet","arguments":[{"name":"who","required":true}]}]"#,
        Kind::Resources => r#"[{"uri":"test://text","name":"text"}]"#,
        Kind::Templates => r#"[{"uriTemplate":"test://one/{id}","name":"one"}]"#,
    }
}

pub(super) async fn answer(
    request: ReadRequest,
    gate: Arc<Notify>,
    running: Arc<AtomicUsize>,
    cancelled: OnDrop,
) -> Result<Found, ReadError> {
    let mut cancelled = Some(cancelled);
    let result = match request.reading {
        Reading::Prompt { name, .. } if name == "panic" => panic!("the writer panics"),
        Reading::Prompt { name, arguments } if name == "greet" => {
            let text = Value::Object(arguments).to_string();
            let messages = json!([{ "role": "user", "content": { "type": "text", "text": text } }]);
            Ok(Found::Prompt { description: Some("Greets".into()), messages: to_raw_value(&messages).expect("JSON") })
        }
        Reading::Prompt { name, .. } if name == "ask" => relay::ask(&request.answers, request.request_state),
        Reading::Prompt { name, .. } if name == "steps" => {
            request.progress.as_ref().expect("a token").send(1.0, None, None);
            request.log.send(Level::Error, None, &to_raw_value("reading").expect("JSON"));
            Ok(Found::Prompt { description: None, messages: to_raw_value(&json!([])).expect("JSON") })
        }
        Reading::Prompt { .. } => Err(ReadError::Parameters("unknown prompt".into())),
        Reading::Resource { uri } => match uri.as_str() {
            "test://ask" => relay::ask(&request.answers, request.request_state),
            "test://panic" => panic!("the reader panics"),
            "test://failed" => Err(ReadError::Failed("error: no\nhint:  `do`".into())),
            "test://text" | "test://one/a\"b" | "test://wait" => {
                if uri == "test://wait" {
                    running.fetch_add(1, Ordering::SeqCst);
                    gate.notified().await;
                }
                let contents = json!([{ "uri": uri, "mimeType": "text/plain", "text": "a\n\"b\"\u{2028}" }]);
                Ok(Found::Resource { contents: to_raw_value(&contents).expect("JSON") })
            }
            _ => Err(ReadError::NotFound { uri, why: "there is none".into() }),
        },
    };
    std::mem::forget(cancelled.take());
    result
}

pub(super) fn fixtures() -> Fixtures {
    Fixtures { has_readings: true, ..Fixtures::default() }
}

fn all_of(lines: &str) -> Vec<Value> {
    let mut talk = Talk::new(fixtures(), Limits::default());
    talk.send(lines);
    let (mut all, ending) = talk.end();
    assert_eq!(ending, Ending::InputEnded);
    all.sort_by_key(|answer| answer["id"].to_string());
    all
}

/// The same request in the legacy era and in the modern one.
fn both(method: &str, params: &str) -> [Value; 2] {
    let modern = if params.is_empty() { META.to_owned() } else { format!("{params},{META}") };
    let lines = format!("{}\n{}\n", request("1", method, params), request("2", method, &modern));
    all_of(&lines).try_into().expect("two answers")
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn what_is_offered_is_declared_in_every_revision() {
    let declared = json!({"tools": {}, "prompts": {}, "resources": {}});
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let params = format!("\"protocolVersion\":\"{version}\",\"capabilities\":{{}}");
        let hello = &all_of(&request("0", "initialize", &params))[0];
        assert_eq!(
            (&hello["result"]["protocolVersion"], &hello["result"]["capabilities"]),
            (&json!(version), &declared)
        );
    }
    let result = all_of(&request("0", "server/discover", META))[0]["result"].clone();
    assert_eq!(result["capabilities"], declared);
}

#[test]
fn what_is_not_declared_with_them_is_unknown() {
    for method in ["resources/subscribe", "resources/unsubscribe", "completion/complete", "subscriptions/listen"] {
        for answer in both(method, "\"uri\":\"test://text\"") {
            assert_eq!(code(&answer), -32601, "{method}");
        }
    }
}

#[test]
fn every_list_has_one_page_framed_as_its_era_wants_it() {
    for (method, member, kind) in LISTS {
        let [legacy, modern] = both(method, "");
        let expected: Value = serde_json::from_str(list(kind)).expect("JSON");
        assert_eq!(legacy["result"], json!({ member: expected }), "{method}");
        let result = &modern["result"];
        assert_eq!(result[member], expected, "{method}");
        assert_eq!((&result["resultType"], &result["cacheScope"]), (&json!("complete"), &json!("private")), "{method}");
        assert!(result["ttlMs"].is_u64() && result["_meta"].is_object(), "{result}");
        for (cursor, is_known) in [("\"\"", true), ("null", true), ("\"x\"", false), ("7", false)] {
            for answer in both(method, &format!("\"cursor\":{cursor}")) {
                assert_eq!(answer.get("result").is_some(), is_known, "{method} {cursor}: {answer}");
                assert!(is_known || code(&answer) == -32602, "{method} {cursor}: {answer}");
            }
        }
    }
}

#[test]
fn a_prompt_is_one_message_of_the_person() {
    let message = |text: &str| json!([{"role": "user", "content": {"type": "text", "text": text}}]);
    let [legacy, modern] = both("prompts/get", r#""name":"greet","arguments":{"who":"a \"b\"\n"}"#);
    let expected = message(r#"{"who":"a \"b\"\n"}"#);
    assert_eq!(legacy["result"], json!({"description": "Greets", "messages": expected}));
    assert_eq!(modern["result"]["messages"], expected);
    assert_eq!(keys(&modern["result"]), ["_meta", "description", "messages", "resultType"]);
    for arguments in ["", ",\"arguments\":null", ",\"arguments\":{}"] {
        let [legacy, _] = both("prompts/get", &format!("\"name\":\"greet\"{arguments}"));
        assert_eq!(legacy["result"]["messages"], message("{}"), "{arguments}");
    }
}

#[test]
fn a_resource_is_one_text_with_its_address_and_media_type() {
    for (written, uri) in [("test://text", "test://text"), (r#"test:\/\/one\/a\"b"#, "test://one/a\"b")] {
        let [legacy, modern] = both("resources/read", &format!("\"uri\":\"{written}\""));
        let contents = json!([{"uri": uri, "mimeType": "text/plain", "text": "a\n\"b\"\u{2028}"}]);
        assert_eq!(legacy["result"], json!({ "contents": contents }));
        // A modern result says how long it may be kept: not at all.
        let result = &modern["result"];
        assert_eq!((&result["contents"], &result["resultType"]), (&contents, &json!("complete")));
        assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(0), &json!("private")));
    }
}

#[test]
fn a_refusal_has_the_code_of_its_era_and_says_why() {
    for (method, params, legacy, modern, why) in [
        ("prompts/get", "\"name\":\"none\"", -32602, -32602, "unknown prompt"),
        ("prompts/get", "", -32602, -32602, "`name` is missing"),
        ("prompts/get", "\"name\":7", -32602, -32602, "`name` is not a text"),
        ("prompts/get", "\"name\":\"greet\",\"arguments\":[]", -32602, -32602, "`arguments` is not an object"),
        ("prompts/get", "\"name\":\"panic\"", -32603, -32603, "internal error"),
        ("resources/read", "", -32602, -32602, "`uri` is missing"),
        ("resources/read", "\"uri\":{}", -32602, -32602, "`uri` is not a text"),
        ("resources/read", "\"uri\":\"test://none\"", -32002, -32602, "there is none"),
        ("resources/read", "\"uri\":\"\"", -32002, -32602, "there is none"),
        ("resources/read", "\"uri\":\"test://failed\"", -32603, -32603, "error: no\nhint:  `do`"),
        ("resources/read", "\"uri\":\"test://panic\"", -32603, -32603, "internal error"),
    ] {
        let answers = both(method, params);
        assert_eq!(answers.each_ref().map(code), [legacy, modern], "{method} {params}");
        assert!(answers.iter().all(|answer| answer["error"]["message"] == why), "{answers:?}");
    }
    for answer in both("resources/read", "\"uri\":\"test://none\"") {
        assert_eq!(answer["error"]["data"], json!({"uri": "test://none"}));
    }
}

#[test]
fn a_reading_that_takes_long_holds_nobody_up_and_can_be_cancelled() {
    let server = fixtures();
    let (cancelled, running) = (Arc::clone(&server.cancelled), Arc::clone(&server.running));
    let mut talk = Talk::new(server, Limits::default());
    talk.line(&request("1", "resources/read", "\"uri\":\"test://wait\""));
    while running.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    talk.line(&request("2", "ping", ""));
    assert_eq!(talk.next()["id"], 2);
    // The same id again is refused while the first runs.
    talk.line(&request("1", "resources/read", "\"uri\":\"test://text\""));
    assert_eq!(code(&talk.next()), -32600);
    talk.line(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    talk.line(&request("1", "resources/read", "\"uri\":\"test://text\""));
    assert_eq!(talk.next()["result"]["contents"][0]["uri"], "test://text");
    let (rest, _) = talk.end();
    assert_eq!((rest, cancelled.load(Ordering::SeqCst)), (Vec::new(), 1));
}

#[test]
fn readings_count_in_the_limits_with_calls() {
    let mut talk = Talk::new(fixtures(), Limits { running: 1, accepted: 2, ..Limits::default() });
    talk.line(&request("1", "resources/read", "\"uri\":\"test://wait\""));
    talk.line(&request("2", "tools/call", "\"name\":\"echo\""));
    for (id, method, params) in [
        ("3", "resources/read", "\"uri\":\"test://text\""),
        ("4", "prompts/get", "\"name\":\"greet\""),
        ("5", "tools/call", "\"name\":\"echo\""),
    ] {
        talk.line(&request(id, method, params));
        let answer = talk.next();
        assert_eq!((code(&answer), answer["id"].to_string()), (-32603, id.to_owned()));
    }
    // The call waits for the place of the reading.
    talk.line(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    assert_eq!(talk.next()["id"], 2);
}

#[test]
fn a_batch_waits_for_its_readings() {
    let read = request("1", "resources/read", "\"uri\":\"test://text\"");
    let all = all_of(&format!("[{read},{}]\n", request("2", "prompts/get", "\"name\":\"greet\"")));
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].as_array().map(Vec::len), Some(2), "{all:?}");
}
