//! What a refusal means: the six envelopes of the APIs, and the gateway's own words before them.
//!
//! An error may come with status 200, "nothing found" with 200, 403 or 404, and a limit with 403: the status alone says
//! little.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::api::Api;
use super::value;
use crate::backends::http::{self as service, is_web_page};
use crate::backends::{Error, outside};

/// How long to wait before the second try, where the service does not say.
const SOON: Duration = Duration::from_millis(500);
/// The gateway counts by the second.
const NEXT_SECOND: Duration = Duration::from_millis(1_100);
/// openVuln counts by the minute; after this a try may succeed.
const LATER: Duration = Duration::from_secs(5);

/// An error in one of the envelopes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: String,
    pub(super) text: String,
    /// Which of the inputs it is about, where it says so.
    pub(super) input: Option<String>,
}

/// What a fault means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// There is nothing of that kind: an answer.
    Nothing,
    /// The service has trouble that passes.
    Down,
    /// The account may not do it.
    Denied,
    /// The request is wrong.
    Input,
}

/// What an answer is.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Records, perhaps with faults in some of them.
    Found(Value),
    /// There is nothing, in the service's words.
    Nothing(String),
    /// It failed.
    Failed {
        error: Error,
        /// When it may be tried again.
        again: Option<Duration>,
    },
}

impl Fault {
    /// The faults in this object's envelopes; not those of records below it.
    pub(super) fn all(members: &Map<String, Value>) -> Vec<Self> {
        let below = |name: &str| members.get(name);
        let mut faults = Vec::new();
        if let Some(inner) = below("ErrorResponse") {
            faults.extend(Self::entries(inner.get("APIError").unwrap_or(inner)));
        }
        if let Some(inner) = below("APIError") {
            faults.extend(Self::entries(inner.get("Error").unwrap_or(inner)));
        }
        for name in ["EOXError", "errorDetailsResponse", "exception"] {
            faults.extend(below(name).into_iter().flat_map(Self::entries));
        }
        if let Some(Value::Object(inner)) = below("OrderList") {
            faults.extend(Self::all(inner));
        }
        if members.contains_key("errorCode") || members.contains_key("errorMessage") {
            faults.extend(Self::of(members));
        }
        faults
    }

    fn entries(value: &Value) -> Vec<Self> {
        match value {
            Value::Array(all) => all.iter().flat_map(Self::entries).collect(),
            Value::Object(members) => Self::of(members).into_iter().collect(),
            Value::String(text) if !text.trim().is_empty() => {
                vec![Self { text: outside::line(text, outside::LONGEST), ..Self::default() }]
            }
            _ => Vec::new(),
        }
    }

    fn of(members: &Map<String, Value>) -> Option<Self> {
        let first = |names: &[&str]| names.iter().find_map(|name| value::line(members.get(*name)?));
        let code = first(&["ErrorCode", "errorCode", "ErrorID", "exceptionCode"]).unwrap_or_default();
        let text =
            first(&["ErrorDescription", "errorDescription", "errorMessage", "exceptionMessage"]).unwrap_or_default();
        if code.is_empty() && text.is_empty() {
            return None;
        }
        let action = first(&["SuggestedAction", "suggestedAction"]).filter(|action| *action != text);
        let text = match action {
            Some(action) if text.is_empty() => action,
            Some(action) => format!("{text}; {action}"),
            None => text,
        };
        Some(Self { code, text, input: first(&["inputIdentifier", "ErrorDataValue"]) })
    }

    /// What it means (the error tables of each API's documentation).
    pub(super) fn meaning(&self) -> Meaning {
        let code = self.code.as_str();
        match code {
            "NO_RECORDS_FOUND"
            | "SVO_NO_RECORDS"
            | "S3_NO_REC_FOUND"
            | "S3_NO_SOFT_AVL"
            | "NO_DATA_FOUND"
            | "NO_DATA_FOUND_FOR_PID"
            | "ADVISORYID_NOT_FOUND"
            | "PRODUCT_NOT_FOUND"
            | "CASE_NOTFOUND"
            | "NO_IOS_AFFECTING_ADVISORIES_FOUND"
            | "SSA_ERR_015"
            | "SSA_ERR_022"
            | "SSA_ERR_023"
            | "SSA_ERR_024"
            | "SSA_ERR_026"
            | "SSA_ERR_030" => Meaning::Nothing,
            // The Bug API says so of a search without a result, too.
            "API_INVALID_INPUT" if self.text.to_ascii_lowercase().contains("no record") => Meaning::Nothing,
            "API_ERROR_01"
            | "S3_SERVICE_EXCEPTION_OCCURED"
            | "SSA_ERR_011"
            | "SSA_ERR_012"
            | "SSA_ERR_013"
            | "SSA_ERR_014"
            | "SSA_ERR_018"
            | "SSA_ERR_033"
            | "SSA_ERR_037"
            | "SSA_GENERIC_ERR"
            | "API_UNAVAILABLE"
            | "UNKNOWN_FAILURE"
            | "SYSTEM_ERROR"
            | "SER_UNEXPECT_FAIL" => Meaning::Down,
            "API_NOTAUTHORIZED"
            | "CASE_API_FORBIDDEN"
            | "AUTHENTICATION_ERROR"
            | "INVALID_CUSTOMERID"
            | "SSA_ERR_034"
            | "SSA_ERR_036"
            | "SW_NO_LONGER_AVL"
            | "PROD_REG_NA"
            | "PROD_REG_AV"
            | "DNAC_REG_REQ" => Meaning::Denied,
            _ => Meaning::Input,
        }
    }

    /// Its words.
    pub(super) fn said(&self) -> String {
        let text = match (self.code.as_str(), self.text.as_str()) {
            ("", text) => text.to_owned(),
            (code, "") => code.to_owned(),
            (code, text) => format!("{text} ({code})"),
        };
        outside::line(&text, outside::LONGEST)
    }
}

/// Judges a whole answer.
pub(super) fn judge(api: Api, host: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Verdict {
    let parsed = serde_json::from_slice::<Value>(body).ok();
    let faults = match &parsed {
        Some(Value::Object(members)) => Fault::all(members),
        _ => Vec::new(),
    };
    let host = host.to_owned();
    match (parsed, faults.first()) {
        // A list that has records is an answer, whatever is said beside it.
        (Some(value), fault) if status.is_success() && (fault.is_none() || has_records(&value)) => match value {
            Value::Object(_) | Value::Array(_) => Verdict::Found(value),
            _ => failed(Error::Protocol { host, cause: "the answer is neither an object nor a list".to_owned() }),
        },
        (_, Some(fault)) => of_fault(fault, host, status, headers),
        (_, None) if status.is_success() => {
            let cause = if is_web_page(headers, body) { "a web page instead of JSON" } else { "no JSON" };
            failed(Error::Protocol { host, cause: cause.to_owned() })
        }
        (_, None) => of_gateway(api, host, status, headers, body),
    }
}

fn failed(error: Error) -> Verdict {
    Verdict::Failed { error, again: None }
}

fn has_records(value: &Value) -> bool {
    match value {
        Value::Array(all) => !all.is_empty(),
        Value::Object(members) => members.values().any(|member| match member {
            Value::Array(all) => all.iter().any(Value::is_object),
            Value::Object(inner) => inner.get("RmaRecord").is_some_and(|records| !records.is_null()),
            _ => false,
        }),
        _ => false,
    }
}

fn of_fault(fault: &Fault, host: String, status: StatusCode, headers: &HeaderMap) -> Verdict {
    let said = with_id(fault.said(), headers);
    match fault.meaning() {
        Meaning::Nothing => Verdict::Nothing(fault.said()),
        Meaning::Down => {
            let status = if status.is_server_error() { status.as_u16() } else { 500 };
            Verdict::Failed { error: Error::Server { host, status, said }, again: Some(SOON) }
        }
        Meaning::Denied => failed(Error::Forbidden { host, said }),
        Meaning::Input if status.is_server_error() => {
            Verdict::Failed { error: Error::Server { host, status: status.as_u16(), said }, again: Some(SOON) }
        }
        Meaning::Input if status == StatusCode::UNAUTHORIZED && fault.code.is_empty() => {
            failed(Error::Rejected { host, said })
        }
        Meaning::Input => failed(Error::Refused { host, code: i64::from(status.as_u16()), said }),
    }
}

/// An answer without an envelope: the gateway spoke, in a header and in XML or HTML.
fn of_gateway(api: Api, host: String, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Verdict {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let code = outside::line(&header("x-mashery-error-code"), 60);
    let detail = header("x-error-detail-header");
    let text = String::from_utf8_lossy(body);
    let says =
        |words: &str| [detail.as_str(), text.as_ref()].iter().any(|text| text.to_ascii_lowercase().contains(words));
    let marked = |words: &str| {
        let mark = if code.is_empty() { String::new() } else { format!(" ({code})") };
        with_id(format!("{words}{mark}"), headers)
    };
    let asked = service::retry_after(headers);
    let limited = |words: &str, retry_after| Error::Limited { host: host.clone(), said: marked(words), retry_after };
    match status.as_u16() {
        403 if code.ends_with("OVER_QPS") => Verdict::Failed {
            error: limited("more requests a second than the application may send", asked),
            again: Some(asked.unwrap_or(NEXT_SECOND)),
        },
        403 if code.ends_with("OVER_RATE") => {
            failed(limited("the application's requests of this day are used up; there are new ones tomorrow", asked))
        }
        429 => Verdict::Failed {
            error: limited("more requests than the application may send in this time", asked.or(Some(LATER))),
            again: Some(asked.unwrap_or(LATER)),
        },
        403 if says("rate limit exceeded") => {
            Verdict::Failed { error: limited("the gateway has no capacity left", asked), again: Some(NEXT_SECOND) }
        }
        403 if code.ends_with("DEVELOPER_INACTIVE") => {
            failed(Error::Forbidden { host, said: marked("the application is unknown or not active") })
        }
        403 if !code.is_empty() || says("not authorized") => failed(Error::Forbidden {
            host,
            said: marked(&format!(
                "the application may not use the {}: its owner ticks it at https://apiconsole.cisco.com, and the account \
                 needs the right to it",
                api.title()
            )),
        }),
        596 => failed(Error::Protocol { host, cause: marked("the gateway found no service at this address") }),
        404 => failed(Error::Refused { host, code: 404, said: marked("there is nothing at this address") }),
        _ => {
            let error = service::failure(host.clone(), status, headers, with_id(outside::said(body), headers));
            let again = status.is_server_error().then(|| asked.unwrap_or(SOON));
            Verdict::Failed { error, again }
        }
    }
}

/// With the id that Cisco's support asks for.
fn with_id(said: String, headers: &HeaderMap) -> String {
    let id = headers.get("x-mashery-message-id").and_then(|id| id.to_str().ok());
    match id.map(|id| outside::line(id, 60)).filter(|id| !id.is_empty()) {
        Some(id) => format!("{said} [message {id}]"),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn judged(status: u16, code: Option<&'static str>, body: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.extend(
            code.map(|code| {
                (http::HeaderName::from_static("x-mashery-error-code"), http::HeaderValue::from_static(code))
            }),
        );
        let status = StatusCode::from_u16(status).expect("a status");
        match judge(Api::Rma, "h", status, &headers, body.as_bytes()) {
            Verdict::Found(value) => format!("found {value}"),
            Verdict::Nothing(said) => format!("nothing: {said}"),
            Verdict::Failed { error, again } => format!("{error:?} again {again:?}"),
        }
    }

    /// Status, body, and what it means.
    const ENVELOPES: &[(u16, &str, &str)] = &[
        (
            400,
            r#"{"ErrorResponse":{"APIError":[{"ErrorCode":"API_MISSING_PARAMETERS","ErrorDescription":"missing","SuggestedAction":"read"}]}}"#,
            "Refused { host: \"h\", code: 400, said: \"missing; read (API_MISSING_PARAMETERS)\" } again None",
        ),
        (
            200,
            r#"{"ErrorResponse":{"APIError":{"ErrorCode":"EXCEEDED_OUTPUT","ErrorDescription":"too much","SuggestedAction":"too much"}}}"#,
            "Refused { host: \"h\", code: 200, said: \"too much (EXCEEDED_OUTPUT)\" } again None",
        ),
        (
            200,
            r#"{"EOXError":{"ErrorID":"SSA_ERR_010","ErrorDescription":"bad"}}"#,
            "Refused { host: \"h\", code: 200, said: \"bad (SSA_ERR_010)\" } again None",
        ),
        (
            200,
            r#"{"EOXError":{"ErrorID":"SSA_ERR_011","ErrorDescription":"db"}}"#,
            "Server { host: \"h\", status: 500, said: \"db (SSA_ERR_011)\" } again Some(500ms)",
        ),
        (
            200,
            r#"{"errorDetailsResponse":{"errorCode":"S3_NO_REC_FOUND","errorDescription":"none"}}"#,
            "nothing: none (S3_NO_REC_FOUND)",
        ),
        (
            200,
            r#"{"APIError":{"Error":[{"errorCode":"SVO_NO_RECORDS","errorDescription":"No order","suggestedAction":"No order","inputIdentifier":"8"}]}}"#,
            "nothing: No order (SVO_NO_RECORDS)",
        ),
        (
            200,
            r#"{"OrderList":{"APIError":{"Error":[{"errorCode":"API_DATEFORMAT_ERROR","errorDescription":"date"}]}}}"#,
            "Refused { host: \"h\", code: 200, said: \"date (API_DATEFORMAT_ERROR)\" } again None",
        ),
        (
            404,
            r#"{"errorCode":"NO_DATA_FOUND","errorMessage":"No data found"}"#,
            "nothing: No data found (NO_DATA_FOUND)",
        ),
        (
            406,
            r#"{"errorCode":"INVALID_YEAR","errorMessage":"1995"}"#,
            "Refused { host: \"h\", code: 406, said: \"1995 (INVALID_YEAR)\" } again None",
        ),
        (
            200,
            r#"{"errorCode":"NO_IOS_AFFECTING_ADVISORIES_FOUND","errorMessage":"none"}"#,
            "nothing: none (NO_IOS_AFFECTING_ADVISORIES_FOUND)",
        ),
        (
            401,
            r#"{"errorCode":"PROD_REG_NA","errorMessage":"register"}"#,
            "Forbidden { host: \"h\", said: \"register (PROD_REG_NA)\" } again None",
        ),
        (
            403,
            r#"{"ErrorResponse":{"APIError":[{"ErrorCode":"API_NOTAUTHORIZED","ErrorDescription":"no"}]}}"#,
            "Forbidden { host: \"h\", said: \"no (API_NOTAUTHORIZED)\" } again None",
        ),
        (
            200,
            r#"{"ErrorResponse":{"APIError":[{"ErrorCode":"API_INVALID_INPUT","ErrorDescription":"No records found"}]}}"#,
            "nothing: No records found (API_INVALID_INPUT)",
        ),
        (
            200,
            r#"{"productList":[{"id":"1"}],"errorDetailsResponse":null}"#,
            r#"found {"errorDetailsResponse":null,"productList":[{"id":"1"}]}"#,
        ),
        (
            200,
            r#"{"EOXRecord":[],"EOXError":{"ErrorID":"","ErrorDescription":" "}}"#,
            r#"found {"EOXError":{"ErrorDescription":" ","ErrorID":""},"EOXRecord":[]}"#,
        ),
        (200, "<html>", "Protocol { host: \"h\", cause: \"a web page instead of JSON\" } again None"),
        (200, "7", "Protocol { host: \"h\", cause: \"the answer is neither an object nor a list\" } again None"),
    ];

    #[test]
    fn every_envelope_is_recognised_with_any_status() {
        for (status, body, expected) in ENVELOPES {
            assert_eq!(judged(*status, None, body), *expected, "{status} {body}");
        }
    }

    #[test]
    fn the_gateway_is_told_apart_from_the_api() {
        for (status, code, body, expected) in [
            (
                403,
                Some("ERR_403_DEVELOPER_OVER_QPS"),
                "<h1>Developer Over Qps</h1>",
                "more requests a second than the application may send (ERR_403_DEVELOPER_OVER_QPS)\", retry_after: None } again Some(1.1s)",
            ),
            (
                403,
                Some("ERR_403_DEVELOPER_OVER_RATE"),
                "<h1/>",
                "requests of this day are used up; there are new ones tomorrow (ERR_403_DEVELOPER_OVER_RATE)\", retry_after: None } again None",
            ),
            (
                429,
                Some("ERR_403_DEVELOPER_OVER_RATE"),
                "<h1/>",
                "(ERR_403_DEVELOPER_OVER_RATE)\", retry_after: Some(5s) } again Some(5s)",
            ),
            (403, None, "<h1>Rate Limit Exceeded</h1>", "no capacity left\", retry_after: None } again Some(1.1s)"),
            (
                403,
                Some("ERR_403_NOT_AUTHORIZED"),
                "<h1>Not Authorized</h1>",
                "may not use the Service Order Return (RMA) API: its owner ticks it at https://apiconsole.cisco.com, and the account needs the right to it (ERR_403_NOT_AUTHORIZED)\" } again None",
            ),
            (403, None, "<h1>Not Authorized</h1>", "needs the right to it\" } again None"),
            (
                403,
                Some("ERR_403_DEVELOPER_INACTIVE"),
                "",
                "unknown or not active (ERR_403_DEVELOPER_INACTIVE)\" } again None",
            ),
            (401, None, "", "Rejected { host: \"h\", said: \"\" } again None"),
            (596, None, "<h1>596 Service Not Found</h1>", "found no service at this address\" } again None"),
            (
                404,
                None,
                "<html>",
                "Refused { host: \"h\", code: 404, said: \"there is nothing at this address\" } again None",
            ),
            (
                500,
                None,
                "<html>",
                "Server { host: \"h\", status: 500, said: \"a web page instead of an answer\" } again Some(500ms)",
            ),
        ] {
            let judged = judged(status, code, body);
            assert!(judged.ends_with(expected), "{status} {body}: {judged}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(status in 200_u16..600, name in "ErrorResponse|APIError|EOXError|errorCode|OrderList|x", text in ".{0,20}", number: i64) {
            for inner in [json!(text), json!(number), json!([text, {"ErrorCode": number}]), json!({"APIError": text}), json!({"Error": [null]}), json!(null)] {
                let _ = judged(status, None, &json!({name.as_str(): inner}).to_string());
            }
        }
    }
}
