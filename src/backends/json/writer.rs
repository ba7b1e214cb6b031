//! Values as JSON, straight into a text: what `serde_json` writes, byte for byte, with the texts a word at a time.

use std::fmt::{self, Display, Write as _};
use std::mem;

use serde::ser;
use serde::{Serialize, Serializer};
use serde_json::Number;

use super::{joined, named, quoted};

/// The names under which `serde_json` hands raw JSON to its own writer. There is none of it in what is written here, and as a
/// text it would be wrong.
const PRIVATE: &str = "$serde_json::private";

/// Adds a value; an error if it has no JSON form, after which what was added means nothing.
pub(super) fn write(out: &mut String, value: &(impl Serialize + ?Sized)) -> Result<(), NoJson> {
    value.serialize(Writer { out, is_plain: false })
}

/// A value has no JSON form: it says so itself, or a name in it is no text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoJson;

impl Display for NoJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no JSON form")
    }
}

impl std::error::Error for NoJson {}

impl ser::Error for NoJson {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// The name under which a text is handed over in which nothing has to be escaped. Whoever does not know it writes the text as any
/// other.
pub(super) const PLAIN: &str = "keyward::plain";

/// Writes one value.
struct Writer<'a> {
    out: &'a mut String,
    /// Whether nothing has to be escaped in it.
    is_plain: bool,
}

/// A list or an object that is being written.
struct Open<'a> {
    out: &'a mut String,
    /// What stands before its next part.
    before: &'static str,
    end: &'static str,
}

impl<'a> Writer<'a> {
    fn open(self, start: &str, end: &'static str) -> Open<'a> {
        self.out.push_str(start);
        Open { out: self.out, before: "", end }
    }

    /// The object whose one member has the name of a variant, up to what begins the variant.
    fn variant(self, name: &str, start: &str, end: &'static str) -> Open<'a> {
        self.out.push('{');
        quoted(self.out, name);
        self.out.push(':');
        self.open(start, end)
    }

    fn plain(self, value: impl Display) -> Result<(), NoJson> {
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{value}");
        Ok(())
    }
}

impl Open<'_> {
    fn part(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), NoJson> {
        self.out.push_str(mem::replace(&mut self.before, ","));
        write(self.out, value)
    }

    fn member(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) -> Result<(), NoJson> {
        let before = if self.before.is_empty() { "\"" } else { ",\"" };
        self.before = ",";
        named(self.out, before, name, "\":");
        write(self.out, value)
    }

    fn close(self) -> Result<(), NoJson> {
        self.out.push_str(self.end);
        Ok(())
    }
}

/// What is written as it is shown.
macro_rules! shown {
    ($($method:ident: $kind:ty),*) => {
        $(fn $method(self, value: $kind) -> Result<(), NoJson> {
            self.plain(value)
        })*
    };
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = NoJson;
    type SerializeSeq = Open<'a>;
    type SerializeTuple = Open<'a>;
    type SerializeTupleStruct = Open<'a>;
    type SerializeTupleVariant = Open<'a>;
    type SerializeMap = Open<'a>;
    type SerializeStruct = Open<'a>;
    type SerializeStructVariant = Open<'a>;

    shown! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    }

    fn serialize_bool(self, value: bool) -> Result<(), NoJson> {
        self.out.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), NoJson> {
        // It has fewer digits than the same number as `f64`.
        self.out.push_str(&serde_json::to_string(&value).map_err(|_| NoJson)?);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), NoJson> {
        match Number::from_f64(value) {
            Some(number) => self.plain(number),
            None => self.serialize_unit(),
        }
    }

    fn serialize_char(self, value: char) -> Result<(), NoJson> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), NoJson> {
        match self.is_plain {
            true => joined(self.out, "\"", value, "\""),
            false => quoted(self.out, value),
        }
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), NoJson> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<(), NoJson> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NoJson> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NoJson> {
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NoJson> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<(), NoJson> {
        self.serialize_str(name)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), NoJson> {
        value.serialize(Writer { is_plain: name == PLAIN, ..self })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), NoJson> {
        let mut open = self.variant(name, "", "}");
        open.part(value)?;
        open.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'a>, NoJson> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Open<'a>, NoJson> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Open<'a>, NoJson> {
        Ok(self.open("[", "]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Open<'a>, NoJson> {
        Ok(self.variant(name, "[", "]}"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Open<'a>, NoJson> {
        Ok(self.open("{", "}"))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Open<'a>, NoJson> {
        if name.starts_with(PRIVATE) { Err(NoJson) } else { Ok(self.open("{", "}")) }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Open<'a>, NoJson> {
        Ok(self.variant(name, "{", "}}"))
    }
}

/// The parts of lists.
macro_rules! parts {
    ($($kind:ident: $method:ident),*) => {
        $(impl ser::$kind for Open<'_> {
            type Ok = ();
            type Error = NoJson;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoJson> {
                self.part(value)
            }

            fn end(self) -> Result<(), NoJson> {
                self.close()
            }
        })*
    };
}

parts! {
    SerializeSeq: serialize_element, SerializeTuple: serialize_element, SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
}

/// The members of objects whose names are ours.
macro_rules! members {
    ($($kind:ident),*) => {
        $(impl ser::$kind for Open<'_> {
            type Ok = ();
            type Error = NoJson;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NoJson> {
                self.member(name, value)
            }

            fn end(self) -> Result<(), NoJson> {
                self.close()
            }
        })*
    };
}

members!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Open<'_> {
    type Ok = ();
    type Error = NoJson;

    /// Numbers and truth values become texts, as `serde_json` has it.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), NoJson> {
        self.out.push_str(mem::replace(&mut self.before, ","));
        let at = self.out.len();
        write(self.out, name)?;
        match self.out.as_bytes().get(at) {
            Some(b'"') => {}
            Some(b't' | b'f' | b'-' | b'0'..=b'9') => {
                self.out.insert(at, '"');
                self.out.push('"');
            }
            _ => return Err(NoJson),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoJson> {
        self.out.push(':');
        write(self.out, value)
    }

    fn end(self) -> Result<(), NoJson> {
        self.close()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::value::RawValue;
    use serde_json::{Map, Value, json};

    use super::*;

    /// What the library writes, or that it refuses to.
    fn is_as_the_library_has_it(value: &(impl Serialize + ?Sized)) {
        let mut out = "before".to_owned();
        let ours = write(&mut out, value).map(|()| out);
        let theirs = serde_json::to_string(value).map(|json| format!("before{json}"));
        assert_eq!(ours, theirs.map_err(|_| NoJson));
    }

    #[derive(Clone, Serialize, PartialEq, Eq, PartialOrd, Ord)]
    enum Kind {
        Unit,
        New(i8),
        #[serde(rename = "a \"b\"\n")]
        Two(u16, String),
        Members {
            a: Option<bool>,
            b: (),
        },
    }

    #[derive(Serialize)]
    struct Nothing;

    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    struct New(u64);

    #[derive(Serialize)]
    struct Two(f32, f64);

    #[derive(Serialize)]
    struct All {
        nothing: Nothing,
        new: New,
        two: Two,
        kinds: Vec<Kind>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        bytes: Vec<u8>,
        character: char,
        large: (i128, u128),
        texts: BTreeMap<String, Option<String>>,
        numbers: BTreeMap<i32, Value>,
        flags: BTreeMap<bool, char>,
    }

    /// Any JSON.
    pub(in crate::backends::json) fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\\x00-\\xff]{0,20}|[ -~\\n]{60,90}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..8)
                    .prop_map(|members| Value::Object(Map::from_iter(members))),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_is_written_as_the_library_writes_it(value in any_value()) {
            is_as_the_library_has_it(&value);
        }

        #[test]
        fn so_is_any_struct(
            value in any_value(),
            (number, small, word) in any::<(u64, i8, u16)>(),
            (single, double) in any::<(f32, f64)>(),
            large in any::<(i128, u128)>(),
            text in any::<String>(),
            (character, flag, signed) in any::<(char, Option<bool>, i32)>(),
            bytes in any::<Vec<u8>>(),
        ) {
            is_as_the_library_has_it(&All {
                nothing: Nothing,
                new: New(number),
                two: Two(single, double),
                kinds: vec![
                    Kind::Unit,
                    Kind::New(small),
                    Kind::Two(word, text.clone()),
                    Kind::Members { a: flag, b: () },
                ],
                bytes,
                character,
                large,
                texts: BTreeMap::from([(text.clone(), None), ("b".to_owned(), Some(text))]),
                numbers: BTreeMap::from([(signed, value.clone()), (0, value)]),
                flags: BTreeMap::from([(true, character), (false, 'a')]),
            });
        }
    }

    #[test]
    fn what_the_library_refuses_as_a_name_is_refused() {
        is_as_the_library_has_it(&BTreeMap::from([(Kind::Unit, 1)]));
        is_as_the_library_has_it(&BTreeMap::from([(New(1), 1)]));
        is_as_the_library_has_it(&BTreeMap::from([(Some("a"), 1)]));
        for kind in [Kind::New(1), Kind::Two(1, String::new()), Kind::Members { a: None, b: () }] {
            is_as_the_library_has_it(&BTreeMap::from([(kind, 1)]));
        }
        is_as_the_library_has_it(&BTreeMap::from([(None::<&str>, 1)]));
        is_as_the_library_has_it(&BTreeMap::from([((), 1)]));
        is_as_the_library_has_it(&BTreeMap::from([(vec![1_u8], 1)]));
        assert_eq!(write(&mut String::new(), &BTreeMap::from([((), 1)])), Err(NoJson));
    }

    #[test]
    fn numbers_that_json_has_not_are_nothing() {
        for number in [f64::NAN, f64::INFINITY, -0.0, 1e300, 1e-7, 0.1] {
            is_as_the_library_has_it(&[number]);
            #[expect(clippy::cast_possible_truncation, reason = "any number of each kind will do")]
            is_as_the_library_has_it(&[number as f32]);
        }
    }

    #[test]
    fn raw_json_is_refused_rather_than_written_as_a_text() {
        let raw = serde_json::value::to_raw_value(&json!({"a": 1})).expect("JSON");
        assert_eq!(write(&mut String::new(), &[raw]), Err(NoJson));
        assert_eq!(write(&mut String::new(), RawValue::NULL), Err(NoJson));
    }
}
