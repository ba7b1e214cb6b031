//! Asking the person, through the client, in the middle of a legacy call (2025-11-25, elicitation in URL mode).

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

/// Asks the client during one call.
#[derive(Clone, Debug)]
pub struct Asker(pub(super) mpsc::UnboundedSender<Ask>);

/// What the person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Yes: the address is being opened. What happens there is not known from this.
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

#[derive(Deserialize)]
struct Answer {
    action: String,
}

impl Asker {
    /// Asks the person to open `url`. `id` names the question for [`Asker::completed`].
    pub async fn open_url(&self, message: &str, url: &str, id: &str) -> Asked {
        let params = json!({ "mode": "url", "message": message, "url": url, "elicitationId": id }).to_string();
        let (answer, asked) = oneshot::channel();
        let _ = self.0.send(Ask::Request { params, answer });
        asked.await.unwrap_or(Asked::Cancelled)
    }

    /// Tells the client that what was to be done at the address is done.
    pub fn completed(&self, id: &str) {
        let _ = self.0.send(Ask::Completed { params: json!({ "elicitationId": id }).to_string() });
    }
}

impl Asked {
    /// Reads the client's answer; an error or anything unknown counts as put away.
    pub(super) fn of(result: Option<&RawValue>) -> Self {
        match result.and_then(|raw| serde_json::from_str::<Answer>(raw.get()).ok()) {
            Some(Answer { action }) if action == "accept" => Self::Accepted,
            Some(Answer { action }) if action == "decline" => Self::Declined,
            _ => Self::Cancelled,
        }
    }
}
