//! What the log says of a refresh token: enough to see that two lines speak of the same one, and no more.
//!
//! A plain digest would do for that, and would also let anybody who comes by a token later find out whose it was. With
//! a key that never leaves this machine the log alone says nothing.

use std::io;
use std::path::Path;

use crate::app::own_key;

const FILE: &str = "audit.key";
/// So many bytes of the digest are shown: no two tokens of one machine will ever share them by chance.
const SHOWN: usize = 8;

/// The fingerprint of a token, with this machine's key.
pub(super) fn of(state: &Path, token: &str) -> io::Result<String> {
    own_key::digest((state, FILE), token, SHOWN)
}
