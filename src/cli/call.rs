//! `keyward call`: one tool call from the terminal, through the same code as `serve`.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Console, Outcome, layout};
use crate::app::error::Ended;
use crate::app::{App, Error};
use crate::backends::{self, Json, Output, outside};
use crate::config;
use crate::report::{Exit, Failure, Report};
use crate::serve::{Catalog, Choice, Entry};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure<'a>>,
}

pub(super) async fn run(arguments: Arguments, console: &Console, app: &Arc<App>) -> Outcome {
    let entry = find(&arguments.tool, app).await.map_err(|error| Report::from(&error))?;
    let schema: Value = serde_json::from_str(entry.tool.input_schema.text()).unwrap_or_default();
    let wrong = |report: Report| report.hint(takes(&arguments.tool));
    let given = given(&arguments, &schema).map_err(wrong)?;
    if let Some(complaint) = super::schema::complaint(&schema, &given, arguments.arguments.is_none()) {
        return Err(wrong(self::wrong(complaint)));
    }
    let call = |progress| super::confirm::call(app, &entry, given, progress);
    let output = console.line.during_steps(&format!("Calling `{}`", arguments.tool), call).await;
    let output = output.map_err(|error| Report::from(&error))?;
    let failure = output.failed.then(|| {
        Report::new(Exit::Server, "tool_failed", format!("`{}` says that it failed", arguments.tool))
            .cause("the service's own words are in the result")
            .hint(takes(&arguments.tool))
    });
    show(console, &output, failure.as_ref());
    match failure {
        Some(failure) if !console.json => Err(failure),
        Some(failure) => Ok(failure.exit),
        None => Ok(Exit::Done),
    }
}

/// The tool of that name. A remote server that has never been asked for its tools is asked now: that there is no such
/// tool would not be true, and without a login the answer says which command helps.
pub(super) async fn find(tool: &str, app: &Arc<App>) -> Result<Arc<Entry>, Error> {
    let catalog = || Catalog::new(Arc::clone(app), &Choice::default());
    let unknown = match catalog()?.require(tool) {
        Ok(entry) => return Ok(entry),
        Err(off @ Error::ToolOff { .. }) => return Err(off),
        Err(unknown) => unknown,
    };
    if let Some(preset) = app.config.preset_of(tool) {
        let (connection, way) = (preset.name.clone(), preset.way.0);
        return Err(Error::LoginRequired { connection, way, why: Ended::Absent });
    }
    let is_meant = |connection: &&config::Connection| {
        connection.backend.name == backends::remote::BACKEND.name
            && tool.strip_prefix(&connection.name).is_some_and(|rest| rest.starts_with('_'))
    };
    // Of `a` and `a_b`, the longer name is meant by `a_b_add`.
    let Some(connection) = app.config.connections.iter().filter(is_meant).max_by_key(|c| c.name.len()) else {
        return Err(unknown);
    };
    let service = app.service(connection)?;
    if service.remembered.is_some() {
        return Err(unknown);
    }
    let listed = backends::remote::learn(&service).await;
    listed.map_err(|error| Error::Service { connection: connection.name.clone(), error })?;
    catalog()?.require(tool)
}

/// The most of the name that a service has for a kind of content.
const LONGEST_KIND: usize = 40;
/// The most of an address that is shown.
const LONGEST_PLACE: usize = 300;

fn show(console: &Console, output: &Output, failure: Option<&Report>) {
    if console.json {
        console.print_json(&Shown {
            schema_version: 1,
            failed: output.failed,
            structured: output.structured.as_ref().and_then(raw),
            content: raw(&output.content).unwrap_or(RawValue::NULL),
            error: failure.map(Report::failure),
        });
        return;
    }
    let structured: Option<Value> = output.structured.as_ref().and_then(|raw| serde_json::from_str(raw.get()).ok());
    let structured = structured.filter(|value| value.as_object().is_some_and(|members| !members.is_empty()));
    let blocks: Vec<Value> = serde_json::from_str(output.content.get()).unwrap_or_default();
    // The text says the same again, for those who read no structure; what is no text is said in any case.
    if let Some(value) = &structured {
        console.print(&layout::text(value, console.width));
    }
    for block in &blocks {
        match block.get("text").and_then(Value::as_str) {
            Some(_) if structured.is_some() => {}
            Some(text) => console.print(&readable(text, console.width)),
            None => console.print(&said(block)),
        }
    }
}

/// JSON to stand within other JSON.
fn raw(json: &Json) -> Option<&RawValue> {
    serde_json::from_str(json.get()).ok()
}

/// A text as it is, or laid out where it is JSON.
fn readable(text: &str, width: Option<usize>) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => layout::text(&value, width),
        _ => printable(text),
    }
}

/// A block that is no text: what it is, and where.
fn said(block: &Value) -> String {
    let within = block.get("resource").unwrap_or(block);
    let word = |name: &str| {
        let text = within.get(name).or_else(|| block.get(name)).and_then(Value::as_str);
        text.map(|text| outside::line(text, LONGEST_PLACE)).filter(|text| !text.is_empty())
    };
    if let Some(text) = within.get("text").and_then(Value::as_str) {
        let place = word("uri").map_or(String::new(), |place| format!("{place}:\n"));
        return format!("{place}{}", printable(text));
    }
    let kind = block.get("type").and_then(Value::as_str).unwrap_or("content");
    let mut parts = vec![outside::line(kind, LONGEST_KIND)];
    parts.extend(["name", "mimeType", "uri"].into_iter().filter_map(word));
    if let Some(data) = within.get("data").or_else(|| within.get("blob")).and_then(Value::as_str) {
        parts.push(format!("{} bytes; `--json` prints them", data.len() / 4 * 3));
    }
    format!("[{}]", parts.join(", "))
}

/// Text from outside must not steer the terminal, and must not show a person something else than it says.
fn printable(text: &str) -> String {
    outside::clean(text.to_owned())
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
    Report::new(Exit::Usage, "arguments", "the arguments cannot be used").cause(cause)
}

/// Where the arguments of the tool are told.
fn takes(tool: &str) -> String {
    format!("`keyward tools {tool}` shows what it takes, with an example")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_service_says_steers_no_terminal_and_hides_nothing() {
        let said = "a\u{1b}]0;owned\u{7}\u{1b}[2J\tb\nc\u{202e}d\u{e0041}";
        assert_eq!(printable(said), "a]0;owned[2J\tb\ncd");
    }

    #[test]
    fn what_is_no_text_is_said_with_its_place() {
        for (block, expected) in [
            (
                json!({"type": "image", "mimeType": "image/png", "data": "AAAA"}),
                "[image, image/png, 3 bytes; `--json` prints them]",
            ),
            (
                json!({"type": "resource_link", "name": "a\u{1b}[2J", "uri": "file:///a"}),
                "[resource_link, a [2J, file:///a]",
            ),
            (
                json!({"type": "resource", "resource": {"uri": "file:///b", "text": "its\ntext"}}),
                "file:///b:\nits\ntext",
            ),
            (json!({"type": "new\u{202e}"}), "[new]"),
        ] {
            assert_eq!(said(&block), expected, "{block}");
        }
        assert_eq!(readable("{\"a\": 1}", None), "a  1");
        assert_eq!(readable("{not json", None), "{not json");
    }

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
