//! What happens outside every request: lists and resources that changed, and log messages. It waits here, each thing
//! once and all of it bounded, until the loop has time for it; whoever tells it never waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::log::{self, Threshold};
use super::{Kind, Level};

/// The most bytes of log messages that wait.
const MOST_LOGS: usize = 1 << 20;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum News {
    /// What a list of this kind holds is no longer what it was.
    Changed(Kind),
    /// What is at this address is no longer what it was.
    Updated(String),
    /// Something to say outside a call or reading.
    Log {
        /// How much it matters.
        level: Level,
        /// Who says it.
        logger: Option<String>,
        /// What: any JSON.
        data: Box<RawValue>,
    },
}

/// Tells the client what happens outside its requests. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct NewsSender(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    /// From which level on log messages are wanted.
    level: Threshold,
}

#[derive(Debug, Default)]
struct Waiting {
    told: Told,
    log_bytes: usize,
    /// The addresses somebody wants to hear of, and whether they wait in `told`.
    wanted: HashMap<Arc<str>, bool>,
}

/// What has not been sent yet.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Lists: of tools, prompts and resources.
    pub(super) changed: [bool; 3],
    /// Addresses, each once.
    pub(super) updated: Vec<Arc<str>>,
    /// Log messages: whole notifications.
    pub(super) logs: Vec<String>,
}

impl NewsSender {
    /// Tells it to whoever wants to hear it. Never waits: the same once more is not told twice while the first waits,
    /// and log messages for which a slow host leaves no room are dropped.
    pub fn tell(&self, news: News) {
        let mut waiting = self.waiting();
        match news {
            News::Changed(kind) => {
                if let Some(changed) = waiting.told.changed.get_mut(list(kind)) {
                    *changed = true;
                }
            }
            News::Updated(uri) => {
                let Waiting { told, wanted, .. } = &mut *waiting;
                let Some((uri, _)) = wanted.get_key_value(uri.as_str()) else { return };
                let uri = Arc::clone(uri);
                match wanted.insert(Arc::clone(&uri), true) {
                    Some(true) => return,
                    _ => told.updated.push(uri),
                }
            }
            News::Log { level, logger, data } => {
                let is_wanted = self.0.level.level().is_some_and(|from| level >= from);
                let text = is_wanted.then(|| log::message(level, logger.as_deref(), &data)).flatten();
                let Some(text) = text.filter(|text| text.len() <= MOST_LOGS.saturating_sub(waiting.log_bytes)) else {
                    return;
                };
                waiting.log_bytes = waiting.log_bytes.saturating_add(text.len());
                waiting.told.logs.push(text);
            }
        }
        drop(waiting);
        self.0.arrived.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something was told.
    pub(super) async fn arrived(&self) {
        self.0.arrived.notified().await;
    }

    /// What was told since.
    pub(super) fn take(&self) -> Told {
        let mut waiting = self.waiting();
        waiting.log_bytes = 0;
        let told = std::mem::take(&mut waiting.told);
        for uri in &told.updated {
            if let Some(waits) = waiting.wanted.get_mut(uri) {
                *waits = false;
            }
        }
        told
    }

    /// From now on somebody wants to hear of this address. Others are forgotten when they are told.
    pub(super) fn want(&self, uri: Arc<str>) {
        self.waiting().wanted.entry(uri).or_default();
    }

    /// Nobody does any more.
    pub(super) fn forget(&self, uri: &str) {
        let mut waiting = self.waiting();
        if waiting.wanted.remove(uri) == Some(true) {
            waiting.told.updated.retain(|told| **told != *uri);
        }
    }

    /// The level from which on the legacy client wants log messages.
    pub(super) fn level(&self) -> &Threshold {
        &self.0.level
    }
}

/// The list that this kind is in.
pub(super) const fn list(kind: Kind) -> usize {
    match kind {
        Kind::Tools => 0,
        Kind::Prompts => 1,
        Kind::Resources | Kind::Templates => 2,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::to_raw_value;

    use super::*;

    #[test]
    fn log_messages_wait_up_to_a_bound_and_then_anew() {
        let news = NewsSender::default();
        let log = || {
            let data = to_raw_value(&"x".repeat(60_000)).expect("JSON");
            news.tell(News::Log { level: Level::Error, logger: None, data });
        };
        log();
        assert!(news.take().logs.is_empty(), "nobody wants any");
        news.level().set(Some(Level::Error));
        for _ in 0..2 {
            (0..100).for_each(|_| log());
            let bytes: usize = news.take().logs.iter().map(String::len).sum();
            assert!((900_000..=MOST_LOGS).contains(&bytes), "{bytes}");
        }
    }

    #[test]
    fn an_address_that_nobody_watches_is_not_kept() {
        let news = NewsSender::default();
        let updated = || news.take().updated;
        news.tell(News::Updated("a".into()));
        assert!(updated().is_empty());
        news.want("a".into());
        for _ in 0..2 {
            (0..3).for_each(|_| news.tell(News::Updated("a".into())));
            assert_eq!(updated(), ["a".into()]);
        }
        news.tell(News::Updated("a".into()));
        news.forget("a");
        news.tell(News::Updated("a".into()));
        assert!(updated().is_empty());
    }
}
