//! The forms of an update, and what of it is shown.

use serde::Serialize;
use serde_json::{Map, Value};

use super::client::Answer;
use super::tools::text;
use crate::backends::outside;

/// Characters of a text that Cisco wrote. What is cut off is still in the case at Cisco.
const LONG: usize = 16_000;
const SHORT: usize = 300;
/// What Smart Bonding says when there is nothing.
const NOTHING: &str = "no messages";
/// Members that are shown nowhere: people, and where files may be sent with which token.
const PRIVATE: [&str; 4] = ["Caller", "CCP", "Field80", "Field81"];
const UPLOADS: [&str; 2] = ["field80", "field81"];

/// What one pull brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pulled {
    Update(Box<Update>),
    /// What is no update, in words.
    Note(String),
}

/// What is in the answer to a pull; nothing if there was nothing to deliver. A list is as many updates, and so is a list
/// of calls within one.
pub(super) fn of(answer: &Answer) -> Vec<Pulled> {
    let bodies = match &answer.body {
        Value::Array(all) => all.iter().flat_map(apart).collect(),
        body => apart(body),
    };
    let one = |body: &Value| match Update::of(body, answer.correlation.clone()) {
        Some(update) => Pulled::Update(Box::new(update)),
        None => Pulled::Note(format!("an update in an unknown form was fetched: {}", whole(body))),
    };
    bodies.iter().filter(|body| !is_nothing(body)).map(one).collect()
}

/// Whether it holds an update, whatever it says besides: its status and its message may be those of the queue.
pub(super) fn is_update(body: &Value) -> bool {
    body.get("Calls").is_some_and(|calls| !is_blank(calls)) || Update::of(body, String::new()).is_some()
}

/// One body for each call.
fn apart(body: &Value) -> Vec<Value> {
    let Some(Value::Array(calls)) = body.get("Calls") else { return vec![body.clone()] };
    let one = |call: &Value| {
        let mut one = body.clone();
        if let Some(place) = one.get_mut("Calls") {
            *place = call.clone();
        }
        one
    };
    if calls.is_empty() { vec![body.clone()] } else { calls.iter().map(one).collect() }
}

/// One update. The people of a ticket are left out, and so are the place and the token for uploads.
#[derive(Serialize, Default, Debug, PartialEq, Eq)]
pub(super) struct Update {
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bonding_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cisco_case: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remarks: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    solution: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnosis: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opened: Option<String>,
    correlation_id: String,
}

/// Nothing at all, or a sentence that says so and stands alone.
fn is_nothing(body: &Value) -> bool {
    let is_alone = |members: &Map<String, Value>| members.values().all(|it| is_blank(it) || is_scalar(it));
    let says_so = || body.get("message").and_then(Value::as_str).is_some_and(says_nothing);
    is_blank(body) || (!is_update(body) && body.as_object().is_some_and(is_alone) && says_so())
}

/// Whether this is how Smart Bonding says that there is nothing.
pub(super) fn says_nothing(said: &str) -> bool {
    said.to_lowercase().contains(NOTHING)
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(all) => all.iter().all(is_blank),
        Value::Object(members) => members.values().all(is_blank),
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What has no known form, as JSON: it is not delivered again, so nothing of it is left out but people and uploads.
fn whole(value: &Value) -> String {
    text(&Value::String(allowed(value).to_string()), LONG).unwrap_or_default()
}

/// Without people, and without the place and the token for uploads, at any depth and also in JSON within a text.
fn allowed(value: &Value) -> Value {
    match value {
        Value::Array(all) => all.iter().map(allowed).collect(),
        Value::Object(members) => {
            // As it will be read: a name may hide a character.
            let members = members.iter().map(|(name, value)| (outside::clean(name.clone()), value));
            let is_private = |name: &str| PRIVATE.iter().any(|private| name.trim().eq_ignore_ascii_case(private));
            let members = members.filter(|(name, _)| !is_private(name));
            members.map(|(name, value)| (name, allowed(value))).collect()
        }
        Value::String(text) => {
            let text = outside::clean(text.clone());
            match serde_json::from_str::<Value>(&text) {
                Ok(inner) if !is_scalar(&inner) => allowed(&inner),
                _ if UPLOADS.iter().any(|name| text.to_ascii_lowercase().contains(name)) => Value::from("(left out)"),
                _ => Value::String(text),
            }
        }
        other => other.clone(),
    }
}

impl Update {
    fn of(body: &Value, correlation_id: String) -> Option<Self> {
        let none = Map::new();
        let beside = body.as_object()?;
        // Some answers have the states beside the call, and some within it.
        let call = beside.get("Calls").map_or(beside, |call| call.as_object().unwrap_or(&none));
        let of = |name: &str, longest: usize| text(call.get(name).or_else(|| beside.get(name))?, longest);
        let said = |name: &str| {
            let value = call.get(name).or_else(|| beside.get(name))?;
            let other = || (!is_scalar(value) && !is_blank(value)).then(|| whole(value));
            text(value, LONG).or_else(|| errors(value)).or_else(other)
        };
        let code = |name: &str| {
            let code = call.get(name).or_else(|| beside.get(name))?;
            match (
                code.get("ShortName").and_then(|it| text(it, SHORT)),
                code.get("Name").and_then(|it| text(it, SHORT)),
            ) {
                (Some(short), Some(name)) if name != short => Some(format!("{short} ({name})")),
                (short, name) => short.or(name).or_else(|| text(code, SHORT)),
            }
        };
        let update = Self {
            ticket: of("CustCallID", SHORT),
            bonding_id: of("SDCallID", SHORT),
            cisco_case: of("SPCallID", SHORT),
            state: code("CallStates"),
            priority: code("Priorities").or_else(|| of("Priority", SHORT)),
            severity: code("Severities").or_else(|| of("Severity", SHORT)),
            title: of("ShortDescription", SHORT),
            description: both(said("Description"), said("DetailedDescription")),
            remarks: said("Remarks"),
            solution: said("Solution"),
            diagnosis: said("Diagnosis"),
            opened: of("CallOpenTime", SHORT),
            correlation_id,
        };
        (update.ticket.is_some() || update.bonding_id.is_some() || update.cisco_case.is_some()).then_some(update)
    }

    pub(super) fn text(&self) -> String {
        let lines = [
            ("Ticket", &self.ticket),
            ("Id at Smart Bonding", &self.bonding_id),
            ("Case at Cisco", &self.cisco_case),
            ("State", &self.state),
            ("Priority", &self.priority),
            ("Severity", &self.severity),
            ("Title", &self.title),
            ("Opened", &self.opened),
            ("Description", &self.description),
            ("Remarks", &self.remarks),
            ("Solution", &self.solution),
            ("Diagnosis", &self.diagnosis),
        ];
        let lines = lines.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", value.as_ref()?)));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn both(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Some(format!("{one}\n\n{other}")),
        (one, other) => one.or(other),
    }
}

/// A ticket that was refused has a list of errors where remarks would be.
fn errors(remarks: &Value) -> Option<String> {
    let all = remarks.as_array()?;
    let said = |one: &Value| match one {
        Value::String(_) => text(one, SHORT),
        Value::Object(members) => {
            let parts: Vec<String> = members.values().filter_map(|value| text(value, SHORT)).collect();
            (!parts.is_empty()).then(|| parts.join(": "))
        }
        _ => None,
    };
    let said: Vec<String> = all.iter().take(20).filter_map(said).collect();
    (!said.is_empty()).then(|| said.join("; "))
}
