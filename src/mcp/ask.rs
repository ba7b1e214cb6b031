//! Asking the person, through the client: in the middle of a legacy call (elicitation, forms since 2025-06-18 and
//! addresses since 2025-11-25), and what the client answers in every era.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::UrlRequest;

/// The one field of the form with which a yes is asked for.
const FIELD: &str = "agree";

/// How long a question for a yes or no stays open.
const PATIENCE: Duration = Duration::from_secs(300);

/// Asks the client during one call.
#[derive(Clone, Debug)]
pub struct Asker {
    pub(super) asks: mpsc::UnboundedSender<Ask>,
    /// How many questions there were, over all calls.
    pub(super) counter: Arc<AtomicU64>,
    pub(super) place: Place,
}

/// The place of one call among those that run at once. While the person is awaited another call has it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    running: Arc<Semaphore>,
    permit: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

/// A place that is taken. Dropping this leaves it.
pub(super) struct Taken(Place);

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

/// Something for the loop to send.
#[derive(Debug)]
pub(super) enum Ask {
    Request {
        id: String,
        params: String,
        answer: oneshot::Sender<Asked>,
    },
    /// Nobody waits for the answer any more, if there was none.
    Withdrawn {
        id: String,
    },
    Completed {
        params: String,
    },
}

/// A question whose answer is awaited. Dropping this, also because the call was cancelled, withdraws it.
struct Open<'a> {
    id: String,
    asks: &'a mpsc::UnboundedSender<Ask>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let _ = self.asks.send(Ask::Withdrawn { id: std::mem::take(&mut self.id) });
    }
}

impl Place {
    pub(super) fn new(running: &Arc<Semaphore>) -> Self {
        Self { running: Arc::clone(running), permit: Arc::default() }
    }

    /// Waits until there is one.
    pub(super) async fn take(&self) -> Taken {
        let taken = Taken(self.clone());
        self.take_again().await;
        taken
    }

    async fn take_again(&self) {
        // The semaphore is never closed, so waiting for it cannot fail.
        let permit = Arc::clone(&self.running).acquire_owned().await.ok();
        *self.permit.lock().unwrap_or_else(PoisonError::into_inner) = permit;
    }

    fn leave(&self) {
        *self.permit.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Asker {
    /// Asks the person to open an address, and waits so long for the answer. `id` names the question for
    /// [`Asker::completed`].
    pub async fn open_url(&self, request: &UrlRequest, id: &str, patience: Duration) -> Asked {
        let UrlRequest { message, url } = request;
        self.request(&json!({ "mode": "url", "message": message, "url": url, "elicitationId": id }), patience).await
    }

    /// Asks the person to say yes or no.
    pub async fn confirm(&self, question: &str) -> Asked {
        self.request(&form(question), PATIENCE).await
    }

    /// A person who has not answered by then has put the question away.
    async fn request(&self, params: &Value, patience: Duration) -> Asked {
        let id = format!("keyward-{}", self.counter.fetch_add(1, Ordering::Relaxed) + 1);
        let (answer, asked) = oneshot::channel();
        let _ = self.asks.send(Ask::Request { id: id.clone(), params: params.to_string(), answer });
        let open = Open { id, asks: &self.asks };
        self.place.leave();
        let asked = tokio::time::timeout(patience, asked).await;
        drop(open);
        self.place.take_again().await;
        asked.map_or(Asked::Cancelled, |asked| asked.unwrap_or(Asked::Cancelled))
    }

    /// Tells the client that what was to be done at the address is done.
    pub fn completed(&self, id: &str) {
        let _ = self.asks.send(Ask::Completed { params: json!({ "elicitationId": id }).to_string() });
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
    pub(super) fn of_raw(answer: Option<&RawValue>) -> Self {
        Self::of(answer.and_then(|raw| serde_json::from_str(raw.get()).ok()).as_ref())
    }
}
