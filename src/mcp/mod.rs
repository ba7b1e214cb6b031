//! The Model Context Protocol over standard input and output, server side, for every revision from 2024-11-05 to
//! 2026-07-28 in one process. It knows tools and prompts by name, resources by address, and nothing about what they do.
//!
//! Which rules apply is decided per request: a request whose `_meta` names the newest revision is *modern* and carries
//! everything it needs; all others are *legacy* and follow the latest `initialize`. Both may come in any order.
//!
//! ```text
//! thread: lines ──► loop (the caller's runtime): message → era → dispatch ──► thread: writer
//!                     ▲            │
//!                     └── tasks: one for all that can take long; the loop owns them all
//! ```
//!
//! The loop is the only one who knows what is in flight, so there is no lock around it. It never waits for a call.

use std::future::Future;
use std::io::{BufRead, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

mod ask;
mod dispatch;
mod era;
mod line;
mod message;
mod progress;
mod read;
mod run;
#[cfg(test)]
mod tests;
mod writer;

pub use ask::{Asked, Asker};
pub use progress::ProgressSender;
pub use read::{Found, ReadError, Reading};

/// A future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the protocol serves.
pub trait Server: Send + Sync + 'static {
    /// Whether there is anything of this kind. What is not offered is not declared, and its methods are unknown.
    fn offers(&self, kind: Kind) -> bool;
    /// The JSON array of the definitions, in a stable order. Asked for at each listing, and of what is offered only.
    fn list(&self, kind: Kind) -> Arc<str>;
    /// Runs one call. Dropping the future cancels it; a panic in it is answered as an internal error.
    fn call(&self, request: ToolRequest) -> BoxFuture<'static, Result<Outcome, CallError>>;
    /// Reads one prompt or resource, under the same rules.
    fn read(&self, reading: Reading) -> BoxFuture<'static, Result<Found, ReadError>>;
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
pub struct ToolRequest {
    /// Which tool.
    pub name: String,
    /// The arguments; empty if there were none.
    pub arguments: Map<String, Value>,
    /// Where progress goes; `None` if the client did not ask for it.
    pub progress: Option<ProgressSender>,
    /// Whether and how the person can be asked something.
    pub user: User,
    /// Modern: what the person answered to the requests of an earlier [`Outcome::InputRequired`], by their keys.
    pub answers: Map<String, Value>,
    /// Modern: the state of that earlier outcome. It comes from an untrusted place.
    pub request_state: Option<String>,
}

/// What the person can be asked during a call, and how. A client may do one and not the other.
#[derive(Clone, Debug)]
pub struct User {
    /// To open an address.
    pub open: Asking,
    /// To say yes or no.
    pub confirm: Asking,
}

/// Whether and how something can be asked.
#[derive(Clone, Debug)]
pub enum Asking {
    /// The client did not declare it.
    Cannot,
    /// Legacy: the client is asked in the middle of the call.
    Now(Asker),
    /// Modern: the call ends with [`Outcome::InputRequired`] and comes again with the answers.
    ByResult,
}

impl User {
    /// Whether anything at all can be asked.
    pub fn can_be_asked(&self) -> bool {
        !matches!((&self.open, &self.confirm), (Asking::Cannot, Asking::Cannot))
    }
}

/// How a call ended.
pub enum Outcome {
    /// With a result.
    Done(ToolResult),
    /// Modern only: the person is to be asked these first, by a key of our own each.
    InputRequired(Vec<(String, Question)>),
}

/// What the person is asked.
#[derive(Clone, Debug)]
pub enum Question {
    /// To open an address.
    Open(UrlRequest),
    /// To say yes or no to this.
    Confirm(String),
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
    pub content: Box<RawValue>,
    /// The structured result: a JSON object.
    pub structured: Option<Box<RawValue>>,
    /// The tool itself failed; the content says why.
    pub failed: bool,
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
pub async fn run(
    input: Box<dyn BufRead + Send>,
    output: Box<dyn Write + Send>,
    identity: Identity,
    server: Arc<dyn Server>,
    limits: Limits,
) -> Ending {
    run::run(input, output, identity, server, limits).await
}
