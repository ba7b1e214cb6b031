//! Progress of a call, told only while the call runs.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;

use super::writer::{Part, Writer};

/// Sends the progress of one call. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ProgressSender(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    token: String,
    writer: Writer,
    /// How far it was last; `None` after the answer.
    last: Mutex<Option<f64>>,
}

impl ProgressSender {
    /// `token` is the client's own, a text or an integer, and is echoed as it was written; anything else is no token.
    pub(super) fn new(token: &RawValue, writer: &Writer) -> Option<Self> {
        let is_token = super::message::Id::read(token).is_some();
        let last = Mutex::new(Some(f64::NEG_INFINITY));
        is_token.then(|| Self(Arc::new(Inner { token: token.get().to_owned(), writer: writer.clone(), last })))
    }

    /// Tells how much is done, of how much, and what. A step that does not lead on is dropped, and so is one that the
    /// host is too slow to read: progress is a courtesy.
    pub fn send(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !done.is_finite() || last.is_none_or(|last| done <= last) {
            return;
        }
        let mut text = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":{},\"progress\":{done}",
            self.0.token
        );
        if let Some(total) = total.filter(|total| total.is_finite()) {
            text.push_str(&format!(",\"total\":{total}"));
        }
        if let Some(message) = message {
            text.push_str(",\"message\":");
            text.push_str(&serde_json::to_string(message).unwrap_or_default());
        }
        text.push_str("}}");
        *last = Some(done);
        let _ = self.0.writer.try_send(vec![Part::Text(text)]);
    }

    /// The answer is about to be written: nothing more is told.
    pub(super) fn close(&self) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
