//! Records made lean: which members are kept, under which names, in which form, and how their schema describes them.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::refusal::Fault;
use super::value;
use crate::backends::schema::{self, List, Shape, Text};

/// The form a member is brought into.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// A short text.
    Line,
    /// A text of several lines, without markup.
    Prose,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// A day or a moment.
    Date,
    /// A list of texts.
    Lines,
    /// The words of a text, as a list.
    Words,
    /// A list of records.
    Rows(&'static [Column]),
}

/// When a member is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    Full,
    Personal,
}

/// One member: where it is in the service's record, and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Names in the record from the outside in, separated by dots.
    from: &'static str,
    to: &'static str,
    form: Form,
    when: When,
    /// What it is, for the model.
    about: &'static str,
}

/// How much of a record is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Detail {
    /// Also what only a close look needs.
    pub(super) full: bool,
    /// Also names, addresses, telephone numbers and mail addresses.
    pub(super) personal: bool,
}

/// A record, made lean.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) fields: Map<String, Value>,
    /// What the record says went wrong with it.
    pub(super) fault: Option<Fault>,
}

impl Row {
    /// About how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        weight(&self.fields).saturating_add(128)
    }

    /// A member as text.
    pub(super) fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A member as a list of texts.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let all = self.fields.get(name).and_then(Value::as_array);
        all.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

impl Column {
    pub(super) const fn new(from: &'static str, to: &'static str, form: Form, about: &'static str) -> Self {
        Self { from, to, form, when: When::Always, about }
    }

    /// A member that is kept if everything was asked for.
    pub(super) const fn full(from: &'static str, to: &'static str, form: Form, about: &'static str) -> Self {
        Self { from, to, form, when: When::Full, about }
    }

    /// A member that is kept if personal data was asked for.
    pub(super) const fn personal(from: &'static str, to: &'static str, form: Form, about: &'static str) -> Self {
        Self { from, to, form, when: When::Personal, about }
    }

    fn is_wanted(&self, detail: Detail) -> bool {
        match self.when {
            When::Always => true,
            When::Full => detail.full,
            When::Personal => detail.personal,
        }
    }

    fn of(&self, record: &Value, detail: Detail) -> Option<Value> {
        let member = self.from.split('.').filter(|name| !name.is_empty()).try_fold(record, |at, name| match at {
            // A list where one is expected: the first.
            Value::Array(all) => all.first()?.get(name),
            other => other.get(name),
        })?;
        let texts = |all: Vec<String>| (!all.is_empty()).then(|| Value::from(all));
        match self.form {
            Form::Line => value::given(member).map(Value::from),
            Form::Prose => value::prose(member).map(Value::from),
            Form::Whole => value::whole(member).map(Value::from),
            Form::Number => value::number(member).map(Value::from),
            Form::Flag => value::flag(member).map(Value::from),
            Form::Date => value::date(member).map(Value::from),
            Form::Lines => texts(value::lines(member)),
            Form::Words => texts(value::words(member)),
            Form::Rows(columns) => {
                let rows = list(Some(member.clone())).into_iter().map(|inner| lean(&inner, columns, detail).fields);
                let rows: Vec<Value> = rows.filter(|row| !row.is_empty()).map(Value::Object).collect();
                (!rows.is_empty()).then_some(Value::Array(rows))
            }
        }
    }
}

/// About how many bytes the members take as JSON.
pub(super) fn weight(members: &Map<String, Value>) -> usize {
    let one = |(name, value): (&String, &Value)| of_value(value).saturating_add(name.len()).saturating_add(4);
    members.iter().map(one).sum()
}

fn of_value(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len().saturating_add(3),
        Value::Array(all) => all.iter().map(of_value).sum::<usize>().saturating_add(2),
        Value::Object(members) => weight(members),
        _ => 8,
    }
}

/// A record made lean. Whatever the record is, there is a row for it: none is lost.
pub(super) fn lean(record: &Value, columns: &[Column], detail: Detail) -> Row {
    let mut fields = Map::new();
    for column in columns.iter().filter(|column| column.is_wanted(detail)) {
        // The first of several sources of one member wins.
        if !fields.contains_key(column.to)
            && let Some(value) = column.of(record, detail)
        {
            fields.insert(column.to.to_owned(), value);
        }
    }
    let fault = record.as_object().and_then(|members| Fault::all(members).into_iter().next());
    Row { fields, fault }
}

/// A list of records; one record without its list counts as a list of one.
pub(super) fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(all)) => all,
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one],
    }
}

/// Writes the schema of a lean record.
pub(super) const fn schema<const SIZE: usize>(out: &mut Text<SIZE>, columns: &[Column]) {
    out.add("{\"type\":\"object\",\"properties\":{");
    properties(out, &mut List::empty(), columns);
    out.add("}}");
}

/// Writes the members of one. A name that several columns fill is there once.
pub(super) const fn properties<const SIZE: usize>(out: &mut Text<SIZE>, list: &mut List, columns: &[Column]) {
    let (mut rest, mut at) = (columns, 0);
    while let [column, after @ ..] = rest {
        let (before, _) = columns.split_at(at);
        if !fills(before, column.to) {
            let (to, about) = (column.to, column.about);
            match column.form {
                Form::Line | Form::Prose | Form::Date => list.member(out, to, Shape::Text, about),
                Form::Whole => list.member(out, to, Shape::Whole, about),
                Form::Number => list.member(out, to, Shape::Number, about),
                Form::Flag => list.member(out, to, Shape::Flag, about),
                Form::Lines | Form::Words => list.member(out, to, Shape::Texts, about),
                Form::Rows(columns) => {
                    list.name(out, to);
                    rows(out, columns, about);
                }
            }
        }
        (rest, at) = (after, at + 1);
    }
}

/// Whether one of the columns fills the member of this name.
const fn fills(mut columns: &[Column], name: &str) -> bool {
    while let [column, after @ ..] = columns {
        if schema::is_same(column.to, name) {
            return true;
        }
        columns = after;
    }
    false
}

/// Writes the schema of a list of lean records.
pub(super) const fn rows<const SIZE: usize>(out: &mut Text<SIZE>, columns: &[Column], about: &str) {
    out.add("{\"type\":\"array\",\"items\":");
    schema(out, columns);
    schema::end(out, about);
}

/// A lean record for people: its short members on one line, its texts below.
pub(super) fn readable(text: &mut String, fields: &Map<String, Value>, columns: &[Column], depth: usize) {
    let indent = "  ".repeat(depth);
    let known = |name: &str| columns.iter().position(|column| column.to == name).unwrap_or(usize::MAX);
    let mut members: Vec<(&String, &Value)> = fields.iter().collect();
    crate::order::by_key(&mut members, |(name, _)| known(name));
    let mut line = Vec::new();
    let mut below = String::new();
    for (name, value) in members {
        match value {
            Value::String(words) if words.len() > 120 || words.contains('\n') => {
                let inner = words.replace('\n', &format!("\n{indent}    "));
                let _ = write!(below, "\n{indent}  {name}:\n{indent}    {inner}");
            }
            Value::String(words) => line.push(format!("{name} {words}")),
            Value::Array(all) if all.is_empty() => {}
            Value::Array(all) if all.iter().all(Value::is_string) => {
                let words: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
                line.push(format!("{name} {}", words.join(", ")));
            }
            Value::Array(all) => {
                let inner = columns.iter().find(|column| column.to == name).map(|column| column.form);
                let Some(Form::Rows(columns)) = inner else { continue };
                let _ = write!(below, "\n{indent}  {name}:");
                for row in all.iter().filter_map(Value::as_object) {
                    below.push('\n');
                    readable(&mut below, row, columns, depth.saturating_add(2));
                }
            }
            other => line.push(format!("{name} {other}")),
        }
    }
    let _ = write!(text, "{indent}- {}{below}", line.join(" · "));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const INNER: &[Column] = &[Column::new("n", "number", Form::Whole, "")];
    const COLUMNS: &[Column] = &[
        Column::new("id", "id", Form::Line, "Its id."),
        Column::new("severity", "severity", Form::Whole, ""),
        Column::new("a.b", "deep", Form::Date, ""),
        Column::full("text", "text", Form::Prose, ""),
        Column::personal("mail", "mail", Form::Line, ""),
        Column::new("other_id", "id", Form::Line, ""),
        Column::new("all", "rows", Form::Rows(INNER), ""),
    ];
    const EVERYTHING: Detail = Detail { full: true, personal: true };

    #[test]
    fn members_are_kept_as_far_as_they_are_wanted() {
        let record = json!({
            "id": " ", "other_id": 7, "severity": "2", "a": [{"b": "11-Mar-2021"}], "text": "<p>t", "mail": "m", "x": 1,
            "all": {"n": "3"},
        });
        let row = lean(&record, COLUMNS, Detail::default());
        let expected = json!({"id": "7", "severity": 2, "deep": "2021-03-11", "rows": [{"number": 3}]});
        assert_eq!(Value::Object(row.fields), expected);
        let row = lean(&record, COLUMNS, EVERYTHING);
        assert_eq!((row.text("text"), row.text("mail")), ("t", "m"));
        let mut text = String::new();
        readable(&mut text, &row.fields, COLUMNS, 0);
        assert_eq!(text, "- id 7 · severity 2 · deep 2021-03-11 · text t · mail m\n  rows:\n    - number 3");
    }

    #[test]
    fn the_schema_follows_the_columns() {
        let schema: Value = serde_json::from_str(schema::written!(schema, COLUMNS)).unwrap();
        assert_eq!(schema["properties"]["id"], json!({"type": "string", "description": "Its id."}));
        assert_eq!(schema["properties"]["rows"]["items"]["properties"]["number"], json!({"type": "integer"}));
    }

    proptest! {
        #[test]
        fn any_record_has_a_row(name in "id|severity|a|text|all|EOXError", text in ".{0,10}", number: f64) {
            for value in [json!(text), json!(number), json!([text]), json!({"b": number}), json!(null), json!([[]])] {
                let row = lean(&json!({name.as_str(): value}), COLUMNS, EVERYTHING);
                let mut shown = String::new();
                readable(&mut shown, &row.fields, COLUMNS, 0);
                let _ = lean(&value, COLUMNS, Detail::default());
            }
        }
    }
}
