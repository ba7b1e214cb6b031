//! Outcomes as MCP sees them.

use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use crate::backends::{Output, Progress};
use crate::mcp;
use crate::report::Report;

/// A call that was answered.
pub(super) fn result(output: Output) -> mcp::ToolResult {
    mcp::ToolResult { content: output.content, structured: output.structured, failed: output.failed }
}

/// A call that failed: the three parts of the report, for the model to read.
pub(super) fn failure(report: &Report) -> mcp::ToolResult {
    mcp::ToolResult { content: text(&report.text()), structured: None, failed: true }
}

/// One block of text.
pub(super) fn text(text: &str) -> Box<RawValue> {
    let blocks = json!([{ "type": "text", "text": text }]);
    to_raw_value(&blocks).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Hands a backend's progress on.
pub(super) fn progress(sender: mcp::ProgressSender) -> Progress {
    Progress::to(move |step| sender.send(step.done, step.total, step.message.as_deref()))
}
