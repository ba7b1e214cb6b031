//! Schemas made from the tables that calls are checked with, so that the two cannot differ.

use std::fmt::Debug;

use serde_json::{Map, Value, json};

use super::arguments::{Field, Form};

/// Makes a schema when somebody asks for it: at most once for each list of tools.
pub trait Make: Debug + Sync {
    /// JSON Schema, its root an object, on one line.
    fn make(&self) -> String;
}

/// What a tool takes: each argument with what it is, for the model.
#[derive(Clone, Copy, Debug)]
pub struct Arguments(pub &'static [(Field, &'static str)]);

impl Arguments {
    /// The table that a call is checked against.
    pub fn fields(&self) -> Vec<Field> {
        self.0.iter().map(|(field, _)| *field).collect()
    }
}

impl Make for Arguments {
    fn make(&self) -> String {
        of_fields(self.0.iter())
    }
}

/// The schema of an object with these members.
pub fn of_fields<'a>(fields: impl Iterator<Item = &'a (Field, &'static str)> + Clone) -> String {
    let property = |(field, about): &(Field, &str)| {
        let mut property = of(field.form);
        if let Some(property) = property.as_object_mut() {
            property.insert("description".to_owned(), (*about).into());
        }
        (field.name.to_owned(), property)
    };
    let properties: Map<String, Value> = fields.clone().map(property).collect();
    let required: Vec<&str> = fields.filter(|(field, _)| field.required).map(|(field, _)| field.name).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if let Some(schema) = schema.as_object_mut().filter(|_| !required.is_empty()) {
        schema.insert("required".to_owned(), required.into());
    }
    schema.to_string()
}

fn of(form: Form) -> Value {
    match form {
        Form::Text(longest) => json!({"type": "string", "maxLength": longest}),
        Form::Choice(words) => json!({"type": "string", "enum": words}),
        Form::Flag => json!({"type": "boolean"}),
        Form::FlagOr(words) => {
            let words = words.iter().map(|word| json!(word));
            let all: Vec<Value> = [json!(true), json!(false)].into_iter().chain(words).collect();
            json!({"type": ["boolean", "string"], "enum": all})
        }
        Form::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Form::Number(least, most) => json!({"type": "number", "minimum": least, "maximum": most}),
        Form::Texts(most) => json!({"type": "array", "items": {"type": "string"}, "maxItems": most}),
        Form::Wholes(least, most) => {
            json!({"type": "array", "items": {"type": "integer", "minimum": least, "maximum": most}})
        }
        Form::Day => json!({"type": "string", "format": "date"}),
        Form::Object => json!({"type": "object"}),
    }
}
