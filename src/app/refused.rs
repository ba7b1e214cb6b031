//! A note that the service refuses the access token of one generation, although it has not ended.
//!
//! `serve` sees a 401 itself and renews at once. A program that got a token from us and was refused with it can only say
//! so; the note makes whoever asks next renew. It holds a number, never a secret, and a newer generation outdates it.

use std::path::{Path, PathBuf};

/// Where the note of one connection is.
#[derive(Clone, Debug)]
pub struct Refused(Option<PathBuf>);

impl Refused {
    /// The note of `connection` below the folder that all programs of the person share.
    pub fn new(shared: Option<&Path>, connection: &str) -> Self {
        Self(shared.map(|folder| folder.join("refused").join(connection)))
    }

    /// The generation that is refused; `None` if there is no such note.
    pub fn generation(&self) -> Option<u64> {
        std::fs::read_to_string(self.0.as_ref()?).ok()?.trim().parse().ok()
    }

    /// Notes that this generation is refused.
    pub fn note(&self, generation: u64) {
        let Some(path) = &self.0 else { return };
        let written = path
            .parent()
            .map_or(Ok(()), super::private_folder)
            .and_then(|()| std::fs::write(path, generation.to_string()));
        if let Err(error) = written {
            log::warn!("`{}` could not be written: {}", path.display(), error.kind());
        }
    }

    /// Takes the note away.
    pub fn forget(&self) {
        if let Some(path) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}
