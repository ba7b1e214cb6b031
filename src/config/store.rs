//! Which store keeps a login: what can be written, and who has the last word.

use super::{Config, Connection, Error, Source, listed};
use crate::machine::Environment;

/// A kind of store that a login can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The operating system's keychain.
    Keychain,
    /// An encrypted file with a passphrase.
    File,
}

/// The variable that has the last word.
pub const VARIABLE: &str = "KEYWARD_STORE";

impl Kind {
    /// Every kind, the default first.
    pub const ALL: [Self; 2] = [Self::Keychain, Self::File];

    /// The word for it in the configuration and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::File => "file",
        }
    }

    /// What a person calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::File => "encrypted file",
        }
    }

    /// The kind with that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What a value may be.
    pub fn expected() -> String {
        format!("one of {}", listed(Self::ALL.iter().map(|kind| kind.word())))
    }
}

/// The store of connections that say nothing themselves, and who said so.
pub(super) fn default(written: Option<Kind>, environment: &Environment) -> Result<(Kind, Source), Error> {
    if let Some(word) = environment.text(VARIABLE) {
        let wrong = || Error::Value { key: VARIABLE.to_owned(), expected: Kind::expected() };
        return Ok((Kind::of_word(word).ok_or_else(wrong)?, Source::Environment));
    }
    Ok(written.map_or((Kind::Keychain, Source::Preset), |kind| (kind, Source::File)))
}

impl Config {
    /// Where the login of this connection is kept, and who said so: the environment, then the connection's own entry, which
    /// its login wrote, then what holds for all.
    pub fn store_of(&self, connection: &Connection) -> (Kind, Source) {
        match (self.store, connection.store) {
            ((_, Source::Environment), _) | (_, None) => self.store,
            (_, Some(kind)) => (kind, Source::File),
        }
    }
}
