//! One tool: what it does, what it takes, and a call to begin with.

use serde_json::{Map, Value};

use crate::backends::outside;
use crate::cli::table::Table;
use crate::cli::width::wrapped;
use crate::serve::Entry;

/// The most letters of what an argument is for.
const LONGEST: usize = 400;

/// Everything about the tool, for lines of at most `width`.
pub(super) fn text(entry: &Entry, width: Option<usize>) -> String {
    let tool = &entry.tool;
    let schema: Value = serde_json::from_str(tool.input_schema.text()).unwrap_or_default();
    let nothing = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let effect = match (tool.effect.read_only, tool.effect.destructive) {
        (true, _) => "changes nothing",
        (false, true) => "may destroy something",
        (false, false) => "changes something",
    };
    let whose = entry.connection.as_deref().map_or(String::new(), |name| format!(" (connection `{name}`)"));
    let mut lines = vec![format!("{}{whose}, {effect}", tool.name), String::new()];
    let description = outside::clean(tool.description.to_string());
    for line in description.lines() {
        lines.extend(wrapped(line, width.unwrap_or(usize::MAX)));
    }
    lines.push(String::new());
    if properties.is_empty() {
        lines.push("It takes no arguments.".to_owned());
    } else {
        let mut table = Table::new(["ARGUMENT", "TYPE", "IF LEFT OUT", "WHAT IT IS"]);
        let is_required = |name: &&String| required.contains(&name.as_str());
        // What cannot be left out comes first.
        let (first, rest): (Vec<&String>, Vec<&String>) = properties.keys().partition(is_required);
        for name in first.into_iter().chain(rest) {
            let Some(property) = properties.get(name) else { continue };
            let absent = match (required.contains(&name.as_str()), property.get("default")) {
                (true, _) => "required".to_owned(),
                (false, Some(default)) => outside::line(&shown(default), 60),
                (false, None) => String::new(),
            };
            let about = property.get("description").and_then(Value::as_str).unwrap_or_default();
            table.row([outside::line(name, 60), kind(property), absent, outside::line(about, LONGEST)]);
        }
        lines.push(table.text(width));
    }
    lines.push(String::new());
    lines.push(format!("Example: `{}`", example(&tool.name, properties, &required)));
    lines.join("\n")
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The type in a few words.
fn kind(property: &Value) -> String {
    if let Some(choices) = property.get("enum").and_then(Value::as_array) {
        let words: Vec<String> = choices.iter().take(20).map(shown).collect();
        return outside::line(&words.join(" | "), 200);
    }
    let word = |kind: &str| match kind {
        "string" => "text".to_owned(),
        "boolean" => "true | false".to_owned(),
        "integer" => "whole number".to_owned(),
        "array" => match property.get("items") {
            Some(items) if items.get("enum").is_some() || items.get("type").is_some() => {
                format!("list of {}", kind_of(items))
            }
            _ => "list".to_owned(),
        },
        other => outside::line(other, 20),
    };
    match property.get("type") {
        Some(Value::String(one)) => word(one),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(word).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    }
}

/// The type of what is in a list; a list of lists is not told any deeper.
fn kind_of(items: &Value) -> String {
    match items.get("type").and_then(Value::as_str) {
        Some("array") => "lists".to_owned(),
        _ => kind(items),
    }
}

/// A call with what cannot be left out.
fn example(tool: &str, properties: &Map<String, Value>, required: &[&str]) -> String {
    let mut words = vec![format!("keyward call {tool}")];
    for name in required {
        let property = properties.get(*name).cloned().unwrap_or_default();
        words.push(argument(&outside::line(name, 60), &property));
    }
    words.join(" ")
}

fn argument(name: &str, property: &Value) -> String {
    let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "._-:/".contains(c));
    let examples = property.get("examples").and_then(Value::as_array).and_then(|all| all.first());
    let choices = property.get("enum").and_then(Value::as_array).and_then(|all| all.first());
    let known = property.get("default").or(choices).or(examples).map(shown);
    if let Some(known) = known.filter(|known| is_plain(known) && !known.is_empty()) {
        return format!("{name}={known}");
    }
    match property.get("type").and_then(Value::as_str) {
        Some("integer" | "number") => format!("{name}=1"),
        Some("boolean") => format!("{name}=true"),
        Some("object") => format!("{name}:='{{}}'"),
        Some("array") => format!("{name}=a,b"),
        _ => format!("{name}=…"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_told_in_a_few_words() {
        for (property, expected) in [
            (json!({"type": "string"}), "text"),
            (json!({"type": ["integer", "null"]}), "whole number or null"),
            (json!({"enum": ["a", 2]}), "a | 2"),
            (json!({"type": "array", "items": {"type": "string"}}), "list of text"),
            (json!({"type": "array", "items": {"type": "array"}}), "list of lists"),
            (json!({"type": "array"}), "list"),
            (json!({}), "any"),
            (json!(true), "any"),
            (json!({"type": "x\u{1b}[2J"}), "x [2J"),
        ] {
            assert_eq!(kind(&property), expected, "{property}");
        }
    }

    #[test]
    fn an_example_names_what_cannot_be_left_out() {
        let schema = json!({"q": {"type": "string"}, "n": {"type": "integer"}, "l": {"type": "array"},
            "d": {"enum": ["basic"]}, "evil": {"default": "$(reboot)"}});
        let properties = schema.as_object().expect("an object");
        assert_eq!(
            example("t", properties, &["q", "n", "l", "d", "evil"]),
            "keyward call t q=… n=1 l=a,b d=basic evil=…"
        );
    }
}
