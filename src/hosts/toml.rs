//! Lists of servers in TOML. New text is put in and old text is cut out where the text has its parts: writing the parsed
//! document anew would change how lines end.

use std::ops::Range;

use serde_json::{Map, Value};
use toml_edit::{Document, DocumentMut, Item, Key, Value as Written};

use super::json::compact;
use super::text::{Trouble, cut, newline, spliced};
use super::{NAME, Wanted};

/// What the text says; `None` if it is not TOML.
pub(super) fn read(text: &str) -> Option<Value> {
    Some(value(text.parse::<DocumentMut>().ok()?.as_item()))
}

fn value(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(one) => plain(one),
        Item::Table(table) => Value::Object(table.iter().map(|(key, item)| (key.to_owned(), value(item))).collect()),
        Item::ArrayOfTables(tables) => {
            let one =
                |table: &toml_edit::Table| table.iter().map(|(key, item)| (key.to_owned(), value(item))).collect();
            Value::Array(tables.iter().map(|table| Value::Object(one(table))).collect())
        }
    }
}

fn plain(written: &Written) -> Value {
    match written {
        Written::String(text) => Value::from(text.value().as_str()),
        Written::Integer(number) => Value::from(*number.value()),
        Written::Boolean(flag) => Value::from(*flag.value()),
        Written::Array(list) => Value::Array(list.iter().map(plain).collect()),
        Written::InlineTable(table) => {
            let pairs: Map<String, Value> = table.iter().map(|(key, one)| (key.to_owned(), plain(one))).collect();
            Value::Object(pairs)
        }
        // What JSON has no word for is told apart by how it is written.
        Written::Float(number) => Value::from(format!("float {}", number.value())),
        Written::Datetime(time) => Value::from(format!("time {}", time.value())),
    }
}

/// Whether the text is whole.
pub(super) fn check(text: &str) -> Result<(), Trouble> {
    let trouble = |error: &toml_edit::TomlError| Trouble::at(text, error.span().map_or(0, |span| span.start));
    text.parse::<DocumentMut>().map(drop).map_err(|error| trouble(&error))
}

/// Puts our table below `key`, or changes what is to be changed in it.
pub(super) fn put(text: &str, key: &str, wanted: &Wanted) -> Result<String, Trouble> {
    if wanted.is_new {
        return Ok(appended(text, key, wanted));
    }
    wanted.changes.iter().try_fold(text.to_owned(), |text, (path, value)| change(&text, key, path, value))
}

fn appended(text: &str, key: &str, wanted: &Wanted) -> String {
    let newline = newline(text);
    let mut lines = vec![format!("[{key}.{NAME}]")];
    let mut env = Vec::new();
    for (path, value) in &wanted.changes {
        match path.as_slice() {
            [name] => lines.push(format!("{name} = {}", compact(value))),
            [_, name] => env.push(format!("{name} = {}", compact(value))),
            _ => {}
        }
    }
    if !env.is_empty() {
        lines.push(format!("env = {{ {} }}", env.join(", ")));
    }
    let gap = match text.trim_start_matches('\u{feff}') {
        "" => String::new(),
        whole if whole.ends_with('\n') => newline.to_owned(),
        _ => newline.repeat(2),
    };
    format!("{text}{gap}{}{newline}", lines.join(newline))
}

/// Changes one value of our table.
fn change(text: &str, key: &str, path: &[String], value: &Value) -> Result<String, Trouble> {
    const ELSEWHERE: Trouble = Trouble::Unsure("its values are not where keyward writes them");
    let document = Document::parse(text).map_err(|_| ELSEWHERE)?;
    let ours = document.get(key).and_then(|table| table.get(NAME)).ok_or(ELSEWHERE)?;
    let there = path.iter().try_fold(ours, |item, name| item.get(name));
    if let Some(span) = there.and_then(Item::span) {
        return Ok(spliced(text, vec![(span, compact(value))]));
    }
    let newline = newline(text);
    let after = |item: &Item, line: String| {
        let end = item.span().map(|span| span.end).ok_or(ELSEWHERE)?;
        let rest = cut(text, end..text.len());
        // A comment behind the value stays in its line.
        let at = end + rest.find('\n').unwrap_or(rest.len());
        let at = if cut(text, 0..at).ends_with('\r') { at - 1 } else { at };
        Ok(spliced(text, vec![(at..at, format!("{newline}{line}"))]))
    };
    let (table, name) = match path {
        [name] => (ours, name),
        [outer, name] => match ours.get(outer) {
            Some(table) => (table, name),
            None => {
                let line = format!("{outer} = {{ {name} = {} }}", compact(value));
                return after(ours.get("command").filter(|_| ours.is_table()).ok_or(ELSEWHERE)?, line);
            }
        },
        _ => return Err(ELSEWHERE),
    };
    let line = format!("{name} = {}", compact(value));
    match table {
        Item::Table(table) => {
            after(table.iter().map(|(_, item)| item).find(|item| item.is_value()).ok_or(ELSEWHERE)?, line)
        }
        Item::Value(Written::InlineTable(inline)) => {
            let end = table.span().map(|span| span.end.saturating_sub(1)).ok_or(ELSEWHERE)?;
            let at = cut(text, 0..end).trim_end().len();
            let comma = if inline.is_empty() { " " } else { ", " };
            Ok(spliced(text, vec![(at..at, format!("{comma}{line}"))]))
        }
        _ => Err(ELSEWHERE),
    }
}

/// Takes our table away, with those below it.
pub(super) fn take(text: &str, key: &str) -> Result<String, Trouble> {
    let span = span(text, key).ok_or(Trouble::Unsure("it is not written as a table of its own"))?;
    let before = cut(text, 0..span.start);
    // The empty line before it came with it.
    let line = ["\r\n\r\n", "\n\n"].into_iter().find(|gap| before.ends_with(gap)).map_or(0, |gap| gap.len() / 2);
    Ok(spliced(text, vec![(span.start - line..span.end, String::new())]))
}

/// Where our table stands, from its header to the end of its last value's line.
pub(super) fn span(text: &str, key: &str) -> Option<Range<usize>> {
    // What looks like the header may be a line of somebody's text.
    let document = Document::parse(text).ok()?;
    let begins = document.get(key)?.get(NAME)?.span()?.start;
    let mut found: Option<Range<usize>> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if at <= begins {
            continue;
        }
        let is_ours = header(line).map(|names| names.starts_with(&[key.to_owned(), NAME.to_owned()]));
        match (&mut found, is_ours) {
            (None, Some(true)) => found = Some(start..at),
            (Some(_), Some(false)) => break,
            (Some(found), _) if !line.trim().is_empty() && !line.trim_start().starts_with('#') => found.end = at,
            _ => {}
        }
    }
    found
}

/// The names of a table's header, if the line is one.
fn header(line: &str) -> Option<Vec<String>> {
    let line = line.trim().trim_start_matches('\u{feff}');
    let inner = line.strip_prefix('[')?;
    let inner = inner.strip_prefix('[').unwrap_or(inner);
    let names = cut(inner, 0..inner.find(']')?);
    Some(Key::parse(names).ok()?.iter().map(|key| key.get().to_owned()).collect())
}
