//! What the stand-in server offers besides tools: prompts, resources, templates of addresses and completions.

use serde_json::{Value, json};

/// What is listed under this name.
pub(super) fn list(kind: &str) -> Vec<Value> {
    match kind {
        "prompts" => vec![
            json!({
                "name": "greet", "title": "Greet", "description": "Greets somebody.",
                "arguments": [
                    {"name": "name", "description": "Whom.", "required": true},
                    {"name": "style", "title": "How"},
                ],
            }),
            json!({"name": "review", "description": "Reviews a memo."}),
            json!({"name": "no one", "description": "Has an odd name.", "arguments": []}),
            json!({"name": "asks", "description": "Asks the person first."}),
        ],
        "resources" => vec![
            json!({
                "uri": "memo://today", "name": "today", "title": "Today", "description": "A memo.",
                "mimeType": "text/plain", "size": 11,
                "annotations": {"audience": ["user"], "priority": 0.5, "lastModified": "2026-11-01T00:00:00Z"},
            }),
            json!({"uri": "memo://logo", "name": "logo", "mimeType": "image/png"}),
            json!({"uri": "memo://folder", "name": "folder"}),
            json!({"uri": "https://files.example/a%20b?x=1#y", "name": "file"}),
            json!({"uri": "not an address", "name": "odd"}),
        ],
        "resourceTemplates" => {
            vec![json!({"uriTemplate": "memo://notes/{name}", "name": "notes", "description": "Notes by name."})]
        }
        _ => Vec::new(),
    }
}

/// Three entries to a page.
pub(super) fn page(cursor: Option<&Value>, kind: &str, all: &[Value]) -> Option<Value> {
    let from = match cursor {
        None => 0,
        Some(cursor) => cursor.as_str()?.strip_prefix("from-")?.parse::<usize>().ok()?,
    };
    let page: Vec<&Value> = all.iter().skip(from).take(3).collect();
    let next = from.saturating_add(3);
    Some(match next < all.len() {
        true => json!({kind: page, "nextCursor": format!("from-{next}")}),
        false => json!({ kind: page }),
    })
}

/// The request that a prompt makes; `None` if there is no such prompt, or something required is missing.
pub(super) fn write(name: &str, arguments: &Value) -> Option<Value> {
    let text = |text: String| json!({"role": "user", "content": {"type": "text", "text": text}});
    Some(match name {
        "greet" => {
            let whom = arguments.get("name")?.as_str()?;
            let style = arguments.get("style").and_then(Value::as_str).unwrap_or("plain");
            json!({"description": "A greeting.", "messages": [text(format!("Greet {whom} in a {style} way."))]})
        }
        "review" => json!({"messages": [
            text("Review this.".to_owned()),
            {"role": "user", "content": {"type": "resource_link", "uri": "memo://today", "name": "today"}},
            {"role": "assistant", "content": {
                "type": "resource", "resource": {"uri": "memo://today", "mimeType": "text/plain", "text": "buy \"milk\""},
            }},
        ]}),
        "no one" => json!({"messages": []}),
        _ => return None,
    })
}

/// What is at an address.
pub(super) fn read(uri: &str) -> Option<Value> {
    let text = |uri: &str, text: &str| json!({"uri": uri, "mimeType": "text/plain", "text": text});
    let all = match uri {
        "memo://today" => vec![text(uri, "buy \"milk\"")],
        "memo://logo" => vec![json!({"uri": uri, "mimeType": "image/png", "blob": "iVBORw0KGgo="})],
        "memo://folder" => vec![text("memo://folder/a", "a"), text("memo://folder/b", "b")],
        "https://files.example/a%20b?x=1#y" | "not an address" => vec![text(uri, "found")],
        _ => vec![text(uri, &format!("note {}", uri.strip_prefix("memo://notes/").filter(|name| !name.is_empty())?))],
    };
    Some(json!({ "contents": all }))
}

/// What an argument or a variable may become; `None` if the reference is to nothing.
pub(super) fn complete(reference: &Value, argument: &Value, context: Option<&Value>) -> Option<Value> {
    let member = |name: &str| argument.get(name).and_then(Value::as_str);
    let of = |name: &str| reference.get(name).and_then(Value::as_str);
    let all: &[&str] = match (of("type")?, of("name").or(of("uri"))?, member("name")?) {
        ("ref/prompt", "greet", "name") => &["alice", "alina", "bob"],
        ("ref/prompt", "greet", "style") => match context.and_then(|context| context.pointer("/arguments/name")) {
            Some(name) if name == "bob" => &["brief"],
            _ => &["plain", "polite"],
        },
        ("ref/resource", "memo://notes/{name}", "name") => &["one", "other"],
        ("ref/prompt", "review" | "greet", _) => &[],
        _ => return None,
    };
    let begun = member("value")?;
    let values: Vec<&str> = all.iter().copied().filter(|value| value.starts_with(begun)).collect();
    Some(json!({"completion": {"total": values.len(), "hasMore": false, "values": values}}))
}
