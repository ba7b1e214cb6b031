//! What every chosen connection offers: its tools by name, and on demand its prompts and resources.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::ears::Ears;
use super::prompts::Prompts;
use super::resources::Resources;
use super::{definition, state};
use crate::app::error::{NoYes, Off};
use crate::app::{App, Error};
use crate::backends::passage::Feed;
use crate::backends::{self, Backend, Call, Features, Output, Tool};
use crate::config::nearest;
use crate::config::patterns::{Patterns, matches};
use crate::mcp::Definitions;

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
    own: Tool,
    tools: OnceLock<BTreeMap<String, Arc<Entry>>>,
    definitions: OnceLock<Arc<Definitions>>,
    services: Vec<Service>,
    disabled: Vec<String>,
    read_only: bool,
    prompts: OnceLock<Prompts>,
    resources: OnceLock<Resources>,
}

/// A connection that is offered.
pub(super) struct Service {
    pub(super) backend: &'static Backend,
    pub(super) connection: backends::Connection,
    pub(super) patterns: Patterns,
}

impl Service {
    /// Whether its tool or prompt of this name may be offered.
    pub(super) fn offers(&self, own: &str, name: &str) -> bool {
        self.patterns.offer(own, name)
    }

    /// Whether the tool counts as one that changes nothing. What another server says of its own tool is a stranger's word,
    /// and `read_only` is there for those who do not want to rely on one: it counts for tools that the person has named.
    pub(super) fn only_reads(&self, tool: &Tool) -> bool {
        tool.effect.read_only && (!self.backend.passes() || self.patterns.name(&tool.own, &tool.name))
    }
}

/// One tool and the connection it belongs to.
#[derive(Clone)]
pub struct Entry {
    /// The connection's name; `None` for the program's own tools.
    pub connection: Option<String>,
    /// The tool.
    pub tool: Tool,
    /// Whether another server is behind it, which may ask something in the middle of a call.
    pub passes: bool,
}

impl Catalog {
    /// Collects the connections; tools, prompts and resources wait until they are asked for. Reads cached lists of remote
    /// servers; no keychain, no network.
    pub fn new(app: Arc<App>, choice: &Choice) -> Result<Self, Error> {
        Self::after(None, app, choice, &Ears::default())
    }

    /// The same for a host that hears what servers tell. The connections of a catalog `before` go on as they are, with
    /// whatever they hold: it must be of the same configuration.
    pub(super) fn after(before: Option<&Self>, app: Arc<App>, choice: &Choice, ears: &Ears) -> Result<Self, Error> {
        for name in &choice.only {
            app.connection(name)?;
        }
        let read_only = choice.read_only || app.config.serve.read_only;
        let disabled = app.config.serve.disable.clone();
        let mut services = Vec::new();
        for connection in &app.config.connections {
            let is_chosen = choice.names(&connection.name);
            // A connection without an address has nothing to call; `keyward_status` names it.
            if let Some(service) = is_chosen.then(|| app.service(connection).ok()).flatten() {
                let kept = before.and_then(|before| before.service(&connection.name));
                let service = match kept {
                    Some(kept) => backends::Connection { remembered: service.remembered, ..kept.connection.clone() },
                    None => backends::Connection { listener: ears.of(&connection.name), ..service },
                };
                let patterns = connection.patterns.clone();
                services.push(Service { backend: connection.backend, connection: service, patterns });
            }
        }
        Ok(Self {
            own: state::tool(&app, choice),
            tools: OnceLock::new(),
            definitions: OnceLock::new(),
            services,
            disabled,
            read_only,
            prompts: OnceLock::new(),
            resources: OnceLock::new(),
        })
    }

    fn tools(&self) -> &BTreeMap<String, Arc<Entry>> {
        self.tools.get_or_init(|| {
            let own = Entry { connection: None, tool: self.own.clone(), passes: false };
            let mut tools = BTreeMap::new();
            for entry in std::iter::once(own).chain(self.services.iter().flat_map(|service| self.tools_of(service))) {
                if !is_disabled(&self.disabled, &entry.tool.name) {
                    // Names are made unique by their connection; were two the same, the first keeps it.
                    tools.entry(entry.tool.name.clone()).or_insert_with(|| Arc::new(entry));
                }
            }
            tools
        })
    }

    fn tools_of(&self, service: &Service) -> impl Iterator<Item = Entry> {
        let mut tools = service.backend.tools(&service.connection);
        tools.retain(|tool| service.offers(&tool.own, &tool.name) && (!self.read_only || service.only_reads(tool)));
        let (name, passes) = (service.connection.name.clone(), service.backend.passes());
        tools.into_iter().map(move |tool| Entry { connection: Some(name.clone()), tool, passes })
    }

    fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.connection.name == name)
    }

    /// The standing connections to servers.
    pub(super) fn feeds(&self) -> impl Iterator<Item = Arc<dyn Feed>> {
        self.services.iter().filter_map(|service| service.backend.feed(&service.connection))
    }

    /// The definitions of the tools, if they were asked for.
    pub(super) fn listed(&self) -> Option<Arc<Definitions>> {
        self.definitions.get().map(Arc::clone)
    }

    /// What else passes through any of them.
    pub fn features(&self) -> Features {
        let features = self.services.iter().map(|service| service.backend.features(&service.connection));
        features.fold(Features::default(), Features::or)
    }

    /// The tools in the order of their names.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.tools().values().map(|entry| &**entry)
    }

    /// The JSON array of MCP tool definitions.
    pub fn definitions(&self) -> Arc<Definitions> {
        Arc::clone(self.definitions.get_or_init(|| definition::array(self.entries().map(|entry| &entry.tool)).into()))
    }

    /// The same array with one tool.
    pub fn definition(entry: &Entry) -> Definitions {
        definition::array(std::iter::once(&entry.tool))
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
    pub fn find(&self, name: &str) -> Option<Arc<Entry>> {
        self.tools().get(name).cloned()
    }

    /// The tool of that name, or an error that says what switches it off, or names the nearest one.
    pub fn require(&self, name: &str) -> Result<Arc<Entry>, Error> {
        self.find(name).ok_or_else(|| match self.off(name) {
            Some(by) => Error::ToolOff { name: name.to_owned(), by },
            None => Error::UnknownTool {
                name: name.to_owned(),
                nearest: nearest::of(name, self.tools().keys().map(String::as_str)).map(String::from),
                is_connection: self.services.iter().any(|service| service.connection.name == name),
            },
        })
    }

    /// What switches the tool of that name off, if a chosen connection has it at all.
    fn off(&self, name: &str) -> Option<Off> {
        self.services.iter().find_map(|service| {
            let all = service.backend.toolsets.iter().map(|set| set.name).collect();
            let whole = backends::Connection { toolsets: all, ..service.connection.clone() };
            let tool = service.backend.tools(&whole).into_iter().find(|tool| tool.name == name)?;
            let connection = service.connection.name.clone();
            let is_on = |toolset: &&str| service.connection.toolsets.contains(toolset);
            if let Some(toolset) = tool.toolset.filter(|toolset| !is_on(toolset)) {
                return Some(Off::Toolset { connection, toolset });
            }
            let patterns = &service.patterns;
            if let Some(pattern) = patterns.denying(&tool.own, name) {
                return Some(Off::Denied { connection, pattern: pattern.to_owned() });
            }
            if !patterns.offer(&tool.own, name) {
                return Some(Off::NotAllowed { connection });
            }
            let pattern = self.disabled.iter().find(|pattern| matches(pattern, name));
            Some(pattern.map_or(Off::ReadOnly, |pattern| Off::Disabled { pattern: pattern.clone() }))
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
        let mut tools = self.tools().clone();
        tools.insert(entry.tool.name.clone(), Arc::new(entry));
        self.tools = OnceLock::from(tools);
        self
    }
}

fn is_disabled(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}
