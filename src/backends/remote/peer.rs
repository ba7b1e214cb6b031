//! One MCP server, seen from a client: which era it speaks, its session, and requests to it.
//!
//! The era is found out with `server/discover`, which has no effect, so that no call is ever an experiment. What was
//! found is remembered; a server that was replaced meanwhile says so by refusing, and is asked again once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::Url;

use super::wire::{self, Discovered, Initialize, Initialized, Meta, Outgoing, Page, Params};
use super::{answer, mirror, post};
use crate::backends::http::{self as service, Kind};
use crate::backends::{Connection, Error, Output, Progress};
use crate::http::{Limits, Stream};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// For finding out the era: a server that does not know the question may also just be silent.
const QUESTION: Limits = Limits { time: Duration::from_secs(10), body: 1 << 20 };
/// For lists and for beginning a session.
const SHORT: Limits = Limits { time: Duration::from_secs(30), body: 4 << 20 };
/// For calls: until the answer begins, and between two pieces of a stream.
const CALL: Limits = Limits { time: Duration::from_secs(300), body: super::sse::LARGEST };
/// For messages that nobody waits for.
const ASIDE: Limits = Limits { time: Duration::from_secs(5), body: 64 << 10 };
/// The longest list of tools.
const PAGES: usize = 100;
const TOOLS: usize = 2_000;
const LIST: usize = 4 << 20;

/// A server and what is known about it.
pub struct Peer {
    pub(super) connection: Connection,
    era: Mutex<Option<Era>>,
    ids: AtomicU64,
    refreshed: AtomicBool,
    headers: OnceLock<HashMap<HeaderName, HeaderValue>>,
}

/// What a server speaks.
#[derive(Clone)]
pub(super) enum Era {
    Modern,
    Legacy(Arc<Session>),
}

/// A legacy session. Servers without sessions give it no id.
pub(super) struct Session {
    id: Option<HeaderValue>,
    version: String,
}

impl Session {
    /// Whether the server gave the session an id.
    pub(super) fn has_id(&self) -> bool {
        self.id.is_some()
    }
}

impl Era {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Modern, Self::Modern) => true,
            (Self::Legacy(one), Self::Legacy(another)) => Arc::ptr_eq(one, another),
            _ => false,
        }
    }

    /// The headers that tell the server which era and session a message belongs to.
    fn mark(&self, headers: &mut HeaderMap) {
        match self {
            Self::Modern => {
                headers.insert(VERSION, HeaderValue::from_static(wire::MODERN));
            }
            Self::Legacy(session) => {
                // Older servers know no such header, and its absence means their version.
                if let (true, Ok(version)) = (*session.version >= *"2025-06-18", session.version.parse()) {
                    headers.insert(VERSION, version);
                }
                if let Some(id) = &session.id {
                    headers.insert(SESSION, id.clone());
                }
            }
        }
    }
}

/// A request in words of the protocol.
pub(super) struct Ask<'a> {
    method: &'static str,
    tool: Option<&'a str>,
    arguments: Option<&'a Map<String, Value>>,
    cursor: Option<&'a str>,
    headers: Vec<(HeaderName, HeaderValue)>,
    limits: Limits,
    kind: Kind,
    pub(super) progress: Progress,
}

impl Ask<'_> {
    fn list(cursor: Option<&str>) -> Ask<'_> {
        Ask {
            method: "tools/list",
            tool: None,
            arguments: None,
            cursor,
            headers: Vec::new(),
            limits: SHORT,
            kind: Kind::Read,
            progress: Progress::default(),
        }
    }

    fn request(&self, url: &Url, era: &Era, id: u64) -> Request<Vec<u8>> {
        let token = self.progress.is_wanted().then_some(id);
        let meta = match era {
            Era::Modern => Some(Meta::modern(token)),
            Era::Legacy(_) => Meta::legacy(token),
        };
        let params = Params { name: self.tool, arguments: self.arguments, cursor: self.cursor, meta };
        let mut request = post(url, Outgoing::text(Some(id), self.method, Some(params)));
        let headers = request.headers_mut();
        era.mark(headers);
        if matches!(era, Era::Modern) {
            headers.insert(METHOD, HeaderValue::from_static(self.method));
            if let Some(tool) = self.tool {
                headers.insert(NAME, mirror::value(tool));
            }
            headers.extend(self.headers.iter().cloned());
        }
        request
    }
}

/// Why an attempt brought no result.
pub(super) enum Trouble {
    /// What is known about the server is no longer true; nothing was executed.
    Stale(Error),
    /// It did not work.
    Final(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Stale(error) | Trouble::Final(error) => error,
        }
    }
}

/// The request that asks a server what it speaks.
pub(super) fn discover(url: &Url) -> Request<Vec<u8>> {
    let params = Params { meta: Some(Meta::modern(None)), ..Params::default() };
    let mut request = post(url, Outgoing::text(Some(0), "server/discover", Some(params)));
    Era::Modern.mark(request.headers_mut());
    request.headers_mut().insert(METHOD, HeaderValue::from_static("server/discover"));
    request
}

impl Peer {
    /// The server behind this connection; nothing is sent yet.
    pub fn new(connection: Connection) -> Arc<Self> {
        Arc::new(Self {
            connection,
            era: Mutex::new(None),
            ids: AtomicU64::new(1),
            refreshed: AtomicBool::new(false),
            headers: OnceLock::new(),
        })
    }

    /// Adds headers of a service's own to every message. Counts once, before the first message.
    pub fn with_headers(self: Arc<Self>, headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Arc<Self> {
        self.headers.get_or_init(|| headers.into_iter().collect());
        self
    }

    /// The server's host.
    pub fn host(&self) -> String {
        service::host_of(&self.connection.url)
    }

    /// Calls a tool by the server's own name. The call is sent once; dropping the future cancels it.
    pub async fn call(
        self: &Arc<Self>,
        tool: &str,
        arguments: &Map<String, Value>,
        headers: Vec<(HeaderName, HeaderValue)>,
        progress: Progress,
    ) -> Result<Output, Error> {
        let ask = Ask {
            method: "tools/call",
            tool: Some(tool),
            arguments: Some(arguments),
            cursor: None,
            headers,
            limits: CALL,
            kind: Kind::Write,
            progress,
        };
        let called = self.ask(&ask).await?;
        answer::output(&self.host(), called)
    }

    /// The server's tools as it wrote them, in one array.
    pub async fn list(self: &Arc<Self>) -> Result<Box<RawValue>, Error> {
        let wrong = |cause: &str| Error::Protocol { host: self.host(), cause: cause.to_owned() };
        let mut list = String::from("[");
        let mut count = 0_usize;
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES {
            let page: Page = self.ask(&Ask::list(cursor.as_deref())).await?;
            for tool in &page.tools {
                if count > 0 {
                    list.push(',');
                }
                list.push_str(tool.get());
                count = count.saturating_add(1);
            }
            if count > TOOLS || list.len() > LIST {
                return Err(wrong("its list of tools is too long"));
            }
            match page.next_cursor {
                None => {
                    list.push(']');
                    let list = RawValue::from_string(list).map_err(|_| wrong("its list of tools is not JSON"))?;
                    return Ok(self.connection.sent.out_of_json(list));
                }
                same if same == cursor => break,
                next => cursor = next,
            }
        }
        Err(wrong("its list of tools never ends"))
    }

    /// Asks for the first page of the list of tools and for nothing else.
    pub async fn check(self: &Arc<Self>) -> Result<(), Error> {
        let outcome = self.ask::<Page>(&Ask::list(None)).await;
        self.end().await;
        outcome.map(drop)
    }

    /// Asks for the list of tools in the background, once, now that the server is known to answer.
    pub fn refresh(self: &Arc<Self>) {
        if self.refreshed.swap(true, Ordering::Relaxed) {
            return;
        }
        let peer = Arc::clone(self);
        tokio::spawn(async move {
            // Nobody waits for this list: without it the remembered one stays.
            if let Ok(list) = peer.list().await {
                let known = peer.connection.remembered.as_deref().map(RawValue::get);
                if known != Some(list.get()) {
                    peer.connection.memory.keep(&list);
                }
            }
        });
    }

    /// Tells the server that its session is over, as far as there is one and it listens.
    pub async fn end(&self) {
        let Some(Era::Legacy(session)) = self.era.lock().await.take() else { return };
        if session.id.is_some() {
            let mut request = post(&self.connection.url, Vec::new());
            *request.method_mut() = Method::DELETE;
            Era::Legacy(session).mark(request.headers_mut());
            let _ = self.open(request, Kind::Write, ASIDE).await;
        }
    }

    async fn ask<R: DeserializeOwned>(self: &Arc<Self>, ask: &Ask<'_>) -> Result<R, Error> {
        let era = self.era().await?;
        let stale = match self.attempt(&era, ask).await {
            Err(Trouble::Stale(error)) => error,
            outcome => return Ok(outcome?),
        };
        self.forget(&era).await;
        match self.era().await {
            // The server is what it was, so its refusal was about the request, and may have come after a part of it.
            Ok(Era::Modern) if matches!(era, Era::Modern) => Err(stale),
            Ok(era) => Ok(self.attempt(&era, ask).await?),
            // The server does not speak any more: its first refusal says more than the second.
            Err(Error::Refused { .. } | Error::Protocol { .. }) => Err(stale),
            Err(error) => Err(error),
        }
    }

    async fn attempt<R: DeserializeOwned>(self: &Arc<Self>, era: &Era, ask: &Ask<'_>) -> Result<R, Trouble> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let request = ask.request(&self.connection.url, era, id);
        let mut cancel = Cancel { peer: self, era, id, armed: true };
        let outcome = match self.open(request, ask.kind, ask.limits).await {
            Ok(stream) if stream.status.is_success() => {
                answer::Reader { peer: self, era, id, progress: &ask.progress, limits: ask.limits }.read(stream).await
            }
            Ok(stream) => Err(answer::refused(self.host(), era, stream).await),
            Err(error) => Err(error.into()),
        };
        // A call that took too long still runs over there; every other outcome is its end.
        cancel.armed = matches!(&outcome, Err(Trouble::Final(Error::Network(crate::http::Error::TimedOut { .. }))));
        outcome
    }

    async fn era(self: &Arc<Self>) -> Result<Era, Error> {
        // Held while asking: a hundred calls at once find out once.
        let mut known = self.era.lock().await;
        if let Some(era) = &*known {
            return Ok(era.clone());
        }
        let era = self.negotiate().await?;
        *known = Some(era.clone());
        Ok(era)
    }

    async fn forget(&self, stale: &Era) {
        let mut known = self.era.lock().await;
        if known.as_ref().is_some_and(|era| era.is(stale)) {
            *known = None;
        }
    }

    async fn negotiate(self: &Arc<Self>) -> Result<Era, Error> {
        use crate::http::Error::{Broken, TimedOut};
        match self.discover().await.map_err(Error::from) {
            Ok(discovered) if discovered.supported_versions.iter().any(|version| version == wire::MODERN) => {
                Ok(Era::Modern)
            }
            Ok(_)
            | Err(Error::Refused { .. } | Error::Protocol { .. } | Error::Server { .. })
            | Err(Error::Network(TimedOut { .. } | Broken { .. })) => self.initialize().await,
            Err(error) => Err(error),
        }
    }

    async fn discover(self: &Arc<Self>) -> Result<Discovered, Trouble> {
        let stream = self.open(discover(&self.connection.url), Kind::Read, QUESTION).await?;
        if !stream.status.is_success() {
            return Err(answer::refused(self.host(), &Era::Modern, stream).await);
        }
        let progress = &Progress::default();
        answer::Reader { peer: self, era: &Era::Modern, id: 0, progress, limits: QUESTION }.read(stream).await
    }

    async fn initialize(self: &Arc<Self>) -> Result<Era, Error> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let request = post(&self.connection.url, Outgoing::text(Some(id), "initialize", Some(Initialize::newest())));
        let stream = self.open(request, Kind::Read, SHORT).await?;
        let session = stream.headers.get(SESSION).cloned();
        let opening = Era::Legacy(Arc::new(Session { id: session.clone(), version: String::new() }));
        if !stream.status.is_success() {
            return Err(answer::refused(self.host(), &opening, stream).await.into());
        }
        let progress = &Progress::default();
        let reader = answer::Reader { peer: self, era: &opening, id, progress, limits: SHORT };
        let Initialized { protocol_version: version } = reader.read(stream).await?;
        if !wire::LEGACY.contains(&version.as_str()) {
            let version = crate::backends::outside::line(&version, 40);
            return Err(Error::Protocol { host: self.host(), cause: format!("it speaks MCP `{version}`") });
        }
        let session = Session { id: session, version };
        let era = Era::Legacy(Arc::new(session));
        self.tell(&era, Outgoing::<()>::text(None, "notifications/initialized", None)).await;
        Ok(era)
    }

    /// Sends a message that has no answer; what happens to it changes nothing.
    pub(super) async fn tell(&self, era: &Era, body: Vec<u8>) {
        let mut request = post(&self.connection.url, body);
        era.mark(request.headers_mut());
        let _ = self.open(request, Kind::Write, ASIDE).await;
    }

    /// Asks for the rest of an interrupted stream.
    pub(super) async fn resume(&self, era: &Era, last_id: &str) -> Result<Stream, Error> {
        let mut request = post(&self.connection.url, Vec::new());
        *request.method_mut() = Method::GET;
        era.mark(request.headers_mut());
        request.headers_mut().insert(http::header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Ok(last_id) = HeaderValue::from_str(last_id) {
            request.headers_mut().insert("last-event-id", last_id);
        }
        self.open(request, Kind::Read, CALL).await
    }

    async fn open(&self, mut request: Request<Vec<u8>>, kind: Kind, limits: Limits) -> Result<Stream, Error> {
        for (name, value) in self.headers.get().into_iter().flatten() {
            request.headers_mut().insert(name, value.clone());
        }
        service::open(&self.connection, &request, kind, limits).await
    }
}

/// Tells a legacy server when a call is given up; a modern one sees its stream close.
struct Cancel<'a> {
    peer: &'a Arc<Peer>,
    era: &'a Era,
    id: u64,
    armed: bool,
}

impl Drop for Cancel<'_> {
    fn drop(&mut self) {
        #[derive(serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Cancelled {
            request_id: u64,
            reason: &'static str,
        }
        let (true, Era::Legacy(_)) = (self.armed, self.era) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (peer, era) = (Arc::clone(self.peer), self.era.clone());
        let params = Cancelled { request_id: self.id, reason: "the caller gave up" };
        let body = Outgoing::text(None, "notifications/cancelled", Some(params));
        runtime.spawn(async move { peer.tell(&era, body).await });
    }
}
