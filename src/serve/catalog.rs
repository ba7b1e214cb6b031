//! What every chosen connection offers: its tools by name, and on demand its prompts and resources.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::prompts::Prompts;
use super::resources::Resources;
use super::{definition, state};
use crate::app::error::NoYes;
use crate::app::{App, Error};
use crate::backends::{self, Backend, Call, Output, Tool};
use crate::config::nearest;
use crate::config::patterns::{Patterns, matches};

/// What is offered, on top of what the configuration says.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Only these connections; all if empty.
    pub only: Vec<String>,
    /// Only tools that change nothing.
    pub read_only: bool,
}

impl Choice {
    /// Whether this connection is one of them.
    pub(super) fn names(&self, connection: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == connection)
    }
}

/// What is offered.
pub struct Catalog {
    tools: BTreeMap<String, Entry>,
    definitions: OnceLock<Arc<str>>,
    services: Vec<Service>,
    disabled: Vec<String>,
    prompts: OnceLock<Prompts>,
    resources: OnceLock<Resources>,
}

/// A connection that is offered.
pub(super) struct Service {
    pub(super) backend: &'static Backend,
    pub(super) connection: backends::Connection,
    pub(super) patterns: Patterns,
}

/// One tool and the connection it belongs to.
#[derive(Clone)]
pub struct Entry {
    /// The connection's name; `None` for the program's own tools.
    pub connection: Option<String>,
    /// The tool.
    pub tool: Tool,
}

impl Catalog {
    /// Collects the tools; prompts and resources wait until they are asked for. Reads cached lists of remote servers; no
    /// keychain, no network.
    pub fn new(app: Arc<App>, choice: &Choice) -> Result<Self, Error> {
        for name in &choice.only {
            app.connection(name)?;
        }
        let read_only = choice.read_only || app.config.serve.read_only;
        let disabled = app.config.serve.disable.clone();
        let mut services = Vec::new();
        let mut entries = vec![Entry { connection: None, tool: state::tool(&app, choice) }];
        for connection in &app.config.connections {
            let is_chosen = choice.names(&connection.name);
            // A connection without an address has nothing to call; `keyward_status` names it.
            if let Some(service) = is_chosen.then(|| app.service(connection).ok()).flatten() {
                let patterns = connection.patterns.clone();
                let tools = connection.backend.tools(&service).into_iter();
                let tools = tools.filter(|tool| patterns.offer(&tool.own, &tool.name));
                entries.extend(tools.map(|tool| Entry { connection: Some(connection.name.clone()), tool }));
                // The list of a remote server's tools has served its purpose.
                let service = backends::Connection { remembered: None, ..service };
                services.push(Service { backend: connection.backend, connection: service, patterns });
            }
        }
        let mut tools = BTreeMap::new();
        for entry in entries {
            let is_offered = (entry.tool.effect.read_only || !read_only) && !is_disabled(&disabled, &entry.tool.name);
            if is_offered {
                // Names are made unique by their connection; were two the same, the first keeps it.
                tools.entry(entry.tool.name.clone()).or_insert(entry);
            }
        }
        let (prompts, resources) = (OnceLock::new(), OnceLock::new());
        Ok(Self { tools, definitions: OnceLock::new(), services, disabled, prompts, resources })
    }

    /// The tools in the order of their names.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.tools.values()
    }

    /// The JSON array of MCP tool definitions.
    pub fn definitions(&self) -> Arc<str> {
        Arc::clone(self.definitions.get_or_init(|| definition::array(self.entries().map(|entry| &entry.tool)).into()))
    }

    /// The prompts. Like resources they change nothing, so that they stay where tools may only read.
    pub fn prompts(&self) -> &Prompts {
        self.prompts.get_or_init(|| Prompts::of(&self.services, |name| is_disabled(&self.disabled, name)))
    }

    /// The resources.
    pub fn resources(&self) -> &Resources {
        self.resources.get_or_init(|| Resources::of(&self.services))
    }

    /// The tool of that name.
    pub fn find(&self, name: &str) -> Option<Entry> {
        self.tools.get(name).cloned()
    }

    /// The tool of that name, or an error that names the nearest one.
    pub fn require(&self, name: &str) -> Result<Entry, Error> {
        self.find(name).ok_or_else(|| Error::UnknownTool {
            name: name.to_owned(),
            nearest: nearest::of(name, self.tools.keys().map(String::as_str)).map(String::from),
        })
    }
}

impl Entry {
    /// The name of its connection, or that of the program.
    pub fn whose(&self) -> &str {
        self.connection.as_deref().unwrap_or("keyward")
    }

    /// Runs one call. [`Error::Unconfirmed`] if it wants a yes that the call does not bring.
    pub async fn call(&self, call: Call) -> Result<Output, Error> {
        self.tool.handler.call(call).await.map_err(|error| match error {
            backends::Error::Unconfirmed { question } => {
                Error::Unconfirmed { tool: self.tool.name.clone(), question, why: NoYes::Unasked }
            }
            error => Error::Service { connection: self.whose().to_owned(), error },
        })
    }
}

#[cfg(test)]
impl Catalog {
    /// The same with one tool more.
    pub(super) fn with(mut self, entry: Entry) -> Self {
        self.tools.insert(entry.tool.name.clone(), entry);
        self
    }
}

fn is_disabled(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}
