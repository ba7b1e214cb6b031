//! Requests to Smart Bonding, what its answers mean, and what is unknown when there is none.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Value, json};
use url::Url;

use super::update;
use crate::backends::http::{self as service, Kind};
use crate::backends::{Connection, Error, Question, outside};
use crate::http::{Error as Network, Limits};

const LIMITS: Limits = Limits { time: Duration::from_secs(60), body: 16 << 20 };
const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");
/// How the base ends at Cisco's own hosts, and where clients ask for the problem codes there instead.
const BASE: &str = "/rest/v1";
const CODES: &str = "/tsp/api/v1/xylem";

/// A connection to Smart Bonding.
pub(super) struct Client(Connection);

/// One request.
struct Asked<'a> {
    method: Method,
    url: Url,
    body: Option<&'a Value>,
    kind: Kind,
}

/// What came back to a request that was not refused.
pub(super) struct Answer {
    /// `Value::Null` for an empty body.
    pub(super) body: Value,
    /// Under which id Cisco can trace the request.
    pub(super) correlation: String,
}

impl Client {
    pub(super) fn new(connection: &Connection) -> Self {
        Self(connection.clone())
    }

    pub(super) fn host(&self) -> String {
        service::host_of(&self.0.url)
    }

    /// The connection's name.
    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn url(&self) -> &str {
        self.0.url.as_str()
    }

    /// Begins a question: what is to be done, and through which connection. Two of them may lead to the same host.
    pub(super) fn question(&self, what: &str) -> Question {
        Question::new(what).with("connection", &json!(self.name())).with("at", &json!(self.host()))
    }

    /// Whether there is a login: nobody should be asked for a yes to what cannot be done.
    pub(super) async fn has_login(&self) -> Result<(), Error> {
        self.0.credentials.credential().await.map(drop).map_err(Error::Credential)
    }

    /// Whether the login is accepted: asks for one problem code, which changes nothing.
    pub(super) async fn check(&self) -> Result<(), Error> {
        self.codes(&[("limit", "1".to_owned())]).await.map(drop)
    }

    /// The problem codes. Cisco's page names one place for them and clients use another.
    pub(super) async fn codes(&self, query: &[(&str, String)]) -> Result<Answer, Error> {
        let read = |url| self.ask(Asked { method: Method::GET, url, body: None, kind: Kind::Read });
        let mut url = self.at("tspcodes")?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let other = url.path().strip_suffix("/tspcodes").and_then(|base| base.strip_suffix(BASE));
        let other = other.map(|base| format!("{base}{CODES}/tspcodes"));
        match (read(url.clone()).await, other) {
            (Err(Error::Refused { code: 404, .. }), Some(path)) => {
                url.set_path(&path);
                read(url).await
            }
            (answer, _) => answer,
        }
    }

    /// The next update that was not delivered yet. Whatever becomes of the answer, it is delivered with it.
    pub(super) async fn pull(&self) -> Result<Answer, Error> {
        match self.once(Method::GET, "pull/call", None).await {
            // That there is nothing may also be said by a status.
            Err(Error::Refused { code: 404, said, .. }) if update::says_nothing(&said) => {
                Ok(Answer { body: Value::Null, correlation: String::new() })
            }
            answer => answer,
        }
    }

    /// Sends a ticket or what is new about one.
    pub(super) async fn push(&self, body: &Value) -> Result<Answer, Error> {
        self.once(Method::POST, "push/call", Some(body)).await
    }

    /// Sends what must not be sent twice. Where no answer says what became of it, that is what the error says.
    async fn once(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Error> {
        let url = self.at(path)?;
        let unknown = |cause: String| Error::MaybeDone { host: self.host(), cause };
        self.ask(Asked { method, url, body, kind: Kind::Write }).await.map_err(|error| match error {
            // With every other trouble of the network nothing was sent.
            Error::Network(error @ (Network::TimedOut { .. } | Network::TooLarge { .. } | Network::Broken { .. })) => {
                unknown(error.to_string())
            }
            Error::Server { status, said, .. } if said.is_empty() => unknown(format!("it failed with status {status}")),
            Error::Server { status, said, .. } => unknown(format!("it failed with status {status}: {said}")),
            Error::Protocol { cause, .. } => unknown(cause),
            error => error,
        })
    }

    async fn ask(&self, asked: Asked<'_>) -> Result<Answer, Error> {
        let correlation = correlation();
        let request = request(&asked, &correlation).ok_or_else(|| Network::Address { host: self.host() })?;
        let answer = service::send(&self.0, &request, asked.kind, LIMITS).await?;
        let body = read(self.host(), &answer)?;
        // Only a pull delivers: what it brings is shown, also beside the words of a refusal.
        let is_delivered = asked.method == Method::GET && update::is_update(&body);
        match refused(self.host(), &answer, &body).filter(|_| !is_delivered) {
            Some(error) => Err(error),
            None => Ok(Answer { body, correlation }),
        }
    }

    fn at(&self, path: &str) -> Result<Url, Error> {
        let mut url = self.0.url.clone();
        let address = || Network::Address { host: self.host() };
        url.path_segments_mut().map_err(|()| address())?.pop_if_empty().extend(path.split('/'));
        Ok(url)
    }
}

fn request(asked: &Asked<'_>, correlation: &str) -> Option<Request<Vec<u8>>> {
    let mut request = Request::new(asked.body.map(|body| body.to_string().into_bytes()).unwrap_or_default());
    *request.method_mut() = asked.method.clone();
    *request.uri_mut() = asked.url.as_str().parse().ok()?;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CORRELATION, HeaderValue::from_str(correlation).ok()?);
    if asked.body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Some(request)
}

/// An id by which Cisco's support finds one request; it says nothing and is never the same.
fn correlation() -> String {
    let mut bytes = [0; 16];
    // Without random numbers it is an id that many share, and nothing else is worse for it.
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The body of an answer, or what the refusal means.
fn read(host: String, answer: &Response<Vec<u8>>) -> Result<Value, Error> {
    let (status, headers, body) = (answer.status(), answer.headers(), answer.body());
    if !status.is_success() {
        return Err(service::failure(host, status, headers, outside::said(body)));
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    if service::is_web_page(headers, body) {
        return Err(Error::Protocol { host, cause: "a web page instead of JSON".to_owned() });
    }
    serde_json::from_slice(body).map_err(|error| Error::Protocol {
        host,
        cause: format!("no JSON at line {}, column {}", error.line(), error.column()),
    })
}

/// A refusal may also come with status 200 and say so inside: `{"message", "status"}`, the status as text or as a number.
fn refused(host: String, answer: &Response<Vec<u8>>, body: &Value) -> Option<Error> {
    let status = inner(body).filter(|status| status.is_client_error() || status.is_server_error())?;
    Some(service::failure(host, status, answer.headers(), outside::said(answer.body())))
}

fn inner(body: &Value) -> Option<StatusCode> {
    let status = match body.get("status")? {
        Value::Number(status) => u16::try_from(status.as_u64()?).ok()?,
        Value::String(status) => status.trim().parse().ok()?,
        _ => return None,
    };
    StatusCode::from_u16(status).ok()
}
