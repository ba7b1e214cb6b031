//! Who hears what happens outside every request: the legacy client, by its handshake and what it subscribed to, and
//! every open `subscriptions/listen`, by what it asked for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::dispatch::Handshake;
use super::listen::{self, Wish};
use super::message::{Id, Key};
use super::news::{NewsSender, Told};
use super::topics::{Holder, Joined, Topics, Turn};
use super::writer::Parts;

/// How many requests listen at once.
const MOST: usize = 64;

/// Everybody who listens. `W` is what is kept of a legacy request that waits for the server.
pub(super) struct Audience<W> {
    news: NewsSender,
    topics: Topics,
    listens: BTreeMap<u64, Listen>,
    counter: u64,
    waiting: HashMap<Arc<str>, Vec<(Key, W)>>,
    /// How many wait.
    count: usize,
    is_over: bool,
}

/// An open `subscriptions/listen`.
struct Listen {
    id: Id,
    lists: [bool; 3],
    /// What it was granted, and what it may still be.
    uris: Vec<Arc<str>>,
    /// For how many of them the server has not answered. Until it has, nothing is sent.
    open: usize,
}

/// What a legacy subscription came to.
pub(super) enum Subscribed {
    /// Done.
    Now,
    /// The server has to be asked; the request waits at this address.
    Later(Arc<str>),
    /// There are too many.
    Full,
}

impl<W> Audience<W> {
    pub(super) fn new(news: NewsSender) -> Self {
        Self {
            topics: Topics::new(news.clone()),
            news,
            listens: BTreeMap::new(),
            counter: 0,
            waiting: HashMap::new(),
            count: 0,
            is_over: false,
        }
    }

    /// Begins to listen. Returns the number, and the acknowledgement unless it has to wait; `None` if there are too many.
    pub(super) fn listen(&mut self, id: Id, wish: Wish) -> Option<(u64, Option<Parts>)> {
        if self.listens.len() >= MOST {
            return None;
        }
        self.counter += 1;
        let number = self.counter;
        let mut listen = Listen { id, lists: wish.lists, uris: Vec::new(), open: 0 };
        for uri in wish.uris {
            match self.topics.join(&uri, Holder::Listen(number)) {
                Joined::Now(uri) => listen.uris.push(uri),
                Joined::Later(uri) => {
                    listen.uris.push(uri);
                    listen.open += 1;
                }
                // What cannot be watched is not granted.
                Joined::Full => {}
            }
        }
        let acknowledgement = (listen.open == 0).then(|| listen.acknowledged());
        self.listens.insert(number, listen);
        Some((number, acknowledgement))
    }

    /// Ends a listening request.
    pub(super) fn stop(&mut self, number: u64) {
        let uris = self.listens.remove(&number).map(|listen| listen.uris).unwrap_or_default();
        for uri in uris {
            self.topics.leave(&uri, Holder::Listen(number));
        }
    }

    /// The legacy client wants to hear of this address.
    pub(super) fn subscribe(&mut self, uri: &str) -> Subscribed {
        match self.topics.join(uri, Holder::Legacy) {
            Joined::Now(_) => Subscribed::Now,
            Joined::Later(uri) => Subscribed::Later(uri),
            Joined::Full => Subscribed::Full,
        }
    }

    /// Keeps a legacy request until the server has answered.
    pub(super) fn wait(&mut self, uri: Arc<str>, key: Key, request: W) {
        self.waiting.entry(uri).or_default().push((key, request));
        self.count += 1;
    }

    /// How many of them there are.
    pub(super) fn waiting(&self) -> usize {
        self.count
    }

    /// The legacy client does not want to hear of this address any more. Returns the requests that were waiting for it.
    pub(super) fn unsubscribe(&mut self, uri: &str) -> Vec<(Key, W)> {
        self.topics.leave(uri, Holder::Legacy);
        self.take_waiting(uri)
    }

    fn take_waiting(&mut self, uri: &str) -> Vec<(Key, W)> {
        let requests = self.waiting.remove(uri).unwrap_or_default();
        self.count = self.count.saturating_sub(requests.len());
        requests
    }

    /// A legacy request was cancelled. What it wanted is wanted no more, unless another one waits for it, too.
    pub(super) fn give_up(&mut self, uri: &str, key: &Key) -> Option<W> {
        let requests = self.waiting.get_mut(uri)?;
        let at = requests.iter().position(|(other, _)| other == key)?;
        let (_, request) = requests.remove(at);
        let is_last = requests.is_empty();
        self.count = self.count.saturating_sub(1);
        if is_last {
            self.unsubscribe(uri);
        }
        Some(request)
    }

    /// A new handshake begins without the subscriptions of the one before. Those for which a request waits are its own.
    pub(super) fn forget_legacy(&mut self) {
        for uri in self.topics.of(Holder::Legacy) {
            if !self.waiting.contains_key(&uri) {
                self.topics.leave(&uri, Holder::Legacy);
            }
        }
    }

    /// The server has answered. Returns the requests that waited for it, and acknowledgements.
    pub(super) fn turned(&mut self, turn: &Turn, is_done: bool) -> (Vec<(Key, W)>, Vec<Parts>) {
        let holders = self.topics.turned(turn, is_done);
        let mut acknowledgements = Vec::new();
        for holder in holders {
            let Holder::Listen(number) = holder else { continue };
            let Some(listen) = self.listens.get_mut(&number) else { continue };
            if !is_done {
                listen.uris.retain(|uri| *uri != turn.uri);
            }
            listen.open = listen.open.saturating_sub(1);
            if listen.open == 0 {
                acknowledgements.push(listen.acknowledged());
            }
        }
        let answered = if turn.wanted { self.take_waiting(&turn.uri) } else { Vec::new() };
        if self.is_over {
            self.topics.leave(&turn.uri, Holder::Legacy);
        }
        (answered, acknowledgements)
    }

    /// Ends everything. Returns the requests that listened.
    pub(super) fn end(&mut self) -> Vec<Id> {
        self.is_over = true;
        self.forget_legacy();
        let numbers: Vec<u64> = self.listens.keys().copied().collect();
        let ids = self.listens.values().map(|listen| listen.id.clone()).collect();
        numbers.into_iter().for_each(|number| self.stop(number));
        ids
    }

    /// What the server has to be told about addresses.
    pub(super) fn due(&mut self) -> Vec<Turn> {
        self.topics.due()
    }

    /// What was told since the last time.
    pub(super) fn told(&self) -> Told {
        self.news.take()
    }

    /// The lines for all who want to hear that a list has changed.
    pub(super) fn changed(&self, list: usize, handshake: &Handshake) -> Vec<Parts> {
        let is_wanted = |lists: &[bool; 3]| lists.get(list).copied().unwrap_or_default();
        let legacy = is_wanted(&handshake.changes).then(|| listen::changed(list, None)).flatten();
        let listens = self.listens.values().filter(|listen| listen.open == 0 && is_wanted(&listen.lists));
        legacy.into_iter().chain(listens.filter_map(|to| listen::changed(list, Some(&to.id)))).collect()
    }

    /// The lines for all who want to hear that what is at an address has changed.
    pub(super) fn updated(&self, uri: &str) -> Vec<Parts> {
        let line = |holder: &Holder| match holder {
            Holder::Legacy => Some(listen::updated(uri, None)),
            Holder::Listen(number) => {
                let to = self.listens.get(number).filter(|to| to.open == 0)?;
                Some(listen::updated(uri, Some(&to.id)))
            }
        };
        self.topics.holders(uri).iter().filter_map(line).collect()
    }
}

impl Listen {
    fn acknowledged(&self) -> Parts {
        listen::acknowledged(&self.id, self.lists, &self.uris)
    }
}
