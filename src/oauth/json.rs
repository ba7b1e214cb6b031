//! One JSON object as a server sent it, read strictly: a member written twice means two readers can disagree about it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

const DEPTH: usize = 64;

/// A JSON object whose members are unique.
struct Unique(Map<String, Value>);

/// Why a body is not such an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not JSON at all: a page, a text, nothing.
    NotJson,
    /// JSON, but no object, nested too deeply, or with a member written twice.
    Unusable,
}

/// Reads a body. A byte order mark and white space around it are ignored.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Fault> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    if !matches!(body.first(), Some(b'{' | b'[' | b'"' | b'0'..=b'9' | b'-' | b't' | b'f' | b'n')) {
        return Err(Fault::NotJson);
    }
    if deeper_than(body, DEPTH) {
        return Err(Fault::Unusable);
    }
    match serde_json::from_slice::<Unique>(body) {
        Ok(Unique(members)) => Ok(members),
        Err(error) if error.is_data() => Err(Fault::Unusable),
        Err(_) => Err(Fault::NotJson),
    }
}

/// A member that is a non-empty text.
pub(super) fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A member that is an array of texts; other elements are skipped. `None` if there is no such array.
pub(super) fn texts(members: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let array = members.get(name)?.as_array()?;
    Some(array.iter().filter_map(Value::as_str).map(String::from).collect())
}

/// A member that is `true`.
pub(super) fn flag(members: &Map<String, Value>, name: &str) -> bool {
    members.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn deeper_than(body: &[u8], limit: usize) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth = depth.saturating_add(1),
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Unique, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is written twice"));
            }
        }
        Ok(Unique(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_whatever_surrounds_it() {
        let body = b"\xef\xbb\xbf \r\n{\"a\": 1}\n";
        assert_eq!(object(body).map(|members| Value::Object(members).to_string()), Ok("{\"a\":1}".to_owned()));
    }

    #[test]
    fn what_is_no_object_is_told_apart() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64));
        for (body, expected) in [
            ("", Fault::NotJson),
            ("<!doctype html><p>hello", Fault::NotJson),
            ("{\"a\":", Fault::NotJson),
            ("{\"a\":1} trailing", Fault::NotJson),
            ("access_token=x", Fault::NotJson),
            ("[]", Fault::Unusable),
            ("\"text\"", Fault::Unusable),
            ("{\"a\":1,\"a\":1}", Fault::Unusable),
            (deep.as_str(), Fault::Unusable),
        ] {
            assert_eq!(object(body.as_bytes()).err(), Some(expected), "{body}");
        }
    }

    #[test]
    fn brackets_in_texts_are_no_depth() {
        let body = format!("{{\"a\":\"{}\\\"{}\"}}", "[".repeat(100), "{".repeat(100));
        assert!(object(body.as_bytes()).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_read_without_harm(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = object(&body);
        }

        #[test]
        fn a_member_written_twice_is_never_chosen_from(name in "[a-z]{1,5}", first in 0..9, second in 0..9) {
            let body = format!("{{\"{name}\":{first},\"other key\":0,\"{name}\":{second}}}");
            proptest::prop_assert_eq!(object(body.as_bytes()).err(), Some(Fault::Unusable));
        }
    }
}
