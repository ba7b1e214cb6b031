//! The text of the item that a key names: the secret itself, or where its parts are.
//!
//! ```text
//! keyward/1 whole GENERATION SIZE SHA256 ⏎ SECRET
//! keyward/1 split GENERATION SIZE SHA256 SET PARTS ⏎
//! ```

use zeroize::Zeroizing;

use super::{PARTS, hex};
use crate::secret::Secret;

const FORMAT: &str = "keyward/";
const VERSION: &str = "1";

/// What one head says.
#[derive(Clone, Debug)]
pub struct Head {
    /// How often the secret was replaced. Two writers that did not know of each other may have the same.
    pub generation: u64,
    /// What the secret looks like when it is whole.
    pub seal: Seal,
    /// Where it is.
    pub place: Place,
}

/// Size and digest of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    size: usize,
    digest: String,
}

/// Where the secret is.
#[derive(Clone, Debug)]
pub enum Place {
    /// In the head itself.
    Here(Secret),
    /// In a set of items of its own.
    Parts(Set),
}

/// The items of one split secret; written once, never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Random.
    pub id: String,
    /// How many items.
    pub parts: usize,
}

/// Why a head cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Written in a format that is not known yet.
    Newer,
    /// Anything else.
    Damaged,
}

impl Seal {
    pub fn of(secret: &Secret) -> Self {
        Self { size: secret.expose().len(), digest: hex::digest(secret.expose().as_bytes()) }
    }

    /// The bytes as the secret that was sealed; `None` if they are anything else.
    pub fn open(&self, bytes: Zeroizing<Vec<u8>>) -> Option<Secret> {
        let secret = Secret::new(std::str::from_utf8(&bytes).ok()?);
        (Self::of(&secret) == *self).then_some(secret)
    }
}

impl Set {
    fn read(id: Option<&str>, parts: Option<&str>) -> Option<Self> {
        let id = id.filter(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        // The count bounds how many items are read and deleted, and the keychain is not proof against other programs.
        let parts = parts?.parse().ok().filter(|parts| (1..=PARTS).contains(parts))?;
        Some(Self { id: id.to_owned(), parts })
    }
}

impl Head {
    /// The set of parts, if the secret is split.
    pub fn set(&self) -> Option<&Set> {
        match &self.place {
            Place::Here(_) => None,
            Place::Parts(set) => Some(set),
        }
    }

    /// Whether both were written by the same save.
    pub fn is(&self, other: &Self) -> bool {
        self.generation == other.generation && self.seal == other.seal && self.set() == other.set()
    }

    pub fn write(&self) -> Zeroizing<String> {
        let Seal { size, digest } = &self.seal;
        let generation = self.generation;
        Zeroizing::new(match &self.place {
            Place::Here(secret) => {
                format!("{FORMAT}{VERSION} whole {generation} {size} {digest}\n{}", secret.expose())
            }
            Place::Parts(Set { id, parts }) => {
                format!("{FORMAT}{VERSION} split {generation} {size} {digest} {id} {parts}\n")
            }
        })
    }

    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let rest = bytes.strip_prefix(FORMAT.as_bytes()).ok_or(Unreadable::Damaged)?;
        // Whatever else a newer format changes, its number stays where it is.
        let digits: String = rest.iter().map(|&byte| char::from(byte)).take_while(char::is_ascii_digit).collect();
        if digits != VERSION {
            let newer = digits.parse::<u64>().is_ok_and(|version| version > 1);
            return Err(if newer { Unreadable::Newer } else { Unreadable::Damaged });
        }
        Self::read_known(bytes).ok_or(Unreadable::Damaged)
    }

    fn read_known(bytes: &[u8]) -> Option<Self> {
        let (line, rest) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
        let mut words = line.split(' ').skip(1);
        Self::read_words(&mut words, rest).filter(|_| words.next().is_none())
    }

    fn read_words<'a>(words: &mut impl Iterator<Item = &'a str>, rest: &str) -> Option<Self> {
        let kind = words.next()?;
        let generation = words.next()?.parse().ok()?;
        let seal = Seal { size: words.next()?.parse().ok()?, digest: words.next()?.to_owned() };
        let place = match kind {
            "whole" => Place::Here(seal.open(Zeroizing::new(rest.as_bytes().to_vec()))?),
            "split" if rest.is_empty() => Place::Parts(Set::read(words.next(), words.next())?),
            _ => return None,
        };
        Some(Self { generation, seal, place })
    }
}

/// A set that a writer has begun and that no head names yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The generation that the writer found.
    pub since: u64,
    /// What it writes.
    pub set: Set,
}

impl Begun {
    /// One line for each.
    pub fn write_all(list: &[Self]) -> String {
        list.iter().map(|Self { since, set }| format!("{since} {} {}\n", set.id, set.parts)).collect()
    }

    /// Lines that make no sense are left out: the list only serves to clean up.
    pub fn read_all(bytes: &[u8]) -> Vec<Self> {
        let read = |line: &str| {
            let mut words = line.split(' ');
            let since = words.next()?.parse().ok()?;
            Some(Self { since, set: Set::read(words.next(), words.next())? })
        };
        std::str::from_utf8(bytes).map(|text| text.lines().filter_map(read).collect()).unwrap_or_default()
    }
}
