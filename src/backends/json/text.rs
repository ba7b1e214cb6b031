//! Texts of answers that know whether they stand in JSON as they are, and MCP content that is put together from them. Most of
//! a result is such texts: what was not escaped where it came from needs no escape where it goes, and nobody has to look.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::ops::Deref;

use serde::{Serialize, Serializer};

use super::writer::PLAIN;
use super::{Json, framed, joined};
use crate::backends::outside;

/// A text of an answer.
#[derive(Clone, Debug)]
pub(in crate::backends) struct Text<'a>(Kind<'a>);

#[derive(Clone, Debug)]
enum Kind<'a> {
    /// Printable ASCII in which nothing has to be escaped.
    Visible(&'a str),
    /// Nothing has to be escaped in it.
    Plain(&'a str),
    Any(Cow<'a, str>),
}

impl<'a> Text<'a> {
    /// A text in which nothing is escaped in the JSON where it stands.
    pub(super) fn plain(text: &'a str) -> Self {
        Self(Kind::Plain(text))
    }

    /// The same that has nothing but printable ASCII.
    pub(super) fn visible(text: &'a str) -> Self {
        Self(Kind::Visible(text))
    }

    /// The text without control and invisible characters (see [`outside::clean`]).
    pub(in crate::backends) fn clean(self) -> Self {
        match self.0 {
            Kind::Visible(_) => self,
            Kind::Plain(text) => match outside::clean_text(text.into()) {
                Cow::Borrowed(text) => Self::plain(text),
                Cow::Owned(text) => text.into(),
            },
            Kind::Any(text) => Self(Kind::Any(outside::clean_text(text))),
        }
    }

    /// Leaves at most so many bytes; nothing if that is in the middle of a character.
    pub(in crate::backends) fn truncate(&mut self, end: usize) {
        let end = if self.is_char_boundary(end.min(self.len())) { end } else { 0 };
        match &mut self.0 {
            Kind::Visible(text) | Kind::Plain(text) | Kind::Any(Cow::Borrowed(text)) => {
                *text = text.get(..end).unwrap_or(text)
            }
            Kind::Any(Cow::Owned(text)) => text.truncate(end),
        }
    }

    /// The text, to change it.
    pub(in crate::backends) fn into_owned(self) -> String {
        self.into_inner().into_owned()
    }

    /// The text, where it is.
    pub(super) fn into_inner(self) -> Cow<'a, str> {
        match self.0 {
            Kind::Visible(text) | Kind::Plain(text) => text.into(),
            Kind::Any(text) => text,
        }
    }
}

impl Default for Text<'_> {
    fn default() -> Self {
        Self::plain("")
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Kind::Visible(text) | Kind::Plain(text) => text,
            Kind::Any(text) => text,
        }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Kind::Any(text.into()))
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Kind::Any(text.into()))
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Kind::Visible(text) | Kind::Plain(text) => to.serialize_newtype_struct(PLAIN, text),
            Kind::Any(text) => to.serialize_str(text),
        }
    }
}

/// MCP content of one text, while it is put together.
pub(in crate::backends) struct Block(String);

const START: &str = "[{\"type\":\"text\",\"text\":\"";
const END: &str = "\"}]";
/// White space that is escaped.
const BLANKS: [&str; 5] = ["\\n", "\\t", "\\r", "\\f", "\\u000b"];

impl Block {
    /// An empty text, with room for so many bytes.
    pub(in crate::backends) fn new(room: usize) -> Self {
        let mut json = String::with_capacity(room);
        json.push_str(START);
        Self(json)
    }

    /// Adds words.
    pub(in crate::backends) fn add(&mut self, words: &str) {
        framed(&mut self.0, "", words, "");
    }

    /// Adds a text of an answer, with what stands before and after it as JSON has it: a line break is `\\n`.
    pub(in crate::backends) fn tell(&mut self, before: &'static str, text: &Text<'_>, after: &'static str) {
        debug_assert!(is_inner(before) && is_inner(after), "{before}{after}: the inside of a JSON string");
        match &text.0 {
            Kind::Visible(text) | Kind::Plain(text) => joined(&mut self.0, before, text, after),
            Kind::Any(text) => framed(&mut self.0, before, text, after),
        }
    }

    /// Adds words and figures as JSON has them.
    pub(in crate::backends) fn note(&mut self, words: fmt::Arguments<'_>) {
        let before = self.0.len();
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(words);
        debug_assert!(self.0.get(before..).is_some_and(is_inner), "{words}: the inside of a JSON string");
    }

    /// The content, without white space at the end of the text.
    pub(in crate::backends) fn end(self) -> Json {
        let Self(mut json) = self;
        loop {
            json.truncate(json.trim_end().len());
            let blank = BLANKS.iter().find_map(|blank| json.strip_suffix(blank));
            // After a backslash that stands for itself the sign that follows does so, too.
            let is_blank = |before: &&str| before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0;
            match blank.filter(is_blank).map(str::len) {
                Some(before) => json.truncate(before),
                None => break,
            }
        }
        json.push_str(END);
        Json(json)
    }
}

/// Whether a text can stand between the quotation marks of JSON.
fn is_inner(text: &str) -> bool {
    serde_json::from_str::<String>(&format!("\"{text}\"")).is_ok()
}

impl fmt::Write for Block {
    fn write_str(&mut self, words: &str) -> fmt::Result {
        self.add(words);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tree::Tree;
    use super::*;

    proptest! {
        #[test]
        fn what_is_put_together_is_what_is_written_at_once(
            pieces in prop::collection::vec("[a\\\\nrtf\u{b}\u{c}\r\n\t \u{85}\u{a0}\"0]{0,6}|.{0,6}", 0..6),
        ) {
            let mut block = Block::new(0);
            let json = serde_json::to_vec(&pieces).expect("JSON");
            let Ok(Tree::List(read)) = Tree::read(&json) else { panic!("a list") };
            for piece in read {
                let Tree::Text(text) = piece else { panic!("a text") };
                block.tell("\\n ", &text, "\\\\");
                block.note(format_args!("{:.2}\\\"", 1.5));
            }
            let whole: String = pieces.iter().map(|piece| format!("\n {piece}\\1.50\"")).collect();
            block.add(&whole);
            prop_assert_eq!(block.end(), Json::block(format!("{whole}{whole}").trim_end()));
        }

        #[test]
        fn a_text_is_the_same_wherever_it_came_from(text in "[ -~]{0,80}|.{0,9}[\\x00-\\xff]{0,9}", end in 0_usize..9) {
            let json = serde_json::to_vec(&text).expect("JSON");
            let Ok(Tree::Text(mut read)) = Tree::read(&json) else { panic!("a text") };
            prop_assert_eq!(&*read, text.as_str());
            prop_assert_eq!(Json::of(&[&read]), Json::of(&[&text]));
            prop_assert_eq!(&serde_json::to_vec(&read).expect("JSON"), &json);
            let cleaned = outside::clean(text.clone());
            prop_assert_eq!(&*read.clone().clean(), cleaned.as_str());
            prop_assert_eq!(Json::of(&read.clone().clean()), Json::of(&cleaned));
            read.truncate(end);
            prop_assert_eq!(&*read, text.get(..end.min(text.len())).unwrap_or_default());
            prop_assert_eq!(Json::of(&read), Json::of(&text.get(..end.min(text.len())).unwrap_or_default()));
        }
    }

    #[test]
    fn white_space_at_the_end_is_left_out_and_a_backslash_is_not() {
        for text in ["", " \n\t\u{b}\u{c}\r\u{a0}\u{3000}", "a\\n", "a\\\n", "a\\\\n \\\\\n", "\"", "\\"] {
            let mut block = Block::new(9);
            block.add(text);
            assert_eq!(block.end(), Json::block(text.trim_end()), "{text:?}");
        }
        assert_eq!(Block::new(0).end().get(), r#"[{"type":"text","text":""}]"#);
    }
}
