//! A lock between processes, one for each name: who holds it may spend a refresh token.
//!
//! The lock belongs to the operating system and is gone with the process that held it, however that ended. It is taken
//! on an empty file of its own that is never deleted. Network file systems do not honour it.

use std::fmt::Write as _;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::hex;

mod folder;
#[cfg(test)]
mod tests;

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Why there is no lock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Somebody else holds it.
    #[error("another process holds the lock, waited {} s", waited.as_secs())]
    Busy {
        /// How long this call waited.
        waited: Duration,
    },
    /// The place is not safe: whoever can write there can take locks or redirect them.
    #[error("`{}` cannot be trusted with locks: it {why}", path.display())]
    Folder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What is wrong, as the rest of a sentence about the place.
        why: &'static str,
    },
    /// The system refused.
    #[error("no lock at `{}`: {kind}", path.display())]
    Io {
        /// The folder, or the file in it.
        path: PathBuf,
        /// The system's reason.
        kind: io::ErrorKind,
    },
}

impl Error {
    fn io(path: &Path, error: &io::Error) -> Self {
        Self::Io { path: path.to_owned(), kind: error.kind() }
    }
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct Guard(File);

impl Drop for Guard {
    fn drop(&mut self) {
        // Closing alone would not do: a program that is just being started still holds a copy of the handle.
        let _ = self.0.unlock();
    }
}

/// Waits for the lock of this name for at most `wait`. The folder is made if need be, mode 0700.
pub async fn acquire(folder: &Path, name: &str, wait: Duration) -> Result<Guard, Error> {
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(guard) = try_acquire(folder, name)? {
            return Ok(guard);
        }
        let waited = started.elapsed();
        if waited >= wait {
            return Err(Error::Busy { waited });
        }
        sleep(pause.min(wait.saturating_sub(waited))).await;
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
}

/// The lock, if nobody holds it. Another task of this process counts as somebody.
pub fn try_acquire(folder: &Path, name: &str) -> Result<Option<Guard>, Error> {
    folder::ensure(folder)?;
    let path = folder.join(file_name(name));
    let file = folder::open(&path)?;
    match file.try_lock() {
        // A file that was removed meanwhile excludes nobody: the next process makes and locks a new one.
        Ok(()) => Ok(folder::is_still(&path, &file)?.then_some(Guard(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(Error::io(&path, &error)),
    }
}

const LONGEST_NAME: usize = 120;
// Windows gives these names to devices, whatever the extension.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

// Two names never share a file, also where the file system ignores case: capitals are written as numbers.
fn file_name(name: &str) -> String {
    let device = name.get(..3).is_some_and(|start| DEVICES.contains(&start)) && name.len() <= 4;
    let mut text = String::new();
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' if !(device && index == 0) => text.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(text, "%{byte:02X}")),
        }
    }
    if text.is_empty() || text.len() > LONGEST_NAME {
        // Nothing above ends in a lone `%`.
        text = format!("{}%", hex::digest(name.as_bytes()));
    }
    format!("{text}.lock")
}
