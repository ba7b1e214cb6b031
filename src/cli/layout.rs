//! A structured result laid out for reading: records as aligned lines, lists of records as tables, long texts as they are.
//!
//! Everything in it was written by a service: it is cleaned before it reaches the terminal.

use serde_json::{Map, Value};

use super::table::Table;
use super::width;
use crate::backends::outside;

/// The most letters of a text that stands beside others in a line.
const SHORT: usize = 200;
/// The most columns of a table.
const COLUMNS: usize = 8;
/// How deep what is inside something else is laid out; below, it is JSON.
const DEEPEST: usize = 4;

/// Members that say what a record is: they come first, whatever the order in which it was read.
const FIRST: [&str; 8] = ["id", "name", "display", "title", "kind", "type", "status", "state"];

/// The place of a member among the others.
fn place(name: &str) -> usize {
    FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len())
}

/// The text of a structured result, for lines of at most `columns`.
pub(super) fn text(value: &Value, columns: Option<usize>) -> String {
    let mut lines = Vec::new();
    match value {
        Value::Object(members) => record(members, 0, columns, &mut lines),
        Value::Array(all) => list(all, 0, columns, &mut lines),
        other => lines.push(plain(other)),
    }
    outside::clean(lines.join("\n"))
}

fn record(members: &Map<String, Value>, depth: usize, columns: Option<usize>, lines: &mut Vec<String>) {
    let shift = " ".repeat(depth * 2);
    let mut ordered: Vec<(&String, &Value)> = members.iter().collect();
    crate::order::by_key(&mut ordered, |(name, _)| place(name));
    let short: Vec<(String, String)> = ordered
        .iter()
        .filter(|(_, value)| is_short(value))
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (outside::line(name, 60), plain(value)))
        .collect();
    let widest = short.iter().map(|(name, _)| width::of(name)).max().unwrap_or_default();
    for (name, value) in &short {
        let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(shift.len() + widest + 2).max(10));
        for (at, part) in width::wrapped(value, room).iter().enumerate() {
            let head = if at == 0 { name.as_str() } else { "" };
            lines.push(format!("{shift}{}  {part}", width::filled(head, widest)).trim_end().to_owned());
        }
    }
    for (name, value) in ordered.into_iter().filter(|(_, value)| !is_short(value)) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let name = outside::line(name, 60);
        match value {
            Value::Object(inner) if depth < DEEPEST => {
                lines.push(format!("{shift}{name}:"));
                record(inner, depth + 1, columns, lines);
            }
            Value::Array(all) if depth < DEEPEST => {
                lines.push(format!("{shift}{name} ({}):", all.len()));
                list(all, depth + 1, columns, lines);
            }
            other => {
                lines.push(format!("{shift}{name}:"));
                let whole = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
                lines.extend(whole.lines().map(String::from));
            }
        }
    }
}

fn list(all: &[Value], depth: usize, columns: Option<usize>, lines: &mut Vec<String>) {
    let shift = " ".repeat(depth * 2);
    let records: Vec<&Map<String, Value>> = all.iter().filter_map(Value::as_object).collect();
    if records.len() == all.len()
        && let Some(table) = table(&records, columns.map(|columns| columns.saturating_sub(shift.len())))
    {
        lines.extend(table.lines().map(|line| format!("{shift}{line}")));
        return;
    }
    for (at, one) in all.iter().enumerate() {
        match one {
            Value::Object(members) if depth < DEEPEST => {
                if at > 0 {
                    lines.push(String::new());
                }
                record(members, depth, columns, lines);
            }
            other => lines.push(format!("{shift}- {}", plain(other))),
        }
    }
}

/// A table of records; `None` where one of them holds more than short texts, or there is no room for so many columns.
fn table(records: &[&Map<String, Value>], columns: Option<usize>) -> Option<String> {
    let mut names: Vec<&String> = Vec::new();
    // A column in which nothing stands is none.
    let says = |value: &Value| !(value.is_null() || value.as_str().is_some_and(str::is_empty));
    let said = records.iter().flat_map(|record| record.iter().filter(|(_, value)| says(value)));
    for (name, _) in said {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    crate::order::by_key(&mut names, |name| place(name));
    let is_brief = |value: &Value| is_short(value) && width::of(&plain(value)) <= 60;
    let has_no_more = records.iter().all(|record| record.values().all(is_brief));
    if names.is_empty() || names.len() > COLUMNS || !has_no_more || columns.is_some_and(|c| c < names.len() * 12) {
        return None;
    }
    let mut table = Table::new(names.iter().map(|name| outside::line(name, 60).to_uppercase()));
    for record in records {
        table.row(
            names.iter().map(|name| record.get(*name).filter(|value| !value.is_null()).map_or(String::new(), plain)),
        );
    }
    Some(table.text(columns))
}

/// Whether it stands in a line.
fn is_short(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains('\n') && text.chars().count() <= SHORT,
        Value::Array(all) => {
            all.iter().all(|one| !(one.is_object() || one.is_array()) && is_short(one)) && plain(value).len() <= SHORT
        }
        Value::Object(members) => members.is_empty(),
        _ => true,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::String(text) => outside::clean(text.clone()).replace(['\n', '\t'], " "),
        Value::Array(all) if all.is_empty() => "none".to_owned(),
        Value::Array(all) if !all.iter().any(|one| one.is_object() || one.is_array()) => {
            all.iter().map(plain).collect::<Vec<_>>().join(", ")
        }
        Value::Object(members) if members.is_empty() => "none".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_are_aligned_lists_are_tables_and_long_texts_are_as_they_are() {
        let value = json!({"name": "a", "is_open": true, "tags": ["x", "y"], "nothing": null,
            "sites": [{"id": 1, "city": "日本"}, {"id": 2, "city": "Oslo", "note": "n"}],
            "text": "first\nsecond\u{1b}[2J", "more": {"deep": {"deeper": 1}}});
        let expected = "name     a\nis_open  yes\ntags     x, y\n\nmore:\n\n  deep:\n    deeper  1\n\n\
            sites (2):\n  ID  CITY  NOTE\n  1   日本\n  2   Oslo  n\n\ntext:\nfirst\nsecond[2J";
        assert_eq!(text(&value, Some(80)), expected);
    }

    #[test]
    fn no_line_of_short_texts_is_wider_than_the_terminal() {
        let row = json!({"id": 1, "name": "a name of some length", "state": "active", "place": "somewhere else"});
        let value = json!({"rows": [row, row], "sentence": "many words that go on and on until the line is full"});
        for columns in [40, 60, 80, 120, 200] {
            for line in text(&value, Some(columns)).lines() {
                assert!(width::of(line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn what_is_nested_without_end_is_json_below_some_depth() {
        let mut value = json!(1);
        for _ in 0..50 {
            value = json!({"in": value});
        }
        assert!(text(&value, Some(80)).contains("{\"in\":"));
    }
}
