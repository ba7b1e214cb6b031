//! Completion: what a half-written argument of a prompt or an address may become.

use serde_json::{Map, Value, json};

use super::dispatch::object;
use super::message::{Failure, Params};

/// How many values a client is given at once (2025-06-18, server/utilities/completion).
const MOST: usize = 100;

/// An argument that is being written.
#[derive(Clone, Debug, PartialEq)]
pub struct Partial {
    /// Whose.
    pub of: Reference,
    /// Its name.
    pub argument: String,
    /// What is there so far.
    pub value: String,
    /// The other arguments, as far as they were written.
    pub others: Map<String, Value>,
}

/// What an argument belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The prompt of this name.
    Prompt(String),
    /// The resource of this address, or the family of this template.
    Resource(String),
}

/// What it may become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The best of them. Only the first hundred are sent.
    pub values: Vec<String>,
    /// How many there are, if that is known.
    pub total: Option<u64>,
    /// Whether there are others.
    pub has_more: bool,
}

/// The parameters of `completion/complete`.
pub(super) fn partial(params: &Params<'_>) -> Result<Partial, Failure> {
    let text = |object: &mut Map<String, Value>, name: &str| match object.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let mut of = object(params.of, "`ref` is not an object")?;
    let of = match of.get("type").and_then(Value::as_str) {
        Some("ref/prompt") => text(&mut of, "name").map(Reference::Prompt),
        Some("ref/resource") => text(&mut of, "uri").map(Reference::Resource),
        _ => None,
    };
    let mut argument = object(params.argument, "`argument` is not an object")?;
    let mut context = object(params.context, "`context` is not an object")?;
    let others = match context.remove("arguments") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(others)) => others,
        Some(_) => return Err(Failure::parameters("`context.arguments` is not an object")),
    };
    Ok(Partial {
        of: of.ok_or_else(|| Failure::parameters("`ref` is neither a prompt with a name nor a resource with a uri"))?,
        argument: text(&mut argument, "name").ok_or_else(|| Failure::parameters("`argument` has no text `name`"))?,
        value: text(&mut argument, "value").ok_or_else(|| Failure::parameters("`argument` has no text `value`"))?,
        others,
    })
}

/// The value of the result's only member.
pub(super) fn member(completion: Completion) -> String {
    let Completion { mut values, total, mut has_more } = completion;
    has_more |= values.len() > MOST;
    values.truncate(MOST);
    let mut members = json!({ "values": values, "hasMore": has_more });
    if let (Some(total), Some(members)) = (total, members.as_object_mut()) {
        members.insert("total".to_owned(), json!(total));
    }
    members.to_string()
}
