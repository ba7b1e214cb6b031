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
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::Failed { cause: "the system has no random numbers".to_owned() })?;
    Ok(text(&bytes))
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
