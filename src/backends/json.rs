//! JSON of texts, which are most of what lists and results consist of: written a word at a time instead of a byte at a time.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Error, Output, outside};

pub(super) use text::{Block, Text};
pub(super) use tree::{Members, Tree};

mod text;
mod tree;
mod writer;

/// JSON that is written out: by us, or by others and then read once to see that it is JSON. It is passed on as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// A value as JSON; `None` if it has no such form, or is raw JSON somewhere.
    pub fn of(value: &(impl Serialize + ?Sized)) -> Option<Self> {
        Self::with_room(value, 128)
    }

    /// The same, where it will take about so many bytes.
    fn with_room(value: &(impl Serialize + ?Sized), room: usize) -> Option<Self> {
        let mut json = String::with_capacity(room);
        writer::write(&mut json, value).ok().map(|()| Self(json))
    }

    /// MCP content of one text: an array of one block.
    pub fn block(text: &str) -> Self {
        // Some room for the breaks of lines, which take two bytes each.
        let mut json = String::with_capacity(text.len().saturating_add(text.len() / 16).saturating_add(64));
        framed(&mut json, "[{\"type\":\"text\",\"text\":\"", text, "\"}]");
        Self(json)
    }

    /// The same without what nobody sees (see [`outside::clean_json`]).
    fn cleaned(self) -> Option<Self> {
        if !outside::may_hide(&self.0) {
            return Some(self);
        }
        let value = serde_json::from_str(&self.0).ok()?;
        Some(Self::from(&outside::cleaned(value)))
    }

    /// The text.
    pub fn get(&self) -> &str {
        &self.0
    }

    /// The text, to be passed on.
    pub fn into_text(self) -> String {
        self.0
    }
}

impl From<Box<RawValue>> for Json {
    fn from(json: Box<RawValue>) -> Self {
        Self(Box::<str>::from(json).into())
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        Self(value.to_string())
    }
}

impl Output {
    /// A result as fields, and as one text for people and for hosts that take no fields; `None` if the fields have no JSON
    /// form.
    pub(super) fn of(text: &str, fields: &impl Serialize) -> Option<Self> {
        Self::with(Json::block(text), fields)
    }

    /// The same where the text is content already.
    pub(super) fn with(content: Json, fields: &impl Serialize) -> Option<Self> {
        // The fields say what the text says.
        let structured = Json::with_room(fields, content.0.len().saturating_add(256))?;
        Some(Self { content, structured: Some(structured), failed: false })
    }

    /// The fields without what nobody sees (see [`outside::clean_json`]).
    pub(super) fn cleaned(self) -> Self {
        Self { structured: self.structured.and_then(Json::cleaned), ..self }
    }
}

impl Error {
    /// A result that has no JSON form.
    pub(super) fn unwritten(host: &str) -> Self {
        Self::Protocol { host: host.to_owned(), cause: "the result has no JSON form".to_owned() }
    }
}

/// Adds a JSON string.
pub fn quoted(out: &mut String, text: &str) {
    framed(out, "\"", text, "\"");
}

/// Adds what stands before a name of ours and ends with the quotation mark, the name, in which nothing has to be escaped, and what
/// follows.
fn named(out: &mut String, before: &str, name: &'static str, after: &str) {
    joined(out, before, name, after);
}

/// The same for any text in which nothing has to be escaped.
fn joined(out: &mut String, before: &str, text: &str, after: &str) {
    debug_assert!(plain(text) == text.len(), "{text}: a text of plain characters");
    out.reserve(before.len().saturating_add(text.len()).saturating_add(after.len()));
    for piece in [before, text, after] {
        out.push_str(piece);
    }
}

/// Adds what stands before a text and ends with the quotation mark, the text as JSON has it, and what follows.
fn framed(out: &mut String, before: &str, text: &str, after: &str) {
    out.reserve(before.len().saturating_add(text.len()).saturating_add(after.len()));
    if !before.is_empty() {
        out.push_str(before);
    }
    let mut rest = text;
    while !rest.is_empty() {
        let (plain, odd) = rest.split_at_checked(plain(rest)).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut odd = odd.chars();
        match odd.next() {
            None => {}
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\t') => out.push_str("\\t"),
            Some('\r') => out.push_str("\\r"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\u{c}') => out.push_str("\\f"),
            Some(c) if c < ' ' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            Some(c) => out.push(c),
        }
        rest = odd.as_str();
    }
    out.push_str(after);
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = LOW << 7;

/// Marks, with the high bit of a byte, where one of the eight bytes is below `least`; bytes after a mark may have one, too, and
/// what is said of bytes above 127 means nothing.
#[inline(always)]
const fn below(word: u64, least: u8) -> u64 {
    word.wrapping_sub(LOW * least as u64)
}

/// Marks what a JSON string has to escape. The first mark is right; what is after it means nothing.
#[inline(always)]
const fn escaped(word: u64) -> u64 {
    // A quotation mark changes places with the space, which is next to what has to be escaped.
    let (swapped, backslash) = (word ^ (LOW * 2), word ^ (LOW * b'\\' as u64));
    (below(swapped, b'!') | below(backslash, 1)) & !word & HIGH
}

/// Marks what is no printable ASCII, also line breaks and tabs.
#[inline(always)]
const fn unprintable(word: u64) -> u64 {
    (below(word, b' ') | word | below(word ^ (LOW * 0x7f), 1)) & HIGH
}

/// The four words of a block with all their marks in one. What is below is inlined whatever its size: this runs over every
/// text of a result, and a call for each word costs more than the word.
#[inline(always)]
fn marks(block: &[u8; 32], mark: impl Fn(u64) -> u64) -> u64 {
    let ([a, b, c, d], _) = block.as_chunks::<8>() else { return u64::MAX };
    mark(u64::from_le_bytes(*a))
        | mark(u64::from_le_bytes(*b))
        | mark(u64::from_le_bytes(*c))
        | mark(u64::from_le_bytes(*d))
}

/// Where the first byte with a mark is.
#[inline(always)]
fn first_marked(bytes: &[u8], mark: impl Fn(u64) -> u64) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks::<32>();
    let odd = blocks.iter().position(|block| marks(block, &mark) != 0).unwrap_or(blocks.len());
    let mut at = odd.saturating_mul(32);
    let (words, rest) = blocks.get(odd).map_or(rest, |block| block.as_slice()).as_chunks::<8>();
    for word in words {
        let marks = mark(u64::from_le_bytes(*word));
        if marks != 0 {
            return Some(at.saturating_add(first(marks)));
        }
        at = at.saturating_add(8);
    }
    // Spaces are marked by nobody.
    let mut word = [b' '; 8];
    word.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
    let marks = mark(u64::from_le_bytes(word));
    (marks != 0).then(|| at.saturating_add(first(marks)))
}

/// How many bytes stand before the first that a JSON string has to escape.
fn plain(text: &str) -> usize {
    first_marked(text.as_bytes(), escaped).unwrap_or(text.len())
}

/// Which byte has the first mark.
#[inline(always)]
const fn first(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// Whether there is nothing in a text but printable ASCII, line breaks and tabs.
pub(super) fn is_printable(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let Some(at) = first_marked(rest, unprintable) {
        match rest.split_at_checked(at) {
            Some((_, [b'\n' | b'\t', after @ ..])) => rest = after,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_character_is_written_as_the_library_writes_it_wherever_it_stands() {
        for c in (0..0x100).chain([0x2028, 0xd7ff, 0xe000, 0xffff, 0x1f600, 0x10_ffff]).filter_map(char::from_u32) {
            for place in 0..50 {
                let text = format!("{}{c}{}{c}", "x".repeat(place), "yé".repeat(20));
                let mut json = String::new();
                quoted(&mut json, &text);
                assert_eq!(json, serde_json::to_string(&text).unwrap(), "{c:?} at {place}");
            }
        }
    }

    #[test]
    fn what_is_no_printable_ascii_is_found_wherever_it_stands() {
        for c in (0..0x200).filter_map(char::from_u32) {
            for place in 0..70 {
                for before in ["x".repeat(place), "x\t\n\"\\".repeat(place / 2)] {
                    let text = format!("{before}{c}{}", "x".repeat(40));
                    assert_eq!(is_printable(&text), matches!(c, ' '..='~' | '\n' | '\t'), "{c:?} at {place}");
                }
            }
        }
        assert!(is_printable(""));
    }

    #[test]
    fn long_texts_are_written_as_short_ones_are() {
        let long_one = "a \"long\" text\u{7}\n".repeat(20);
        let value = json!({"a": [long_one, 1, null, {"b": long_one}], "c": "short", "d": 0.1, "e": {}});
        let output = Output::of(&long_one, &value).unwrap();
        assert_eq!(output.structured.unwrap().get(), value.to_string());
        let quoted = serde_json::to_string(&long_one).unwrap();
        assert_eq!(output.content.get(), format!("[{{\"type\":\"text\",\"text\":{quoted}}}]"));
    }
}
