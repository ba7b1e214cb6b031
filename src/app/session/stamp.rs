//! A small file that changes whenever a connection's grant, or what is kept beside it, does.
//!
//! Reading it costs microseconds where the keychain costs milliseconds. It holds a number, never a secret, and it is a
//! hint: without a state folder, or after somebody deleted it, grants are merely read from the store more often.

use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom as _, SystemRandom};

/// Where the stamp of one connection is.
#[derive(Clone, Debug)]
pub struct Stamp(Option<PathBuf>);

impl Stamp {
    /// The stamp of `connection` below the folder that all programs of the person share.
    pub fn new(shared: Option<&Path>, connection: &str) -> Self {
        Self(shared.map(|folder| folder.join("stamps").join(connection)))
    }

    /// The connections that had a grant when their stamps were written last.
    pub fn names(shared: Option<&Path>) -> Vec<String> {
        let Some(entries) = shared.and_then(|folder| std::fs::read_dir(folder.join("stamps")).ok()) else {
            return Vec::new();
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        // Whoever can write here could name any file: only what a connection can be called counts.
        let names = names.filter(|name| crate::config::is_name(name));
        names.filter(|name| Self::new(shared, name).read().is_some_and(|text| !text.starts_with("0 "))).collect()
    }

    /// What it says now; `None` if nobody has written it.
    pub fn read(&self) -> Option<String> {
        self.0.as_ref().and_then(|path| std::fs::read_to_string(path).ok())
    }

    /// Changes it. `generation` is that of the new grant, any of what is beside it, `None` after a logout.
    pub fn write(&self, generation: Option<u64>) {
        let Some(path) = &self.0 else { return };
        // The random part makes every change a change, also from one logout to the next.
        let mut random = [0; 8];
        let _ = SystemRandom::new().fill(&mut random);
        let text = format!("{} {:016x}", generation.unwrap_or_default(), u64::from_ne_bytes(random));
        let written =
            path.parent().map_or(Ok(()), super::super::private_folder).and_then(|()| std::fs::write(path, text));
        if let Err(error) = written {
            log::warn!("`{}` could not be written: {}", path.display(), error.kind());
            // A stamp that says what it said before would hide the change; without one the store is asked.
            let _ = std::fs::remove_file(path);
        }
    }
}
