//! Text that nobody guesses, where it is no secret: names of drafts, boundaries.

use ring::rand::{SecureRandom as _, SystemRandom};

/// 128 bits of the system's random source in hexadecimal digits; `None` if it gives none.
pub(super) fn text() -> Option<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// The first of a row of ids that hardly anybody else counts through at the same time; 1 if the system's random source gives none.
/// Below 2^30: peers exist that keep an id in 32 bits, some of them with a sign, and there is room to count.
pub(super) fn first_id() -> u64 {
    let mut bytes = [0; 8];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes) >> 34,
        Err(_) => 1,
    }
}
