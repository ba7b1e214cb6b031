//! Outcomes as MCP sees them.

use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use crate::backends::{Json, Output, Progress, Step};
use crate::mcp;
use crate::report::Report;

/// A call that was answered.
pub(super) fn result(output: Output) -> mcp::ToolResult {
    let Output { content, structured, failed } = output;
    mcp::ToolResult { content: content.into_text(), structured: structured.map(Json::into_text), failed, meta: None }
}

/// A call that failed: the three parts of the report, for the model to read.
pub(super) fn failure(report: &Report) -> mcp::ToolResult {
    mcp::ToolResult { content: text(&report.text()).into_text(), structured: None, failed: true, meta: None }
}

/// One block of text.
pub(super) fn text(text: &str) -> Json {
    Json::from(&json!([{ "type": "text", "text": text }]))
}

/// A resource of one text.
pub(super) fn resource(uri: &str, media_type: &str, text: &str) -> mcp::Found {
    let contents = to_raw_value(&json!([{ "uri": uri, "mimeType": media_type, "text": text }]));
    mcp::Found::Resource { contents: contents.unwrap_or_else(|_| RawValue::NULL.to_owned()) }
}

/// Hands a backend's progress on.
pub(super) fn progress(sender: mcp::ProgressSender) -> Progress {
    Progress::to(move |made| step(&sender, made))
}

/// Hands one step on.
pub(super) fn step(sender: &mcp::ProgressSender, step: Step) {
    sender.send(step.done, step.total, step.message.as_deref());
}
