//! What a remote server offered last time, kept on disk so that no list ever waits for a network.
//!
//! The file says for which address that is: after the connection was pointed elsewhere it counts as absent. It is a
//! cache: what is no plain file of this user, or too large for an offer, counts as absent, too.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;

use super::plain;
use crate::backends::Memory;

/// The kept offer of one connection.
pub(super) struct Kept {
    path: Option<PathBuf>,
    url: String,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    url: &'a str,
    offer: &'a RawValue,
}

#[derive(Deserialize)]
struct Recalled {
    version: u32,
    url: String,
    /// Older files hold the tools and nothing else.
    #[serde(alias = "tools")]
    offer: Box<RawValue>,
}

const VERSION: u32 = 1;
/// More than four lists may be long.
const LARGEST: u64 = 20 << 20;

/// The folder of all offers.
pub(super) fn folder(state: &Path) -> PathBuf {
    state.join("tools")
}

/// Deletes the offer of a connection.
pub(super) fn forget(state: Option<&Path>, connection: &str) {
    if let Some(state) = state {
        let _ = std::fs::remove_file(folder(state).join(format!("{connection}.json")));
    }
}

impl Kept {
    pub(super) fn new(state: Option<&Path>, connection: &str, url: &Url) -> Self {
        let path = state.map(|folder| self::folder(folder).join(format!("{connection}.json")));
        Self { path, url: url.to_string() }
    }

    /// The offer, if there is one for this address.
    pub(super) fn recall(&self) -> Option<Arc<RawValue>> {
        // A pipe would keep the program waiting, and with it everything else that it does.
        let file = plain::for_reading(self.path.as_ref()?).ok()?;
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text).ok()?;
        let recalled: Recalled = serde_json::from_str(&text).ok()?;
        (recalled.version == VERSION && recalled.url == self.url).then(|| recalled.offer.into())
    }

    fn write(&self, path: &Path, offer: &RawValue) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        super::private_folder(folder)?;
        let mut file = tempfile::Builder::new().prefix(".tools").tempfile_in(folder)?;
        serde_json::to_writer(&mut file, &Written { version: VERSION, url: &self.url, offer })?;
        file.flush()?;
        file.persist(path)?;
        Ok(())
    }
}

impl Memory for Kept {
    fn keep(&self, offer: &RawValue) {
        if let Some(path) = &self.path
            && let Err(error) = self.write(path, offer)
        {
            log::warn!("`{}` could not be written: {}", path.display(), error.kind());
        }
    }
}
