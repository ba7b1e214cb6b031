//! A JSON value whose texts stay where they were read from, unless something is escaped in them. For answers that are read
//! once: a `serde_json::Value` copies every text and sorts every member.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Number, Value};

use super::Text;

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
        match std::str::from_utf8(json) {
            Ok(text) => serde_json::from_str(text).map(|Read(value)| value),
            // The library says where.
            Err(_) => serde_json::from_slice::<Value>(json).map(Self::from),
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

/// What is read from JSON. Nothing else is: of texts that are borrowed it is known that no escape stood in them.
struct Read<'a>(Tree<'a>);

impl<'de> Deserialize<'de> for Read<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

/// A name of a member.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for Reader {
    type Value = Tree<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Tree<'de>, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Tree<'de>, E> {
        Ok(Tree::Flag(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Tree<'de>, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Tree<'de>, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Tree<'de>, E> {
        Ok(Number::from_f64(number).map_or(Tree::Null, Tree::Number))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Text::plain(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(text.to_owned().into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Tree<'de>, A::Error> {
        let mut all = Vec::new();
        while let Some(Read(value)) = from.next_element()? {
            all.push(value);
        }
        Ok(Tree::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Tree<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((Name(name), Read(value))) = from.next_entry()? {
            members.push((name, value));
        }
        Ok(Tree::Object(Members(members)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

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

    proptest! {
        #[test]
        fn what_is_read_is_what_the_library_reads(any in any_value(), broken in "[\\[{\"\\\\a1,:}\\]-]{0,12}") {
            prop_assert_eq!(&value(Tree::from(any.clone())), &any);
            prop_assert_eq!(Json::of(&Tree::from(any.clone())), Json::of(&any));
            for text in [any.to_string().into_bytes(), broken.clone().into_bytes(), [broken.as_bytes(), b"\xff\"]"].concat()] {
                let ours = Tree::read(&text).map(value).map_err(|error| error.to_string());
                let theirs = serde_json::from_slice::<Value>(&text).map_err(|error| error.to_string());
                prop_assert_eq!(ours, theirs, "{:?}", String::from_utf8_lossy(&text));
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
