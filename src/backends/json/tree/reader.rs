//! JSON read into a tree. What is not certainly JSON is left to the library, which says what is
//! wrong with it.

use super::super::{first_marked, plain, unprintable};
use super::{Members, Text, Tree};

/// How deep brackets may be nested, as in `serde_json`.
const DEEPEST: usize = 127;

/// The value; `None` if the library has to look.
pub(super) fn read(text: &str) -> Option<Tree<'_>> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(DEEPEST)?;
    reader.next().is_none().then_some(value)
}

struct Reader<'a> {
    text: &'a str,
    /// What comes next, in bytes from the start.
    at: usize,
}

impl<'a> Reader<'a> {
    /// The next byte after white space, which is read with it.
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            self.at = self.at.saturating_add(1);
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Tree<'a>> {
        let first = self.next()?;
        self.after(first, depth)
    }

    /// The value that begins with this byte.
    fn after(&mut self, first: u8, depth: usize) -> Option<Tree<'a>> {
        match first {
            b'"' => self.text().map(Tree::Text),
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.list(depth.checked_sub(1)?),
            b't' => self.word("rue", Tree::Flag(true)),
            b'f' => self.word("alse", Tree::Flag(false)),
            b'n' => self.word("ull", Tree::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => None,
        }
    }

    fn object(&mut self, depth: usize) -> Option<Tree<'a>> {
        let mut members = Vec::new();
        let mut next = self.next()?;
        if next == b'}' {
            return Some(Tree::Object(Members(members)));
        }
        while next == b'"' {
            let name = self.text()?;
            if self.next()? != b':' {
                return None;
            }
            members.push((name.into_inner(), self.value(depth)?));
            match self.next()? {
                b',' => next = self.next()?,
                b'}' => return Some(Tree::Object(Members(members))),
                _ => return None,
            }
        }
        None
    }

    fn list(&mut self, depth: usize) -> Option<Tree<'a>> {
        let mut all = Vec::new();
        let mut first = self.next()?;
        if first == b']' {
            return Some(Tree::List(all));
        }
        loop {
            all.push(self.after(first, depth)?);
            match self.next()? {
                b',' => first = self.next()?,
                b']' => return Some(Tree::List(all)),
                _ => return None,
            }
        }
    }

    /// A text, after its first quotation mark.
    fn text(&mut self) -> Option<Text<'a>> {
        let start = self.at;
        let mut end = self.quote(start)?;
        let text = self.text.get(start..end)?;
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end.checked_add(1)?;
            return match first_marked(text.as_bytes(), unprintable) {
                None => Some(Text::visible(text)),
                Some(_) => (plain(text) == text.len()).then(|| Text::plain(text)),
            };
        }
        while self.text.as_bytes().get(end) == Some(&b'\\') {
            // Whatever is escaped, it is no end.
            end = self.quote(end.checked_add(2)?)?;
        }
        self.at = end.checked_add(1)?;
        let whole = self.text.get(start.checked_sub(1)?..self.at)?;
        serde_json::from_str::<String>(whole).ok().map(Text::from)
    }

    /// Where the next quotation mark or backslash is.
    fn quote(&self, from: usize) -> Option<usize> {
        memchr::memchr2(b'"', b'\\', self.text.as_bytes().get(from..)?)?.checked_add(from)
    }

    /// The rest of a word of JSON's own.
    fn word(&mut self, rest: &str, value: Tree<'a>) -> Option<Tree<'a>> {
        let is_it = self.text.as_bytes().get(self.at..)?.starts_with(rest.as_bytes());
        self.at = self.at.checked_add(rest.len())?;
        is_it.then_some(value)
    }

    /// A number, after its first byte.
    fn number(&mut self) -> Option<Tree<'a>> {
        let start = self.at.checked_sub(1)?;
        let is_in_it = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at = self.at.checked_add(rest.iter().take_while(|byte| is_in_it(byte)).count())?;
        serde_json::from_str(self.text.get(start..self.at)?).ok().map(Tree::Number)
    }
}
