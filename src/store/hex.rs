//! Digests and random names as text that every keychain takes.

use std::fmt::Write as _;

use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};

use super::Error;

/// The SHA-256 digest, in 64 lower-case digits.
pub fn digest(bytes: &[u8]) -> String {
    text(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// 128 random bits, in 32 lower-case digits.
pub fn random() -> Result<String, Error> {
    random_bytes::<16>().map(|bytes| text(&bytes))
}

/// Random bytes.
pub fn random_bytes<const LENGTH: usize>() -> Result<[u8; LENGTH], Error> {
    let mut bytes = [0; LENGTH];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(Error::Failed { cause: "the system has no random numbers".to_owned() }),
    }
}

/// The bytes behind lower-case digits; `None` if they are anything else.
pub fn bytes<const LENGTH: usize>(digits: &str) -> Option<[u8; LENGTH]> {
    if digits.len() != LENGTH.checked_mul(2)? || digits.bytes().any(|digit| !matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    {
        return None;
    }
    let mut bytes = [0; LENGTH];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// The bytes as lower-case digits.
pub fn text(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
