//! The forms of an update, and what of it is shown.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::client::Answer;
use super::tools::text;

/// Characters of a text that Cisco wrote. What is cut off is still in the case at Cisco.
const LONG: usize = 16_000;
const SHORT: usize = 300;
/// What Smart Bonding says when there is nothing.
const NOTHING: &str = "no messages available";

/// What one pull brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pulled {
    Update(Box<Update>),
    /// What is no update, in words.
    Note(String),
}

/// What is in the answer to a pull; nothing if there was nothing to deliver.
pub(super) fn of(answer: Answer) -> Vec<Pulled> {
    if is_nothing(&answer.body) {
        return Vec::new();
    }
    let note = || Pulled::Note(unread(&answer.body));
    vec![Update::of(&answer.body, answer.correlation.clone()).map_or_else(note, |it| Pulled::Update(Box::new(it)))]
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

/// No body, or a sentence that says so.
fn is_nothing(body: &Value) -> bool {
    let said = body.get("message").and_then(Value::as_str);
    body.is_null() || said.is_some_and(|said| said.to_lowercase().contains(NOTHING))
}

/// Something that no known update looks like: its names are told, so that the person can look for it at Cisco.
fn unread(body: &Value) -> String {
    let names: Vec<String> = match body {
        Value::Object(members) => members.keys().take(20).filter_map(|name| text(&json!(name), 40)).collect(),
        _ => Vec::new(),
    };
    let said = body.get("message").and_then(|said| text(said, SHORT)).map(|said| format!(" ({said})"));
    format!("an update in an unknown form was fetched{}; its members: {}", said.unwrap_or_default(), names.join(", "))
}

impl Update {
    fn of(body: &Value, correlation_id: String) -> Option<Self> {
        let none = Map::new();
        let whole = body.as_object()?;
        // Some answers have the states beside the call, and some within it.
        let call = whole.get("Calls").map_or(whole, |call| call.as_object().unwrap_or(&none));
        let of = |name: &str, longest: usize| text(call.get(name).or_else(|| whole.get(name))?, longest);
        let code = |name: &str| {
            let code = call.get(name).or_else(|| whole.get(name))?;
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
            description: of("Description", LONG).or_else(|| of("DetailedDescription", LONG)),
            remarks: of("Remarks", LONG).or_else(|| call.get("Remarks").and_then(errors)),
            solution: of("Solution", LONG),
            diagnosis: of("Diagnosis", LONG),
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
