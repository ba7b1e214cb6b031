//! What stands in an object of the Portal, by the type that the reader expects: XML writes everything as text.

use serde_json::Value;

/// The text of a member; a number or a flag as it is written. `None` if it is absent, null or empty.
pub(super) fn text(object: &Value, name: &str) -> Option<String> {
    scalar(object.get(name)?).filter(|text| !text.is_empty())
}

/// A text, a number or a flag as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A whole number that is not negative.
pub(super) fn number(object: &Value, name: &str) -> Option<u64> {
    match object.get(name)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A flag.
pub(super) fn flag(object: &Value, name: &str) -> Option<bool> {
    match object.get(name)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The entries of a list; none if it is absent.
pub(super) fn list<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_member_is_read_by_the_type_that_is_expected_in_either_notation() {
        let json = json!({"size": 12, "isFolder": false, "name": 2024, "none": null, "empty": ""});
        let xml = json!({"size": "12", "isFolder": "false", "name": "2024", "none": null, "empty": ""});
        for object in [json, xml] {
            assert_eq!(number(&object, "size"), Some(12));
            assert_eq!(flag(&object, "isFolder"), Some(false));
            assert_eq!(text(&object, "name").as_deref(), Some("2024"));
            assert_eq!((text(&object, "none"), text(&object, "empty"), text(&object, "absent")), (None, None, None));
            assert!(list(&object, "size").is_empty());
        }
        assert_eq!(number(&json!({"n": "-1"}), "n"), None);
        assert_eq!(flag(&json!({"f": "yes"}), "f"), None);
    }
}
