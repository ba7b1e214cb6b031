//! Schemas written from the tables that calls are checked with, so that the two cannot differ. They go straight into the
//! list of tools as text: that list is most of what a start costs, and a tree of values would be built only to be dropped.

use std::fmt::{Debug, Write as _};

use super::arguments::{Field, Form};
use super::json::{framed, named};

/// Writes a schema when somebody asks for it: at most once for each list of tools.
pub trait Make: Debug + Sync {
    /// Appends JSON Schema, its root an object, on one line.
    fn write(&self, out: &mut String);
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
    fn write(&self, out: &mut String) {
        of_fields(out, self.0.iter());
    }
}

/// The schema of an object with these members and no others.
pub fn of_fields<'a>(out: &mut String, fields: impl Iterator<Item = &'a (Field, &'static str)> + Clone) {
    out.push_str("{\"type\":\"object\",\"properties\":{");
    for (at, (field, about)) in fields.clone().enumerate() {
        name(out, at, field.name);
        of(out, field.form);
        end(out, about);
    }
    out.push_str("},\"additionalProperties\":false");
    required(out, fields.filter(|(field, _)| field.required).map(|(field, _)| field.name));
    out.push('}');
}

/// All but the closing brace.
fn of(out: &mut String, form: Form) {
    let _ = match form {
        Form::Text(longest) => write!(out, "{{\"type\":\"string\",\"maxLength\":{longest}"),
        Form::Choice(words) => {
            out.push_str("{\"type\":\"string\",\"enum\":[");
            list(out, words.iter().copied());
            write!(out, "]")
        }
        Form::Flag => write!(out, "{{\"type\":\"boolean\""),
        Form::FlagOr(words) => {
            out.push_str("{\"type\":[\"boolean\",\"string\"],\"enum\":[true,false,");
            list(out, words.iter().copied());
            write!(out, "]")
        }
        Form::Whole(least, most) => write!(out, "{{\"type\":\"integer\",\"minimum\":{least},\"maximum\":{most}"),
        Form::Number(least, most) => write!(out, "{{\"type\":\"number\",\"minimum\":{least:?},\"maximum\":{most:?}"),
        Form::Texts(most) => write!(out, "{{\"type\":\"array\",\"items\":{{\"type\":\"string\"}},\"maxItems\":{most}"),
        Form::Wholes(least, most) => write!(
            out,
            "{{\"type\":\"array\",\"items\":{{\"type\":\"integer\",\"minimum\":{least},\"maximum\":{most}}}"
        ),
        Form::Day => write!(out, "{{\"type\":\"string\",\"format\":\"date\""),
        Form::Object => write!(out, "{{\"type\":\"object\""),
    };
}

/// What a member of a result is.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A text.
    Text,
    /// An integer.
    Whole,
    /// Any number.
    Number,
    /// True or false.
    Flag,
    /// A list of texts.
    Texts,
    /// An object whose members depend on what was asked for.
    Object,
    /// A list of such objects.
    Objects,
    /// A list of objects with these members.
    Rows(&'static [Member]),
}

/// A member: its name, what it is, whether it is always there, and what it means.
pub type Member = (&'static str, Shape, bool, &'static str);

/// A result with these members and no others.
#[derive(Clone, Copy, Debug)]
pub struct Returns(pub &'static [Member]);

impl Make for Returns {
    fn write(&self, out: &mut String) {
        of_members(out, self.0.iter());
    }
}

/// The schema of an object with these members and no others.
pub fn of_members<'a>(out: &mut String, members: impl Iterator<Item = &'a Member> + Clone) {
    out.push_str("{\"type\":\"object\",\"properties\":{");
    for (at, (word, shape, _, about)) in members.clone().enumerate() {
        shape.write_as(out, (at, word), about);
    }
    out.push_str("},\"additionalProperties\":false");
    required(out, members.filter(|(_, _, is_always_there, _)| *is_always_there).map(|(word, ..)| *word));
    out.push('}');
}

impl Shape {
    /// The schema of the member of that name, which so many others come before.
    pub fn write_as(&self, out: &mut String, (at, word): (usize, &'static str), about: &str) {
        // In as few pieces as there are: a list of tools has thousands of members.
        let [alone, described] = match self {
            Self::Text => ["\":{\"type\":\"string\"}", "\":{\"type\":\"string\",\"description\":\""],
            Self::Whole => ["\":{\"type\":\"integer\"}", "\":{\"type\":\"integer\",\"description\":\""],
            Self::Number => ["\":{\"type\":\"number\"}", "\":{\"type\":\"number\",\"description\":\""],
            Self::Flag => ["\":{\"type\":\"boolean\"}", "\":{\"type\":\"boolean\",\"description\":\""],
            Self::Texts => [
                "\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
                "\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"",
            ],
            Self::Object => ["\":{\"type\":\"object\"}", "\":{\"type\":\"object\",\"description\":\""],
            Self::Objects => [
                "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}",
                "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"},\"description\":\"",
            ],
            Self::Rows(members) => {
                named(out, before(at), word, "\":{\"type\":\"array\",\"items\":");
                of_members(out, members.iter());
                return end(out, about);
            }
        };
        if about.is_empty() {
            named(out, before(at), word, alone);
        } else {
            named(out, before(at), word, described);
            framed(out, "", about, "\"}");
        }
    }
}

/// The name of a member that `at` others come before, and its colon.
pub fn name(out: &mut String, at: usize, word: &'static str) {
    named(out, before(at), word, "\":");
}

/// What stands before a text of a list, of which there were so many.
const fn before(at: usize) -> &'static str {
    if at > 0 { ",\"" } else { "\"" }
}

/// The end of a schema, with what it describes.
pub fn end(out: &mut String, about: &str) {
    match about {
        "" => out.push('}'),
        _ => framed(out, ",\"description\":\"", about, "\"}"),
    }
}

fn required(out: &mut String, words: impl Iterator<Item = &'static str>) {
    let mut words = words.peekable();
    if words.peek().is_some() {
        out.push_str(",\"required\":[");
        list(out, words);
        out.push(']');
    }
}

fn list(out: &mut String, words: impl Iterator<Item = &'static str>) {
    for (at, word) in words.enumerate() {
        named(out, before(at), word, "\"");
    }
}
