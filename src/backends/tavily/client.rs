//! Requests to Tavily, over REST or through its remote MCP server, and what its refusals mean.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::kept::Kept;
use super::refusal;
use crate::backends::http::{self as service, Kind};
use crate::backends::json::{Members, Tree};
use crate::backends::remote::{Peer, ToolCall};
use crate::backends::turns::{Rate, TooFar};
use crate::backends::{Connection, Error, Host, Json, Output, Progress, Way, name, outside};
use crate::http::{Limits, Stream};

/// Sites are read while the caller waits: two and a half minutes at most, and some more for the way.
const LIMITS: Limits = Limits { time: Duration::from_secs(180), body: 16 << 20 };
/// Until a followed task begins to answer.
const BEGIN: Limits = Limits { time: Duration::from_secs(60), body: 16 << 20 };
/// A question that needs no page of anybody.
const QUESTION: Limits = Limits { time: Duration::from_secs(10), body: 64 << 10 };
/// How long a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// Names in the configuration, and the headers they become.
const MARKS: [(&str, &str); 5] = [
    ("project", "x-project-id"),
    ("organization", "x-tavily-orgid"),
    ("session", "x-session-id"),
    ("human", "x-human-id"),
    ("client_name", "x-client-name"),
];
const SOURCE: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-client-source"), HeaderValue::from_static("keyward"));

/// A connection to Tavily.
pub(super) struct Client {
    connection: Connection,
    /// The remote MCP server, where the login is an OAuth token.
    peer: Option<Arc<Peer>>,
    /// What marks every request.
    marks: Vec<(HeaderName, HeaderValue)>,
    prepared: Mutex<Vec<Prepared>>,
    /// Answers that were too long for one result.
    pub(super) kept: Kept,
    /// What was said about the credits, and when.
    pub(super) usage: Mutex<Option<(Instant, Map<String, Value>)>>,
}

/// A request without a body, and the last part of its address.
type Prepared = (&'static str, Request<Vec<u8>>);

/// What Tavily is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Search,
    Extract,
    Crawl,
    Map,
    Research,
    Status,
}

impl Endpoint {
    const fn path(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Extract => "extract",
            Self::Crawl => "crawl",
            Self::Map => "map",
            Self::Research | Self::Status => "research",
        }
    }

    const fn tool(self) -> &'static str {
        match self {
            Self::Search => "tavily_search",
            Self::Extract => "tavily_extract",
            Self::Crawl => "tavily_crawl",
            Self::Map => "tavily_map",
            Self::Research => "tavily_research",
            Self::Status => "tavily_get_research",
        }
    }
}

/// An answer as it came: JSON, and most often an object (see [`Client::fields`]).
pub(super) type Body = Response<Vec<u8>>;

/// What Tavily answered.
pub(super) enum Answer {
    /// The fields of the answer.
    Fields(Body),
    /// The remote server's own words for a failure.
    Failed(Output),
}

impl Client {
    pub(super) fn new(connection: &Connection) -> Self {
        let marks = marks(&connection.defaults);
        let oauth = connection.way == Way::OAuth;
        let peer = oauth.then(|| Peer::new(connection.clone()).with_headers(marks.clone()));
        Self {
            connection: connection.clone(),
            marks,
            peer,
            prepared: Mutex::default(),
            kept: Kept::default(),
            usage: Mutex::default(),
        }
    }

    /// The service's host.
    pub(super) fn host(&self) -> String {
        service::host_of(&self.connection.url)
    }

    /// The name of another tool of the connection.
    pub(super) fn tool(&self, name: &str) -> String {
        name::of(&self.connection.name, name)
    }

    /// What the configuration presets.
    pub(super) fn defaults(&self) -> &Map<String, Value> {
        &self.connection.defaults
    }

    /// Whether the REST service answers, and not the remote server.
    pub(super) fn is_rest(&self) -> bool {
        self.peer.is_none()
    }

    /// Asks once; what certainly did not happen is asked for again.
    pub(super) async fn ask(
        &self,
        endpoint: Endpoint,
        fields: &Map<String, Value>,
        progress: Progress,
    ) -> Result<Answer, Error> {
        let answer = match &self.peer {
            Some(peer) => through_mcp(peer, endpoint, fields, progress).await,
            None => self.rest(endpoint, fields).await.map(Answer::Fields),
        };
        // A short call is asked for again by whoever wants it; a task that may have begun costs hundreds of credits.
        if endpoint == Endpoint::Research { answer.map_err(|error| self.unclear(error)) } else { answer }
    }

    /// Whether the login is accepted: asks how much of the plan is used, which costs nothing (reference: `GET /usage`).
    pub(super) async fn check(&self) -> Result<(), Error> {
        match &self.peer {
            Some(peer) => peer.check().await,
            None if self.connection.way == Way::None => Ok(()),
            None => self.get(&["usage"], None).await.map(drop),
        }
    }

    /// Asks for something that costs nothing.
    pub(super) async fn get(&self, path: &[&str], query: Option<&str>) -> Result<Map<String, Value>, Error> {
        let mut request = self.request(path, query, &Map::new())?;
        *request.method_mut() = Method::GET;
        *request.body_mut() = Vec::new();
        let limits = Limits { body: LIMITS.body, ..QUESTION };
        let answer = self.accepted(service::send(&self.connection, &request, Kind::Read, limits).await?)?;
        self.fields(&answer)
    }

    async fn rest(&self, endpoint: Endpoint, fields: &Map<String, Value>) -> Result<Body, Error> {
        let mut fields = fields.clone();
        // A research task says in its end what it cost.
        if self.connection.way == Way::ApiKey && endpoint != Endpoint::Research {
            fields.insert("include_usage".to_owned(), Value::Bool(true));
        }
        let mut request = self.prepared(endpoint.path())?;
        *request.body_mut() = json_of(&fields);
        self.accepted(service::send(&self.connection, &request, Kind::Paid, LIMITS).await?)
    }

    /// A request of which only the body is missing.
    fn prepared(&self, path: &'static str) -> Result<Request<Vec<u8>>, Error> {
        let mut all = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, request)) = all.iter().find(|(known, _)| *known == path) {
            return Ok(request.clone());
        }
        let request = self.request(&[path], None, &Map::new())?;
        all.push((path, request.clone()));
        Ok(request)
    }

    /// A failure that leaves open whether a task was begun.
    pub(super) fn unclear(&self, error: Error) -> Error {
        match error {
            Error::Network(network) if !network.nothing_was_sent() => {
                Error::MaybeDone { host: self.host(), cause: network.to_string() }
            }
            Error::Server { host, status, said } if status != 500 => {
                Error::MaybeDone { host, cause: format!("status {status} {said}").trim_end().to_owned() }
            }
            Error::Protocol { host, cause } => Error::MaybeDone { host, cause },
            other => other,
        }
    }

    /// Begins a task and follows it: the answer arrives piece by piece, and closing it stops the task. It is sent once.
    pub(super) async fn follow(&self, fields: &Map<String, Value>) -> Result<Stream, Error> {
        let mut request = self.request(&[Endpoint::Research.path()], None, fields)?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/event-stream, application/json"));
        let stream = service::open(&self.connection, &request, Kind::Paid, BEGIN).await;
        let stream = stream.map_err(|error| self.unclear(error))?;
        if stream.status.is_success() {
            return Ok(stream);
        }
        let (status, headers) = (stream.status, stream.headers.clone());
        let body = service::read(self.host(), stream, service::REFUSAL).await.unwrap_or_default();
        Err(self.unclear(self.refused(status, &headers, &body)))
    }

    /// A task that was begun and is not followed after all.
    pub(super) async fn begun(&self, stream: Stream) -> Result<Map<String, Value>, Error> {
        let mut answer = Response::new(Vec::new());
        (*answer.status_mut(), *answer.headers_mut()) = (stream.status, stream.headers.clone());
        let body = service::read(self.host(), stream, LIMITS).await;
        *answer.body_mut() = body.map_err(|error| self.unclear(error))?;
        let fields = self.accepted(answer).and_then(|answer| self.fields(&answer));
        fields.map_err(|error| self.unclear(error))
    }

    /// Waits for a turn, where the service allows few requests.
    pub(super) async fn turn(&self, rates: &'static [Rate]) -> Result<(), Error> {
        self.connection.turns.turn(rates, PATIENCE).await.map_err(|TooFar { rate, wait }| Error::Limited {
            host: self.host(),
            said: format!(
                "{} requests in {} s are sent at most, by all programs of this person together",
                rate.most,
                rate.within.as_secs()
            ),
            retry_after: Some(wait),
        })
    }

    /// The answer, or what it says no to.
    fn accepted(&self, answer: Body) -> Result<Body, Error> {
        match answer.status() {
            status if status.is_success() => Ok(answer),
            status => Err(self.refused(status, answer.headers(), answer.body())),
        }
    }

    /// An answer's fields.
    pub(super) fn fields(&self, answer: &Body) -> Result<Map<String, Value>, Error> {
        match serde_json::from_slice(answer.body()) {
            Ok(Value::Object(fields)) => Ok(fields),
            other => Err(self.no_object(answer, other.err())),
        }
    }

    /// The same, with their texts where they are.
    pub(super) fn members<'a>(&self, answer: &'a Body) -> Result<Members<'a>, Error> {
        match Tree::read(answer.body()) {
            Ok(Tree::Object(members)) => Ok(members),
            other => Err(self.no_object(answer, other.err())),
        }
    }

    /// What an answer is that is no JSON object: another value, or no JSON for this reason.
    fn no_object(&self, answer: &Body, error: Option<serde_json::Error>) -> Error {
        let cause = match error {
            None => "the answer is not a JSON object".to_owned(),
            Some(_) if service::is_web_page(answer.headers(), answer.body()) => "a web page instead of JSON".to_owned(),
            Some(error) => format!("no JSON at line {}, column {}", error.line(), error.column()),
        };
        Error::Protocol { host: self.host(), cause }
    }

    fn refused(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        refusal::of(&self.connection.name, self.host(), status, headers, body)
    }

    fn request(
        &self,
        path: &[&str],
        query: Option<&str>,
        fields: &Map<String, Value>,
    ) -> Result<Request<Vec<u8>>, Error> {
        let address = || crate::http::Error::Address { host: self.host() };
        let mut url = self.connection.url.clone();
        url.path_segments_mut().map_err(|()| address())?.pop_if_empty().extend(path);
        if query.is_some() {
            url.set_query(query);
        }
        let mut request = Request::new(json_of(fields));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url.as_str().parse().map_err(|_| address())?;
        request.extensions_mut().insert(url);
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.extend(self.marks.clone());
        if self.connection.way == Way::None {
            headers.insert("x-tavily-access-mode", HeaderValue::from_static("keyless"));
        }
        Ok(request)
    }
}

/// The headers that say who asks and for what. They are never part of a body.
fn marks(defaults: &Map<String, Value>) -> Vec<(HeaderName, HeaderValue)> {
    let mut marks = vec![SOURCE];
    for (name, header) in MARKS {
        let preset = defaults.get(name).and_then(Value::as_str).map(str::trim).map(HeaderValue::from_str);
        let value = match (preset, name) {
            (Some(Ok(value)), _) => value,
            (_, "session") => session(),
            _ => continue,
        };
        marks.push((HeaderName::from_static(header), value));
    }
    marks
}

/// One id for each process: the service groups the calls of one agent by it. It says nothing about the person.
fn session() -> HeaderValue {
    static SESSION: OnceLock<String> = OnceLock::new();
    let id = SESSION.get_or_init(|| {
        let part = || RandomState::new().hash_one(0_u8);
        format!("{:016x}{:016x}", part(), part())
    });
    HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("keyward"))
}

async fn through_mcp(
    peer: &Arc<Peer>,
    endpoint: Endpoint,
    fields: &Map<String, Value>,
    progress: Progress,
) -> Result<Answer, Error> {
    let (headers, host) = (Vec::new(), Host::default());
    let output = peer.call(ToolCall { tool: endpoint.tool(), arguments: fields, headers, progress, host }).await?;
    let text = first_text(output.content.get());
    let json = output.structured.as_ref().map(Json::get).or(text.as_deref()).unwrap_or_default();
    match (serde_json::from_str(json).ok(), &text) {
        (Some(Value::Object(fields)), _) => match payload(peer.host(), &fields) {
            Some(error) => Err(error),
            None if output.failed => Ok(Answer::Failed(output)),
            None if fields.len() == 1 && fields.contains_key("result") => Ok(answered(&unwrapped(fields))),
            None => Ok(Answer::Fields(Body::new(json.into()))),
        },
        _ if output.failed => Ok(Answer::Failed(output)),
        // Text for people instead of fields: better shown than lost.
        (_, Some(text)) => Ok(answered(&json!({ "text": text }))),
        (_, None) => Err(Error::Protocol { host: peer.host(), cause: "a result without text".to_owned() }),
    }
}

/// Fields as JSON, which they always have.
pub(super) fn json_of(fields: &impl Serialize) -> Vec<u8> {
    Json::of(fields).map(Json::into_text).unwrap_or_default().into_bytes()
}

/// An answer of these fields.
fn answered(fields: &impl Serialize) -> Answer {
    Answer::Fields(Body::new(json_of(fields)))
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

fn first_text(content: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Block {
        #[serde(default)]
        text: Option<String>,
    }
    let blocks: Vec<Block> = serde_json::from_str(content).ok()?;
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
    Some(refusal::said_of(host, status, &HeaderMap::new(), outside::said(said.to_string().as_bytes())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failure_inside_a_result_of_the_remote_server_is_a_failure() {
        let fields = |value: Value| value.as_object().cloned().expect("an object");
        let failure = json!({"error": "Tavily API error", "status": 432, "detail": {"error": "the plan"}});
        let shown_failure = payload("h".to_owned(), &fields(failure)).map(|error| format!("{error:?}"));
        let expected =
            "the credits of the key or of the plan are used up; `https://app.tavily.com` shows and raises it";
        let expected = format!("Limited {{ host: \"h\", said: \"{expected}: the plan\", retry_after: None }}");
        assert_eq!(shown_failure, Some(expected));
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
