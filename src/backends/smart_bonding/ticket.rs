//! Opening, changing and closing a ticket: which fields belong to which action, what is sent, and what the person is
//! asked.
//!
//! Cisco's guide to the message is for partners only. Its shape here is that of clients that use the service: a call,
//! and beside it a state, a priority and a severity by their short names. Which of the optional fields Cisco wants
//! depends on the contract; what it refuses, it says.

use serde::Serialize;
use serde_json::{Map, Value};

use super::client::Client;
use super::tools::{self, text};
use crate::backends::arguments::{self, Field, Form};
use crate::backends::{Call, Error, Output, Question};

/// Lengths: of what names something, of a title, of a text.
const NAME: usize = 64;
const TITLE: usize = 200;
const TEXT: usize = 1_500;

/// What the tool takes, as `schema::TICKET` describes it.
pub(super) const FIELDS: &[Field] = &[
    Field::required("action", Form::Choice(&["create", "update", "escalate", "resolve", "close"])),
    Field::required("ticket", Form::Text(NAME)),
    Field::new("title", Form::Text(TITLE)),
    Field::new("description", Form::Text(TEXT)),
    Field::new("remarks", Form::Text(TEXT)),
    Field::new("state", Form::Choice(&["Update", "Open", "Pending", "In Progress"])),
    Field::new("priority", Form::Text(NAME)),
    Field::new("severity", Form::Whole(1, 4)),
    Field::new("solution", Form::Text(TEXT)),
    Field::new("diagnosis", Form::Text(TEXT)),
    Field::new("technology", Form::Text(TITLE)),
    Field::new("sub_technology", Form::Text(TITLE)),
    Field::new("problem_code", Form::Text(TITLE)),
    Field::new("first_name", Form::Text(NAME)),
    Field::new("last_name", Form::Text(NAME)),
    Field::new("company", Form::Text(TITLE)),
    Field::new("email", Form::Text(TITLE)),
    Field::new("phone", Form::Text(NAME)),
    Field::new("cco_id", Form::Text(NAME)),
    Field::new("serial_number", Form::Text(NAME)),
    Field::new("contract", Form::Text(NAME)),
    Field::new("product", Form::Text(NAME)),
    Field::new("agreement", Form::Text(NAME)),
    Field::new("agreement_element", Form::Text(NAME)),
];

/// What can be done with a ticket.
pub(super) struct Action {
    name: &'static str,
    what: &'static str,
    state: &'static str,
    /// Besides the ticket.
    needs: &'static [&'static str],
    takes: &'static [&'static str],
}

const ACTIONS: &[Action] = &[
    Action {
        name: "create",
        what: "Open a ticket at Cisco through Smart Bonding?",
        state: "New",
        needs: &["title", "last_name", "email"],
        takes: &[
            "description",
            "remarks",
            "priority",
            "severity",
            "technology",
            "sub_technology",
            "problem_code",
            "first_name",
            "company",
            "phone",
            "cco_id",
            "serial_number",
            "contract",
            "product",
            "agreement",
            "agreement_element",
        ],
    },
    Action {
        name: "update",
        what: "Send an update of a ticket to Cisco through Smart Bonding?",
        state: "Update",
        needs: &["remarks"],
        takes: &["state", "priority", "severity"],
    },
    Action {
        name: "escalate",
        what: "Escalate a ticket at Cisco through Smart Bonding?",
        state: "Update",
        needs: &["remarks"],
        takes: &["severity"],
    },
    Action {
        name: "resolve",
        what: "Tell Cisco through Smart Bonding that a ticket is resolved?",
        state: "Resolved",
        needs: &["remarks"],
        takes: &[],
    },
    Action {
        name: "close",
        what: "Close a ticket at Cisco through Smart Bonding?",
        state: "Closed",
        needs: &["solution"],
        takes: &["diagnosis"],
    },
];

/// Where each field stands in the message.
const PLACES: &[(&str, &[&str])] = &[
    ("ticket", &["Calls", "CustCallID"]),
    ("title", &["Calls", "ShortDescription"]),
    ("description", &["Calls", "Description"]),
    ("remarks", &["Calls", "Remarks"]),
    ("solution", &["Calls", "Solution"]),
    ("diagnosis", &["Calls", "Diagnosis"]),
    ("technology", &["Calls", "CustomerReasonCategory1"]),
    ("sub_technology", &["Calls", "CustomerReasonCategory2"]),
    ("problem_code", &["Calls", "CustomerReasonCategory3"]),
    ("first_name", &["Calls", "Caller", "FirstName"]),
    ("last_name", &["Calls", "Caller", "LastName"]),
    ("company", &["Calls", "Caller", "Title"]),
    ("email", &["Calls", "Caller", "EMail"]),
    ("phone", &["Calls", "Caller", "Tel"]),
    ("cco_id", &["Calls", "CHD", "PIN"]),
    ("sign", &["Calls", "CHD", "Sign"]),
    ("serial_number", &["Calls", "MainComp", "SerNrProv"]),
    ("contract", &["Calls", "MainComp", "InvNr"]),
    ("product", &["Calls", "MainComp", "Room"]),
    ("agreement", &["Contracts", "ShortName"]),
    ("agreement_element", &["ContractElements", "ShortName"]),
    ("state", &["CallStates", "ShortName"]),
    ("priority", &["Priorities", "ShortName"]),
    ("severity", &["Severities", "ShortName"]),
];

/// What was sent. Who called is not repeated.
#[derive(Serialize)]
struct Structured {
    ticket: String,
    action: &'static str,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bonding_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<String>,
    correlation_id: String,
}

pub(super) async fn call(client: &Client, call: Call) -> Result<Output, Error> {
    let (action, fields) = checked(call.arguments)?;
    client.has_login().await?;
    call.agreed.must(question(client, action, &fields))?;
    let answer = client.push(&message(&fields)).await?;
    let known =
        |name: &str| text(answer.body.pointer(&format!("/Calls/{name}")).or_else(|| answer.body.get(name))?, NAME);
    let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let sent = Structured {
        ticket: field("ticket"),
        action: action.name,
        state: field("state"),
        bonding_id: known("SDCallID"),
        said: answer.body.get("message").and_then(|said| text(said, TITLE)),
        correlation_id: answer.correlation,
    };
    let mut lines = vec![
        format!("Smart Bonding has taken it: {} `{}`, state {}.", sent.action, sent.ticket, sent.state),
        "Cisco's answer comes as an update.".to_owned(),
    ];
    lines.extend(sent.bonding_id.as_ref().map(|id| format!("Id at Smart Bonding: {id}")));
    lines.extend(sent.said.as_ref().map(|said| format!("It said: {said}")));
    lines.push(format!("Correlation id: {}", sent.correlation_id));
    tools::output(&client.host(), &sent, "A ticket at Cisco", &[lines])
}

/// The action and all that it sends, by our names.
pub(super) fn checked(given: Map<String, Value>) -> Result<(&'static Action, Map<String, Value>), Error> {
    let wrong = |text: String| Err(Error::Arguments(text));
    let mut fields = arguments::check(FIELDS, given)?;
    let name = fields.remove("action");
    let Some(action) = ACTIONS.iter().find(|action| Some(action.name) == name.as_ref().and_then(Value::as_str)) else {
        return wrong("`action` is missing".to_owned());
    };
    if let Some(missing) = action.needs.iter().find(|name| !fields.contains_key(**name)) {
        return wrong(format!("`{missing}` is missing: the action `{}` needs it", action.name));
    }
    let belongs = |name: &String| {
        name == "ticket" || action.needs.contains(&name.as_str()) || action.takes.contains(&name.as_str())
    };
    if let Some(other) = fields.keys().find(|name| !belongs(name)) {
        return wrong(format!("`{other}` does not go together with the action `{}`", action.name));
    }
    if let Some(severity) = fields.get_mut("severity") {
        *severity = Value::String(severity.to_string());
    }
    // Whose support contract it is, comes with the word for this kind of exchange.
    if fields.contains_key("cco_id") {
        fields.insert("sign".to_owned(), Value::from("B2B"));
    }
    if action.name == "escalate" {
        fields.insert("priority".to_owned(), Value::from("Escalated"));
    }
    fields.entry("state").or_insert_with(|| Value::from(action.state));
    Ok((action, fields))
}

/// Asks about every field that is sent, in the order of the message.
pub(super) fn question(client: &Client, action: &Action, fields: &Map<String, Value>) -> Question {
    let sent = PLACES.iter().filter_map(|(name, _)| Some((*name, fields.get(*name)?)));
    sent.fold(client.question(action.what), |question, (name, value)| question.with(name, value))
}

/// The message.
pub(super) fn message(fields: &Map<String, Value>) -> Value {
    let mut message = Map::new();
    for (name, place) in PLACES {
        let Some(value) = fields.get(*name) else { continue };
        put(&mut message, place, value.clone());
    }
    Value::Object(message)
}

fn put(into: &mut Map<String, Value>, place: &[&str], value: Value) {
    match place {
        [] => {}
        [last] => drop(into.insert((*last).to_owned(), value)),
        [first, rest @ ..] => {
            let inner = into.entry(*first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
