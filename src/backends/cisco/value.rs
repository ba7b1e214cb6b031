//! Values as Cisco writes them: numbers as texts, dates in four forms, nothing as a blank or as `NA`.

use serde_json::Value;

use super::prose;
use crate::backends::outside;

/// The text on one line, without markup, cleaned; `None` for nothing.
pub(super) fn line(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => {
            let start = text.char_indices().nth(LINE * 8).map_or(text.as_str(), |(end, _)| text.split_at(end).0);
            outside::line(&prose::plain(start), LINE)
        }
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// Characters of a long text.
const PROSE: usize = 20_000;
/// Entries of a list of texts.
const ENTRIES: usize = 500;
/// Characters of anything that is meant to be short.
const LINE: usize = 500;

/// [`line`], for members that say `NA` where there is nothing.
pub(super) fn given(value: &Value) -> Option<String> {
    line(value).filter(|text| !text.eq_ignore_ascii_case("na") && !text.eq_ignore_ascii_case("n/a"))
}

/// Text of several lines, without markup; `None` for nothing.
pub(super) fn prose(value: &Value) -> Option<String> {
    let mut text = prose::plain(value.as_str()?);
    if let Some((end, _)) = text.char_indices().nth(PROSE) {
        text.truncate(end);
        text.push_str(" … (cut)");
    }
    (!text.is_empty() && text != "NA").then_some(text)
}

/// A whole number, also as a text.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| exact(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok().or_else(|| exact(text.trim().parse().ok()?)),
        _ => None,
    }
}

fn exact(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number that fits")]
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}

/// A number, also as a text.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

/// Yes or no, in any of the spellings.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" | "true" => Some(true),
            "n" | "no" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A list of texts: a list, one text, or nothing.
pub(super) fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().take(ENTRIES).filter_map(given).collect(),
        one => given(one).into_iter().collect(),
    }
}

/// The words of a text: releases are separated by blanks, sometimes by commas.
pub(super) fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => {
            let parts = text.split(|c: char| c.is_whitespace() || c == ',');
            parts.map(|part| outside::line(part, LINE)).filter(|part| !part.is_empty()).take(ENTRIES).collect()
        }
        other => lines(other),
    }
}

/// A day or a moment in ISO 8601. What stands below `value` is looked at, too, as end-of-life dates have it; a moment
/// without a zone counts as UTC. A date in an unknown form is handed back as it is: better strange than lost.
pub(super) fn date(value: &Value) -> Option<String> {
    let inner = value.get("value").unwrap_or(value);
    let text = given(inner)?;
    Some(iso(&text).unwrap_or(text))
}

fn iso(text: &str) -> Option<String> {
    if let Some((day, time)) = text.split_once(['T', ' ']).filter(|(day, _)| is_day(day)) {
        let zoned = time.ends_with('Z') || time.contains('+') || time.rfind('-').is_some();
        return Some(format!("{day}T{time}{}", if zoned { "" } else { "Z" }));
    }
    if is_day(text) {
        return Some(text.to_owned());
    }
    // `11-Mar-2021`
    let parts: Vec<&str> = text.split('-').collect();
    let [day, month, year] = parts.as_slice() else { return None };
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let month = months.iter().position(|name| month.to_ascii_lowercase().starts_with(name))?.saturating_add(1);
    let (day, year): (u8, u16) = (day.parse().ok()?, year.parse().ok()?);
    ((1..=31).contains(&day) && year >= 1900).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

fn is_day(text: &str) -> bool {
    let shape = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    shape.eq(*b"0000-00-00")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn dates_are_iso_whatever_they_were() {
        for (given, expected) in [
            (json!("2023-09-10"), Some("2023-09-10")),
            (json!("2021-09-30T14:46:09.000Z"), Some("2021-09-30T14:46:09.000Z")),
            (json!("2022-04-13T23:00:00"), Some("2022-04-13T23:00:00Z")),
            (json!("2022-04-13 23:00:00"), Some("2022-04-13T23:00:00Z")),
            (json!("2022-04-13T23:00:00-0700"), Some("2022-04-13T23:00:00-0700")),
            (json!("11-Mar-2021"), Some("2021-03-11")),
            (json!("1-march-2021"), Some("2021-03-01")),
            (json!({"value": "2021-04-30", "dateFormat": "YYYY-MM-DD"}), Some("2021-04-30")),
            (json!({"value": " ", "dateFormat": null}), None),
            (json!({"value": null}), None),
            (json!("NA"), None),
            (json!(""), None),
            (json!("soon"), Some("soon")),
            (json!("99-Mar-2021"), Some("99-Mar-2021")),
        ] {
            assert_eq!(date(&given).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn numbers_and_flags_are_read_in_every_spelling() {
        assert_eq!(
            [json!(7), json!("7"), json!(" 7 "), json!(7.0), json!("7.0")].map(|value| whole(&value)),
            [Some(7); 5]
        );
        assert_eq!([json!("x"), json!(null), json!(7.5), json!([7]), json!("")].map(|value| whole(&value)), [None; 5]);
        assert_eq!([json!("8.6"), json!(8.6)].map(|value| number(&value)), [Some(8.6); 2]);
        assert_eq!([json!("NA"), json!("NaN")].map(|value| number(&value)), [None; 2]);
        let flags = [json!("Y"), json!("YES"), json!("true"), json!("N"), json!(false), json!("")];
        assert_eq!(
            flags.map(|value| flag(&value)),
            [Some(true), Some(true), Some(true), Some(false), Some(false), None]
        );
    }

    #[test]
    fn lists_are_read_in_every_shape() {
        assert_eq!(lines(&json!(["a", "NA", 3, " "])), ["a", "3"]);
        assert_eq!(lines(&json!("a")), ["a"]);
        assert_eq!(lines(&json!("NA")), Vec::<String>::new());
        assert_eq!(words(&json!("17.3.2 17.6.1,17.10.1")), ["17.3.2", "17.6.1", "17.10.1"]);
        assert_eq!(words(&json!(null)), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,40}", number: f64) {
            for value in [json!(text), json!(number), json!([text]), json!({"value": text})] {
                let _ = (line(&value), given(&value), prose(&value), whole(&value), self::number(&value));
                let _ = (flag(&value), lines(&value), words(&value), date(&value));
            }
        }
    }
}
