//! The standing connection: what a server tells without being asked, and subscriptions to its resources.
//!
//! It begins once `serve` wants it and the connection was used, or something is subscribed to, and ends with its peer: the
//! task that reads holds the peer only while it has something to tell it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::answer::COMPLETE;
use super::ask::{Ask, CALL};
use super::era::Era;
use super::peer::Peer;
use super::sse::{self, Parser};
use super::wire::{self, Asking, Incoming};
use super::{Shared, address, listed, question};
use crate::backends::host::Unanswered;
use crate::backends::http::Kind;
use crate::backends::passage::{Feed, News};
use crate::backends::{Boxed, Error};
use crate::http::Stream;

/// The wait before it is taken up again: it grows as long as nothing comes.
pub(super) const SHORTEST: Duration = Duration::from_secs(1);
pub(super) const LONGEST: Duration = Duration::from_secs(300);
/// A connection on which nothing comes for so long is made anew: the other end may be gone without a word.
const SILENCE: Duration = Duration::from_secs(900);
/// The most subscriptions of one connection.
const SUBSCRIPTIONS: usize = 1_000;

/// What is known of it.
#[derive(Default)]
pub(super) struct State {
    is_wanted: AtomicBool,
    kept: Mutex<Kept>,
    turned: Arc<Notify>,
}

#[derive(Default)]
struct Kept {
    /// The server's own addresses.
    subscribed: BTreeSet<String>,
    level: Option<&'static str>,
    task: Option<AbortHandle>,
}

impl Drop for State {
    fn drop(&mut self) {
        self.kept().task.iter().for_each(AbortHandle::abort);
    }
}

/// A subscription that the server has not granted. Dropping this, also because nobody waits any more, takes it back.
struct Half<'a> {
    state: Option<&'a State>,
    uri: &'a str,
}

impl Drop for Half<'_> {
    fn drop(&mut self) {
        if let Some(state) = self.state {
            state.kept().subscribed.remove(self.uri);
        }
    }
}

impl State {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something is other than when it was begun: a session, or what is subscribed to.
    pub(super) fn turn(&self) {
        self.turned.notify_one();
    }
}

/// What a server told outside of any request, or about something else than the request it came with.
pub(super) fn heard(peer: &Arc<Peer>, method: &str, params: Option<&RawValue>) {
    match method {
        "notifications/tools/list_changed" => peer.changed("tools"),
        "notifications/prompts/list_changed" => peer.changed("prompts"),
        "notifications/resources/list_changed" => peer.changed("resources"),
        "notifications/resources/updated" => {
            let params: Map<String, Value> = wire::member(params).unwrap_or_default();
            let uri = params.get("uri").and_then(Value::as_str).filter(|uri| uri.len() <= address::LONGEST);
            if let Some(uri) = uri {
                let mut ours = address::ours(&peer.connection.name, uri);
                peer.connection.sent.hide(&mut ours);
                peer.connection.listener.tell(News::Updated(ours));
            }
        }
        "notifications/message" => {
            if let Some(mut entry) = params.and_then(listed::entry) {
                entry.data = peer.connection.sent.out_of_json(entry.data);
                entry.logger.iter_mut().for_each(|logger| peer.connection.sent.hide(logger));
                peer.connection.listener.tell(News::Logged(entry));
            }
        }
        _ => {}
    }
}

/// The standing connection as `serve` has it.
pub(super) struct Standing(pub(super) Shared);

impl Standing {
    pub(super) fn of(peer: Shared) -> Self {
        peer.standing.is_wanted.store(true, Ordering::Relaxed);
        Self(peer)
    }
}

impl Feed for Standing {
    fn subscribe(&self, uri: String) -> Boxed<'static, Result<(), Error>> {
        let peer = Arc::clone(&self.0);
        Box::pin(async move { peer.subscribe(&uri, true).await })
    }

    fn unsubscribe(&self, uri: String) -> Boxed<'static, Result<(), Error>> {
        let peer = Arc::clone(&self.0);
        Box::pin(async move { peer.subscribe(&uri, false).await })
    }

    fn set_level(&self, level: &'static str) {
        self.0.standing.kept().level = Some(level);
        self.0.standing.turn();
    }
}

impl Peer {
    /// The server answered: from now on it may tell more.
    pub(super) fn used(self: &Arc<Self>) {
        if self.standing.is_wanted.load(Ordering::Relaxed) {
            self.stand();
        }
    }

    fn stand(self: &Arc<Self>) {
        let mut kept = self.standing.kept();
        if kept.task.as_ref().is_none_or(AbortHandle::is_finished) {
            kept.task =
                Some(tokio::spawn(stand(Arc::downgrade(self), Arc::clone(&self.standing.turned))).abort_handle());
        }
    }

    async fn subscribe(self: &Arc<Self>, ours: &str, begins: bool) -> Result<(), Error> {
        let rest = ours.strip_prefix(&address::start(&self.connection.name));
        let uri = rest.and_then(address::theirs).filter(|uri| uri.len() <= address::LONGEST);
        let uri = uri.ok_or_else(|| Error::Arguments("there is no such address".to_owned()))?;
        let (mut half, is_new) = (Half { state: None, uri: &uri }, {
            let mut kept = self.standing.kept();
            match begins {
                true if kept.subscribed.len() >= SUBSCRIPTIONS => {
                    return Err(Error::Arguments("there are too many subscriptions".to_owned()));
                }
                true => kept.subscribed.insert(uri.clone()),
                false => kept.subscribed.remove(&uri),
            }
        });
        if is_new {
            half.state = begins.then_some(&self.standing);
            let told = self.tell_of(&uri, begins).await;
            told.map_err(|error| super::prompts::arguments(self.connection.sent.out_of(error)))?;
        }
        half.state = None;
        self.stand();
        Ok(())
    }

    /// Legacy: subscribes with a request. The modern era does it where it begins to listen.
    async fn tell_of(self: &Arc<Self>, uri: &str, begins: bool) -> Result<(), Error> {
        let era = self.era(None).await?;
        if !self.offers.described().capabilities.subscribe {
            return Err(Error::Arguments("the server takes no subscriptions".to_owned()));
        }
        match era {
            Era::Modern => self.standing.turn(),
            Era::Legacy(_) => {
                let method = if begins { "resources/subscribe" } else { "resources/unsubscribe" };
                self.ask(Ask { uri: Some(uri), ..Ask::short(method) }).await?;
            }
        }
        Ok(())
    }

    /// Opens the stream on which the server tells; `None` if it has nothing to tell.
    async fn listen(
        self: &Arc<Self>,
        before: &mut Option<Era>,
        last_id: Option<&str>,
    ) -> Result<Option<Opened>, Error> {
        let era = self.era(None).await?;
        let is_same = before.as_ref().is_some_and(|before| before.is(&era));
        let is_another = before.is_some() && !is_same;
        // Without a place to go on from, what was told between two streams is lost.
        if is_same && last_id.is_none() {
            super::offer::ALL.into_iter().for_each(|of| self.changed(of));
        }
        *before = Some(era.clone());
        let subscribed = self.subscribed();
        let (stream, id) = match &era {
            Era::Modern => {
                let Some(wanted) = self.wanted(&subscribed) else { return Ok(None) };
                let id = self.next_id();
                let ask = Ask { more: Some(wanted), ..Ask::short("subscriptions/listen") };
                let request = ask.request(&self.connection.url, &era, id, false);
                (self.open(request, Kind::Read, CALL).await?, Some(id))
            }
            Era::Legacy(session) => {
                let level = self.standing.kept().level;
                self.let_log(session, level).await;
                if is_another {
                    self.begin_again(&subscribed).await;
                }
                (self.resume(&era, last_id.filter(|_| is_same)).await?, None)
            }
        };
        match stream.status.as_u16() {
            200..=299 if sse::is_stream(&stream.headers) => Ok(Some(Opened { stream, era, id, subscribed })),
            404 if matches!(&era, Era::Legacy(session) if session.has_id()) => {
                self.forget(&era).await;
                Err(self.wrong("the session is over"))
            }
            401 | 403 | 408..=499 | 500 | 502..=599 => Err(self.wrong("no stream")),
            // It has none of this.
            _ => Ok(None),
        }
    }

    /// What is listened to in the modern era, if there is anything.
    fn wanted(&self, subscribed: &BTreeSet<String>) -> Option<Map<String, Value>> {
        let capabilities = self.offers.described().capabilities;
        let mut wanted = Map::new();
        for (is_there, name) in [
            (capabilities.tools_change, "toolsListChanged"),
            (capabilities.prompts_change, "promptsListChanged"),
            (capabilities.resources_change, "resourcesListChanged"),
        ] {
            if is_there {
                wanted.insert(name.to_owned(), true.into());
            }
        }
        if !subscribed.is_empty() {
            wanted.insert("resourceSubscriptions".to_owned(), json!(subscribed));
        }
        (!wanted.is_empty()).then(|| Map::from_iter([("notifications".to_owned(), Value::Object(wanted))]))
    }

    /// What is subscribed to, as far as the server takes subscriptions.
    fn subscribed(&self) -> BTreeSet<String> {
        let takes = self.offers.described().capabilities.subscribe;
        if takes { self.standing.kept().subscribed.clone() } else { BTreeSet::new() }
    }

    /// Another session knows of no subscription, and meanwhile the lists may have changed.
    async fn begin_again(self: &Arc<Self>, subscribed: &BTreeSet<String>) {
        for uri in subscribed {
            let _ = self.ask(Ask { uri: Some(uri), ..Ask::short("resources/subscribe") }).await;
        }
        super::offer::ALL.into_iter().for_each(|of| self.changed(of));
    }

    /// Whether the open stream is not the right one any more.
    async fn is_other(self: &Arc<Self>, opened: &Opened) -> bool {
        let Ok(era) = self.era(None).await else { return false };
        match &era {
            Era::Modern => !opened.era.is(&era) || self.subscribed() != opened.subscribed,
            Era::Legacy(session) => {
                let level = self.standing.kept().level;
                self.let_log(session, level).await;
                !opened.era.is(&era)
            }
        }
    }
}

/// An open stream.
struct Opened {
    stream: Stream,
    era: Era,
    /// Modern: the request that is answered when it ends.
    id: Option<u64>,
    subscribed: BTreeSet<String>,
}

/// Why reading ended.
enum Ended {
    /// Another stream is wanted.
    Turned,
    /// The stream is over; whether anything came on it.
    Over(bool),
}

async fn stand(weak: Weak<Peer>, turned: Arc<Notify>) {
    let mut parser = Parser::default();
    let mut before = None;
    let mut pause = SHORTEST;
    loop {
        let Some(peer) = weak.upgrade() else { return };
        let last_id = parser.last_id().map(str::to_owned);
        let opened = peer.listen(&mut before, last_id.as_deref()).await;
        drop(peer);
        match opened {
            Ok(Some(opened)) => match read(&weak, &turned, opened, &mut parser).await {
                None => return,
                Some(Ended::Turned) => continue,
                Some(Ended::Over(true)) => pause = SHORTEST,
                Some(Ended::Over(false)) => {}
            },
            // Nothing to hear, until something is other.
            Ok(None) => {
                turned.notified().await;
                continue;
            }
            Err(_) => {}
        }
        let asked = parser.retry().map(Duration::from_millis).unwrap_or_default();
        let wait = pause.max(asked).min(LONGEST);
        tokio::time::sleep(wait.saturating_add(crate::backends::http::jitter(wait))).await;
        pause = pause.saturating_mul(2).min(LONGEST);
    }
}

/// Reads the stream to its end; `None` if the peer is gone.
async fn read(weak: &Weak<Peer>, turned: &Notify, mut opened: Opened, parser: &mut Parser) -> Option<Ended> {
    parser.restart();
    let mut came = false;
    loop {
        let piece = tokio::select! {
            piece = timeout(SILENCE, opened.stream.next()) => match piece {
                Ok(Ok(Some(piece))) => piece,
                _ => return Some(Ended::Over(came)),
            },
            () = turned.notified() => {
                if weak.upgrade()?.is_other(&opened).await {
                    return Some(Ended::Turned);
                }
                continue;
            }
        };
        let mut events = Vec::new();
        let fed = parser.feed(&piece, |event| events.push(event));
        let peer = weak.upgrade()?;
        for message in events.iter().filter_map(|event| wire::read(event, opened.id).ok()).flatten() {
            // Its beginning and its end are no news.
            came |= match &message {
                Incoming::Answer(_) => false,
                Incoming::Notification(method, _) => method != "notifications/subscriptions/acknowledged",
                _ => true,
            };
            if matches!(message, Incoming::Answer(_)) {
                return Some(Ended::Over(came));
            }
            take(&peer, &opened.era, message);
        }
        if fed.is_err() {
            return Some(Ended::Over(came));
        }
    }
}

/// Answers what is asked while no request of ours runs: there is nobody to ask. A server that asks faster than that
/// gets no answer.
fn alone(peer: &Shared, era: &Era, asking: &Asking) {
    let Ok(place) = Arc::clone(&peer.replies).try_acquire_owned() else { return };
    let said = match asking.method.as_str() {
        "ping" => RawValue::from_string("{}".to_owned()).map_err(|_| Unanswered::cannot()),
        _ => Err(Unanswered::cannot()),
    };
    let (peer, era, reply) = (Arc::clone(peer), era.clone(), question::reply(&asking.id, said));
    tokio::spawn(async move {
        peer.tell(&era, reply).await;
        drop(place);
    });
}

fn take(peer: &Shared, era: &Era, message: Incoming) {
    match (message, era) {
        (Incoming::Request(asking), Era::Legacy(session)) => match session.voice() {
            Some(voice) => voice.take(peer, era, asking),
            None => alone(peer, era, &asking),
        },
        (Incoming::Notification(method, Some(params)), Era::Legacy(session)) if method == "notifications/cancelled" => {
            session.voice().iter().for_each(|voice| voice.withdraw(&params));
        }
        (Incoming::Notification(method, Some(params)), Era::Legacy(session)) if method == COMPLETE => {
            session.voice().iter().for_each(|voice| voice.completed(&params));
        }
        (Incoming::Notification(method, params), _) => heard(peer, &method, params.as_deref()),
        _ => {}
    }
}
