//! A stand-in for a protected MCP server over Streamable HTTP, in both eras, strict about what it is sent.
//!
//! It shares no code with the client, so that one mistake cannot agree with itself. `GET /received` shows what arrived.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::backends::fake::{Body, Fake, Place, Received, Record, Reply, empty, json, pause, pieces};

mod library;
mod tools;

pub(in crate::backends) use tools::{Answer, Samples, Tools};

const MODERN: &str = "2026-07-28";
const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
const INSTRUCTIONS: &str = "Ask before you greet.";
const NOT_FOUND: i64 = -32002;
const UNKNOWN_METHOD: i64 = -32601;
const BAD_PARAMETERS: i64 = -32602;
const HEADER_MISMATCH: i64 = -32020;
const UNSUPPORTED_VERSION: i64 = -32022;

/// A protected MCP server.
pub struct Server {
    tools: Box<dyn Tools>,
    eras: Mutex<Eras>,
    sessions: Mutex<HashMap<String, Session>>,
    count: AtomicU64,
    record: Record,
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eras {
    /// Every revision.
    Both,
    /// With sessions only.
    Legacy,
    /// Without sessions only.
    Modern,
}

struct Session {
    version: String,
    subject: String,
    /// The rest of interrupted streams, by the id of the event before.
    rest: HashMap<String, Vec<u8>>,
}

impl Default for Server {
    fn default() -> Self {
        Self::with(Samples)
    }
}

/// One message in the middle of being answered.
struct Asked<'a> {
    request: &'a Received,
    message: &'a Value,
    method: &'a str,
    subject: &'a str,
}

/// How a slow answer goes.
struct Pace {
    steps: u64,
    delay: Duration,
    /// Whether the client is asked something meanwhile.
    questions: bool,
}

impl Fake for Server {
    fn answer(&self, request: &Received, place: &Place<'_>) -> Reply {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/received") => json(StatusCode::OK, &json!({ "received": self.record.all() })),
            (_, "/mcp") => self.mcp(request, place),
            _ => empty(StatusCode::NOT_FOUND),
        }
    }
}

impl Server {
    /// A server with these tools.
    pub(in crate::backends) fn with(tools: impl Tools + 'static) -> Self {
        Self {
            tools: Box::new(tools),
            eras: Mutex::new(Eras::Both),
            sessions: Mutex::default(),
            count: AtomicU64::new(1),
            record: Record::default(),
        }
    }

    /// What it has received at `/mcp`.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// From now on it speaks this, like another program started in its place: sessions are gone.
    pub fn speak(&self, eras: Eras) {
        *self.eras.lock().unwrap_or_else(PoisonError::into_inner) = eras;
        self.forget();
    }

    /// Forgets all sessions.
    pub fn forget(&self) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Answers a request to the MCP endpoint, wherever it is mounted.
    pub(in crate::backends) fn mcp(&self, request: &Received, place: &Place<'_>) -> Reply {
        self.record.note(request);
        let resource = format!("{}/mcp", place.url);
        let subject = match place.admit(request, &resource, self.scope(request)) {
            Ok(subject) => subject,
            Err(denied) => return denied.reply(),
        };
        match *request.method() {
            Method::POST => self.post(request, &subject),
            Method::GET => self.resume(request, &subject),
            Method::DELETE => self.end(request, &subject),
            _ => empty(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// What a request must be allowed to do: nothing, unless it calls a tool that needs more.
    fn scope(&self, request: &Received) -> &'static str {
        let message = serde_json::from_slice::<Value>(request.body()).unwrap_or_default();
        let calls = message.get("method") == Some(&json!("tools/call"));
        let name = message.pointer("/params/name").and_then(Value::as_str).filter(|_| calls);
        name.map_or("", |name| self.tools.scope(name))
    }

    fn post(&self, request: &Received, subject: &str) -> Reply {
        let accepted = header(request, ACCEPT.as_str()).unwrap_or_default();
        if !(accepted.contains("application/json") && accepted.contains("text/event-stream")) {
            return refuse(StatusCode::NOT_ACCEPTABLE, -32600, "both media types must be accepted", &Value::Null);
        }
        if !header(request, CONTENT_TYPE.as_str()).is_some_and(|media| media.starts_with("application/json")) {
            return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, -32600, "the body must be JSON", &Value::Null);
        }
        let Ok(message) = serde_json::from_slice::<Value>(request.body()) else {
            return refuse(StatusCode::BAD_REQUEST, -32700, "the body is not JSON", &Value::Null);
        };
        if message.get("jsonrpc") != Some(&json!("2.0")) {
            return refuse(StatusCode::BAD_REQUEST, -32600, "this is not JSON-RPC 2.0", &Value::Null);
        }
        let Some(method) = message.get("method").and_then(Value::as_str) else {
            // The answer to a request of ours.
            return empty(StatusCode::ACCEPTED);
        };
        let asked = Asked { request, message: &message, method, subject };
        let eras = *self.eras.lock().unwrap_or_else(PoisonError::into_inner);
        let named = asked.version().is_some() || header(request, "mcp-protocol-version") == Some(MODERN);
        match (eras, named) {
            (Eras::Legacy, true) => {
                asked.refuse(StatusCode::BAD_REQUEST, -32600, "Bad Request: Unsupported protocol version")
            }
            (Eras::Both, true) | (Eras::Modern, _) => self.modern(&asked),
            (Eras::Both | Eras::Legacy, false) => self.legacy(&asked),
        }
    }

    fn modern(&self, asked: &Asked<'_>) -> Reply {
        if let Some(reply) = asked.mismatch() {
            return reply;
        }
        if asked.message.get("id").is_none() {
            return empty(StatusCode::ACCEPTED);
        }
        let complete = |mut result: Value| {
            if let Some(members) = result.as_object_mut() {
                members.insert("resultType".to_owned(), json!("complete"));
                if asked.method.ends_with("/list") || asked.method == "resources/read" {
                    members.insert("ttlMs".to_owned(), json!(0));
                    members.insert("cacheScope".to_owned(), json!("private"));
                }
            }
            result
        };
        match asked.method {
            "server/discover" => asked.result(&complete(json!({
                "supportedVersions": [MODERN], "capabilities": self.capabilities(), "instructions": INSTRUCTIONS,
                "ttlMs": 3_600_000, "cacheScope": "public",
            }))),
            "tools/call" => self.call(asked, None, &complete),
            _ => self
                .listed(asked, &complete)
                .unwrap_or_else(|| asked.refuse(StatusCode::NOT_FOUND, UNKNOWN_METHOD, "Method not found")),
        }
    }

    fn capabilities(&self) -> Value {
        match self.tools.has_library() {
            true => json!({
                "tools": {"listChanged": true}, "prompts": {"listChanged": true},
                "resources": {"listChanged": true, "subscribe": true}, "completions": {}, "logging": {},
            }),
            false => json!({"tools": {}}),
        }
    }

    /// Answers what is only looked up; `None` if it knows no such method.
    fn listed(&self, asked: &Asked<'_>, finish: &dyn Fn(Value) -> Value) -> Option<Reply> {
        let bad = |why: &str| asked.refuse(StatusCode::OK, BAD_PARAMETERS, why);
        let result = |result: Value| asked.result(&finish(result));
        let page = |kind: &str, all: &[Value]| {
            library::page(asked.parameter("cursor"), kind, all).map_or_else(|| bad("no such cursor"), result)
        };
        let text = |name: &str| asked.parameter(name).and_then(Value::as_str).unwrap_or_default();
        let nothing = json!({});
        let member = |name: &str| asked.parameter(name).unwrap_or(&nothing);
        Some(match asked.method {
            "tools/list" => page("tools", &self.tools.list()),
            _ if !self.tools.has_library() => return None,
            "prompts/list" => page("prompts", &library::list("prompts")),
            "resources/list" => page("resources", &library::list("resources")),
            "resources/templates/list" => page("resourceTemplates", &library::list("resourceTemplates")),
            "prompts/get" => match library::write(text("name"), member("arguments")) {
                Some(written) => result(written),
                None => bad("no such prompt"),
            },
            "resources/read" => match (library::read(text("uri")), asked.version()) {
                (Some(read), _) => result(read),
                (None, Some(_)) => bad("Resource not found"),
                (None, None) => asked.refuse(StatusCode::OK, NOT_FOUND, "Resource not found"),
            },
            "completion/complete" => {
                match library::complete(member("ref"), member("argument"), asked.parameter("context")) {
                    Some(completion) => result(completion),
                    None => bad("nothing to complete"),
                }
            }
            _ => return None,
        })
    }

    fn legacy(&self, asked: &Asked<'_>) -> Reply {
        if asked.method == "initialize" {
            return self.begin(asked);
        }
        let Some(id) = header(asked.request, "mcp-session-id") else {
            return asked.refuse(StatusCode::BAD_REQUEST, -32600, "Bad Request: Missing session ID");
        };
        let version = {
            let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            match sessions.get(id).filter(|session| session.subject == asked.subject) {
                Some(session) => session.version.clone(),
                None => return asked.refuse(StatusCode::NOT_FOUND, -32001, "Session not found"),
            }
        };
        let named = header(asked.request, "mcp-protocol-version");
        if named.map_or(version.as_str() >= "2025-06-18", |named| named != version) {
            return asked.refuse(StatusCode::BAD_REQUEST, -32600, "Bad Request: wrong MCP-Protocol-Version");
        }
        if asked.message.get("id").is_none() {
            return empty(StatusCode::ACCEPTED);
        }
        match asked.method {
            "ping" => asked.result(&json!({})),
            "tools/call" => self.call(asked, Some(id), &|result| result),
            _ => self
                .listed(asked, &|result| result)
                .unwrap_or_else(|| asked.refuse(StatusCode::OK, UNKNOWN_METHOD, "Method not found")),
        }
    }

    fn begin(&self, asked: &Asked<'_>) -> Reply {
        let wanted = asked.parameter("protocolVersion").and_then(Value::as_str).unwrap_or_default();
        let complete = asked.parameter("capabilities").is_some_and(Value::is_object)
            && asked.parameter("clientInfo").and_then(|client| client.get("name")).is_some_and(Value::is_string);
        if !complete || header(asked.request, "mcp-session-id").is_some() {
            return asked.refuse(StatusCode::BAD_REQUEST, BAD_PARAMETERS, "initialize is not of its form");
        }
        let version = LEGACY.into_iter().find(|known| *known == wanted).unwrap_or("2025-11-25").to_owned();
        let mut reply = asked.result(&json!({
            "protocolVersion": version, "capabilities": self.capabilities(), "instructions": INSTRUCTIONS,
            "serverInfo": {"name": "fake", "version": "1"},
        }));
        let id = format!("session-{}", self.count.fetch_add(1, Ordering::Relaxed));
        if let Ok(value) = HeaderValue::from_str(&id) {
            reply.headers_mut().insert("mcp-session-id", value);
        }
        let session = Session { version, subject: asked.subject.to_owned(), rest: HashMap::new() };
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(id, session);
        reply
    }

    fn call(&self, asked: &Asked<'_>, session: Option<&str>, finish: &dyn Fn(Value) -> Value) -> Reply {
        let name = asked.parameter("name").and_then(Value::as_str).unwrap_or_default();
        let nothing = json!({});
        let arguments = asked.parameter("arguments").unwrap_or(&nothing);
        match self.tools.call(name, arguments, asked.subject) {
            None => asked.refuse(StatusCode::OK, BAD_PARAMETERS, "Unknown tool"),
            Some(Answer::Plain(result)) => asked.result(&finish(result)),
            Some(Answer::Streamed(result)) => stream(vec![event(&asked.response(&finish(result)))].into_iter()),
            Some(Answer::Slow { steps, delay, result }) => {
                let pace = Pace { steps, delay, questions: session.is_some() };
                self.slowly(asked, pace, &asked.response(&finish(result)))
            }
            Some(Answer::Interrupted(result)) => {
                let last = event(&asked.response(&finish(result)));
                self.interrupted(session, last)
            }
        }
    }

    /// Progress before the answer, and in a session a question to the client.
    fn slowly(&self, asked: &Asked<'_>, Pace { steps, delay, questions }: Pace, last: &Value) -> Reply {
        let token = asked.meta("progressToken").cloned();
        let question = json!({"jsonrpc": "2.0", "id": "question-1", "method": "ping"});
        let offer = json!({"jsonrpc": "2.0", "id": "question-2", "method": "roots/list"});
        let first = if questions { [event(&question), event(&offer)].concat() } else { b": still here\n\n".to_vec() };
        let step = move |step: u64| {
            let params =
                json!({"progressToken": token, "progress": step, "total": steps, "message": format!("step {step}")});
            match token {
                Some(_) => event(&json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})),
                None => b": still here\n\n".to_vec(),
            }
        };
        let id = asked.message.get("id").cloned();
        let record = self.record.clone();
        let cancelled = move || {
            record.has(|seen| {
                seen.body.get("method") == Some(&json!("notifications/cancelled"))
                    && seen.body.pointer("/params/requestId") == id.as_ref()
            })
        };
        let last = event(last);
        let steps = (1..=steps).map_while(move |number| {
            pause(delay);
            (!cancelled()).then(|| step(number))
        });
        stream(std::iter::once(first).chain(steps).chain(std::iter::once_with(move || {
            pause(delay);
            last
        })))
    }

    /// A stream that ends before the answer; the client may ask for the rest.
    fn interrupted(&self, session: Option<&str>, last: Vec<u8>) -> Reply {
        let id = format!("event-{}", self.count.fetch_add(1, Ordering::Relaxed));
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = session.and_then(|session| sessions.get_mut(session)) {
            session.rest.insert(id.clone(), last);
        }
        stream(vec![format!("retry: 0\nid: {id}\ndata:\n\n").into_bytes()].into_iter())
    }

    fn resume(&self, request: &Received, subject: &str) -> Reply {
        let (Some(session), Some(last)) = (header(request, "mcp-session-id"), header(request, "last-event-id")) else {
            return empty(StatusCode::METHOD_NOT_ALLOWED);
        };
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get_mut(session).filter(|session| session.subject == subject);
        match session.map(|session| session.rest.remove(last)) {
            None => empty(StatusCode::NOT_FOUND),
            Some(None) => empty(StatusCode::BAD_REQUEST),
            Some(Some(rest)) => stream(vec![rest].into_iter()),
        }
    }

    fn end(&self, request: &Received, subject: &str) -> Reply {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(id) = header(request, "mcp-session-id") else { return empty(StatusCode::METHOD_NOT_ALLOWED) };
        match sessions.get(id).is_some_and(|session| session.subject == subject) {
            true => {
                sessions.remove(id);
                empty(StatusCode::NO_CONTENT)
            }
            false => empty(StatusCode::NOT_FOUND),
        }
    }
}

impl Asked<'_> {
    fn parameter(&self, name: &str) -> Option<&Value> {
        self.message.get("params")?.get(name)
    }

    fn meta(&self, name: &str) -> Option<&Value> {
        self.parameter("_meta")?.get(name)
    }

    fn version(&self) -> Option<&str> {
        self.meta("io.modelcontextprotocol/protocolVersion")?.as_str()
    }

    /// The refusal of a modern request whose headers and body do not tell the same, or not enough.
    fn mismatch(&self) -> Option<Reply> {
        let differs = |what: &str| {
            Some(self.refuse(StatusCode::BAD_REQUEST, HEADER_MISMATCH, &format!("header and body differ: {what}")))
        };
        let Some(version) = self.version() else {
            return Some(self.refuse(StatusCode::BAD_REQUEST, BAD_PARAMETERS, "_meta names no protocol version"));
        };
        if header(self.request, "mcp-protocol-version") != Some(version) {
            return differs("the protocol version");
        }
        if version != MODERN {
            let mut body = self.failure(UNSUPPORTED_VERSION, "Unsupported protocol version");
            if let Some(error) = body.get_mut("error").and_then(Value::as_object_mut) {
                error.insert("data".to_owned(), json!({"supported": [MODERN], "requested": version}));
            }
            return Some(json(StatusCode::BAD_REQUEST, &body));
        }
        if header(self.request, "mcp-method") != Some(self.method) {
            return differs("the method");
        }
        let named = match self.method {
            "tools/call" | "prompts/get" => Some("name"),
            "resources/read" => Some("uri"),
            _ => None,
        };
        let name = named.and_then(|named| self.parameter(named)).and_then(Value::as_str);
        if named.is_some() && decoded(header(self.request, "mcp-name")).as_deref() != name {
            return differs("the name");
        }
        if header(self.request, "mcp-session-id").is_some() {
            return Some(self.refuse(StatusCode::BAD_REQUEST, -32600, "this revision has no sessions"));
        }
        let declared = self.meta("io.modelcontextprotocol/clientCapabilities").is_some_and(Value::is_object);
        (!declared).then(|| self.refuse(StatusCode::BAD_REQUEST, BAD_PARAMETERS, "_meta names no capabilities"))
    }

    fn id(&self) -> &Value {
        self.message.get("id").unwrap_or(&Value::Null)
    }

    fn response(&self, result: &Value) -> Value {
        json!({"jsonrpc": "2.0", "id": self.id(), "result": result})
    }

    fn failure(&self, code: i64, message: &str) -> Value {
        json!({"jsonrpc": "2.0", "id": self.id(), "error": {"code": code, "message": message}})
    }

    fn result(&self, result: &Value) -> Reply {
        json(StatusCode::OK, &self.response(result))
    }

    fn refuse(&self, status: StatusCode, code: i64, message: &str) -> Reply {
        refuse(status, code, message, self.id())
    }
}

fn refuse(status: StatusCode, code: i64, message: &str, id: &Value) -> Reply {
    json(status, &json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}))
}

fn header<'a>(request: &'a Received, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// The text in a header that may carry it in base64.
fn decoded(value: Option<&str>) -> Option<String> {
    let value = value?;
    let Some(inner) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Some(value.to_owned());
    };
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(inner).ok()?).ok()
}

fn event(message: &Value) -> Vec<u8> {
    format!("event: message\ndata: {message}\n\n").into_bytes()
}

fn stream(events: impl Iterator<Item = Vec<u8>> + Send + 'static) -> Reply {
    let body: Body = pieces(events);
    let mut reply = Response::new(body);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    reply
}

#[cfg(test)]
mod tests;
