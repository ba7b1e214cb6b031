//! What a server knows to complete.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::{Shared, wire};
use crate::backends::{Boxed, Completion, Error, Partial, outside};

/// How many values there may be, and the most characters of one.
const VALUES: usize = 100;
const VALUE: usize = 2_000;

/// Asks the server, if it completes anything.
pub(super) fn complete(peer: &Shared, of: Value, partial: Partial) -> Boxed<'static, Result<Completion, Error>> {
    if !peer.offers.described().capabilities.completions {
        return Box::pin(async { Ok(Completion::default()) });
    }
    let peer = Arc::clone(peer);
    Box::pin(async move {
        let Partial { name, value, others } = partial;
        let mut more = Map::new();
        more.insert("ref".to_owned(), of);
        more.insert("argument".to_owned(), json!({ "name": name, "value": value }));
        if !others.is_empty() {
            more.insert("context".to_owned(), json!({ "arguments": others }));
        }
        let answer = peer.ask(Ask { more: Some(more), ..Ask::short("completion/complete") }).await?;
        read(&answer).ok_or_else(|| peer.wrong("the completion has no values"))
    })
}

fn read(answer: &wire::Answer) -> Option<Completion> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Read {
        values: Vec<String>,
        #[serde(default)]
        total: Option<Value>,
        #[serde(default)]
        has_more: Option<Value>,
    }
    let Read { values, total, has_more } = wire::member(answer.completion.as_deref())?;
    let is_cut = values.len() > VALUES;
    // A value is taken over as it is: one that a person would not see as it is, is none.
    let is_plain = |value: &String| value.len() <= VALUE && outside::clean(value.clone()) == *value;
    let values = values.into_iter().filter(is_plain).take(VALUES).collect();
    let has_more = is_cut || has_more.and_then(|more| more.as_bool()).unwrap_or(false);
    Some(Completion { values, total: total.and_then(|total| total.as_u64()), has_more })
}
