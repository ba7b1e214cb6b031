//! Keys of this installation: random bytes in a file, made on first use, that never leave this machine.

use std::io::{self, Read as _, Write as _};
use std::path::Path;

use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

use super::plain;

const BYTES: usize = 32;

/// A digest of `text` that nobody can make without the key in this file: its first bytes, as hexadecimal digits.
pub(super) fn digest((folder, file): (&Path, &str), text: &str, bytes: usize) -> io::Result<String> {
    let key = key(folder, file)?;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()), text.as_bytes());
    Ok(tag.as_ref().iter().take(bytes).map(|byte| format!("{byte:02x}")).collect())
}

/// The key, made on first use. Whoever is first makes it for all: it is moved into its place whole, and never over
/// another.
fn key(folder: &Path, file: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let path = folder.join(file);
    match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        found => return found,
    }
    super::private_folder(folder)?;
    let mut fresh = Zeroizing::new(vec![0; BYTES]);
    SystemRandom::new().fill(&mut fresh).map_err(|_| io::Error::other("no random numbers"))?;
    let mut new = tempfile::Builder::new().prefix(".key").tempfile_in(folder)?;
    new.write_all(&fresh)?;
    match new.persist_noclobber(&path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => read(&path),
    }
}

fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(Vec::with_capacity(BYTES));
    plain::for_reading(path)?.take(1024).read_to_end(&mut key)?;
    if key.len() == BYTES { Ok(key) } else { Err(io::Error::other("the key is not whole")) }
}
