//! An MCP host: starts `serve` on two pipes and speaks the protocol to it, line by line.

use std::io::{BufRead, BufReader, PipeWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::untrue;
use crate::app::App;
use crate::report::Report;
use crate::serve::{self, Choice, Server};

const PATIENCE: Duration = Duration::from_secs(30);

/// A host with a running server.
pub(super) struct Host {
    input: PipeWriter,
    lines: mpsc::UnboundedReceiver<String>,
    serving: JoinHandle<()>,
    next: u64,
}

/// What a tool answered.
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) failed: bool,
}

impl Host {
    pub(super) fn start(app: &Arc<App>) -> Result<Self, Report> {
        let broken = |error: std::io::Error| crate::report::io("there are no pipes for `serve`", &error);
        let (server_reads, input) = std::io::pipe().map_err(broken)?;
        let (output, server_writes) = std::io::pipe().map_err(broken)?;
        let server = Server::new(Arc::clone(app), &Choice::default()).map_err(|error| Report::from(&error))?;
        let serving = tokio::spawn(async move {
            serve::run(Box::new(BufReader::new(server_reads)), Box::new(server_writes), None, server).await;
        });
        let (sender, lines) = mpsc::unbounded_channel();
        // Reading a pipe blocks, so it has a thread of its own; it ends with the pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { input, lines, serving, next: 0 })
    }

    /// Initializes the server; how many tools it lists.
    pub(super) async fn initialize(&mut self) -> Result<usize, Report> {
        let client = json!({"name": "keyward demo", "version": env!("CARGO_PKG_VERSION")});
        let wish = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client});
        self.request("initialize", wish).await?;
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        let listed = self.request("tools/list", json!({})).await?;
        Ok(listed.pointer("/tools").and_then(Value::as_array).map_or(0, Vec::len))
    }

    /// Calls a tool; a failed call is a failure.
    pub(super) async fn call(&mut self, tool: &str, arguments: Value) -> Result<Answer, Report> {
        let answer = self.try_call(tool, arguments).await?;
        if answer.failed {
            return Err(untrue(&format!("the call of `{tool}` failed"), &answer.text.replace('\n', "; ")));
        }
        Ok(answer)
    }

    /// Calls a tool that may fail.
    pub(super) async fn try_call(&mut self, tool: &str, arguments: Value) -> Result<Answer, Report> {
        let result = self.request("tools/call", json!({"name": tool, "arguments": arguments})).await?;
        Ok(Answer {
            text: result.pointer("/content/0/text").and_then(Value::as_str).unwrap_or_default().to_owned(),
            failed: result.get("isError").and_then(Value::as_bool).unwrap_or(false),
        })
    }

    /// Ends the input and waits for the server's end.
    pub(super) async fn stop(self) -> Result<(), Report> {
        drop(self.input);
        let ended = tokio::time::timeout(PATIENCE, self.serving).await;
        if !matches!(ended, Ok(Ok(()))) {
            return Err(untrue("`serve` did not end with its input", ""));
        }
        Ok(())
    }

    fn send(&mut self, message: &Value) -> Result<(), Report> {
        writeln!(self.input, "{message}").map_err(|error| crate::report::io("`serve` does not read", &error))
    }

    async fn request(&mut self, method: &str, params: Value) -> Result<Value, Report> {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.recv()).await.ok().flatten();
            let line = line.ok_or_else(|| untrue("`serve` did not answer", method))?;
            let message: Value = serde_json::from_str(&line).map_err(|_| untrue("`serve` wrote no JSON", &line))?;
            if message.get("id").and_then(Value::as_u64) != Some(id) {
                continue;
            }
            return message.get("result").cloned().ok_or_else(|| untrue("`serve` answered with an error", &line));
        }
    }
}
