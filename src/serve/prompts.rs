//! The prompts of every chosen connection, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value, json};

use super::catalog::Service;
use crate::app::Error;
use crate::backends::prompt::Written;
use crate::backends::{self, Host, Prompt, outside};
use crate::mcp::{BoxFuture, Found, ReadError};
use crate::report::Report;

/// The most characters of one filled-in text.
const LONGEST: usize = 2000;
/// The most characters of a name that is none of the prompt's.
const LONGEST_NAME: usize = 60;

/// The prompts that are offered.
pub struct Prompts {
    prompts: BTreeMap<String, Entry>,
    definitions: OnceLock<Arc<str>>,
}

#[derive(Clone)]
struct Entry {
    connection: String,
    prompt: Prompt,
}

impl Entry {
    async fn write(self, filled: Map<String, Value>) -> Result<Found, ReadError> {
        let Self { connection, prompt } = self;
        match prompt.writer.write(filled, Host::default()).await {
            Ok(Written { messages, .. }) => {
                let messages: Value = serde_json::from_str(messages.get()).unwrap_or_default();
                let text = messages.pointer("/0/content/text").and_then(Value::as_str).unwrap_or_default().to_owned();
                Ok(Found::Prompt { description: prompt.description.to_string(), text })
            }
            Err(backends::Error::Arguments(why)) => Err(ReadError::Parameters(why)),
            Err(error) => {
                let error = Error::Service { connection, error };
                Err(ReadError::Failed(Report::from(&error).text()))
            }
        }
    }
}

impl Prompts {
    /// Collects them, without those whose names `is_disabled`.
    pub(super) fn of(services: &[Service], is_disabled: impl Fn(&str) -> bool) -> Self {
        let mut prompts = BTreeMap::new();
        for service in services {
            for prompt in service.backend.prompts(&service.connection) {
                if !is_disabled(&prompt.name) && service.patterns.offer(&prompt.own, &prompt.name) {
                    let connection = service.connection.name.clone();
                    // Names are made unique by their connection; were two the same, the first keeps it.
                    prompts.entry(prompt.name.clone()).or_insert(Entry { connection, prompt });
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
    pub(super) fn definitions(&self) -> Arc<str> {
        let all = || self.prompts.values().map(|entry| definition(&entry.prompt)).collect::<Value>().to_string().into();
        Arc::clone(self.definitions.get_or_init(all))
    }

    /// The request that the prompt makes of what the person filled in.
    pub(super) fn write(
        &self,
        name: &str,
        arguments: Map<String, Value>,
    ) -> BoxFuture<'static, Result<Found, ReadError>> {
        let entry = self.prompts.get(name).ok_or_else(|| "unknown prompt".to_owned());
        match entry.and_then(|entry| Ok((entry.clone(), filled(&entry.prompt, arguments)?))) {
            Ok((entry, filled)) => Box::pin(entry.write(filled)),
            Err(why) => Box::pin(async { Err(ReadError::Parameters(why)) }),
        }
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

/// What was filled in, as the writer may have it. Hosts send an empty text for what was left open.
fn filled(prompt: &Prompt, arguments: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut filled = Map::new();
    for (name, value) in arguments {
        if !prompt.arguments.iter().any(|argument| argument.name == name) {
            return Err(format!("the prompt takes no `{}`", outside::line(&name, LONGEST_NAME)));
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
