//! A server's prompts, turned into ours.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::completing::complete;
use super::listed::{self, TITLE, lenient};
use super::{Shared, address, wire};
use crate::backends::prompt::{Argument, Writer, Written};
use crate::backends::{Boxed, Completion, Error, Host, Partial, Prompt, name, outside};

/// The most that a person is asked to fill in, and the most characters about each.
const ARGUMENTS: usize = 50;
const ABOUT: usize = 500;

/// The prompts of the list that can be offered, in its order.
pub(super) fn prompts(peer: &Shared, list: &RawValue) -> Vec<Prompt> {
    listed::once(list, |entry| prompt(peer, entry), |prompt| &prompt.name)
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(default, deserialize_with = "lenient")]
    title: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    description: Option<String>,
    #[serde(default)]
    arguments: Option<Vec<Field>>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    #[serde(default, deserialize_with = "lenient")]
    title: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    description: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    required: Option<bool>,
}

fn prompt(peer: &Shared, entry: &RawValue) -> Option<Prompt> {
    let entry: Entry = serde_json::from_str(entry.get()).ok().filter(|entry: &Entry| !entry.name.is_empty())?;
    let fields = entry.arguments.unwrap_or_default();
    if fields.len() > ARGUMENTS {
        return None;
    }
    let title = entry.title.filter(|title| !title.trim().is_empty());
    let title = outside::line(title.as_deref().unwrap_or(&entry.name), TITLE);
    Some(Prompt {
        name: name::of(&peer.connection.name, &entry.name),
        own: entry.name.clone().into(),
        title: title.into(),
        description: listed::marked(&peer.host(), entry.description.as_deref().unwrap_or_default()).into(),
        arguments: Cow::Owned(fields.into_iter().map(argument).collect::<Option<_>>()?),
        toolset: None,
        writer: Arc::new(Remote { peer: Arc::clone(peer), prompt: entry.name.into() }),
    })
}

/// Nothing where the name would not be what the person reads: the server is sent it as it wrote it.
fn argument(field: Field) -> Option<Argument> {
    if field.name.is_empty() || outside::line(&field.name, TITLE) != field.name {
        return None;
    }
    let about = field.description.or(field.title).unwrap_or_default();
    Some(Argument {
        description: outside::line(&about, ABOUT).into(),
        is_required: field.required.unwrap_or(false),
        name: field.name.into(),
    })
}

/// Writes a prompt under the server's own name for it.
struct Remote {
    peer: Shared,
    prompt: Arc<str>,
}

impl Writer for Remote {
    fn write(&self, filled: Map<String, Value>, host: Host) -> Boxed<'static, Result<Written, Error>> {
        let (peer, prompt) = (Arc::clone(&self.peer), Arc::clone(&self.prompt));
        Box::pin(async move {
            let ask = Ask { name: Some(&prompt), arguments: Some(&filled), ..Ask::long("prompts/get", host) };
            let outcome = peer.ask(ask).await;
            if matches!(outcome, Ok(_) | Err(Error::Refused { .. })) {
                peer.refresh();
            }
            let answer = outcome.map_err(arguments)?;
            let messages = answer.messages.map(wire::on_one_line).filter(|messages| messages.get().starts_with('['));
            let messages = messages.ok_or_else(|| peer.wrong("the prompt has no list of messages"))?;
            let description: Option<String> = wire::member(answer.description.as_deref());
            let description = description.map(|words| listed::marked(&peer.host(), &words));
            Ok(Written { description, messages: address::in_messages(&peer, messages) })
        })
    }

    fn complete(&self, partial: Partial) -> Boxed<'static, Result<Completion, Error>> {
        complete(&self.peer, json!({ "type": "ref/prompt", "name": &*self.prompt }), partial)
    }
}

/// A refusal of the parameters is about what was filled in, or about an address.
pub(super) fn arguments(error: Error) -> Error {
    match error {
        Error::Refused { code: wire::BAD_PARAMETERS | wire::NOT_FOUND, said, .. } => Error::Arguments(said),
        error => error,
    }
}
