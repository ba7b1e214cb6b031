//! Asking the client in the middle of a legacy call or reading: the person (elicitation, forms since 2025-06-18 and
//! addresses since 2025-11-25), or its model (sampling); and what a person's answer means in every era.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::UrlRequest;
use super::client::{Method, Takes};
use super::place::Place;
use super::writer::Part;

/// The one field of the form with which a yes is asked for.
const FIELD: &str = "agree";

/// How long a question for a yes or no stays open.
const PATIENCE: Duration = Duration::from_secs(300);

/// How many questions are open at once, over all calls.
const MOST: usize = 1024;

/// Asks the client during one call or reading.
#[derive(Clone, Debug)]
pub struct Asker {
    pub(super) host: Arc<Host>,
    pub(super) place: Place,
    pub(super) takes: Takes,
}

/// The way to the client, for all calls.
#[derive(Debug)]
pub(super) struct Host {
    asks: mpsc::UnboundedSender<Ask>,
    /// How many questions there were.
    counter: AtomicU64,
    /// What keeps the way from filling up while the host does not read.
    room: Arc<Semaphore>,
}

/// What the person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Yes. Of an address: it is being opened, and what happens there is not known from this.
    Accepted,
    /// No.
    Declined,
    /// Nothing: the question was put away, or the client cannot ask.
    Cancelled,
}

/// Why there is no answer: the client's own error, or ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// A code of JSON-RPC.
    pub code: i64,
    /// What it means. From the client: text from outside.
    pub message: String,
}

/// What the client answered.
pub(super) type Reply = Result<Box<RawValue>, Unanswered>;

/// Something for the loop to send.
#[derive(Debug)]
pub(super) enum Ask {
    Request {
        id: String,
        method: Method,
        params: Part,
        answer: oneshot::Sender<Reply>,
    },
    /// Nobody waits for the answer any more, if there was none.
    Withdrawn {
        id: String,
        _room: OwnedSemaphorePermit,
    },
    Completed {
        params: String,
        _room: OwnedSemaphorePermit,
    },
}

/// A question whose answer is awaited. Dropping this, also because the call was cancelled, withdraws it.
struct Open<'a> {
    id: String,
    host: &'a Host,
    room: Option<OwnedSemaphorePermit>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(room) = self.room.take() {
            let _ = self.host.asks.send(Ask::Withdrawn { id: std::mem::take(&mut self.id), _room: room });
        }
    }
}

impl Unanswered {
    pub(super) fn new(message: &str) -> Self {
        Self { code: -32603, message: message.to_owned() }
    }

    /// Reads the client's error.
    pub(super) fn of(error: &RawValue) -> Self {
        let error: Value = serde_json::from_str(error.get()).unwrap_or_default();
        match (error.get("code").and_then(Value::as_i64), error.get("message").and_then(Value::as_str)) {
            (Some(code), Some(message)) => Self { code, message: message.to_owned() },
            _ => Self::new("the client's error has no code or no message"),
        }
    }
}

impl Host {
    pub(super) fn new(asks: mpsc::UnboundedSender<Ask>) -> Self {
        Self { asks, counter: AtomicU64::new(0), room: Arc::new(Semaphore::new(MOST)) }
    }

    fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_owned().ok()
    }
}

impl Asker {
    /// Asks the person to open an address, and waits so long for the answer. `id` names the question for
    /// [`Asker::completed`].
    pub async fn open_url(&self, request: &UrlRequest, id: &str, patience: Duration) -> Asked {
        let UrlRequest { message, url } = request;
        let params = json!({ "mode": "url", "message": message, "url": url, "elicitationId": id });
        self.elicit(&params, patience).await
    }

    /// Asks the person to say yes or no.
    pub async fn confirm(&self, question: &str) -> Asked {
        self.elicit(&form(question), PATIENCE).await
    }

    /// A person who has not answered by then has put the question away.
    async fn elicit(&self, params: &Value, patience: Duration) -> Asked {
        let reply = self.request(Method::Elicit, Part::Text(params.to_string()), patience).await;
        Asked::of_raw(reply.ok().as_deref())
    }

    /// Sends somebody else's question as it is, and waits so long for the answer, which comes back as it is. What the
    /// client did not declare is not sent.
    pub async fn forward(
        &self,
        method: Method,
        params: Box<RawValue>,
        patience: Duration,
    ) -> Result<Box<RawValue>, Unanswered> {
        match self.takes.check(method, &params) {
            Ok(()) => self.request(method, Part::Raw(params), patience).await,
            Err(failure) => Err(Unanswered { code: -32602, message: failure.message.into_owned() }),
        }
    }

    async fn request(&self, method: Method, params: Part, patience: Duration) -> Reply {
        let Some(room) = self.host.room() else { return Err(Unanswered::new("too many questions at once")) };
        let Some(away) = self.place.leave() else { return Err(Unanswered::new("the call has ended")) };
        let id = format!("keyward-{}", self.host.counter.fetch_add(1, Ordering::Relaxed) + 1);
        let (answer, asked) = oneshot::channel();
        let _ = self.host.asks.send(Ask::Request { id: id.clone(), method, params, answer });
        let open = Open { id, host: &self.host, room: Some(room) };
        let reply = tokio::time::timeout(patience, asked).await;
        drop(open);
        away.back().await;
        match reply {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => Err(Unanswered::new("the client has gone")),
            Err(_) => Err(Unanswered::new("nobody answered in time")),
        }
    }

    /// Tells the client that what was to be done at the address is done.
    pub fn completed(&self, id: &str) {
        if let Some(room) = self.host.room() {
            let params = json!({ "elicitationId": id }).to_string();
            let _ = self.host.asks.send(Ask::Completed { params, _room: room });
        }
    }
}

/// The request for a yes or a no. Hosts are known whose form cannot be sent off without any field, and others that
/// accept without filling anything in: there is one field, and it may be left alone.
pub(super) fn form(question: &str) -> Value {
    let field = json!({ "type": "boolean", "title": "Do this" });
    let schema = json!({ "type": "object", "properties": { FIELD: field } });
    json!({ "mode": "form", "message": question, "requestedSchema": schema })
}

impl Asked {
    /// Reads the client's answer; an error or anything unknown counts as put away. Whoever sends off a form that says
    /// no has not said yes.
    pub fn of(answer: Option<&Value>) -> Self {
        let member = |name: &str| answer.and_then(|answer| answer.get(name));
        let field = member("content").and_then(|content| content.get(FIELD));
        match member("action").and_then(Value::as_str) {
            Some("accept") if field.is_none_or(|field| *field == Value::Bool(true)) => Self::Accepted,
            Some("accept" | "decline") => Self::Declined,
            _ => Self::Cancelled,
        }
    }

    /// The same for an answer as it was written.
    fn of_raw(answer: Option<&RawValue>) -> Self {
        Self::of(answer.and_then(|raw| serde_json::from_str(raw.get()).ok()).as_ref())
    }
}
