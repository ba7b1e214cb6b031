//! The schemas of results, as tables.

use serde_json::{Map, Value, json};

use crate::backends::schema::Make;

/// What a member of a result is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Text,
    Whole,
    Number,
    Flag,
    Texts,
    /// An object whose members depend on the type and on what was asked for.
    Object,
    /// A list of such objects.
    Objects,
    Rows(&'static [Member]),
}

/// A member: its name, what it is, whether it is always there, and what it means.
pub(super) type Member = (&'static str, Shape, bool, &'static str);

/// A result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Returns(pub(super) &'static [Member]);

/// Members that every result may have.
const COMMON: &[Member] = &[
    ("origin", Shape::Text, true, "Whose words these are."),
    ("notes", Shape::Texts, false, "What could not be checked, was cut or left out."),
];

impl Make for Returns {
    fn make(&self) -> String {
        object(self.0.iter().chain(COMMON)).to_string()
    }
}

fn object<'a>(members: impl Iterator<Item = &'a Member>) -> Value {
    let mut required = Vec::new();
    let mut properties = Map::new();
    for (name, shape, is_always_there, about) in members {
        let mut schema = match shape {
            Shape::Text => json!({"type": "string"}),
            Shape::Whole => json!({"type": "integer"}),
            Shape::Number => json!({"type": "number"}),
            Shape::Flag => json!({"type": "boolean"}),
            Shape::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Shape::Object => json!({"type": "object"}),
            Shape::Objects => json!({"type": "array", "items": {"type": "object"}}),
            Shape::Rows(members) => json!({"type": "array", "items": object(members.iter())}),
        };
        if let Some(schema) = schema.as_object_mut().filter(|_| !about.is_empty()) {
            schema.insert("description".to_owned(), (*about).into());
        }
        properties.insert((*name).to_owned(), schema);
        if *is_always_there {
            required.push(*name);
        }
    }
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}
