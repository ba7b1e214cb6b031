//! What there is to ask for: types, and of a type its filters, its fields and the values that they may have.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::catalog::{self, Type};
use super::client::{Ask, Client};
use super::filters::{self, Source};
use super::objects::TYPE;
use super::shape::{Shape, returns};
use super::tool::{LOOKS, Request, Spec};
use super::{listing, vocabulary};
use crate::backends::arguments::{Field, Form};
use crate::backends::schema::arguments;
use crate::backends::{Boxed, Error, Output, outside};

/// Values of a field that are shown where the field is not named.
const VALUES: usize = 40;
/// Entries of each part.
const MOST: usize = 400;

pub(super) static SPECS: &[Spec] = &[
    Spec {
        name: "types",
        title: "List types",
        description: "Lists the types of objects in NetBox, also those of its plugins, with the names that other tools take as `type`.",
        toolset: Some("objects"),
        effect: LOOKS,
        takes: arguments!(&[(
            Field::new("query", Form::Text(60)),
            "Types whose name contains this, as `cluster` or `ipam`.",
        )]),
        returns: returns!(&[
            ("release", Shape::Text, true, "The release of this NetBox."),
            (
                "types",
                Shape::Rows(&[
                    ("type", Shape::Text, true, ""),
                    ("path", Shape::Text, true, "Where its list is, below the API."),
                    (
                        "from_instance",
                        Shape::Flag,
                        false,
                        "Present if the instance named it: a plugin's, or a newer one.",
                    ),
                ]),
                true,
                "",
            ),
        ]),
        run: |request| Box::pin(types(request)),
    },
    Spec {
        name: "describe",
        title: "Describe a type",
        description: "Says which filters a type of objects takes in this NetBox, which fields its objects have, which of them can be written \
                      and are required, and which values a field may have.",
        toolset: Some("objects"),
        effect: LOOKS,
        takes: arguments!(&[
            TYPE,
            (
                Field::new("about", Form::Choice(&["filters", "fields", "choices", "writing"])),
                "One part only; all but `writing` unless given.",
            ),
            (
                Field::new("field", Form::Text(100)),
                "Filters, fields and choices whose name contains this only; then all values of it.",
            ),
        ]),
        returns: returns!(&[
            ("type", Shape::Text, true, ""),
            (
                "known_by",
                Shape::Text,
                true,
                "`schema`: the instance's own; `list`: a bundled list, and what an object shows.",
            ),
            (
                "filters",
                Shape::Rows(&[
                    ("name", Shape::Text, true, ""),
                    ("suffixes", Shape::Texts, false, "What may follow, after two underscores."),
                ]),
                false,
                "",
            ),
            ("fields", Shape::Texts, false, "What `fields` of other tools may name."),
            ("usual_fields", Shape::Texts, false, "What a list shows unless others are named."),
            (
                "choices",
                Shape::Rows(&[
                    ("field", Shape::Text, true, ""),
                    ("values", Shape::Texts, true, "What requests and filters take."),
                    ("more", Shape::Whole, false, "How many more there are: name the `field`."),
                ]),
                false,
                "",
            ),
            (
                "writing",
                Shape::Rows(&[
                    ("field", Shape::Text, true, ""),
                    ("form", Shape::Text, false, ""),
                    ("required", Shape::Flag, false, "Present if nothing is created without it."),
                    ("help", Shape::Text, false, ""),
                ]),
                false,
                "What can be written.",
            ),
        ]),
        run: |request| Box::pin(describe(request)),
    },
];

async fn types(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let release = client.release().await?;
    let sought = request.text("query").unwrap_or_default().to_lowercase();
    let mut notes = Vec::new();
    let others = match client.others().await {
        Ok(others) => others,
        Err(error) if super::answer::is_login(&error) => return Err(error),
        Err(error) => {
            notes.push(format!("which types its plugins have could not be seen: {}", super::answer::words(&error)));
            [].into()
        }
    };
    let row = |one: &Type, is_other: bool| {
        let mut row = json!({"type": one.name, "path": one.path});
        if let Some(row) = row.as_object_mut().filter(|_| is_other) {
            row.insert("from_instance".to_owned(), true.into());
        }
        row
    };
    let is_sought = |one: &Type| one.name.contains(&sought) || one.path.contains(&sought);
    let bundled: Vec<Type> = catalog::bundled(release).collect();
    let all: Vec<Value> = bundled
        .iter()
        .map(|one| (one, false))
        .chain(others.iter().map(|one| (one, true)))
        .filter(|(one, _)| is_sought(one))
        .map(|(one, is_other)| row(one, is_other))
        .collect();
    let title = format!("{} types in release {release}", all.len());
    Answer::new(title)
        .with("release", release.to_string())
        .with("types", all)
        .ordered(["type", "path"].map(str::to_owned))
        .noting(notes)
        .output(client)
}

/// What may be written to a list or an object, by field; `None` where this account may write nothing there.
pub(super) fn options<'a>(client: &'a Client, path: &'a str) -> Boxed<'a, Result<Option<Map<String, Value>>, Error>> {
    Box::pin(async move {
        let body = client.ask(Ask::options(path)).await?.body;
        let actions = body.get("actions");
        let fields = ["POST", "PUT"].iter().find_map(|method| actions?.get(*method)?.as_object());
        Ok(fields.map(|fields| {
            let is_writable = |(_, field): &(&String, &Value)| field.get("read_only") != Some(&Value::Bool(true));
            fields.iter().filter(is_writable).map(|(name, field)| (name.clone(), field.clone())).collect()
        }))
    })
}

async fn describe(request: Request) -> Result<Output, Error> {
    let client = &request.client;
    let release = client.release().await?;
    let kind = client.kind(request.text("type").unwrap_or_default()).await?;
    let about = request.text("about");
    let sought = request.text("field").unwrap_or_default().to_lowercase();
    let is_wanted = |part: &str| about.map_or(part != "writing", |about| about == part);
    let is_sought = |name: &str| name.to_lowercase().contains(&sought);
    let source = filters::source(client, &kind).await;
    let mut answer = Answer::new(format!("{} in release {release}", kind.name)).with("type", kind.name.clone());
    match &source {
        Source::Schema(_) => answer.put("known_by", "schema"),
        Source::Bundled { why, .. } => {
            answer.put("known_by", "list");
            answer = answer.noting([format!("the schema of this NetBox could not be read: {why}")]);
        }
    }
    if is_wanted("filters") {
        let all = filters::known_names(&kind, release, &source).into_iter().filter(|(name, _)| is_sought(name));
        let all: Vec<Value> = all.take(MOST).map(filter).collect();
        answer = answer.then(format!("Suffixes: {}.", filters::suffixes()));
        answer.put("filters", all);
    }
    if is_wanted("fields") {
        let all: Vec<String> =
            listing::fields(client, &kind).await?.into_iter().filter(|name| is_sought(name)).take(MOST).collect();
        let usual: Vec<&str> = vocabulary::shown(&kind.name).iter().map(|(name, _)| *name).collect();
        answer.put("fields", all);
        if !usual.is_empty() {
            answer.put("usual_fields", usual);
        }
    }
    let written = match is_wanted("choices") || is_wanted("writing") {
        true => options(client, &kind.path).await?,
        false => None,
    };
    if is_wanted("choices") {
        let most = if sought.is_empty() { VALUES } else { MOST };
        let all: Vec<Value> = choices(&kind, &source, written.as_ref())
            .into_iter()
            .filter(|(field, _)| is_sought(field))
            .map(|(field, values)| choice(&field, values, most))
            .collect();
        answer.put("choices", all);
    }
    if is_wanted("writing") {
        if written.is_none() {
            answer = answer.noting(["this account, or its token, may not create objects of this type".to_owned()]);
        }
        answer.put("writing", writable(&kind, &source, written.as_ref(), &is_sought));
    }
    answer.output(client)
}

/// The fields with a choice, and their values: as whoever may write is told, or as the schema has them.
fn choices(kind: &Type, source: &Source, written: Option<&Map<String, Value>>) -> Vec<(String, Vec<String>)> {
    let value = |choice: &Value| match choice.get("value")? {
        Value::String(text) => Some(outside::line(text, 100)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let told: Vec<(String, Vec<String>)> = written
        .into_iter()
        .flatten()
        .filter_map(|(name, field)| {
            let values: Vec<String> = field.get("choices")?.as_array()?.iter().filter_map(value).collect();
            Some((outside::line(name, 100), values))
        })
        .filter(|(_, values)| !values.is_empty())
        .collect();
    if !told.is_empty() {
        return told;
    }
    let Source::Schema(digest) = source else { return Vec::new() };
    let list = digest.list(&kind.path).into_iter();
    list.flat_map(|list| list.choices())
        .map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()))
        .collect()
}

fn filter((name, suffixes): (String, Vec<&str>)) -> Value {
    match suffixes.is_empty() {
        true => json!({"name": name}),
        false => json!({"name": name, "suffixes": suffixes}),
    }
}

/// What can be written: as whoever may write is told, or as the schema has it.
fn writable(
    kind: &Type,
    source: &Source,
    written: Option<&Map<String, Value>>,
    is_sought: &dyn Fn(&str) -> bool,
) -> Vec<Value> {
    if let Some(fields) = written {
        let sought = fields.iter().filter(|(name, _)| is_sought(name));
        return sought.map(|(name, field)| writing(name, field)).collect();
    }
    let row = |(field, is_required): (String, bool)| match is_required {
        true => json!({"field": field, "required": true}),
        false => json!({"field": field}),
    };
    by_schema(kind, source).into_iter().filter(|(name, _)| is_sought(name)).map(row).collect()
}

/// What can be written and whether it is required, as the schema has it.
fn by_schema(kind: &Type, source: &Source) -> Vec<(String, bool)> {
    let Source::Schema(digest) = source else { return Vec::new() };
    let Some(list) = digest.list(&kind.path) else { return Vec::new() };
    let is_required = |name: &str| list.required().any(|required| required == name);
    list.writable().map(|name| (name.to_owned(), is_required(name))).collect()
}

fn choice(field: &str, mut values: Vec<String>, most: usize) -> Value {
    let more = values.len().saturating_sub(most);
    values.truncate(most);
    match more {
        0 => json!({"field": field, "values": values}),
        more => json!({"field": field, "values": values, "more": more}),
    }
}

fn writing(name: &str, field: &Value) -> Value {
    let text = |name: &str| field.get(name).and_then(Value::as_str).map(|text| outside::line(text, 200));
    let mut row = Map::from_iter([("field".to_owned(), outside::line(name, 100).into())]);
    row.extend(text("type").map(|form| ("form".to_owned(), form.into())));
    row.extend(text("help_text").filter(|help| !help.is_empty()).map(|help| ("help".to_owned(), help.into())));
    if field.get("required") == Some(&Value::Bool(true)) {
        row.insert("required".to_owned(), true.into());
    }
    Value::Object(row)
}
