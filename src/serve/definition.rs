//! Tools as MCP sees them. Schemas go straight into the list, never parsed, built again or, where they are ours, copied.

use crate::backends::json::quoted;
use crate::backends::{Schema, Tool};
use crate::mcp::Definitions;

/// What a definition of ours usually takes besides its schemas, so that the list rarely moves while it grows.
const USUAL: usize = 800;

/// The JSON array of the definitions.
pub(super) fn array<'a>(tools: impl ExactSizeIterator<Item = &'a Tool>) -> Definitions {
    let mut text = Definitions::with_room(tools.len() * USUAL);
    let mut before = "[";
    for tool in tools {
        text.add(before);
        object(&mut text, tool);
        before = ",";
    }
    text.add(if before == "[" { "[]" } else { "]" });
    text
}

fn object(text: &mut Definitions, tool: &Tool) {
    for (before, value) in
        [("{\"name\":", &*tool.name), (",\"title\":", &*tool.title), (",\"description\":", &*tool.description)]
    {
        text.add(before);
        quoted(text.made(), value);
    }
    text.add(",\"inputSchema\":");
    schema(text, &tool.input_schema);
    if let Some(output) = &tool.output_schema {
        text.add(",\"outputSchema\":");
        schema(text, output);
    }
    text.add(",\"annotations\":{\"title\":");
    quoted(text.made(), &tool.title);
    let effect = tool.effect;
    for (flag, [yes, no]) in [
        (effect.read_only, [",\"readOnlyHint\":true", ",\"readOnlyHint\":false"]),
        (effect.destructive, [",\"destructiveHint\":true", ",\"destructiveHint\":false"]),
        (effect.idempotent, [",\"idempotentHint\":true", ",\"idempotentHint\":false"]),
        (effect.open_world, [",\"openWorldHint\":true}}", ",\"openWorldHint\":false}}"]),
    ] {
        text.add(if flag { yes } else { no });
    }
}

fn schema(text: &mut Definitions, schema: &Schema) {
    match schema {
        Schema::Static(known) => text.add(known),
        Schema::Received(raw) => text.made().push_str(raw.get()),
    }
}
