//! What the connections of one listener have in common.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};

use super::PATH;
use super::page::Word;
use crate::oauth::error::Error;
use crate::oauth::random;
use crate::oauth::response::{Outcome, Verdict};

/// Something a person at the terminal should know while the login goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Answers with another state keep coming: an old tab, or somebody is trying.
    Strangers {
        /// How many so far.
        count: usize,
    },
    /// The browser insists on an encrypted connection to this machine; pasting the address helps.
    Encrypted,
    /// The browser came back to the right place, and what it brought cannot be read; pasting the address may help.
    Unread,
}

/// Time limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// For the first byte of a connection.
    pub(super) silence: Duration,
    /// From the first byte to the end of the headers.
    pub(super) head: Duration,
    /// How long the page waits for the outcome.
    pub(super) page: Duration,
    /// How long the end waits for the browser to fetch the page.
    pub(super) seen: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { silence: seconds(5), head: seconds(2), page: seconds(45), seen: seconds(3) }
    }
}

type Receiver = Box<dyn Fn(Notice) + Send + Sync>;
/// Says what an answer is.
pub(super) type Judge = Box<dyn Fn(&str) -> Verdict + Send + Sync>;

/// Where the browser comes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// A path that everybody knows: what proves an answer is its state.
    Known,
    /// A path that nobody can guess, because nothing else proves an answer.
    Secret,
}

/// Strangers before the person is told.
const MANY: usize = 20;

pub(super) struct Shared {
    pub(super) limits: Limits,
    host: String,
    door: Door,
    callback: String,
    probe: String,
    probed: AtomicBool,
    result: String,
    expected: OnceLock<Judge>,
    answer: Mutex<Option<oneshot::Sender<Outcome>>>,
    page: watch::Sender<Option<String>>,
    owed: AtomicBool,
    delivered: Notify,
    strangers: AtomicUsize,
    receiver: OnceLock<Receiver>,
}

/// What the callback request gets.
pub(super) enum Reaction {
    /// Go to the result page.
    Done,
    /// An answer was accepted before.
    Again,
    /// Not the answer; the login goes on.
    Refused,
    /// It came to where only the answer can come, and cannot be read; the login goes on.
    Unread,
}

impl Shared {
    pub(super) fn new(host: &str, door: Door, limits: Limits) -> Result<Self, Error> {
        let random = |place: &str| random::secret().map(|text| format!("/{place}/{}", text.expose()));
        Ok(Self {
            limits,
            host: host.to_owned(),
            door,
            callback: match door {
                Door::Known => PATH.to_owned(),
                Door::Secret => random("back")?,
            },
            probe: random("probe")?,
            probed: AtomicBool::new(false),
            result: random("result")?,
            expected: OnceLock::new(),
            answer: Mutex::new(None),
            page: watch::Sender::new(None),
            owed: AtomicBool::new(false),
            delivered: Notify::new(),
            strangers: AtomicUsize::new(0),
            receiver: OnceLock::new(),
        })
    }

    /// The only `Host` that is answered. Any other name means that a web page has pointed its own name at this machine
    /// (DNS rebinding).
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The path to which the browser comes back.
    pub(super) fn callback(&self) -> &str {
        &self.callback
    }

    /// What the browser brought, if it came back to the right path: the query, or all that follows a secret path, because
    /// nobody knows in which form a service appends what it says.
    pub(super) fn brought<'a>(&self, path: &str, query: &'a str, target: &'a str) -> Option<&'a str> {
        match self.door {
            Door::Known => (path == self.callback).then_some(query),
            Door::Secret => target.strip_prefix(self.callback.as_str()),
        }
    }

    pub(super) fn probe_path(&self) -> &str {
        &self.probe
    }

    pub(super) fn result_path(&self) -> &str {
        &self.result
    }

    pub(super) fn see_probe(&self) {
        self.probed.store(true, Ordering::SeqCst);
    }

    /// Whether the probe has arrived since this was last asked.
    pub(super) fn take_probe(&self) -> bool {
        self.probed.swap(false, Ordering::SeqCst)
    }

    pub(super) fn notify(&self, receiver: Receiver) {
        // The first receiver stays.
        let _ = self.receiver.set(receiver);
    }

    pub(super) fn tell(&self, notice: Notice) {
        match self.receiver.get() {
            Some(receiver) => receiver(notice),
            None => log::warn!("the login listener noticed: {notice:?}"),
        }
    }

    /// From now on, callbacks are judged.
    pub(super) fn expect(&self, judge: Judge, answer: oneshot::Sender<Outcome>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        let _ = self.expected.set(judge);
    }

    /// Judges what a callback brought and hands an answer to whoever waits.
    pub(super) fn react(&self, brought: &str) -> Reaction {
        match self.expected.get().map(|judge| judge(brought)) {
            Some(Verdict::Answer(outcome)) => {
                self.owed.store(true, Ordering::SeqCst);
                let sender = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
                // Nobody waits any more if the limit has just passed, and the page says so.
                if sender.is_none_or(|sender| sender.send(outcome).is_err()) {
                    self.publish(Word::Late.html());
                }
                Reaction::Done
            }
            Some(Verdict::Spent) => Reaction::Again,
            Some(Verdict::Foreign) => {
                let count = self.strangers.fetch_add(1, Ordering::SeqCst).saturating_add(1);
                if count == MANY {
                    self.tell(Notice::Strangers { count });
                }
                Reaction::Refused
            }
            Some(Verdict::Malformed) if self.door == Door::Secret => {
                self.tell(Notice::Unread);
                Reaction::Unread
            }
            Some(Verdict::Malformed) | None => Reaction::Refused,
        }
    }

    /// Sets the page, if none is set.
    pub(super) fn publish(&self, html: String) {
        self.page.send_if_modified(|page| {
            let first = page.is_none();
            page.get_or_insert(html);
            first
        });
    }

    /// The page, when the outcome is known, or a page that says that it is not known yet.
    pub(super) async fn page(&self) -> String {
        let mut page = self.page.subscribe();
        let known = tokio::time::timeout(self.limits.page, page.wait_for(Option::is_some)).await;
        match known {
            Ok(Ok(html)) => html.clone().unwrap_or_else(|| Word::Working.html()),
            Ok(Err(_)) | Err(_) => Word::Working.html(),
        }
    }

    /// The browser has a page.
    pub(super) fn deliver(&self) {
        self.owed.store(false, Ordering::SeqCst);
        self.delivered.notify_one();
    }

    /// Ready when the browser has its page, or has not come for it in time.
    pub(super) async fn seen(&self) {
        if self.owed.load(Ordering::SeqCst) {
            let _ = tokio::time::timeout(self.limits.seen, self.delivered.notified()).await;
        }
    }
}
