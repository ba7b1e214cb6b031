//! What an answer's status and body mean, in words that say which field was wrong (reference: "Errors"). What a 401 or
//! 403 means is the business of [`refusal`].

use http::{Response, StatusCode};
use serde_json::Value;

use super::refusal;
use crate::backends::http::{Kind, is_web_page};
use crate::backends::{Error, outside};

/// The most findings of a refusal that are repeated.
const FINDINGS: usize = 12;
/// Characters of all of them.
const LONGEST: usize = 1_000;

/// The JSON of a good answer, or what another one means.
pub(super) fn of(host: &str, answer: &Response<Vec<u8>>, kind: Kind) -> Result<Value, Error> {
    if let Some(error) = refused(host, answer, kind) {
        return Err(error);
    }
    let body = answer.body();
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body).map_err(|error| Error::Protocol {
        host: host.to_owned(),
        cause: format!("no JSON at line {}, column {}", error.line(), error.column()),
    })
}

/// What an answer means that is no good one; `None` for a good one.
pub(super) fn refused(host: &str, answer: &Response<Vec<u8>>, kind: Kind) -> Option<Error> {
    let (status, body) = (answer.status(), answer.body());
    let (is_page, host) = (is_web_page(answer.headers(), body), host.to_owned());
    let said = || if is_page { String::new() } else { findings(body) };
    let refused = |said: String| Error::Refused { host: host.clone(), code: i64::from(status.as_u16()), said };
    let with = |words: &str, said: String| if said.is_empty() { words.to_owned() } else { format!("{words}: {said}") };
    Some(match status {
        StatusCode::NOT_FOUND if is_page => refused("there is no API of NetBox at this address".to_owned()),
        StatusCode::NOT_FOUND => refused(with("there is nothing, or this account may not see it", said())),
        StatusCode::METHOD_NOT_ALLOWED => refused(with("what is there cannot be changed in this way", said())),
        StatusCode::PRECONDITION_FAILED => {
            refused("somebody has changed it since it was looked at: look at it again".to_owned())
        }
        StatusCode::CONFLICT => refused(with("it is in conflict with what is there", said())),
        StatusCode::BAD_REQUEST if !is_page => refused(with("it finds this wrong", said())),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT if is_page => {
            let said = "what stands in front of it got no answer from it".to_owned();
            Error::Server { host, status: status.as_u16(), said }
        }
        status if status.is_server_error() => Error::Server { host, status: status.as_u16(), said: said() },
        _ => return refusal::of(&host, answer, kind),
    })
}

/// What a body says: of each field what is wrong with it; of a fault of the server its kind.
fn findings(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return outside::said(body) };
    let mut found = Vec::new();
    collect(&value, "", 0, &mut found);
    let more = found.len().saturating_sub(FINDINGS);
    found.truncate(FINDINGS);
    let mut text = outside::line(&found.join("; "), LONGEST);
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    text
}

/// Names under which a body speaks of the whole request.
const WHOLE: [&str; 5] = ["detail", "error", "non_field_errors", "__all__", "exception"];
/// What a fault of the server tells about the machine, which helps nobody here.
const MACHINE: [&str; 2] = ["netbox_version", "python_version"];

fn collect(value: &Value, place: &str, depth: usize, found: &mut Vec<String>) {
    // Nobody nests this deeply on purpose, and each level could multiply.
    if depth > 4 || found.len() > 200 {
        return;
    }
    let deeper = depth.saturating_add(1);
    match value {
        Value::Null => {}
        Value::Array(all) => {
            let is_text = all.iter().all(Value::is_string);
            for (number, one) in all.iter().enumerate() {
                let entry = if is_text { place.to_owned() } else { joined(place, &format!("[{number}]")) };
                collect(one, &entry, deeper, found);
            }
        }
        Value::Object(members) => {
            for (name, inner) in members.iter().filter(|(name, _)| !MACHINE.contains(&name.as_str())) {
                let place = if WHOLE.contains(&name.as_str()) { place.to_owned() } else { joined(place, name) };
                collect(inner, &place, deeper, found);
            }
        }
        scalar => {
            let text = scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned);
            if !text.is_empty() {
                found.push(if place.is_empty() { text } else { format!("`{place}`: {text}") });
            }
        }
    }
}

fn joined(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;

    use super::*;

    fn judged(status: u16, media: &str, body: &str) -> String {
        let mut answer = Response::new(body.as_bytes().to_vec());
        *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
        answer.headers_mut().insert(CONTENT_TYPE, media.parse().expect("a media type"));
        match of("box.example", &answer, Kind::Read) {
            Ok(value) => value.to_string(),
            Err(Error::Server { status, said, .. }) => format!("server {status}: {said}"),
            Err(Error::Rejected { said, .. }) => format!("login: {said}"),
            Err(error) => error.to_string().replace("`box.example` refused the request: ", ""),
        }
    }

    const JSON: &str = "application/json";
    const HTML: &str = "text/html; charset=utf-8";
    /// A status, a media type, a body, and what they mean.
    const CASES: &[(u16, &str, &str, &str)] = &[
        (200, JSON, r#"{"count":0}"#, r#"{"count":0}"#),
        (204, JSON, "", "null"),
        (200, JSON, "{", "`box.example` answered wrongly: no JSON at line 1, column 1"),
        (
            400,
            JSON,
            r#"{"site":["Select a valid choice. x is not one of them."],"__all__":["no"],"a":{"b":["c"]}}"#,
            "it finds this wrong: no; `a.b`: c; `site`: Select a valid choice. x is not one of them.",
        ),
        (
            400,
            JSON,
            r#"["'start' and 'offset' are mutually exclusive."]"#,
            "it finds this wrong: 'start' and 'offset' are mutually exclusive.",
        ),
        (400, JSON, r#"[{},{"name":["required"]}]"#, "it finds this wrong: `[1].name`: required"),
        (
            404,
            JSON,
            r#"{"detail":"No Device matches the given query."}"#,
            "there is nothing, or this account may not see it: No Device matches the given query.",
        ),
        (404, HTML, "<html>", "there is no API of NetBox at this address"),
        (
            405,
            JSON,
            r#"{"detail":"Method \"POST\" not allowed."}"#,
            "what is there cannot be changed in this way: Method \"POST\" not allowed.",
        ),
        (
            409,
            JSON,
            r#"{"detail":"Unable to delete object. 3 dependent objects were found: sw1 (12)"}"#,
            "it is in conflict with what is there: Unable to delete object. 3 dependent objects were found: sw1 (12)",
        ),
        (
            412,
            JSON,
            r#"{"detail":"Precondition failed."}"#,
            "somebody has changed it since it was looked at: look at it again",
        ),
        (
            500,
            JSON,
            r#"{"error":"relation","exception":"ProgrammingError","netbox_version":"4.6.8","python_version":"3"}"#,
            "server 500: relation; ProgrammingError",
        ),
        (502, HTML, "<html>", "server 502: what stands in front of it got no answer from it"),
        (
            503,
            JSON,
            r#"{"detail":"Unable to process request: RQ worker process not running."}"#,
            "server 503: Unable to process request: RQ worker process not running.",
        ),
    ];

    #[test]
    fn each_status_says_what_was_wrong_and_with_which_field() {
        for &(status, media, body, expected) in CASES {
            assert_eq!(judged(status, media, body), expected, "{status} {body}");
        }
        assert!(judged(200, HTML, "<html>").starts_with("login: "), "a page is the login of a gateway");
    }

    #[test]
    fn a_long_or_deep_refusal_is_bounded() {
        let many: Vec<String> = (0..500).map(|number| format!("\"f{number}\":[\"{}\"]", "x".repeat(100))).collect();
        let said = judged(400, JSON, &format!("{{{}}}", many.join(",")));
        assert!(said.len() < 1_200 && said.contains("more"), "{said}");
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(judged(400, JSON, &deep), "it finds this wrong");
    }
}
