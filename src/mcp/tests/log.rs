//! Log messages: of a call while it runs, from the level on that its client wants, and outside of every call.

use super::*;

const WORDS: [&str; 8] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// Logs once on every level, and once more after the answer.
pub(super) async fn call(request: &ToolRequest) -> Result<Outcome, CallError> {
    let (log, level) = (request.log.clone(), request.log.level());
    let data = to_raw_value(&json!({"a": "\n\u{2028}"})).expect("JSON");
    for word in WORDS {
        log.send(Level::of(word).expect("a level"), Some("the \"part\""), &data);
    }
    let large = to_raw_value(&"x".repeat(65_536)).expect("JSON");
    log.send(Level::Emergency, None, &large);
    tokio::spawn(async move {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        log.send(Level::Emergency, Some("late"), &data);
    });
    done(&json!({ "level": level.map(Level::word) }))
}

fn logs(level: &str) -> String {
    META.replace("\"_meta\":{", &format!("\"_meta\":{{\"io.modelcontextprotocol/logLevel\":\"{level}\","))
}

fn call_of(meta: &str) -> String {
    request("1", "tools/call", &format!("\"name\":\"log\"{}{meta}", if meta.is_empty() { "" } else { "," }))
}

/// What the call logs before its answer; and the level it sees.
fn logged(talk: &mut Talk, meta: &str) -> (Vec<String>, Value) {
    talk.line(&call_of(meta));
    let mut words = Vec::new();
    loop {
        let message = talk.next();
        if message["id"] == 1 {
            return (words, message["result"]["structuredContent"]["level"].clone());
        }
        assert_eq!(message["method"], "notifications/message");
        assert_eq!((&message["params"]["logger"], message.get("id")), (&json!("the \"part\""), None));
        assert_eq!(message["params"]["data"], json!({"a": "\n\u{2028}"}));
        words.push(message["params"]["level"].as_str().expect("a word").to_owned());
    }
}

fn hello(talk: &mut Talk) {
    talk.line(&request("0", "initialize", "\"protocolVersion\":\"2025-11-25\""));
    talk.next();
}

fn set(talk: &mut Talk, level: &str) -> Value {
    talk.line(&request("9", "logging/setLevel", &format!("\"level\":{level}")));
    talk.next()
}

#[test]
fn a_modern_call_logs_from_the_level_of_its_request_on() {
    let mut talk = Talk::new(features::everything(), Limits::default());
    for (from, word) in WORDS.into_iter().enumerate() {
        assert_eq!(
            logged(&mut talk, &logs(word)),
            (WORDS[from..].iter().map(|word| (*word).into()).collect(), json!(word))
        );
    }
    // Whoever names none wants none, also beside a legacy client that wants all.
    hello(&mut talk);
    set(&mut talk, "\"debug\"");
    assert_eq!(logged(&mut talk, META), (vec![], Value::Null));
    assert_eq!(talk.end().0, Vec::<Value>::new());
}

#[test]
fn a_legacy_call_logs_from_the_level_of_the_client_on() {
    let server = features::everything();
    let heard = Arc::clone(&server.heard);
    let mut talk = Talk::new(server, Limits::default());
    // Nothing was declared yet.
    assert_eq!(logged(&mut talk, ""), (vec![], Value::Null));
    hello(&mut talk);
    assert_eq!(logged(&mut talk, "").1, "info");
    for (from, word) in WORDS.into_iter().enumerate() {
        assert_eq!(set(&mut talk, &format!("\"{word}\""))["result"], json!({}));
        assert_eq!(logged(&mut talk, ""), (WORDS[from..].iter().map(|word| (*word).into()).collect(), json!(word)));
    }
    set(&mut talk, "\"emergency\"");
    hello(&mut talk);
    assert_eq!(logged(&mut talk, "").1, "info", "a new handshake begins anew");
    let expected = ["info"].into_iter().chain(WORDS).chain(["info"]);
    assert_eq!(*heard.lock().expect("unpoisoned"), expected.collect::<Vec<_>>());
}

#[test]
fn a_level_that_is_none_is_refused_and_changes_nothing() {
    let server = features::everything();
    let heard = Arc::clone(&server.heard);
    let mut talk = Talk::new(server, Limits::default());
    hello(&mut talk);
    for level in ["\"loud\"", "\"INFO\"", "\"\"", "null", "1", "[\"info\"]"] {
        assert_eq!(code(&set(&mut talk, level)), -32602, "{level}");
    }
    talk.line(&request("9", "logging/setLevel", ""));
    assert_eq!(code(&talk.next()), -32602);
    assert_eq!(*heard.lock().expect("unpoisoned"), ["info"]);
    for level in ["loud", "Info", ""] {
        talk.line(&call_of(&logs(level)));
        assert_eq!(code(&talk.next()), -32602, "{level}");
    }
}

#[test]
fn a_server_that_logs_nothing_sends_nothing() {
    let mut talk = Talk::new(Fixtures::default(), Limits::default());
    hello(&mut talk);
    assert_eq!(logged(&mut talk, ""), (vec![], Value::Null));
    assert_eq!(logged(&mut talk, &logs("debug")), (vec![], Value::Null));
    assert_eq!(talk.end().0, Vec::<Value>::new());
}

#[test]
fn what_is_logged_outside_of_calls_is_for_a_legacy_client_that_wants_it() {
    let server = features::everything();
    let news = Arc::clone(&server.news);
    let mut talk = Talk::new(server, Limits::default());
    talk.line(&request("1", "tools/list", META));
    talk.next();
    let tell = |level, data: &str| {
        let data = to_raw_value(data).expect("JSON");
        news.get().expect("a sender").tell(News::Log { level, logger: Some("s".into()), data });
    };
    tell(Level::Emergency, "before the handshake");
    hello(&mut talk);
    tell(Level::Debug, "less than wanted");
    tell(Level::Info, "wanted");
    let params = json!({"level": "info", "logger": "s", "data": "wanted"});
    assert_eq!(talk.next(), json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params}));
    set(&mut talk, "\"error\"");
    tell(Level::Warning, "less than wanted");
    assert_eq!(talk.end().0, Vec::<Value>::new());
}

#[test]
fn readings_log_and_tell_of_their_progress_too() {
    let mut talk = Talk::new(features::everything(), Limits::default());
    let meta = logs("debug").replace("\"_meta\":{", "\"_meta\":{\"progressToken\":\"t\",");
    talk.line(&request("1", "prompts/get", &format!("\"name\":\"steps\",{meta}")));
    let progress = json!({"progressToken": "t", "progress": 1});
    assert_eq!(talk.next(), json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}));
    let params = json!({"level": "error", "data": "reading"});
    assert_eq!(talk.next(), json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params}));
    assert_eq!(talk.next()["result"]["messages"], json!([]));
}
