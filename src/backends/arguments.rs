//! Checks the arguments of a call against a table before anything is sent, and says what is wrong in a way that the
//! caller, often a model, can mend.
//!
//! Near misses are taken as they are meant: `"5"` for a number, one text for a list of texts, an empty text for nothing.

use serde_json::{Map, Value};

use super::{Error, outside};

/// One argument that a tool takes.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it must look like.
    pub form: Form,
    /// Whether a call without it makes no sense.
    pub required: bool,
}

/// What an argument must look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// A text of at most this many characters.
    Text(usize),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// True or false.
    Flag,
    /// True, false or one of these words.
    FlagOr(&'static [&'static str]),
    /// A whole number from the first to the second.
    Whole(i64, i64),
    /// A number from the first to the second.
    Number(f64, f64),
    /// At most this many texts.
    Texts(usize),
    /// Whole numbers from the first to the second.
    Wholes(i64, i64),
    /// A day, as `YYYY-MM-DD`.
    Day,
    /// A JSON object.
    Object,
}

impl Field {
    /// An argument that may be left out.
    pub const fn new(name: &'static str, form: Form) -> Self {
        Self { name, form, required: false }
    }

    /// An argument that must be there.
    pub const fn required(name: &'static str, form: Form) -> Self {
        Self { name, form, required: true }
    }
}

/// The arguments in their exact forms, without those that are null or empty. [`Error::Arguments`] names the first that
/// is unknown, missing or of another form.
pub fn check(fields: &[Field], given: Map<String, Value>) -> Result<Map<String, Value>, Error> {
    if let Some(unknown) = given.keys().find(|name| fields.iter().all(|field| field.name != name.as_str())) {
        let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
        return Err(Error::Arguments(format!("there is no argument {}{}", quoted(unknown), hint(unknown, &known))));
    }
    let mut checked = Map::new();
    let mut given = given;
    for field in fields {
        // Most tables are long, and most calls short.
        let value = if given.is_empty() { None } else { given.remove(field.name) };
        let value = value.filter(|value| !is_nothing(value));
        match value {
            Some(value) => {
                let exact = exact(field.form, value)
                    .map_err(|expected| Error::Arguments(format!("`{}` {expected}", field.name)))?;
                checked.insert(field.name.to_owned(), exact);
            }
            None if field.required => {
                return Err(Error::Arguments(format!("`{}` is missing", field.name)));
            }
            None => {}
        }
    }
    Ok(checked)
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

/// The value in its exact form, or what is wrong with it, to be put behind its name.
fn exact(form: Form, value: Value) -> Result<Value, String> {
    match form {
        Form::Text(longest) => text(longest, value),
        Form::Choice(words) => choice(words, &value, ""),
        Form::Flag => flag(&value).ok_or_else(|| wrong(&value, "must be true or false")),
        Form::FlagOr(words) => match flag(&value) {
            Some(flag) => Ok(flag),
            None => choice(words, &value, ", `true`, `false`"),
        },
        Form::Whole(least, most) => whole(&value)
            .filter(|number| (least..=most).contains(number))
            .map(Value::from)
            .ok_or_else(|| wrong(&value, &format!("must be a whole number from {least} to {most}"))),
        Form::Number(least, most) => number(&value)
            .filter(|number| (least..=most).contains(number))
            .map(Value::from)
            .ok_or_else(|| wrong(&value, &format!("must be a number from {least} to {most}"))),
        Form::Texts(most) => texts(most, value),
        Form::Wholes(least, most) => wholes(least, most, value),
        Form::Day => match &value {
            Value::String(day) if is_day(day.trim()) => Ok(Value::from(day.trim())),
            _ => Err(wrong(&value, "must be a day such as `2026-01-31`")),
        },
        Form::Object => object(value),
    }
}

fn text(longest: usize, value: Value) -> Result<Value, String> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        other => return Err(wrong(&other, "must be a text")),
    };
    match text.chars().count() {
        count if count > longest => Err(format!("has {count} characters, at most {longest} are allowed")),
        _ => Ok(Value::String(text)),
    }
}

fn choice(words: &[&str], value: &Value, others: &str) -> Result<Value, String> {
    let text = value.as_str().unwrap_or_default().trim();
    if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        return Ok(Value::from(*word));
    }
    let listed: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    let expected = format!("must be one of {}{others}{}", listed.join(", "), hint(text, words));
    Err(wrong(value, &expected))
}

fn flag(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) => Some(value.clone()),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        _ => None,
    }
}

fn whole(value: &Value) -> Option<i64> {
    // `5.0` and `"5"` are what some callers make of 5.
    let number = number(value)?;
    #[expect(clippy::cast_possible_truncation, reason = "the value is checked to be a whole number that fits")]
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn texts(most: usize, value: Value) -> Result<Value, String> {
    let all = match value {
        Value::Array(all) => all,
        one @ Value::String(_) => vec![one],
        other => return Err(wrong(&other, "must be a list of texts")),
    };
    if all.len() > most {
        return Err(format!("has {} entries, at most {most} are allowed", all.len()));
    }
    match all.iter().find(|one| one.as_str().is_none_or(|text| text.trim().is_empty())) {
        Some(other) => Err(wrong(other, "must be a list of texts")),
        None => Ok(Value::Array(all)),
    }
}

fn wholes(least: i64, most: i64, value: Value) -> Result<Value, String> {
    let all = match value {
        Value::Array(all) => all,
        one => vec![one],
    };
    let numbers: Option<Vec<i64>> =
        all.iter().map(|one| whole(one).filter(|number| (least..=most).contains(number))).collect();
    let expected = || format!("must be a list of whole numbers from {least} to {most}");
    numbers.map(Value::from).ok_or_else(|| all.first().map_or_else(expected, |first| wrong(first, &expected())))
}

/// Many callers write an object as its text.
fn object(value: Value) -> Result<Value, String> {
    let read = match &value {
        Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_object),
        other => other.is_object().then(|| value.clone()),
    };
    read.ok_or_else(|| wrong(&value, "must be a JSON object"))
}

/// Whether the text is a day of the calendar.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    if (year.len(), month.len(), day.len()) != (4, 2, 2) || !parts.concat().bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let (Ok(year), Ok(month), Ok(day)) = (year.parse::<u32>(), month.parse::<u32>(), day.parse::<u32>()) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn wrong(value: &Value, expected: &str) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => format!("is {value}, and {expected}"),
        Value::String(text) => format!("is {}, and {expected}", quoted(text)),
        Value::Array(_) | Value::Object(_) => expected.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("`{}`", outside::line(text, 40))
}

/// `; did you mean …?`, where one of the words is near, in whatever case.
pub fn hint(text: &str, words: &[&str]) -> String {
    let text = text.to_lowercase();
    let nearest = words.iter().map(|word| (distance(&text, &word.to_lowercase()), word)).min();
    match nearest {
        Some((distance, word)) if distance <= 2.max(word.len() / 3) => format!("; did you mean `{word}`?"),
        _ => String::new(),
    }
}

/// How many letters must be changed, added or removed to make one text the other.
fn distance(one: &str, other: &str) -> usize {
    // A text from outside can be long, and is then near to nothing.
    if one.len() > 100 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (index, a) in one.chars().enumerate() {
        let mut last = index.saturating_add(1);
        let mut diagonal = index;
        for (b, cell) in other.chars().zip(row.iter_mut().skip(1)) {
            let changed = diagonal.saturating_add(usize::from(a != b));
            diagonal = *cell;
            last = changed.min(last.saturating_add(1)).min(cell.saturating_add(1));
            *cell = last;
        }
        if let Some(first) = row.first_mut() {
            *first = index.saturating_add(1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const FIELDS: &[Field] = &[
        Field::required("query", Form::Text(5)),
        Field::new("depth", Form::Choice(&["basic", "advanced"])),
        Field::new("answer", Form::FlagOr(&["basic"])),
        Field::new("images", Form::Flag),
        Field::new("count", Form::Whole(0, 20)),
        Field::new("timeout", Form::Number(1.0, 60.0)),
        Field::new("urls", Form::Texts(2)),
        Field::new("day", Form::Day),
        Field::new("levels", Form::Wholes(1, 6)),
        Field::new("form", Form::Object),
    ];

    fn checked(given: Value) -> Result<Value, String> {
        let Value::Object(given) = given else { panic!("an object") };
        check(FIELDS, given).map(Value::Object).map_err(|error| error.to_string())
    }

    #[test]
    fn near_misses_are_taken_as_they_are_meant() {
        let given = json!({
            "query": 7, "depth": " Basic ", "answer": "TRUE", "images": "false", "count": "5", "timeout": "1.5",
            "urls": "a", "day": " 2024-02-29 ", "levels": ["1", 2.0], "form": "{\"a\":[1]}",
        });
        let exact = json!({
            "query": "7", "depth": "basic", "answer": true, "images": false, "count": 5, "timeout": 1.5,
            "urls": ["a"], "day": "2024-02-29", "levels": [1, 2], "form": {"a": [1]},
        });
        assert_eq!(checked(given), Ok(exact));
        assert_eq!(checked(json!({"query": "q", "levels": "3"})), Ok(json!({"query": "q", "levels": [3]})));
        assert_eq!(checked(json!({"query": "q", "count": 5.0})), Ok(json!({"query": "q", "count": 5})));
        let nothing = json!({"query": "q", "depth": "", "count": null, "urls": [], "day": " "});
        assert_eq!(checked(nothing), Ok(json!({"query": "q"})));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        for (given, expected) in [
            (json!({}), "`query` is missing"),
            (json!({"query": "äöüäöü"}), "`query` has 6 characters, at most 5 are allowed"),
            (json!({"query": ["q"]}), "`query` must be a text"),
            (json!({"query": "q", "qeury": 1}), "there is no argument `qeury`; did you mean `query`?"),
            (json!({"query": "q", "zzzzzzzz": 1}), "there is no argument `zzzzzzzz`"),
            (
                json!({"query": "q", "depth": "advance"}),
                "`depth` is `advance`, and must be one of `basic`, `advanced`; did you mean `advanced`?",
            ),
            (json!({"query": "q", "depth": 1}), "`depth` is 1, and must be one of `basic`, `advanced`"),
            (json!({"query": "q", "answer": "x"}), "`answer` is `x`, and must be one of `basic`, `true`, `false`"),
            (json!({"query": "q", "images": 1}), "`images` is 1, and must be true or false"),
            (json!({"query": "q", "count": 21}), "`count` is 21, and must be a whole number from 0 to 20"),
            (json!({"query": "q", "count": 1.5}), "`count` is 1.5, and must be a whole number from 0 to 20"),
            (json!({"query": "q", "count": 1e300}), "`count` is 1e+300, and must be a whole number from 0 to 20"),
            (json!({"query": "q", "timeout": "NaN"}), "`timeout` is `NaN`, and must be a number from 1 to 60"),
            (json!({"query": "q", "urls": ["a", "b", "c"]}), "`urls` has 3 entries, at most 2 are allowed"),
            (json!({"query": "q", "levels": [7, 1]}), "`levels` is 7, and must be a list of whole numbers from 1 to 6"),
            (json!({"query": "q", "form": "[1]"}), "`form` is `[1]`, and must be a JSON object"),
            (json!({"query": "q", "urls": ["a", 5]}), "`urls` is 5, and must be a list of texts"),
            (
                json!({"query": "q", "day": "2023-02-29"}),
                "`day` is `2023-02-29`, and must be a day such as `2026-01-31`",
            ),
            (
                json!({"query": "q", "day": "+023-2-029"}),
                "`day` is `+023-2-029`, and must be a day such as `2026-01-31`",
            ),
        ] {
            assert_eq!(checked(given.clone()), Err(expected.to_owned()), "{given}");
        }
    }

    #[test]
    fn a_long_or_hidden_text_is_not_repeated() {
        let error = checked(json!({"query": "q", "depth": "\u{1b}[2J".repeat(1000)})).expect_err("no such word");
        assert!(error.len() < 200 && !error.contains('\u{1b}'), "{error}");
    }

    proptest! {
        #[test]
        fn no_argument_makes_it_panic(name in "[a-z]{0,8}|query|depth|count|urls|day", text in ".{0,30}", number: f64) {
            for value in [json!(text), json!(number), json!([text]), json!({"a": number}), json!(null)] {
                let _ = checked(json!({"query": "q", name.as_str(): value}));
            }
        }

        #[test]
        fn the_distance_is_symmetric_and_zero_only_for_equal_texts(a in "[a-c]{0,6}", b in "[a-c]{0,6}") {
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert_eq!(distance(&a, &b) == 0, a == b);
        }
    }
}
