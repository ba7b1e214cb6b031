//! `keyward call`: one tool call from the terminal, through the same code as `serve`.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Console, Outcome};
use crate::app::App;
use crate::backends::{Output, Progress, Step};
use crate::report::{Exit, Report};
use crate::serve::{Catalog, Choice};

/// Call one tool and print what it answers
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: `keyward call tavily_search query='rust oauth' max_results=3`, \
    `keyward call TOOL --arguments '{\"query\": \"rust\"}'`")]
pub(super) struct Arguments {
    /// The tool, as `keyward tools` lists it
    tool: String,
    /// Arguments, read as the tool's schema says; `name:=JSON` passes JSON as it is
    #[arg(value_name = "NAME=VALUE")]
    values: Vec<String>,
    /// All arguments as one JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "values")]
    arguments: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    schema_version: u32,
    failed: bool,
    structured: Option<&'a RawValue>,
    content: &'a RawValue,
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &Arc<App>) -> Outcome {
    let catalog = Catalog::new(Arc::clone(app), &Choice::default()).map_err(|error| Report::from(&error))?;
    let entry = catalog.require(&arguments.tool).map_err(|error| Report::from(&error))?;
    let schema: Value = serde_json::from_str(entry.tool.input_schema.text()).unwrap_or_default();
    let given = given(&arguments, &schema)?;
    let progress = if app.machine.facts.messages && !console.json {
        let terminal = Arc::clone(&app.machine.terminal);
        Progress::to(move |step| super::console::write(terminal.messages(), &line(&step)))
    } else {
        Progress::default()
    };
    let output = entry.call(given, progress).await.map_err(|error| Report::from(&error))?;
    show(console, &output);
    Ok(if output.failed { Exit::Server } else { Exit::Done })
}

fn show(console: &Console, output: &Output) {
    if console.json {
        console.print_json(&Shown {
            schema_version: 1,
            failed: output.failed,
            structured: output.structured.as_deref(),
            content: &output.content,
        });
        return;
    }
    let blocks: Vec<Value> = serde_json::from_str(output.content.get()).unwrap_or_default();
    for block in &blocks {
        let text = match block.get("text").and_then(Value::as_str) {
            Some(text) => printable(text),
            None => format!("[{}]", block.get("type").and_then(Value::as_str).unwrap_or("content")),
        };
        console.print(&text);
    }
}

/// Text from outside must not steer the terminal: everything but line breaks and tabs is taken out.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

fn line(step: &Step) -> String {
    let message = step.message.as_deref().map(printable).unwrap_or_default();
    match step.total {
        Some(total) => format!("{}/{total} {message}", step.done),
        None => format!("{} {message}", step.done),
    }
}

fn given(arguments: &Arguments, schema: &Value) -> Result<Map<String, Value>, Report> {
    if let Some(text) = &arguments.arguments {
        return serde_json::from_str(text)
            .map_err(|error| wrong(format!("`--arguments` is not a JSON object: {error}")));
    }
    let mut given = Map::new();
    for word in &arguments.values {
        let (name, value) = word.split_once('=').ok_or_else(|| wrong(format!("`{word}` is not NAME=VALUE")))?;
        let (name, value) = match name.strip_suffix(':') {
            Some(name) => (name, json(name, value)?),
            None => (name, read(name, value, schema)?),
        };
        given.insert(name.to_owned(), value);
    }
    Ok(given)
}

/// Reads a value as the schema's property says; without one it is JSON if it looks like it, and text otherwise.
fn read(name: &str, text: &str, schema: &Value) -> Result<Value, Report> {
    let property = schema.get("properties").and_then(|properties| properties.get(name));
    let kind = property.and_then(|property| property.get("type"));
    let kinds: Vec<&str> = match kind {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if kinds.contains(&"string") {
        return Ok(Value::String(text.to_owned()));
    }
    if kinds.contains(&"array") && !text.starts_with('[') {
        return Ok(text.split(',').map(|part| Value::String(part.trim().to_owned())).collect());
    }
    if kinds.is_empty() {
        return Ok(serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())));
    }
    json(name, text)
}

fn json(name: &str, text: &str) -> Result<Value, Report> {
    serde_json::from_str(text)
        .map_err(|_| wrong(format!("the value of `{name}` is not of the kind that the tool takes")))
}

fn wrong(cause: String) -> Report {
    Report::new(Exit::Usage, "arguments", "the arguments cannot be used")
        .cause(cause)
        .hint("`keyward tools --json` prints what each tool takes")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_as_the_schema_says() {
        let schema = json!({"properties": {"q": {"type": "string"}, "n": {"type": "integer"}, "b": {"type": "boolean"},
            "l": {"type": "array"}, "m": {"type": ["string", "null"]}}});
        let read = |name, text| read(name, text, &schema).map_err(|report| report.exit);
        assert_eq!(read("q", "5"), Ok(json!("5")));
        assert_eq!(read("n", "5"), Ok(json!(5)));
        assert_eq!(read("n", "five"), Err(Exit::Usage));
        assert_eq!(read("b", "true"), Ok(json!(true)));
        assert_eq!(read("l", "a, b"), Ok(json!(["a", "b"])));
        assert_eq!(read("l", "[1]"), Ok(json!([1])));
        assert_eq!(read("m", "x"), Ok(json!("x")));
        assert_eq!(read("unknown", "5"), Ok(json!(5)));
        assert_eq!(read("unknown", "text"), Ok(json!("text")));
    }
}
