//! Filters as a caller gives them, checked and made into parameters.
//!
//! NetBox ignores a filter that it does not know: with a misspelt one it answers with everything, and nobody notices. So
//! no name is sent that is not known to be taken. What we know for certain of this release needs no more; everything else
//! is looked up in the instance's own schema, and where there is none, tried out ([`heard`]).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::catalog::Type;
use super::client::{Ask, Client, Query};
use super::openapi::{List, SUFFIXES, split};
use super::release::Release;
use super::{heard, ipam, relation, vocabulary};
use crate::backends::{Boxed, Error, arguments, outside};

/// Filters of one call, and values of one filter.
const MOST: usize = 40;
const VALUES: usize = 200;
/// What has arguments of its own.
const ARGUMENTS: [(&str, &str); 10] = [
    ("limit", "`limit`"),
    ("offset", "`after`"),
    ("start", "`after`"),
    ("ordering", "`ordering`"),
    ("fields", "`fields`"),
    ("omit", "`fields`"),
    ("exclude", "`fields`"),
    ("brief", "`fields`"),
    ("format", "nothing: answers are JSON"),
    ("export", "nothing: export templates are not used"),
];

/// Checked filters, as parameters.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) query: Query,
    pub(super) notes: Vec<String>,
}

/// By what the names of a type's filters are known.
pub(super) enum Source {
    /// The instance's schema.
    Schema(std::sync::Arc<super::openapi::Digest>),
    /// Our own list, because of this; the fields that objects show tell what may have been meant.
    Bundled { why: String, fields: BTreeSet<String> },
}

/// Checks the filters of a call, and turns names of objects into ids.
pub(super) fn checked<'a>(
    client: &'a Client,
    kind: &'a Type,
    given: &'a Map<String, Value>,
) -> Boxed<'a, Result<Checked, Error>> {
    Box::pin(check(client, kind, given))
}

async fn check(client: &Client, kind: &Type, given: &Map<String, Value>) -> Result<Checked, Error> {
    let release = client.release().await?;
    if given.len() > MOST {
        return Err(Error::Arguments(format!("{} filters are too many; {MOST} are allowed", given.len())));
    }
    let mut checked = Checked::default();
    let (mut custom, mut others) = (Vec::new(), Vec::new());
    for name in given.keys() {
        well_formed(name)?;
        if name.starts_with("cf_") { custom.push(name.as_str()) } else { others.push(name.as_str()) }
    }
    known(client, kind, &others, &mut checked.notes).await?;
    known_fields(client, kind, &custom, &mut checked.notes).await?;
    for (name, value) in given {
        let values = texts(name, value)?;
        networks(kind, name, &values)?;
        let (name, values) = resolved(client, kind, release, (name.clone(), values, value), &mut checked.notes).await?;
        checked.query.extend(values.into_iter().map(|value| (name.clone(), value)));
    }
    Ok(checked)
}

/// Refuses what is a filter of no list.
fn well_formed(name: &str) -> Result<(), Error> {
    let shown = outside::line(name, 60);
    if let Some((_, instead)) = ARGUMENTS.iter().find(|(shaping, _)| *shaping == name) {
        return Err(Error::Arguments(format!("`{shown}` is no filter; there is {instead} for it")));
    }
    if let Some(base) = name.strip_suffix("__in") {
        let base = outside::line(base, 60);
        return Err(Error::Arguments(format!("there is no `{shown}`: give `{base}` a list of values")));
    }
    let is_name = !name.is_empty()
        && name.len() <= 120
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_name { Ok(()) } else { Err(Error::Arguments(format!("`{shown}` cannot be the name of a filter"))) }
}

/// Refuses names that the list does not take.
async fn known(client: &Client, kind: &Type, names: &[&str], notes: &mut Vec<String>) -> Result<(), Error> {
    let release = client.release().await?;
    // A schema that was read anyway knows best.
    let is_certain = |name: &&str| vocabulary::takes(&kind.name, release, name);
    if client.known.schema().is_none() && names.iter().all(is_certain) {
        return Ok(());
    }
    let source = source(client, kind).await;
    match &source {
        Source::Schema(digest) => {
            let list = digest.list(&kind.path);
            match names.iter().find(|name| !list.is_some_and(|list| list.takes(name))) {
                Some(name) => Err(unknown(kind, name, &known_names(kind, release, &source), "")),
                None => Ok(()),
            }
        }
        Source::Bundled { why, fields } => {
            let doubt = format!("; the schema of this NetBox could not be read: {why}");
            for name in names.iter().filter(|name| !is_certain(name)) {
                if heard::is_heard(client, kind, name).await? {
                    notes.push(format!("`{name}` is in no list: NetBox was asked, and does filter by it{doubt}"));
                    continue;
                }
                let mut all = known_names(kind, release, &source);
                all.extend(fields.iter().filter(|field| *field != name).map(|field| (field.clone(), Vec::new())));
                return Err(match fields.contains(*name) {
                    true => {
                        Error::Arguments(format!("{} has the field `{name}` and no filter by it{doubt}", kind.name))
                    }
                    false => unknown(kind, name, &all, &doubt),
                });
            }
            notes.push(format!("filters were checked against a bundled list{doubt}"));
            Ok(())
        }
    }
}

/// By what the filters of the type are known: its schema, or what can be had instead.
pub(super) async fn source(client: &Client, kind: &Type) -> Source {
    let why = match client.schema().await {
        Ok(digest) if digest.list(&kind.path).is_some() => return Source::Schema(digest),
        Ok(_) => "it does not describe this list".to_owned(),
        Err(why) => why,
    };
    Source::Bundled { why, fields: shown(client, kind).await.unwrap_or_default() }
}

/// The fields that an object of the type shows; none where there is no object.
pub(super) async fn shown(client: &Client, kind: &Type) -> Result<BTreeSet<String>, Error> {
    let answer = client.ask(Ask::get(&kind.path).with("limit", "1")).await?;
    let object = answer.body.pointer("/results/0").and_then(Value::as_object);
    Ok(object.map(|members| members.keys().cloned().collect()).unwrap_or_default())
}

/// All filters that are known, with their suffixes.
pub(super) fn known_names(kind: &Type, release: Release, source: &Source) -> Vec<(String, Vec<&'static str>)> {
    let list = match source {
        Source::Schema(digest) => digest.list(&kind.path),
        Source::Bundled { .. } => None,
    };
    let own = |list: &List| list.filters().map(|filter| (filter.base.to_owned(), filter.suffixes())).collect();
    let bundled = || {
        let all = vocabulary::names(&kind.name, release).into_iter();
        all.map(|(name, suffixes)| (name, suffixes.to_vec())).collect()
    };
    list.map_or_else(bundled, own)
}

/// What to say of a name that is not taken.
fn unknown(kind: &Type, name: &str, all: &[(String, Vec<&'static str>)], doubt: &str) -> Error {
    let (base, suffix) = split(name);
    let shown = outside::line(name, 60);
    if let (Some((_, suffixes)), Some(suffix)) = (all.iter().find(|(known, _)| known == base), suffix) {
        let taken = if suffixes.is_empty() { "none".to_owned() } else { suffixes.join(", ") };
        return Error::Arguments(format!(
            "`{base}` of {} does not take the suffix `{suffix}`; it takes {taken}{doubt}",
            kind.name
        ));
    }
    if let Some(moved) = vocabulary::moved(&kind.name, base) {
        return Error::Arguments(format!("{} has no filter `{shown}`: {moved}{doubt}", kind.name));
    }
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    let mut hint = arguments::hint(base, &names);
    // Relations of relations are the habit of another interface.
    if let Some((_, last)) = base.rsplit_once("__").filter(|(_, last)| names.contains(last)) {
        hint = format!("; filters do not reach through relations: there is `{last}`");
    }
    Error::Arguments(format!("{} has no filter `{shown}`{hint}{doubt}", kind.name))
}

/// Refuses custom fields that there are none of: the schema does not name them all.
async fn known_fields(client: &Client, kind: &Type, names: &[&str], notes: &mut Vec<String>) -> Result<(), Error> {
    if names.is_empty() {
        return Ok(());
    }
    let ask = Ask::get("extras/custom-fields").with("limit", "1000").with("fields", FIELD);
    let body = match client.ask(ask).await {
        Ok(answer) => answer.body,
        Err(Error::Forbidden { .. } | Error::Refused { .. }) => {
            for name in names {
                if !heard::is_heard(client, kind, name).await? {
                    let shown = outside::line(name, 60);
                    return Err(Error::Arguments(format!(
                        "NetBox does not filter {} by `{shown}`, and this account may not see which custom fields there are",
                        kind.name
                    )));
                }
            }
            notes.push(
                "this account may not see the custom fields: NetBox was asked whether it filters by them".to_owned(),
            );
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let rows = body.get("results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let all: Vec<&str> = rows.iter().filter_map(|row| row.get("name")?.as_str()).collect();
    for name in names {
        let field = name.strip_prefix("cf_").unwrap_or_default();
        let (base, suffix) = split(field);
        let named = |wanted: &str| rows.iter().find(|row| row.get("name").and_then(Value::as_str) == Some(wanted));
        // A name may have two underscores of its own: the whole of it comes first.
        let found = named(field).map(|row| (row, None)).or_else(|| Some((named(base)?, suffix)));
        let Some((row, suffix)) = found else {
            let hint = arguments::hint(base, &all);
            return Err(Error::Arguments(format!("there is no custom field `{}`{hint}", outside::line(base, 60))));
        };
        is_of(kind, row, suffix)
            .map_err(|why| Error::Arguments(format!("the custom field of `{}` {why}", outside::line(name, 60))))?;
    }
    Ok(())
}

/// What decides whether a custom field is a filter of a list; `content_types` until release 3.7.
const FIELD: &str = "name,object_types,content_types,type,filter_logic";

/// Whether objects of the type are filtered by this custom field, with this suffix; as far as the instance says so.
fn is_of(kind: &Type, row: &Value, suffix: Option<&str>) -> Result<(), String> {
    let word = |name: &str| row.pointer(&format!("/{name}/value")).or_else(|| row.get(name)).and_then(Value::as_str);
    let of = ["object_types", "content_types"].iter().find_map(|name| row.get(*name)?.as_array());
    let of: Vec<&str> = of.into_iter().flatten().filter_map(Value::as_str).collect();
    if !of.is_empty() && !of.contains(&kind.name.as_str()) {
        return Err(format!("is none of {}; it belongs to {}", kind.name, outside::line(&of.join(", "), 200)));
    }
    if word("filter_logic") == Some("disabled") {
        return Err("is no filter: that is switched off in NetBox".to_owned());
    }
    let taken: &[&str] = match word("type") {
        Some("integer" | "decimal" | "date" | "datetime") => &["n", "lt", "lte", "gt", "gte", "empty"],
        Some("text" | "longtext" | "url" | "select") => {
            &["n", "ic", "nic", "isw", "nisw", "iew", "niew", "ie", "nie", "empty", "regex", "iregex"]
        }
        _ => return Ok(()),
    };
    match suffix.filter(|suffix| !taken.contains(suffix)) {
        Some(suffix) => Err(format!("does not take the suffix `{suffix}`; it takes {}", taken.join(", "))),
        None => Ok(()),
    }
}

/// The values of a filter as parameters have them.
fn texts(name: &str, value: &Value) -> Result<Vec<String>, Error> {
    let one = |value: &Value| match value {
        Value::Null => Ok("null".to_owned()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) if text.is_empty() => Err(Error::Arguments(format!(
            "the filter `{name}` is empty, and NetBox would find everything; leave it out"
        ))),
        Value::String(text) => Ok(text.clone()),
        _ => Err(Error::Arguments(format!(
            "the filter `{name}` takes texts, numbers, true, false, null, or a list of them"
        ))),
    };
    match value {
        Value::Array(all) if all.is_empty() => Err(Error::Arguments(format!("the filter `{name}` has an empty list"))),
        Value::Array(all) if all.len() > VALUES => {
            Err(Error::Arguments(format!("the filter `{name}` has {} values; {VALUES} are allowed", all.len())))
        }
        Value::Array(all) => all.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

/// Refuses what is no network where one is wanted: NetBox finds nothing for it, and says nothing.
fn networks(kind: &Type, name: &str, values: &[String]) -> Result<(), Error> {
    let is_network = match kind.name.as_str() {
        "ipam.prefix" => matches!(name, "within" | "within_include" | "contains" | "prefix"),
        "ipam.ipaddress" => name == "parent",
        "ipam.aggregate" => name == "prefix",
        "ipam.iprange" => matches!(name, "parent" | "contains"),
        _ => false,
    };
    if is_network { values.iter().try_for_each(|value| ipam::network(name, value)) } else { Ok(()) }
}

/// A filter with names of objects in it, as one with ids; any other as it is.
async fn resolved(
    client: &Client,
    kind: &Type,
    release: Release,
    (name, values, given): (String, Vec<String>, &Value),
    notes: &mut Vec<String>,
) -> Result<(String, Vec<String>), Error> {
    let (base, suffix) = split(&name);
    let is_whole = suffix.is_none_or(|suffix| matches!(suffix, "n" | "any"));
    let field = base.strip_suffix("_id").unwrap_or(base);
    let Some(target) = relation::target(kind, field).filter(|_| is_whole) else { return Ok((name, values)) };
    let is_id = |value: &String| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let wants_id = base != field;
    let are_numbers = match given {
        Value::Array(all) => all.iter().all(Value::is_number),
        value => value.is_number(),
    };
    if wants_id && values.iter().all(|value| is_id(value) || value == "null") {
        return Ok((name, values));
    }
    let with_id = format!("{field}_id{}", suffix.map(|suffix| format!("__{suffix}")).unwrap_or_default());
    let is_tag = field == "tag";
    if !wants_id && !is_tag && !takes(client, kind, release, &with_id) {
        return Ok((name, values));
    }
    if are_numbers && !is_tag {
        return Ok((with_id, values));
    }
    let mut ids = Vec::new();
    for value in &values {
        if value == "null" || (wants_id && is_id(value)) {
            ids.push(value.clone());
            continue;
        }
        match relation::of(client, target, value).await {
            Ok(found) if is_tag && !wants_id => ids.push(found.slug.unwrap_or_else(|| value.clone())),
            Ok(found) => ids.push(found.id.to_string()),
            // Who may not look at the sites may still filter by one.
            Err(Error::Forbidden { .. }) => {
                notes.push(format!("this account may not see {target}: `{name}` was sent as it is"));
                return Ok((name, values));
            }
            Err(error) => return Err(error),
        }
    }
    Ok((if is_tag && !wants_id { name } else { with_id }, ids))
}

fn takes(client: &Client, kind: &Type, release: Release, name: &str) -> bool {
    let schema = client.known.schema();
    let list: Option<&List> = schema.as_ref().and_then(|digest| digest.list(&kind.path));
    list.map_or_else(|| vocabulary::takes(&kind.name, release, name), |list| list.takes(name))
}

/// The suffixes with what they mean, for the model.
pub(super) fn suffixes() -> String {
    const MEANINGS: [&str; 17] = [
        "not",
        "contains",
        "does not contain",
        "starts with",
        "does not start with",
        "ends with",
        "does not end with",
        "equals in any case",
        "does not equal in any case",
        "is empty (true or false)",
        "matches the pattern",
        "matches the pattern in any case",
        "less",
        "at most",
        "greater",
        "at least",
        "has any of the values",
    ];
    let all: Vec<String> =
        SUFFIXES.iter().zip(MEANINGS).map(|(suffix, meaning)| format!("`__{suffix}` {meaning}")).collect();
    all.join(", ")
}
