//! JSON with comments and trailing commas, read for where its parts stand.

use std::ops::Range;

use serde_json::Value;

/// Deeper nesting than the reader of what the text says allows.
const DEEPEST: usize = 120;

/// A value, and where it stands.
pub(super) struct Node {
    pub(super) span: Range<usize>,
    /// `None` if it is no object.
    pub(super) members: Option<Vec<Member>>,
}

/// A member of an object.
pub(super) struct Member {
    pub(super) key: String,
    /// Where its key begins.
    pub(super) start: usize,
    pub(super) value: Node,
    /// Where the comma behind it is.
    pub(super) comma: Option<usize>,
}

/// The only value of the text, or `None` if it has nothing but space and comments; the error is where it ceases to be
/// one.
pub(super) fn scan(text: &str) -> Result<Option<Node>, usize> {
    let mut scan = Scan { text, at: 0, depth: 0 };
    scan.skip("\u{feff}");
    scan.trivia()?;
    if scan.peek().is_none() {
        return Ok(None);
    }
    let node = scan.node()?;
    scan.trivia()?;
    if scan.peek().is_some() { Err(scan.at) } else { Ok(Some(node)) }
}

/// Where the comments and spaces end that begin at `from` and go on in the same line; spaces behind the last comment are
/// not counted.
pub(super) fn tail(text: &str, from: usize) -> usize {
    let mut scan = Scan { text, at: from, depth: 0 };
    let mut end = from;
    loop {
        while scan.skip(" ") || scan.skip("\t") {}
        match scan.comment() {
            Ok(true) => end = scan.at,
            _ => return end,
        }
    }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, word: &str) -> bool {
        let is_there = self.rest().starts_with(word);
        if is_there {
            self.at += word.len();
        }
        is_there
    }

    fn trivia(&mut self) -> Result<(), usize> {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            if !self.comment()? {
                return Ok(());
            }
        }
    }

    fn comment(&mut self) -> Result<bool, usize> {
        let rest = self.rest();
        let length = if rest.starts_with("//") {
            let line = rest.find('\n').unwrap_or(rest.len());
            // The end of a line is not part of the comment.
            rest.get(..line).unwrap_or(rest).trim_end_matches('\r').len()
        } else if let Some(inside) = rest.strip_prefix("/*") {
            inside.find("*/").ok_or(self.at)? + 4
        } else {
            return Ok(false);
        };
        self.at += length;
        Ok(true)
    }

    fn node(&mut self) -> Result<Node, usize> {
        let start = self.at;
        if self.depth > DEEPEST {
            return Err(start);
        }
        self.depth += 1;
        let members = match self.peek() {
            Some('{') => Some(self.object()?),
            Some('[') => {
                self.array()?;
                None
            }
            Some('"') => {
                self.string()?;
                None
            }
            _ => {
                self.word()?;
                None
            }
        };
        self.depth -= 1;
        Ok(Node { span: start..self.at, members })
    }

    fn object(&mut self) -> Result<Vec<Member>, usize> {
        self.skip("{");
        let mut members: Vec<Member> = Vec::new();
        loop {
            self.trivia()?;
            if self.skip("}") {
                return Ok(members);
            }
            if members.last().is_some_and(|last| last.comma.is_none()) {
                return Err(self.at);
            }
            let start = self.at;
            let key = self.string()?;
            self.trivia()?;
            if !self.skip(":") {
                return Err(self.at);
            }
            self.trivia()?;
            let value = self.node()?;
            self.trivia()?;
            let comma = self.comma();
            members.push(Member { key, start, value, comma });
        }
    }

    fn array(&mut self) -> Result<(), usize> {
        self.skip("[");
        let mut may_go_on = true;
        loop {
            self.trivia()?;
            if self.skip("]") {
                return Ok(());
            }
            if !may_go_on {
                return Err(self.at);
            }
            self.node()?;
            self.trivia()?;
            may_go_on = self.comma().is_some();
        }
    }

    fn comma(&mut self) -> Option<usize> {
        let at = self.at;
        self.skip(",").then_some(at)
    }

    fn string(&mut self) -> Result<String, usize> {
        let start = self.at;
        let mut letters = self.rest().char_indices();
        if letters.next().is_none_or(|(_, first)| first != '"') {
            return Err(start);
        }
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => drop(letters.next()),
                '"' => {
                    let written = self.rest().get(..=at).unwrap_or_default();
                    let text = serde_json::from_str(written).map_err(|_| start)?;
                    self.at += at + 1;
                    return Ok(text);
                }
                _ => {}
            }
        }
        Err(start)
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<(), usize> {
        let rest = self.rest();
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        serde_json::from_str::<Value>(word).map_err(|_| self.at)?;
        self.at += end;
        Ok(())
    }
}
