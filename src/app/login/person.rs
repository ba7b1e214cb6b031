//! The person at a login, as far as somebody sits there: what they are told on the way, and what only they can decide.

use std::future::Future;
use std::pin::Pin;

use crate::oauth;

/// Something that the person should know while the login goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The listener has noticed something.
    Listener(oauth::Notice),
    /// What was pasted is not the answer; it can be tried again.
    Paste(oauth::Unfit),
    /// The code for another device was not entered in time; the other ways are still there.
    CodeExpired,
    /// Nothing more can be pasted: the input has ended.
    PasteEnded,
}

/// Two accounts of one connection (RFC 6749 says nothing of it; the person must): the stored one and the one that has
/// just signed in. The names are foreign text, cut and stripped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// The connection.
    pub connection: String,
    /// The account whose login is stored.
    pub stored: String,
    /// The account that has signed in.
    pub new: String,
}

/// Who sits there.
pub trait Person: Send + Sync {
    /// Tells them something.
    fn tell(&self, news: News);
    /// Whether the login of another account may take the place of the stored one.
    fn confirm<'a>(&'a self, swap: &'a Swap) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>;
}

/// Nobody can be asked: another account is refused.
pub struct Nobody;

impl Person for Nobody {
    fn tell(&self, news: News) {
        log::warn!("during the login: {news:?}");
    }

    fn confirm<'a>(&'a self, _: &'a Swap) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(std::future::ready(false))
    }
}
