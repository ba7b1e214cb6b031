//! The last answers that were too long for one result: the rest of them is not paid for twice.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use super::client::{Body, Endpoint, json_of};
use super::result;
use crate::backends::json::{Members, Tree};

/// Bytes of all answers together.
const MOST: usize = 4 << 20;
/// An answer with fewer bytes is never cut: for each of its pages some 200 bytes are counted beside the texts, and in the answer
/// it has at least the few of an empty text.
const LEAST: usize = result::BUDGET / 200 * 3;

/// Answers by what was asked, oldest first.
#[derive(Default)]
pub(super) struct Kept(Mutex<VecDeque<Answer>>);

struct Answer {
    endpoint: Endpoint,
    asked: Map<String, Value>,
    body: Vec<u8>,
}

impl Kept {
    /// Keeps an answer that can be cut, and lets go of the oldest until there is room. One that is larger than all the
    /// room is not kept.
    pub(super) fn keep(&self, endpoint: Endpoint, asked: &Map<String, Value>, body: &Body) {
        let size = body.body().len();
        if !(LEAST..=MOST).contains(&size) {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|answer| answer.endpoint != endpoint || answer.asked != *asked);
        let held =
            |all: &VecDeque<Answer>| all.iter().map(|answer| answer.body.len()).fold(size, usize::saturating_add);
        while held(&all) > MOST {
            all.pop_front();
        }
        all.push_back(Answer { endpoint, asked: asked.clone(), body: body.body().clone() });
    }

    /// What the same call was answered.
    pub(super) fn same(&self, endpoint: Endpoint, asked: &Map<String, Value>) -> Option<Body> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |answer: &&Answer| answer.endpoint == endpoint && answer.asked == *asked;
        all.iter().rev().find(same).map(|answer| Body::new(answer.body.clone()))
    }

    /// The single page of an extraction, from whichever answer holds it in the same form.
    pub(super) fn page(&self, asked: &Map<String, Value>) -> Option<Body> {
        let url = asked.get("urls")?.get(0)?.as_str()?;
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let matches = |answer: &&Answer| match answer.endpoint {
            Endpoint::Extract => others(&answer.asked) == others(asked),
            // Whole pages as they come unless something else was asked for.
            _ => others(asked).is_empty(),
        };
        all.iter().rev().filter(matches).find_map(|answer| page(&answer.body, url))
    }
}

/// The answer with one page only.
fn page(answer: &[u8], url: &str) -> Option<Body> {
    let Ok(Tree::Object(mut fields)) = Tree::read(answer) else { return None };
    let Some(Tree::List(pages)) = fields.take("results") else { return None };
    let is_it = |page: &Tree<'_>| match page {
        Tree::Object(page) => {
            let text = |name| page.get(name).and_then(Tree::text);
            text("url") == Some(url) && text("raw_content").is_some()
        }
        _ => false,
    };
    let pages = Tree::List(vec![pages.into_iter().find(is_it)?]);
    Some(Body::new(json_of(&Tree::Object(Members::from_iter([("results", pages)])))))
}

/// What was asked besides the addresses.
fn others(asked: &Map<String, Value>) -> Vec<(&String, &Value)> {
    asked.iter().filter(|(name, _)| *name != "urls").collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_can_be_cut_is_kept_and_what_cannot_is_not() {
        let (kept, asked) = (Kept::default(), Map::new());
        for (pages, is_kept) in [(100, false), (308, true)] {
            let body = Body::new(json!({ "results": vec![""; pages] }).to_string().into_bytes());
            kept.keep(Endpoint::Crawl, &asked, &body);
            assert_eq!(kept.same(Endpoint::Crawl, &asked).is_some(), is_kept, "{pages}");
        }
    }
}
