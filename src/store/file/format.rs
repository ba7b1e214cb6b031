//! What is in the encrypted file. Pure: bytes in, bytes out.
//!
//! ```text
//! keyward-store/1 argon2id MEMORY PASSES LANES SALT NONCE ⏎
//! JSON object of all items, sealed with ChaCha20-Poly1305 (RFC 8439), the line above being its associated data
//! SHA-256 of everything before
//! ```
//!
//! The key comes from the passphrase by Argon2id (RFC 9106) with the numbers of the line. Names and values are sealed
//! together, so that nobody can move a value to another name, take one out, or read for which services there are any. The
//! digest needs no passphrase: it tells a damaged file from a wrong passphrase, and protects nothing.

use std::collections::BTreeMap;

use argon2::{Algorithm, Argon2, Params, Version};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest;
use zeroize::Zeroizing;

use super::super::{Error, hex};
use crate::secret::Secret;

const FORMAT: &str = "keyward-store/";
const VERSION: &str = "1";
const SALT: usize = 16;
const KEY: usize = 32;
const DIGEST: usize = 32;
// A line of this version has some 110 bytes.
const LONGEST_LINE: usize = 200;

/// All items, by the text of their keys.
pub type Items = BTreeMap<String, Secret>;

/// What one guess of the passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// KiB of memory.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Independent lanes in it.
    pub lanes: u32,
}

impl Cost {
    /// The second recommended option of RFC 9106 §4; the first takes 2 GiB.
    pub const STANDARD: Self = Self { memory: 64 * 1024, passes: 3, lanes: 4 };
    // Whoever can write the file could otherwise make every start take hours or all of the memory.
    const LARGEST: Self = Self { memory: 256 * 1024, passes: 16, lanes: 16 };

    fn params(self) -> Option<Params> {
        let Self { memory, passes, lanes } = Self::LARGEST;
        if self.memory > memory || self.passes > passes || self.lanes > lanes {
            return None;
        }
        Params::new(self.memory, self.passes, self.lanes, Some(KEY)).ok()
    }
}

/// The key that a passphrase gives with one salt at one cost.
pub struct Master {
    salt: [u8; SALT],
    cost: Cost,
    key: Zeroizing<[u8; KEY]>,
}

impl Master {
    /// The key for a new file.
    pub fn fresh(passphrase: &Secret, cost: Cost) -> Result<Self, Error> {
        Self::derive(passphrase, hex::random_bytes()?, cost)
    }

    fn derive(passphrase: &Secret, salt: [u8; SALT], cost: Cost) -> Result<Self, Error> {
        let mut key = Zeroizing::new([0; KEY]);
        let derived = cost.params().is_some_and(|params| {
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon2.hash_password_into(passphrase.expose().as_bytes(), &salt, key.as_mut()).is_ok()
        });
        if !derived {
            return Err(Error::Failed { cause: "the passphrase gives no key".to_owned() });
        }
        Ok(Self { salt, cost, key })
    }

    fn key(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&CHACHA20_POLY1305, self.key.as_ref()).ok().map(LessSafeKey::new)
    }
}

/// Why the bytes are not a file of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Written in a format that is not known yet.
    Newer,
    /// Anything else.
    Damaged,
}

/// A file that is whole, and closed.
pub struct Sealed<'a> {
    line: &'a [u8],
    body: &'a [u8],
    salt: [u8; SALT],
    nonce: [u8; NONCE_LEN],
    cost: Cost,
}

impl<'a> Sealed<'a> {
    /// Reads what needs no passphrase.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let rest = bytes.strip_prefix(FORMAT.as_bytes()).ok_or(Unreadable::Damaged)?;
        // Whatever else a newer format changes, its number stays where it is.
        let digits: String =
            rest.iter().take(20).map(|&byte| char::from(byte)).take_while(char::is_ascii_digit).collect();
        if digits != VERSION {
            let newer = digits.parse::<u64>().is_ok_and(|version| version > 1);
            return Err(if newer { Unreadable::Newer } else { Unreadable::Damaged });
        }
        Self::read_known(bytes).ok_or(Unreadable::Damaged)
    }

    fn read_known(bytes: &'a [u8]) -> Option<Self> {
        let (content, seal) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?)?;
        if digest::digest(&digest::SHA256, content).as_ref() != seal {
            return None;
        }
        let end = content.iter().take(LONGEST_LINE).position(|&byte| byte == b'\n')?;
        let (line, body) = content.split_at_checked(end.checked_add(1)?)?;
        let mut words = std::str::from_utf8(line).ok()?.trim_end_matches('\n').split(' ').skip(1);
        let mut word = || words.next();
        if word()? != "argon2id" {
            return None;
        }
        let cost = Cost { memory: word()?.parse().ok()?, passes: word()?.parse().ok()?, lanes: word()?.parse().ok()? };
        cost.params()?;
        let (salt, nonce) = (hex::bytes(word()?)?, hex::bytes(word()?)?);
        word().is_none().then_some(Self { line, body, salt, nonce, cost })
    }

    /// The key that the passphrase gives for this file, right or wrong.
    pub fn master(&self, passphrase: &Secret) -> Result<Master, Error> {
        Master::derive(passphrase, self.salt, self.cost)
    }

    /// Whether the key was made with the numbers of this file.
    pub fn is_for(&self, master: &Master) -> bool {
        self.salt == master.salt && self.cost == master.cost
    }

    /// What is in it; `None` if the key is wrong.
    pub fn open(&self, master: &Master) -> Option<Items> {
        let mut bytes = Zeroizing::new(self.body.to_vec());
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let plain = master.key()?.open_in_place(nonce, Aad::from(self.line), &mut bytes).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

/// The bytes of a file with these items. Every call has a nonce of its own: 96 random bits, of which a file that is
/// written once a second for a hundred years uses up less than a billionth.
pub fn seal(items: &Items, master: &Master) -> Result<Vec<u8>, Error> {
    let failed = || Error::Failed { cause: "the items cannot be sealed".to_owned() };
    let nonce: [u8; NONCE_LEN] = hex::random_bytes()?;
    let Cost { memory, passes, lanes } = master.cost;
    let (salt, shown) = (hex::text(&master.salt), hex::text(&nonce));
    let line = format!("{FORMAT}{VERSION} argon2id {memory} {passes} {lanes} {salt} {shown}\n");
    let plain: BTreeMap<&str, &str> = items.iter().map(|(name, item)| (name.as_str(), item.expose())).collect();
    let mut body = Zeroizing::new(serde_json::to_vec(&plain).map_err(|_| failed())?);
    let key = master.key().ok_or_else(failed)?;
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(line.as_bytes()), &mut body).map_err(|_| failed())?;
    let mut bytes = [line.as_bytes(), body.as_slice(), tag.as_ref()].concat();
    let seal = digest::digest(&digest::SHA256, &bytes);
    bytes.extend_from_slice(seal.as_ref());
    Ok(bytes)
}
