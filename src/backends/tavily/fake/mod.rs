//! A stand-in for Tavily: its REST service, and `/mcp` as its remote server.
//!
//! Queries, inputs and instructions beginning with `fake:` bring out each kind of trouble: `fake:429` (once, then
//! success), `fake:400`, `fake:432`, `fake:433`, `fake:500`, `fake:503`, `fake:slow`, `fake:text`, `fake:prose` (more of it),
//! `fake:html`, `fake:cap`, `fake:drop` (no whole answer); for research also `fake:failed`, `fake:lost`, `fake:stream` (only when it is followed),
//! `fake:error`, `fake:cut`, `fake:silent`, `fake:long`. `GET /received` shows what arrived.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::backends::fake::{Fake, Place, Received, Record, Reply, bearer, empty, json, pause, pieces, whole};
use crate::backends::remote::fake::{Answer, Server as Remote, Tools};

mod research;
mod site;

const REQUEST: &str = "123e4567-e89b-12d3-a456-426614174111";
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
    tasks: research::Tasks,
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
        match key_of(request) {
            Some(_) => json(
                StatusCode::OK,
                &json!({
                    "key": {
                        "usage": 150, "limit": 1000, "search_usage": 100, "extract_usage": 25, "crawl_usage": 15,
                        "map_usage": 7, "research_usage": 3,
                    },
                    "account": {
                        "current_plan": "Bootstrap", "plan_usage": 500, "plan_limit": 15_000, "paygo_usage": 25,
                        "paygo_limit": 100, "search_usage": 350, "extract_usage": 75, "crawl_usage": 50,
                        "map_usage": 15, "research_usage": 10,
                    },
                }),
            ),
            None => refusal(401, UNAUTHORIZED),
        }
    }

    fn rest(&self, request: &Received, path: &str) -> Reply {
        self.record.note(request);
        if request.method() != Method::POST {
            return empty(StatusCode::METHOD_NOT_ALLOWED);
        }
        let keyless = request.headers().get("x-tavily-access-mode").is_some_and(|mode| mode == "keyless");
        let free = matches!(path, "/search" | "/extract");
        if keyless && bearer(request).is_none() && !free {
            return json(
                StatusCode::UNAUTHORIZED,
                &json!({"error": {"code": "key_required", "message": "This endpoint needs an API key.", "next_actions": [
                    {"type": "signup", "url": "https://app.tavily.com", "instructions": "Sign up."},
                ]}}),
            );
        }
        if !(key_of(request).is_some() || (keyless && bearer(request).is_none())) {
            return refusal(401, UNAUTHORIZED);
        }
        let Ok(body) = serde_json::from_slice::<Value>(request.body()) else {
            return refusal(400, "There was an error parsing the body");
        };
        let magic = ["query", "input", "instructions"].iter().find_map(|name| body.get(*name)?.as_str());
        if let Some(trouble) = self.service.trouble(magic.unwrap_or_default(), path == "/research") {
            return trouble;
        }
        let streamed = body.get("stream") == Some(&json!(true));
        if path == "/research" && streamed {
            return self.service.tasks.follow(&body, &self.record);
        }
        if path == "/research" && magic == Some("fake:stream") {
            let detail = json!({"error": "Stream this request.", "error_code": "research_stream_required"});
            return json(StatusCode::BAD_REQUEST, &json!({ "detail": detail }));
        }
        let (status, answer) = match path {
            "/search" => (StatusCode::OK, self.service.search(&body)),
            "/extract" => (StatusCode::OK, self.service.extract(&body)),
            "/crawl" => (StatusCode::OK, site::crawl(&body)),
            "/map" => (StatusCode::OK, site::map(&body)),
            _ => (created(request), self.service.tasks.create(&body)),
        };
        match answer {
            Ok(answer) => json(status, &answer),
            Err((422, what)) => json(
                StatusCode::UNPROCESSABLE_ENTITY,
                &json!({"detail": [{"loc": ["body", what], "msg": "Field required", "type": "missing"}]}),
            ),
            Err((status, why)) => refusal(status, why),
        }
    }

    fn status(&self, request: &Received, id: &str) -> Reply {
        self.record.note(request);
        if key_of(request).is_none() {
            return refusal(401, UNAUTHORIZED);
        }
        let (status, body) = self.service.tasks.status(id);
        json(status, &body)
    }

    /// How many research tasks were begun.
    pub fn tasks(&self) -> usize {
        self.service.tasks.count()
    }
}

impl Fake for Server {
    fn answer(&self, request: &Received, place: &Place<'_>) -> Reply {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/received") => json(
                StatusCode::OK,
                &json!({"received": self.record.all(), "received_mcp": self.remote.record().all()}),
            ),
            (_, path @ ("/search" | "/extract" | "/crawl" | "/map" | "/research")) => self.rest(request, path),
            (&Method::GET, path) if path.starts_with("/research/") => {
                self.status(request, path.trim_start_matches("/research/"))
            }
            (&Method::GET, "/usage") => self.usage(request),
            (_, "/mcp") => self.remote.mcp(request, place),
            _ => json(StatusCode::NOT_FOUND, &json!({"detail": "Not Found"})),
        }
    }
}

/// The documentation promises 201, and Tavily's own library for Python takes nothing but 200.
fn created(request: &Received) -> StatusCode {
    let python = request.headers().get("x-client-source").is_some_and(|client| client == "tavily-python");
    if python { StatusCode::OK } else { StatusCode::CREATED }
}

/// The key of a request; a JSON Web Token is none.
fn key_of(request: &Received) -> Option<&str> {
    bearer(request).filter(|key| key.starts_with("tvly-") && key.len() > 5)
}

fn refusal(status: u16, why: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, &json!({"detail": {"error": why}}))
}

impl Service {
    /// The trouble that a query asks for.
    fn trouble(&self, query: &str, task: bool) -> Option<Reply> {
        Some(match query.strip_prefix("fake:")? {
            "429" if !self.blocked.fetch_xor(true, Ordering::SeqCst) => {
                let mut reply = refusal(429, TOO_MANY);
                reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
                reply
            }
            "400" => refusal(400, "Bad input."),
            "432" => refusal(432, PLAN),
            "433" => refusal(433, PAY_AS_YOU_GO),
            "500" => refusal(500, "Internal Server Error"),
            "503" => {
                let mut reply = refusal(503, "Service Unavailable");
                reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("0"));
                reply
            }
            // The answer breaks off: it promises more than it sends.
            "drop" => {
                let mut reply = whole(StatusCode::OK, "application/json", "{\"results\":");
                *reply.body_mut() = pieces(std::iter::once(b"{\"results\":".to_vec()));
                reply
            }
            "text" => whole(StatusCode::OK, "text/plain", "this is not JSON"),
            "prose" => whole(StatusCode::OK, "text/plain", "this is not JSON. ".repeat(2_000)),
            "html" => whole(StatusCode::OK, "text/html", "<!doctype html><title>Sign in to the network</title>"),
            "cap" => json(
                StatusCode::TOO_MANY_REQUESTS,
                &json!({"error": {
                    "code": "hourly_cap_reached", "message": "The hourly limit of calls without a key is reached.",
                    "window": "hour", "retry_after_seconds": 1800,
                    "next_actions": [{"type": "signup", "url": "https://app.tavily.com", "instructions": "Sign up."}],
                }}),
            ),
            // A task that is followed is slow in its own way.
            "slow" if task => return None,
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
            "request_id": REQUEST,
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
            "request_id": REQUEST,
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
            tool("tavily_crawl", "url", json!({"type": "string"})),
            tool("tavily_map", "url", json!({"type": "string"})),
            tool("tavily_research", "input", json!({"type": "string"})),
            tool("tavily_get_research", "request_id", json!({"type": "string"})),
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
            ("tavily_crawl", _) => Answer::Plain(answered(site::crawl(arguments), true)),
            ("tavily_map", _) => Answer::Streamed(answered(site::map(arguments), true)),
            ("tavily_research", _) => Answer::Plain(answered(self.tasks.create(arguments), true)),
            ("tavily_get_research", _) => {
                let id = arguments.get("request_id").and_then(Value::as_str).unwrap_or_default();
                let (status, body) = self.tasks.status(id);
                let unknown = Err((404, "Research task not found"));
                Answer::Plain(answered(if status.is_success() { Ok(body) } else { unknown }, true))
            }
            _ => return None,
        })
    }
}
