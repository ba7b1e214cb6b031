//! One MCP server, seen from a client: which era it speaks, its sessions, and requests to it.
//!
//! The era is found out with `server/discover`, which has no effect, so that no call is ever an experiment. What was
//! found is remembered; a server that was replaced meanwhile says so by refusing, and is asked again once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, Request};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, Semaphore};

use super::ask::{Answered, Ask, CALL, SESSION, SHORT};
use super::era::{Era, Session, Trouble};
use super::offer::{Described, Offers};
use super::talk::Talk;
use super::wire::{self, Answer, Initialize, Meta, Outgoing, Params};
use super::{answer, post, question, standing};
use crate::backends::host::Takes;
use crate::backends::http::{self as service, Kind};
use crate::backends::{Connection, Error, Host, Output, Progress, outside, random};
use crate::http::{Limits, Stream};

/// For finding out the era: a server that does not know the question may also just be silent.
const QUESTION: Limits = Limits { time: Duration::from_secs(10), body: 1 << 20 };
/// For messages that nobody waits for.
const ASIDE: Limits = Limits { time: Duration::from_secs(5), body: 64 << 10 };
/// A bound for the client below, where the limits that matter are measured here.
const BEYOND: Duration = Duration::from_secs(24 * 3600);
/// How many requests run at once, the others wait in their order; and how many questions are open.
const RUNNING: usize = 256;
const OPEN: usize = 16;
/// How many answers to requests of the server, outside of any of ours, are on their way at once.
const REPLIES: usize = 16;
/// How often one call may be answered with questions.
const ROUNDS: u32 = 10;
/// The wait before a round for which nobody was asked anything, times its number.
const PAUSE: Duration = Duration::from_millis(200);

/// A server and what is known about it.
pub struct Peer {
    pub(super) connection: Connection,
    pub(super) offers: Offers,
    pub(super) standing: standing::State,
    /// The questions of the server that are open.
    pub(super) questions: Semaphore,
    /// Answers to what the server asks outside of requests.
    pub(super) replies: Arc<Semaphore>,
    known: Mutex<Known>,
    pub(super) places: Arc<Semaphore>,
    /// The id of the next request. Servers exist that keep the answers of all their sessions by nothing but the request's id,
    /// so that no two sessions may count through the same ones.
    ids: AtomicU64,
    headers: OnceLock<HashMap<HeaderName, HeaderValue>>,
}

/// What was found out in this process.
#[derive(Default)]
struct Known {
    speaks: Option<Speaks>,
    /// One for each set of what hosts take; the newest last.
    sessions: Vec<Arc<Session>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaks {
    Modern,
    Legacy,
}

/// A call of a tool.
pub struct ToolCall<'a> {
    /// The server's own name for the tool.
    pub tool: &'a str,
    /// Its arguments.
    pub arguments: &'a Map<String, Value>,
    /// Arguments that are repeated in headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Hears how far it is.
    pub progress: Progress,
    /// Can be asked meanwhile.
    pub host: Host,
}

impl Peer {
    /// The server behind this connection; nothing is sent yet.
    pub fn new(connection: Connection) -> Arc<Self> {
        // What the slot holds must not hold the slot.
        let connection = Connection { slot: Default::default(), ..connection };
        Arc::new(Self {
            offers: Offers::new(connection.remembered.clone()),
            standing: standing::State::default(),
            questions: Semaphore::new(OPEN),
            replies: Arc::new(Semaphore::new(REPLIES)),
            known: Mutex::default(),
            places: Arc::new(Semaphore::new(RUNNING)),
            ids: AtomicU64::new(random::first_id()),
            headers: OnceLock::new(),
            connection,
        })
    }

    /// The one server of all tools, prompts and resources of this connection.
    pub(super) fn of(connection: &Connection) -> Arc<Self> {
        let peer = connection.slot.get(|| Self::new(connection.clone()));
        peer.offers.take_over(connection.remembered.as_ref());
        peer
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

    pub(super) fn wrong(&self, cause: impl Into<String>) -> Error {
        Error::Protocol { host: self.host(), cause: cause.into() }
    }

    /// Calls a tool. The call is sent once; dropping the future cancels it.
    pub async fn call(self: &Arc<Self>, call: ToolCall<'_>) -> Result<Output, Error> {
        let ask = Ask {
            name: Some(call.tool),
            arguments: Some(call.arguments),
            headers: call.headers,
            kind: Kind::Write,
            progress: call.progress,
            ..Ask::long("tools/call", call.host)
        };
        let called = self.ask(ask).await?;
        answer::output(self, called)
    }

    /// Asks for the first page of the list of tools and for nothing else.
    pub async fn check(self: &Arc<Self>) -> Result<(), Error> {
        let outcome = self.ask(Ask::short("tools/list")).await;
        self.end().await;
        outcome.map(drop)
    }

    /// Tells the server that its sessions are over, as far as there are some and it listens.
    pub async fn end(&self) {
        let sessions = std::mem::take(&mut self.known.lock().await.sessions);
        let sessions = sessions.into_iter().filter(|session| session.has_id()).collect();
        end(&self.connection, self.headers.get(), sessions).await;
    }

    /// Sends a request and asks the host in between what the server wants to know. Comes back with the whole answer.
    pub(super) async fn ask(self: &Arc<Self>, mut ask: Ask<'_>) -> Result<Box<Answer>, Error> {
        let (era, mut answer) = self.once(&ask).await?;
        for round in 0..=ROUNDS {
            let may_ask = matches!(era, Era::Modern) && ask.limits == CALL;
            match answer.result_type.as_deref() {
                None | Some("complete") => {
                    self.used();
                    return Ok(answer);
                }
                Some("input_required") if may_ask && round < ROUNDS => {}
                Some("input_required") if may_ask => return Err(self.wrong("its questions never end")),
                Some(other) => {
                    let other = outside::line(other, 40);
                    return Err(self.wrong(format!("the result is `{other}`, which was not offered")));
                }
            }
            ask.answered = self.answer(&ask.talk, *answer, round).await?;
            // The server asked for this request. It is not sent again in another era: there it would be another one.
            answer = self.attempt(&era, &ask).await?;
        }
        Err(self.wrong("its questions never end"))
    }

    /// What the host says to the questions in an answer.
    async fn answer(self: &Arc<Self>, talk: &Talk, answer: Answer, round: u32) -> Result<Answered, Error> {
        let questions = question::all(answer.input_requests.as_deref()).map_err(|why| self.wrong(why))?;
        let state = question::state(answer.request_state).map_err(|why| self.wrong(why))?;
        if questions.is_empty() {
            if state.is_none() {
                return Err(self.wrong("it wants to know something and does not say what"));
            }
            tokio::time::sleep(PAUSE.saturating_mul(round.saturating_add(1))).await;
            return Ok(Answered { responses: None, state });
        }
        let said = talk.ask_all(self, questions).await.into_iter().map(|(name, method, said)| {
            let said = question::said(&method, said).map_err(|why| self.wrong(why))?;
            Ok((name, said))
        });
        Ok(Answered { responses: Some(said.collect::<Result<_, Error>>()?), state })
    }

    async fn once(self: &Arc<Self>, ask: &Ask<'_>) -> Result<(Era, Box<Answer>), Error> {
        let takes = (ask.limits == CALL).then(|| ask.talk.takes());
        let era = self.era(takes).await?;
        let stale = match self.shown(&era, ask).await {
            Err(Trouble::Stale(error)) => error,
            outcome => return Ok((era, outcome?)),
        };
        self.forget(&era).await;
        // Only a server that says so is another one now. Silence is none, and the request may have been carried out.
        if let (Era::Modern, Kind::Write) = (&era, ask.kind)
            && let Err(Trouble::Final(Error::Network(_) | Error::Server { .. })) = self.discover().await
        {
            return Err(stale);
        }
        match self.era(takes).await {
            // The server is what it was, so its refusal was about the request, and may have come after a part of it.
            Ok(Era::Modern) if matches!(era, Era::Modern) => Err(stale),
            Ok(era) => {
                let answer = self.attempt(&era, ask).await?;
                Ok((era, answer))
            }
            // The server does not speak any more: its first refusal says more than the second.
            Err(Error::Refused { .. } | Error::Protocol { .. }) => Err(stale),
            Err(error) => Err(error),
        }
    }

    /// Attempts it; once more after the person was led to the pages for which the server refused it, having done nothing.
    async fn shown(self: &Arc<Self>, era: &Era, ask: &Ask<'_>) -> Result<Box<Answer>, Trouble> {
        let (refusal, pages) = match self.attempt(era, ask).await {
            Err(Trouble::Pages(refusal, pages)) => (refusal, pages),
            outcome => return outcome,
        };
        match ask.talk.ask_all(self, question::pages(pages)).await {
            said if said.iter().all(|(.., said)| question::is_yes(said)) => self.attempt(era, ask).await,
            _ => Err(Trouble::Final(refusal)),
        }
    }

    async fn attempt(self: &Arc<Self>, era: &Era, ask: &Ask<'_>) -> Result<Box<Answer>, Trouble> {
        ask.talk.take(&self.places).await;
        if let Era::Legacy(session) = era {
            session.join(&ask.talk);
            self.let_log(session, ask.talk.host().level()).await;
        }
        let id = self.next_id();
        let request = ask.request(&self.connection.url, era, id, self.offers.described().capabilities.logging);
        let mut cancel = Cancel { peer: self, era, id, armed: true };
        let unlimited = Limits { time: BEYOND, ..ask.limits };
        let opened = ask.talk.within(ask.limits.time, self.open(request, ask.kind, unlimited)).await;
        let late = || crate::http::Error::TimedOut { host: self.host(), after: ask.limits.time }.into();
        let outcome = match opened.unwrap_or_else(|| Err(late())) {
            Ok(stream) if stream.status.is_success() => answer::Reader { peer: self, era, id, ask }.read(stream).await,
            Ok(stream) => Err(answer::refused(self.host(), era, stream).await),
            Err(error) => Err(error.into()),
        };
        // A call that took too long still runs over there; every other outcome is its end.
        cancel.armed = matches!(&outcome, Err(Trouble::Final(Error::Network(crate::http::Error::TimedOut { .. }))));
        ask.talk.leave();
        outcome
    }

    pub(super) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// What the server speaks with a host that takes this; with any host where that does not matter.
    pub(super) async fn era(self: &Arc<Self>, takes: Option<Takes>) -> Result<Era, Error> {
        // Held while asking: a hundred calls at once find out once.
        let mut known = self.known.lock().await;
        match known.speaks {
            Some(Speaks::Modern) => return Ok(Era::Modern),
            Some(Speaks::Legacy) => {
                let found =
                    known.sessions.iter().rev().find(|session| takes.is_none_or(|takes| takes == session.takes));
                if let Some(session) = found {
                    return Ok(Era::Legacy(Arc::clone(session)));
                }
            }
            None => match self.negotiate().await? {
                Speaks::Modern => {
                    // What was left of a server in whose place this one is.
                    known.sessions.clear();
                    known.speaks = Some(Speaks::Modern);
                    return Ok(Era::Modern);
                }
                Speaks::Legacy => {}
            },
        }
        let session = self.initialize(takes.unwrap_or_default()).await?;
        known.speaks = Some(Speaks::Legacy);
        known.sessions.push(Arc::clone(&session));
        self.standing.turn();
        Ok(Era::Legacy(session))
    }

    pub(super) async fn forget(&self, stale: &Era) {
        let mut known = self.known.lock().await;
        match stale {
            Era::Modern if known.speaks == Some(Speaks::Modern) => known.speaks = None,
            Era::Modern => {}
            Era::Legacy(session) => {
                let before = known.sessions.len();
                known.sessions.retain(|known| !Arc::ptr_eq(known, session));
                if known.sessions.len() < before {
                    known.speaks = None;
                }
            }
        }
    }

    async fn negotiate(self: &Arc<Self>) -> Result<Speaks, Error> {
        use crate::http::Error::{Broken, TimedOut};
        match self.discover().await.map_err(Error::from) {
            Ok(discovered) => {
                let versions: Vec<String> = wire::member(discovered.supported_versions.as_deref()).unwrap_or_default();
                if versions.iter().any(|version| version == wire::MODERN) {
                    self.offers.describe(Described::of(&discovered));
                    return Ok(Speaks::Modern);
                }
                Ok(Speaks::Legacy)
            }
            Err(Error::Refused { .. } | Error::Protocol { .. } | Error::Server { .. })
            | Err(Error::Network(TimedOut { .. } | Broken { .. })) => Ok(Speaks::Legacy),
            Err(error) => Err(error),
        }
    }

    async fn discover(self: &Arc<Self>) -> Result<Box<Answer>, Trouble> {
        let id = self.next_id();
        let stream = self.open(discover(&self.connection.url, id), Kind::Read, QUESTION).await?;
        if !stream.status.is_success() {
            return Err(answer::refused(self.host(), &Era::Modern, stream).await);
        }
        let ask = Ask { limits: QUESTION, ..Ask::short("server/discover") };
        answer::Reader { peer: self, era: &Era::Modern, id, ask: &ask }.read(stream).await
    }

    async fn initialize(self: &Arc<Self>, takes: Takes) -> Result<Arc<Session>, Error> {
        let id = self.next_id();
        let params = Some(Initialize::newest(takes));
        let request = post(&self.connection.url, Outgoing::text(Some(id), "initialize", params));
        let stream = self.open(request, Kind::Read, SHORT).await?;
        let session = stream.headers.get(SESSION).cloned();
        let opening = Era::Legacy(Session::new(session.clone(), String::new(), takes));
        if !stream.status.is_success() {
            return Err(answer::refused(self.host(), &opening, stream).await.into());
        }
        let ask = Ask::short("initialize");
        let answer = answer::Reader { peer: self, era: &opening, id, ask: &ask }.read(stream).await?;
        let version: String = wire::member(answer.protocol_version.as_deref()).unwrap_or_default();
        if !wire::LEGACY.contains(&version.as_str()) {
            return Err(self.wrong(format!("it speaks MCP `{}`", outside::line(&version, 40))));
        }
        self.offers.describe(Described::of(&answer));
        let session = Session::new(session, version, takes);
        let era = Era::Legacy(Arc::clone(&session));
        self.tell(&era, Outgoing::<()>::text(None, "notifications/initialized", None)).await;
        Ok(session)
    }

    /// Tells a legacy server to log from this severity on, if it logs and was not told so already.
    pub(super) async fn let_log(&self, session: &Arc<Session>, level: Option<&'static str>) {
        if let Some(level) = level.filter(|_| self.offers.described().capabilities.logging)
            && session.raises(level)
        {
            let params = serde_json::json!({ "level": level });
            let body = Outgoing::text(Some(self.next_id()), "logging/setLevel", Some(params));
            self.tell(&Era::Legacy(Arc::clone(session)), body).await;
        }
    }

    /// Sends a message whose answer, if it has one, changes nothing, and which may arrive twice.
    pub(super) async fn tell(&self, era: &Era, body: Vec<u8>) {
        let mut request = post(&self.connection.url, body);
        era.mark(request.headers_mut());
        let _ = self.open(request, Kind::Read, ASIDE).await;
    }

    /// Asks for a stream of a session, or for the rest of one that was interrupted.
    pub(super) async fn resume(&self, era: &Era, last_id: Option<&str>) -> Result<Stream, Error> {
        let mut request = post(&self.connection.url, Vec::new());
        *request.method_mut() = Method::GET;
        era.mark(request.headers_mut());
        request.headers_mut().insert(http::header::ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(last_id) = last_id.and_then(|id| HeaderValue::from_str(id).ok()) {
            request.headers_mut().insert("last-event-id", last_id);
        }
        self.open(request, Kind::Read, CALL).await
    }

    pub(super) async fn open(
        &self,
        mut request: Request<Vec<u8>>,
        kind: Kind,
        limits: Limits,
    ) -> Result<Stream, Error> {
        for (name, value) in self.headers.get().into_iter().flatten() {
            request.headers_mut().insert(name, value.clone());
        }
        service::open(&self.connection, &request, kind, limits).await
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let sessions = std::mem::take(&mut self.known.get_mut().sessions);
        let sessions: Vec<_> = sessions.into_iter().filter(|session| session.has_id()).collect();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !sessions.is_empty() {
            let (connection, headers) = (self.connection.clone(), self.headers.take());
            runtime.spawn(async move { end(&connection, headers.as_ref(), sessions).await });
        }
    }
}

/// Tells the server that these sessions are over.
async fn end(connection: &Connection, headers: Option<&HashMap<HeaderName, HeaderValue>>, sessions: Vec<Arc<Session>>) {
    for session in sessions {
        let mut request = post(&connection.url, Vec::new());
        *request.method_mut() = Method::DELETE;
        Era::Legacy(session).mark(request.headers_mut());
        for (name, value) in headers.into_iter().flatten() {
            request.headers_mut().insert(name, value.clone());
        }
        let _ = service::open(connection, &request, Kind::Write, ASIDE).await;
    }
}

/// The request that asks a server what it speaks.
pub(super) fn discover(url: &url::Url, id: u64) -> Request<Vec<u8>> {
    let params = Params { meta: Some(Meta::modern(None, Takes::default(), None)), ..Params::default() };
    let mut request = post(url, Outgoing::text(Some(id), "server/discover", Some(params)));
    Era::Modern.mark(request.headers_mut());
    request.headers_mut().insert("mcp-method", HeaderValue::from_static("server/discover"));
    request
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
        let (true, Era::Legacy(_)) = (self.armed, self.era) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (peer, era) = (Arc::clone(self.peer), self.era.clone());
        let params = serde_json::json!({ "requestId": self.id, "reason": "the caller gave up" });
        let body = Outgoing::text(None, "notifications/cancelled", Some(params));
        runtime.spawn(async move { peer.tell(&era, body).await });
    }
}
