//! Front matter, beside what a whole YAML reader makes of it.

use proptest::prelude::*;
use saphyr_parser::{Event, Parser};

use super::super::front::{Front, Value, line, split};

fn read(front: &str) -> Result<Front, &'static str> {
    split(&format!("---\n{front}\n---\nrest")).0.map_err(|broken| broken.why)
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn texts(all: &[&str]) -> Value {
    Value::Texts(all.iter().map(|one| (*one).to_owned()).collect())
}

#[test]
fn every_style_of_a_value_becomes_one_line() {
    for (front, expected) in [
        ("a: b", text("b")),
        ("a:   b c  # comment", text("b c")),
        ("a: b#c", text("b#c")),
        ("a: b\r", text("b")),
        ("a: b\n  c\n\n  d", text("b c d")),
        ("a:\n  b\n  c", text("b c")),
        ("a: 'it''s # no comment'", text("it's # no comment")),
        ("a: \"t\\tA\\u00e9\\x41 \\\"q\\\"\"", text("t AéA \"q\"")),
        ("a: \"one\n  two\\\n  three\"", text("one twothree")),
        ("a: |\n  one\n    two\n\n  three\n", text("one two three")),
        ("a: >-\n  one\n  two\n", text("one two")),
        ("a: |2+ # comment\n    one\n  two", text("one two")),
        ("a: |\n  # text\n  one\n# comment", text("# text one")),
        ("a: [b, 'c, d', \"e\"]", texts(&["b", "c, d", "e"])),
        ("a: [\n  b,\n  c, # comment\n]", texts(&["b", "c"])),
        ("a:\n  - b\n  - 'c'\n  # comment\n  - d e", texts(&["b", "c", "d e"])),
        ("a:\n- b\n- c", texts(&["b", "c"])),
        ("a: []", texts(&[])),
        ("a: true", text("true")),
        ("a: 1.50", text("1.50")),
        ("a: 2026-01-02", text("2026-01-02")),
        ("a: Step 1: begin", text("Step 1: begin")),
        ("a: https://example.org/#x", text("https://example.org/#x")),
        ("a:\n  b: c\n  d:\n    - e", Value::Nested),
        ("a: {b: c}", Value::Nested),
        ("a: [[b], {c: d}]", Value::Nested),
        ("a:\n  - b: c\n    d: e", Value::Nested),
        ("  a: b", text("b")),
        ("\"a\": b", text("b")),
        ("a: -1", text("-1")),
        ("a: ?x", text("?x")),
    ] {
        assert_eq!(read(front), Ok(vec![("a".to_owned(), expected)]), "{front:?}");
    }
    for nothing in ["a:", "a: ~", "a: null", "a: # comment", "# comment", "", "a:\n\n"] {
        assert_eq!(read(nothing), Ok(Vec::new()), "{nothing:?}");
    }
    assert_eq!(
        read("name: A\ntags:\n- x\n- y\ndescription: >\n  one\n  two\nlast: z"),
        Ok(vec![
            ("name".to_owned(), text("A")),
            ("tags".to_owned(), texts(&["x", "y"])),
            ("description".to_owned(), text("one two")),
            ("last".to_owned(), text("z")),
        ])
    );
}

#[test]
fn what_is_not_taken_is_refused_with_a_reason() {
    for (front, reason) in [
        ("a: &x b", "anchors and aliases are not taken"),
        ("a: *x", "anchors and aliases are not taken"),
        ("a: [*x, *x]", "anchors and aliases are not taken"),
        ("a:\n  - &x b", "anchors and aliases are not taken"),
        ("a: !!python/object b", "types of YAML are not taken"),
        ("a: [!t b]", "types of YAML are not taken"),
        ("a: @b", "a value cannot begin with this character unless it is in quotes"),
        ("a: 'b", "a quote or bracket is not closed"),
        ("a: [b", "a quote or bracket is not closed"),
        ("a: [b}", "a bracket is closed that is not open"),
        ("a: 'b' c", "something follows the end of the text or list"),
        ("a: \"\\q\"", "there is no such escape"),
        ("a: \"\\ud800\"", "there is no such escape"),
        ("a: \"\\x+1\"", "there is no such escape"),
        ("a: |x\n  b", "`|` and `>` are followed by the lines of the text"),
        ("a: |\n    b\n  c", "a line of the text is indented less than its first"),
        ("a: b\na: c", "the name is there twice"),
        ("a: b\n\tc: d", "a tab cannot indent"),
        ("a:\n\tb", "a tab cannot indent"),
        ("a: b\nc", "it is not a name with a colon and a value"),
        ("- a", "it is not a name with a colon and a value"),
        ("? a", "it is not a name with a colon and a value"),
        ("&x a: b", "it is not a name with a colon and a value"),
        ("<<: *x", "anchors and aliases are not taken"),
    ] {
        assert_eq!(read(front), Err(reason), "{front:?}");
    }
    let deep = format!("a: {}", "[".repeat(100_000));
    assert_eq!(read(&deep), Err("it is larger than 64 KiB"));
    assert_eq!(read(&format!("a: {}", "[".repeat(40))), Err("brackets lie too deep in each other"));
    assert_eq!(
        read(&format!("a: \"{}\"", "x".repeat(20_000))),
        Err("a text in quotes or brackets is longer than 16 KiB")
    );
    let many: String = (0..200).map(|n| format!("n{n}: x\n")).collect();
    assert_eq!(read(&many), Err("there are more than 100 names"));
}

#[test]
fn the_line_of_what_is_wrong_is_that_of_the_file() {
    let broken = split("---\nname: a\nb: @c\n---\n").0.expect_err("broken");
    assert_eq!(broken.line, 3);
}

#[test]
fn front_matter_begins_in_the_first_line_and_ends_at_its_fence() {
    let name = |value: &str| Ok(vec![("name".to_owned(), text(value))]);
    for (whole, front, rest) in [
        ("---\nname: a\n---\ntext", name("a"), "text"),
        ("\u{feff}---\r\nname: a\r\n---\r\ntext\r\n", name("a"), "text\r\n"),
        ("---  \nname: a\n...\ntext", name("a"), "text"),
        ("---\nname: a\n---", name("a"), ""),
        ("---\n---\ntext", Ok(Vec::new()), "text"),
        ("text\n---\nname: a\n---\n", Ok(Vec::new()), "text\n---\nname: a\n---\n"),
        ("\n---\nname: a\n---\n", Ok(Vec::new()), "\n---\nname: a\n---\n"),
        ("----\nname: a\n---\n", Ok(Vec::new()), "----\nname: a\n---\n"),
        ("\u{feff}text", Ok(Vec::new()), "text"),
        ("", Ok(Vec::new()), ""),
    ] {
        assert_eq!(split(whole), (front, rest), "{whole:?}");
    }
}

/// What a whole YAML reader finds: names with texts and lists of texts at the top; `None` if it refuses, or finds what we
/// do not take.
fn judged(front: &str) -> Option<Vec<(String, Value)>> {
    let mut all = Vec::new();
    let (mut depth, mut name, mut list, mut is_nested) = (0, None::<String>, None::<Vec<String>>, false);
    for event in Parser::new_from_str(front) {
        match event.ok()?.0 {
            Event::Alias(_) => return None,
            Event::Scalar(value, style, anchor, tag) => {
                if anchor != 0 || tag.is_some() {
                    return None;
                }
                let is_plain = style == saphyr_parser::ScalarStyle::Plain;
                let is_null = is_plain && matches!(value.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                match (depth, &mut list, name.take()) {
                    (0, ..) => return None,
                    (1, _, None) => name = Some(line(&value)),
                    (1, _, Some(name)) if is_null => drop(name),
                    (1, _, Some(name)) => all.push((name, Value::Text(line(&value)))),
                    (_, Some(list), kept) => {
                        name = kept;
                        if !is_null && depth == 2 {
                            list.push(line(&value));
                        }
                    }
                    (_, None, kept) => name = kept,
                }
            }
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) if anchor != 0 || tag.is_some() => {
                return None;
            }
            Event::SequenceStart(..) => {
                if depth == 0 || depth == 1 && name.is_none() {
                    return None;
                }
                is_nested |= depth > 1;
                if depth == 1 {
                    list = Some(Vec::new());
                }
                depth += 1;
            }
            Event::MappingStart(..) => {
                if depth == 1 && name.is_none() {
                    return None;
                }
                is_nested |= depth > 0;
                depth += 1;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                depth -= 1;
                if depth == 1
                    && let Some(name) = name.take()
                {
                    let texts = list.take().unwrap_or_default();
                    all.push((name, if is_nested { Value::Nested } else { Value::Texts(texts) }));
                    is_nested = false;
                }
            }
            _ => {}
        }
    }
    Some(all)
}

/// What is nested is one thing for both.
fn flat(all: Vec<(String, Value)>) -> Vec<(String, Value)> {
    all.into_iter().filter(|(_, value)| *value != Value::Nested).collect()
}

/// Lines of front matter, such as people write and mistype them.
fn written() -> impl Strategy<Value = String> {
    let word = "[a-c]{1,3}|'[a-c ,#:]{0,4}'|\"[a-c ,#:]{0,4}\"|[a-c] #[a-c]|\\||>-|\\[[a-c, ']{0,6}\\]|[a-c]: [a-c]|~|\"\\\\[tnx\"]41\"|- [a-c]";
    let one = ("( {0,4}|\t)", "([a-c]:|- |#|)", "( {0,2}|\t)", word)
        .prop_map(|(indent, start, gap, word)| format!("{indent}{start}{gap}{word}"));
    proptest::collection::vec(one, 0..6).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn what_is_read_is_what_yaml_says(front in written()) {
        if let (Some(expected), Ok(found)) = (judged(&front), read(&front)) {
            prop_assert_eq!(flat(found), flat(expected));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "(---\n)?(.|\n){0,200}", front in "[-a: \n\t'\"\\[\\]{},#|>&*!\\\\]{0,60}") {
        let _ = split(&text);
        let _ = read(&front);
    }
}
