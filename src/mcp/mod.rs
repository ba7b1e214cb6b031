//! The Model Context Protocol over standard input and output, server side, for every revision from 2024-11-05 to
//! 2026-07-28 in one process. It knows tools and prompts by name, resources by address, and nothing about what they do.
//!
//! Which rules apply is decided per request: a request whose `_meta` names the newest revision is *modern* and carries
//! everything it needs; all others are *legacy* and follow the latest `initialize`. Both may come in any order.
//!
//! ```text
//!        lines ──► loop (the caller's runtime): message → era → dispatch ──► writer
//!                     ▲            │
//!                     └── tasks: one for all that can take long; the loop owns them all
//! ```
//!
//! Lines are read and written by the loop itself where the operating system can do so without waiting, and on a thread each
//! where it cannot.
//!
//! The loop is the only one who knows what is in flight, so there is no lock around it. It never waits for a call. What
//! happens outside of requests is told to a [`NewsSender`], which keeps it until the loop can send it to who listens.

use std::future::Future;
use std::io::{BufRead, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::task::{JoinError, JoinSet};

mod ask;
mod at_once;
mod audience;
mod client;
mod complete;
mod definitions;
mod dispatch;
mod era;
mod in_flight;
mod level;
mod line;
mod listen;
mod log;
mod message;
mod news;
mod place;
mod progress;
mod read;
mod run;
#[cfg(test)]
mod tests;
mod topics;
mod writer;

pub use ask::{Asked, Asker, Unanswered};
pub use at_once::Handle;
pub use client::{Asking, Client, Method, Takes};
pub use complete::{Completion, Partial, Reference};
pub use definitions::Definitions;
pub use in_flight::InFlight;
pub use level::Level;
pub use log::LogSender;
pub use news::{News, NewsSender};
pub use progress::ProgressSender;
pub use read::{Found, ReadError, ReadRequest, Reading};

/// A future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the protocol serves.
pub trait Server: Send + Sync + 'static {
    /// Whether there is anything of this kind. What is not offered is not declared, and its methods are unknown.
    fn offers(&self, kind: Kind) -> bool;
    /// What else is offered, under the same rule. Asked at each handshake and discovery, and before such a request.
    fn features(&self) -> Features {
        Features::default()
    }
    /// The JSON array of the definitions, in a stable order. Asked for at each listing, and of what is offered only.
    fn list(&self, kind: Kind) -> Arc<Definitions>;
    /// Runs one call. Dropping the future cancels it; a panic in it is answered as an internal error.
    fn call(&self, request: ToolRequest) -> BoxFuture<'static, Result<Outcome, CallError>>;
    /// Reads one prompt or resource, under the same rules.
    fn read(&self, request: ReadRequest) -> BoxFuture<'static, Result<Found, ReadError>>;
    /// Completes one argument, under the same rules.
    fn complete(&self, _: Partial) -> BoxFuture<'static, Result<Completion, ReadError>> {
        Box::pin(async { Ok(Completion::default()) })
    }
    /// Begins or ends to watch an address: for its first subscriber, and after its last. One address is never begun and
    /// ended at once.
    fn subscribe(&self, uri: String, _wanted: bool) -> BoxFuture<'static, Result<(), ReadError>> {
        Box::pin(async { Err(ReadError::NotFound { uri, why: "it cannot be watched".to_owned() }) })
    }
    /// Where to tell what happens outside every request. Called once, at the start; must not do anything else.
    fn listen(&self, _: NewsSender) {}
    /// From which level on the legacy client wants log messages: at its handshake, and whenever it changes its mind.
    fn level(&self, _: Level) {}
}

/// What is offered besides lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// To complete arguments.
    pub completions: bool,
    /// To tell when a list changes.
    pub list_changed: bool,
    /// To watch resources.
    pub subscribe: bool,
    /// To tell what happens, in log messages.
    pub logging: bool,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What the model calls.
    Tools,
    /// Requests that the person picks.
    Prompts,
    /// What the host reads.
    Resources,
    /// Families of resources. Offered together with [`Kind::Resources`], whichever there are.
    Templates,
}

/// Who we are, for the client and the person.
#[derive(Clone, Debug)]
pub struct Identity {
    /// A name for programs.
    pub name: String,
    /// A name for people.
    pub title: String,
    /// The program's version.
    pub version: String,
    /// What a model should know about all tools together.
    pub instructions: Option<String>,
}

/// One call of a tool.
#[derive(Debug, Default)]
pub struct ToolRequest {
    /// Which tool.
    pub name: String,
    /// The arguments; empty if there were none.
    pub arguments: Map<String, Value>,
    /// Where progress goes; `None` if the client did not ask for it.
    pub progress: Option<ProgressSender>,
    /// Where log messages go.
    pub log: LogSender,
    /// What the client can be asked, and how.
    pub client: Client,
    /// Modern: what was answered to the questions of an earlier [`Outcome::InputRequired`], by their keys.
    pub answers: Map<String, Value>,
    /// Modern: the state of that earlier outcome. It comes from an untrusted place.
    pub request_state: Option<String>,
}

/// How a call ended.
pub enum Outcome {
    /// With a result.
    Done(ToolResult),
    /// Not yet. Modern only: these are to be answered first, by a key each.
    InputRequired {
        /// The questions.
        questions: Vec<(String, Question)>,
        /// What the client is to bring again with the answers. It is seen by the client.
        state: Option<String>,
    },
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Question {
    /// The person: to open an address.
    Open(UrlRequest),
    /// The person: to say yes or no to this.
    Confirm(String),
    /// Somebody else's question, as it is.
    Relay {
        /// Of whom.
        method: Method,
        /// What: a JSON object.
        params: Box<RawValue>,
    },
}

/// An address for the person to open.
#[derive(Clone, Debug)]
pub struct UrlRequest {
    /// Why.
    pub message: String,
    /// Which.
    pub url: String,
}

/// What a tool answered.
pub struct ToolResult {
    /// Content blocks: a JSON array.
    pub content: String,
    /// The structured result: a JSON object.
    pub structured: Option<String>,
    /// The tool itself failed; the content says why.
    pub failed: bool,
    /// What stands beside the result: a JSON object. Keys that MCP keeps for itself are left out.
    pub meta: Option<Box<RawValue>>,
}

/// Why a request never reached a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// No tool has that name.
    UnknownTool,
    /// Something that should not happen.
    Internal,
}

/// What a host may ask of us at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a line; a longer one is skipped and answered with an error.
    pub line: usize,
    /// Calls and readings that run at once; further ones wait.
    pub running: usize,
    /// Those that run or wait; further ones are refused.
    pub accepted: usize,
    /// How long they may go on after the end of the input.
    pub grace: Duration,
}

impl Default for Limits {
    /// Lines of 8 MiB, 1,024 calls at once and 8,192 accepted, half a second of grace.
    fn default() -> Self {
        Self { line: 8 << 20, running: 1024, accepted: 8192, grace: Duration::from_millis(500) }
    }
}

/// Where the lines come from and go to, and who can be asked what is between the two.
pub struct Wire {
    /// Requests and answers to ours, a line each.
    pub input: Box<dyn BufRead + Send>,
    /// Answers and requests of ours, a line each.
    pub output: Box<dyn Write + Send>,
    /// The same two streams as the operating system knows them, in this order, where they may be read and written without
    /// threads in between.
    pub handles: Option<[Handle; 2]>,
    /// Where requests are noted until they are answered.
    pub in_flight: InFlight,
}

/// Why serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The input ended.
    InputEnded,
    /// Nobody reads the output.
    OutputClosed,
}

/// Serves until the input ends or nobody reads the output.
///
/// Reading and writing block, so each has a thread of its own. The reading one may outlive this call, waiting for a
/// line that nobody wants; it does not keep the process from ending.
pub async fn run(wire: Wire, identity: Identity, server: Arc<dyn Server>, limits: Limits) -> Ending {
    // What a runtime blocks on is looked at only after a look at all streams, which is a system call; a task is not. Whoever
    // waits for this no longer lets the set go, and the task ends with it.
    let mut task = JoinSet::new();
    task.spawn(run::run(wire, identity, server, limits));
    match task.join_next().await.map(|ended| ended.map_err(JoinError::try_into_panic)) {
        Some(Ok(ending)) => ending,
        Some(Err(Ok(panic))) => std::panic::resume_unwind(panic),
        // Nobody ends it from outside.
        Some(Err(Err(_))) | None => Ending::OutputClosed,
    }
}
