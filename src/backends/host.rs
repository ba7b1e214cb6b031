//! The MCP host at the other end of `serve`, as far as a service may turn to it in the middle of a call: to ask the person or
//! the model something, and to log.
//!
//! Nothing in here is answered by this program. What a service asks reaches the person marked as coming from it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use super::Boxed;

/// The host behind one call. Cheap to clone; without a link nothing can be asked and nobody reads what is logged.
#[derive(Clone, Default)]
pub struct Host(Option<Arc<dyn Link>>);

/// The way to a host.
pub trait Link: Send + Sync {
    /// What it can be asked.
    fn takes(&self) -> Takes;
    /// Asks it and waits for the answer: at most `patience`. Dropping the future withdraws the question.
    fn ask(&self, question: Question, patience: Duration) -> Boxed<'static, Result<Box<RawValue>, Unanswered>>;
    /// From which severity on it wants to read logs, in MCP's word; `None` if it wants none.
    fn level(&self) -> Option<&'static str>;
    /// Hands an entry on, if the host wants it.
    fn log(&self, entry: Entry);
    /// Tells it that what was to be done at the address of this question is done.
    fn completed(&self, id: &str);
}

/// What a host can be asked (MCP client capabilities `elicitation` and `sampling`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Takes {
    /// The person can fill in a form.
    pub form: bool,
    /// The person can open an address.
    pub url: bool,
    /// The model can be asked.
    pub sampling: bool,
    /// The model can be given tools with that.
    pub sampling_tools: bool,
    /// The model can be given the context of servers with that.
    pub sampling_context: bool,
}

/// A question to a host.
#[derive(Clone, Debug)]
pub struct Question {
    /// To whom.
    pub to: Asked,
    /// The parameters of MCP's request, as JSON: an object.
    pub params: Box<RawValue>,
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The person: `elicitation/create`.
    Person,
    /// The model: `sampling/createMessage`.
    Model,
}

/// Why a question got no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// The code of JSON-RPC.
    pub code: i64,
    /// What the host said.
    pub message: String,
}

impl Unanswered {
    /// Nobody can be asked this.
    pub fn cannot() -> Self {
        Self { code: -32601, message: "the host cannot be asked this".to_owned() }
    }
}

/// An entry of a log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// How severe, in the service's word; what is none of MCP's words is dropped.
    pub level: String,
    /// Which part of the service.
    pub logger: Option<String>,
    /// What happened: any JSON.
    pub data: Box<RawValue>,
}

impl Host {
    /// A host that is reached by `link`.
    pub fn by(link: impl Link + 'static) -> Self {
        Self(Some(Arc::new(link)))
    }

    /// Whether there is one.
    pub(super) fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// What it can be asked.
    pub fn takes(&self) -> Takes {
        self.0.as_ref().map_or_else(Takes::default, |link| link.takes())
    }

    /// Asks it.
    pub async fn ask(&self, question: Question, patience: Duration) -> Result<Box<RawValue>, Unanswered> {
        match &self.0 {
            Some(link) => link.ask(question, patience).await,
            None => Err(Unanswered::cannot()),
        }
    }

    /// From which severity on it wants to read logs.
    pub fn level(&self) -> Option<&'static str> {
        self.0.as_ref().and_then(|link| link.level())
    }

    /// Tells it that what was to be done at the address of this question (`elicitationId`) is done.
    pub fn completed(&self, id: &str) {
        if let Some(link) = &self.0 {
            link.completed(id);
        }
    }

    /// Logs.
    pub fn log(&self, entry: Entry) {
        if let Some(link) = &self.0 {
            link.log(entry);
        }
    }
}
