//! What Tavily's refusals mean, each in words of its own with a next step.

use std::time::Duration;

use http::StatusCode;
use http::header::HeaderMap;
use serde::Deserialize;

use crate::backends::http as service;
use crate::backends::{Error, outside};

/// Where a person sees and changes what their plan allows.
const DASHBOARD: &str = "https://app.tavily.com";

/// The form in which calls without a login are refused. What it suggests to do next is text for others: it is never done.
#[derive(Deserialize)]
struct Envelope {
    error: Cap,
}

#[derive(Deserialize)]
struct Cap {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    window: Option<String>,
    #[serde(default)]
    retry_after_seconds: Option<f64>,
}

/// What is said of a task that the service does only while somebody follows it.
pub(super) const MUST_FOLLOW: &str = "the service works on this only while somebody follows it: give `stream`";

/// What the REST service refused, on a connection of that name.
pub(super) fn of(connection: &str, host: String, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let said = outside::said(body);
    if status == StatusCode::BAD_REQUEST && is_marked(body) {
        return Error::Refused { host, code: 400, said: MUST_FOLLOW.to_owned() };
    }
    let Ok(Envelope { error: cap }) = serde_json::from_slice(body) else {
        return said_of(host, status, headers, said);
    };
    let mut error = service::failure(host, status, headers, said);
    let code = cap.code.map(|code| outside::line(&code, 60)).unwrap_or_default();
    match &mut error {
        Error::Limited { said, retry_after, .. } => {
            let window = match cap.window.as_deref() {
                Some(window @ ("hour" | "day" | "month")) => format!(" of this {window}"),
                _ => String::new(),
            };
            let words = format!(
                "the calls without a login{window} are used up ({code}); after `keyward login {connection} \
                 --api-key` the plan of the key counts"
            );
            *said = with(&words, said);
            let seconds = cap.retry_after_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            *retry_after = retry_after.or(seconds);
        }
        Error::Rejected { said, .. } | Error::Forbidden { said, .. } => {
            *said = with(&format!("this needs a login ({code})"), said);
        }
        _ => {}
    }
    error
}

/// Whether the refusal asks for the same task in the followed form: its text is not fixed, its code is.
fn is_marked(body: &[u8]) -> bool {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    body.pointer("/detail/error_code").and_then(serde_json::Value::as_str) == Some("research_stream_required")
}

/// What a status means that came with these words.
pub(super) fn said_of(host: String, status: StatusCode, headers: &HeaderMap, said: String) -> Error {
    let code = status.as_u16();
    let plan = || format!("; `{DASHBOARD}` shows and raises it");
    let words = match code {
        // The person has every right; the service reads no such address.
        403 if said.contains("not supported") => {
            return Error::Refused { host, code: 403, said: with("the service does not read this address", &said) };
        }
        400 => "an argument is not accepted".to_owned(),
        401 => "the key or the login is missing, wrong or withdrawn".to_owned(),
        403 => "it is not part of the plan".to_owned(),
        404 => "there is no such task, or it is too old".to_owned(),
        422 => "an argument is missing or not of its form".to_owned(),
        429 => "too many requests within a minute".to_owned(),
        432 => format!("the credits of the key or of the plan are used up{}", plan()),
        433 => format!("the limit of pay-as-you-go is reached{}", plan()),
        _ => return service::failure(host, status, headers, said),
    };
    let described = service::failure(host, status, headers, said);
    match described {
        Error::Refused { host, code, said } => Error::Refused { host, code, said: with(&words, &said) },
        Error::Rejected { host, said } => Error::Rejected { host, said: with(&words, &said) },
        Error::Forbidden { host, said } => Error::Forbidden { host, said: with(&words, &said) },
        Error::Limited { host, said, retry_after } => Error::Limited { host, said: with(&words, &said), retry_after },
        other => other,
    }
}

/// Our words, and theirs behind them.
fn with(words: &str, said: &str) -> String {
    if said.is_empty() { words.to_owned() } else { format!("{words}: {said}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, retry_after: Option<&str>, body: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.extend(retry_after.map(|wait| (http::header::RETRY_AFTER, wait.parse().expect("a header"))));
        let status = StatusCode::from_u16(status).expect("a status");
        format!("{:?}", of("c", "h".to_owned(), status, &headers, body.as_bytes()))
    }

    const WHY: &str = r#"{"detail":{"error":"why"}}"#;
    /// Status, `Retry-After`, body, and what they mean.
    const REFUSALS: &[(u16, Option<&str>, &str, &str)] = &[
        (400, None, WHY, r#"Refused { host: "h", code: 400, said: "an argument is not accepted: why" }"#),
        (401, None, WHY, r#"Rejected { host: "h", said: "the key or the login is missing, wrong or withdrawn: why" }"#),
        (403, None, WHY, r#"Forbidden { host: "h", said: "it is not part of the plan: why" }"#),
        (
            403,
            None,
            r#"{"detail":{"error":"[403] URL is not supported"}}"#,
            r#"Refused { host: "h", code: 403, said: "the service does not read this address: [403] URL is not supported" }"#,
        ),
        (404, None, WHY, r#"Refused { host: "h", code: 404, said: "there is no such task, or it is too old: why" }"#),
        (
            422,
            None,
            r#"{"detail":[{"loc":["body","query"],"msg":"Field required","type":"missing"}]}"#,
            r#"Refused { host: "h", code: 422, said: "an argument is missing or not of its form: body.query: Field required" }"#,
        ),
        (
            429,
            Some("2"),
            WHY,
            r#"Limited { host: "h", said: "too many requests within a minute: why", retry_after: Some(2s) }"#,
        ),
        (
            432,
            None,
            WHY,
            r#"Limited { host: "h", said: "the credits of the key or of the plan are used up; `https://app.tavily.com` shows and raises it: why", retry_after: None }"#,
        ),
        (
            433,
            None,
            WHY,
            r#"Limited { host: "h", said: "the limit of pay-as-you-go is reached; `https://app.tavily.com` shows and raises it: why", retry_after: None }"#,
        ),
        (500, None, "Internal Server Error", r#"Server { host: "h", status: 500, said: "Internal Server Error" }"#),
        (502, None, "<html>", r#"Server { host: "h", status: 502, said: "a web page instead of an answer" }"#),
        (
            429,
            None,
            r#"{"error":{"code":"hourly_cap_reached","message":"cap","window":"hour","retry_after_seconds":1800,
                    "next_actions":[{"type":"signup","url":"https://x","instructions":"do this"}]}}"#,
            r#"Limited { host: "h", said: "the calls without a login of this hour are used up (hourly_cap_reached); after `keyward login c --api-key` the plan of the key counts: cap", retry_after: Some(1800s) }"#,
        ),
        (
            401,
            None,
            r#"{"error":{"code":"key_required","message":"a key is needed","retry_after_seconds":null}}"#,
            r#"Rejected { host: "h", said: "this needs a login (key_required): a key is needed" }"#,
        ),
    ];

    #[test]
    fn every_refusal_has_its_meaning() {
        for (status, wait, body, expected) in REFUSALS {
            assert_eq!(refusal(*status, *wait, body), *expected, "{status} {body}");
        }
        let odd = refusal(429, None, r#"{"error":{"retry_after_seconds":-1}}"#);
        assert!(odd.ends_with("retry_after: None }") && !odd.contains("next_actions"), "{odd}");
    }
}
