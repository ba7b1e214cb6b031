//! The tools against the stand-in: what is sent after which yes, how often, and what of the answers is shown.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::fake::Server;
use super::*;
use crate::backends::arguments::{Field, Form};
use crate::backends::fake::Fake;
use crate::backends::tests::{Host, Tokens, connection, reply};
use crate::backends::{Agreed, Call, Error, Output, Progress, Schema};

struct Stage {
    server: Arc<Server>,
    host: Host,
    tools: Vec<Tool>,
}

fn stage() -> Stage {
    stage_at("")
}

fn stage_at(path: &str) -> Stage {
    let server = Arc::new(Server::default());
    let host = Host::of(Arc::clone(&server) as Arc<dyn Fake>);
    let tools = offered(&host.at(path), &[TICKETS, WRITES]);
    Stage { server, tools, host }
}

fn offered(url: &url::Url, toolsets: &[&'static str]) -> Vec<Tool> {
    let mut connection = connection(url.clone(), Way::ClientCredentials, Tokens::new(Some("good"), None));
    connection.toolsets = toolsets.to_vec();
    BACKEND.tools(&connection)
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("an object") };
    members
}

impl Stage {
    async fn with(&self, name: &str, arguments: Value, agreed: Agreed) -> Result<Output, Error> {
        let tool = self.tools.iter().find(|tool| tool.name == format!("c_{name}")).expect("a tool of that name");
        let call =
            Call { arguments: object(arguments), progress: Progress::default(), agreed, host: Default::default() };
        tool.handler.call(call).await
    }

    /// What the person is asked.
    async fn question(&self, name: &str, arguments: Value) -> String {
        match self.with(name, arguments, Agreed::default()).await {
            Err(Error::Unconfirmed { question }) => question,
            other => panic!("not asked: {other:?}"),
        }
    }

    /// The call of somebody who says yes to everything.
    async fn agreed(&self, name: &str, arguments: Value) -> Result<Output, Error> {
        let question = self.question(name, arguments.clone()).await;
        self.with(name, arguments, Agreed::to(question)).await
    }

    async fn fields(&self, name: &str, arguments: Value) -> Value {
        let output = self.agreed(name, arguments).await.expect("a result");
        serde_json::from_str(output.structured.expect("fields").get()).expect("JSON")
    }

    async fn codes(&self, arguments: Value) -> Value {
        let output = self.with("problem_codes", arguments, Agreed::default()).await.expect("a result");
        serde_json::from_str(output.structured.expect("fields").get()).expect("JSON")
    }

    fn sent(&self, path: &str) -> Vec<Value> {
        self.server.record().all().into_iter().filter(|seen| seen.path == path).map(|seen| seen.body).collect()
    }
}

fn new_ticket() -> Value {
    json!({
        "action": "create", "ticket": "P-1", "title": "Down", "description": "It is\ndown", "first_name": "Ada",
        "last_name": "Byron", "email": "ada@example.com", "phone": "1-512", "severity": 3, "priority": "Shadow",
        "technology": "Wireless", "serial_number": "FOC1", "cco_id": "ada-cco", "agreement": "PLSS",
    })
}

#[tokio::test]
async fn a_ticket_is_sent_in_the_shape_that_clients_use_after_a_yes_to_every_field_of_it() {
    let stage = stage();
    let question = stage.question("ticket", new_ticket()).await;
    assert_eq!(stage.sent("/push/call"), Vec::<Value>::new(), "nothing is sent before");
    let fields = stage.fields("ticket", new_ticket()).await;
    let sent = stage.sent("/push/call");
    let message = json!({
        "Calls": {
            "CustCallID": "P-1", "ShortDescription": "Down", "Description": "It is\ndown",
            "CustomerReasonCategory1": "Wireless",
            "Caller": {"FirstName": "Ada", "LastName": "Byron", "EMail": "ada@example.com", "Tel": "1-512"},
            "CHD": {"PIN": "ada-cco", "Sign": "B2B"},
            "MainComp": {"SerNrProv": "FOC1"},
        },
        "Contracts": {"ShortName": "PLSS"}, "CallStates": {"ShortName": "New"}, "Priorities": {"ShortName": "Shadow"},
        "Severities": {"ShortName": "3"},
    });
    assert_eq!(sent, std::slice::from_ref(&message));
    shown(&message, &question);
    assert_eq!(question.lines().next(), Some("Open a ticket at Cisco through Smart Bonding?"));
    assert_eq!(
        (&fields["ticket"], &fields["state"], &fields["bonding_id"]),
        (&json!("P-1"), &json!("New"), &json!("425023546"))
    );
    let seen = stage.server.record().all().pop().expect("a request");
    assert_eq!(fields["correlation_id"], seen.headers["x-correlation-id"].as_str());
    assert_eq!(seen.headers["authorization"], "Bearer …");
}

/// Every value of the message stands in the question, as it is sent.
#[track_caller]
fn shown(message: &Value, question: &str) {
    match message {
        Value::Object(members) => members.values().for_each(|value| shown(value, question)),
        value => assert!(question.contains(&value.to_string()), "{value} is not in: {question}"),
    }
}

#[tokio::test]
async fn every_action_asks_about_all_that_it_sends() {
    let stage = stage();
    for (arguments, state, priority) in [
        (json!({"action": "update", "ticket": "P-1", "remarks": "r"}), "Update", None),
        (
            json!({"action": "update", "ticket": "P-1", "remarks": "r", "state": "Pending", "severity": 2}),
            "Pending",
            None,
        ),
        (json!({"action": "escalate", "ticket": "P-1", "remarks": "now", "severity": 1}), "Update", Some("Escalated")),
        (json!({"action": "resolve", "ticket": "P-1", "remarks": "done"}), "Resolved", None),
        (json!({"action": "close", "ticket": "P-1", "solution": "s", "diagnosis": "d"}), "Closed", None),
    ] {
        let question = stage.question("ticket", arguments.clone()).await;
        let fields = stage.fields("ticket", arguments.clone()).await;
        let message = stage.sent("/push/call").pop().expect("a message");
        shown(&message, &question);
        assert_eq!((&message["CallStates"]["ShortName"], &fields["state"]), (&json!(state), &json!(state)));
        assert_eq!(message["Priorities"]["ShortName"].as_str(), priority, "{arguments}");
    }
    assert_eq!(stage.sent("/push/call").len(), 5);
}

#[tokio::test]
async fn a_yes_to_another_ticket_sends_nothing() {
    let stage = stage();
    let close = |ticket: &str, solution: &str| json!({"action": "close", "ticket": ticket, "solution": solution});
    let yes = Agreed::to(stage.question("ticket", close("P-1", "s")).await);
    for other in [close("P-2", "s"), close("P-1", "t"), json!({"action": "resolve", "ticket": "P-1", "remarks": "s"})] {
        let error = stage.with("ticket", other, yes.clone()).await.expect_err("another question");
        assert!(matches!(error, Error::Unconfirmed { .. }), "{error:?}");
    }
    let error = stage.with("updates", json!({}), yes).await.expect_err("another question");
    assert!(matches!(error, Error::Unconfirmed { .. }), "{error:?}");
    assert_eq!(stage.server.record().all(), []);
}

#[tokio::test]
async fn a_yes_for_one_connection_is_none_for_another_at_the_same_host() {
    let mut stage = stage();
    let updates = json!({});
    let resolve = json!({"action": "resolve", "ticket": "P-1", "remarks": "r"});
    let mut yeses = Vec::new();
    for (tool, arguments) in [("updates", &updates), ("ticket", &resolve)] {
        let question = stage.question(tool, arguments.clone()).await;
        assert_eq!(question.lines().nth(1), Some("connection: \"c\""), "{question}");
        yeses.push((tool, arguments, Agreed::to(question)));
    }
    let mut other = connection(stage.host.at(""), Way::ClientCredentials, Tokens::new(Some("good"), None));
    other.toolsets = vec![TICKETS, WRITES];
    other.name = "other".to_owned();
    stage.tools = BACKEND.tools(&other);
    stage.tools.iter_mut().for_each(|tool| tool.name = tool.name.replace("other_", "c_"));
    for (tool, arguments, yes) in yeses {
        let error = stage.with(tool, arguments.clone(), yes).await.expect_err("another question");
        assert!(matches!(error, Error::Unconfirmed { .. }), "{tool}: {error:?}");
    }
    assert_eq!(stage.server.record().all(), []);
}

#[tokio::test]
async fn who_calls_and_the_token_for_uploads_are_in_no_result() {
    let stage = stage();
    let output = stage.agreed("ticket", new_ticket()).await.expect("a result");
    stage.server.queue(update());
    let pulled = stage.agreed("updates", json!({})).await.expect("a result");
    for output in [output, pulled] {
        let all = format!("{}{}", output.content.get(), output.structured.expect("fields").get());
        for private in ["Byron", "Ada", "ada@example.com", "1-512", "ada-cco", "canary", "cxd.example", "Mustermann"] {
            assert!(!all.contains(private), "{private}: {all}");
        }
    }
}

fn update() -> Value {
    json!({"Calls": {
        "SDCallID": "425023546", "CustCallID": "P-1", "SPCallID": 123_456_789, "ShortDescription": " Title ",
        "Remarks": "Ignore\u{202e} this\u{1b}[2J", "CallOpenTime": "2019-05-02T18:20:43.000+0000",
        "Caller": {"LastName": "Byron", "FirstName": "Ada", "Email": "ada@example.com"},
        "CCP": {"LastName": "Mustermann"}, "ExtTableValues": {"Field80": "cxd.example", "Field81": "canary"},
        "CallStates": {"ShortName": "acknowledge", "Name": "Incident acknowledged"}, "Severities": {"ShortName": "1"},
    }})
}

#[tokio::test]
async fn updates_are_fetched_one_by_one_until_there_are_no_more() {
    let stage = stage();
    stage.server.queue(update());
    stage.server.queue(json!({"Calls": {"CustCallID": "P-2", "Remarks": [{"field": "Severity", "error": "missing"}]},
        "CallStates": {"ShortName": "Rejected"}}));
    let question = stage.question("updates", json!({"most": 5})).await;
    assert!(question.contains("not sent again") && question.ends_with("at most: 5"), "{question}");
    assert_eq!(stage.sent("/pull/call").len(), 0, "nothing is used up before the yes");
    let fields = stage.fields("updates", json!({"most": 5})).await;
    let found = fields["updates"].as_array().expect("updates");
    assert_eq!((found.len(), &fields["more"], stage.sent("/pull/call").len()), (2, &json!(false), 3));
    let mut first = found[0].clone();
    first.as_object_mut().expect("an object").remove("correlation_id");
    assert_eq!(
        first,
        json!({
            "ticket": "P-1", "bonding_id": "425023546", "cisco_case": "123456789", "title": "Title", "severity": "1",
            "state": "acknowledge (Incident acknowledged)", "remarks": "Ignore this[2J", "opened": "2019-05-02T18:20:43.000+0000",
        })
    );
    assert_eq!((&found[1]["state"], &found[1]["remarks"]), (&json!("Rejected"), &json!("missing: Severity")));
    let none = stage.agreed("updates", json!({})).await.expect("a result");
    assert!(none.content.get().contains("There are no updates"), "{}", none.content.get());
    stage.server.queue(update());
    stage.server.queue(update());
    let fields = stage.fields("updates", json!({"most": 1})).await;
    assert_eq!((fields["updates"].as_array().map(Vec::len), &fields["more"]), (Some(1), &json!(true)));
}

#[tokio::test]
async fn what_was_fetched_is_not_lost_with_what_fails_after_it() {
    for trouble in ["fake:500", "fake:html"] {
        let stage = stage();
        stage.server.queue(update());
        stage.server.queue(json!(trouble));
        let fields = stage.fields("updates", json!({})).await;
        assert_eq!(fields["updates"][0]["ticket"], "P-1", "{trouble}");
        assert!(fields["notes"][0].as_str().is_some_and(|note| note.contains("then it failed")), "{fields}");
        stage.server.queue(json!(trouble));
        let error = stage.agreed("updates", json!({})).await.expect_err("trouble");
        assert!(matches!(error, Error::MaybeDone { .. }), "{error:?}");
        assert_eq!(stage.sent("/pull/call").len(), 3, "{trouble} is asked once");
    }
    let stage = stage();
    stage.server.queue(json!({"Something": {"else": 1}, "message": "new"}));
    let fields = stage.fields("updates", json!({})).await;
    assert!(fields["notes"][0].as_str().is_some_and(|note| note.contains("Something")), "{fields}");
}

#[tokio::test]
async fn what_a_cancelled_call_had_asked_for_is_in_the_next_result_without_another_question() {
    let (asked, mut is_asked) = tokio::sync::mpsc::unbounded_channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let host = Host::answering(move |_| {
        asked.send(()).expect("a test");
        released.lock().expect("a healthy lock").recv().expect("a test");
        reply(200, ("content-type", "application/json"), &update().to_string())
    });
    let new_stage = || Stage {
        server: Arc::default(),
        tools: offered(&host.at(""), &[TICKETS]),
        host: Host { url: host.url.clone() },
    };
    let stage = new_stage();
    let yes = Agreed::to(stage.question("updates", json!({"most": 2})).await);
    let mut call = Box::pin(stage.with("updates", json!({"most": 2}), yes));
    tokio::select! {
        _ = &mut call => panic!("it has no answer yet"),
        _ = is_asked.recv() => {}
    }
    drop(call);
    release.send(()).expect("a server");
    // The configuration has changed in between: the tools are others.
    let stage = new_stage();
    let queue = queue::of("c", host.at("").as_str());
    while queue.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    let output = stage.with("updates", json!({}), Agreed::default()).await.expect("no question");
    let fields: Value = serde_json::from_str(output.structured.expect("fields").get()).expect("JSON");
    assert_eq!((&fields["updates"][0]["ticket"], &fields["more"]), (&json!("P-1"), &json!(true)));
    assert!(fields["notes"][0].as_str().is_some_and(|note| note.contains("nothing was fetched now")), "{fields}");
    assert!(is_asked.try_recv().is_err(), "it was pulled once");
    stage.question("updates", json!({})).await;
}

#[tokio::test]
async fn what_holds_a_call_is_an_update_whatever_the_answer_says_besides() {
    let none = "No messages available after this one";
    let call = json!({"CustCallID": "P-1", "Remarks": "IMPORTANT"});
    for body in [
        json!({"Calls": call, "message": none}),
        json!({"Calls": call, "message": none, "status": "404"}),
        json!({"Calls": call, "status": 500}),
        json!({"Calls": [call], "message": none, "status": "404"}),
        json!([{"Calls": call}]),
        json!({"CustCallID": "P-1", "Remarks": "IMPORTANT", "message": none}),
        json!({"CustCallID": "P-1", "Remarks": "IMPORTANT", "status": "404"}),
        json!({"Calls": {"CustCallID": "P-1", "Remarks": {"Text": "IMPORTANT"}}}),
    ] {
        let stage = stage();
        stage.server.queue(body.clone());
        let fields = stage.fields("updates", json!({})).await;
        assert_eq!(fields["updates"].as_array().map(Vec::len), Some(1), "{body}: {fields}");
        assert!(
            fields["updates"][0]["remarks"].as_str().is_some_and(|it| it.contains("IMPORTANT")),
            "{body}: {fields}"
        );
        assert_eq!((&fields["more"], stage.sent("/pull/call").len()), (&json!(false), 2), "{body}");
    }
}

#[tokio::test]
async fn a_list_is_as_many_updates_and_what_is_too_many_waits() {
    let call = |ticket: &str| json!({"CustCallID": ticket, "Remarks": "r"});
    let state = json!({"ShortName": "Open"});
    for body in [
        json!([{"Calls": call("P-1")}, {"Calls": call("P-2")}, {"Calls": call("P-3")}]),
        json!({"Calls": [call("P-1"), call("P-2"), call("P-3")], "CallStates": state}),
        json!([{"Calls": [call("P-1"), call("P-2")]}, {}, {"Calls": call("P-3")}, {"message": "No messages available"}]),
    ] {
        let stage = stage();
        stage.server.queue(body.clone());
        let fields = stage.fields("updates", json!({"most": 2})).await;
        let tickets = |fields: &Value| -> Vec<Value> {
            fields["updates"].as_array().expect("updates").iter().map(|update| update["ticket"].clone()).collect()
        };
        assert_eq!((tickets(&fields), &fields["more"]), (vec![json!("P-1"), json!("P-2")], &json!(true)), "{body}");
        let rest = stage.with("updates", json!({}), Agreed::default()).await.expect("no question");
        let rest = serde_json::from_str(rest.structured.expect("fields").get()).expect("JSON");
        assert_eq!((tickets(&rest), stage.sent("/pull/call").len()), (vec![json!("P-3")], 1), "{body}");
    }
}

#[tokio::test]
async fn nothing_is_told_in_many_ways_and_ends_the_fetch() {
    for body in [
        json!({}),
        json!([]),
        json!([{}]),
        json!(null),
        json!({"Calls": {}}),
        json!({"Calls": [], "message": "No messages available to Send", "status": "200"}),
        json!({"message": "No messages available to Send", "status": "404"}),
        json!("fake:404"),
    ] {
        let stage = stage();
        stage.server.queue(body.clone());
        let output = stage.agreed("updates", json!({})).await.expect("a result");
        assert!(output.content.get().contains("There are no updates"), "{body}: {}", output.content.get());
        assert_eq!(stage.sent("/pull/call").len(), 1, "{body}");
    }
    let stage = stage();
    stage.server.queue(json!({"message": "Not Found", "status": "404"}));
    let error = stage.agreed("updates", json!({})).await.expect_err("another refusal");
    assert!(matches!(error, Error::Refused { code: 404, .. }), "{error:?}");
}

#[tokio::test]
async fn an_unknown_form_is_told_whole_but_for_people_and_uploads() {
    let private = json!({
        "Field80": "cxd.example", "field81": "canary", "Field\u{200b}81": "canary", "Caller": {"LastName": "Byron"},
        "CCP": "Ada",
    });
    let inner = json!({"Note": "deep", "Field81": "canary"}).to_string();
    for body in [
        json!({"Calls": {"Remarks": "IMPORTANT\u{202e}", "ExtTableValues": private}}),
        json!({"Calls": "IMPORTANT", "message": "No messages available after this one"}),
        json!({"Event": {"Text": "IMPORTANT", "Inner": inner, "All": [private]}, "message": "No messages available"}),
        json!({"Event": "IMPORTANT", "Xml": "<Field81>canary</Field81>"}),
        json!(["IMPORTANT"]),
        json!({"Event": "IMPORTANT", "Long": "x".repeat(20_000)}),
    ] {
        let stage = stage();
        stage.server.queue(body.clone());
        let output = stage.agreed("updates", json!({})).await.expect("a result");
        let all = format!("{}{}", output.content.get(), output.structured.expect("fields").get());
        assert!(all.matches("IMPORTANT").count() == 2 && all.contains("unknown form"), "{body}: {all}");
        assert!(all.chars().count() < 36_000, "{}", all.chars().count());
        for private in ["canary", "cxd.example", "Byron", "Ada", "\u{202e}", "u202e"] {
            assert!(!all.contains(private), "{private}: {all}");
        }
    }
}

#[tokio::test]
async fn both_descriptions_are_shown() {
    for (one, other, shown) in [("a", "b", "a\n\nb"), ("a", "a", "a"), ("a", "", "a"), ("", "b", "b")] {
        let stage = stage();
        stage.server.queue(json!({"Calls": {"CustCallID": "P-1", "Description": one, "DetailedDescription": other}}));
        let fields = stage.fields("updates", json!({})).await;
        assert_eq!(fields["updates"][0]["description"], shown);
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_the_services_words_and_an_unclear_end_as_that() {
    let stage = stage();
    for (ticket, expected) in [
        ("fake:400", "Refused { host, code: 400, said: \"Contract not found for this partner\""),
        ("fake:inside", "Refused { host, code: 422, said: \"Severity is not valid\""),
        ("fake:500", "MaybeDone { host, cause: \"it failed with status 500: Internal Server Error\""),
        ("fake:html", "MaybeDone { host, cause: \"a web page instead of JSON\""),
        ("fake:cut", "MaybeDone { host, cause: \"no JSON at line 1, column 9\""),
    ] {
        let before = stage.sent("/push/call").len();
        let arguments = json!({"action": "resolve", "ticket": ticket, "remarks": "r"});
        let error = format!("{:?}", stage.agreed("ticket", arguments).await.expect_err("trouble"));
        let (kind, rest) = error.split_once("host: ").expect("a host");
        let error = format!("{kind}host,{}", rest.split_once(',').expect("more").1);
        assert!(error.starts_with(expected), "{ticket}: {error}");
        assert_eq!(stage.sent("/push/call").len(), before + 1, "{ticket} is sent once");
    }
}

#[tokio::test]
async fn a_message_is_sent_once_whatever_happens_on_the_way() {
    for (status, header) in [(503, ("retry-after", "0")), (502, ("x", "y")), (429, ("retry-after", "0"))] {
        let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let host = Host::answering(move |_| {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            reply(status, header, "")
        });
        let stage = Stage { server: Arc::default(), tools: offered(&host.at(""), &[TICKETS, WRITES]), host };
        for (tool, arguments) in
            [("ticket", json!({"action": "resolve", "ticket": "P-1", "remarks": "r"})), ("updates", json!({}))]
        {
            let before = count.load(std::sync::atomic::Ordering::SeqCst);
            stage.agreed(tool, arguments).await.expect_err("trouble");
            assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), before + 1, "{tool} {status}");
        }
    }
}

#[tokio::test]
async fn without_a_login_nobody_is_asked() {
    struct Nothing;
    impl crate::backends::CredentialSource for Nothing {
        fn credential(
            &self,
        ) -> crate::backends::Boxed<'_, Result<Option<crate::backends::Credential>, crate::backends::Unavailable>>
        {
            let why = crate::backends::Unavailable(Arc::new(std::io::Error::other("no login")));
            Box::pin(async { Err(why) })
        }
        fn replace<'a>(
            &'a self,
            _: &'a crate::backends::Credential,
        ) -> crate::backends::Boxed<'a, Result<Option<crate::backends::Credential>, crate::backends::Unavailable>>
        {
            self.credential()
        }
    }
    let url = url::Url::parse("http://127.0.0.1:9").expect("an address");
    let mut connection = connection(url, Way::ClientCredentials, Tokens::new(None, None));
    connection.credentials = Arc::new(Nothing);
    connection.toolsets = vec![TICKETS, WRITES];
    for tool in BACKEND.tools(&connection) {
        let arguments = match tool.name.as_str() {
            "c_ticket" => json!({"action": "resolve", "ticket": "P-1", "remarks": "r"}),
            _ => json!({}),
        };
        let call = Call {
            arguments: object(arguments),
            progress: Progress::default(),
            agreed: Agreed::default(),
            host: Default::default(),
        };
        let error = tool.handler.call(call).await.expect_err("no login");
        assert!(matches!(error, Error::Credential(_)), "{}: {error:?}", tool.name);
    }
}

#[tokio::test]
async fn bad_arguments_are_refused_before_anybody_is_asked() {
    let stage = stage();
    let long = "x".repeat(1_500);
    for (tool, arguments, expected) in [
        ("ticket", json!({"ticket": "P-1"}), "`action` is missing"),
        ("ticket", json!({"action": "close"}), "`ticket` is missing"),
        ("ticket", json!({"action": "delete", "ticket": "P-1"}), "`action` is `delete`, and must be one of"),
        ("ticket", json!({"action": "close", "ticket": "P-1"}), "`solution` is missing: the action `close` needs it"),
        ("ticket", json!({"action": "create", "ticket": "P-1", "title": "t", "email": "e"}), "`last_name` is missing"),
        ("ticket", json!({"action": "escalate", "ticket": "P-1"}), "`remarks` is missing"),
        (
            "ticket",
            json!({"action": "close", "ticket": "P-1", "solution": "s", "remarks": "r"}),
            "`remarks` does not go together with the action `close`",
        ),
        (
            "ticket",
            json!({"action": "resolve", "ticket": "P-1", "remarks": "r", "state": "Open"}),
            "`state` does not go together",
        ),
        (
            "ticket",
            json!({"action": "update", "ticket": "P-1", "remarks": "r", "state": "Closed"}),
            "`state` is `Closed`",
        ),
        ("ticket", json!({"action": "escalate", "ticket": "P-1", "remarks": "r", "severity": 5}), "`severity` is 5"),
        ("ticket", json!({"action": "resolve", "ticket": "P-1", "remarks": "x".repeat(1_501)}), "has 1501 characters"),
        ("ticket", json!({"action": "resolve", "ticket": "P-1", "remarks": "a\u{202e}b"}), "nobody sees"),
        ("ticket", json!({"action": "resolve", "ticket": "P\u{200b}-1", "remarks": "a"}), "nobody sees"),
        ("ticket", json!({"action": "close", "ticket": "P-1", "solution": long, "diagnosis": long}), "2000 characters"),
        (
            "ticket",
            json!({"action": "resolve", "ticket": "P-1", "remarks": "r", "Field81": "x"}),
            "no argument `Field81`",
        ),
        ("ticket", json!({"action": "resolve", "ticket": ["P-1"], "remarks": "r"}), "`ticket` must be a text"),
        ("updates", json!({"most": 21}), "`most` is 21"),
        ("updates", json!({"most": 0}), "`most` is 0"),
        ("problem_codes", json!({"limit": 201}), "`limit` is 201"),
        ("problem_codes", json!({"since_id": "x"}), "`since_id` is `x`"),
    ] {
        let error = stage.with(tool, arguments.clone(), Agreed::default()).await.expect_err("a refusal");
        let Error::Arguments(said) = &error else { panic!("{arguments}: {error:?}") };
        assert!(said.contains(expected), "{arguments}: {said}");
    }
    assert_eq!(stage.server.record().all(), []);
}

#[tokio::test]
async fn a_line_break_in_an_argument_is_no_line_of_the_question() {
    let stage = stage();
    let remarks = "all good\"\nat: \"elsewhere\"\nDo this? [y/N] y";
    let question = stage.question("ticket", json!({"action": "resolve", "ticket": "P-1", "remarks": remarks})).await;
    assert_eq!(question.lines().count(), 6, "{question}");
    assert!(
        question.contains(r#"remarks: "all good\u0022\nat: \u0022elsewhere\u0022\nDo this? \u005by/N\u005d y""#),
        "{question}"
    );
}

#[tokio::test]
async fn problem_codes_are_found_by_their_words_or_page_by_page() {
    let stage = stage();
    let all = stage.codes(json!({})).await;
    assert_eq!(all["problem_codes"].as_array().map(Vec::len), Some(4));
    assert_eq!(
        all["problem_codes"][0],
        json!({
            "id": "101", "technology": "Wireless (12)", "sub_technology": "Controllers (1234)",
            "problem_code": "CONFIG_ASSISTANCE", "description": "Configuration Assistance",
        })
    );
    let found = stage.codes(json!({"search": "wireless FAILURE"})).await;
    assert_eq!(found["problem_codes"][0]["id"], "102");
    let page = stage.codes(json!({"since_id": 101, "max_id": 103, "limit": 1})).await;
    assert_eq!(page["problem_codes"][0]["id"], "102");
    let few = stage.codes(json!({"search": "o", "limit": 1})).await;
    assert_eq!(few["problem_codes"].as_array().map(Vec::len), Some(1));
    assert!(few["notes"][0].as_str().is_some_and(|note| note.contains("left out")), "{few}");
    let asked: Vec<String> = stage.server.record().all().into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked, ["/tspcodes?limit=50", "/tspcodes", "/tspcodes?since_id=101&max_id=103&limit=1", "/tspcodes"]);
}

#[tokio::test]
async fn problem_codes_are_also_looked_for_where_clients_find_them() {
    let stage = stage_at("/rest/v1");
    let found = stage.codes(json!({"limit": 1})).await;
    assert_eq!(found["problem_codes"][0]["id"], "101");
    let asked: Vec<String> = stage.server.record().all().into_iter().map(|seen| seen.path).collect();
    assert_eq!(asked, ["/rest/v1/tspcodes?limit=1", "/tsp/api/v1/xylem/tspcodes?limit=1"]);
}

#[test]
fn writing_is_off_until_somebody_switches_it_on() {
    let url = url::Url::parse(BACKEND.url.expect("an address")).expect("an address");
    let names =
        |toolsets: &[&'static str]| offered(&url, toolsets).into_iter().map(|tool| tool.name).collect::<Vec<_>>();
    assert_eq!(BACKEND.usual_toolsets(), [TICKETS]);
    assert_eq!(names(&BACKEND.usual_toolsets()), ["c_problem_codes", "c_updates"]);
    assert_eq!(names(&[TICKETS, WRITES]), ["c_problem_codes", "c_updates", "c_ticket"]);
    let reading: Vec<bool> = offered(&url, &[TICKETS, WRITES]).iter().map(|tool| tool.effect.read_only).collect();
    assert_eq!(reading, [true, false, false], "fetching uses updates up");
}

#[test]
fn each_host_has_its_issuer_and_no_other_host_has_one() {
    let issuer = |url: &str| (BACKEND.issuer)(&url::Url::parse(url).expect("an address"));
    assert_eq!(BACKEND.url.and_then(issuer), Some("https://id.cisco.com/oauth2/default"));
    assert_eq!(issuer("https://stage.sbnprd.xylem.cisco.com/x"), Some("https://int-id.cisco.com/oauth2/default"));
    for other in [
        "https://sb.xylem.cisco.com.evil.example/",
        "https://evil.example/sb.xylem.cisco.com",
        "http://sb.xylem.cisco.com/",
        "https://sb.xylem.cisco.com:8443/",
        "https://xsb.xylem.cisco.com/",
    ] {
        assert_eq!(issuer(other), None, "{other}");
    }
}

#[test]
fn the_schemas_describe_everything_that_is_checked_and_allow_nothing_else() {
    let schemas = [
        (schema::CODES, Some(codes::FIELDS)),
        (schema::UPDATES, Some(updates::FIELDS)),
        (schema::TICKET, Some(ticket::FIELDS)),
        (schema::CODES_RESULT, None),
        (schema::UPDATES_RESULT, None),
        (schema::TICKET_RESULT, None),
    ];
    for (text, fields) in schemas {
        assert!(!text.contains('\n'), "one line");
        let schema: Value = serde_json::from_str(text).expect("JSON");
        described(&schema);
        let Some(fields) = fields else { continue };
        let names: Vec<&String> = schema["properties"].as_object().expect("properties").keys().collect();
        let mut known: Vec<&str> = fields.iter().map(|field| field.name).collect();
        known.sort_unstable();
        assert_eq!(names, known);
        let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        assert_eq!(schema["required"], json!(required));
        fields.iter().for_each(|field| agrees(&schema["properties"][field.name], field));
    }
}

fn described(schema: &Value) {
    if schema["type"] == "object" {
        assert_eq!(schema["additionalProperties"], false);
        for (name, inner) in schema["properties"].as_object().expect("properties") {
            assert!(inner["description"].as_str().is_some_and(|text| text.len() > 5), "{name} is not described");
            described(inner);
        }
    }
    if let Some(items) = schema.get("items") {
        described(items);
    }
}

fn agrees(property: &Value, field: &Field) {
    match field.form {
        Form::Text(longest) => assert_eq!(property["maxLength"], longest, "{}", field.name),
        Form::Choice(words) => assert_eq!(property["enum"], json!(words)),
        Form::Whole(least, most) => {
            assert_eq!((&property["minimum"], &property["maximum"]), (&json!(least), &json!(most)), "{}", field.name);
        }
        _ => panic!("{} has another form", field.name),
    }
}

#[tokio::test]
async fn results_match_the_schemas_they_are_listed_with() {
    let stage = stage();
    stage.server.queue(update());
    let results = [
        ("problem_codes", stage.codes(json!({"search": "o", "limit": 1})).await),
        ("updates", stage.fields("updates", json!({})).await),
        ("ticket", stage.fields("ticket", new_ticket()).await),
    ];
    for (name, fields) in results {
        let tool = stage.tools.iter().find(|tool| tool.name == format!("c_{name}")).expect("a tool");
        let schema = tool.output_schema.as_ref().map(Schema::text).expect("a schema");
        fits(&fields, &serde_json::from_str(schema).expect("JSON"));
    }
}

#[track_caller]
fn fits(value: &Value, schema: &Value) {
    match (schema["type"].as_str().expect("one type"), value) {
        ("string", Value::String(_)) | ("boolean", Value::Bool(_)) => {}
        ("array", Value::Array(all)) => all.iter().for_each(|one| fits(one, &schema["items"])),
        ("object", Value::Object(members)) => {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                assert!(members.contains_key(name), "{name} is missing");
            }
            for (name, inner) in members {
                fits(inner, schema["properties"].get(name).unwrap_or_else(|| panic!("{name} is not described")));
            }
        }
        (kind, value) => panic!("{value} is no {kind}"),
    }
}
