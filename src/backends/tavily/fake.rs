//! A stand-in for Tavily: `/search` and `/extract` as the REST service answers them, and `/mcp` as its remote server does.
//!
//! Queries beginning with `fake:` bring out each kind of trouble: `fake:429` (once, then success), `fake:432`,
//! `fake:433`, `fake:500`, `fake:slow`, `fake:text`, `fake:html`, `fake:cap`. `GET /received` shows what arrived.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::backends::fake::{Fake, Place, Received, Record, Reply, bearer, empty, json, pause, whole};
use crate::backends::remote::fake::{Answer, Server as Remote, Tools};

const UNAUTHORIZED: &str = "Unauthorized: missing or invalid API key.";
const TOO_MANY: &str = "Your request has been blocked due to excessive requests. Please reduce rate of requests.";
const PLAN: &str =
    "This request exceeds your plan's set usage limit. Please upgrade your plan or contact support@tavily.com";
const PAY_AS_YOU_GO: &str =
    "This request exceeds the pay-as-you-go limit. You can increase your limit on the Tavily dashboard.";

/// Tavily on this machine.
pub struct Server {
    service: Arc<Service>,
    remote: Remote,
    record: Record,
}

/// What both ways in have in common.
#[derive(Default)]
struct Service {
    blocked: AtomicBool,
}

/// A refusal: status and text.
type Refusal = (u16, &'static str);

impl Default for Server {
    fn default() -> Self {
        let service = Arc::new(Service::default());
        Self { remote: Remote::with(Arc::clone(&service)), service, record: Record::default() }
    }
}

impl Server {
    /// What the REST service has received.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The remote MCP server.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }

    fn usage(&self, request: &Received) -> Reply {
        self.record.note(request);
        match bearer(request).filter(|key| key.starts_with("tvly-")) {
            Some(_) => json(
                StatusCode::OK,
                &json!({"key": {"usage": 1, "limit": 1000}, "account": {"current_plan": "Sandbox", "plan_usage": 1}}),
            ),
            None => refusal(401, UNAUTHORIZED),
        }
    }

    fn rest(&self, request: &Received, answer: fn(&Service, &Value) -> Result<Value, Refusal>) -> Reply {
        self.record.note(request);
        if request.method() != Method::POST {
            return empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        let keyless = request.headers().get("x-tavily-access-mode").is_some_and(|mode| mode == "keyless");
        let key = bearer(request);
        if !key.map_or(keyless, |key| key.starts_with("tvly-") && key.len() > 5) {
            return refusal(401, UNAUTHORIZED);
        }
        let Ok(body) = serde_json::from_slice::<Value>(request.body()) else {
            return refusal(400, "There was an error parsing the body");
        };
        let query = body.get("query").and_then(Value::as_str).unwrap_or_default();
        if let Some(trouble) = self.service.trouble(query) {
            return trouble;
        }
        match answer(&self.service, &body) {
            Ok(answer) => json(StatusCode::OK, &answer),
            Err((422, what)) => json(
                StatusCode::UNPROCESSABLE_ENTITY,
                &json!({"detail": [{"loc": ["body", what], "msg": "Field required", "type": "missing"}]}),
            ),
            Err((status, why)) => refusal(status, why),
        }
    }
}

impl Fake for Server {
    fn answer(&self, request: &Received, place: &Place<'_>) -> Reply {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/received") => json(
                StatusCode::OK,
                &json!({"received": self.record.all(), "received_mcp": self.remote.record().all()}),
            ),
            (_, "/search") => self.rest(request, Service::search),
            (_, "/extract") => self.rest(request, Service::extract),
            (&Method::GET, "/usage") => self.usage(request),
            (_, "/mcp") => self.remote.mcp(request, place),
            _ => json(StatusCode::NOT_FOUND, &json!({"detail": "Not Found"})),
        }
    }
}

fn refusal(status: u16, why: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, &json!({"detail": {"error": why}}))
}

impl Service {
    /// The trouble that a query asks for.
    fn trouble(&self, query: &str) -> Option<Reply> {
        Some(match query.strip_prefix("fake:")? {
            "429" if !self.blocked.fetch_xor(true, Ordering::SeqCst) => {
                let mut reply = refusal(429, TOO_MANY);
                reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
                reply
            }
            "432" => refusal(432, PLAN),
            "433" => refusal(433, PAY_AS_YOU_GO),
            "500" => refusal(500, "Internal Server Error"),
            "text" => whole(StatusCode::OK, "text/plain", "this is not JSON"),
            "html" => whole(StatusCode::OK, "text/html", "<!doctype html><title>Sign in to the network</title>"),
            "cap" => json(
                StatusCode::TOO_MANY_REQUESTS,
                &json!({"error": {
                    "code": "hourly_cap_reached", "message": "The hourly limit of calls without a key is reached.",
                    "window": "hour", "retry_after_seconds": 1800,
                    "next_actions": [{"type": "signup", "url": "https://app.tavily.com", "instructions": "Sign up."}],
                }}),
            ),
            "slow" => {
                pause(Duration::from_secs(2));
                return None;
            }
            _ => return None,
        })
    }

    fn search(&self, body: &Value) -> Result<Value, Refusal> {
        let query = body.get("query").and_then(Value::as_str).ok_or((422, "query"))?;
        if query.chars().count() > 400 {
            return Err((400, "Query is too long. Max query length is 400 characters."));
        }
        let wants = |name: &str| body.get(name).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)));
        let number = body.get("max_results").and_then(Value::as_u64).unwrap_or(5).min(20);
        let news = body.get("topic") == Some(&json!("news"));
        let result = |index: u64| {
            json!({
                "title": format!("Result {index} about {query}"),
                "url": format!("https://example.org/{index}"),
                "content": format!("This is what page {index} says about {query}. [...] It says more further down."),
                "score": 1.0 / (1.0 + f64::from(u32::try_from(index).unwrap_or(0))),
                "raw_content": wants("include_raw_content").then(|| format!("# Page {index}\n\n{query}\n")),
                "favicon": wants("include_favicon").then_some("https://example.org/favicon.ico"),
                "id": format!("r-{index}"),
                "published_date": news.then_some("Tue, 04 Mar 2025 10:00:00 GMT"),
                "images": [],
            })
        };
        let image = match wants("include_image_descriptions") {
            true => json!({"url": "https://example.org/a.png", "description": "A picture."}),
            false => json!("https://example.org/a.png"),
        };
        Ok(json!({
            "query": query,
            "answer": wants("include_answer").then(|| format!("An answer about {query}.")),
            "follow_up_questions": null,
            "images": if wants("include_images") { vec![image] } else { Vec::new() },
            "results": (0..number).map(result).collect::<Vec<Value>>(),
            "auto_parameters": wants("auto_parameters").then(|| json!({"topic": "general", "search_depth": "basic"})),
            "response_time": "1.09",
            "usage": wants("include_usage").then(|| json!({"credits": 1})),
            "request_id": "123e4567-e89b-12d3-a456-426614174111",
        }))
    }

    fn extract(&self, body: &Value) -> Result<Value, Refusal> {
        let urls: Vec<&str> = match body.get("urls").ok_or((422, "urls"))? {
            Value::String(url) => vec![url],
            Value::Array(urls) => urls.iter().filter_map(Value::as_str).collect(),
            _ => return Err((422, "urls")),
        };
        if urls.len() > 20 {
            return Err((400, "Max 20 URLs are allowed."));
        }
        let (gone, found): (Vec<&str>, Vec<&str>) = urls.into_iter().partition(|url| url.contains("gone"));
        let page = |url: &&str| {
            // `…/long` is a page larger than any result.
            let text =
                if url.ends_with("/long") { "0123456789".repeat(20_000) } else { format!("# {url}\n\nThe text.\n") };
            json!({"url": url, "title": "A page", "raw_content": text, "images": []})
        };
        Ok(json!({
            "results": found.iter().map(page).collect::<Vec<Value>>(),
            "failed_results":
                gone.iter().map(|url| json!({"url": url, "error": "Failed to fetch url"})).collect::<Vec<Value>>(),
            "response_time": 0.02,
            "usage": (body.get("include_usage") == Some(&json!(true))).then(|| json!({"credits": 1})),
            "request_id": "123e4567-e89b-12d3-a456-426614174111",
        }))
    }
}

impl Tools for Service {
    fn list(&self) -> Vec<Value> {
        let tool = |name: &str, argument: &str, schema: Value| {
            json!({
                "name": name, "description": "A tool of the stand-in for Tavily.",
                "inputSchema": {"type": "object", "properties": {argument: schema}, "required": [argument]},
            })
        };
        vec![
            tool("tavily_search", "query", json!({"type": "string"})),
            tool("tavily_extract", "urls", json!({"type": "array", "items": {"type": "string"}})),
        ]
    }

    fn call(&self, name: &str, arguments: &Value, _: &str) -> Option<Answer> {
        let query = arguments.get("query").and_then(Value::as_str).unwrap_or_default();
        let block = |text: &str| json!([{"type": "text", "text": text}]);
        let failed = |(status, why): Refusal| {
            let payload = json!({"error": why, "status": status, "detail": {"error": why}, "documentation": "https://docs.tavily.com"});
            json!({"content": block(&payload.to_string()), "structuredContent": payload, "isError": true})
        };
        let answered = |outcome: Result<Value, Refusal>, structured: bool| match outcome {
            Ok(answer) if structured => json!({"content": block(&answer.to_string()), "structuredContent": answer}),
            Ok(answer) => json!({"content": block(&answer.to_string())}),
            Err(refusal) => failed(refusal),
        };
        Some(match (name, query) {
            ("tavily_search", "fake:432") => Answer::Plain(failed((432, PLAN))),
            ("tavily_search", "fake:words") => Answer::Plain(json!({"content": block("Detailed Results:\nTitle: A")})),
            ("tavily_search", "fake:failed") => {
                Answer::Plain(json!({"content": block("the remote server failed"), "isError": true}))
            }
            // One tool answers in JSON and in fields, the other in a stream and in text.
            ("tavily_search", _) => Answer::Plain(answered(self.search(arguments), true)),
            ("tavily_extract", _) => Answer::Streamed(answered(self.extract(arguments), false)),
            _ => return None,
        })
    }
}
