//! The prompts of every chosen connection, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value, json};

use super::catalog::Service;
use super::resources;
use crate::backends::prompt::Written;
use crate::backends::{self, Completion, Host, Partial, Prompt, outside};
use crate::mcp::{Definitions, Found, ReadError};

/// The most characters of one filled-in text.
const LONGEST: usize = 2000;
/// The most characters of a name that is none of the prompt's.
const LONGEST_NAME: usize = 60;

/// The prompts that are offered.
pub struct Prompts {
    prompts: BTreeMap<String, Entry>,
    definitions: OnceLock<Arc<Definitions>>,
}

/// A prompt and the connection it belongs to.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) connection: String,
    /// Whether another server is behind it.
    pub(super) passes: bool,
    prompt: Prompt,
}

impl Entry {
    /// Writes the request that the prompt makes of what the person filled in.
    pub(super) async fn write(self, filled: Map<String, Value>, host: Host) -> Result<Found, ReadError> {
        let Self { connection, prompt, .. } = self;
        match prompt.writer.write(filled, host).await {
            Ok(Written { description, messages }) => {
                let description = description.or_else(|| Some(prompt.description.into_owned()));
                Ok(Found::Prompt { description, messages })
            }
            Err(error) => Err(failed(connection, error)),
        }
    }

    /// What the argument may become.
    pub(super) async fn complete(self, partial: Partial) -> Result<Completion, ReadError> {
        let completion = self.prompt.writer.complete(partial).await;
        completion.map_err(|error| failed(self.connection, error))
    }
}

fn failed(connection: String, error: backends::Error) -> ReadError {
    match error {
        backends::Error::Arguments(why) => ReadError::Parameters(why),
        error => resources::failed(connection, error),
    }
}

impl Prompts {
    /// Collects them, without those whose names `is_disabled`.
    pub(super) fn of(services: &[Service], is_disabled: impl Fn(&str) -> bool) -> Self {
        let mut prompts = BTreeMap::new();
        for service in services {
            for prompt in service.backend.prompts(&service.connection) {
                if !is_disabled(&prompt.name) && service.offers(&prompt.own, &prompt.name) {
                    let (connection, passes) = (service.connection.name.clone(), service.backend.passes());
                    // Names are made unique by their connection; were two the same, the first keeps it.
                    prompts.entry(prompt.name.clone()).or_insert(Entry { connection, passes, prompt });
                }
            }
        }
        Self { prompts, definitions: OnceLock::new() }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.prompts.is_empty()
    }

    /// The JSON array of MCP prompt definitions.
    pub(super) fn definitions(&self) -> Arc<Definitions> {
        let all = || self.prompts.values().map(|entry| definition(&entry.prompt)).collect::<Value>().to_string();
        Arc::clone(self.definitions.get_or_init(|| Arc::new(all().into())))
    }

    /// The prompt of that name, with what was filled in.
    pub(super) fn find(
        &self,
        name: &str,
        arguments: Map<String, Value>,
    ) -> Result<(Entry, Map<String, Value>), String> {
        let entry = self.prompts.get(name).ok_or("unknown prompt")?;
        Ok((entry.clone(), filled(&entry.prompt, arguments)?))
    }

    /// The prompt of that name, if it has this argument.
    pub(super) fn with(&self, name: &str, argument: &str) -> Result<Entry, String> {
        let entry = self.prompts.get(name).ok_or("unknown prompt")?;
        let is_its = entry.prompt.arguments.iter().any(|known| known.name == argument);
        is_its.then(|| entry.clone()).ok_or_else(|| format!("the prompt takes no `{}`", shown(argument)))
    }
}

fn definition(prompt: &Prompt) -> Value {
    let arguments = prompt.arguments.iter().map(|argument| {
        json!({ "name": argument.name, "description": argument.description, "required": argument.is_required })
    });
    json!({
        "name": prompt.name,
        "title": prompt.title,
        "description": prompt.description,
        "arguments": arguments.collect::<Value>(),
    })
}

/// A name that is none of ours, fit for a message.
fn shown(name: &str) -> String {
    outside::line(name, LONGEST_NAME)
}

/// What was filled in, as the writer may have it. Hosts send an empty text for what was left open.
fn filled(prompt: &Prompt, arguments: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut filled = Map::new();
    for (name, value) in arguments {
        if !prompt.arguments.iter().any(|argument| argument.name == name) {
            return Err(format!("the prompt takes no `{}`", shown(&name)));
        }
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            _ => return Err(format!("`{name}` is not a text")),
        };
        if text.chars().count() > LONGEST {
            return Err(format!("`{name}` has more than {LONGEST} characters"));
        }
        // What the person pasted may hide something from them that the model would read.
        let text = outside::clean(text);
        if !text.trim().is_empty() {
            filled.insert(name, Value::String(text));
        }
    }
    let missing =
        prompt.arguments.iter().find(|argument| argument.is_required && !filled.contains_key(&*argument.name));
    match missing {
        Some(argument) => Err(format!("the prompt needs `{}`: {}", argument.name, argument.description)),
        None => Ok(filled),
    }
}
