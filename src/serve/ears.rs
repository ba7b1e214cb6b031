//! What the servers behind connections tell without being asked, on its way to the host.

use std::sync::{Arc, OnceLock};

use crate::backends::{Listener, passage};
use crate::mcp::{Kind, Level, News, NewsSender};

/// Hands news on as soon as there is a host. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Ears(Arc<OnceLock<NewsSender>>);

impl Ears {
    /// From now on there is one.
    pub(super) fn open(&self, host: NewsSender) {
        // There is one host per process; a second one would be a mistake of the caller, and hears nothing.
        let _ = self.0.set(host);
    }

    /// What this kind of list holds has changed.
    pub(super) fn changed(&self, kind: Kind) {
        self.tell(News::Changed(kind));
    }

    /// What a connection's server is listened to with.
    pub(super) fn of(&self, connection: &str) -> Listener {
        let (ears, connection) = (self.clone(), connection.to_owned());
        Listener::to(move |news| match news {
            passage::News::Tools => ears.changed(Kind::Tools),
            passage::News::Prompts => ears.changed(Kind::Prompts),
            passage::News::Resources => ears.changed(Kind::Resources),
            passage::News::Updated(uri) => ears.tell(News::Updated(uri)),
            passage::News::Logged(entry) => {
                if let Some(level) = Level::of(&entry.level) {
                    let logger = Some(logger(&connection, entry.logger.as_deref()));
                    ears.tell(News::Log { level, logger, data: entry.data });
                }
            }
        })
    }

    fn tell(&self, news: News) {
        if let Some(host) = self.0.get() {
            host.tell(news);
        }
    }
}

/// Who logs: a part of the service behind a connection.
pub(super) fn logger(connection: &str, part: Option<&str>) -> String {
    part.map_or_else(|| connection.to_owned(), |part| format!("{connection}/{part}"))
}
