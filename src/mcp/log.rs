//! Log messages for the client: of a call or reading only while it runs, and of nobody who did not want them.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::value::RawValue;

use super::Level;
use super::writer::{Part, Writer};

/// The most bytes of one message. What is larger is dropped: a slow host must not fill the memory.
pub(super) const LARGEST: usize = 64 << 10;
/// Nobody wants anything.
const NOBODY: u8 = u8::MAX;

/// Sends the log messages of one call or reading. Cheap to clone, and nothing at all where nobody wants them.
#[derive(Clone, Debug, Default)]
pub struct LogSender(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    from: From,
    writer: Writer,
    /// Until the answer.
    is_open: Mutex<bool>,
}

/// From which level on a message is wanted.
#[derive(Clone, Debug)]
pub(super) enum From {
    /// Modern: of this request.
    This(Level),
    /// Legacy: of the client, also if it changes its mind meanwhile.
    Client(Threshold),
}

/// The level of the legacy client, if it wants any. Cloning shares it.
#[derive(Clone, Debug)]
pub(super) struct Threshold(Arc<AtomicU8>);

impl Default for Threshold {
    fn default() -> Self {
        Self(Arc::new(AtomicU8::new(NOBODY)))
    }
}

impl Threshold {
    pub(super) fn level(&self) -> Option<Level> {
        Level::nth(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn set(&self, level: Option<Level>) {
        self.0.store(level.map_or(NOBODY, |level| level as u8), Ordering::Relaxed);
    }
}

impl LogSender {
    pub(super) fn new(from: From, writer: &Writer) -> Self {
        Self(Some(Arc::new(Inner { from, writer: writer.clone(), is_open: Mutex::new(true) })))
    }

    /// From which level on messages are wanted; `None` if none are.
    pub fn level(&self) -> Option<Level> {
        match &self.0.as_ref()?.from {
            From::This(level) => Some(*level),
            From::Client(threshold) => threshold.level(),
        }
    }

    /// Sends a message, if its level is wanted. One that is too large is dropped, and so is one that the host is too
    /// slow to read: a log is a courtesy.
    pub fn send(&self, level: Level, logger: Option<&str>, data: &RawValue) {
        let Some(inner) = self.0.as_ref().filter(|_| self.level().is_some_and(|from| level >= from)) else { return };
        let Some(text) = message(level, logger, data) else { return };
        let is_open = inner.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_open {
            let _ = inner.writer.try_send(vec![Part::Text(text)]);
        }
    }

    /// The answer is about to be written: nothing more is told.
    pub(super) fn close(&self) {
        if let Some(inner) = &self.0 {
            *inner.is_open.lock().unwrap_or_else(PoisonError::into_inner) = false;
        }
    }
}

/// The notification; `None` if it is too large.
pub(super) fn message(level: Level, logger: Option<&str>, data: &RawValue) -> Option<String> {
    if logger.map_or(0, str::len).saturating_add(data.get().len()) > LARGEST {
        return None;
    }
    let mut text = format!(
        "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{\"level\":\"{}\"",
        level.word()
    );
    if let Some(logger) = logger {
        let _ = write!(text, ",\"logger\":{}", serde_json::to_string(logger).unwrap_or_else(|_| "\"\"".to_owned()));
    }
    let _ = write!(text, ",\"data\":{}}}}}", data.get());
    Some(text)
}
