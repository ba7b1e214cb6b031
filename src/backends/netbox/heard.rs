//! Whether a list takes a filter, found out by trying: for instances whose schema cannot be read.
//!
//! NetBox ignores a filter that it does not know, so that the answer to one is the answer without it. One that it knows
//! refuses a value that cannot be one, or narrows the list. That an object shows a field says nothing about filters.

use serde_json::Value;

use super::answer;
use super::catalog::Type;
use super::client::{Ask, Client};
use super::openapi::split;
use crate::backends::{Boxed, Error};

/// What no object has.
const NONSENSE: &str = "no-such-value-4f1d";
/// What a filter is tried with besides: those that are answered by yes or no ignore everything else.
const ANSWERS: [&str; 2] = ["true", "false"];

/// Whether NetBox heeds this filter of the list. Where there are no objects, every answer is the right one.
pub(super) fn is_heard<'a>(client: &'a Client, kind: &'a Type, name: &'a str) -> Boxed<'a, Result<bool, Error>> {
    Box::pin(async move {
        let known = format!("{}?{name}", kind.path);
        if client.known.was_heard(&known) {
            return Ok(true);
        }
        let is_heard = tried(client, kind, name).await?;
        if is_heard == Some(true) {
            client.known.hears(known);
        }
        // Of an empty list nothing is learnt, and nothing is shown that should not be.
        Ok(is_heard.unwrap_or(true))
    })
}

async fn tried(client: &Client, kind: &Type, name: &str) -> Result<Option<bool>, Error> {
    let all = client.ask(Ask::get(&kind.path).with("limit", "1")).await?.body;
    let Some(total) = answer::count(&all) else { return Ok(Some(false)) };
    let row = answer::results(&all).first();
    if total == 0 {
        return Ok(None);
    }
    // What excludes nonsense excludes nothing; what excludes a value that is there does.
    let own = row.and_then(|row| plain(row.get(split(name).0)?));
    let values = [NONSENSE.to_owned()].into_iter().chain(own).chain(ANSWERS.map(str::to_owned));
    let ask = |value: String| Ask::get(&kind.path).with(name, value).with("limit", "1").with("fields", "id");
    for answer in client.all(values.map(ask).collect()).await {
        match answer {
            Ok(answer) if answer::count(&answer.body).is_some_and(|count| count < total) => return Ok(Some(true)),
            Ok(_) => {}
            Err(Error::Refused { code: 400, .. }) => return Ok(Some(true)),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(false))
}

/// A value of an object as a parameter has it.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() && text.len() < 200 => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(members) => members.get("value").and_then(plain),
        _ => None,
    }
}
