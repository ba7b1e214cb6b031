//! Tools as MCP sees them. Schemas are copied as text, never parsed or built again.

use std::fmt::Write as _;

use crate::backends::Tool;

/// The JSON array of the definitions.
pub(super) fn array<'a>(tools: impl Iterator<Item = &'a Tool>) -> String {
    let mut text = String::from("[");
    for (index, tool) in tools.enumerate() {
        if index > 0 {
            text.push(',');
        }
        object(&mut text, tool);
    }
    text.push(']');
    text
}

fn object(text: &mut String, tool: &Tool) {
    let _ = write!(
        text,
        "{{\"name\":{},\"title\":{},\"description\":{},\"inputSchema\":{}",
        quoted(&tool.name),
        quoted(&tool.title),
        quoted(&tool.description),
        tool.input_schema.text(),
    );
    if let Some(schema) = &tool.output_schema {
        let _ = write!(text, ",\"outputSchema\":{}", schema.text());
    }
    let effect = tool.effect;
    let _ = write!(
        text,
        ",\"annotations\":{{\"title\":{},\"readOnlyHint\":{},\"destructiveHint\":{},\"idempotentHint\":{},\"openWorldHint\":{}}}}}",
        quoted(&tool.title),
        effect.read_only,
        effect.destructive,
        effect.idempotent,
        effect.open_world,
    );
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}
