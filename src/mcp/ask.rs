//! Asking the person, through the client: in the middle of a legacy call (elicitation, forms since 2025-06-18 and
//! addresses since 2025-11-25), and what the client answers in every era.

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

/// The one field of the form with which a yes is asked for.
const FIELD: &str = "agree";

/// Asks the client during one call.
#[derive(Clone, Debug)]
pub struct Asker(pub(super) mpsc::UnboundedSender<Ask>);

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
    Request { params: String, answer: oneshot::Sender<Asked> },
    Completed { params: String },
}

impl Asker {
    /// Asks the person to open `url`. `id` names the question for [`Asker::completed`].
    pub async fn open_url(&self, message: &str, url: &str, id: &str) -> Asked {
        self.request(&json!({ "mode": "url", "message": message, "url": url, "elicitationId": id })).await
    }

    /// Asks the person to say yes or no.
    pub async fn confirm(&self, question: &str) -> Asked {
        self.request(&form(question)).await
    }

    async fn request(&self, params: &Value) -> Asked {
        let (answer, asked) = oneshot::channel();
        let _ = self.0.send(Ask::Request { params: params.to_string(), answer });
        asked.await.unwrap_or(Asked::Cancelled)
    }

    /// Tells the client that what was to be done at the address is done.
    pub fn completed(&self, id: &str) {
        let _ = self.0.send(Ask::Completed { params: json!({ "elicitationId": id }).to_string() });
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
