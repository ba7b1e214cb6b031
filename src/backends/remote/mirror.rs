//! Arguments that a tool wants repeated in headers, so that a gateway can route a call without reading its body
//! (MCP 2026-07-28, `x-mcp-header`), and the form of a header's value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

/// The annotation in a schema.
const ANNOTATION: &str = "x-mcp-header";
/// How deep a schema is read.
const DEPTH: usize = 16;

/// An argument and the header that repeats it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    path: Vec<String>,
    header: HeaderName,
}

/// An annotation that cannot be followed; such a tool must not be offered.
#[derive(Debug, PartialEq, Eq)]
pub struct Invalid;

/// The arguments that the schema wants repeated. Most schemas have none and are not even read.
pub fn of(schema: &str) -> Result<Vec<Mirror>, Invalid> {
    let mut all = Vec::new();
    if schema.contains(ANNOTATION) {
        let schema: Value = serde_json::from_str(schema).map_err(|_| Invalid)?;
        let mut path = Vec::new();
        collect(&schema, &mut path, &mut all)?;
        for (index, one) in all.iter().enumerate() {
            if all.iter().skip(index.saturating_add(1)).any(|other| other.header == one.header) {
                return Err(Invalid);
            }
        }
        // An annotation where no path of properties leads, for example inside a list, has no single value.
        if all.len() != annotations(&schema, 0) {
            return Err(Invalid);
        }
    }
    Ok(all)
}

fn collect(schema: &Value, path: &mut Vec<String>, all: &mut Vec<Mirror>) -> Result<(), Invalid> {
    if path.len() > DEPTH {
        return Err(Invalid);
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(()) };
    for (name, property) in properties {
        path.push(name.clone());
        if let Some(annotation) = property.get(ANNOTATION) {
            let primitive =
                matches!(property.get("type").and_then(Value::as_str), Some("string" | "integer" | "boolean"));
            let name = annotation.as_str().filter(|name| primitive && !name.is_empty()).ok_or(Invalid)?;
            let header = HeaderName::from_bytes(format!("mcp-param-{name}").as_bytes()).map_err(|_| Invalid)?;
            all.push(Mirror { path: path.clone(), header });
        }
        collect(property, path, all)?;
        path.pop();
    }
    Ok(())
}

/// How often the annotation stands in a schema, wherever.
fn annotations(value: &Value, depth: usize) -> usize {
    match value {
        _ if depth > 64 => 0,
        Value::Object(members) => {
            let here = members.get(ANNOTATION).is_some_and(|found| !found.is_object());
            let inside = members.values().map(|inner| annotations(inner, depth.saturating_add(1))).sum::<usize>();
            inside.saturating_add(usize::from(here))
        }
        Value::Array(all) => all.iter().map(|inner| annotations(inner, depth.saturating_add(1))).sum(),
        _ => 0,
    }
}

/// The headers of a call; an argument that is absent or null has none.
pub fn headers(mirrors: &[Mirror], arguments: &Map<String, Value>) -> Vec<(HeaderName, HeaderValue)> {
    let header = |mirror: &Mirror| {
        let (first, rest) = mirror.path.split_first()?;
        let found = rest.iter().try_fold(arguments.get(first)?, |value, name| value.get(name))?;
        let text = match found {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return None,
        };
        Some((mirror.header.clone(), value(&text)))
    };
    mirrors.iter().filter_map(header).collect()
}

/// The text as a header's value: as it is, or in base64 where a header cannot carry it.
pub fn value(text: &str) -> HeaderValue {
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && text.trim() == text
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    let carried = if plain { text.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(text)) };
    // Both forms are visible ASCII.
    HeaderValue::from_str(&carried).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mirrors(schema: &Value) -> Result<Vec<Mirror>, Invalid> {
        of(&schema.to_string())
    }

    #[test]
    fn annotated_arguments_travel_in_headers() {
        let schema = json!({"type": "object", "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "options": {"type": "object", "properties": {"limit": {"type": "integer", "x-mcp-header": "Limit"}}},
            "dry": {"type": "boolean", "x-mcp-header": "Dry"},
            "absent": {"type": "string", "x-mcp-header": "Absent"},
            "plain": {"type": "string"},
        }});
        let arguments = json!({"region": "zürich", "options": {"limit": 5}, "dry": true, "absent": null, "plain": "x"});
        let mirrors = mirrors(&schema).expect("valid");
        let headers = headers(&mirrors, arguments.as_object().expect("an object"));
        let mut headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("text"))).collect();
        headers.sort_unstable();
        assert_eq!(
            headers,
            [("mcp-param-dry", "true"), ("mcp-param-limit", "5"), ("mcp-param-region", "=?base64?esO8cmljaA==?=")]
        );
    }

    #[test]
    fn an_annotation_that_cannot_be_followed_is_refused() {
        for (property, other) in [
            (json!({"type": "string", "x-mcp-header": ""}), json!({})),
            (json!({"type": "string", "x-mcp-header": "a b"}), json!({})),
            (json!({"type": "string", "x-mcp-header": "a\r\nb"}), json!({})),
            (json!({"type": "string", "x-mcp-header": 5}), json!({})),
            (json!({"type": "object", "x-mcp-header": "A"}), json!({})),
            (json!({"type": "string", "x-mcp-header": "A"}), json!({"type": "string", "x-mcp-header": "a"})),
            (json!({"type": "array", "items": {"type": "string", "x-mcp-header": "A"}}), json!({})),
        ] {
            let schema = json!({"type": "object", "properties": {"one": property, "other": other}});
            assert_eq!(mirrors(&schema), Err(Invalid), "{schema}");
        }
        assert_eq!(mirrors(&json!({"type": "object", "description": "about x-mcp-header"})), Ok(Vec::new()));
    }

    #[test]
    fn a_value_that_a_header_cannot_carry_is_encoded() {
        for (text, expected) in [
            ("plain text", "plain text"),
            (" padded", "=?base64?IHBhZGRlZA==?="),
            ("a\r\nEvil: 1", "=?base64?YQ0KRXZpbDogMQ==?="),
            ("=?base64?eA==?=", "=?base64?PT9iYXNlNjQ/ZUE9PT89?="),
            ("", ""),
        ] {
            assert_eq!(value(text), expected, "{text:?}");
        }
    }
}
