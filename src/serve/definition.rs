//! Tools as MCP sees them. Schemas are written straight into the list, never parsed or built again.

use std::fmt::Write as _;

use crate::backends::Tool;
use crate::backends::json::quoted;

/// What a definition usually takes, so that the list rarely moves while it grows.
const USUAL: usize = 3_400;

/// The JSON array of the definitions.
pub(super) fn array<'a>(tools: impl ExactSizeIterator<Item = &'a Tool>) -> String {
    let mut text = String::with_capacity(tools.len() * USUAL);
    text.push('[');
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
    for (before, value) in
        [("{\"name\":", &*tool.name), (",\"title\":", &*tool.title), (",\"description\":", &*tool.description)]
    {
        text.push_str(before);
        quoted(text, value);
    }
    text.push_str(",\"inputSchema\":");
    text.push_str(tool.input_schema.text());
    if let Some(schema) = &tool.output_schema {
        text.push_str(",\"outputSchema\":");
        text.push_str(schema.text());
    }
    let effect = tool.effect;
    text.push_str(",\"annotations\":{\"title\":");
    quoted(text, &tool.title);
    let _ = write!(
        text,
        ",\"readOnlyHint\":{},\"destructiveHint\":{},\"idempotentHint\":{},\"openWorldHint\":{}}}}}",
        effect.read_only, effect.destructive, effect.idempotent, effect.open_world,
    );
}
