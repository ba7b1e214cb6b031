//! The parts of a joined answer: each could be had or not, and one that could not leaves the others.

use serde_json::{Value, json};

use super::answer::{kind, words};
use crate::backends::Error;

/// What became of each part.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// As members of the result.
    pub(super) list: Vec<Value>,
    had: usize,
    failed: Option<Error>,
}

impl Parts {
    /// The part, if it could be had.
    pub(super) fn take<T>(&mut self, part: &str, outcome: Result<T, Error>) -> Option<T> {
        match outcome {
            Ok(had) => {
                self.had = self.had.saturating_add(1);
                self.list.push(json!({"part": part, "status": "ok"}));
                Some(had)
            }
            Err(error) => {
                self.list.push(json!({"part": part, "status": kind(&error), "error": words(&error)}));
                self.failed = Some(error);
                None
            }
        }
    }

    /// Whether a part could not be had.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// The parts that could not be had, and why, in words.
    pub(super) fn complaints(&self) -> Vec<String> {
        let complaint = |part: &Value| {
            let error = part.get("error").and_then(Value::as_str)?;
            Some(format!("without {}: {error}", part.get("part").and_then(Value::as_str).unwrap_or_default()))
        };
        self.list.iter().filter_map(complaint).collect()
    }

    /// The last failure, if nothing could be had at all: then that is the answer.
    pub(super) fn nothing_had(&mut self) -> Result<(), Error> {
        self.failed.take().filter(|_| self.had == 0).map_or(Ok(()), Err)
    }
}
