//! The front matter of a document: names with values between two lines `---`, in the part of YAML 1.2 that people write there.
//!
//! Read are texts of every style (plain, quoted, over several lines, block scalars) and lists of texts; of what is nested
//! deeper, the name alone. What a value means on several lines does not matter here: every text becomes one line. Anchors,
//! aliases and types are refused, because they let a few bytes stand for many and a text for something else. One thing that
//! YAML refuses is taken as it is meant: `description: Step 1: begin`. A whole YAML reader is 60 to 70 KB, measured, for three
//! keys.

use crate::backends::outside;

/// More bytes than anybody writes there.
const LARGEST: usize = 64 << 10;
/// The most characters of a value.
const LONGEST: usize = 1000;
/// The most names, and the most entries of a list.
const MOST: usize = 100;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// One line.
    Text(String),
    /// Entries of one line each.
    Texts(Vec<String>),
    /// Something nested.
    Nested,
}

/// What is wrong, and in which line of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) line: usize,
    pub(super) why: &'static str,
}

/// Names with their values, in the order of the document.
pub(super) type Front = Vec<(String, Value)>;

/// The front matter of a text, and the text after it. Without one, or with one that is broken, there are no names; the text
/// begins after it where its end is known.
pub(super) fn split(text: &str) -> (Result<Front, Broken>, &str) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.split_inclusive('\n');
    let mut at = match lines.next() {
        Some(first) if is_fence(first, "---") => first.len(),
        _ => return (Ok(Front::new()), text),
    };
    let start = at;
    for line in lines {
        let end = at;
        at = at.saturating_add(line.len());
        if is_fence(line, "---") || is_fence(line, "...") {
            let inner = text.get(start..end).unwrap_or_default();
            let rest = text.get(at..).unwrap_or_default();
            return (read(inner), rest);
        }
        if at > LARGEST {
            break;
        }
    }
    let why = if at > LARGEST { "it is larger than 64 KiB" } else { "no line `---` ends it" };
    (Err(Broken { line: 1, why }), text)
}

fn is_fence(line: &str, fence: &str) -> bool {
    line.strip_prefix(fence).is_some_and(|rest| rest.trim().is_empty())
}

fn read(inner: &str) -> Result<Front, Broken> {
    let lines: Vec<&str> = inner.lines().collect();
    let mut reader = Reader { lines: &lines, at: 0, base: 0 };
    reader.names().map_err(|why| Broken { line: reader.at.min(lines.len()).saturating_add(2), why })
}

/// Where the reading is: `at` is the next line.
struct Reader<'a> {
    lines: &'a [&'a str],
    at: usize,
    /// How far the names are indented.
    base: usize,
}

type Step<T> = Result<T, &'static str>;

impl<'a> Reader<'a> {
    fn names(&mut self) -> Step<Front> {
        let mut front = Front::new();
        while let Some(line) = self.peek() {
            if is_nothing(line) {
                self.at += 1;
                continue;
            }
            let body = line.trim_start_matches(' ');
            let indent = line.len() - body.len();
            if front.is_empty() {
                self.base = indent;
            }
            if body.starts_with('\t') {
                return Err("a tab cannot indent");
            }
            if indent != self.base {
                return Err("it is indented in another way than the lines before");
            }
            let (name, rest) = name_of(body)?;
            if front.iter().any(|(known, _)| *known == name) {
                return Err("the name is there twice");
            }
            if front.len() == MOST {
                return Err("there are more than 100 names");
            }
            let value = self.value(rest)?;
            if let Some(value) = value {
                front.push((name, value));
            }
        }
        Ok(front)
    }

    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    /// The value that begins with `rest`, on the line `at`. Afterwards `at` is the line behind it. `None` is null.
    fn value(&mut self, rest: &'a str) -> Step<Option<Value>> {
        let rest = rest.trim_matches(BLANK);
        if !rest.is_empty() && !rest.starts_with('#') {
            return self.scalar(rest, self.base);
        }
        self.at += 1;
        while self.peek().is_some_and(is_nothing) {
            self.at += 1;
        }
        let Some(next) = self.peek() else { return Ok(None) };
        let body = next.trim_start_matches(' ');
        let indent = next.len() - body.len();
        if body.starts_with('\t') {
            return Err("a tab cannot indent");
        }
        if is_item(body) && indent >= self.base {
            return self.list(indent).map(Some);
        }
        if indent <= self.base {
            return Ok(None);
        }
        if name_of(body).is_ok() && !body.starts_with(['"', '\'']) || body.starts_with("? ") {
            self.skip(self.base);
            return Ok(Some(Value::Nested));
        }
        self.scalar(body.trim_end_matches(BLANK), self.base)
    }

    /// Everything that is indented further than `base`.
    fn skip(&mut self, base: usize) {
        while self.peek().is_some_and(|line| is_nothing(line) || indent_of(line) > base) {
            self.at += 1;
        }
    }

    /// A list, whose dashes are indented by `indent`.
    fn list(&mut self, indent: usize) -> Step<Value> {
        let (mut all, mut is_nested) = (Vec::new(), false);
        while let Some(line) = self.peek() {
            let body = line.trim_start_matches(' ');
            if is_nothing(line) {
                self.at += 1;
                continue;
            }
            if line.len() - body.len() != indent || !is_item(body) {
                if line.len() - body.len() > self.base.max(indent.saturating_sub(1)) {
                    return Err("it is indented in another way than the entries before");
                }
                break;
            }
            let item = body.get(1..).unwrap_or_default().trim_matches(BLANK);
            if item.is_empty() || item.starts_with('#') || is_item(item) || is_pair(item) {
                is_nested |= !item.is_empty() && !item.starts_with('#');
                self.at += 1;
                self.skip(indent);
                continue;
            }
            match self.scalar(item, indent)? {
                Some(Value::Text(text)) if all.len() < MOST => all.push(text),
                Some(Value::Text(_)) => return Err("a list has more than 100 entries"),
                Some(_) => is_nested = true,
                None => {}
            }
        }
        Ok(if is_nested && all.is_empty() { Value::Nested } else { Value::Texts(all) })
    }

    /// A text or a list in brackets that begins with `rest` and goes on in lines that are indented further than `base`.
    fn scalar(&mut self, rest: &'a str, base: usize) -> Step<Option<Value>> {
        match rest.chars().next().unwrap_or_default() {
            '&' | '*' => Err("anchors and aliases are not taken"),
            '!' => Err("types of YAML are not taken"),
            '@' | '`' | '%' => Err("a value cannot begin with this character unless it is in quotes"),
            '|' | '>' => self.block(rest, base).map(|text| Some(Value::Text(text))),
            '"' | '\'' | '[' | '{' => self.enclosed(rest, base).map(Some),
            ']' | '}' | ',' => Err("a bracket or comma has no beginning"),
            _ => Ok(self.plain(rest, base)),
        }
    }

    fn plain(&mut self, rest: &'a str, base: usize) -> Option<Value> {
        let mut text = uncommented(rest).to_owned();
        let mut is_over = text.len() != rest.len();
        self.at += 1;
        while let Some(line) = self.peek() {
            let is_more = line.trim().is_empty() || indent_of(line) > base && !line.trim_start().starts_with('#');
            if is_over || !is_more {
                break;
            }
            let more = line.trim_matches(BLANK);
            let kept = uncommented(more);
            is_over = kept.len() != more.len();
            text.push(' ');
            text.push_str(kept);
            self.at += 1;
        }
        let is_null = matches!(text.trim(), "" | "~" | "null" | "Null" | "NULL");
        (!is_null).then(|| Value::Text(line(&text)))
    }

    fn block(&mut self, header: &str, base: usize) -> Step<String> {
        let marks = header.get(1..).unwrap_or_default();
        let marks = if marks.starts_with([' ', '\t']) { "" } else { uncommented(marks) };
        let given = marks.chars().find_map(|c| c.to_digit(10));
        if marks.chars().any(|c| !matches!(c, '+' | '-' | '1'..='9')) || marks.len() > 2 {
            return Err("`|` and `>` are followed by the lines of the text");
        }
        let tail = header
            .get(1..)
            .unwrap_or_default()
            .trim_start_matches(['+', '-', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        if !tail.trim().is_empty() && !tail.trim().starts_with('#') {
            return Err("`|` and `>` are followed by the lines of the text");
        }
        self.at += 1;
        let mut indent = given.map(|more| base + usize::try_from(more).unwrap_or_default());
        let mut text = String::new();
        while let Some(next) = self.peek() {
            if !next.trim_matches(' ').is_empty() {
                let own = indent_of(next);
                let wanted = *indent.get_or_insert(own);
                if own <= base || own < wanted {
                    break;
                }
            }
            text.push_str(next.trim());
            text.push(' ');
            self.at += 1;
        }
        match self.peek() {
            Some(next) if indent_of(next) > base && !is_nothing(next) => {
                Err("a line of the text is indented less than its first")
            }
            _ => Ok(line(&text)),
        }
    }

    /// A text in quotes, or something in brackets, to its end.
    fn enclosed(&mut self, rest: &'a str, base: usize) -> Step<Value> {
        let mut scan = super::enclosed::Scan::default();
        let mut next = rest;
        loop {
            if let Some(end) = scan.line(next)? {
                let after = next.get(end..).unwrap_or_default();
                if !(after.trim().is_empty() || after.starts_with(BLANK) && after.trim_start().starts_with('#')) {
                    return Err("something follows the end of the text or list");
                }
                self.at += 1;
                return scan.value();
            }
            self.at += 1;
            next = self.peek().ok_or("a quote or bracket is not closed")?;
            let is_end = rest.starts_with(['[', '{']) && next.trim_start().starts_with([']', '}']);
            if !next.trim().is_empty() && indent_of(next) <= base && !is_end {
                return Err("a quote or bracket is not closed");
            }
            next = next.trim_start_matches(BLANK);
        }
    }
}

const BLANK: [char; 2] = [' ', '\t'];

/// A value as it is kept: one line, without what shows nothing.
pub(super) fn line(text: &str) -> String {
    outside::line(text, LONGEST)
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_nothing(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

fn is_item(body: &str) -> bool {
    body == "-" || body.starts_with("- ") || body.starts_with("-\t")
}

/// Whether an entry of a list is itself a name with a value.
fn is_pair(item: &str) -> bool {
    !item.starts_with(['"', '\'', '[', '{']) && (item.ends_with(':') || item.contains(": "))
}

/// The text before a comment.
fn uncommented(text: &str) -> &str {
    let comment = text.match_indices('#').find(|(at, _)| text.get(..*at).is_some_and(|before| before.ends_with(BLANK)));
    let text = comment.map_or(text, |(at, _)| text.get(..at).unwrap_or_default());
    text.trim_end_matches(BLANK)
}

/// The name at the beginning of a line, and what follows its colon.
fn name_of(body: &str) -> Step<(String, &str)> {
    const NO_NAME: &str = "it is not a name with a colon and a value";
    let first = body.chars().next().ok_or(NO_NAME)?;
    if let '"' | '\'' = first {
        let end = body.get(1..).and_then(|rest| rest.find(first)).ok_or(NO_NAME)?;
        let name = body.get(1..=end).ok_or(NO_NAME)?;
        let rest = body.get(end + 2..).unwrap_or_default().trim_start_matches(BLANK);
        let rest = rest.strip_prefix(':').ok_or(NO_NAME)?;
        if name.contains('\\') || !(rest.is_empty() || rest.starts_with(BLANK)) {
            return Err(NO_NAME);
        }
        return Ok((line(name), rest));
    }
    if "&*!|>%@`[]{},#?".contains(first) || is_item(body) {
        return Err(NO_NAME);
    }
    let is_end =
        |(at, _): &(usize, &str)| body.get(at + 1..).is_some_and(|rest| rest.is_empty() || rest.starts_with(BLANK));
    let (at, _) = body.match_indices(':').find(is_end).ok_or(NO_NAME)?;
    let (name, rest) = body.split_at_checked(at).ok_or(NO_NAME)?;
    if name.trim().is_empty() || name.contains(" #") {
        return Err(NO_NAME);
    }
    Ok((line(name), rest.get(1..).unwrap_or_default()))
}
