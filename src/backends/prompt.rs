//! Prompts: ready-made requests that a person picks in the host.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Error;

/// A ready-made request for the model.
#[derive(Clone)]
pub struct Prompt {
    /// Unique over all connections, made as the names of tools are.
    pub name: String,
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
    /// The request, in the person's name. `filled` has texts by the names of the arguments; none that is required is
    /// missing. Must not touch the network.
    fn write(&self, filled: &Map<String, Value>) -> Result<String, Error>;
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
