//! What is given for an object, checked as NetBox checks it: every complaint under the name of its member.

use serde_json::{Map, Value, json};

use super::network::Net;
use super::schema::{self, Field, Kind, Release, Type};
use super::world::{Row, World, empty, id_of, said};

/// What is wrong, by member.
pub(super) type Wrong = Map<String, Value>;
/// One complaint.
type Complaint = Result<Value, String>;

pub(super) fn missing(kind: &Type) -> Wrong {
    [("detail".to_owned(), json!(no_match(kind)))].into_iter().collect()
}

pub(super) fn no_match(kind: &Type) -> String {
    format!("No {} matches the given query.", kind.title())
}

/// The object that it becomes. `before` has its id, how it was, and whether it is to be given whole.
pub(super) fn checked(
    world: &World,
    kind: &'static Type,
    given: &Map<String, Value>,
    before: Option<(u64, &Row, bool)>,
    release: Release,
) -> Result<Row, Wrong> {
    let mut row = before.map_or_else(|| empty(kind), |(_, row, _)| row.clone());
    let is_whole = before.is_none_or(|(_, _, whole)| whole);
    let mut wrong = Wrong::new();
    let mut complain = |name: &str, why: String| drop(wrong.insert(name.to_owned(), json!([why])));
    for field in kind.fields.iter().filter(|field| field.is_writable()) {
        if field.kind == Kind::Generic {
            if let Err((name, why)) = generic(world, field, given, &mut row) {
                complain(&name, why);
            }
            continue;
        }
        match given.get(field.name) {
            None if is_whole && field.is_required() => complain(field.name, "This field is required.".to_owned()),
            None => {}
            Some(value) => match valued(world, field, value) {
                Ok(value) => drop(row.insert(field.name.to_owned(), value)),
                Err(why) => complain(field.name, why),
            },
        }
    }
    for name in ["description", "comments"] {
        if let Some(text) = given.get(name).filter(|_| row.contains_key(name)) {
            row.insert(name.to_owned(), text.clone());
        }
    }
    if !kind.is_bare {
        if let Err((name, why)) = tagged(world, given, &mut row, release) {
            complain(name, why);
        }
        if let Err(why) = custom(world, kind, given, &mut row) {
            complain("custom_fields", why);
        }
    }
    let own = before.map(|(id, ..)| id);
    if let Some((name, why)) = twice(world, kind, own, &row).filter(|_| wrong.is_empty()) {
        wrong.insert(name.to_owned(), json!([why]));
    }
    if wrong.is_empty() { Ok(row) } else { Err(wrong) }
}

fn valued(world: &World, field: &Field, value: &Value) -> Complaint {
    let may_not = |what: &str| Err(format!("This field may not be {what}."));
    match (field.kind, value) {
        (Kind::Text { null: false, .. } | Kind::Flag(_) | Kind::Network { .. }, Value::Null) => may_not("null"),
        (Kind::One { required: true, .. } | Kind::Number { required: true }, Value::Null) => may_not("null"),
        (Kind::Choice { null: false, .. }, Value::Null) => may_not("null"),
        (Kind::Text { required: true, .. }, Value::String(text)) if text.is_empty() => may_not("blank"),
        (Kind::Text { .. } | Kind::Date, Value::String(_)) | (_, Value::Null) => Ok(value.clone()),
        (Kind::Text { .. }, Value::Number(number)) => Ok(number.to_string().into()),
        (Kind::Text { .. } | Kind::Date, _) => Err("Not a valid string.".to_owned()),
        (Kind::Number { .. }, value) => {
            let text = said(Some(value));
            text.parse::<u64>().map(Into::into).map_err(|_| "A valid integer is required.".to_owned())
        }
        (Kind::Decimal, value) => {
            let number = said(Some(value)).parse::<f64>().ok().and_then(serde_json::Number::from_f64);
            number.map(Into::into).ok_or_else(|| "A valid number is required.".to_owned())
        }
        (Kind::Flag(_), Value::Bool(_)) => Ok(value.clone()),
        (Kind::Flag(_), _) => Err("Must be a valid boolean.".to_owned()),
        (Kind::Choice { .. }, Value::String(text)) if text.is_empty() => Ok(Value::Null),
        (Kind::Choice { .. }, value) => {
            let text = said(Some(value));
            let is_known = field.choices().any(|(own, _)| own == text);
            if is_known { Ok(text.into()) } else { Err(format!("{text} is not a valid choice.")) }
        }
        (Kind::Network { host_bits }, value) => network(&said(Some(value)), host_bits),
        (Kind::One { .. }, value) => related(world, field.of, value).map(Into::into),
        (Kind::Many, Value::Array(all)) => all
            .iter()
            .map(|one| related(world, field.of, one).map(Value::from))
            .collect::<Result<Vec<_>, _>>()
            .map(Into::into),
        (Kind::Many | Kind::List, value) if !value.is_array() => Err(format!(
            "Expected a list of items but got type \"{}\".",
            if value.is_string() { "str" } else { "dict" }
        )),
        (Kind::Ends, Value::Array(ends)) => {
            let is_end = |end: &Value| {
                let (of, id) =
                    (end.get("object_type").and_then(Value::as_str), end.get("object_id").and_then(Value::as_u64));
                of.zip(id).is_some_and(|(of, id)| world.row(of, id).is_some())
            };
            let short =
                |end: &Value| json!({ "object_type": end.get("object_type"), "object_id": end.get("object_id") });
            match ends.iter().all(is_end) {
                true => Ok(ends.iter().map(short).collect()),
                false => Err("Invalid termination.".to_owned()),
            }
        }
        _ => Ok(value.clone()),
    }
}

fn network(text: &str, host_bits: bool) -> Complaint {
    let Some(net) = Net::read(text) else { return Err(format!("Invalid IP address format: {text}")) };
    match host_bits || net.network() == net {
        true => Ok(net.text().into()),
        false => Err(format!("{} is not a valid prefix. Did you mean {}?", net.text(), net.network().text())),
    }
}

/// The id of what a relation is to be to: an id, or members that only one object has.
fn related(world: &World, of: &str, value: &Value) -> Result<u64, String> {
    match value {
        Value::Object(wanted) => {
            let is_it =
                |row: &Row, id: u64| {
                    wanted.iter().all(|(name, value)| {
                        if name == "id" { value.as_u64() == Some(id) } else { row.get(name) == Some(value) }
                    })
                };
            let shown: Vec<String> = wanted.iter().map(|(name, value)| format!("'{name}': {value}")).collect();
            let shown = format!("{{{}}}", shown.join(", ").replace('"', "'"));
            let mut found = world.rows(of).filter(|(id, row)| is_it(row, *id)).map(|(id, _)| id);
            match (found.next(), found.next()) {
                (Some(id), None) => Ok(id),
                (None, _) => Err(format!("Related object not found using the provided attributes: {shown}")),
                _ => Err(format!("Multiple objects match the provided attributes: {shown}")),
            }
        }
        value => {
            let text = said(Some(value));
            let id = text.parse::<u64>().map_err(|_| {
                format!("Related objects must be referenced by numeric ID or by dictionary of attributes. Received an unrecognized value: {text}")
            })?;
            world
                .row(of, id)
                .map(|_| id)
                .ok_or_else(|| format!("Related object not found using the provided numeric ID: {id}"))
        }
    }
}

/// Both members of a generic relation, or neither.
fn generic(world: &World, field: &Field, given: &Map<String, Value>, row: &mut Row) -> Result<(), (String, String)> {
    let (of, id) = (format!("{}_type", field.name), format!("{}_id", field.name));
    for name in [&of, &id] {
        if let Some(value) = given.get(name) {
            row.insert(name.clone(), value.clone());
        }
    }
    let (kind, number) = (said(row.get(&of)), id_of(row, &id));
    if kind.is_empty() && number.is_none() {
        return Ok(());
    }
    if schema::named(&kind).is_none() {
        return Err((of, format!("Invalid content type: {kind}")));
    }
    match number.filter(|number| world.row(&kind, *number).is_some()) {
        Some(_) => Ok(()),
        None => Err((id, "Related object not found.".to_owned())),
    }
}

/// `tags` is all of them; `add_tags` and `remove_tags` change the set.
fn tagged(
    world: &World,
    given: &Map<String, Value>,
    row: &mut Row,
    release: Release,
) -> Result<(), (&'static str, String)> {
    for name in ["tags", "add_tags", "remove_tags"] {
        let Some(tags) = given.get(name).and_then(Value::as_array) else { continue };
        if name != "tags" && release < (4, 6) {
            continue;
        }
        let ids = tags.iter().map(|tag| related(world, "extras.tag", tag)).collect::<Result<Vec<u64>, _>>();
        let ids = ids.map_err(|why| (name, why))?;
        let mut all: Vec<u64> =
            row.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64).collect();
        match name {
            "tags" => all = ids,
            "add_tags" => all.extend(ids.into_iter().filter(|id| !all.contains(id)).collect::<Vec<_>>()),
            _ => all.retain(|id| !ids.contains(id)),
        }
        row.insert("tags".to_owned(), all.into());
    }
    Ok(())
}

/// What is given for custom fields is added to what is there.
fn custom(world: &World, kind: &Type, given: &Map<String, Value>, row: &mut Row) -> Result<(), String> {
    let Some(wanted) = given.get("custom_fields").and_then(Value::as_object) else { return Ok(()) };
    let mut own = row.get("custom_fields").and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, value) in wanted {
        let is_it = |field: &Row| {
            let types = field.get("object_types").and_then(Value::as_array);
            said(field.get("name")) == *name && types.is_some_and(|types| types.contains(&kind.name.into()))
        };
        let field = world.rows("extras.customfield").find(|(_, field)| is_it(field)).map(|(_, field)| field);
        let field = field.ok_or_else(|| format!("Custom field '{name}' does not exist for this object type."))?;
        let set = id_of(field, "choice_set").and_then(|id| world.row("extras.customfieldchoiceset", id));
        if let Some(set) = set.filter(|_| !value.is_null()) {
            let choices = set.get("extra_choices").and_then(Value::as_array);
            let is_known = choices.is_some_and(|choices| choices.iter().any(|pair| pair.get(0) == Some(value)));
            if !is_known {
                let (value, set) = (said(Some(value)), said(set.get("name")));
                return Err(format!(
                    "Invalid value for custom field '{name}': Invalid choice ({value}) for choice set {set}."
                ));
            }
        }
        own.insert(name.clone(), value.clone());
    }
    row.insert("custom_fields".to_owned(), own.into());
    Ok(())
}

/// What may be there only once.
fn twice(world: &World, kind: &Type, own: Option<u64>, row: &Row) -> Option<(&'static str, String)> {
    let others = || world.rows(kind.name).filter(|(id, _)| Some(*id) != own).map(|(_, row)| row);
    if kind.field("slug").is_some() && others().any(|other| other.get("slug") == row.get("slug")) {
        return Some(("slug", format!("{} with this slug already exists.", kind.model)));
    }
    let is_same = |other: &&Row, names: &[&str]| names.iter().all(|name| other.get(*name) == row.get(*name));
    match kind.name {
        "dcim.device"
            if !row.get("name").is_none_or(Value::is_null)
                && others().any(|other| is_same(&other, &["name", "site"])) =>
        {
            Some(("__all__", "Device name must be unique per site.".to_owned()))
        }
        "dcim.interface" if others().any(|other| is_same(&other, &["name", "device"])) => {
            Some(("non_field_errors", "The fields device, name must make a unique set.".to_owned()))
        }
        "ipam.ipaddress" => {
            let vrf = id_of(row, "vrf").and_then(|id| world.row("ipam.vrf", id))?;
            let address = |row: &Row| Net::read(&said(row.get("address"))).map(|net| net.address);
            let is_taken = others().any(|other| other.get("vrf") == row.get("vrf") && address(other) == address(row));
            let is_strict = vrf.get("enforce_unique") == Some(&true.into());
            (is_taken && is_strict && row.get("role").is_none_or(Value::is_null)).then(|| {
                let vrf = said(vrf.get("name"));
                ("address", format!("Duplicate IP address found in VRF {vrf}: {}", said(row.get("address"))))
            })
        }
        "ipam.vlan" if id_of(row, "group").is_some() && others().any(|other| is_same(&other, &["vid", "group"])) => {
            Some(("non_field_errors", "The fields group, vid must make a unique set.".to_owned()))
        }
        _ => None,
    }
}
