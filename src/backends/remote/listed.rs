//! A server's list of tools, turned into ours, and what all its lists have in common. A list is a stranger's text: an entry
//! that cannot be used is left out.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::mirror::{self, Mirror};
use super::peer::ToolCall;
use super::{Shared, wire};
use crate::backends::host::Entry as LogEntry;
use crate::backends::{Boxed, Call, Effect, Error, Handler, Output, Schema, Tool, name, outside};

/// The most characters of a description; a longer one costs the model more than it tells.
const DESCRIPTION: usize = 4_000;
pub(super) const TITLE: usize = 100;

/// The tools of the list that can be offered, in its order.
pub(super) fn tools(peer: &Shared, list: &RawValue) -> Vec<Tool> {
    once(list, |entry| tool(peer, entry), |tool| &tool.name)
}

/// What is made of the entries of a list, without those of which nothing can be made, and without a second one of a name.
pub(super) fn once<T>(list: &RawValue, make: impl Fn(&RawValue) -> Option<T>, name: impl Fn(&T) -> &str) -> Vec<T> {
    let entries: Vec<&RawValue> = serde_json::from_str(list.get()).unwrap_or_default();
    let mut taken = HashSet::new();
    let made = entries.into_iter().filter_map(make);
    made.filter(|one| taken.insert(name(one).to_owned())).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default, deserialize_with = "lenient")]
    title: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    description: Option<String>,
    #[serde(borrow)]
    input_schema: &'a RawValue,
    #[serde(borrow, default)]
    output_schema: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "lenient")]
    annotations: Option<Hints>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Hints {
    #[serde(deserialize_with = "lenient")]
    title: Option<String>,
    #[serde(deserialize_with = "lenient")]
    read_only_hint: Option<bool>,
    #[serde(deserialize_with = "lenient")]
    destructive_hint: Option<bool>,
    #[serde(deserialize_with = "lenient")]
    idempotent_hint: Option<bool>,
    #[serde(deserialize_with = "lenient")]
    open_world_hint: Option<bool>,
}

/// A member of another type counts as absent: it must not cost the tool.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(
    member: D,
) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(member)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_default())
}

fn tool(peer: &Shared, entry: &RawValue) -> Option<Tool> {
    let entry: Entry<'_> = serde_json::from_str(entry.get()).ok().filter(|entry: &Entry<'_>| !entry.name.is_empty())?;
    let hints = entry.annotations.unwrap_or_default();
    let mirrors = mirror::of(entry.input_schema.get()).ok()?;
    let title = entry.title.or(hints.title).filter(|title| !title.trim().is_empty());
    let title = outside::line(title.as_deref().unwrap_or(&entry.name), TITLE);
    Some(Tool {
        name: name::of(&peer.connection.name, &entry.name),
        own: entry.name.clone().into_owned().into(),
        title: title.into(),
        description: marked(&peer.host(), entry.description.as_deref().unwrap_or_default()).into(),
        input_schema: schema(entry.input_schema)?,
        output_schema: entry.output_schema.and_then(schema),
        effect: Effect {
            read_only: hints.read_only_hint.unwrap_or(false),
            // Of a tool that only reads, the protocol's default says nothing.
            destructive: hints.destructive_hint.unwrap_or(!hints.read_only_hint.unwrap_or(false)),
            idempotent: hints.idempotent_hint.unwrap_or(false),
            open_world: hints.open_world_hint.unwrap_or(true),
        },
        toolset: None,
        handler: Arc::new(Remote { peer: Arc::clone(peer), tool: entry.name.into_owned().into(), mirrors }),
    })
}

/// A mark of whose words follow.
pub(super) fn mark(host: &str) -> String {
    format!("[from the MCP server {host}]")
}

/// The server's words behind a mark of whose they are: a description is read by the model like an instruction, and a
/// question by a person like one of ours.
pub(super) fn marked(host: &str, words: &str) -> String {
    let words = outside::clean(words.to_owned());
    let words = words.trim();
    let cut = if words.chars().nth(DESCRIPTION).is_some() { "…" } else { "" };
    let kept: String = words.chars().take(DESCRIPTION).collect();
    match kept.is_empty() {
        true => mark(host),
        false => format!("{} {kept}{cut}", mark(host)),
    }
}

/// How severe an entry of a log is, in MCP's words; what is none of them is the least.
pub(super) fn severity(level: &str) -> usize {
    const WORDS: [&str; 8] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
    WORDS.iter().position(|word| *word == level).unwrap_or_default()
}

/// The most bytes of what an entry of a log says.
const LOGGED: usize = 16 << 10;

/// An entry of a server's log.
pub(super) fn entry(params: &RawValue) -> Option<LogEntry> {
    #[derive(Deserialize)]
    struct Logged<'a> {
        #[serde(borrow)]
        level: Cow<'a, str>,
        #[serde(default, deserialize_with = "lenient")]
        logger: Option<String>,
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let logged: Logged<'_> = serde_json::from_str(params.get()).ok()?;
    let data = match logged.data.get().len() <= LOGGED {
        true => wire::on_one_line(outside::clean_json(logged.data)?),
        false => serde_json::value::to_raw_value(&outside::line(logged.data.get(), LOGGED / 4)).ok()?,
    };
    let logger = logged.logger.map(|logger| outside::line(&logger, TITLE));
    Some(LogEntry { level: outside::line(&logged.level, 20), logger, data })
}

/// The most bytes of a schema: a model reads all of it.
const SCHEMA: usize = 64 << 10;

/// The schema as received, but for characters that hide something, if its root is an object; with the type added if it
/// has none; `None` if it is something else, or longer than a schema may be.
fn schema(received: &RawValue) -> Option<Schema> {
    let received = outside::clean_json(received).filter(|schema| schema.get().len() <= SCHEMA)?;
    #[derive(Deserialize)]
    struct Root<'a> {
        #[serde(borrow, rename = "type", default)]
        kind: Option<&'a RawValue>,
    }
    let root: Root<'_> = serde_json::from_str(received.get()).ok().filter(|_| received.get().starts_with('{'))?;
    let whole = match root.kind.map(RawValue::get) {
        Some("\"object\"") => received.clone(),
        Some(_) => return None,
        None => {
            let members = received.get().strip_prefix('{')?;
            let comma = if members.trim_start().starts_with('}') { "" } else { "," };
            RawValue::from_string(format!(r#"{{"type":"object"{comma}{members}"#)).ok()?
        }
    };
    Some(Schema::Received(Arc::from(wire::on_one_line(whole))))
}

/// Calls a tool under the server's own name for it.
struct Remote {
    peer: Shared,
    tool: Arc<str>,
    mirrors: Vec<Mirror>,
}

impl Handler for Remote {
    fn call(&self, call: Call) -> Boxed<'static, Result<Output, Error>> {
        let (peer, tool) = (Arc::clone(&self.peer), Arc::clone(&self.tool));
        let headers = mirror::headers(&self.mirrors, &call.arguments);
        Box::pin(async move {
            let Call { arguments, progress, host, .. } = call;
            let outcome = peer.call(ToolCall { tool: &tool, arguments: &arguments, headers, progress, host }).await;
            // A tool that was refused may have changed since it was listed.
            if matches!(outcome, Ok(_) | Err(Error::Refused { .. })) {
                peer.refresh();
            }
            outcome
        })
    }
}
