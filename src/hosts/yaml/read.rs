//! As much YAML as a list of servers needs: maps by indentation, plain and quoted texts, lists in brackets or with
//! dashes, and one-line maps. A library for the rest of the language would be larger than everything around it.

use serde_json::{Map, Value};

/// One line that says something: its indentation and its text.
type Line<'a> = (usize, &'a str);

/// The document as a value. What is not understood is left out, never guessed.
pub(in crate::hosts) fn read(text: &str) -> Value {
    let lines: Vec<Line<'_>> = text
        .lines()
        .map(|line| (line.len() - line.trim_start().len(), without_comment(line.trim())))
        .filter(|(_, line)| !line.is_empty() && *line != "---")
        .collect();
    block(&lines)
}

/// The lines of one depth, and what is below each.
fn block(lines: &[Line<'_>]) -> Value {
    let mut map = Map::new();
    let mut list = Vec::new();
    let mut rest = lines;
    while let Some(((depth, line), after)) = rest.split_first() {
        let is_item = line.starts_with("- ") || *line == "-";
        // A list may stand as deep as the key above it.
        let below = after
            .iter()
            .take_while(|(other, text)| other > depth || (!is_item && other == depth && text.starts_with("- ")))
            .count();
        let (inner, next) = after.split_at_checked(below).unwrap_or((after, &[]));
        if let Some(item) = line.strip_prefix('-') {
            list.push(scalar(item.trim()));
        } else if let Some((key, value)) = pair(line) {
            let value = if value.is_empty() { block(inner) } else { scalar(value) };
            map.insert(key, value);
        }
        rest = next;
    }
    if map.is_empty() && !list.is_empty() { Value::Array(list) } else { Value::Object(map) }
}

fn pair(line: &str) -> Option<(String, &str)> {
    let (key, value) = line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, "")))?;
    Some((unquoted(key.trim()), value.trim()))
}

fn scalar(text: &str) -> Value {
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return Value::Array(parts(inner).map(scalar).collect());
    }
    if let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        return Value::Object(parts(inner).filter_map(pair).map(|(key, value)| (key, scalar(value))).collect());
    }
    Value::String(unquoted(text))
}

/// What stands between the commas, except those in quotes.
fn parts(inner: &str) -> impl Iterator<Item = &str> {
    let mut quotes = Quotes::default();
    inner.split(move |c| !quotes.hide(c) && c == ',').map(str::trim).filter(|part| !part.is_empty())
}

fn unquoted(text: &str) -> String {
    let within = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    match (within('"'), within('\'')) {
        // Most of what is escaped is escaped as in JSON.
        (Some(inner), _) => serde_json::from_str(text).unwrap_or_else(|_| inner.to_owned()),
        (_, Some(inner)) => inner.replace("''", "'"),
        _ => text.to_owned(),
    }
}

/// The line up to its comment, if that is not in quotes.
pub(super) fn without_comment(line: &str) -> &str {
    if line.starts_with('#') {
        return "";
    }
    let mut quotes = Quotes::default();
    let mut before = ' ';
    let begins = |c: char| {
        let is_hidden = quotes.hide(c);
        let is_comment = c == '#' && before == ' ' && !is_hidden;
        before = c;
        is_comment
    };
    line.split(begins).next().unwrap_or(line).trim_end()
}

/// Whether a letter is in quotes, which begin at a letter that cannot be inside a word.
#[derive(Default)]
struct Quotes {
    open: Option<char>,
    is_escaped: bool,
    before: Option<char>,
}

impl Quotes {
    fn hide(&mut self, c: char) -> bool {
        let before = self.before.replace(c);
        match self.open {
            Some('"') if self.is_escaped => self.is_escaped = false,
            Some('"') if c == '\\' => self.is_escaped = true,
            Some(quote) if c == quote => self.open = None,
            None if matches!(c, '"' | '\'') && before.is_none_or(|before| " [{,:".contains(before)) => {
                self.open = Some(c)
            }
            None => return false,
            Some(_) => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_list_of_servers_is_read() {
        let text = "# mine\nGOOSE_MODEL: x\nextensions:\n  keyward: # here\n    name: keyward\n    type: stdio\n    enabled: true\n    cmd: \"/opt/key ward/keyward\"\n    args: [serve, '--only', box]\n    envs: {A: b, C: 'd'}\n    env_keys:\n    - TOKEN\n    timeout: 300\n  other:\n    args:\n      - one\n      - two\n";
        assert_eq!(
            read(text),
            json!({
                "GOOSE_MODEL": "x",
                "extensions": {
                    "keyward": {
                        "name": "keyward", "type": "stdio", "enabled": "true", "cmd": "/opt/key ward/keyward",
                        "args": ["serve", "--only", "box"], "envs": {"A": "b", "C": "d"}, "env_keys": ["TOKEN"],
                        "timeout": "300"
                    },
                    "other": {"args": ["one", "two"]}
                }
            })
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[a-z:\\-\\[\\]{}#'\", \n]{0,80}") {
            let _ = read(&text);
        }
    }
}
