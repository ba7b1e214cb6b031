//! Objects made lean: a relation is its id and its name, a choice its value, and what is empty is not there (reference:
//! "Representation rules").

use serde_json::{Map, Value, json};

use super::vocabulary;
use crate::backends::outside;

/// Characters of a text in a list, and in a single object.
pub(super) const SHORT: usize = 1_000;
pub(super) const LONG: usize = 40_000;
/// Entries of a list in a row, and in a single object.
const FEW: usize = 50;
const MANY: usize = 2_000;
/// Nothing is nested more deeply on purpose.
const DEPTH: usize = 8;
/// What says where an object is for programs, or what another member says already.
const NOISE: [&str; 4] = ["url", "_occupied", "_depth", "cable_end"];
/// What a nested part of something belongs to: without it, its name says little.
const OWNERS: [&str; 4] = ["device", "virtual_machine", "circuit", "rack"];

/// A field that is shown, and its name in older releases.
pub(super) type Wanted = (String, Option<&'static str>);

/// An object of the type with all that is in it.
pub(super) fn whole(kind: &str, object: &Value, longest: usize) -> Map<String, Value> {
    let mut row = Map::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        // The display of an object that has a name says the same again.
        let is_repeated = name == "display" && object.get("name").is_some_and(Value::is_string);
        if !NOISE.contains(&name.as_str()) && !is_repeated {
            put(&mut row, kind, name, value, longest);
        }
    }
    row
}

/// The fields of an object that are wanted, and its id.
pub(super) fn chosen(kind: &str, object: &Value, wanted: &[Wanted], longest: usize) -> Map<String, Value> {
    if wanted.is_empty() {
        return whole(kind, object, longest);
    }
    let mut row = Map::new();
    let get = |name: &str| object.get(name).filter(|value| !value.is_null());
    if let Some(id) = object.get("id") {
        row.insert("id".to_owned(), id.clone());
    }
    for (name, older) in wanted {
        if let Some(value) = get(name).or_else(|| get(older.as_ref()?)) {
            put(&mut row, kind, name, value, longest);
        }
    }
    row
}

fn put(row: &mut Map<String, Value>, kind: &str, name: &str, value: &Value, longest: usize) {
    if vocabulary::is_secret(kind, name) {
        let is_there = !matches!(value, Value::Null) && value.as_str() != Some("");
        // Whether there is one is no secret, and an object without it would look as if there were none.
        if is_there && name != "display" {
            row.insert(name.to_owned(), HIDDEN.into());
        }
        return;
    }
    let lean = if name == "tags" { names(value) } else { value_of(value, longest, 0) };
    if let Some(lean) = lean {
        row.insert(outside::line(name, 100), lean);
    }
}

/// What stands in place of a secret.
pub(super) const HIDDEN: &str = "(there is one; it is not shown)";

/// The names of tags.
fn names(value: &Value) -> Option<Value> {
    let all = value.as_array()?;
    let name = |tag: &Value| tag.get("name").or_else(|| tag.get("display")).unwrap_or(tag).as_str().map(str::to_owned);
    let names: Vec<String> = all.iter().filter_map(name).map(|name| outside::line(&name, 100)).collect();
    (!names.is_empty()).then(|| names.into())
}

/// A value made lean; `None` if there is nothing in it.
pub(super) fn value_of(value: &Value, longest: usize, depth: usize) -> Option<Value> {
    if depth > DEPTH {
        return Some("(nested too deeply)".into());
    }
    let deeper = depth.saturating_add(1);
    match value {
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        Value::String(text) => text_of(text, longest),
        Value::Array(all) => {
            let most = if longest > SHORT { MANY } else { FEW };
            let mut lean: Vec<Value> = all.iter().take(most).filter_map(|one| value_of(one, longest, deeper)).collect();
            if all.len() > most {
                lean.push(format!("… and {} more", all.len().saturating_sub(most)).into());
            }
            (!lean.is_empty()).then(|| lean.into())
        }
        Value::Object(members) => {
            if let (Some(value), true, false) =
                (members.get("value"), members.contains_key("label"), members.contains_key("id"))
            {
                return value_of(value, longest, deeper);
            }
            if let (Some(id), Some(Value::String(display))) = (members.get("id"), members.get("display")) {
                return Some(relation(id, display, members));
            }
            let mut lean = Map::new();
            for (name, value) in members.iter().filter(|(name, _)| !NOISE.contains(&name.as_str())) {
                // What is nested has no type of its own here; a name that holds a secret anywhere holds one.
                if vocabulary::is_secret("", name) {
                    lean.insert(outside::line(name, 100), HIDDEN.into());
                } else if let Some(value) = value_of(value, longest, deeper) {
                    lean.insert(outside::line(name, 100), value);
                }
            }
            (!lean.is_empty()).then(|| lean.into())
        }
    }
}

fn text_of(text: &str, longest: usize) -> Option<Value> {
    let mut text = outside::clean(text.to_owned());
    if let Some((end, _)) = text.char_indices().nth(longest) {
        text.truncate(end);
        text.push_str(" … (cut)");
    }
    (!text.trim().is_empty()).then(|| text.into())
}

fn relation(id: &Value, display: &str, members: &Map<String, Value>) -> Value {
    let mut lean = json!({"id": id, "display": outside::line(display, 200)});
    for owner in OWNERS {
        let display = members.get(owner).and_then(|owner| owner.get("display")?.as_str());
        if let (Some(display), Some(lean)) = (display, lean.as_object_mut()) {
            lean.insert(owner.to_owned(), outside::line(display, 200).into());
        }
    }
    lean
}

/// A lean value on one line, for people.
pub(super) fn told(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => outside::line(text, LONG),
        Value::Array(all) => all.iter().map(told).collect::<Vec<_>>().join(", "),
        Value::Object(members) => match (members.get("display"), members.get("id")) {
            (Some(Value::String(display)), Some(id)) => {
                let owner = OWNERS.iter().find_map(|owner| members.get(*owner)?.as_str());
                let owner = owner.map(|owner| format!("{owner} ")).unwrap_or_default();
                format!("{owner}{display} ({id})")
            }
            _ => {
                let each: Vec<String> = members.iter().map(|(name, value)| format!("{name} {}", told(value))).collect();
                format!("[{}]", each.join(", "))
            }
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_made_lean() {
        let device = json!({
            "id": 1, "url": "https://x/", "display": "sw1", "name": "sw1", "status": {"value": "active", "label": "Active"},
            "role": {"id": 3, "url": "https://x/", "display": "Access", "name": "Access", "slug": "access"},
            "serial": "", "comments": null, "tags": [{"id": 1, "name": "Core", "slug": "core", "display": "Core"}],
            "custom_fields": {"owner": null, "rate": 3}, "face": {"value": null, "label": null},
            "link_peers": [{"id": 9, "display": "Gi1", "device": {"id": 2, "display": "sw2"}, "cable": {"id": 1}}],
            "local_context_data": {"password": "canary", "a": "b\u{202e}"}, "is_full_depth": false, "device_count": 0,
        });
        let lean = whole("dcim.device", &device, SHORT);
        let expected = json!({
            "id": 1, "name": "sw1", "status": "active", "role": {"id": 3, "display": "Access"}, "tags": ["Core"],
            "custom_fields": {"rate": 3}, "link_peers": [{"id": 9, "display": "Gi1", "device": "sw2"}],
            "local_context_data": {"password": HIDDEN, "a": "b"}, "is_full_depth": false, "device_count": 0,
        });
        assert_eq!(Value::Object(lean), expected);
        let role: &[Wanted] = &[("name".to_owned(), None), ("role".to_owned(), Some("device_role"))];
        let old = json!({"id": 1, "name": "sw1", "device_role": {"id": 3, "display": "Access"}, "site": 7});
        let lean = chosen("dcim.device", &old, role, SHORT);
        assert_eq!(Value::Object(lean), json!({"id": 1, "name": "sw1", "role": {"id": 3, "display": "Access"}}));
    }

    #[test]
    fn a_token_and_other_secrets_are_not_shown() {
        let token = json!({"id": 1, "display": "canary-key", "key": "canary-key", "description": "d"});
        assert_eq!(
            Value::Object(whole("users.token", &token, SHORT)),
            json!({"id": 1, "key": HIDDEN, "description": "d"})
        );
        let policy = json!({"id": 1, "name": "p", "preshared_key": "canary"});
        let wanted = [("preshared_key".to_owned(), None)];
        assert_eq!(
            Value::Object(chosen("vpn.ikepolicy", &policy, &wanted, SHORT)),
            json!({"id": 1, "preshared_key": HIDDEN})
        );
    }

    #[test]
    fn a_long_text_a_long_list_and_a_deep_value_are_cut() {
        let mut deep = json!("canary");
        for _ in 0..20 {
            deep = json!([deep]);
        }
        let object = json!({"id": 1, "text": "x".repeat(5_000), "list": vec![1; 60], "deep": deep});
        let lean = whole("a.b", &object, SHORT);
        assert!(lean["text"].as_str().expect("a text").ends_with("x … (cut)"));
        assert_eq!(lean["list"].as_array().map(Vec::len), Some(51));
        assert!(!Value::Object(lean).to_string().contains("canary"));
    }
}
