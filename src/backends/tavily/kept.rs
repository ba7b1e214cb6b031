//! The last answers that were too long for one result: the rest of them is not paid for twice.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use super::client::Endpoint;
use super::result;

/// Bytes of all answers together.
const MOST: usize = 4 << 20;
/// An answer with fewer bytes is never cut.
const LEAST: usize = result::BUDGET / 2;

/// Answers by what was asked, oldest first.
#[derive(Default)]
pub(super) struct Kept(Mutex<VecDeque<Answer>>);

struct Answer {
    endpoint: Endpoint,
    asked: Map<String, Value>,
    fields: Map<String, Value>,
    size: usize,
}

impl Kept {
    /// Keeps an answer that can be cut, and lets go of the oldest until there is room. One that is larger than all the
    /// room is not kept.
    pub(super) fn keep(&self, endpoint: Endpoint, asked: &Map<String, Value>, fields: &Map<String, Value>) {
        let size = fields.values().map(weight).fold(0, usize::saturating_add);
        if !(LEAST..=MOST).contains(&size) {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|answer| answer.endpoint != endpoint || answer.asked != *asked);
        let held = |all: &VecDeque<Answer>| all.iter().map(|answer| answer.size).fold(size, usize::saturating_add);
        while held(&all) > MOST {
            all.pop_front();
        }
        all.push_back(Answer { endpoint, asked: asked.clone(), fields: fields.clone(), size });
    }

    /// What the same call was answered.
    pub(super) fn same(&self, endpoint: Endpoint, asked: &Map<String, Value>) -> Option<Map<String, Value>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |answer: &&Answer| answer.endpoint == endpoint && answer.asked == *asked;
        all.iter().rev().find(same).map(|answer| answer.fields.clone())
    }

    /// The single page of an extraction, from whichever answer holds it in the same form.
    pub(super) fn page(&self, asked: &Map<String, Value>) -> Option<Map<String, Value>> {
        let url = asked.get("urls")?.get(0)?;
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let matches = |answer: &&Answer| match answer.endpoint {
            Endpoint::Extract => others(&answer.asked) == others(asked),
            // Whole pages as they come unless something else was asked for.
            _ => others(asked).is_empty(),
        };
        let page = |answer: &Answer| {
            let pages = answer.fields.get("results")?.as_array()?;
            pages
                .iter()
                .find(|page| page.get("url") == Some(url) && page.get("raw_content").is_some_and(Value::is_string))
                .cloned()
        };
        let page = all.iter().rev().filter(matches).find_map(page)?;
        Some(Map::from_iter([("results".to_owned(), Value::Array(vec![page]))]))
    }
}

/// What was asked besides the addresses.
fn others(asked: &Map<String, Value>) -> Vec<(&String, &Value)> {
    asked.iter().filter(|(name, _)| *name != "urls").collect()
}

/// About how many bytes a value takes.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len().saturating_add(32),
        Value::Array(all) => all.iter().map(weight).fold(32, usize::saturating_add),
        Value::Object(members) => {
            members.iter().map(|(name, value)| name.len().saturating_add(weight(value))).fold(32, usize::saturating_add)
        }
        _ => 32,
    }
}
