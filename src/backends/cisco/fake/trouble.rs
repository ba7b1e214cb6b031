//! Trouble on demand: an identifier that ends in one of these numbers brings it, wherever in the request it is.
//!
//! | number | what comes |
//! |---|---|
//! | 200, 205 | 200 with the API's own error for the whole request; the same with an object for the array |
//! | 201, 202, 204 | 200 with a web page; with JSON that is cut off; with nothing |
//! | 210, 211 | success, with numbers for strings and strings for numbers; with fields of nobody and `null` for `""` |
//! | 212, 213 | success, with half of the fields of every record missing; with hostile sentences behind every sentence |
//! | 401 | 401 once, then success; 402 for good |
//! | 403, 404 | the gateway's "not enabled for this application"; a web page |
//! | 420, 421 | `ERR_403_DEVELOPER_OVER_QPS` once, then success; for good |
//! | 422, 423, 424 | for good: `ERR_403_DEVELOPER_OVER_RATE`; "Rate Limit Exceeded"; `ERR_403_DEVELOPER_INACTIVE` |
//! | 427, 428, 429 | 429 in XML: once, with `Retry-After: 1`; for good; once |
//! | 430 | 403 in JSON, by the API itself: not authorized |
//! | 500, 501, 502 | 500 as a web page; 500 in JSON, its back end is down; the same with 200 |
//! | 504 | 504 for good |
//! | 503 | 503 twice, then success |
//! | 596 | the gateway finds no way |
//! | 802, 805, 890 | an answer after 2, 5, 90 seconds |
//!
//! The number follows one of these: `fake:` (keywords, names, users), `FAKE-` (product ids), `FAK0000A` (serial numbers),
//! `CSCzz00` (bugs), `699999` (cases), `899999` (returns), `299999` (contracts), `289999` (metadata ids), `999999`
//! (instances), `cisco-sa-fake-00000` (advisories), `CVE-1999-99`, `0.0.` (releases).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use http::header::RETRY_AFTER;

use serde_json::{Map, Value};

use super::answer::{Answer, JSON};
use super::asked::Asked;
use super::{Api, gateway, hostile};
use crate::backends::fake::{Reply, pause};

const MARKS: [&str; 12] = [
    "fake:",
    "FAKE-",
    "FAK0000A",
    "CSCzz00",
    "699999",
    "899999",
    "299999",
    "289999",
    "999999",
    "cisco-sa-fake-00000",
    "CVE-1999-99",
    "0.0.",
];

/// Whether an identifier is one that brings trouble, or a number that brings none and is known everywhere.
pub(super) fn is_marked(element: &str) -> bool {
    number(element).is_some()
}

fn number(element: &str) -> Option<u16> {
    let digits = MARKS.iter().find_map(|mark| element.trim().strip_prefix(mark))?;
    digits.parse().ok().filter(|_| digits.len() == 3)
}

/// The trouble that a request asks for.
pub(super) fn wanted(asked: &Asked<'_>) -> Option<u16> {
    asked.elements().iter().find_map(|element| number(element))
}

/// How often each trouble has come.
#[derive(Default)]
pub(super) struct Troubles(Mutex<HashMap<(u16, String), u32>>);

impl Troubles {
    /// What the trouble of this number answers instead of the API; `None` when it is over, and when it is none.
    pub(super) fn reply(&self, number: u16, api: &Api, asked: &Asked<'_>) -> Option<Reply> {
        let own = |status: u16, code: &str| (api.refused)(status, code, "This was asked for");
        // The first so many of a round, which then begins anew.
        let first = |count: u32| {
            let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = counts.entry((number, asked.rest.to_owned())).or_default();
            *seen = (*seen + 1) % (count + 1);
            *seen != 0
        };
        Some(match number {
            200 => own(200, api.invalid).reply(),
            205 => other_form(own(200, api.invalid)).reply(),
            201 => Answer::page(200, "Sign in to the network").reply(),
            202 => Answer::json(200, r#"{"bugs":[{"id":"1","headline":"cut o"#.to_owned()).reply(),
            204 => Answer { status: 200, media: JSON, body: String::new() }.reply(),
            401 if first(1) => stale(),
            402 => stale(),
            403 => gateway::NOT_AUTHORIZED.reply(),
            404 => super::answer::nothing().reply(),
            420 if first(1) => gateway::OVER_QPS.reply(),
            421 => gateway::OVER_QPS.reply(),
            422 => gateway::OVER_RATE.reply(),
            423 => gateway::CAPACITY.reply(),
            424 => gateway::INACTIVE.reply(),
            427 if first(1) => {
                let mut reply = gateway::TOO_MANY.reply();
                reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                reply
            }
            428 => gateway::TOO_MANY.reply(),
            429 if first(1) => gateway::TOO_MANY.reply(),
            430 => own(403, api.unauthorized).reply(),
            500 => Answer::page(500, "500 Internal Server Error").reply(),
            501 => own(500, api.down).reply(),
            502 => own(200, api.down).reply(),
            503 if first(2) => Answer::page(503, "503 Service Unavailable").reply(),
            504 => Answer::page(504, "504 Gateway Timeout").reply(),
            596 => gateway::NO_ROUTE.reply(),
            800..=899 => {
                pause(Duration::from_secs(u64::from(number - 800)));
                return None;
            }
            _ => return None,
        })
    }
}

/// A bearer that is no longer good.
pub(super) fn stale() -> Reply {
    Answer { status: 401, media: "text/xml", body: "<h1>Unauthorized</h1>".to_owned() }.reply()
}

/// An array of one error as the object in it.
fn other_form(answer: Answer) -> Answer {
    Answer { body: answer.body.replace(['[', ']'], ""), ..answer }
}

/// A success that is not what the service promises.
pub(super) fn warped(number: u16, answer: Answer) -> Answer {
    let warp: fn(&mut Value) = match number {
        210 => |value| match value {
            Value::Number(number) => *value = Value::String(number.to_string()),
            Value::String(text) => {
                if let Some(number) = text.parse::<u64>().ok().filter(|_| text.len() < 18) {
                    *value = Value::from(number);
                }
            }
            _ => {}
        },
        211 => |value| match value {
            Value::Object(members) => drop(members.insert("colour".to_owned(), Value::from(vec!["new"]))),
            Value::String(text) if text.is_empty() => *value = Value::Null,
            _ => {}
        },
        212 => |value| {
            let Value::Array(records) = value else { return };
            for members in records.iter_mut().filter_map(Value::as_object_mut) {
                let whole = std::mem::take(members);
                *members = whole.into_iter().step_by(2).collect::<Map<_, _>>();
            }
        },
        213 => |value| match value {
            Value::String(text) if text.contains(' ') => text.push_str(hostile::TEXT),
            _ => {}
        },
        _ => return answer,
    };
    let Ok(mut body) = serde_json::from_str(&answer.body) else { return answer };
    everywhere(&mut body, warp);
    Answer { body: body.to_string(), ..answer }
}

fn everywhere(value: &mut Value, warp: fn(&mut Value)) {
    warp(value);
    match value {
        Value::Array(all) => all.iter_mut().for_each(|one| everywhere(one, warp)),
        Value::Object(members) => members.values_mut().for_each(|one| everywhere(one, warp)),
        _ => {}
    }
}
