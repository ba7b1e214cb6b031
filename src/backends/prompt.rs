//! Prompts: ready-made requests that a person picks in the host.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::host::Host;
use super::{Boxed, Completion, Error, Partial};

/// A ready-made request for the model.
#[derive(Clone)]
pub struct Prompt {
    /// Unique over all connections, made as the names of tools are.
    pub name: String,
    /// The name that it has without its connection; in a remote server's own words.
    pub own: Cow<'static, str>,
    /// A few words for people.
    pub title: Cow<'static, str>,
    /// What it is for.
    pub description: Cow<'static, str>,
    /// What the person can fill in.
    pub arguments: Cow<'static, [Argument]>,
    /// Which of the backend's toolsets it belongs to.
    pub toolset: Option<&'static str>,
    /// Writes the request.
    pub writer: Arc<dyn Writer>,
}

/// Writes the requests of a prompt.
pub trait Writer: Send + Sync {
    /// The request. `filled` has texts by the names of the arguments; none that is required is missing. Dropping the
    /// future cancels it.
    fn write(&self, filled: Map<String, Value>, host: Host) -> Boxed<'static, Result<Written, Error>>;
    /// What an argument may become; nothing where nobody knows.
    fn complete(&self, partial: Partial) -> Boxed<'static, Result<Completion, Error>> {
        let _ = partial;
        Box::pin(async { Ok(Completion::default()) })
    }
}

/// A request that was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// What it is for, where that is not what the prompt says.
    pub description: Option<String>,
    /// MCP's prompt messages, as JSON: an array.
    pub messages: Box<RawValue>,
}

impl Written {
    /// One message in the person's name.
    pub fn request(text: &str) -> Self {
        let messages = json!([{ "role": "user", "content": { "type": "text", "text": text } }]);
        // Text always has a JSON form.
        let messages = to_raw_value(&messages).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Self { description: None, messages }
    }
}

/// Something to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What to write there.
    pub description: Cow<'static, str>,
    /// Whether the prompt makes no sense without it.
    pub is_required: bool,
}
