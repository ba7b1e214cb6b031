//! How a text is laid out, and changes at places of it.

use std::ops::Range;

/// Why a text cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It ceases to be what it should be in this line.
    NotWhole(usize),
    /// Something else than a table stands there.
    Kind(String),
    /// A name is there twice.
    Twice(String),
    /// It may be whole, and is not written in a way that is surely understood.
    Unsure(&'static str),
}

impl Trouble {
    /// The text ceases to be what it should be at this place.
    pub(super) fn at(text: &str, at: usize) -> Self {
        Self::NotWhole(cut(text, 0..at).matches('\n').count() + 1)
    }
}

/// How a text is laid out.
pub(super) struct Style {
    pub(super) newline: &'static str,
    /// One step of indentation.
    pub(super) unit: String,
    /// Everything in one line.
    pub(super) is_inline: bool,
    /// Where it begins, behind a mark of its encoding.
    pub(super) start: usize,
}

impl Style {
    pub(super) fn of(text: &str) -> Self {
        let mut indents = text.lines().map(indent).filter(|indent| !indent.is_empty());
        let first = indents.next().unwrap_or("  ");
        let unit = if first.starts_with('\t') { "\t" } else { first };
        Self {
            newline: newline(text),
            // A first indentation of more than eight letters lines something up.
            unit: if unit.len() > 8 { "  ".to_owned() } else { unit.to_owned() },
            is_inline: false,
            start: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 },
        }
    }

    /// The indentation of the line that holds this place.
    pub(super) fn indent_at(&self, text: &str, at: usize) -> String {
        indent(line_before(text, at).trim_start_matches('\u{feff}')).to_owned()
    }

    /// Whether only space stands before this place in its line.
    pub(super) fn is_first_in_line(&self, text: &str, at: usize) -> bool {
        line_before(text, at).trim_start_matches('\u{feff}').chars().all(|c| matches!(c, ' ' | '\t'))
            && cut(text, 0..at).contains('\n')
    }
}

/// How the lines of this text end.
pub(super) fn newline(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if cut(text, 0..at).ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

fn indent(line: &str) -> &str {
    cut(line, 0..line.len() - line.trim_start_matches([' ', '\t']).len())
}

fn line_before(text: &str, at: usize) -> &str {
    cut(text, 0..at).rsplit('\n').next().unwrap_or_default()
}

/// A part of the text; empty where there is none.
pub(super) fn cut(text: &str, range: Range<usize>) -> &str {
    text.get(range).unwrap_or_default()
}

/// The text with other parts at these places, which do not overlap and are in order.
pub(super) fn spliced(text: &str, parts: Vec<(Range<usize>, String)>) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut from = 0;
    for (range, part) in parts {
        whole += cut(text, from..range.start);
        whole += &part;
        from = range.end;
    }
    whole + cut(text, from..text.len())
}
