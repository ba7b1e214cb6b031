//! Research: tasks that take two questions to end, and reports that are written piece by piece.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};

use super::Refusal;
use crate::backends::fake::{Received, Record, Reply, pause, pieces};

/// The tasks that were begun, oldest first.
#[derive(Default)]
pub(super) struct Tasks(Mutex<Vec<Task>>);

#[derive(Clone)]
struct Task {
    id: String,
    body: Value,
    asked: u32,
}

impl Tasks {
    /// Begins a task; its id.
    fn begin(&self, body: &Value) -> String {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = format!("123e4567-e89b-12d3-a456-{:012}", all.len());
        all.push(Task { id: id.clone(), body: body.clone(), asked: 0 });
        id
    }

    /// How many were begun.
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The answer to `POST /research` that is not followed.
    pub(super) fn create(&self, body: &Value) -> Result<Value, Refusal> {
        let input = body.get("input").and_then(Value::as_str).ok_or((422, "input"))?;
        let id = self.begin(body);
        Ok(json!({
            "request_id": id, "created_at": "2025-01-15T10:30:00Z", "status": "pending", "input": input,
            "model": body.get("model").cloned().unwrap_or(json!("auto")), "response_time": 1.23,
        }))
    }

    /// The answer to `GET /research/{id}`: its status and body.
    pub(super) fn status(&self, id: &str) -> (StatusCode, Value) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(task) = all.iter_mut().find(|task| task.id == id) else {
            return (StatusCode::NOT_FOUND, json!({"detail": {"error": "Research task not found"}}));
        };
        task.asked = task.asked.saturating_add(1);
        let input = task.body.get("input").and_then(Value::as_str).unwrap_or_default();
        match (task.asked, input) {
            (_, "fake:lost") => {
                (StatusCode::INTERNAL_SERVER_ERROR, json!({"detail": {"error": "Error getting research status"}}))
            }
            (1, _) => (StatusCode::ACCEPTED, json!({"request_id": id, "status": "pending", "response_time": 1.0})),
            (2, _) => (StatusCode::ACCEPTED, json!({"request_id": id, "status": "in_progress", "response_time": 2.0})),
            (_, "fake:failed") => (StatusCode::OK, json!({"request_id": id, "status": "failed", "response_time": 3.0})),
            _ => (
                StatusCode::OK,
                json!({
                    "request_id": id, "created_at": "2025-01-15T10:30:00Z", "completed_at": "2025-01-15T10:31:00Z",
                    "status": "completed", "content": content(&task.body), "sources": sources(), "response_time": 3.0,
                    "usage": {"credits": 15},
                }),
            ),
        }
    }

    /// The answer to `POST /research` that is followed.
    pub(super) fn follow(&self, body: &Value, record: &Record) -> Reply {
        let id = self.begin(body);
        let input = body.get("input").and_then(Value::as_str).unwrap_or_default();
        let written = Written {
            frames: frames(body, input).into_iter().flat_map(halves).collect::<Vec<_>>().into_iter(),
            waits: input == "fake:silent" || input == "fake:slow",
            endless: input == "fake:slow",
            open: Some((record.clone(), format!("/research/{id}"))),
        };
        let mut reply: Reply = Response::new(pieces(written));
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.extend(HeaderValue::from_str(&id).ok().map(|id| (http::HeaderName::from_static("x-request-id"), id)));
        reply
    }
}

/// The pieces of a stream. One that is dropped before its end was closed by the client, and the record says so.
struct Written {
    frames: std::vec::IntoIter<Vec<u8>>,
    waits: bool,
    endless: bool,
    open: Option<(Record, String)>,
}

impl Iterator for Written {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if let Some(frame) = self.frames.next() {
            return Some(frame);
        }
        if self.endless {
            pause(Duration::from_millis(20));
            return Some(b": still there\n".to_vec());
        }
        if std::mem::take(&mut self.waits) {
            pause(Duration::from_secs(1));
        }
        self.open = None;
        None
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let Some((record, path)) = self.open.take() else { return };
        let mut closed = Received::new(Vec::new());
        *closed.method_mut() = Method::from_bytes(b"CLOSED").unwrap_or_default();
        *closed.uri_mut() = path.parse().unwrap_or_default();
        record.note(&closed);
    }
}

/// Both halves of a frame: the network does not know where a frame ends.
fn halves(frame: String) -> [Vec<u8>; 2] {
    let mut first = frame.into_bytes();
    let second = first.split_off(first.len() / 2);
    [first, second]
}

fn frames(body: &Value, input: &str) -> Vec<String> {
    let model = body.get("model").cloned().unwrap_or(json!("auto"));
    let frame = |delta: Value| {
        let chunk = json!({
            "id": "chunk-1", "object": "chat.completion.chunk", "model": model, "created": 1_736_935_800,
            "choices": [{"delta": delta}],
        });
        format!("data: {chunk}\n\n")
    };
    let call = |name: &str, queries: Value| {
        json!({"role": "assistant", "tool_calls": {"type": "tool_call", "tool_call": [
            {"name": name, "id": "tc-1", "arguments": format!("Working on {input}"), "queries": queries},
        ]}})
    };
    let found = json!({"role": "assistant", "tool_calls": {"type": "tool_response", "tool_response": [
        {"name": "WebSearch", "id": "tc-1", "arguments": "Found pages", "sources": sources()},
    ]}});
    let mut frames = vec![
        ": the stream begins\n\n".to_owned(),
        frame(call("Planning", json!([]))),
        frame(call("WebSearch", json!(["one", "two"]))),
        frame(found),
        frame(call("Generating", json!([]))),
    ];
    match input {
        "fake:error" => {
            let error = json!({"id": "chunk-2", "object": "error", "error": "The research could not be done."});
            frames.push(format!("event: error\ndata: {error}\n\n"));
        }
        "fake:cut" | "fake:slow" => frames.push(frame(json!({"content": "# The first"}))),
        _ => {
            match content(body) {
                Value::String(report) => {
                    let middle = report.char_indices().nth(report.chars().count() / 2).map_or(0, |(at, _)| at);
                    let (one, other) = report.split_at(middle);
                    frames.extend([one, other].map(|piece| frame(json!({"content": piece}))));
                }
                object => frames.push(frame(json!({"content": object}))),
            }
            frames.push(frame(json!({"sources": sources()})));
            // The service closes right after this, without a blank line.
            frames.push("event: done\ndata: {}".to_owned());
        }
    }
    frames
}

fn content(body: &Value) -> Value {
    let input = body.get("input").and_then(Value::as_str).unwrap_or_default();
    if let Some(properties) = body.pointer("/output_schema/properties").and_then(Value::as_object) {
        return properties
            .keys()
            .map(|name| (name.clone(), json!(format!("about {input}"))))
            .collect::<serde_json::Map<_, _>>()
            .into();
    }
    match input {
        "fake:long" => json!("0123456789".repeat(10_000)),
        _ => json!(format!("# A report about {input}\n\nIt is so [1].\n")),
    }
}

fn sources() -> Value {
    json!([
        {"title": "A page", "url": "https://example.org/1", "favicon": "https://example.org/favicon.ico"},
        {"title": "Another", "url": "https://example.org/2"},
    ])
}
