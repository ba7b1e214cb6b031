//! Smart Bonding from the login of a client to a deed that needs the person's yes: at a terminal, without one, and
//! through hosts.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use keyward::report::Exit;
use keyward::store::Key;
use serde_json::{Value, json};

use crate::person::Forbidden;
use crate::serve::{Talk, request};
use crate::world::{Ran, World};

/// The client of a partner, signed in at the sandbox.
fn world() -> World {
    world_with("")
}

/// The same; `more` is the rest of the entry.
fn world_with(more: &str) -> World {
    let world = World::with_sandbox().browser(Forbidden);
    let metadata = json!({
        "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic", "scope": "sandbox:read",
    });
    let client = world.sandbox().control().register(&metadata).expect("a client");
    let text = |name: &str| client[name].as_str().expect("a text").to_owned();
    let url = format!("{}/smart-bonding", world.sandbox().url());
    let entry =
        format!("url = \"{url}\"\nissuer = \"{}\"\nclient_id = \"{}\"", world.sandbox().issuer(), text("client_id"));
    let secret = text("client_secret");
    let world = world.config(&format!("[connections.smart-bonding]\n{entry}\n{more}\n")).piping(&secret);
    world.run(&["login", "smart-bonding", "--client-secret"]).done();
    world.piping("")
}

/// Cisco writes to a ticket.
fn cisco_writes(world: &World, ticket: &str) {
    let body = json!({"Calls": {"CustCallID": ticket, "Remarks": "news"}}).to_string();
    let host = world.sandbox().url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&host).expect("the sandbox listens");
    let head = format!("POST /smart-bonding/fake/updates HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
}

/// How many updates were asked for.
fn pulls(world: &World) -> usize {
    let received = world.sandbox().control().received("smart-bonding");
    received.iter().filter(|entry| entry.path.ends_with("/pull/call")).count()
}

fn audit(world: &World) -> Vec<(Value, Value)> {
    let text = std::fs::read_to_string(world.folder.path().join("state/audit.jsonl")).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let lines = lines.filter(|line| line["event"] == "agreement");
    lines.map(|line| (line["tool"].clone(), line["outcome"].clone())).collect()
}

const CALL: [&str; 3] = ["call", "smart-bonding_updates", "most=1"];

#[test]
fn it_is_nobodys_connection_until_somebody_configures_it() {
    let world = World::new();
    let names: Vec<String> = world.run(&["tools", "--json"]).done().json()["tools"]
        .as_array()
        .expect("tools")
        .iter()
        .filter_map(|tool| tool["name"].as_str().map(str::to_owned))
        .collect();
    assert!(!names.iter().any(|name| name.starts_with("smart-bonding")), "{names:?}");
    let ran = world.run(&["token", "smart-bonding"]).failed(Exit::LoginRequired);
    assert!(ran.err.contains("`keyward login smart-bonding`"), "{ran:?}");
    world.run(&["config", "set", "connections.smart-bonding.client_id", "partner"]).done();
    let shown = world.run(&["config", "show", "--json"]).done().json();
    let connections = shown["connections"].as_array().expect("connections");
    let own = connections.iter().find(|one| one["connection"] == "smart-bonding").expect("a connection");
    assert_eq!(own["issuer"], "https://id.cisco.com/oauth2/default");
}

#[test]
fn its_client_and_its_login_are_its_own() {
    let world = world();
    for key in [Key::grant("smart-bonding"), Key::secret("smart-bonding")] {
        assert!(world.stored(&key).is_some(), "{key:?}");
    }
    let status = world.run(&["status", "smart-bonding", "--verify", "--json"]).done().json();
    assert_eq!(status["connections"][0]["way"], "client-credentials");
    assert_eq!(status["connections"][0]["verified"]["accepted"], true, "{status}");
    let ran = world.run(&["call", "smart-bonding_problem_codes", "search=wireless failure", "--json"]).done();
    assert_eq!(ran.json()["structured"]["problem_codes"][0]["problem_code"], "HARDWARE_FAILURE");
}

#[test]
fn without_a_terminal_nothing_is_fetched() {
    let world = world().piping("y\n");
    cisco_writes(&world, "P-1");
    let ran = world.run(&CALL).failed(Exit::Denied);
    assert!(ran.err.contains("`keyward call smart-bonding_updates …` at a terminal"), "{ran:?}");
    let shown = world.run(&[CALL.as_slice(), &["--json"]].concat()).failed(Exit::Denied).json();
    assert_eq!(shown["error"]["code"], "unconfirmed");
    assert_eq!((pulls(&world), audit(&world).len()), (0, 2));
    // There is no way around the person.
    for flag in ["--yes", "-y", "--force"] {
        world.run(&[CALL.as_slice(), &[flag]].concat()).failed(Exit::Usage);
    }
}

#[test]
fn at_a_terminal_a_yes_fetches_once_and_a_no_nothing() {
    let asked = |typed: &str| -> (World, Ran) {
        let world = world();
        cisco_writes(&world, "P-1");
        let world = world.typing(typed).of_width(100);
        let ran = world.run(&CALL);
        (world, ran)
    };
    let (world, ran) = asked("y");
    let ran = ran.done();
    assert!(
        ran.err.contains("is not sent again, to nobody.\nconnection: \"smart-bonding\"\nat: \"127.0.0.1:"),
        "{ran:?}"
    );
    assert!(ran.err.contains("at most: 1\nDo this? [y/N] "), "{ran:?}");
    let rows: Vec<Vec<&str>> = ran.out.lines().map(|line| line.split_whitespace().collect()).collect();
    let row = rows.iter().skip_while(|row| **row != ["CORRELATION_ID", "REMARKS", "TICKET"]).nth(1);
    assert!(row.is_some_and(|row| matches!(row.as_slice(), [_, "news", "P-1"])), "{ran:?}");
    let tool = json!("smart-bonding_updates");
    assert_eq!((pulls(&world), audit(&world)), (1, vec![(tool.clone(), json!("done"))]));
    let (world, ran) = asked("");
    let ran = ran.failed(Exit::Denied);
    assert!(ran.err.contains("the person was asked and said no"), "{ran:?}");
    assert_eq!((pulls(&world), audit(&world)), (0, vec![(tool, json!("declined"))]));
}

#[test]
fn a_ticket_is_written_only_where_writing_is_on_and_after_a_yes_to_every_field() {
    let call = [
        "call",
        "smart-bonding_ticket",
        "action=close",
        "ticket=P-1",
        "solution=A new cable",
        "diagnosis=The old cable",
    ];
    world().typing("y").of_width(100).run(&call).failed(Exit::Configuration);
    let pushed = |world: &World| {
        let received = world.sandbox().control().received("smart-bonding");
        received.iter().filter(|entry| entry.path.ends_with("/push/call")).count()
    };
    let world = world_with("toolsets = [\"+writes\"]").typing("n").of_width(100);
    world.run(&call).failed(Exit::Denied);
    assert_eq!(pushed(&world), 0);
    let world = world.typing("yes");
    let ran = world.run(&call).done();
    for line in ["ticket: \"P-1\"", "solution: \"A new cable\"", "diagnosis: \"The old cable\"", "state: \"Closed\""] {
        assert!(ran.err.lines().any(|shown| shown == line), "{line}: {ran:?}");
    }
    assert_eq!(pushed(&world), 1);
    let read_only =
        World::new().config("[serve]\nread_only = true\n[connections.smart-bonding]\ntoolsets = [\"all\"]\n");
    let tools = read_only.run(&["tools"]).done().out;
    assert!(tools.contains("problem_codes") && !tools.contains("_ticket") && !tools.contains("_updates"), "{tools}");
}

#[test]
fn a_host_asks_before_anything_is_fetched() {
    let world = world();
    cisco_writes(&world, "P-1");
    let mut talk = Talk::start(&world);
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {"form": {}}}});
    talk.ask(&request(0, "initialize", &hello));
    let call = json!({"name": "smart-bonding_updates", "arguments": {"most": 1}});
    for (id, action, fetched) in [(1, "decline", 0), (2, "accept", 1)] {
        let question = talk.ask(&request(id, "tools/call", &call));
        assert_eq!((&question["method"], pulls(&world)), (&json!("elicitation/create"), 0), "{question}");
        let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": action}});
        let answer = talk.ask(&format!("{answer}\n"));
        assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(id), &json!(fetched == 0)), "{answer}");
        assert_eq!(pulls(&world), fetched, "{action}");
    }
}

#[test]
fn a_modern_host_is_asked_about_what_it_calls_for_the_second_time() {
    let world = world();
    cisco_writes(&world, "P-1");
    let mut talk = Talk::start(&world);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    });
    let mut call = |most: u64, answers: Value| {
        let arguments = json!({ "most": most });
        let params =
            json!({"name": "smart-bonding_updates", "arguments": arguments, "inputResponses": answers, "_meta": meta});
        talk.ask(&request(1, "tools/call", &params))["result"].clone()
    };
    let key = |result: &Value| {
        let questions = result["inputRequests"].as_object().unwrap_or_else(|| panic!("no question: {result}"));
        questions.keys().next().expect("a question").clone()
    };
    let one = key(&call(1, json!({})));
    let yes = json!({ one.clone(): {"action": "accept", "content": {"agree": true}} });
    let more = key(&call(20, yes.clone()));
    assert_ne!(one, more, "a yes to one update is none to twenty");
    assert_eq!(pulls(&world), 0);
    let again = key(&call(1, yes));
    assert_eq!((one == again, pulls(&world)), (false, 0), "an answer that came is used up");
    let yes = json!({ again: {"action": "accept", "content": {"agree": true}} });
    let result = call(1, yes.clone());
    assert_eq!((&result["isError"], pulls(&world)), (&json!(false), 1), "{result}");
    key(&call(1, yes));
    assert_eq!(pulls(&world), 1, "one yes is one update");
}
