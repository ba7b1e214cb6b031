//! Lists of servers in YAML, edited line by line. Only what is surely understood is edited: one document whose keys stand
//! at the left, written out and not in braces. A value that goes on over several lines is passed over where it is marked
//! as such (`|`, `>`) and refused where it is not, because its lines could look like keys.

mod read;

use std::ops::Range;

use serde_json::Value;

use super::json::compact;
use super::text::{Trouble, cut, newline, spliced};
use super::{NAME, Wanted};

pub(super) use read::read;

const FOREIGN: Trouble = Trouble::Unsure("it is written in a way of YAML that keyward does not edit");
const IN_BRACES: Trouble = Trouble::Unsure("it is written in one line");
const OPEN_END: Trouble = Trouble::Unsure("its last value goes on to the end of the file");

/// A line that says something.
struct Line<'a> {
    span: Range<usize>,
    indent: usize,
    body: &'a str,
    /// It belongs to a text of several lines.
    is_text: bool,
}

impl Line<'_> {
    fn key(&self) -> Option<(String, &str)> {
        if self.is_text { None } else { key(self.body) }
    }
}

/// The lines of the table of servers.
struct Table<'a> {
    /// Every line of the document.
    lines: Vec<Line<'a>>,
    /// Which line is the table's own; `None` if there is none.
    head: Option<usize>,
    /// Which lines are in it.
    inside: Range<usize>,
    indent: usize,
}

/// Puts our entry below `key`, or changes what is to be changed in it.
pub(super) fn put(text: &str, key: &str, wanted: &Wanted) -> Result<String, Trouble> {
    if !wanted.is_new {
        return wanted.changes.iter().try_fold(text.to_owned(), |text, (path, value)| change(&text, key, path, value));
    }
    let table = table(text, key)?;
    let newline = newline(text);
    let pad = " ".repeat(table.indent);
    let mut lines = vec![format!("{pad}{NAME}:")];
    let mut env = serde_json::Map::new();
    let mut line = |name: &str, value: &Value| lines.push(format!("{pad}  {name}: {}", scalar(value)));
    for (path, value) in &wanted.changes {
        match path.as_slice() {
            [name] => line(name, value),
            [_, name] => drop(env.insert(name.clone(), value.clone())),
            _ => {}
        }
    }
    if let Some((path, _)) = wanted.changes.iter().find(|(path, _)| path.len() == 2) {
        line(path.first().map_or("", String::as_str), &Value::Object(env));
    }
    let block = lines.join(newline) + newline;
    let Some(head) = table.head.and_then(|head| table.lines.get(head)) else {
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { newline };
        if has_open_end(text, &table.lines) {
            return Err(OPEN_END);
        }
        return Ok(format!("{text}{gap}{key}:{newline}{block}"));
    };
    // Before all others: where the last one ends may be part of a text.
    let at = head.span.end;
    let gap = if cut(text, 0..at).ends_with('\n') { "" } else { newline };
    Ok(spliced(text, vec![(at..at, format!("{gap}{block}"))]))
}

/// Changes one value of our entry.
fn change(text: &str, key: &str, path: &[String], value: &Value) -> Result<String, Trouble> {
    let table = table(text, key)?;
    let lines = table.ours()?.ok_or(FOREIGN)?;
    let (Some((head, rest)), Some(name)) = (lines.split_first(), path.first()) else { return Err(FOREIGN) };
    let indent = rest.first().map(|line| line.indent).ok_or(IN_BRACES)?;
    let newline = newline(text);
    let pad = " ".repeat(indent);
    let at = rest.iter().position(|line| line.indent == indent && line.key().is_some_and(|(key, _)| key == *name));
    let inner = path.get(1);
    let new = match inner {
        Some(inner) => format!("{pad}{name}: {}{newline}", compact(&serde_json::json!({ inner: value }))),
        None => format!("{pad}{name}: {}{newline}", scalar(value)),
    };
    let Some((line, after)) = at.and_then(|at| rest.get(at..)?.split_first()) else {
        return Ok(spliced(text, vec![(head.span.end..head.span.end, new)]));
    };
    let is_below = |other: &&Line<'_>| other.indent > indent || (other.indent == indent && other.body.starts_with('-'));
    let below: Vec<_> = after.iter().take_while(is_below).collect();
    let end = below.last().map_or(line.span.end, |last| last.span.end);
    let written = line.key().map(|(_, value)| value.to_owned()).unwrap_or_default();
    match (inner, written.as_str(), below.first()) {
        (None, ..) | (Some(_), "{}" | "", None) => Ok(spliced(text, vec![(line.span.start..end, new)])),
        (Some(inner), "", Some(first)) => {
            let old = below.iter().find(|line| line.key().is_some_and(|(key, _)| key == *inner));
            let line = format!("{}{inner}: {}{newline}", " ".repeat(first.indent), scalar(value));
            let at = old.map_or(first.span.start..first.span.start, |old| old.span.clone());
            Ok(spliced(text, vec![(at, line)]))
        }
        _ => Err(IN_BRACES),
    }
}

/// Takes our entry away, and the table around it if it is to go, too.
pub(super) fn take(text: &str, key: &str, whole: bool) -> Result<String, Trouble> {
    let table = table(text, key)?;
    let lines = table.ours()?.ok_or(FOREIGN)?;
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Err(FOREIGN) };
    let is_empty = lines.len() == table.inside.len();
    let head = table.head.and_then(|head| table.lines.get(head)).filter(|_| whole && is_empty);
    let start = head.map_or(first.span.start, |head| head.span.start);
    let before: &[Line<'_>] =
        table.lines.get(..table.lines.partition_point(|line| line.span.start < start)).unwrap_or_default();
    let mut end = last.span.end;
    // A text that keeps the empty lines behind it would get those behind us, too.
    if has_open_end(cut(text, 0..start), before) {
        let behind = cut(text, end..text.len()).split_inclusive('\n');
        end += behind.take_while(|line| line.trim().is_empty()).map(str::len).sum::<usize>();
    }
    let mut parts = vec![(first.span.start..end, String::new())];
    parts.splice(0..0, head.map(|head| (head.span.clone(), String::new())));
    Ok(spliced(text, parts))
}

/// Whether the text is understood, and its table of servers is one.
pub(super) fn check(text: &str, key: &str) -> Result<(), Trouble> {
    table(text, key)?.ours().map(drop)
}

/// Where our entry stands.
pub(super) fn span(text: &str, key: &str) -> Option<Range<usize>> {
    let table = table(text, key).ok()?;
    let lines = table.ours().ok()??;
    Some(lines.first()?.span.start..lines.last()?.span.end)
}

impl Table<'_> {
    /// The lines of our entry, its own first.
    fn ours(&self) -> Result<Option<&[Line<'_>]>, Trouble> {
        let inside = self.lines.get(self.inside.clone()).unwrap_or_default();
        let is_child = |line: &Line<'_>| line.indent == self.indent && line.key().is_some_and(|(key, _)| key == NAME);
        let mut all = inside.iter().enumerate().filter(|(_, line)| is_child(line)).map(|(at, _)| at);
        let Some(at) = all.next() else { return Ok(None) };
        if all.next().is_some() {
            return Err(Trouble::Twice(NAME.to_owned()));
        }
        let lines = inside.get(at..).unwrap_or_default();
        let length = 1 + lines.iter().skip(1).take_while(|line| line.indent > self.indent).count();
        if lines.first().and_then(Line::key).is_none_or(|(_, value)| !value.is_empty()) {
            return Err(IN_BRACES);
        }
        Ok(lines.get(..length))
    }
}

fn table<'a>(text: &'a str, key: &str) -> Result<Table<'a>, Trouble> {
    let lines = lines(text)?;
    let is_head = |line: &Line<'_>| line.indent == 0 && line.key().is_some_and(|(name, _)| name == key);
    let mut heads = lines.iter().enumerate().filter(|(_, line)| is_head(line)).map(|(at, _)| at);
    let head = heads.next();
    if heads.next().is_some() {
        return Err(Trouble::Twice(key.to_owned()));
    }
    let Some(at) = head else { return Ok(Table { lines, head, inside: 0..0, indent: 2 }) };
    if lines.get(at).and_then(Line::key).is_none_or(|(_, value)| !value.is_empty()) {
        return Err(IN_BRACES);
    }
    let below = lines.iter().skip(at + 1).take_while(|line| line.indent > 0 || line.body.starts_with('-')).count();
    let inside = at + 1..at + 1 + below;
    let children = lines.get(inside.clone()).unwrap_or_default();
    let indent = children.first().map_or(2, |line| line.indent);
    if indent == 0 || children.iter().any(|line| line.indent == indent && line.body.starts_with('-')) {
        return Err(Trouble::Kind(key.to_owned()));
    }
    let is_foreign = |line: &Line<'_>| line.indent < indent || (line.indent == indent && line.key().is_none());
    if children.iter().any(is_foreign) {
        return Err(FOREIGN);
    }
    Ok(Table { lines, head, inside, indent })
}

/// The lines that say something, if they are written in the way that is understood.
fn lines(text: &str) -> Result<Vec<Line<'_>>, Trouble> {
    let mut all: Vec<Line<'_>> = Vec::new();
    let mut at = 0;
    // How deep the line stands that a text of several lines belongs to.
    let mut scalar: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let body = line.trim_end().trim_start_matches(' ');
        let indent = line.trim_end().len() - body.len();
        if scalar.is_some_and(|depth| body.is_empty() || indent > depth) {
            if !body.is_empty() {
                all.push(Line { span: start..at, indent, body, is_text: true });
            }
            continue;
        }
        scalar = None;
        if body.is_empty() || body.starts_with('#') || (body == "---" && all.is_empty()) {
            continue;
        }
        let is_understood = match indent {
            0 => key(body).is_some() || body.starts_with("- "),
            // What stands first decides how deep everything stands.
            _ => !all.is_empty(),
        };
        let value = value(body);
        if !is_understood || body.starts_with(['\t', '\u{feff}', '%', '?']) || goes_on(value) {
            return Err(FOREIGN);
        }
        if value.starts_with(['|', '>']) {
            scalar = Some(indent);
        }
        all.push(Line { span: start..at, indent, body, is_text: false });
    }
    Ok(all)
}

/// Whether a text of several lines ends the file and more lines would become part of it.
fn has_open_end(text: &str, lines: &[Line<'_>]) -> bool {
    let is_head = |line: &&Line<'_>| !line.is_text;
    let head = lines.iter().rev().find(is_head).map(|line| value(line.body)).unwrap_or_default();
    head.starts_with(['|', '>']) && (!text.ends_with('\n') || head.contains('+'))
}

/// What stands behind the key and the dashes of a line.
fn value(body: &str) -> &str {
    let body = body.trim_start_matches("- ");
    key(body).map_or_else(|| without_comment(body), |(_, value)| value)
}

/// Whether a value is not whole in its line.
fn goes_on(value: &str) -> bool {
    let closes = |open: char, close: char| value.starts_with(open) && (value.len() < 2 || !value.ends_with(close));
    closes('"', '"') || closes('\'', '\'') || closes('[', ']') || closes('{', '}')
}

/// The key and the value of a line, if its key is a plain word or quoted without anything special in it.
fn key(body: &str) -> Option<(String, &str)> {
    let (name, rest) = match body.chars().next()? {
        quote @ ('"' | '\'') => {
            let (name, rest) = body.get(1..)?.split_once(quote)?;
            (name, rest.strip_prefix(':')?)
        }
        _ => {
            let end = body.find(": ").or_else(|| body.ends_with(':').then(|| body.len() - 1))?;
            (cut(body, 0..end), cut(body, end + 1..body.len()))
        }
    };
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ' | '@');
    let begins = name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    (begins && name.chars().all(is_plain)).then(|| (name.to_owned(), without_comment(rest.trim())))
}

fn without_comment(text: &str) -> &str {
    if text.starts_with('#') { "" } else { read::without_comment(text) }
}

/// A value in one line: JSON is YAML, and what needs no quotes gets none.
fn scalar(value: &Value) -> String {
    let is_plain = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-'))
            && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str())
    };
    match value.as_str().filter(|text| is_plain(text)) {
        Some(text) => text.to_owned(),
        None => compact(value),
    }
}
