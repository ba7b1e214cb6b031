//! What is written between quotes or brackets in front matter, line by line.

use super::front::{Value, line};

/// The most characters that are read between brackets or quotes.
const LARGEST: usize = 16 << 10;
/// How deep brackets lie in each other.
const DEEPEST: usize = 32;

/// Where a reading is. The text may go on in the next line.
#[derive(Default)]
pub(super) struct Scan {
    /// The brackets that are open; none for a text that stands alone.
    open: Vec<char>,
    /// The quote that is open.
    quote: Option<char>,
    /// The entry that is being read, and whether any of it was in quotes.
    entry: String,
    was_quoted: bool,
    entries: Vec<String>,
    /// Whether there is more than a list of texts.
    is_nested: bool,
    is_list: bool,
    size: usize,
}

impl Scan {
    /// Reads a line; where in it everything is closed, if it is.
    pub(super) fn line(&mut self, text: &str) -> Result<Option<usize>, &'static str> {
        let mut chars = text.char_indices().peekable();
        let mut joins = true;
        while let Some((at, c)) = chars.next() {
            self.size += 1;
            if self.size > LARGEST {
                return Err("a text in quotes or brackets is longer than 16 KiB");
            }
            let next = chars.peek().map(|(_, next)| *next);
            match (self.quote, c) {
                (Some('\''), '\'') if next == Some('\'') => {
                    chars.next();
                    self.entry.push('\'');
                }
                (Some(quote), c) if c == quote => {
                    self.quote = None;
                    if self.open.is_empty() {
                        return Ok(Some(at + c.len_utf8()));
                    }
                }
                (Some('"'), '\\') => match chars.next() {
                    None => joins = false,
                    Some((_, escape)) => {
                        let digits = match escape {
                            'x' => 2,
                            'u' => 4,
                            'U' => 8,
                            _ => 0,
                        };
                        let code: String = (0..digits).filter_map(|_| chars.next()).map(|(_, digit)| digit).collect();
                        self.entry.push(escaped(escape, &code)?);
                    }
                },
                (Some(_), c) => self.entry.push(c),
                (None, '#') if self.entry.is_empty() || self.entry.ends_with([' ', '\t']) => break,
                (None, c) => {
                    if self.outside(c, next)? {
                        return Ok(Some(at + c.len_utf8()));
                    }
                }
            }
        }
        if joins {
            self.entry.push(' ');
        }
        Ok(None)
    }

    /// A character outside of quotes; whether everything is closed now.
    fn outside(&mut self, c: char, next: Option<char>) -> Result<bool, &'static str> {
        match c {
            '"' | '\'' if self.entry.trim().is_empty() && !self.was_quoted => {
                self.entry.clear();
                self.quote = Some(c);
                self.was_quoted = true;
            }
            '[' | '{' if self.entry.trim().is_empty() => {
                self.is_nested |= !self.open.is_empty() || c == '{';
                self.open.push(c);
                self.is_list = true;
                if self.open.len() > DEEPEST {
                    return Err("brackets lie too deep in each other");
                }
            }
            ']' | '}' => {
                if self.open.pop() != Some(if c == ']' { '[' } else { '{' }) {
                    return Err("a bracket is closed that is not open");
                }
                self.finish();
                return Ok(self.open.is_empty());
            }
            ',' => self.finish(),
            ':' if self.was_quoted || next.is_none_or(|next| " \t,[]{}".contains(next)) => {
                self.is_nested = true;
                self.entry.push(c);
            }
            '&' | '*' if self.entry.trim().is_empty() => return Err("anchors and aliases are not taken"),
            '!' if self.entry.trim().is_empty() => return Err("types of YAML are not taken"),
            c if self.was_quoted && !c.is_whitespace() => return Err("something follows a closing quote"),
            c => self.entry.push(c),
        }
        Ok(false)
    }

    fn finish(&mut self) {
        let entry = line(&self.entry);
        let is_null = !self.was_quoted && matches!(entry.as_str(), "" | "~" | "null" | "Null" | "NULL");
        if !is_null {
            self.entries.push(entry);
        }
        self.entry.clear();
        self.was_quoted = false;
    }

    /// What was read.
    pub(super) fn value(self) -> Result<Value, &'static str> {
        match (self.is_list, self.is_nested) {
            (false, _) => Ok(Value::Text(line(&self.entry))),
            (true, true) => Ok(Value::Nested),
            (true, false) if self.entries.len() > 100 => Err("a list has more than 100 entries"),
            (true, false) => Ok(Value::Texts(self.entries)),
        }
    }
}

/// The character of an escape, YAML 1.2 §5.7.
fn escaped(escape: char, code: &str) -> Result<char, &'static str> {
    const WRONG: &str = "there is no such escape";
    Ok(match escape {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        ' ' | '"' | '/' | '\\' => escape,
        'x' | 'u' | 'U' => {
            let is_code = code.len()
                == if escape == 'x' {
                    2
                } else if escape == 'u' {
                    4
                } else {
                    8
                };
            let number = u32::from_str_radix(code, 16).ok().filter(|_| is_code && !code.starts_with('+'));
            number.and_then(char::from_u32).ok_or(WRONG)?
        }
        _ => return Err(WRONG),
    })
}
