//! The change log: who changed what and when, field by field (reference: "Change log").

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::answer::{self, Answer, ROOM};
use super::client::Ask;
use super::lean::{self, HIDDEN};
use super::objects::{AFTER, which};
use super::shape::{Shape, returns};
use super::tool::{LOOKS, Request, Spec};
use super::{filters, relation, vocabulary};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::arguments;
use crate::backends::{Error, Output, outside};

/// Characters of a value in a difference, and differences of one change.
const VALUE: usize = 300;
const MOST: usize = 40;
/// What changes with every change.
const STAMPS: [&str; 2] = ["last_updated", "created"];

pub(super) static SPECS: &[Spec] = &[Spec {
    name: "changes",
    title: "Change log",
    description: "Reads NetBox's change log, the newest first: who created, updated or deleted what, and each field before and after. With \
                  `type` and `id` or `name` it is the history of one object. How long changes are kept is up to the instance.",
    toolset: Some("objects"),
    effect: LOOKS,
    takes: arguments!(&[
        (Field::new("type", Form::Text(120)), "Changes of objects of this type, as `dcim.device`."),
        (
            Field::new("id", Form::Whole(1, i64::MAX)),
            "With `type`: changes of the object with this id, also of one that was deleted.",
        ),
        (
            Field::new("name", Form::Text(200)),
            "With `type`: changes of the object of this name, which must still be there.",
        ),
        (Field::new("action", Form::Choice(&["create", "update", "delete"])), "Changes of this kind only."),
        (Field::new("user", Form::Text(150)), "Changes by the user with this name."),
        (
            Field::new("since", Form::Text(40)),
            "Changes from this day or moment on: `2026-01-31` or `2026-01-31T08:00:00Z`.",
        ),
        (Field::new("until", Form::Text(40)), "Changes up to this day or moment."),
        (Field::new("request_id", Form::Text(40)), "Changes of one request, by its UUID."),
        (Field::new("query", Form::Text(200)), "Text in the user's name, the object's name or the message."),
        (Field::new("filters", Form::Object), "Further filters of the change log, as in `objects`."),
        (Field::new("differences", Form::Flag), "Whether to show each field before and after; true unless given."),
        (Field::new("limit", Form::Whole(1, 100)), "How many at most; 20 unless given."),
        AFTER,
    ]),
    returns: returns!(&[
        ("count", Shape::Whole, false, "How many there are in all."),
        ("returned", Shape::Whole, true, "How many are here."),
        ("next", Shape::Text, false, "There are more: call again with this as `after`."),
        (
            "changes",
            Shape::Rows(&[
                ("id", Shape::Whole, true, ""),
                ("time", Shape::Text, false, ""),
                ("user", Shape::Text, false, ""),
                ("action", Shape::Text, false, ""),
                ("type", Shape::Text, false, ""),
                ("object_id", Shape::Whole, false, ""),
                ("object", Shape::Text, false, "What it was called then."),
                ("message", Shape::Text, false, "What the person said about it."),
                ("request_id", Shape::Text, false, "The same for all changes of one request."),
                ("differences", Shape::Objects, false, "`field`, `before` and `after`; one that is absent was empty."),
            ]),
            true,
            "",
        ),
    ]),
    run: |request| Box::pin(changes(request)),
}];

/// The question, without the page of it.
async fn asked(request: &Request) -> Result<(Ask, Vec<String>), Error> {
    let client = &request.client;
    let release = client.release().await?;
    let log = relation::kind("core.objectchange", release)?;
    let further = request.object("filters");
    let checked = filters::checked(client, &log, &further).await?;
    let mut ask = Ask::get(&log.path).with_all(checked.query);
    let mut notes = checked.notes;
    if let Some(word) = request.text("type") {
        let kind = client.kind(word).await?;
        ask = ask.with("changed_object_type", kind.official()?);
        if request.whole("id").is_some() || request.text("name").is_some() {
            let plain = Request { given: named(request), client: client.clone(), agreed: request.agreed.clone() };
            let (id, found) = which(&plain, &kind).await?;
            notes.extend(found);
            ask = ask.with("changed_object_id", id.to_string());
        }
    } else if request.whole("id").is_some() || request.text("name").is_some() {
        return Err(Error::Arguments("`id` and `name` need the `type` of the object".to_owned()));
    }
    for (argument, filter) in [
        ("action", "action"),
        ("user", "user_name"),
        ("since", "time_after"),
        ("until", "time_before"),
        ("request_id", "request_id"),
        ("query", "q"),
    ] {
        if let Some(text) = request.text(argument) {
            ask = ask.with(filter, text);
        }
    }
    Ok((ask, notes))
}

async fn changes(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let (mut ask, notes) = asked(&request).await?;
    let has_differences = request.given.get("differences") != Some(&Value::Bool(false));
    if !has_differences {
        let fields = "id,time,user_name,action,changed_object_type,changed_object_id,object_repr,message,request_id";
        ask = ask.with("fields", fields);
    }
    let offset = match request.text("after") {
        Some(word) => word
            .strip_prefix("offset-")
            .and_then(|number| number.parse::<u64>().ok())
            .ok_or_else(|| Error::Arguments("`after` must be the `next` of an earlier page, as it was".to_owned()))?,
        None => 0,
    };
    let limit = request.whole("limit").unwrap_or(20);
    ask = ask.with("limit", limit.to_string()).with("offset", offset.to_string());
    let body = client.ask(ask).await?.body;
    let mut rows: Vec<Map<String, Value>> =
        answer::results(&body).iter().map(|change| row(change, has_differences)).collect();
    let is_cut = answer::cut(&mut rows, ROOM);
    let has_more = is_cut || body.get("next").is_some_and(|next| !next.is_null());
    let returned = rows.len();
    let next =
        has_more.then(|| format!("offset-{}", offset.saturating_add(u64::try_from(returned).unwrap_or_default())));
    let count = answer::count(&body);
    let title = format!("Changes: {returned} of {}", count.map_or("?".to_owned(), |count| count.to_string()));
    let order = ["time", "user", "action", "type", "object_id", "object"].map(str::to_owned);
    let mut answer = Answer::new(title)
        .with("count", count)
        .with("returned", returned)
        .with("next", next.clone())
        .with("changes", rows.into_iter().map(Value::Object).collect::<Vec<_>>())
        .ordered(order)
        .noting(notes);
    if let Some(next) = next {
        answer = answer.then(format!("There are more: the same call with `after` = `{next}` goes on."));
    }
    answer.output(client)
}

/// The arguments that name an object; `filters` are those of the log here.
fn named(request: &Request) -> Map<String, Value> {
    let keep = |(name, _): &(&String, &Value)| matches!(name.as_str(), "id" | "name");
    request.given.iter().filter(keep).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A change made lean.
fn row(change: &Value, has_differences: bool) -> Map<String, Value> {
    let mut row = Map::new();
    for (from, to) in [
        ("id", "id"),
        ("time", "time"),
        ("user_name", "user"),
        ("action", "action"),
        ("changed_object_type", "type"),
        ("changed_object_id", "object_id"),
        ("object_repr", "object"),
        ("message", "message"),
        ("request_id", "request_id"),
    ] {
        if let Some(value) = change.get(from).and_then(|value| lean::value_of(value, VALUE, 0)) {
            row.insert(to.to_owned(), value);
        }
    }
    if has_differences {
        let kind = change.get("changed_object_type").and_then(Value::as_str).unwrap_or_default();
        let state = |name: &str| change.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut found = differences(kind, &state("prechange_data"), &state("postchange_data"));
        if found.len() > MOST {
            let more = found.len().saturating_sub(MOST);
            found.truncate(MOST);
            found.push(json!({"field": format!("(and {more} more)")}));
        }
        if !found.is_empty() {
            row.insert("differences".to_owned(), found.into());
        }
    }
    row
}

/// The fields that differ between two states of an object of the type.
pub(super) fn differences(kind: &str, before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<Value> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut found = Vec::new();
    for name in names.into_iter().filter(|name| !STAMPS.contains(&name.as_str())) {
        let (old, new) = (before.get(name).unwrap_or(&Value::Null), after.get(name).unwrap_or(&Value::Null));
        if old == new {
            continue;
        }
        if name == "custom_fields" {
            let inner = |value: &Value| value.as_object().cloned().unwrap_or_default();
            for mut one in differences("", &inner(old), &inner(new)) {
                if let Some(Value::String(field)) = one.get_mut("field") {
                    field.insert_str(0, "custom_fields.");
                }
                found.push(one);
            }
            continue;
        }
        let shown = |value: &Value| match lean::value_of(value, VALUE, 0) {
            Some(_) if vocabulary::is_secret(kind, name) => Some(HIDDEN.into()),
            shown => shown,
        };
        let (old, new) = (shown(old), shown(new));
        // What was null may be empty now: nobody calls that a change.
        if old.is_none() && new.is_none() {
            continue;
        }
        let mut one = Map::from_iter([("field".to_owned(), outside::line(name, 100).into())]);
        one.extend(old.map(|value| ("before".to_owned(), value)));
        one.extend(new.map(|value| ("after".to_owned(), value)));
        found.push(Value::Object(one));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_that_differ_are_shown_before_and_after() {
        let object = |value: Value| value.as_object().cloned().expect("an object");
        let before = object(json!({
            "name": "sw0", "serial": "", "site": 1, "last_updated": "a", "custom_fields": {"a": 1, "b": 2},
            "preshared_key": "canary-1", "tags": ["x"],
        }));
        let after = object(json!({
            "name": "sw1", "serial": null, "site": 1, "last_updated": "b", "custom_fields": {"a": 3, "b": 2},
            "preshared_key": "canary-2", "tags": ["x", "y"], "status": {"value": "active", "label": "Active"},
        }));
        assert_eq!(
            Value::from(differences("dcim.device", &before, &after)),
            json!([
                {"field": "custom_fields.a", "before": 1, "after": 3},
                {"field": "name", "before": "sw0", "after": "sw1"},
                {"field": "preshared_key", "before": HIDDEN, "after": HIDDEN},
                {"field": "status", "after": "active"},
                {"field": "tags", "before": ["x"], "after": ["x", "y"]},
            ])
        );
        let created = differences("dcim.device", &Map::new(), &object(json!({"name": "sw1", "comments": ""})));
        assert_eq!(Value::from(created), json!([{"field": "name", "after": "sw1"}]));
    }
}
