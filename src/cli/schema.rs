//! Arguments of a call against the tool's schema: what can be told before anything is sent, in words that name the argument.
//!
//! This is not a validator. Names, presence, types and listed values of the outermost object are what a person gets
//! wrong at a prompt; the service checks the rest.

use serde_json::{Map, Value};

use crate::config::nearest;

/// What is wrong with `given`, if anything is. `strict` also refuses names that the schema does not mention and does
/// not forbid either: what was typed word by word is more likely a slip than an extension.
pub(super) fn complaint(schema: &Value, given: &Map<String, Value>, strict: bool) -> Option<String> {
    let nothing = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
    let names: Vec<&str> = properties.keys().map(String::as_str).collect();
    if let Some(unknown) = given.keys().find(|name| !properties.contains_key(*name))
        && refuses_others(schema, strict)
    {
        return Some(match (nearest::of(unknown, names.iter().copied()), names.is_empty()) {
            (Some(nearest), _) => format!("there is no argument `{}`; the nearest one is `{nearest}`", plain(unknown)),
            (None, true) => format!("there is no argument `{}`: the tool takes none", plain(unknown)),
            (None, false) => format!("there is no argument `{}`; there are {}", plain(unknown), listed(&names)),
        });
    }
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let missing: Vec<&str> = required.filter(|name| !given.contains_key(*name)).collect();
    if !missing.is_empty() {
        return Some(format!("{} {} missing", listed(&missing), if missing.len() == 1 { "is" } else { "are" }));
    }
    given.iter().find_map(|(name, value)| {
        let property = properties.get(name)?;
        wrong_kind(property, value).or_else(|| wrong_choice(property, value)).map(|what| format!("`{name}` {what}"))
    })
}

/// Whether a name that is not among the properties is refused.
fn refuses_others(schema: &Value, strict: bool) -> bool {
    let others = ["patternProperties", "$ref", "allOf", "anyOf", "oneOf", "dependentSchemas", "if"];
    match schema.get("additionalProperties") {
        Some(Value::Bool(false)) => true,
        None => strict && schema.get("properties").is_some() && others.iter().all(|name| schema.get(name).is_none()),
        Some(_) => false,
    }
}

fn wrong_kind(property: &Value, value: &Value) -> Option<String> {
    let kinds: Vec<&str> = match property.get("type")? {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let fits = |kind: &&str| match *kind {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        // JSON has one kind of number: `5.0` is a whole one (JSON Schema, validation §6.1.1).
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    };
    let wanted = |kind: &str| match kind {
        "string" => "a text",
        "boolean" => "true or false",
        "null" => "null",
        "array" => "a list",
        "object" => "an object",
        "number" => "a number",
        _ => "a whole number",
    };
    let all: Vec<&str> = kinds.iter().map(|kind| wanted(kind)).collect();
    (!kinds.is_empty() && !kinds.iter().any(fits)).then(|| format!("must be {}", all.join(" or ")))
}

fn wrong_choice(property: &Value, value: &Value) -> Option<String> {
    let choices = property.get("enum")?.as_array()?;
    (!choices.contains(value)).then(|| {
        let words: Vec<String> = choices.iter().take(20).map(ToString::to_string).collect();
        format!("must be one of {}", words.join(", "))
    })
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{}`", plain(name))).collect::<Vec<_>>().join(", ")
}

/// Names come from a server or a prompt; neither may steer the terminal.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(given: Value, strict: bool) -> Option<String> {
        let schema = json!({"type": "object", "required": ["query"], "properties": {
            "query": {"type": "string"}, "count": {"type": "integer"}, "rate": {"type": ["number", "null"]},
            "depth": {"type": "string", "enum": ["basic", "advanced"]}, "any": {}, "odd": {"type": "colour"},
        }});
        complaint(&schema, given.as_object().expect("an object"), strict)
    }

    #[test]
    fn what_a_person_gets_wrong_is_named() {
        for (given, expected) in [
            (json!({"query": "q"}), None),
            (json!({"query": "q", "count": 5.0, "rate": null, "depth": "basic", "any": [1], "odd": 1}), None),
            (json!({}), Some("`query` is missing")),
            (json!({"qury": "q"}), Some("there is no argument `qury`; the nearest one is `query`")),
            (
                json!({"query": "q", "zzzzzz": 1}),
                Some("there is no argument `zzzzzz`; there are `any`, `count`, `depth`, `odd`, `query`, `rate`"),
            ),
            (json!({"query": 5}), Some("`query` must be a text")),
            (json!({"query": "q", "count": "5"}), Some("`count` must be a whole number")),
            (json!({"query": "q", "count": 5.5}), Some("`count` must be a whole number")),
            (json!({"query": "q", "rate": "x"}), Some("`rate` must be a number or null")),
            (json!({"query": "q", "depth": "deep"}), Some("`depth` must be one of \"basic\", \"advanced\"")),
        ] {
            assert_eq!(said(given.clone(), true).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn names_that_a_schema_leaves_open_are_refused_only_where_they_were_typed() {
        assert_eq!(said(json!({"query": "q", "more": 1}), false), None);
        for (schema, strict, refused) in [
            (json!({"properties": {}}), true, true),
            (json!({"properties": {}}), false, false),
            (json!({"properties": {}, "additionalProperties": false}), false, true),
            (json!({"properties": {}, "additionalProperties": true}), true, false),
            (json!({"properties": {}, "additionalProperties": {"type": "string"}}), true, false),
            (json!({"properties": {}, "anyOf": []}), true, false),
            (json!({}), true, false),
            (json!(true), true, false),
        ] {
            let given = Map::from_iter([("x".to_owned(), json!(1))]);
            assert_eq!(complaint(&schema, &given, strict).is_some(), refused, "{schema} {strict}");
        }
    }
}
