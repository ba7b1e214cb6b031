//! What is to be written, checked and made into the body of a request, with what a person is shown of it.
//!
//! NetBox ignores a field that it does not know, as it does with filters: each is looked up first. Names of objects become
//! ids, and the person is shown both. What NetBox would refuse after the yes is refused before the question.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::catalog::Type;
use super::client::Client;
use super::lean::{self, HIDDEN};
use super::openapi::Empty;
use super::release::Release;
use super::{describe, listing, relation, vocabulary};
use crate::backends::{Boxed, Error, arguments, outside};

/// Fields of one write.
const MOST: usize = 18;
/// Lists of tags, and of objects that are named as relations are.
const TAGS: [&str; 3] = ["tags", "add_tags", "remove_tags"];
/// What is taken wherever tags are, in releases that have it; no list of fields names it.
const FEWER_TAGS: [&str; 2] = ["add_tags", "remove_tags"];
/// Characters of a value before it is changed.
const BEFORE: usize = 200;

/// One field of a write.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// As it is sent.
    pub(super) value: Value,
    /// As a person is shown it.
    pub(super) shown: Value,
}

/// Checks the fields of a write to `path`, and turns names into ids.
pub(super) fn checked<'a>(
    client: &'a Client,
    kind: &'a Type,
    path: &'a str,
    given: Map<String, Value>,
) -> Boxed<'a, Result<Vec<Entry>, Error>> {
    Box::pin(check(client, kind, path, given))
}

async fn check(client: &Client, kind: &Type, path: &str, given: Map<String, Value>) -> Result<Vec<Entry>, Error> {
    if given.len() > MOST {
        return Err(Error::Arguments(format!(
            "{} fields are too many for one question; {MOST} are allowed",
            given.len()
        )));
    }
    let known = writable(client, kind, path).await?;
    let release = client.release().await?;
    let mut entries = Vec::new();
    for (name, value) in given {
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !is_name || !is_taken(&known, release, &name) {
            return Err(unknown(kind, &name, &known));
        }
        if value.is_null() {
            may_be_null(client, kind, &name).await?;
        }
        let (value, shown) = resolved(client, kind, &name, value).await?;
        entries.push(Entry { name, value, shown });
    }
    Ok(entries)
}

/// Whether a field is one of those that can be written; any is where nobody says which those are.
fn is_taken(known: &BTreeSet<String>, release: Release, name: &str) -> bool {
    let field = if FEWER_TAGS.contains(&name) && release >= Release::FEWER_TAGS { "tags" } else { name };
    // What lists the fields never lists this one, and it has an argument of its own.
    name != "changelog_message" && (known.is_empty() || known.contains(field))
}

/// Refuses null for a field that has no such value. Where no schema can be read, NetBox itself says so.
async fn may_be_null(client: &Client, kind: &Type, name: &str) -> Result<(), Error> {
    let Ok(digest) = client.schema().await else { return Ok(()) };
    let said = match digest.list(&kind.path).and_then(|list| list.empty(name)) {
        None => return Ok(()),
        Some(Empty::Never) => "it always has a value",
        Some(Empty::Text) => "an empty text empties it, if it may be empty",
    };
    Err(Error::Arguments(format!("`{name}` of {} takes no null: {said}", kind.name)))
}

/// The fields that can be written there: as whoever may write is told, or as the schema has them; none if nobody says.
async fn writable(client: &Client, kind: &Type, path: &str) -> Result<BTreeSet<String>, Error> {
    match describe::options(client, path).await {
        Ok(Some(fields)) if !fields.is_empty() => return Ok(fields.keys().cloned().collect()),
        Ok(_) | Err(Error::Refused { .. } | Error::Forbidden { .. }) => {}
        Err(error) => return Err(error),
    }
    if let Ok(digest) = client.schema().await
        && let Some(list) = digest.list(&kind.path)
        && list.writable().next().is_some()
    {
        return Ok(list.writable().map(str::to_owned).collect());
    }
    listing::fields(client, kind).await
}

fn unknown(kind: &Type, name: &str, known: &BTreeSet<String>) -> Error {
    let said = match (name, vocabulary::moved(&kind.name, name)) {
        ("changelog_message", _) => "; `message` of the call is for it".to_owned(),
        ("add_tags" | "remove_tags", _) if known.contains("tags") => {
            format!(" before release {}; `tags` takes the whole list", Release::FEWER_TAGS)
        }
        (_, Some(moved)) => format!(": {moved}"),
        _ => arguments::hint(name, &known.iter().map(String::as_str).collect::<Vec<_>>()),
    };
    Error::Arguments(format!("{} has no field `{}` that can be written{said}", kind.name, outside::line(name, 60)))
}

/// The value as it is sent, and as it is shown.
async fn resolved(client: &Client, kind: &Type, name: &str, value: Value) -> Result<(Value, Value), Error> {
    let target = if TAGS.contains(&name) { Some("extras.tag") } else { relation::target(kind, name) };
    let Some(target) = target else { return Ok((value.clone(), value)) };
    match &value {
        Value::String(_) | Value::Number(_) => {
            let found = relation::meant(client, target, &value).await?;
            Ok((found.id.into(), told(&found)))
        }
        Value::Array(all) if all.iter().all(|one| one.is_string() || one.is_number()) => {
            let (mut ids, mut shown) = (Vec::new(), Vec::new());
            for one in all {
                let found = relation::meant(client, target, one).await?;
                ids.push(found.id);
                shown.push(told(&found));
            }
            Ok((ids.into(), shown.into()))
        }
        // Null, and objects by their attributes, are NetBox's own ways to say it.
        _ => Ok((value.clone(), value)),
    }
}

fn told(found: &relation::Found) -> Value {
    match found.display.as_str() {
        "" => found.id.into(),
        display => format!("{display} (id {})", found.id).into(),
    }
}

/// A field that is to become another one.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) name: String,
    pub(super) before: Value,
    pub(super) after: Value,
    /// As it is sent; of custom fields one.
    sent: Value,
}

/// What of the entries differs from the object as it is.
pub(super) fn differing(kind: &Type, object: &Value, entries: Vec<Entry>) -> Vec<Change> {
    let mut changes = Vec::new();
    for Entry { name, value, shown } in entries {
        let now = object.get(&name).unwrap_or(&Value::Null);
        match (name.as_str(), &value) {
            ("custom_fields", Value::Object(fields)) => {
                for (field, value) in fields {
                    let now = now.get(field).unwrap_or(&Value::Null);
                    if plain(now) != plain(value) {
                        let name = format!("custom_fields.{}", outside::line(field, 60));
                        let sent = json!({ field: value });
                        changes.push(Change { name, before: seen(kind, field, now), after: value.clone(), sent });
                    }
                }
            }
            // Tags are added to what is there, or taken away from it.
            ("add_tags" | "remove_tags", _) => {
                let before = seen(kind, "tags", object.get("tags").unwrap_or(&Value::Null));
                changes.push(Change { name, before, after: shown, sent: value });
            }
            _ if plain(now) != plain(&value) => {
                let before = seen(kind, &name, now);
                changes.push(Change { name, before, after: shown, sent: value });
            }
            _ => {}
        }
    }
    changes
}

/// A value as NetBox takes it: of a relation the id, of a choice the value, a list in any order.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(members) => match (members.get("id"), members.get("value")) {
            (Some(id), _) => plain(id),
            (None, Some(value)) if members.contains_key("label") => value.clone(),
            _ => value.clone(),
        },
        Value::Array(all) => {
            let mut all: Vec<Value> = all.iter().map(plain).collect();
            crate::order::by_key(&mut all, Value::to_string);
            all.into()
        }
        Value::Number(number) => number.as_f64().map_or_else(|| value.clone(), Value::from),
        other => other.clone(),
    }
}

/// What is there now, as a person is shown it.
fn seen(kind: &Type, name: &str, now: &Value) -> Value {
    match lean::value_of(now, BEFORE, 0) {
        Some(_) if vocabulary::is_secret(&kind.name, name) => HIDDEN.into(),
        Some(value @ (Value::Object(_) | Value::Array(_))) => outside::line(&lean::told(&value), BEFORE).into(),
        Some(Value::String(text)) => outside::line(&text, BEFORE).into(),
        Some(value) => value,
        None => Value::Null,
    }
}

/// The body that makes these changes.
pub(super) fn of_changes(changes: &[Change]) -> Map<String, Value> {
    let mut body = Map::new();
    for change in changes {
        match (change.name.strip_prefix("custom_fields."), &change.sent) {
            (Some(_), Value::Object(one)) => {
                let fields = body.entry("custom_fields").or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(fields) = fields {
                    fields.extend(one.clone());
                }
            }
            _ => drop(body.insert(change.name.clone(), change.sent.clone())),
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::super::release::Release;
    use super::*;

    #[test]
    fn what_is_the_same_already_is_not_written() {
        let kind = Type::named("dcim.device", Release::NEWEST).expect("a type");
        let object = json!({
            "name": "sw1", "status": {"value": "active", "label": "Active"}, "site": {"id": 3, "display": "HQ"},
            "tags": [{"id": 2, "name": "b", "display": "b"}, {"id": 1, "name": "a", "display": "a"}], "position": 3.0,
            "custom_fields": {"x": 1, "y": null}, "comments": "old",
        });
        let entry = |name: &str, value: Value| Entry { name: name.to_owned(), shown: value.clone(), value };
        let entries = vec![
            entry("name", json!("sw1")),
            entry("status", json!("planned")),
            entry("site", json!(3)),
            entry("tags", json!([1, 2])),
            entry("position", json!(3)),
            entry("custom_fields", json!({"x": 1, "y": 2})),
            entry("comments", Value::Null),
        ];
        let changes = differing(&kind, &object, entries);
        let shown: Vec<Value> = changes.iter().map(|one| json!([one.name, one.before, one.after])).collect();
        assert_eq!(
            json!(shown),
            json!([["status", "active", "planned"], ["custom_fields.y", null, 2], ["comments", "old", null]])
        );
        assert_eq!(
            Value::Object(of_changes(&changes)),
            json!({"status": "planned", "custom_fields": {"y": 2}, "comments": null})
        );
    }
}
