//! Requests to Tavily, over REST or through its remote MCP server, and what its refusals mean.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::backends::http::{self as service, Kind};
use crate::backends::remote::Peer;
use crate::backends::{Connection, Error, Output, Progress, Way, outside};
use crate::http::Limits;

/// Pages are fetched while the caller waits: a minute at most, and some more for the way.
const LIMITS: Limits = Limits { time: Duration::from_secs(90), body: 16 << 20 };
/// A question that needs no page of anybody.
const QUESTION: Limits = Limits { time: Duration::from_secs(10), body: 64 << 10 };
const SOURCE: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-client-source"), HeaderValue::from_static("keyward"));

/// A connection to Tavily.
pub(super) struct Client {
    connection: Connection,
    /// The remote MCP server, where the login is an OAuth token.
    peer: Option<Arc<Peer>>,
}

/// What Tavily is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Search,
    Extract,
}

impl Endpoint {
    const fn path(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Extract => "extract",
        }
    }

    const fn tool(self) -> &'static str {
        match self {
            Self::Search => "tavily_search",
            Self::Extract => "tavily_extract",
        }
    }
}

/// What Tavily answered.
pub(super) enum Answer {
    /// The fields of the answer.
    Fields(Map<String, Value>),
    /// The remote server's own words for a failure.
    Failed(Output),
}

impl Client {
    pub(super) fn new(connection: &Connection) -> Self {
        let oauth = connection.way == Way::OAuth;
        let peer = oauth.then(|| Peer::new(connection.clone()).with_headers([SOURCE]));
        Self { connection: connection.clone(), peer }
    }

    /// Asks once; what may be sent again is.
    pub(super) async fn ask(
        &self,
        endpoint: Endpoint,
        fields: Map<String, Value>,
        progress: Progress,
    ) -> Result<Answer, Error> {
        match &self.peer {
            Some(peer) => through_mcp(peer, endpoint, &fields, progress).await,
            None => self.rest(endpoint, fields).await,
        }
    }

    /// Whether the login is accepted: asks how much of the plan is used, which costs nothing (reference: `GET /usage`).
    pub(super) async fn check(&self) -> Result<(), Error> {
        if let Some(peer) = &self.peer {
            return peer.check().await;
        }
        if self.connection.way == Way::None {
            return Ok(());
        }
        let mut request = self.request("usage", &Map::new())?;
        *request.method_mut() = Method::GET;
        *request.body_mut() = Vec::new();
        let answer = service::send(&self.connection, &request, Kind::Read, QUESTION).await?;
        let host = service::host_of(&self.connection.url);
        match answer.status() {
            status if status.is_success() && service::is_web_page(answer.headers(), answer.body()) => {
                Err(Error::Protocol { host, cause: "a web page instead of JSON".to_owned() })
            }
            status if status.is_success() => Ok(()),
            status => Err(refused(host, status, answer.headers(), answer.body())),
        }
    }

    async fn rest(&self, endpoint: Endpoint, mut fields: Map<String, Value>) -> Result<Answer, Error> {
        let host = service::host_of(&self.connection.url);
        if self.connection.way == Way::ApiKey {
            fields.insert("include_usage".to_owned(), Value::Bool(true));
        }
        let request = self.request(endpoint.path(), &fields)?;
        // What may have been done and billed is not asked for twice.
        let answer = service::send(&self.connection, &request, Kind::Paid, LIMITS).await?;
        let (status, headers, body) = (answer.status(), answer.headers(), answer.body());
        if !status.is_success() {
            return Err(refused(host, status, headers, body));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Answer::Fields(fields)),
            Ok(_) => Err(Error::Protocol { host, cause: "the answer is not a JSON object".to_owned() }),
            Err(_) if service::is_web_page(headers, body) => {
                Err(Error::Protocol { host, cause: "a web page instead of JSON".to_owned() })
            }
            Err(error) => {
                let cause = format!("no JSON at line {}, column {}", error.line(), error.column());
                Err(Error::Protocol { host, cause })
            }
        }
    }

    fn request(&self, path: &str, fields: &Map<String, Value>) -> Result<Request<Vec<u8>>, Error> {
        let address = || crate::http::Error::Address { host: service::host_of(&self.connection.url) };
        let mut url = self.connection.url.clone();
        url.path_segments_mut().map_err(|()| address())?.pop_if_empty().push(path);
        // A map of JSON values always has a JSON form.
        let mut request = Request::new(serde_json::to_vec(fields).unwrap_or_default());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.as_str().parse().map_err(|_| address())?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.extend([SOURCE]);
        if self.connection.way == Way::None {
            headers.insert("x-tavily-access-mode", HeaderValue::from_static("keyless"));
        }
        Ok(request)
    }
}

async fn through_mcp(
    peer: &Arc<Peer>,
    endpoint: Endpoint,
    fields: &Map<String, Value>,
    progress: Progress,
) -> Result<Answer, Error> {
    let output = peer.call(endpoint.tool(), fields, Vec::new(), progress).await?;
    let text = first_text(&output.content);
    let structured: Option<Value> = match (&output.structured, &text) {
        (Some(structured), _) => serde_json::from_str(structured.get()).ok(),
        (None, Some(text)) => serde_json::from_str(text).ok(),
        (None, None) => None,
    };
    match (structured, text) {
        (Some(Value::Object(fields)), _) => match payload(peer.host(), &fields) {
            Some(error) => Err(error),
            None if output.failed => Ok(Answer::Failed(output)),
            None => Ok(Answer::Fields(unwrapped(fields))),
        },
        _ if output.failed => Ok(Answer::Failed(output)),
        // Text for people instead of fields: better shown than lost.
        (_, Some(text)) => Ok(Answer::Fields(Map::from_iter([("text".to_owned(), Value::String(text))]))),
        (_, None) => Err(Error::Protocol { host: peer.host(), cause: "a result without text".to_owned() }),
    }
}

/// Some servers put a result that they know no schema for below one member.
fn unwrapped(mut fields: Map<String, Value>) -> Map<String, Value> {
    if fields.len() > 1 || fields.contains_key("results") {
        return fields;
    }
    match fields.remove("result") {
        Some(Value::Object(inner)) => inner,
        Some(Value::String(text)) => match serde_json::from_str(&text) {
            Ok(Value::Object(inner)) => inner,
            _ => Map::from_iter([("text".to_owned(), Value::String(text))]),
        },
        Some(other) => Map::from_iter([("results".to_owned(), other)]),
        None => fields,
    }
}

fn first_text(content: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Block {
        #[serde(default)]
        text: Option<String>,
    }
    let blocks: Vec<Block> = serde_json::from_str(content.get()).ok()?;
    blocks.into_iter().find_map(|block| block.text)
}

/// A failure of the REST service behind the remote server: `{"error", "status", "detail"}`.
fn payload(host: String, fields: &Map<String, Value>) -> Option<Error> {
    let said = fields.get("error").filter(|error| !error.is_null())?;
    let status = match fields.get("status") {
        Some(Value::Number(status)) => status.as_u64(),
        Some(Value::String(status)) => status.parse().ok(),
        _ => None,
    };
    let status = status.and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok());
    // A search result may have a member of that name; only a status makes it a failure.
    let status = status.filter(|status| !status.is_success())?;
    let said = fields.get("detail").filter(|detail| !detail.is_null()).unwrap_or(said);
    Some(service::failure(host, status, &HeaderMap::new(), outside::said(said.to_string().as_bytes())))
}

/// What a refusal of the REST service means. 432 and 433 are used-up plans, which only the person can change.
fn refused(host: String, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    #[derive(Deserialize)]
    struct Envelope {
        error: Cap,
    }
    #[derive(Deserialize)]
    struct Cap {
        #[serde(default)]
        code: Option<String>,
        #[serde(default)]
        retry_after_seconds: Option<f64>,
    }
    let mut error = service::failure(host, status, headers, outside::said(body));
    // Calls without a login are refused in a form of their own. What it suggests to do next is never done.
    if let (Ok(Envelope { error: cap }), Error::Limited { said, retry_after, .. }) =
        (serde_json::from_slice(body), &mut error)
    {
        if let Some(code) = cap.code {
            *said = outside::line(&format!("{code}: {said}"), outside::LONGEST);
        }
        let seconds = cap.retry_after_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        *retry_after = retry_after.or(seconds);
    }
    error
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(status: u16, retry_after: Option<&str>, body: &str) -> Error {
        let mut headers = HeaderMap::new();
        headers.extend(retry_after.map(|wait| (http::header::RETRY_AFTER, wait.parse().expect("a header"))));
        refused("h".to_owned(), StatusCode::from_u16(status).expect("a status"), &headers, body.as_bytes())
    }

    fn shown(error: &Error) -> String {
        format!("{error:?}")
    }

    #[test]
    fn every_refusal_has_its_meaning() {
        let body = r#"{"detail":{"error":"why"}}"#;
        for (status, wait, body, expected) in [
            (400, None, body, r#"Refused { host: "h", code: 400, said: "why" }"#),
            (401, None, body, r#"Rejected { host: "h", said: "why" }"#),
            (403, None, body, r#"Forbidden { host: "h", said: "why" }"#),
            (404, None, body, r#"Refused { host: "h", code: 404, said: "why" }"#),
            (
                422,
                None,
                r#"{"detail":[{"loc":["body","query"],"msg":"Field required","type":"missing"}]}"#,
                r#"Refused { host: "h", code: 422, said: "body.query: Field required" }"#,
            ),
            (429, Some("2"), body, r#"Limited { host: "h", said: "why", retry_after: Some(2s) }"#),
            (432, None, body, r#"Limited { host: "h", said: "why", retry_after: None }"#),
            (433, None, body, r#"Limited { host: "h", said: "why", retry_after: None }"#),
            (500, None, "Internal Server Error", r#"Server { host: "h", status: 500, said: "Internal Server Error" }"#),
            (502, None, "<html>", r#"Server { host: "h", status: 502, said: "a web page instead of an answer" }"#),
            (
                429,
                None,
                r#"{"error":{"code":"hourly_cap_reached","message":"cap","window":"hour","retry_after_seconds":1800,
                    "next_actions":[{"type":"signup","url":"https://x","instructions":"do this"}]}}"#,
                r#"Limited { host: "h", said: "hourly_cap_reached: cap", retry_after: Some(1800s) }"#,
            ),
            (
                401,
                None,
                r#"{"error":{"code":"key_required","message":"a key is needed","retry_after_seconds":null}}"#,
                r#"Rejected { host: "h", said: "a key is needed" }"#,
            ),
            (
                429,
                None,
                r#"{"error":{"retry_after_seconds":-1}}"#,
                r#"Limited { host: "h", said: "", retry_after: None }"#,
            ),
        ] {
            assert_eq!(shown(&refusal(status, wait, body)), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_failure_inside_a_result_of_the_remote_server_is_a_failure() {
        let fields = |value: Value| value.as_object().cloned().expect("an object");
        let failure = json!({"error": "Tavily API error", "status": 432, "detail": {"error": "the plan"}});
        let shown_failure = payload("h".to_owned(), &fields(failure)).map(|error| shown(&error));
        assert_eq!(shown_failure.as_deref(), Some(r#"Limited { host: "h", said: "the plan", retry_after: None }"#));
        for fine in [json!({"results": []}), json!({"error": null, "status": 500}), json!({"error": "x"})] {
            assert!(payload("h".to_owned(), &fields(fine)).is_none());
        }
    }

    #[test]
    fn a_result_below_one_member_is_found() {
        let fields = |value: Value| value.as_object().cloned().expect("an object");
        for (given, expected) in [
            (json!({"result": {"results": [1]}}), json!({"results": [1]})),
            (json!({"result": "{\"results\":[2]}"}), json!({"results": [2]})),
            (json!({"result": "words"}), json!({"text": "words"})),
            (json!({"result": [3]}), json!({"results": [3]})),
            (json!({"results": [], "result": 1}), json!({"results": [], "result": 1})),
        ] {
            assert_eq!(Value::Object(unwrapped(fields(given))), expected);
        }
    }
}
