//! What a bug costs, in a process of its own: everything in flight is answered before it ends.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are part of the tests")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// The lines that the child wrote, its complaint, and its exit code.
fn run(requests: &[Value]) -> (Vec<Value>, String, Option<i32>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "fault::child::serves_and_panics"])
        .env("FAULT_CHILD", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for request in requests {
        writeln!(input, "{request}").unwrap();
    }
    // The input stays open: it is the bug that ends it.
    let output = child.wait_with_output().unwrap();
    drop(input);
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap());
    (lines.collect(), String::from_utf8(output.stderr).unwrap(), output.status.code())
}

fn call(id: impl Into<Value>, tool: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": "tools/call", "params": { "name": tool, "arguments": {} } })
}

#[test]
fn a_bug_in_one_call_answers_every_call_before_the_process_ends() {
    let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } } });
    let (answers, complaint, code) =
        run(&[hello, call(1, "wait"), call("wort \"zwei\"", "wait"), call(-3, "wait"), call(4, "panic")]);
    let mut failed: Vec<_> = answers.iter().filter(|answer| answer["error"]["code"] == -32603).collect();
    failed.sort_by_key(|answer| answer["id"].to_string());
    let ids: Vec<_> = failed.iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [json!("wort \"zwei\""), json!(-3), json!(1), json!(4)], "{answers:?} {complaint}");
    assert_eq!(answers.len(), 5, "nothing is answered twice: {answers:?}");
    assert_eq!(code, Some(1), "{complaint}");
    assert!(complaint.contains("error: keyward has a bug at tests/it/fault.rs:"), "{complaint}");
    assert!(!complaint.contains("a secret"), "what was panicked with stays unsaid: {complaint}");
}

#[test]
fn what_a_batch_had_already_answered_is_not_lost_with_the_rest() {
    let hello = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } } });
    let (answers, complaint, _) = run(&[hello, json!([call(1, "done"), call(2, "wait")]), call(3, "panic")]);
    let mut ids: Vec<_> =
        answers.iter().filter(|answer| answer["error"]["code"] == -32603).map(|a| a["id"].clone()).collect();
    ids.sort_by_key(ToString::to_string);
    assert_eq!(ids, [json!(1), json!(2), json!(3)], "{answers:?} {complaint}");
}

/// What the other process does.
mod child {
    use std::io::{BufReader, stdin, stdout};
    use std::sync::Arc;

    use keyward::machine;
    use keyward::mcp::{self, CallError, Definitions, InFlight, Kind, Limits, Outcome, ReadError, ToolRequest, Wire};

    type Answer<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

    struct Server;

    impl mcp::Server for Server {
        fn offers(&self, kind: Kind) -> bool {
            kind == Kind::Tools
        }

        fn list(&self, _: Kind) -> Arc<Definitions> {
            Arc::new("[]".to_owned().into())
        }

        fn call(&self, request: ToolRequest) -> Answer<Result<Outcome, CallError>> {
            Box::pin(async move {
                match request.name.as_str() {
                    "panic" => {
                        // The others are at what they do by now.
                        for _ in 0..50 {
                            tokio::task::yield_now().await;
                        }
                        panic!("a secret");
                    }
                    "done" => Err(CallError::UnknownTool),
                    _ => std::future::pending().await,
                }
            })
        }

        fn read(&self, _: mcp::ReadRequest) -> Answer<Result<mcp::Found, ReadError>> {
            Box::pin(std::future::pending())
        }
    }

    /// As `serve` has them: what is answered by the loop itself must not come after the last words either.
    #[cfg(target_os = "linux")]
    fn handles() -> Option<[mcp::Handle; 2]> {
        use std::os::fd::AsFd as _;
        Some([
            stdin().as_fd().try_clone_to_owned().expect("a handle"),
            stdout().as_fd().try_clone_to_owned().expect("a handle"),
        ])
    }
    #[cfg(not(target_os = "linux"))]
    fn handles() -> Option<[mcp::Handle; 2]> {
        None
    }

    #[test]
    #[ignore = "started by tests that need another process"]
    fn serves_and_panics() {
        std::env::var("FAULT_CHILD").expect("started by another test");
        machine::end_at_a_panic();
        let in_flight = InFlight::default();
        let last = in_flight.clone();
        machine::before_the_end(move || last.fail());
        let (input, output) = (Box::new(BufReader::new(stdin())), Box::new(stdout()));
        let wire = Wire { input, output, handles: handles(), in_flight };
        let identity =
            mcp::Identity { name: "test".into(), title: "test".into(), version: "1".into(), instructions: None };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(mcp::run(wire, identity, Arc::new(Server), Limits::default()));
    }
}
