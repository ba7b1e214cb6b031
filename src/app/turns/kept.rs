//! The file with the turns of one connection at one address: small, of this user alone, replaced whole.
//!
//! The caller holds a lock over reading and writing. What is in the file is a matter of minutes or hours, so nothing is
//! forced to the disk: after a power failure it may be empty, and then it counts as absent.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::count::Counts;
use crate::app::{plain, private_folder};

const VERSION: u32 = 1;
/// Many times more than the turns of ten minutes need.
const LARGEST: u64 = 1 << 17;

/// Where the turns are kept.
pub(super) struct Kept {
    folder: PathBuf,
    path: PathBuf,
    url: String,
}

#[derive(Serialize, Deserialize)]
struct Text<C> {
    version: u32,
    url: String,
    rates: C,
}

impl Kept {
    /// The file of this name below the folder that all programs of the person share; touches nothing.
    pub(super) fn new(shared: &Path, name: &str, url: &str) -> Self {
        let folder = shared.join("turns");
        Self { path: folder.join(format!("{name}.json")), folder, url: url.to_owned() }
    }

    /// What is in the file; nothing if there is none. An error if it is not what a program would have written that
    /// handed out no turn after `latest`.
    pub(super) fn read(&self, latest: u64) -> io::Result<Counts> {
        let mut text = String::new();
        match plain::for_reading(&self.path).and_then(|file| file.take(LARGEST).read_to_string(&mut text)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Counts::default()),
            outcome => outcome?,
        };
        let kept: Text<Counts> = serde_json::from_str(&text)?;
        let is_ours = kept.version == VERSION && kept.url == self.url && kept.rates.is_plausible(latest);
        if is_ours { Ok(kept.rates) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    /// Replaces what is in the file.
    pub(super) fn write(&self, counts: &Counts) -> io::Result<()> {
        let text = serde_json::to_vec(&Text { version: VERSION, url: self.url.clone(), rates: counts })?;
        private_folder(&self.folder)?;
        let fresh = self.path.with_extension("new");
        // What a killed process has left. Opening it anew instead could follow a link that somebody planted.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&fresh)?;
        let written = file.write_all(&text).and_then(|()| fs::rename(&fresh, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        written
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
