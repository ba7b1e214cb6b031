//! JSON as people write it: comments and trailing commas, which VS Code and Zed forgive, are taken out.

/// The text as strict JSON. Strings stay as they are.
pub(super) fn strict(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('"', _) => {
                out.push(c);
                while let Some(inner) = rest.next() {
                    out.push(inner);
                    match inner {
                        '\\' => out.extend(rest.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            ('/', Some('/')) => {
                rest.by_ref().find(|c| *c == '\n');
            }
            ('/', Some('*')) => {
                rest.next();
                let mut before = ' ';
                rest.by_ref().find(|c| std::mem::replace(&mut before, *c) == '*' && *c == '/');
            }
            (']' | '}', _) => {
                // Between the last value and the end there is only space now, and at most one comma too many.
                let kept = out.trim_end().strip_suffix(',').map(str::len);
                out.truncate(kept.unwrap_or(out.len()));
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn comments_and_trailing_commas_go_and_strings_stay() {
        let text =
            "// first\n{\"a\": \"// no \\\" /* comment, */ ,}\", /* two\nlines **/ \"b\": [1, 2, ], // last\n}\n";
        let value: Value = serde_json::from_str(&strict(text)).expect("JSON");
        assert_eq!(value, json!({"a": "// no \" /* comment, */ ,}", "b": [1, 2]}));
    }

    proptest! {
        #[test]
        fn strict_json_means_the_same_afterwards(text in "[a-z/*,\\]}\\\\\" ]{0,20}", number in any::<i32>()) {
            let value = json!({"key": [text, {"n": number}, []], "other": {}});
            let again: Value = serde_json::from_str(&strict(&value.to_string())).expect("JSON");
            prop_assert_eq!(again, value);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,60}") {
            let _ = strict(&text);
        }
    }
}
