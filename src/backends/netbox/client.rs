//! Requests to a NetBox: always below the address that the person configured, a few at a time, and sent once where they
//! change something.
//!
//! An answer may name addresses (`next`, `url`, endpoints of plugins). None of them is ever asked: each request is made
//! of the configured address and a path from here, so that no answer can take the token to another host.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH};
use http::{Method, Request, Response};
use serde_json::Value;
use tokio::task::JoinSet;
use url::Url;

use super::known::Known;
use super::token::{Kept, Token};
use super::{access, address, verdict};
use crate::backends::http::{self as service, Kind};
use crate::backends::{Boxed, Connection, CredentialSource, Error, Question, outside};
use crate::http::{Error as Network, Limits};

/// A page of a hundred large objects is about one megabyte; a rendered configuration context may have several.
const LIMITS: Limits = Limits { time: Duration::from_secs(50), body: 8 << 20 };
/// How many requests of a connection are under way at once: each keeps a worker of the server busy.
const WIDTH: usize = 6;
/// The longest address: web servers in front of NetBox refuse what has more than 8 KB.
const ADDRESS: usize = 7_000;
const REQUEST: HeaderName = HeaderName::from_static("x-request-id");
const VERSION: HeaderName = HeaderName::from_static("api-version");

/// A connection to a NetBox. Clones share what is known of it.
#[derive(Clone)]
pub(super) struct Client {
    connection: Connection,
    /// What the store keeps.
    kept: Arc<dyn CredentialSource>,
    pub(super) known: Arc<Known>,
}

/// Parameters of an address; a name may come several times.
pub(super) type Query = Vec<(String, String)>;

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    method: Method,
    /// Below the API, with a slash at its end.
    path: String,
    query: Query,
    body: Option<Value>,
    /// The tag that the object must still have.
    matching: Option<HeaderValue>,
    limits: Limits,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// `Value::Null` for an empty body.
    pub(super) body: Value,
    /// The tag of this state of an object, in releases that have one.
    pub(super) tag: Option<HeaderValue>,
    /// The request's number, as the change log has it.
    pub(super) request: Option<String>,
}

impl Ask {
    fn new(method: Method, path: &str) -> Self {
        let path = format!("{}/", path.trim_matches('/'));
        Self { method, path, query: Vec::new(), body: None, matching: None, limits: LIMITS }
    }

    /// Reads a path below the API.
    pub(super) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// Asks what may be written there.
    pub(super) fn options(path: &str) -> Self {
        Self::new(Method::OPTIONS, path)
    }

    /// Sends something that changes what is there.
    pub(super) fn write(method: Method, path: &str, body: Option<Value>) -> Self {
        Self { body, ..Self::new(method, path) }
    }

    #[must_use]
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    #[must_use]
    pub(super) fn with_all(mut self, query: impl IntoIterator<Item = (String, String)>) -> Self {
        self.query.extend(query);
        self
    }

    #[must_use]
    pub(super) fn matching(mut self, tag: Option<HeaderValue>) -> Self {
        self.matching = tag;
        self
    }

    #[must_use]
    pub(super) const fn within(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    fn kind(&self) -> Kind {
        if matches!(self.method, Method::GET | Method::OPTIONS) { Kind::Read } else { Kind::Write }
    }
}

impl Client {
    pub(super) fn new(connection: &Connection) -> Self {
        let known = connection.slot.get(|| Arc::new(Known::new(WIDTH)));
        Self { connection: access::of(connection), kept: Arc::clone(&connection.credentials), known }
    }

    pub(super) fn host(&self) -> String {
        service::host_of(&self.connection.url)
    }

    /// The connection's name.
    pub(super) fn name(&self) -> &str {
        &self.connection.name
    }

    /// The token of NetBox's own that is in use, if it is one.
    pub(super) async fn token(&self) -> Option<Token> {
        let credential = self.kept.credential().await.ok().flatten()?;
        Kept::decode(&credential.value).ok().map(|kept| kept.token)
    }

    /// Begins a question: what is to be done, and through which connection. Two of them may lead to the same host.
    pub(super) fn question(&self, what: &str) -> Question {
        let at = Value::from(self.host());
        Question::new(what).with("connection", &self.name().into()).with("at", &at)
    }

    /// Asks, and reads the answer as JSON. Boxed, as what many callers wait for.
    pub(super) fn ask(&self, ask: Ask) -> Boxed<'_, Result<Answer, Error>> {
        Box::pin(async move {
            let kind = ask.kind();
            let asked = self.asked(&ask, kind).await;
            if kind == Kind::Write { asked.map_err(|error| self.unknown(error)) } else { asked }
        })
    }

    async fn asked(&self, ask: &Ask, kind: Kind) -> Result<Answer, Error> {
        let answer = self.sent(ask, kind).await?;
        let body = verdict::of(&self.host(), &answer, kind)?;
        let header = |name: &HeaderName| answer.headers().get(name).cloned();
        let request = header(&REQUEST).and_then(|id| Some(outside::line(id.to_str().ok()?, 60)));
        Ok(Answer { body, tag: header(&ETAG), request })
    }

    /// Reads a whole document, which is no JSON yet.
    pub(super) fn text(&self, ask: Ask) -> Boxed<'_, Result<Vec<u8>, Error>> {
        Box::pin(async move {
            let answer = self.sent(&ask, Kind::Read).await?;
            verdict::refused(&self.host(), &answer, Kind::Read).map_or_else(|| Ok(answer.into_body()), Err)
        })
    }

    async fn sent(&self, ask: &Ask, kind: Kind) -> Result<Response<Vec<u8>>, Error> {
        let request = self.request(ask)?;
        let closed = |_| Error::Protocol { host: self.host(), cause: "no request can be sent any more".to_owned() };
        let _turn = self.known.width.acquire().await.map_err(closed)?;
        let answer = service::send(&self.connection, &request, kind, ask.limits).await?;
        if let Some(version) = answer.headers().get(&VERSION).and_then(|version| version.to_str().ok()) {
            self.known.seen(version);
        }
        Ok(answer)
    }

    fn request(&self, ask: &Ask) -> Result<Request<Vec<u8>>, Error> {
        let broken = || Network::Address { host: self.host() };
        let mut url = Url::parse(&address::api(&self.connection.url, &ask.path)).map_err(|_| broken())?;
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&ask.query);
        }
        if url.as_str().len() > ADDRESS {
            let many = "these are too many or too long values for one call: split them over several";
            return Err(Error::Arguments(many.to_owned()));
        }
        let mut request = Request::new(ask.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default());
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = url.as_str().parse().map_err(|_| broken())?;
        if ask.kind() == Kind::Write {
            request.extensions_mut().insert(access::Writes);
        }
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if ask.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(tag) = &ask.matching {
            headers.insert(IF_MATCH, tag.clone());
        }
        Ok(request)
    }

    /// What became of a write whose answer is lost, or says nothing about it, nobody knows.
    fn unknown(&self, error: Error) -> Error {
        let unknown = |cause: String| Error::MaybeDone { host: self.host(), cause };
        match error {
            // With every other trouble of the network nothing was sent.
            Error::Network(error @ (Network::TimedOut { .. } | Network::TooLarge { .. } | Network::Broken { .. })) => {
                unknown(error.to_string())
            }
            Error::Server { status, said, .. } if said.is_empty() => unknown(format!("it failed with status {status}")),
            Error::Server { status, said, .. } => unknown(format!("it failed with status {status}: {said}")),
            Error::Protocol { cause, .. } => unknown(cause),
            error => error,
        }
    }

    /// Asks several at the same time; the answers are in the order of the questions.
    pub(super) fn all(&self, asks: Vec<Ask>) -> Boxed<'static, Vec<Result<Answer, Error>>> {
        let client = self.clone();
        Box::pin(async move {
            let lost = || Err(Error::Protocol { host: client.host(), cause: "no answer".to_owned() });
            let mut answers: Vec<Result<Answer, Error>> = asks.iter().map(|_| lost()).collect();
            let mut running = JoinSet::new();
            for (place, ask) in asks.into_iter().enumerate() {
                let client = client.clone();
                running.spawn(async move { (place, client.ask(ask).await) });
            }
            while let Some(finished) = running.join_next().await {
                if let Ok((place, answer)) = finished
                    && let Some(kept) = answers.get_mut(place)
                {
                    *kept = answer;
                }
            }
            answers
        })
    }
}
