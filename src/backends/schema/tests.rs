//! What the compiler writes, and what it refuses.

use super::*;

#[test]
fn the_compiler_writes_what_the_library_would() {
    const ROWS: &[Member] = &[("a\"b", Shape::Text, false, "says \"a\\b\", ä"), ("n", Shape::Texts, true, "")];
    const TEXT: &str = returns!(&[("rows", Shape::Rows(ROWS), true, "Rows."), ("o", Shape::Objects, false, "")], ROWS);
    let rows = serde_json::json!({
        "a\"b": {"type": "string", "description": "says \"a\\b\", ä"},
        "n": {"type": "array", "items": {"type": "string"}},
    });
    let expected = serde_json::json!({
        "type": "object",
        "properties": {
            "rows": {
                "type": "array",
                "items": {"type": "object", "properties": rows, "additionalProperties": false, "required": ["n"]},
                "description": "Rows.",
            },
            "o": {"type": "array", "items": {"type": "object"}},
            "a\"b": rows["a\"b"],
            "n": rows["n"],
        },
        "additionalProperties": false,
        "required": ["rows", "n"],
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(TEXT).expect("JSON"), expected);
}

#[test]
fn every_form_has_its_bounds_in_the_schema_and_its_field_in_the_table() {
    const TAKES: Arguments = arguments!(
        &[
            (Field::required("text", Form::Text(20)), "A \"text\"."),
            (Field::new("choice", Form::Choice(&["a", "b"])), ""),
            (Field::new("flag", Form::Flag), ""),
            (Field::new("flag_or", Form::FlagOr(&["c"])), ""),
            (Field::new("whole", Form::Whole(i64::MIN, i64::MAX)), ""),
            (Field::new("number", Form::Number(-1.0, 60.0)), ""),
        ],
        &[
            (Field::required("texts", Form::Texts(9)), ""),
            (Field::new("wholes", Form::Wholes(0, 10)), ""),
            (Field::new("day", Form::Day), ""),
            (Field::new("object", Form::Object), "Any."),
        ],
    );
    let expected = serde_json::json!({
        "type": "object",
        "properties": {
            "text": {"type": "string", "maxLength": 20, "description": "A \"text\"."},
            "choice": {"type": "string", "enum": ["a", "b"]},
            "flag": {"type": "boolean"},
            "flag_or": {"type": ["boolean", "string"], "enum": [true, false, "c"]},
            "whole": {"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX},
            "number": {"type": "number", "minimum": -1.0, "maximum": 60.0},
            "texts": {"type": "array", "items": {"type": "string"}, "maxItems": 9},
            "wholes": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 10}},
            "day": {"type": "string", "format": "date"},
            "object": {"type": "object", "description": "Any."},
        },
        "additionalProperties": false,
        "required": ["text", "texts"],
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(TAKES.schema).expect("JSON"), expected);
    let names: Vec<&str> = TAKES.fields.iter().map(|field| field.name).collect();
    let all = ["text", "choice", "flag", "flag_or", "whole", "number", "texts", "wholes", "day", "object"];
    assert_eq!(names, all);
    let required: Vec<&str> = TAKES.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    assert_eq!(required, ["text", "texts"]);
}

/// What is an error of the compiler's where it stands in a constant.
#[test]
fn what_would_be_no_schema_is_refused() {
    const A: (Field, &str) = (Field::new("a", Form::Flag), "");
    const AB: (Field, &str) = (Field::new("ab", Form::Flag), "");
    let refused = |write: fn() -> usize| std::panic::catch_unwind(write).is_err();
    type Case = (&'static str, fn() -> usize);
    let all: [Case; 10] = [
        ("a line break", || text(b"{\n}").len()),
        ("a part of a character", || text(b"{\xc3}").len()),
        ("nothing", || text(b"").len()),
        ("a text that is larger than counted", || {
            let mut text = Text::<1>::empty();
            text.add("{}");
            text.size()
        }),
        ("a text that is smaller", || Text::<1>::empty().bytes().len()),
        ("a bound between two whole numbers", || of_float(0.5)),
        ("a bound that is not exact", || of_float(9_223_372_036_854_775_808.0)),
        ("more fields than counted", || fields::<0>(&[&[A]]).len()),
        ("fewer fields", || fields::<1>(&[]).len()),
        ("two fields of one name", || fields::<2>(&[&[A], &[A]]).len()),
    ];
    for (what, write) in all {
        assert!(refused(write), "{what}");
    }
    assert!(!refused(|| fields::<2>(&[&[A], &[AB]]).len()));
    assert!(!refused(|| of_float(-1.0)));
}

fn of_float(number: f64) -> usize {
    let mut text = Text::<0>::empty();
    text.float(number);
    text.size()
}

#[test]
fn no_fields_are_an_object_without_members() {
    const TAKES: Arguments = arguments!(&[]);
    assert_eq!(TAKES.schema, r#"{"type":"object","properties":{},"additionalProperties":false}"#);
    assert!(TAKES.fields.is_empty());
}
