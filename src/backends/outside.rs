//! Text that services wrote: bounded and stripped before it reaches a person, a log or a model.
//!
//! Control characters could redraw a terminal; direction marks and tag characters hide text from a person that a model
//! still reads.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::json;

/// The most characters of a service's words that an error keeps.
pub const LONGEST: usize = 300;

/// The text on one line, at most `longest` characters, without control and invisible characters.
pub fn line(text: &str, longest: usize) -> String {
    one_line(text, longest).into_owned()
}

/// The same; a text that is such a line already is not copied.
pub(super) fn one_line(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest && is_line(text) { Cow::Borrowed(text) } else { Cow::Owned(joined(text, longest)) }
}

/// Whether the text is words of printable ASCII with a space between them.
fn is_line(text: &str) -> bool {
    let mut is_blank = true;
    for byte in text.bytes() {
        is_blank = match byte {
            b' ' if !is_blank => true,
            b'!'..=b'~' => false,
            _ => return false,
        };
    }
    !is_blank
}

fn joined(text: &str, longest: usize) -> String {
    let mut line = String::with_capacity(text.len().min(longest));
    let mut count = 0_usize;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        for c in (count > 0).then_some(' ').into_iter().chain(word.chars().filter(|c| !is_hidden(*c))) {
            if count == longest {
                return line + "…";
            }
            line.push(c);
            count = count.saturating_add(1);
        }
    }
    line
}

/// Removes control and invisible characters; line breaks and tabs stay. Text without any is not copied.
pub fn clean(text: String) -> String {
    clean_text(text.into()).into_owned()
}

/// The same for a text that may be a part of another.
pub(super) fn clean_text(text: Cow<'_, str>) -> Cow<'_, str> {
    // Most texts are plain, and most of a call's own work was to look at each of their characters closely.
    if json::is_printable(&text) {
        return text;
    }
    let harmless = |c: char| matches!(c, '\n' | '\t') || !(c.is_control() || is_hidden(c));
    if text.chars().all(harmless) { text } else { text.chars().filter(|c| harmless(*c)).collect() }
}

/// JSON whose texts are [`clean`]; JSON that hides nothing is handed back as it is. `None` if it is not JSON.
pub fn clean_json(json: &RawValue) -> Option<Box<RawValue>> {
    if !may_hide(json.get()) {
        return Some(json.to_owned());
    }
    let value: Value = serde_json::from_str(json.get()).ok()?;
    serde_json::value::to_raw_value(&cleaned(value)).ok()
}

/// Whether something may be hidden in the texts of JSON.
pub(super) fn may_hide(json: &str) -> bool {
    // An escape can stand for any character, and some for a control character.
    ["\\u", "\\b", "\\f", "\\r", "\u{7f}"].iter().any(|odd| json.contains(odd))
        || !json.is_ascii() && json.chars().any(|c| is_hidden(c) || c.is_control() && !c.is_ascii_whitespace())
}

/// A value whose texts are [`clean`].
pub(super) fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(all) => all.into_iter().map(cleaned).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (clean(name), cleaned(value))).collect(),
        other => other,
    }
}

/// Characters that show nothing, or nothing of their own, and could carry text, turn its direction or break its line.
pub(super) fn is_hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{feff}')
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{ffa0}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// What the body of a refusal says, in the shapes that services use; empty if it says nothing readable.
pub fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('<') {
        return "a web page instead of an answer".to_owned();
    }
    match serde_json::from_str::<Value>(text) {
        Ok(value) => line(&words(&value, 0), LONGEST),
        Err(_) => line(text, LONGEST),
    }
}

/// The member of an error object that is meant for reading.
fn words(value: &Value, depth: usize) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => {
            let each: Vec<String> =
                all.iter().take(5).map(|one| finding(one, depth)).filter(|w| !w.is_empty()).collect();
            each.join("; ")
        }
        Value::Object(members) if depth < 4 => {
            let readable = ["error_description", "detail", "message", "error", "msg", "title", "reason", "errors"];
            readable
                .iter()
                .filter_map(|name| members.get(*name))
                .map(|inner| words(inner, depth.saturating_add(1)))
                .find(|found| !found.is_empty())
                .unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// One entry of a list of findings, with the place it is about: `body.query: Field required`.
fn finding(entry: &Value, depth: usize) -> String {
    #[derive(Deserialize)]
    struct Finding {
        loc: Vec<Value>,
        msg: String,
    }
    match Finding::deserialize(entry) {
        Ok(Finding { loc, msg }) => {
            let place: Vec<String> =
                loc.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect();
            format!("{}: {msg}", place.join("."))
        }
        Err(_) if depth < 4 => words(entry, depth.saturating_add(1)),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_shape_of_a_refusal_is_read() {
        for (body, expected) in [
            (
                r#"{"detail":{"error":"Unauthorized: missing or invalid API key."}}"#,
                "Unauthorized: missing or invalid API key.",
            ),
            (
                r#"{"detail":[{"loc":["body","query"],"msg":"Field required","type":"missing"},{"loc":["body","urls",3],"msg":"bad"}]}"#,
                "body.query: Field required; body.urls.3: bad",
            ),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            (r#"{"error":{"code":"hourly_cap_reached","message":"the cap"}}"#, "the cap"),
            (r#"{"error":"invalid_token","error_description":"it expired"}"#, "it expired"),
            (r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no session"}}"#, "no session"),
            (r#"{"error":null,"message":"m"}"#, "m"),
            ("Bad Gateway", "Bad Gateway"),
            ("  <!doctype html><title>x</title>", "a web page instead of an answer"),
            ("", ""),
            ("[]", ""),
            ("17", ""),
            ("{\"error\":", "{\"error\":"),
        ] {
            assert_eq!(said(body.as_bytes()), expected, "{body}");
        }
        assert_eq!(said(&[0xff, b'a', 0x1b, b'[', b'2', b'J']), "\u{fffd}a [2J");
    }

    #[test]
    fn a_line_is_bounded_and_has_nothing_hidden() {
        assert_eq!(line("a\r\nb\u{1b}[31m\u{202e}c\u{e0041}", 100), "a b [31mc");
        assert_eq!(line("äöü and more", 5), "äöü a…");
        assert_eq!(line(&"x".repeat(10), 10), "x".repeat(10));
        assert_eq!(line(&"x".repeat(11), 10), "x".repeat(10) + "…");
    }

    #[test]
    fn json_loses_what_is_hidden_in_it_however_it_is_written() {
        for hidden in ["\u{7f}", "\u{9b}", "\u{202e}", "\\b", "\\f", "\\u001b", "\\u202e"] {
            let json = RawValue::from_string(format!("{{\"a{hidden}\": [\"b{hidden}c\"]}}")).expect("JSON");
            let clean = clean_json(&json).expect("JSON");
            let expected = serde_json::json!({ "a": ["bc"] });
            assert_eq!(clean.get(), expected.to_string(), "{hidden:?}");
        }
        let plain = RawValue::from_string("{ \"é\":\n\t\"a\\n\\t\\\\é\" }".to_owned()).expect("JSON");
        assert_eq!(clean_json(&plain).map(|clean| clean.get().to_owned()).as_deref(), Some(plain.get()));
    }

    proptest! {
        #[test]
        fn a_line_that_is_one_already_stays_as_it_is(text in "[ a~\\x7f\n]{0,8}|.{0,8}", longest in 0_usize..9) {
            prop_assert_eq!(line(&text, longest), joined(&text, longest));
        }
    }

    #[test]
    fn cleaning_keeps_lines_and_drops_what_nobody_sees() {
        assert_eq!(clean("a\tb\nc\u{1b}[0m\u{200b}d".to_owned()), "a\tb\nc[0md");
        assert_eq!(clean("plain".to_owned()), "plain");
    }
}
