//! What an instance's own schema says: which filters each list takes, which fields its objects have, which of them can be
//! written, and which values a field may have.
//!
//! A schema has several megabytes, nearly all of it repetition. Only names are kept, a list's filters as their bases with
//! the suffixes that each takes: about a hundredth of it.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// The suffixes of filters (reference: "Lookup suffixes"), in the order of the bits of [`Filter`].
pub(super) const SUFFIXES: [&str; 17] = [
    "n", "ic", "nic", "isw", "nisw", "iew", "niew", "ie", "nie", "empty", "regex", "iregex", "lt", "lte", "gt", "gte",
    "any",
];
/// Set where the filter exists without a suffix.
const BARE: u32 = 1 << 31;
/// Lists of a schema, and names of each.
const LISTS: usize = 1_500;
const NAMES: usize = 3_000;
/// Characters of a name.
const LONGEST: usize = 120;
/// References and alternatives within each other.
const DEPTH: u8 = 6;
/// Values of a field that are kept.
const VALUES: usize = 300;
/// Parameters that are no filters.
const SHAPING: [&str; 10] =
    ["limit", "offset", "start", "ordering", "fields", "omit", "brief", "format", "exclude", "export"];

/// What a schema says.
#[derive(Clone, Debug, Default)]
pub(super) struct Digest(BTreeMap<String, List>);

/// What it says of one list: names, separated by blanks.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    /// Each with a colon and its suffixes as a hexadecimal number.
    filters: String,
    fields: String,
    writable: String,
    required: String,
    /// The written fields that take no null, each with a tilde where a text may be empty instead.
    firm: String,
    /// Each with an equals sign and its values, separated by commas.
    choices: String,
}

/// What a field has that takes no null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Empty {
    /// A value in any case.
    Never,
    /// A text, which may be empty as far as the schema says.
    Text,
}

/// A filter of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filter<'a> {
    pub(super) base: &'a str,
    suffixes: u32,
}

/// The members of an object, each not read yet.
type Members<'a> = BTreeMap<String, &'a RawValue>;

impl Digest {
    /// Reads a schema; the error says why it is none.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let top: Members<'_> = serde_json::from_slice(text)
            .map_err(|error| format!("its schema is no JSON at line {}, column {}", error.line(), error.column()))?;
        let paths = top.get("paths").copied().map(members).unwrap_or_default();
        let components = top.get("components").copied().map(members).unwrap_or_default();
        let schemas = components.get("schemas").copied().map(members).unwrap_or_default();
        let mut lists = BTreeMap::new();
        for (path, operations) in &paths {
            let Some((_, path)) = path.split_once("/api/") else { continue };
            if path.contains('{') || path.len() > LONGEST || lists.len() >= LISTS {
                continue;
            }
            let operations = members(operations);
            let Some(list) = operations.get("get").and_then(|get| List::of(&value(get), &schemas)) else { continue };
            let written = operations.get("post").map(|post| value(post));
            let list = written.map_or(list.clone(), |post| list.written(&post, &schemas));
            lists.insert(path.trim_matches('/').to_owned(), list);
        }
        if lists.is_empty() { Err("its schema names no lists".to_owned()) } else { Ok(Self(lists)) }
    }

    /// What it says of the list at a path below the API.
    pub(super) fn list(&self, path: &str) -> Option<&List> {
        self.0.get(path)
    }
}

fn members(raw: &RawValue) -> Members<'_> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn value(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// The schema that a reference names.
fn referred(reference: &Value, schemas: &Members<'_>) -> Option<Value> {
    let name = reference.get("$ref")?.as_str()?.rsplit('/').next()?;
    schemas.get(name).map(|raw| value(raw))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.filter(|name| is_name(name)).take(NAMES).collect::<Vec<_>>().join(" ")
}

/// A filter's name without its suffix, and the suffix. What ends in no suffix is a name as a whole: custom fields and
/// plugins have names with two underscores in them.
pub(super) fn split(name: &str) -> (&str, Option<&'static str>) {
    let parts = name.rsplit_once("__").filter(|(base, _)| !base.is_empty());
    let suffix = parts.and_then(|(base, end)| Some((base, *SUFFIXES.iter().find(|suffix| **suffix == end)?)));
    suffix.map_or((name, None), |(base, suffix)| (base, Some(suffix)))
}

fn bit(suffix: Option<&str>) -> u32 {
    let place = suffix.and_then(|suffix| SUFFIXES.iter().position(|one| *one == suffix));
    place.map_or(BARE, |place| 1 << place)
}

impl List {
    /// Reads what can be read.
    fn of(get: &Value, schemas: &Members<'_>) -> Option<Self> {
        let page = get.pointer("/responses/200/content/application~1json/schema")?;
        let page = referred(page, schemas)?;
        let object = referred(page.pointer("/properties/results/items")?, schemas)?;
        let properties = object.get("properties")?.as_object()?;
        let mut filters: BTreeMap<&str, u32> = BTreeMap::new();
        let parameters = get.get("parameters").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for name in parameters.iter().filter_map(|one| one.get("name")?.as_str()).filter(|name| is_name(name)) {
            let (base, suffix) = split(name);
            if !SHAPING.contains(&name) && filters.len() < NAMES {
                let suffixes = filters.entry(base).or_default();
                *suffixes |= bit(suffix);
            }
        }
        let filters: Vec<String> = filters.iter().map(|(base, suffixes)| format!("{base}:{suffixes:x}")).collect();
        let choices: Vec<String> = properties.iter().filter_map(|(name, property)| choices(name, property)).collect();
        Some(Self {
            filters: filters.join(" "),
            fields: joined(properties.keys().map(String::as_str)),
            choices: choices.join(" "),
            ..Self::default()
        })
    }

    /// Reads what can be written.
    fn written(self, post: &Value, schemas: &Members<'_>) -> Self {
        let body = post.pointer("/requestBody/content/application~1json/schema");
        let either = |body: &Value| body.get("oneOf").or_else(|| body.get("anyOf"))?.as_array()?.first().cloned();
        let Some(object) = body.and_then(|body| referred(&either(body).unwrap_or_else(|| body.clone()), schemas))
        else {
            return self;
        };
        let required = object.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let properties = object.get("properties").and_then(Value::as_object);
        let firm = properties
            .into_iter()
            .flatten()
            .filter(|(name, property)| is_name(name) && !takes_null(property, schemas, DEPTH));
        let firm =
            firm.take(NAMES).map(|(name, property)| if is_free(property) { format!("{name}~") } else { name.clone() });
        Self {
            firm: firm.collect::<Vec<_>>().join(" "),
            writable: joined(properties.into_iter().flat_map(|all| all.keys().map(String::as_str))),
            required: joined(required.iter().filter_map(Value::as_str)),
            ..self
        }
    }

    /// Its filters.
    pub(super) fn filters(&self) -> impl Iterator<Item = Filter<'_>> {
        self.filters.split(' ').filter_map(|entry| {
            let (base, suffixes) = entry.split_once(':')?;
            Some(Filter { base, suffixes: u32::from_str_radix(suffixes, 16).ok()? })
        })
    }

    /// Whether it takes a filter of this name, with its suffix.
    pub(super) fn takes(&self, name: &str) -> bool {
        let (base, suffix) = split(name);
        self.filters().any(|filter| filter.base == base && filter.suffixes & bit(suffix) != 0)
    }

    /// The fields of its objects.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.split(' ').filter(|name| !name.is_empty())
    }

    /// The fields that can be written.
    pub(super) fn writable(&self) -> impl Iterator<Item = &str> {
        self.writable.split(' ').filter(|name| !name.is_empty())
    }

    /// The fields without which nothing is created.
    pub(super) fn required(&self) -> impl Iterator<Item = &str> {
        self.required.split(' ').filter(|name| !name.is_empty())
    }

    /// What a written field has that takes no null; `None` for one that takes it, and for one that the list does not have.
    pub(super) fn empty(&self, name: &str) -> Option<Empty> {
        let mut all = self
            .firm
            .split(' ')
            .map(|entry| entry.strip_suffix('~').map_or((entry, Empty::Never), |name| (name, Empty::Text)));
        all.find(|(firm, _)| *firm == name).map(|(_, empty)| empty)
    }

    /// The fields that have one of some values, with the values.
    pub(super) fn choices(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        self.choices.split(' ').filter_map(|entry| {
            let (name, values) = entry.split_once('=')?;
            Some((name, values.split(',').collect()))
        })
    }
}

impl Filter<'_> {
    /// The suffixes that it takes.
    pub(super) fn suffixes(self) -> Vec<&'static str> {
        SUFFIXES.iter().copied().filter(|suffix| self.suffixes & bit(Some(suffix)) != 0).collect()
    }
}

/// Whether a property takes null, as far as its schema says: all that it leaves open is taken. Where an empty text is a
/// choice, NetBox makes it of null.
fn takes_null(property: &Value, schemas: &Members<'_>, depth: u8) -> bool {
    let has = |name: &str, wanted: &Value| match property.get(name) {
        Some(Value::Array(all)) => all.contains(wanted),
        one => one == Some(wanted),
    };
    if has("nullable", &true.into())
        || has("type", &"null".into())
        || has("enum", &Value::Null)
        || has("enum", &"".into())
    {
        return true;
    }
    let Some(depth) = depth.checked_sub(1) else { return true };
    if property.get("$ref").is_some() {
        return referred(property, schemas).is_none_or(|inner| takes_null(&inner, schemas, depth));
    }
    let parts: Vec<&Value> =
        ["oneOf", "anyOf", "allOf"].iter().filter_map(|name| property.get(*name)?.as_array()).flatten().collect();
    match parts.as_slice() {
        [] => property.get("type").is_none() && property.get("enum").is_none(),
        parts => parts.iter().any(|part| takes_null(part, schemas, depth)),
    }
}

/// Whether a property is a text that may be empty.
fn is_free(property: &Value) -> bool {
    property.get("type").and_then(Value::as_str) == Some("string")
        && property.get("enum").is_none()
        && property.get("minLength").and_then(Value::as_u64).is_none_or(|least| least == 0)
}

/// A choice is shown as an object whose `value` has the values.
fn choices(name: &str, property: &Value) -> Option<String> {
    let values = property.pointer("/properties/value/enum")?.as_array()?;
    let is_plain = |text: &&str| !text.is_empty() && text.len() <= LONGEST && !text.contains([' ', ',', '=']);
    let texts: Vec<String> = values
        .iter()
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .filter(|text| is_plain(&text.as_str()) && text != "null")
        .take(VALUES)
        .collect();
    (is_name(name) && !texts.is_empty()).then(|| format!("{name}={}", texts.join(",")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A schema as NetBox makes one.
    fn schema() -> Value {
        let parameter = |name: &str| json!({"in": "query", "name": name, "schema": {"type": "string"}});
        let names = ["name", "name__ic", "site", "site__n", "tag__any", "plugin__odd", "limit", "ordering", "bad name"];
        let page = json!({"$ref": "#/components/schemas/PaginatedDeviceList"});
        let body = json!({"oneOf": [{"$ref": "#/components/schemas/DeviceRequest"}, {"type": "array"}]});
        json!({
            "openapi": "3.0.3",
            "paths": {
                "/netbox/api/dcim/devices/": {
                    "get": {
                        "parameters": names.map(parameter),
                        "responses": {"200": {"content": {"application/json": {"schema": page}}}},
                    },
                    "post": {"requestBody": {"content": {"application/json": {"schema": body}}}},
                },
                "/netbox/api/dcim/devices/{id}/": {"get": {}},
                "/netbox/api/status/": {"get": {"responses": {"200": {}}}},
            },
            "components": {"schemas": {
                "PaginatedDeviceList": {"properties": {"results": {"items": {"$ref": "#/components/schemas/Device"}}}},
                "Device": {"properties": {
                    "id": {"type": "integer"},
                    "name": {"type": "string"},
                    "status": {"properties": {"value": {"enum": ["active", "planned", null]}}},
                }},
                "DeviceRequest": {"required": ["name"], "properties": {"name": {}, "status": {}}},
            }},
        })
    }

    #[test]
    fn of_a_schema_the_names_are_kept() {
        let digest = Digest::read(schema().to_string().as_bytes()).expect("a schema");
        let list = digest.list("dcim/devices").expect("a list");
        for (name, is_taken) in [
            ("name", true),
            ("name__ic", true),
            ("name__isw", false),
            ("site__n", true),
            ("tag__any", true),
            ("tag", false),
            ("plugin__odd", true),
            ("limit", false),
            ("bad name", false),
        ] {
            assert_eq!(list.takes(name), is_taken, "{name}");
        }
        assert_eq!(list.fields().collect::<Vec<_>>(), ["id", "name", "status"]);
        assert_eq!(list.writable().collect::<Vec<_>>(), ["name", "status"]);
        assert_eq!(list.required().collect::<Vec<_>>(), ["name"]);
        assert_eq!(list.choices().collect::<Vec<_>>(), [("status", vec!["active", "planned"])]);
        assert!(digest.list("status").is_none());
    }

    #[test]
    fn a_field_takes_null_unless_its_schema_says_what_else_it_takes() {
        let firm = |property: Value| {
            let body = json!({"$ref": "#/components/schemas/DeviceRequest"});
            let mut schema = schema();
            schema["paths"]["/netbox/api/dcim/devices/"]["post"]["requestBody"]["content"]["application/json"]["schema"] =
                body;
            schema["components"]["schemas"]["DeviceRequest"]["properties"] = json!({ "field": property });
            schema["components"]["schemas"]["Word"] = json!({"type": "string", "enum": ["a", "b"]});
            schema["components"]["schemas"]["Nothing"] = json!({"enum": [null]});
            schema["components"]["schemas"]["Loop"] = json!({"$ref": "#/components/schemas/Loop"});
            let digest = Digest::read(schema.to_string().as_bytes()).expect("a schema");
            digest.list("dcim/devices").expect("a list").empty("field")
        };
        let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        for (property, expected) in [
            (json!({"type": "string"}), Some(Empty::Text)),
            (json!({"type": "string", "minLength": 1}), Some(Empty::Never)),
            (json!({"type": "integer"}), Some(Empty::Never)),
            (json!({"type": "string", "enum": ["active"]}), Some(Empty::Never)),
            (json!({"oneOf": [{"type": "integer"}, reference("Word")]}), Some(Empty::Never)),
            (json!({"allOf": [reference("Word")]}), Some(Empty::Never)),
            (reference("Word"), Some(Empty::Never)),
            // What takes it, and what leaves it open.
            (json!({"type": "string", "nullable": true}), None),
            (json!({"type": ["string", "null"]}), None),
            (json!({"enum": ["front", "rear", ""]}), None),
            (json!({"enum": ["front", null]}), None),
            (json!({"oneOf": [reference("Word"), reference("Nothing")]}), None),
            (json!({"allOf": [reference("Word")], "nullable": true}), None),
            (json!({}), None),
            (reference("Absent"), None),
            (reference("Loop"), None),
        ] {
            assert_eq!(firm(property.clone()), expected, "{property}");
        }
    }

    #[test]
    fn what_is_no_schema_is_refused_in_words() {
        assert_eq!(Digest::read(b"openapi: 3.0.3").expect_err("YAML"), "its schema is no JSON at line 1, column 1");
        for text in ["{}", "[]", r#"{"paths":{"/api/a/":{"get":7}}}"#, r#"{"paths":7,"components":[]}"#] {
            assert!(Digest::read(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_suffix_is_one_of_the_known_ones_at_the_end() {
        for (name, parts) in [
            ("name__ic", ("name", Some("ic"))),
            ("cf_my__field", ("cf_my__field", None)),
            ("cf_my__field__gte", ("cf_my__field", Some("gte"))),
            ("device__site", ("device__site", None)),
            ("__n", ("__n", None)),
            ("name", ("name", None)),
        ] {
            assert_eq!(split(name), parts, "{name}");
        }
    }
}
