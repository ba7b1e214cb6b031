//! A JSON value whose texts stay where they were read from, unless something is escaped in them. For answers that are read
//! once: a `serde_json::Value` copies every text and sorts every member.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

use super::Text;

mod reader;

/// A value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::backends) enum Tree<'a> {
    #[default]
    Null,
    Flag(bool),
    Number(Number),
    Text(Text<'a>),
    List(Vec<Tree<'a>>),
    Object(Members<'a>),
}

/// The members of an object, as they stand there. Of those with the same name the last counts, as in `serde_json`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::backends) struct Members<'a>(Vec<(Cow<'a, str>, Tree<'a>)>);

impl<'a> Members<'a> {
    /// The member of that name.
    pub(in crate::backends) fn get(&self, name: &str) -> Option<&Tree<'a>> {
        self.0.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// The same, to keep; what stays is `null`.
    pub(in crate::backends) fn take(&mut self, name: &str) -> Option<Tree<'a>> {
        self.0.iter_mut().rev().find(|(other, _)| other == name).map(|(_, value)| std::mem::take(value))
    }
}

impl<'a> Tree<'a> {
    /// Reads JSON.
    pub(in crate::backends) fn read(json: &'a [u8]) -> Result<Self, serde_json::Error> {
        match std::str::from_utf8(json).ok().and_then(reader::read) {
            Some(value) => Ok(value),
            // The library says what is wrong with it, and where.
            None => serde_json::from_slice::<Value>(json).map(Self::from),
        }
    }

    /// The text, if it is one.
    pub(in crate::backends) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'a> IntoIterator for Members<'a> {
    type Item = (Cow<'a, str>, Tree<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, K: Into<Cow<'a, str>>, V: Into<Tree<'a>>> FromIterator<(K, V)> for Members<'a> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(members: T) -> Self {
        Self(members.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl From<Value> for Tree<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Flag(flag),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(text.into()),
            Value::Array(all) => Self::List(all.into_iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(members.into_iter().collect()),
        }
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Flag(flag) => to.serialize_bool(*flag),
            Self::Number(number) => number.serialize(to),
            Self::Text(text) => text.serialize(to),
            Self::List(all) => to.collect_seq(all),
            Self::Object(Members(members)) => to.collect_map(members.iter().map(|(name, value)| (name, value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use serde_json::ser::PrettyFormatter;

    use super::*;
    use crate::backends::json::Json;
    use crate::backends::json::writer::tests::any_value;

    fn value(tree: Tree<'_>) -> Value {
        match tree {
            Tree::Null => Value::Null,
            Tree::Flag(flag) => flag.into(),
            Tree::Number(number) => Value::Number(number),
            Tree::Text(text) => text.into_owned().into(),
            Tree::List(all) => all.into_iter().map(value).collect(),
            Tree::Object(members) => {
                members.into_iter().map(|(name, inner)| (name.into_owned(), value(inner))).collect()
            }
        }
    }

    /// With tabs and two characters for the end of a line, none of them within a text.
    fn spaced(any: &Value) -> String {
        let mut json = Vec::new();
        let indented = PrettyFormatter::with_indent(b"\t");
        any.serialize(&mut serde_json::Serializer::with_formatter(&mut json, indented)).expect("JSON");
        String::from_utf8(json).expect("UTF-8").replace('\n', "\r\n")
    }

    #[test]
    fn white_space_stands_between_what_is_written_and_not_in_it() {
        let any = json!([{"  ": "  \n"}]);
        assert_eq!(spaced(&any), "[\r\n\t{\r\n\t\t\"  \": \"  \\n\"\r\n\t}\r\n]");
        assert!(reader::read(&spaced(&any)).is_some());
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_the_library_reads(any in any_value(), broken in "[\\[{\"\\\\a1,:}\\]-]{0,12}") {
            prop_assert_eq!(&value(Tree::from(any.clone())), &any);
            prop_assert_eq!(Json::of(&Tree::from(any.clone())), Json::of(&any));
            prop_assert!(reader::read(&any.to_string()).is_some());
            for text in [any.to_string().into_bytes(), broken.clone().into_bytes(), [broken.as_bytes(), b"\xff\"]"].concat()] {
                is_read_as_the_library_does(&text);
            }
        }

        #[test]
        fn also_where_something_of_it_is_lost_or_changed(
            any in any_value(),
            is_spaced in any::<bool>(),
            (place, lost) in (any::<prop::sample::Index>(), 0..3_usize),
            other in "[\u{1}\t\r\n\u{7f} -~é]{0,3}|\\\\u[dD][89c][0-9a-f]{0,2}|-?0?[1-9.eE+-]{1,5}|1e999|tru|nul",
        ) {
            let whole = if is_spaced { spaced(&any) } else { any.to_string() };
            prop_assert!(reader::read(&whole).is_some());
            let mut text = whole.into_bytes();
            let at = place.index(text.len());
            text.splice(at..text.len().min(at + lost), other.bytes());
            is_read_as_the_library_does(&text);
        }

        #[test]
        fn of_every_text_it_is_known_whether_it_is_clean(
            text in "[ -~é\u{7f}\u{200b}]{0,4}[a-z ]{0,80}[ -~é\u{7f}\u{200b}]{0,2}[a-z]{0,3}",
        ) {
            let json = serde_json::to_vec(&text).expect("JSON");
            let Ok(Tree::Text(read)) = Tree::read(&json) else { panic!("a text") };
            prop_assert_eq!(&*read.clean(), crate::backends::outside::clean(text));
        }
    }

    fn is_read_as_the_library_does(text: &[u8]) {
        let ours = Tree::read(text).map(value).map_err(|error| error.to_string());
        let theirs = serde_json::from_slice::<Value>(text).map_err(|error| error.to_string());
        assert_eq!(ours, theirs, "{:?}", String::from_utf8_lossy(text));
    }

    #[test]
    fn brackets_may_be_nested_as_deeply_as_in_the_library() {
        for depth in 125..130 {
            for (open, inner, close) in [("[", "1", "]"), ("{\"a\":", "[]", "}"), ("[{\"a\":", "{}", "}]")] {
                is_read_as_the_library_does(
                    [open.repeat(depth), inner.into(), close.repeat(depth)].concat().as_bytes(),
                );
            }
        }
    }

    #[test]
    fn texts_stay_where_they_are_unless_something_is_escaped() {
        let text = r#"{"a":"plain","b\n":"two\nlines"}"#;
        let Ok(Tree::Object(mut members)) = Tree::read(text.as_bytes()) else { panic!("an object") };
        let place = members.get("a").and_then(Tree::text).map(str::as_ptr);
        assert_eq!(place, text.get(6..).map(str::as_ptr));
        assert_eq!(members.get("b\n"), Some(&Tree::Text("two\nlines".into())));
        assert_eq!(members.take("a"), Some(Tree::Text("plain".into())));
        assert_eq!(members.take("a"), Some(Tree::Null));
        assert_eq!(members.take("c"), None);
    }

    #[test]
    fn of_members_with_one_name_the_last_counts() {
        let text = r#"{"a":1,"b":2,"a":3}"#;
        let Ok(Tree::Object(members)) = Tree::read(text.as_bytes()) else { panic!("an object") };
        assert_eq!(members.get("a"), Some(&Tree::Number(3.into())));
        assert_eq!(value(Tree::Object(members)), json!({"a": 3, "b": 2}));
    }
}
