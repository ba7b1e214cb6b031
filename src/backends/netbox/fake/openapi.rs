//! What the API says of itself: `/api/schema/` and `OPTIONS` of a list, made of the same tables as everything else.

use serde_json::{Map, Value, json};

use super::filter::{OF_NUMBER, OF_TEXT};
use super::schema::{Field, Kind, Release, TYPES, Type};
use super::special;

/// The whole document.
pub(super) fn document(release: Release, version: &str) -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for kind in TYPES.iter().filter(|kind| kind.since <= release) {
        let title = kind.title();
        let list = format!("/api/{}/", kind.path());
        let reference = |name: String| json!({ "$ref": format!("#/components/schemas/{name}") });
        let in_json = |schema: &Value| json!({ "application/json": { "schema": schema } });
        let page = reference(format!("Paginated{title}List"));
        let request = reference(format!("Writable{title}Request"));
        let parameters: Vec<Value> = parameters(kind, release)
            .into_iter()
            .map(|name| json!({ "in": "query", "name": name, "schema": { "type": "array", "items": { "type": "string" } } }))
            .collect();
        let mut operations = json!({
            "get": { "operationId": format!("{}_list", kind.path().replace(['/', '-'], "_")), "parameters": parameters,
                     "responses": { "200": { "content": in_json(&page), "description": "" } } },
        });
        if !is_read_only(kind, release)
            && let Some(operations) = operations.as_object_mut()
        {
            let post = json!({
                "requestBody": { "content": in_json(&request), "required": true },
                "responses": { "201": { "content": in_json(&reference(title.clone())), "description": "" } },
            });
            operations.insert("post".to_owned(), post);
            schemas.insert(format!("Writable{title}Request"), object(kind, true));
        }
        paths.insert(list.clone(), operations);
        let one = json!({ "get": { "responses": { "200": { "content": in_json(&reference(title.clone())), "description": "" } } } });
        paths.insert(format!("{list}{{id}}/"), one);
        let rows = json!({ "type": "array", "items": reference(title.clone()) });
        let page = json!({ "type": "object", "required": ["count", "results"], "properties": {
            "count": { "type": "integer" }, "next": { "type": "string", "nullable": true },
            "previous": { "type": "string", "nullable": true }, "results": rows } });
        schemas.insert(format!("Paginated{title}List"), page);
        schemas.insert(title, object(kind, false));
    }
    json!({
        "openapi": "3.0.3", "info": { "title": "NetBox REST API", "version": format!("{version} (4.6)") },
        "paths": paths, "components": { "schemas": schemas },
    })
}

/// Lists that nobody writes to.
pub(super) fn is_read_only(kind: &Type, release: Release) -> bool {
    match kind.name {
        "core.objectchange" | "core.job" | "core.datafile" | "extras.taggeditem" => true,
        "dcim.cabletermination" => release >= (4, 5),
        _ => false,
    }
}

fn object(kind: &Type, writes: bool) -> Value {
    let mut properties = Map::new();
    for field in kind.fields.iter().filter(|field| !writes || field.is_writable()) {
        match field.kind {
            Kind::Hidden { .. } => {}
            Kind::Ports => properties.extend(
                ["cable", "cable_end", "link_peers", "connected_endpoints", "mark_connected", "_occupied"]
                    .map(|name| (name.to_owned(), json!({ "readOnly": true }))),
            ),
            Kind::Generic => {
                let id = json!({ "type": "integer", "nullable": true });
                properties.insert(format!("{}_type", field.name), json!({ "type": "string", "nullable": true }));
                properties.insert(format!("{}_id", field.name), id);
                if !writes {
                    properties.insert(field.name.to_owned(), json!({ "readOnly": true, "nullable": true }));
                }
            }
            _ => {
                let mut property = property(field, writes);
                if let Some(property) = property.as_object_mut().filter(|_| writes && takes_null(field)) {
                    property.insert("nullable".to_owned(), true.into());
                }
                properties.insert(field.name.to_owned(), property);
            }
        }
    }
    properties.insert("description".to_owned(), json!({ "type": "string", "maxLength": 200 }));
    if !writes {
        for name in ["id", "url", "display_url", "display", "created", "last_updated"] {
            properties.insert(name.to_owned(), json!({ "readOnly": true }));
        }
    }
    if !kind.is_bare {
        properties.insert("comments".to_owned(), json!({ "type": "string" }));
        properties.insert("tags".to_owned(), json!({ "type": "array", "items": {} }));
        properties.insert("custom_fields".to_owned(), json!({ "type": "object", "additionalProperties": {} }));
    }
    let required: Vec<&str> = kind.fields.iter().filter(|field| field.is_required()).map(|field| field.name).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// Whether the field may be null, as `check` has it.
fn takes_null(field: &Field) -> bool {
    !matches!(
        field.kind,
        Kind::Text { null: false, .. }
            | Kind::Flag(_)
            | Kind::Network { .. }
            | Kind::One { required: true, .. }
            | Kind::Number { required: true }
            | Kind::Choice { null: false, .. }
    )
}

fn property(field: &Field, writes: bool) -> Value {
    let word = match field.kind {
        Kind::Number { .. } | Kind::Count => "integer",
        Kind::Decimal => "number",
        Kind::Flag(_) => "boolean",
        Kind::Many | Kind::List | Kind::Ends => "array",
        Kind::Choice { .. } => {
            let values: Vec<&str> = field.choices().map(|(value, _)| value).collect();
            let value = json!({ "enum": values, "type": "string" });
            return if writes {
                value
            } else {
                json!({ "type": "object", "properties": { "value": value, "label": {} } })
            };
        }
        Kind::One { .. } if writes => return json!({ "oneOf": [{ "type": "integer" }, { "type": "object" }] }),
        Kind::One { .. } | Kind::Json => "object",
        Kind::Text { required: true, .. } if writes => return json!({ "type": "string", "minLength": 1 }),
        _ => "string",
    };
    match field.is_writable() {
        true => json!({ "type": word }),
        false => json!({ "type": word, "readOnly": true }),
    }
}

/// Every parameter of a list.
fn parameters(kind: &Type, release: Release) -> Vec<String> {
    let mut names: Vec<String> =
        ["limit", "offset", "ordering", "fields", "brief", "id", "q"].map(String::from).to_vec();
    names.extend((release >= (4, 6)).then(|| "start".to_owned()));
    names.extend((release >= (4, 5)).then(|| "omit".to_owned()));
    let mut with = |name: &str, suffixes: &[&str]| {
        names.push(name.to_owned());
        names.extend(suffixes.iter().map(|suffix| format!("{name}__{suffix}")));
    };
    with("id", &OF_NUMBER);
    for field in &kind.fields {
        match field.kind {
            Kind::Text { .. } | Kind::Choice { .. } => with(field.name, &OF_TEXT),
            Kind::Number { .. } | Kind::Decimal | Kind::Date => with(field.name, &OF_NUMBER),
            Kind::Count if !field.of.is_empty() => with(field.name, &OF_NUMBER),
            Kind::Flag(_) => with(field.name, &[]),
            Kind::One { .. } => {
                with(field.name, &["n"]);
                with(&format!("{}_id", field.name), &["n"]);
            }
            Kind::Many => with(field.name, &["n"]),
            Kind::Generic => {
                with(&format!("{}_type", field.name), &["n"]);
                with(&format!("{}_id", field.name), &OF_NUMBER);
            }
            _ => {}
        }
    }
    for (name, _) in &kind.via {
        with(name, &["n"]);
        with(&format!("{name}_id"), &["n"]);
    }
    let special = special::NAMES.iter().filter(|(of, _)| *of == kind.name).flat_map(|(_, names)| names.split(' '));
    special.for_each(|name| with(name, if name == "mask_length" { &OF_NUMBER } else { &["n"] }));
    if !kind.is_bare {
        with("tag", &["n", "any"]);
        with("tag_id", &["n"]);
        ["created", "last_updated"].iter().for_each(|name| with(name, &OF_NUMBER));
        ["created_by_request", "updated_by_request", "modified_by_request"].iter().for_each(|name| with(name, &[]));
    }
    names
}

/// `OPTIONS` of a list or, under another method, of an object; `actions` only for whoever may write. What every type takes
/// besides its own fields, `changelog_message` and the adding of tags, NetBox names in no list.
pub(super) fn options(kind: &Type, method: &str, may_write: bool) -> Value {
    let mut all = json!({
        "name": format!("{} List", kind.title()), "description": "",
        "renders": ["application/json", "text/html"], "parses": ["application/json", "multipart/form-data"],
    });
    let mut fields = Map::new();
    for field in kind.fields.iter().filter(|field| !matches!(field.kind, Kind::Hidden { .. } | Kind::Ports)) {
        let choices: Vec<Value> =
            field.choices().map(|(value, label)| json!({ "value": value, "display_name": label })).collect();
        let word = match field.kind {
            Kind::Choice { .. } => "choice",
            Kind::Number { .. } | Kind::Count => "integer",
            Kind::Flag(_) => "boolean",
            Kind::One { .. } | Kind::Many => "field",
            _ => "string",
        };
        let label = super::schema::capital(&field.name.replace('_', " "));
        let mut said = json!({
            "type": word, "required": field.is_required(), "read_only": !field.is_writable(), "label": label,
        });
        if let Some(said) = said.as_object_mut().filter(|_| !choices.is_empty()) {
            said.insert("choices".to_owned(), choices.into());
        }
        match field.kind {
            Kind::Generic => {
                fields.insert(format!("{}_type", field.name), said.clone());
                fields.insert(format!("{}_id", field.name), said);
            }
            _ => drop(fields.insert(field.name.to_owned(), said)),
        }
    }
    let further: &[(&str, &str)] = match kind.is_bare {
        true => &[("description", "string")],
        false => &[("description", "string"), ("comments", "string"), ("tags", "field"), ("custom_fields", "field")],
    };
    for (name, word) in further {
        let said =
            json!({ "type": word, "required": false, "read_only": false, "label": super::schema::capital(name) });
        fields.insert((*name).to_owned(), said);
    }
    if let Some(all) = all.as_object_mut().filter(|_| may_write) {
        all.insert("actions".to_owned(), json!({ method: fields }));
    }
    all
}
