//! Answers as text: records are templates of the wire's own JSON, with its spellings and its numbers in quotes.

use http::StatusCode;

use crate::backends::fake::{Reply, whole};

/// The media type of the APIs.
pub(super) const JSON: &str = "application/json;charset=UTF-8";

/// What an API answers.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) media: &'static str,
    pub(super) body: String,
}

impl Answer {
    /// JSON.
    pub(super) fn json(status: u16, body: String) -> Self {
        Self { status, media: JSON, body }
    }

    /// A web page with this headline.
    pub(super) fn page(status: u16, headline: &str) -> Self {
        Self { status, media: "text/html", body: format!("<html><body><h1>{headline}</h1></body></html>") }
    }

    pub(super) fn reply(self) -> Reply {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        whole(status, self.media, self.body)
    }
}

/// Nothing is at this path.
pub(super) fn nothing() -> Answer {
    Answer::page(404, "404 Not Found")
}

/// A template with its places filled: `<name>` with text inside a JSON string, `<<name>>` with JSON. A place without a
/// value stays as it is, because the wire has HTML in its texts.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let value = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let mut filled = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('<') {
        filled.push_str(before);
        let json = after.strip_prefix('<').and_then(|inner| inner.split_once(">>"));
        let text = after.split_once('>');
        match (json.and_then(|(name, rest)| Some((value(name)?, rest))), text) {
            (Some((json, behind)), _) => {
                filled.push_str(json);
                rest = behind;
            }
            (None, Some((name, behind))) if value(name).is_some() => {
                escape(value(name).unwrap_or_default(), &mut filled);
                rest = behind;
            }
            _ => {
                filled.push('<');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// Text as the inside of a JSON string.
fn escape(text: &str, to: &mut String) {
    let quoted = serde_json::Value::from(text).to_string();
    to.push_str(quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default());
}

/// JSON values as an array.
pub(super) fn array(values: &[String]) -> String {
    format!("[{}]", values.join(","))
}

/// Words as an array of strings.
pub(super) fn strings<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    serde_json::Value::from(words).to_string()
}

/// Puts records into the order of a number, those with the same one as they were. They are few: the library's sort would be
/// several kilobytes in the program for each kind of record.
pub(super) fn sort<T>(all: &mut [T], key: &dyn Fn(&T) -> i64) {
    for end in 1..all.len() {
        let mut at = end;
        while let Some([before, one]) = at.checked_sub(1).and_then(|from| all.get(from..=at)) {
            if key(before) <= key(one) {
                break;
            }
            all.swap(at - 1, at);
            at -= 1;
        }
    }
}

/// The first letters of a word as a number, for its place in the alphabet.
pub(super) fn rank(word: &str) -> i64 {
    word.bytes().chain([0; 7]).take(7).fold(0, |rank, byte| rank << 8 | i64::from(byte))
}

/// One page of many.
pub(super) struct Page<'a, T> {
    pub(super) records: &'a [T],
    /// How many come before.
    pub(super) before: usize,
    pub(super) index: usize,
    /// The number of the last page; 0 if there is none.
    pub(super) last: usize,
    pub(super) total: usize,
}

impl<'a, T> Page<'a, T> {
    /// A page beyond the end is empty.
    pub(super) fn of(all: &'a [T], index: usize, size: usize) -> Self {
        let before = index.saturating_sub(1).saturating_mul(size).min(all.len());
        let end = before.saturating_add(size).min(all.len());
        let records = all.get(before..end).unwrap_or_default();
        Self { records, before, index, last: all.len().div_ceil(size), total: all.len() }
    }

    /// The page, with the names of this API for its numbers: index, last, total, records.
    pub(super) fn fill(&self, template: &str, more: &[(&str, &str)]) -> String {
        let [index, last, total, records] =
            [self.index, self.last, self.total, self.records.len()].map(|number| number.to_string());
        let mut values = vec![("index", &*index), ("last", &*last), ("total", &*total), ("count", &*records)];
        values.extend(more);
        fill(template, &values)
    }
}

const PAGED: &str = r#"{"pagination_response_record":{"last_index":<<last>>,"page_index":<<index>>,"page_records":<<count>>,
"self_link":"https://api.cisco.com<link>","title":"<title>","total_records":<<total>>},"<name>":<<records>>}"#;

/// The envelope that the bug, case, product and serial number APIs have in common.
pub(super) fn paged<T>(page: &Page<'_, T>, link: &str, title: &str, named: (&str, &[String])) -> Answer {
    let records = array(named.1);
    Answer::json(200, page.fill(PAGED, &[("link", link), ("title", title), ("name", named.0), ("records", &records)]))
}

const REFUSED: &str = r#"{"ErrorResponse":{"APIError":[
{"ErrorCode":"<code>","ErrorDescription":"<what>","SuggestedAction":"Please consult the API documentation"}]}}"#;

/// How those four refuse.
pub(super) fn refused(status: u16, code: &str, what: &str) -> Answer {
    Answer::json(status, fill(REFUSED, &[("code", code), ("what", what)]))
}

/// An error inside of a record, where the envelope is an object.
pub(super) const NO_RECORDS: &str = r#""ErrorResponse":{"APIError":{"ErrorCode":"NO_RECORDS_FOUND",
"ErrorDescription":"No records found","SuggestedAction":"Verify the input and resubmit"}}"#;
