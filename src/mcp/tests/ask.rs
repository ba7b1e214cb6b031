//! A question that is answered late or never, and the call that waits for it.

use super::*;

/// A legacy client that can be asked anything.
fn host(limits: Limits, stands: bool) -> Talk {
    let mut talk = Talk::timed(Fixtures::default(), limits, stands);
    let capabilities = r#""protocolVersion":"2025-11-25","capabilities":{"elicitation":{"form":{},"url":{}}}"#;
    talk.line(&request("0", "initialize", capabilities));
    talk.next();
    talk
}

fn call(id: &str, tool: &str) -> String {
    request(id, "tools/call", &format!("\"name\":\"{tool}\""))
}

fn accept(question: &Value) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"action\":\"accept\"}}}}", question["id"])
}

#[track_caller]
fn assert_withdrawn(message: &Value, question: &Value) {
    let what = (&message["method"], &message["params"]["requestId"], message.get("id"));
    assert_eq!(what, (&json!("notifications/cancelled"), &question["id"], None), "{message}");
}

#[test]
fn a_question_that_nobody_answers_is_withdrawn_and_its_call_ends() {
    for tool in ["confirm", "ask"] {
        let mut talk = host(Limits::default(), true);
        talk.line(&call("1", tool));
        let question = talk.next();
        assert_eq!(question["method"], "elicitation/create");
        let rest = [talk.next(), talk.next(), if tool == "ask" { talk.next() } else { Value::Null }];
        let withdrawn = rest.iter().find(|message| message["method"] == "notifications/cancelled");
        assert_withdrawn(withdrawn.expect("withdrawn"), &question);
        let result = rest.iter().find(|message| message["id"] == 1).expect("the call has ended");
        assert_eq!(result["result"]["structuredContent"], "Cancelled");
        // Too late.
        talk.line(&accept(&question));
        assert_eq!(talk.end(), (vec![], Ending::InputEnded));
    }
}

#[test]
fn the_question_of_a_cancelled_call_is_withdrawn() {
    let mut talk = host(Limits::default(), false);
    talk.line(&call("1", "confirm"));
    let question = talk.next();
    talk.line("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}");
    assert_withdrawn(&talk.next(), &question);
    talk.line(&accept(&question));
    talk.line(&request("2", "ping", ""));
    assert_eq!(talk.next()["id"], 2);
    assert_eq!(talk.end(), (vec![], Ending::InputEnded));
}

#[test]
fn a_question_that_was_answered_is_not_withdrawn() {
    let mut talk = host(Limits::default(), false);
    talk.line(&call("1", "confirm"));
    let question = talk.next();
    talk.line(&accept(&question));
    assert_eq!(talk.next()["result"]["structuredContent"], "Accepted");
    assert_eq!(talk.end(), (vec![], Ending::InputEnded));
}

#[test]
fn a_call_that_waits_for_the_person_keeps_no_other_from_running() {
    let mut talk = host(Limits { running: 1, ..Limits::default() }, false);
    for id in ["1", "2", "3"] {
        talk.line(&call(id, "confirm"));
    }
    let questions = [talk.next(), talk.next(), talk.next()];
    talk.line(&call("4", "echo"));
    assert_eq!(talk.next()["id"], 4);
    for question in &questions {
        talk.line(&accept(question));
        assert_eq!(talk.next()["result"]["structuredContent"], "Accepted");
    }
    // One place was there, and one place is there.
    talk.line(&call("5", "wait"));
    talk.line(&call("6", "open"));
    talk.line(&request("7", "ping", ""));
    assert_eq!(talk.next()["id"], 7);
    assert_eq!(talk.end(), (vec![], Ending::InputEnded));
}
