//! Who hears what happens outside every request: the legacy client, by what it was told in its handshake.

use super::dispatch::Handshake;
use super::news::{NewsSender, Told};
use super::writer::{Part, Parts};

/// What tells that a list has changed: of tools, prompts and resources.
const LISTS: [&str; 3] =
    ["notifications/tools/list_changed", "notifications/prompts/list_changed", "notifications/resources/list_changed"];

/// Everybody who listens.
pub(super) struct Audience {
    pub(super) news: NewsSender,
}

impl Audience {
    /// The lines for everybody who wants to hear what was told.
    pub(super) fn lines(&self, handshake: &Handshake) -> Vec<Parts> {
        let Told { changed, logs, .. } = self.news.take();
        let mut lines = Vec::new();
        for ((is_changed, is_declared), method) in changed.into_iter().zip(handshake.changes).zip(LISTS) {
            if is_changed && is_declared {
                lines.push(vec![Part::Text(format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{method}\"}}"))]);
            }
        }
        lines.extend(logs.into_iter().map(|log| vec![Part::Text(log)]));
        lines
    }
}
