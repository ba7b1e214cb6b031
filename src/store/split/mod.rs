//! A secret of any size in items of a limited one, so that a reader sees an old secret or a new one and never half.
//!
//! A secret that fits is one item. A larger one is a set of parts under a fresh random name, and the item that the key
//! names, the head, says which set counts and what it looks like when it is whole. Saving writes the parts, then the
//! head, which is the switch, and then removes the parts of the old head. A reader that loses its parts to a writer reads
//! the new head and starts over.
//!
//! Keychains have no transactions. A writer that dies between parts and head would leave parts that nobody can find,
//! so each set is noted in a list before it is begun. Another writer removes a noted set once the head has changed
//! twice since; by then its writer either is gone or gives up by itself, so nobody loses parts that may still count.
//!
//! An item that is no head (damaged, or another program's) is set aside under the name of [`Key::damaged`] when a save
//! replaces it.
//!
//! Callers that replace one key's secret hold that key's lock. Without it no secret is torn or lost all the same, but
//! writers can overwrite each other's notes and so leave a dead set of parts behind.

use zeroize::Zeroizing;

use super::items::Items;
use super::{Error, Key, hex};
use crate::secret::Secret;

mod head;
#[cfg(test)]
mod tests;

use head::{Begun, Head, Place, Seal, Set, Unreadable};

/// Parts of one secret, at most.
pub const PARTS: usize = 64;
/// A head without a secret has some 150 bytes; no item may be limited to less.
pub const SMALLEST: usize = 256;

// A reader or writer starts over only if somebody else finished a save meanwhile.
const READS: usize = 16;
const WRITES: usize = 8;

/// One key's secret in a keychain whose items are limited.
pub struct Split<'a, I> {
    items: &'a mut I,
    key: &'a Key,
    limit: usize,
}

impl<'a, I: Items> Split<'a, I> {
    /// `limit` is the largest item in bytes.
    pub fn new(items: &'a mut I, key: &'a Key, limit: usize) -> Self {
        Self { items, key, limit: limit.max(SMALLEST) }
    }

    /// The secret; `None` if there is none.
    pub fn load(&mut self) -> Result<Option<Secret>, Error> {
        let mut before: Option<Head> = None;
        for _ in 0..READS {
            let Some(head) = self.head()? else { return Ok(None) };
            if before.is_some_and(|before| before.is(&head)) {
                break;
            }
            if let Some(secret) = self.whole(&head)? {
                return Ok(Some(secret));
            }
            before = Some(head);
        }
        Err(self.damaged())
    }

    /// Replaces the secret, or leaves the old one.
    pub fn save(&mut self, secret: &Secret) -> Result<(), Error> {
        let size = secret.expose().len();
        // A part ends where a character ends, so it may stay three bytes below the limit.
        let limit = self.limit.saturating_sub(3).saturating_mul(PARTS);
        if size > limit {
            return Err(Error::TooLarge { size, limit });
        }
        for _ in 0..WRITES {
            if self.try_to_save(secret)? {
                return Ok(());
            }
        }
        Err(Error::Failed { cause: "other programs kept replacing the item".to_owned() })
    }

    /// Removes the secret with everything that belongs to it; whether there was one.
    pub fn delete(&mut self) -> Result<bool, Error> {
        let head = self.replaceable_head()?;
        let existed = self.items.delete(self.key.as_str())?;
        for set in head.iter().filter_map(Head::set) {
            self.remove(set)?;
        }
        for begun in self.begun()? {
            self.remove(&begun.set)?;
        }
        self.note(&[])?;
        Ok(existed)
    }

    // False if others overtook this save, which then changed nothing.
    fn try_to_save(&mut self, secret: &Secret) -> Result<bool, Error> {
        let since = match self.head() {
            Err(Error::Damaged { .. }) => {
                // Best effort: a damaged item must not keep the person from logging in.
                let _ = self.set_aside();
                0
            }
            head => generation(head?.as_ref()),
        };
        let mut new =
            Head { generation: since.saturating_add(1), seal: Seal::of(secret), place: Place::Here(secret.clone()) };
        if new.write().len() > self.limit {
            new.place = Place::Parts(self.write_parts(since, secret)?);
        }
        let old = self.replaceable_head()?;
        let now = generation(old.as_ref());
        if now < since || now > since.saturating_add(1) {
            self.clean_up(now, new.set())?;
            return Ok(false);
        }
        new.generation = now.saturating_add(1);
        self.items.set(self.key.as_str(), &new.write())?;
        self.confirm(&new, old.as_ref())
    }

    fn write_parts(&mut self, since: u64, secret: &Secret) -> Result<Set, Error> {
        let pieces = pieces(secret.expose(), self.limit);
        let set = Set { id: hex::random()?, parts: pieces.len() };
        let mut begun = self.begun()?;
        begun.push(Begun { since, set: set.clone() });
        self.note(&begun)?;
        for (number, piece) in pieces.iter().enumerate() {
            self.items.set(&self.part(&set, number), piece)?;
        }
        Ok(set)
    }

    // Reads back: what a keychain took is not always what it keeps. Another writer's newer secret is as good as ours.
    fn confirm(&mut self, new: &Head, old: Option<&Head>) -> Result<bool, Error> {
        let found = self.head()?.filter(|found| found.generation >= new.generation).ok_or_else(forgetful)?;
        if found.is(new) && self.whole(new)?.is_none() {
            return Ok(false);
        }
        // The secret is safe whatever comes of this; what stays behind is in the list, and a later save removes it.
        let _ = self.clean_up(found.generation, old.and_then(Head::set));
        Ok(true)
    }

    // Removes the set that this writer knows to be dead, and the noted ones that cannot count any more. The live set
    // stays noted: if its successor dies right after the switch, its parts can still be found.
    fn clean_up(&mut self, now: u64, dead: Option<&Set>) -> Result<(), Error> {
        if let Some(set) = dead {
            self.remove(set)?;
        }
        let mut list = self.begun()?;
        let before = list.len();
        list.retain(|begun| Some(&begun.set) != dead);
        if list.is_empty() {
            return if before == 0 { Ok(()) } else { self.note(&list) };
        }
        let live = self.head()?;
        let counts = |begun: &Begun| {
            live.as_ref().and_then(Head::set) == Some(&begun.set) || begun.since.saturating_add(2) > now
        };
        for begun in list.iter().filter(|begun| !counts(begun)) {
            self.remove(&begun.set)?;
        }
        list.retain(counts);
        if list.len() == before { Ok(()) } else { self.note(&list) }
    }

    fn whole(&mut self, head: &Head) -> Result<Option<Secret>, Error> {
        let set = match &head.place {
            Place::Here(secret) => return Ok(Some(secret.clone())),
            Place::Parts(set) => set,
        };
        let mut bytes = Zeroizing::new(Vec::new());
        for number in 0..set.parts {
            match self.items.get(&self.part(set, number))? {
                Some(part) => bytes.extend_from_slice(&part),
                None => return Ok(None),
            }
        }
        Ok(head.seal.open(bytes))
    }

    fn head(&mut self) -> Result<Option<Head>, Error> {
        let Some(bytes) = self.items.get(self.key.as_str())? else { return Ok(None) };
        Head::read(&bytes).map(Some).map_err(|why| match why {
            Unreadable::Newer => Error::Newer { key: self.key.clone() },
            Unreadable::Damaged => self.damaged(),
        })
    }

    fn replaceable_head(&mut self) -> Result<Option<Head>, Error> {
        match self.head() {
            Err(Error::Damaged { .. }) => Ok(None),
            other => other,
        }
    }

    // Keeps what the item holds under another name, so that whoever looks into the damage has something to look at. One
    // for each key, and none of one that was set aside itself: nothing piles up.
    fn set_aside(&mut self) -> Result<(), Error> {
        let aside = self.key.damaged();
        if *self.key == aside {
            return Ok(());
        }
        let Some(bytes) = self.items.get(self.key.as_str())? else { return Ok(()) };
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => Zeroizing::new(text.to_owned()),
            Err(_) => Zeroizing::new(format!("hex {}", hex::text(&bytes))),
        };
        Split::new(&mut *self.items, &aside, self.limit).save(&Secret::new(text.as_str()))
    }

    fn remove(&mut self, set: &Set) -> Result<(), Error> {
        for number in 0..set.parts {
            self.items.delete(&self.part(set, number))?;
        }
        Ok(())
    }

    fn begun(&mut self) -> Result<Vec<Begun>, Error> {
        Ok(self.items.get(&self.list())?.map(|bytes| Begun::read_all(&bytes)).unwrap_or_default())
    }

    fn note(&mut self, begun: &[Begun]) -> Result<(), Error> {
        if begun.is_empty() {
            return self.items.delete(&self.list()).map(|_| ());
        }
        self.items.set(&self.list(), &Begun::write_all(begun))
    }

    // Keys begin with `grant` or `client`, so neither name can be a key.
    fn part(&self, set: &Set, number: usize) -> String {
        format!("part {number} {} of {}", set.id, self.key)
    }

    fn list(&self) -> String {
        format!("begun of {}", self.key)
    }

    fn damaged(&self) -> Error {
        Error::Damaged { key: self.key.clone() }
    }
}

/// Writes a small item of its own, reads it back and removes it, also if something went wrong.
pub fn prove(items: &mut impl Items) -> Result<(), Error> {
    let (name, content) = (format!("probe {}", hex::random()?), hex::random()?);
    let found = items.set(&name, &content).and_then(|()| items.get(&name));
    let removed = items.delete(&name);
    if found?.is_none_or(|found| *found != content.as_bytes()) || !removed? {
        return Err(forgetful());
    }
    Ok(())
}

fn forgetful() -> Error {
    Error::Failed { cause: "it does not keep what is stored".to_owned() }
}

fn generation(head: Option<&Head>) -> u64 {
    head.map_or(0, |head| head.generation)
}

fn pieces(mut text: &str, limit: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    while text.len() > limit {
        let end = (0..=limit).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(limit);
        let Some((piece, rest)) = text.split_at_checked(end) else { break };
        pieces.push(piece);
        text = rest;
    }
    pieces.push(text);
    pieces
}
