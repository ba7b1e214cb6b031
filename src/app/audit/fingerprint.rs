//! What the log says of a refresh token: enough to see that two lines speak of the same one, and no more.
//!
//! A plain digest would do for that, and would also let anybody who comes by a token later find out whose it was. With
//! a key that never leaves this machine the log alone says nothing.

use std::io::{self, Read as _, Write as _};
use std::path::Path;

use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

use crate::app::plain;

const FILE: &str = "audit.key";
const BYTES: usize = 32;
/// So many bytes of the digest are shown: no two tokens of one machine will ever share them by chance.
const SHOWN: usize = 8;

/// The fingerprint of a token, with this machine's key.
pub(super) fn of(state: &Path, token: &str) -> io::Result<String> {
    let key = key(state)?;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()), token.as_bytes());
    Ok(tag.as_ref().iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect())
}

/// The key, made on first use. Whoever is first makes it for all: it is moved into its place whole, and never over
/// another.
fn key(state: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let path = state.join(FILE);
    match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    super::super::private_folder(state)?;
    let mut fresh = Zeroizing::new(vec![0; BYTES]);
    SystemRandom::new().fill(&mut fresh).map_err(|_| io::Error::other("no random numbers"))?;
    let mut file = tempfile::Builder::new().prefix(".audit").tempfile_in(state)?;
    file.write_all(&fresh)?;
    match file.persist_noclobber(&path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => read(&path),
    }
}

fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(Vec::with_capacity(BYTES));
    plain::for_reading(path)?.take(1024).read_to_end(&mut key)?;
    if key.len() == BYTES { Ok(key) } else { Err(io::Error::other("the key is not whole")) }
}
