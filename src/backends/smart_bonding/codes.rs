//! The technology, sub-technology and problem codes by which a new ticket finds its way at Cisco.

use serde::Serialize;
use serde_json::{Map, Value};

use super::client::Client;
use super::tools::{self, text};
use crate::backends::arguments::{self, Field, Form};
use crate::backends::{Call, Error, Output};

/// What the tool takes, as `schema::CODES` describes it.
pub(super) const FIELDS: &[Field] = &[
    Field::new("search", Form::Text(100)),
    Field::new("since_id", Form::Whole(0, 999_999_999_999_999)),
    Field::new("max_id", Form::Whole(0, 999_999_999_999_999)),
    Field::new("limit", Form::Whole(1, MOST)),
];
/// The most codes of one result, and the usual number.
const MOST: i64 = 200;
const USUAL: usize = 50;
/// Characters of a name or description.
const SHORT: usize = 300;

#[derive(Serialize)]
struct Structured {
    problem_codes: Vec<Code>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Code {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    technology: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_technology: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<String>,
}

pub(super) async fn call(client: &Client, call: Call) -> Result<Output, Error> {
    let given = arguments::check(FIELDS, call.arguments)?;
    let most = given.get("limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
    let most = most.unwrap_or(USUAL);
    let words = given.get("search").and_then(Value::as_str).map(str::to_lowercase);
    let mut query: Vec<(&str, String)> = Vec::new();
    for name in ["since_id", "max_id"] {
        query.extend(given.get(name).map(|value| (name, value.to_string())));
    }
    if words.is_none() {
        query.push(("limit", most.to_string()));
    }
    let answer = client.codes(&query).await?;
    let all = match answer.body {
        Value::Object(mut body) => body.remove("tspCodes"),
        list @ Value::Array(_) => Some(list),
        _ => None,
    };
    let Some(Value::Array(all)) = all else {
        return Err(Error::Protocol { host: client.host(), cause: "an answer without `tspCodes`".to_owned() });
    };
    let fits = |code: &Code| words.as_deref().is_none_or(|words| code.has(words));
    let mut found: Vec<Code> = all.into_iter().filter_map(Code::of).filter(fits).collect();
    let left = found.len().saturating_sub(most);
    found.truncate(most);
    let mut notes = Vec::new();
    if left > 0 {
        notes.push(format!("{left} more are left out: search for more words, or go on with `since_id`"));
    }
    let lines: Vec<String> = found.iter().map(Code::line).collect();
    let structured = Structured { problem_codes: found, notes };
    tools::output(&client.host(), &structured, "Problem codes of Smart Bonding", &[lines, structured.notes.clone()])
}

impl Code {
    fn of(value: Value) -> Option<Self> {
        let Value::Object(fields) = value else { return None };
        let named = |name: &str, id: &str| match (short(&fields, name), short(&fields, id)) {
            (Some(name), Some(id)) => Some(format!("{name} ({id})")),
            (name, id) => name.or(id),
        };
        Some(Self {
            id: short(&fields, "id"),
            technology: named("techName", "techId"),
            sub_technology: named("subTechName", "subTechId"),
            problem_code: short(&fields, "problemCodeName"),
            description: short(&fields, "problemCodeDescription"),
            change: short(&fields, "changeFlag").filter(|flag| flag != "Unchanged"),
        })
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        let parts = [&self.technology, &self.sub_technology, &self.problem_code, &self.description, &self.change];
        parts.into_iter().filter_map(Option::as_deref)
    }

    fn has(&self, words: &str) -> bool {
        let own = self.parts().collect::<Vec<_>>().join(" ").to_lowercase();
        words.split_whitespace().all(|word| own.contains(word))
    }

    fn line(&self) -> String {
        let id = self.id.as_deref().map(|id| format!("[{id}] ")).unwrap_or_default();
        format!("{id}{}", self.parts().collect::<Vec<_>>().join(" / "))
    }
}

fn short(fields: &Map<String, Value>, name: &str) -> Option<String> {
    text(fields.get(name)?, SHORT)
}
