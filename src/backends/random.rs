//! Text that nobody guesses, where it is no secret: names of drafts, boundaries.

use ring::rand::{SecureRandom as _, SystemRandom};

/// 128 bits of the system's random source in hexadecimal digits; `None` if it gives none.
pub(super) fn text() -> Option<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(format!("{:032x}", u128::from_be_bytes(bytes)))
}
