//! The services keyward can call: one folder each, and one line in [`ALL`].
//!
//! A backend says how a person signs in to it, which tools it offers and what its stand-in server does. It sends
//! requests with a [`Credential`] that somebody else obtained: nothing here knows OAuth, a store or MCP's framing.

use std::borrow::Cow;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use url::Url;

use crate::http::Http;
pub use crate::http::StepUp;
pub use agreed::{Agreed, Question};
pub use completion::{Completion, Partial};
pub use credential::{Credential, CredentialSource, Proof, Unavailable};
pub use headers::Headers;
pub use host::Host;
pub use json::Json;
pub use passage::{Features, Listener, Passage, Slot};
pub use prompt::Prompt;
pub use resource::Resource;
pub use sent::Sent;
pub use turns::Turns;
pub use way::Way;

pub mod agreed;
pub mod arguments;
pub mod cisco;
pub mod completion;
pub mod copies;
mod credential;
pub mod ctera;
pub mod days;
pub mod documents;
pub mod fake;
pub mod folders;
pub mod headers;
pub mod host;
pub mod http;
pub mod json;
pub mod multipart;
pub mod name;
pub mod netbox;
pub mod outside;
pub mod passage;
pub mod prompt;
mod random;
pub mod remote;
pub mod resource;
pub mod schema;
mod sent;
pub mod sign_in;
pub mod smart_bonding;
pub mod tavily;
pub mod turns;
mod way;

/// A future that can move between threads.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Every backend. Serve, status, the sandbox, the completions and the README's table come from this list.
pub const ALL: &[&Backend] = &[
    &tavily::BACKEND,
    &cisco::BACKEND,
    &smart_bonding::BACKEND,
    &ctera::BACKEND,
    &netbox::BACKEND,
    &documents::BACKEND,
    &remote::BACKEND,
];

/// What the configuration of a connection can preset, by backend; nothing where a backend is not in it.
pub const DEFAULTS: &[(&str, &[arguments::Field])] = &[("tavily", tavily::DEFAULTS)];

/// The backend of that name.
pub fn named(name: &str) -> Option<&'static Backend> {
    ALL.iter().find(|backend| backend.name == name).copied()
}

/// A kind of service.
pub struct Backend {
    /// Its name, and the name of its default connection.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// Ways to sign in; the first is the default.
    pub ways: &'static [Way],
    /// What a person must know before they sign in in one of these ways, as the rest of a sentence about the way.
    pub notes: &'static [(Way, &'static str)],
    /// Where the service is when the configuration does not say; `None` if every installation has its own address.
    pub url: Option<&'static str>,
    /// The remote MCP server used after an OAuth login, where that is another address than `url`.
    pub oauth_url: Option<&'static str>,
    /// How a person signs in where that is neither OAuth nor a key that they paste; for the ways that
    /// [`Way::is_exchanged`].
    pub sign_in: Option<&'static dyn sign_in::Procedure>,
    /// Who issues the tokens of a service at this address, where neither the configuration nor the service says.
    pub issuer: fn(&Url) -> Option<&'static str>,
    /// Groups of tools that the configuration switches on and off; empty if there is nothing to choose.
    pub toolsets: &'static [Toolset],
    /// Whether its tools use files of this machine, in folders that the configuration allows.
    pub takes_folders: bool,
    /// Makes the connection's tools. Must not block, read a file or touch the network.
    tools: fn(&Connection) -> Vec<Tool>,
    /// Makes the connection's prompts, as `tools` does.
    prompts: fn(&Connection) -> Vec<Prompt>,
    /// Makes the connection's resources, as `tools` does.
    resources: fn(&Connection) -> Vec<Resource>,
    /// What else passes through a connection, without asking anybody.
    features: fn(&Connection) -> Features,
    /// How it does, where another MCP server is behind the connection.
    passage: Option<&'static dyn Passage>,
    /// Asks the service for something small that it gives to whoever is signed in, and that changes and costs nothing.
    check: fn(Connection) -> Boxed<'static, Result<(), Error>>,
    /// Makes the stand-in server.
    pub fake: fn() -> Box<dyn fake::Fake>,
}

impl Backend {
    /// The connection's tools. Touches neither a file nor the network; what a call answers never repeats the credential.
    pub fn tools(&self, connection: &Connection) -> Vec<Tool> {
        let tools = (self.tools)(connection).into_iter().filter(|tool| connection.offers(tool.toolset));
        tools.map(|tool| connection.sent.out_of_tool(tool)).collect()
    }

    /// The connection's prompts. Touches neither a file nor the network.
    pub fn prompts(&self, connection: &Connection) -> Vec<Prompt> {
        let prompts = (self.prompts)(connection).into_iter().filter(|prompt| connection.offers(prompt.toolset));
        prompts.map(|prompt| connection.sent.out_of_prompt(prompt)).collect()
    }

    /// The connection's resources. Touches neither a file nor the network; what is read never repeats the credential.
    pub fn resources(&self, connection: &Connection) -> Vec<Resource> {
        let resources = (self.resources)(connection).into_iter();
        let resources = resources.filter(|resource| connection.offers(resource.toolset));
        resources.map(|resource| connection.sent.out_of_resource(resource)).collect()
    }

    /// What else passes through a connection. Touches neither a file nor the network.
    pub fn features(&self, connection: &Connection) -> Features {
        (self.features)(connection)
    }

    /// Whether another server is behind its connections.
    pub fn passes(&self) -> bool {
        self.passage.is_some()
    }

    /// Reads addresses that no listed resource has, where another server is behind the connection.
    pub fn open(&self, connection: &Connection) -> Option<passage::Open> {
        let passage::Open { start, reader } = self.passage?.open(connection);
        Some(passage::Open { start, reader: connection.sent.out_of_reader(reader) })
    }

    /// The standing connection to the server behind it.
    pub fn feed(&self, connection: &Connection) -> Option<Arc<dyn passage::Feed>> {
        Some(self.passage?.feed(connection))
    }

    /// Whether folders of this machine are enough for it: no service, no login.
    pub fn is_local(&self) -> bool {
        self.takes_folders && self.url.is_none() && self.ways.contains(&Way::None)
    }

    /// What a person must know before they sign in in this way.
    pub fn note(&self, way: Way) -> Option<&'static str> {
        self.notes.iter().find(|(noted, _)| *noted == way).map(|(_, note)| *note)
    }

    /// The toolsets that are on when the configuration does not say.
    pub fn usual_toolsets(&self) -> Vec<&'static str> {
        self.toolsets.iter().filter(|set| set.is_usual).map(|set| set.name).collect()
    }

    /// Whether the service takes the login of the connection.
    pub async fn check(&self, connection: Connection) -> Result<(), Error> {
        let sent = connection.sent.clone();
        (self.check)(connection).await.map_err(|error| sent.out_of(error))
    }
}

/// A group of tools, with the prompts and resources that belong to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Toolset {
    /// Its name in the configuration.
    pub name: &'static str,
    /// What is in it, for people.
    pub summary: &'static str,
    /// Whether it is on when the configuration does not say.
    pub is_usual: bool,
}

/// A named, configured backend, ready to be called.
#[derive(Clone)]
pub struct Connection {
    /// The connection's name.
    pub name: String,
    /// Where the service is; for an OAuth login, the resource the token was issued for.
    pub url: Url,
    /// How the person signed in.
    pub way: Way,
    /// Sends the requests.
    pub http: Http,
    /// Supplies what is attached to them.
    pub credentials: Arc<dyn CredentialSource>,
    /// What else goes with them.
    pub headers: Headers,
    /// What was attached to them.
    pub sent: Sent,
    /// What a remote server offered last time, as its backend kept it; `None` if it never did.
    pub remembered: Option<Arc<RawValue>>,
    /// Where newer lists of a remote server are kept.
    pub memory: Arc<dyn Memory>,
    /// Hears what a server tells without being asked.
    pub listener: Listener,
    /// Where copies of what the service gave are kept, for when it cannot be reached.
    pub copies: Arc<dyn copies::Copies>,
    /// A place for what the connection's tools, prompts and resources share.
    pub slot: Slot,
    /// The toolsets that are on.
    pub toolsets: Vec<&'static str>,
    /// The folders of this machine that its tools may use; see [`folders`].
    pub folders: Vec<PathBuf>,
    /// What the configuration presets for its calls.
    pub defaults: Map<String, Value>,
    /// Keeps what the connection's processes send together below the service's limits.
    pub turns: Arc<dyn Turns>,
}

impl Connection {
    /// Whether what belongs to this toolset is offered.
    fn offers(&self, toolset: Option<&str>) -> bool {
        toolset.is_none_or(|toolset| self.toolsets.contains(&toolset))
    }
}

/// Keeps what a remote server offers for the next start.
pub trait Memory: Send + Sync {
    /// Keeps it, as JSON; failures are the keeper's own business.
    fn keep(&self, offer: &RawValue);
}

/// A tool: a plain value with a handler.
#[derive(Clone)]
pub struct Tool {
    /// `snake_case`, unique over all connections.
    pub name: String,
    /// The name that it has without its connection; in a remote server's own words.
    pub own: Cow<'static, str>,
    /// A few words for people.
    pub title: Cow<'static, str>,
    /// What it does and when to use it, for the model.
    pub description: Cow<'static, str>,
    /// JSON Schema of the arguments; its root is an object.
    pub input_schema: Schema,
    /// JSON Schema of the structured result, where there is one; its root is an object.
    pub output_schema: Option<Schema>,
    /// What the tool does to the world.
    pub effect: Effect,
    /// Which of the backend's toolsets it belongs to; `None` for one that is always there.
    pub toolset: Option<&'static str>,
    /// Runs a call.
    pub handler: Arc<dyn Handler>,
}

/// A schema as text: written in the source or by the compiler for our tools, kept for those of a remote server.
#[derive(Clone, Debug)]
pub enum Schema {
    /// Written before the start; see [`schema`].
    Static(&'static str),
    /// Received.
    Received(Arc<RawValue>),
}

impl Schema {
    /// The JSON text.
    pub fn text(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Received(raw) => raw.get(),
        }
    }
}

/// MCP's four annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Changes nothing.
    pub read_only: bool,
    /// May destroy something.
    pub destructive: bool,
    /// Doing it twice is the same as once.
    pub idempotent: bool,
    /// Reaches beyond the connection's own data, for example into the web.
    pub open_world: bool,
}

/// Runs the calls of one tool.
pub trait Handler: Send + Sync {
    /// Runs one call. Dropping the future cancels it.
    fn call(&self, call: Call) -> Boxed<'static, Result<Output, Error>>;
}

/// One call of a tool.
pub struct Call {
    /// The arguments, empty if there were none.
    pub arguments: Map<String, Value>,
    /// Tells the caller how far it is.
    pub progress: Progress,
    /// What the person has agreed to.
    pub agreed: Agreed,
    /// Who made the call.
    pub host: Host,
}

/// How far a call is. Cheap to clone; without a listener it does nothing.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(Step) + Send + Sync>>);

/// One step of progress.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// How much is done; grows.
    pub done: f64,
    /// How much there is, if known.
    pub total: Option<f64>,
    /// What is being done.
    pub message: Option<String>,
}

impl Progress {
    /// Progress that is handed to `listener`.
    pub fn to(listener: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    /// Whether somebody listens; a server is asked for progress only then.
    pub fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Reports a step.
    pub fn report(&self, step: Step) {
        if let Some(listener) = &self.0 {
            listener(step);
        }
    }
}

/// What a call answered.
#[derive(Clone, Debug)]
pub struct Output {
    /// MCP content blocks, as JSON: an array.
    pub content: Json,
    /// The structured result, as JSON: an object.
    pub structured: Option<Json>,
    /// The service itself says that the call failed; the content tells why.
    pub failed: bool,
}

/// Why a call got no usable answer. Text from the service is data: bounded and without control characters.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// An argument is missing or not of its form.
    #[error("{0}")]
    Arguments(String),
    /// This is done only after the person has said yes to it.
    #[error("the person has not agreed to this")]
    Unconfirmed {
        /// What the person is asked; says all that will be done.
        question: String,
    },
    /// There is no credential; the source says why.
    #[error("no credential")]
    Credential(Unavailable),
    /// The service refused the credential, also after one renewal.
    #[error("`{host}` refused the login")]
    Rejected {
        /// Which host.
        host: String,
        /// What it said.
        said: String,
    },
    /// The service knows the person and does not allow it.
    #[error("`{host}` does not allow this: {said}")]
    Forbidden {
        /// Which host.
        host: String,
        /// What it said.
        said: String,
    },
    /// The credential is good, and the service wants another login for this: one that may do more, or in which the
    /// person proves more strongly who they are.
    #[error("`{host}` wants another login for this: {said}")]
    StepUp {
        /// Which host.
        host: String,
        /// What it wants.
        wanted: StepUp,
        /// What it said.
        said: String,
    },
    /// Too many requests or a used-up quota.
    #[error("`{host}` limits requests: {said}")]
    Limited {
        /// Which host.
        host: String,
        /// What it said.
        said: String,
        /// When another try makes sense, if it said so.
        retry_after: Option<Duration>,
    },
    /// The service says that the request is wrong.
    #[error("`{host}` refused the request: {said}")]
    Refused {
        /// Which host.
        host: String,
        /// The HTTP status or the protocol's code.
        code: i64,
        /// What it said.
        said: String,
    },
    /// The service failed.
    #[error("`{host}` failed with status {status}")]
    Server {
        /// Which host.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        said: String,
    },
    /// Nobody knows whether the service did what must not be done twice: its answer is lost, or says nothing about it.
    #[error("whether `{host}` did it is not known: {cause}")]
    MaybeDone {
        /// Which host.
        host: String,
        /// What came instead of an answer.
        cause: String,
    },
    /// The answer is not what the service promises.
    #[error("`{host}` answered wrongly: {cause}")]
    Protocol {
        /// Which host.
        host: String,
        /// What was wrong.
        cause: String,
    },
    /// A file of this machine was not read or written.
    #[error("`{path}`: {fault}")]
    File {
        /// Which one, as the caller named it.
        path: String,
        /// Why not.
        fault: folders::Fault,
    },
    /// The network failed.
    #[error(transparent)]
    Network(#[from] crate::http::Error),
}

impl Error {
    /// Why there is no credential. A source that is a backend's own fails as its requests do.
    pub fn unavailable(why: Unavailable) -> Self {
        why.0.downcast_ref::<Self>().cloned().unwrap_or(Self::Credential(why))
    }
}

#[cfg(test)]
pub(crate) mod tests;
