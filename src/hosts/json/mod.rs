//! Lists of servers in JSON: changes are made at the places where the text has its parts, and nowhere else.

mod scan;
mod strict;

use std::ops::Range;

use serde_json::Value;

use super::text::{Style, Trouble, cut, spliced};
use super::{NAME, Wanted};
use scan::Node;

/// What the text says; `None` if it is not JSON with comments and trailing commas. A text without any value is `null`.
pub(super) fn read(text: &str) -> Option<Value> {
    let strict = strict::strict(text.strip_prefix('\u{feff}').unwrap_or(text));
    if strict.trim().is_empty() { Some(Value::Null) } else { serde_json::from_str(&strict).ok() }
}

/// What is to stand somewhere.
enum Part {
    /// A value in one line.
    Leaf(Value),
    /// An object with these members.
    Members(Vec<(String, Part)>),
}

/// Puts our entry below `key`, or changes what is to be changed in it.
pub(super) fn put(text: &str, key: &str, wanted: &Wanted) -> Result<String, Trouble> {
    if wanted.is_new {
        let members = wanted.changes.iter().map(|(path, value)| {
            let mut parts = path.iter().rev();
            let last = parts.next().cloned().unwrap_or_default();
            parts.fold((last, Part::Leaf(value.clone())), |inner, outer| (outer.clone(), Part::Members(vec![inner])))
        });
        return set(text, &[key.to_owned(), NAME.to_owned()], Part::Members(merged(members.collect())));
    }
    wanted.changes.iter().try_fold(text.to_owned(), |text, (path, value)| {
        let whole: Vec<String> = [key, NAME].into_iter().map(String::from).chain(path.iter().cloned()).collect();
        set(&text, &whole, Part::Leaf(value.clone()))
    })
}

/// Neighbours of one name become one object.
fn merged(members: Vec<(String, Part)>) -> Vec<(String, Part)> {
    let mut all: Vec<(String, Part)> = Vec::new();
    for (name, part) in members {
        match (all.last_mut(), part) {
            (Some((last, Part::Members(inner))), Part::Members(more)) if *last == name => inner.extend(more),
            (_, part) => all.push((name, part)),
        }
    }
    all
}

/// Takes our entry away, and the table around it if that is to go once there is nothing left in it.
pub(super) fn take(text: &str, key: &str, table: bool) -> Result<String, Trouble> {
    let (object, at) = find(text, &[key, NAME])?.ok_or(Trouble::Unsure("the entry is not where it was"))?;
    let text = without(text, &object, at);
    let around = if table { find(&text, &[key])? } else { None };
    let is_empty = |(object, at): &(Node, usize)| {
        let member = object.members.as_ref().and_then(|members| members.get(*at));
        member.is_some_and(|member| cut(&text, member.value.span.clone()) == "{}")
    };
    Ok(around.filter(is_empty).map_or_else(|| text.clone(), |(object, at)| without(&text, &object, at)))
}

/// Whether the text is whole, and its table of servers is one.
pub(super) fn check(text: &str, key: &str) -> Result<(), Trouble> {
    find(text, &[key, NAME]).map(drop)
}

/// Where our entry stands.
pub(super) fn span(text: &str, key: &str) -> Option<Range<usize>> {
    let (object, at) = find(text, &[key, NAME]).ok()??;
    let member = object.members?.into_iter().nth(at)?;
    Some(member.start..member.value.span.end)
}

fn scanned(text: &str) -> Result<Option<Node>, Trouble> {
    scan::scan(text).map_err(|at| Trouble::at(text, at))
}

/// The object that has the last word of the path, and which of its members that is.
fn find(text: &str, path: &[&str]) -> Result<Option<(Node, usize)>, Trouble> {
    let Some(mut node) = scanned(text)? else { return Ok(None) };
    let mut keys = path.iter().peekable();
    while let Some(key) = keys.next() {
        let Some(at) = only(&node, key)? else { return Ok(None) };
        if keys.peek().is_none() {
            return Ok(Some((node, at)));
        }
        let members = node.members.into_iter().flatten();
        let Some(member) = members.into_iter().nth(at) else { return Ok(None) };
        node = member.value;
    }
    Ok(None)
}

/// Which member of the object has that name.
fn only(node: &Node, key: &str) -> Result<Option<usize>, Trouble> {
    let members = node.members.as_ref().ok_or_else(|| Trouble::Kind(key.to_owned()))?;
    let mut found = members.iter().enumerate().filter(|(_, member)| member.key == key).map(|(at, _)| at);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(Trouble::Twice(key.to_owned())),
        (at, None) => Ok(at),
    }
}

fn set(text: &str, path: &[String], part: Part) -> Result<String, Trouble> {
    let style = Style::of(text);
    let wrap = |part, outer: &[String]| {
        outer.iter().rev().fold(part, |inner, name| Part::Members(vec![(name.clone(), inner)]))
    };
    let Some(mut node) = scanned(text)? else {
        // What is there are comments, and they stay in front.
        let gap =
            if text.trim_start_matches('\u{feff}').is_empty() || text.ends_with('\n') { "" } else { style.newline };
        let whole = written(&wrap(part, path), "", &style);
        return Ok(format!("{text}{gap}{whole}{}", style.newline));
    };
    for (depth, key) in path.iter().enumerate() {
        let Some(at) = only(&node, key)? else {
            let inner = wrap(part, path.get(depth + 1..).unwrap_or_default());
            return Ok(insert(text, &node, key, &inner));
        };
        let members = node.members.into_iter().flatten();
        node = members.into_iter().nth(at).ok_or(Trouble::Unsure("an entry is not where it was"))?.value;
    }
    let indent = style.indent_at(text, node.span.start);
    Ok(spliced(text, vec![(node.span, written(&part, &indent, &style))]))
}

/// The object with one member more, behind all others.
fn insert(text: &str, object: &Node, key: &str, part: &Part) -> String {
    let mut style = Style::of(text);
    let members = object.members.as_deref().unwrap_or_default();
    let inside = object.span.start + 1..object.span.end.saturating_sub(1);
    let interior = cut(text, inside.clone());
    let is_whole_file_one_line = !text.trim().contains('\n') && object.span.start > style.start;
    style.is_inline = if members.is_empty() { is_whole_file_one_line } else { !interior.contains('\n') };
    let outer = style.indent_at(text, object.span.start);
    let indent = match members.last() {
        Some(last) if style.is_first_in_line(text, last.start) => style.indent_at(text, last.start),
        _ => format!("{outer}{}", style.unit),
    };
    let gap = if style.is_inline { " ".to_owned() } else { format!("{}{indent}", style.newline) };
    let member = format!("{}: {}", quoted(key), written(part, &indent, &style));
    let Some(last) = members.last() else {
        let kept = interior.trim_end().len();
        return if kept > 0 {
            let at = inside.start + kept;
            spliced(text, vec![(at..at, gap + &member)])
        } else if style.is_inline {
            spliced(text, vec![(inside, member)])
        } else {
            spliced(text, vec![(inside, format!("{gap}{member}{}{outer}", style.newline))])
        };
    };
    // A comment behind the last member in its line is about that member.
    let end = last.value.span.end;
    let tail = scan::tail(text, last.comma.map_or(end, |comma| comma + 1));
    match last.comma {
        Some(_) => spliced(text, vec![(tail..tail, format!("{gap}{member},"))]),
        None => spliced(text, vec![(end..end, ",".to_owned()), (tail..tail, gap + &member)]),
    }
}

/// The object without one of its members. Comments stay, whoever they are about.
fn without(text: &str, object: &Node, at: usize) -> String {
    let members = object.members.as_deref().unwrap_or_default();
    let Some(member) = members.get(at) else { return text.to_owned() };
    let end = member.value.span.end;
    let before = cut(text, 0..member.start).trim_end();
    let after = cut(text, member.comma.map_or(end, |comma| comma + 1)..text.len());
    let ends_line = after.trim_start_matches([' ', '\t', '\r']).starts_with('\n');
    // What follows must not become part of a comment that goes to the end of its line.
    let may_be_comment = before.rsplit('\n').next().unwrap_or_default().contains("//") && !ends_line;
    let start = if may_be_comment { member.start } else { before.len() };
    let previous = at.checked_sub(1).and_then(|at| members.get(at)).and_then(|previous| previous.comma);
    let comma = member.comma.or(if at + 1 == members.len() { previous } else { None });
    let mut cuts = vec![(start..end, String::new())];
    cuts.extend(comma.map(|comma| (comma..comma + 1, String::new())));
    cuts.sort_by_key(|(range, _)| range.start);
    let inside = object.span.start + 1..object.span.end.saturating_sub(1);
    let left = [inside.start..start, end..inside.end].map(|range| cut(text, range).replace(',', ""));
    if members.len() == 1 && left.iter().all(|text| text.trim().is_empty()) {
        return spliced(text, vec![(inside, String::new())]);
    }
    spliced(text, cuts)
}

fn written(part: &Part, indent: &str, style: &Style) -> String {
    let Part::Members(members) = part else {
        let Part::Leaf(value) = part else { return String::new() };
        return compact(value);
    };
    let inner = format!("{indent}{}", style.unit);
    let all = members.iter().map(|(name, part)| format!("{}: {}", quoted(name), written(part, &inner, style)));
    if style.is_inline {
        return format!("{{{}}}", all.collect::<Vec<_>>().join(", "));
    }
    let (newline, all) = (style.newline, all.collect::<Vec<_>>());
    format!("{{{newline}{inner}{}{newline}{indent}}}", all.join(&format!(",{newline}{inner}")))
}

/// A value in one line, with a space behind commas and colons.
pub(super) fn compact(value: &Value) -> String {
    match value {
        Value::Array(all) => format!("[{}]", all.iter().map(compact).collect::<Vec<_>>().join(", ")),
        Value::Object(all) => {
            let pairs = all.iter().map(|(name, value)| format!("{}: {}", quoted(name), compact(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// The text as JSON has it, which is also how TOML and YAML have it between double quotes.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
