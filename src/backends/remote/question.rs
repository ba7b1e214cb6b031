//! What a server may ask: read strictly, bounded, and marked as coming from it before anybody sees it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use url::Url;

use super::listed;
use super::wire;
use crate::backends::host::{Asked, Question, Takes, Unanswered};
use crate::backends::outside;
use crate::http::{is_loopback, is_safe};

const PERSON: &str = "elicitation/create";
const MODEL: &str = "sampling/createMessage";
/// The most bytes of a form's schema, and of what a model is asked.
const FORM: usize = 64 << 10;
const PROMPT: usize = 1 << 20;
/// The most fields of a form.
const FIELDS: usize = 100;
/// The most characters of a name for a question, and the most bytes of an address.
pub(super) const NAME: usize = 200;
const ADDRESS: usize = 8_000;
/// The most that a model may be asked to write.
const TOKENS: u64 = 32_768;
/// The most bytes of a state that a server wants back.
const STATE: usize = 1 << 20;
/// How many questions one modern answer may hold.
const AT_ONCE: usize = 16;

/// A question as it was written.
#[derive(Deserialize)]
pub(super) struct Raw {
    pub(super) method: String,
    #[serde(default)]
    pub(super) params: Option<Box<RawValue>>,
}

/// The question for the host, or why it is not asked.
pub(super) fn of(host: &str, takes: Takes, method: &str, params: Option<&RawValue>) -> Result<Question, Unanswered> {
    let bad = |what: &str| Unanswered { code: wire::BAD_PARAMETERS, message: what.to_owned() };
    let unknown = || Unanswered { code: wire::UNKNOWN_METHOD, message: "method not found".to_owned() };
    let read = |longest: usize| {
        let params = params.filter(|params| params.get().len() <= longest)?;
        let clean = outside::clean_json(params)?;
        serde_json::from_str::<Map<String, Value>>(clean.get()).ok()
    };
    let (to, params) = match method {
        PERSON if takes.form || takes.url => {
            let params = read(FORM.saturating_mul(2)).ok_or_else(|| bad("the question is too long or no object"))?;
            (Asked::Person, person(host, takes, &params).map_err(bad)?)
        }
        MODEL if takes.sampling => {
            let params = read(PROMPT).ok_or_else(|| bad("the question is too long or no object"))?;
            (Asked::Model, model(host, takes, params).map_err(bad)?)
        }
        _ => return Err(unknown()),
    };
    let params = to_raw_value(&params).map_err(|_| unknown())?;
    Ok(Question { to, params })
}

fn person(host: &str, takes: Takes, params: &Map<String, Value>) -> Result<Value, &'static str> {
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    // Whoever reads the question must see that it is not this program, or the host, that asks.
    let message = listed::marked(host, text("message").ok_or("the question has no message")?);
    match params.get("mode").map(Value::as_str) {
        None | Some(Some("form")) if takes.form => {
            let schema =
                params.get("requestedSchema").filter(|schema| is_form(schema)).ok_or("the form is not flat")?;
            Ok(json!({ "mode": "form", "message": message, "requestedSchema": schema }))
        }
        Some(Some("url")) if takes.url => {
            let url = text("url").filter(|url| url.len() <= ADDRESS).and_then(|url| Url::parse(url).ok());
            // What stands before an `@` is read as the host by people. Over http anyone on the way could answer.
            let is_plain = |url: &Url| is_safe(url) && url.username().is_empty() && url.password().is_none();
            // What listens on this machine is the business of servers on this machine.
            let is_near = |url: &Url| !is_loopback(url) || is_local(host);
            let url = url
                .filter(|url| is_plain(url) && is_near(url))
                .ok_or("the address is not one that a person should open")?;
            let mut question = json!({ "mode": "url", "message": message, "url": url.as_str() });
            if let (Some(members), Some(id)) = (question.as_object_mut(), text("elicitationId")) {
                members.insert("elicitationId".to_owned(), outside::line(id, NAME).into());
            }
            Ok(question)
        }
        _ => Err("the host takes no such question"),
    }
}

/// Whether the server itself, given as `host` or `host:port`, is on this machine.
fn is_local(host: &str) -> bool {
    Url::parse(&format!("http://{host}/")).is_ok_and(|url| is_loopback(&url))
}

/// Whether it is an object of plain fields, as the protocol wants forms to be.
fn is_form(schema: &Value) -> bool {
    let is_field = |field: &Value| {
        let kind = field.get("type").and_then(Value::as_str);
        matches!(kind, Some("string" | "number" | "integer" | "boolean" | "array"))
    };
    let fields = schema.get("properties").and_then(Value::as_object);
    schema.get("type").and_then(Value::as_str) == Some("object")
        && fields.is_some_and(|fields| fields.len() <= FIELDS && fields.values().all(is_field))
        && schema.to_string().len() <= FORM
}

fn model(host: &str, takes: Takes, mut params: Map<String, Value>) -> Result<Value, &'static str> {
    const KNOWN: [&str; 10] = [
        "messages",
        "modelPreferences",
        "systemPrompt",
        "includeContext",
        "temperature",
        "maxTokens",
        "stopSequences",
        "metadata",
        "tools",
        "toolChoice",
    ];
    params.retain(|name, _| KNOWN.contains(&name.as_str()));
    let is_list = params.get("messages").is_some_and(Value::is_array);
    let tokens = params.get("maxTokens").and_then(Value::as_u64).filter(|_| is_list);
    let tokens = tokens.ok_or("the question has no messages or no `maxTokens`")?;
    if !takes.sampling_tools && (params.contains_key("tools") || params.contains_key("toolChoice")) {
        return Err("the model is given no tools here");
    }
    if !takes.sampling_context {
        params.remove("includeContext");
    }
    params.insert("maxTokens".to_owned(), tokens.min(TOKENS).into());
    let words = params.get("systemPrompt").and_then(Value::as_str).unwrap_or_default();
    let words = format!("{} {words}", listed::mark(host));
    params.insert("systemPrompt".to_owned(), words.trim_end().into());
    Ok(Value::Object(params))
}

/// The questions that lead to pages; more than may be asked at once are left out, and then it is refused again.
pub(super) fn pages(pages: Vec<Value>) -> BTreeMap<String, Raw> {
    let question = |(number, page): (usize, Value)| {
        let raw = Raw { method: PERSON.to_owned(), params: to_raw_value(&page).ok() };
        (number.to_string(), raw)
    };
    pages.into_iter().take(AT_ONCE).enumerate().map(question).collect()
}

/// Whether the host says that the person has agreed.
pub(super) fn is_yes(said: &Result<Box<RawValue>, Unanswered>) -> bool {
    let said = said.as_deref().ok().and_then(|said| serde_json::from_str::<Value>(said.get()).ok());
    said.is_some_and(|said| said.get("action").and_then(Value::as_str) == Some("accept"))
}

/// What a modern answer asks, before anybody is asked: it is one that was offered, or all of it is refused.
pub(super) fn all(requests: Option<&RawValue>) -> Result<BTreeMap<String, Raw>, String> {
    let Some(requests) = requests else { return Ok(BTreeMap::new()) };
    let all: BTreeMap<String, Raw> = Some(requests.get())
        .filter(|text| text.len() <= PROMPT)
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or("it asks in a form that cannot be read")?;
    if all.len() > AT_ONCE || all.keys().any(|name| name.len() > NAME) {
        return Err("it asks too much at once".to_owned());
    }
    match all.values().find(|one| !matches!(one.method.as_str(), PERSON | MODEL)) {
        Some(other) => Err(format!("it asks for `{}`, which was not offered", outside::line(&other.method, 40))),
        None => Ok(all),
    }
}

/// The state that the server wants back.
pub(super) fn state(state: Option<Box<RawValue>>) -> Result<Option<Box<RawValue>>, String> {
    match state {
        Some(state) if state.get().len() > STATE => Err("it wants too much back".to_owned()),
        state => Ok(state),
    }
}

/// What a modern server is told; the protocol has a word for a person who says nothing, and none for a model.
pub(super) fn said(method: &str, said: Result<Box<RawValue>, Unanswered>) -> Result<Box<RawValue>, String> {
    match said {
        Ok(said) => Ok(said),
        Err(_) if method == PERSON => {
            RawValue::from_string(r#"{"action":"cancel"}"#.to_owned()).map_err(|error| error.to_string())
        }
        Err(why) => Err(format!("it asks the model, which does not answer: {}", outside::line(&why.message, NAME))),
    }
}

/// The answer to a request of a legacy server.
pub(super) fn reply(id: &RawValue, said: Result<Box<RawValue>, Unanswered>) -> Vec<u8> {
    let (name, value) = match said {
        Ok(result) => ("result", result.get().to_owned()),
        Err(Unanswered { code, message }) => ("error", json!({ "code": code, "message": message }).to_string()),
    };
    format!(r#"{{"jsonrpc":"2.0","id":{},"{name}":{value}}}"#, id.get()).into_bytes()
}
