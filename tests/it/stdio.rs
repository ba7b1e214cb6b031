//! The real program, byte by byte: what a hostile, odd or impatient host gets from `keyward serve`.
//!
//! The table follows the rules of framing, lifecycle and errors; the in-process tests of the protocol have more of
//! each. Here the point is that the built binary, with a home of its own and nothing in it, behaves the same.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":"after","method":"ping"}"#;

/// The program with an empty home and no keychain, browser or network to speak of.
pub fn keyward(home: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
    command.args(arguments).env_clear().env("HOME", home.path()).env("KEYWARD_NO_BROWSER", "1");
    command.env("DBUS_SESSION_BUS_ADDRESS", "disabled:").stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    command
}

struct Serve {
    child: Child,
    input: Option<ChildStdin>,
    output: std::io::Lines<BufReader<ChildStdout>>,
    home: tempfile::TempDir,
}

impl Serve {
    fn start() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let mut child = keyward(&home, &["serve"]).spawn().expect("the binary starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, input, output, home }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.input.as_mut().expect("open").write_all(bytes).expect("written");
    }

    /// Ends the input; every line that was still to come, and whether the end was a good one.
    fn end(mut self) -> (Vec<Value>, bool) {
        self.input = None;
        let lines = self.output.by_ref().map(|line| serde_json::from_str(&line.expect("a line")).expect("JSON"));
        let lines = lines.collect();
        let ended = self.child.wait().expect("it ends");
        let left = std::fs::read_dir(self.home.path()).expect("a folder").count();
        assert_eq!(left, 0, "serving writes nothing into the home");
        (lines, ended.success())
    }
}

/// Sends the bytes and a ping; what came before the ping's answer. The ping proves that the process goes on.
fn answers(bytes: &[u8]) -> Vec<Value> {
    let mut serve = Serve::start();
    serve.send(bytes);
    serve.send(b"\n");
    serve.send(PING.as_bytes());
    let (mut lines, was_good) = serve.end();
    assert!(was_good);
    let at = lines.iter().position(|line| line["id"] == "after").expect("the process goes on");
    lines.remove(at);
    lines
}

fn request(id: &str, method: &str, params: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{{{params}}}}}")
}

/// A row: what it shows, the bytes, and for each answer its id and its error code (0 for a result).
type Row = (&'static str, Vec<u8>, Vec<(Value, i64)>);

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn rows() -> Vec<Row> {
    let text = |text: &str| text.as_bytes().to_vec();
    let null = Value::Null;
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{{\"a\":{}1{}}}}}",
        "[".repeat(200),
        "]".repeat(200)
    );
    vec![
        ("a notification first", text(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), vec![]),
        ("a stray response first", text(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#), vec![]),
        ("an unknown notification", text(r#"{"jsonrpc":"2.0","method":"x/y"}"#), vec![]),
        (
            "a malformed cancellation",
            text(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":[1]}"#),
            vec![],
        ),
        ("garbage first", text("hello"), vec![(null.clone(), -32700)]),
        (
            "initialize without clientInfo",
            text(&request("1", "initialize", "\"protocolVersion\":\"2025-06-18\",\"capabilities\":{}")),
            vec![(json!(1), 0)],
        ),
        (
            "initialize twice",
            text(&format!("{}\n{}", request("1", "initialize", ""), request("2", "initialize", ""))),
            vec![(json!(1), 0), (json!(2), 0)],
        ),
        ("initialize with a modern meta", text(&request("1", "initialize", META)), vec![(json!(1), -32601)]),
        ("discover without meta", text(&request("1", "server/discover", "")), vec![(json!(1), -32602)]),
        (
            "the probe of a client that starts a throw-away copy",
            text(&request("\"server-discover-probe-1\"", "server/discover", META)),
            vec![(json!("server-discover-probe-1"), 0)],
        ),
        ("tools/list as the very first message", text(&request("1", "tools/list", META)), vec![(json!(1), 0)]),
        ("a legacy request before initialize", text(&request("1", "tools/list", "")), vec![(json!(1), 0)]),
        (
            "an unknown version",
            text(&request("1", "tools/list", &META.replace("2026-07-28", "2099-01-01"))),
            vec![(json!(1), -32022)],
        ),
        ("an unknown method", text(&request("1", "nonsense", "")), vec![(json!(1), -32601)]),
        ("prompts, which are not offered", text(&request("1", "prompts/list", "")), vec![(json!(1), -32601)]),
        ("resources, which are not offered", text(&request("1", "resources/list", META)), vec![(json!(1), -32601)]),
        ("a broken line", text("{\"jsonrpc\":"), vec![(null.clone(), -32700)]),
        (
            "bytes that are not UTF-8",
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}".to_vec(),
            vec![(null.clone(), -32700)],
        ),
        ("a NUL", b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\0ng\"}".to_vec(), vec![(null.clone(), -32700)]),
        (
            "half a surrogate pair",
            text(r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\ud83d"}}"#),
            vec![(null.clone(), -32700)],
        ),
        ("nesting beyond 128", deep.into_bytes(), vec![(null.clone(), -32700)]),
        ("a batch", text(&format!("[{},{}]", request("1", "ping", ""), request("2", "ping", ""))), vec![]),
        ("an empty batch", text("[]"), vec![(null.clone(), -32600)]),
        ("a batch of notifications", text(r#"[{"jsonrpc":"2.0","method":"x"}]"#), vec![]),
        ("no jsonrpc", text(r#"{"id":1,"method":"ping"}"#), vec![(json!(1), -32600)]),
        ("jsonrpc 1.0", text(r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#), vec![(json!(1), -32600)]),
        (
            "an id that is a fraction",
            text(r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#),
            vec![(null.clone(), -32600)],
        ),
        ("an id that is null", text(r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#), vec![(null.clone(), -32600)]),
        ("no method", text(r#"{"jsonrpc":"2.0","id":1}"#), vec![(json!(1), -32600)]),
        (
            "params that are a list",
            text(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#),
            vec![(json!(1), -32602)],
        ),
        ("a call without a name", text(&request("1", "tools/call", "")), vec![(json!(1), -32602)]),
        (
            "a call with ill-typed arguments",
            text(&request("1", "tools/call", "\"name\":\"tavily_search\",\"arguments\":7")),
            vec![(json!(1), -32602)],
        ),
        ("a call of no tool", text(&request("1", "tools/call", "\"name\":\"nothing\"")), vec![(json!(1), -32602)]),
        (
            "a call that the tool refuses",
            text(&request("1", "tools/call", "\"name\":\"tavily_search\"")),
            vec![(json!(1), 0)],
        ),
        ("a bad cursor", text(&request("1", "tools/list", "\"cursor\":\"x\"")), vec![(json!(1), -32602)]),
        ("a mark and a carriage return", text(&format!("\u{feff}{}\r", request("1", "ping", ""))), vec![(json!(1), 0)]),
        (
            "modern first, then legacy",
            text(&format!(
                "{}\n{}\n{}",
                request("1", "tools/list", META),
                request("2", "initialize", ""),
                request("3", "tools/list", "")
            )),
            vec![(json!(1), 0), (json!(2), 0), (json!(3), 0)],
        ),
    ]
}

#[test]
fn every_row_of_the_table_is_answered_as_it_should_be_and_the_process_goes_on() {
    for (name, bytes, expected) in rows() {
        let mut got: Vec<(Value, i64)> = answers(&bytes)
            .iter()
            .filter(|answer| !answer.is_array())
            .map(|answer| (answer["id"].clone(), answer["error"]["code"].as_i64().unwrap_or(0)))
            .collect();
        got.sort_by_key(|(id, _)| id.to_string());
        assert_eq!(got, expected, "{name}");
    }
}

#[test]
fn a_batch_is_one_array() {
    let all = answers(format!("[{},{}]", request("1", "ping", ""), request("2", "ping", "")).as_bytes());
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_line_over_eight_mebibytes_is_skipped_and_answered() {
    let mut serve = Serve::start();
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..9 {
        serve.send(&chunk);
    }
    serve.send(b"\n");
    serve.send(PING.as_bytes());
    let (lines, _) = serve.end();
    assert_eq!(
        (lines[0]["error"]["code"].as_i64(), &lines[0]["id"], &lines[1]["id"]),
        (Some(-32600), &Value::Null, &json!("after"))
    );
}

#[test]
fn a_refused_argument_is_a_result_that_the_model_can_read() {
    let all = answers(request("1", "tools/call", "\"name\":\"tavily_search\"").as_bytes());
    assert_eq!(all[0]["result"]["isError"], true);
    let text = all[0]["result"]["content"][0]["text"].as_str().expect("text");
    assert!(text.starts_with("error: ") && text.contains("query") && text.contains("hint:  "), "{text}");
}

#[test]
fn ids_come_back_byte_for_byte() {
    let mut serve = Serve::start();
    for id in ["9007199254740993", "123456789012345678901234567890", r#""\u00e9""#] {
        serve.send(format!("{}\n", request(id, "ping", "")).as_bytes());
        let line = serve.output.next().expect("an answer").expect("a line");
        assert!(line.contains(&format!("\"id\":{id},")), "{id}: {line}");
    }
}

#[test]
fn the_end_of_the_input_ends_the_process_with_success() {
    let (lines, was_good) = Serve::start().end();
    assert!(was_good && lines.is_empty(), "{lines:?}");
}

#[test]
fn an_output_that_nobody_reads_ends_the_process() {
    let mut serve = Serve::start();
    let (unread, _) = tempfile_lines();
    drop(std::mem::replace(&mut serve.output, unread));
    serve.send(format!("{PING}\n{PING}\n").as_bytes());
    assert!(serve.child.wait().expect("it ends").success());
}

/// An output to put in the place of one that is closed.
fn tempfile_lines() -> (std::io::Lines<BufReader<ChildStdout>>, ()) {
    let mut child = Command::new("true").stdout(Stdio::piped()).spawn().expect("`true` starts");
    let output = child.stdout.take().expect("a pipe");
    child.wait().expect("it ends");
    (BufReader::new(output).lines(), ())
}

#[test]
fn nothing_but_the_protocol_is_on_standard_output_and_nothing_on_standard_error() {
    let home = tempfile::tempdir().expect("a folder");
    let mut child = keyward(&home, &["serve"]).spawn().expect("the binary starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(request("1", "initialize", "").as_bytes()).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
