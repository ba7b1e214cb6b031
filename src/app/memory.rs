//! What a remote server listed last time, kept on disk so that `tools/list` never waits for a network.
//!
//! The file says for which address the list is: after the connection was pointed elsewhere it counts as absent. It is a
//! cache: what is no plain file of this user, or too large for a list, counts as absent, too.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;

use super::plain;
use crate::backends::Memory;

/// The kept list of one connection.
pub(super) struct ToolList {
    path: Option<PathBuf>,
    url: String,
}

#[derive(Serialize)]
struct Kept<'a> {
    version: u32,
    url: &'a str,
    tools: &'a RawValue,
}

#[derive(Deserialize)]
struct Recalled {
    version: u32,
    url: String,
    tools: Box<RawValue>,
}

const VERSION: u32 = 1;
/// More than a list may be long.
const LARGEST: u64 = 8 << 20;

/// The folder of all lists.
pub(super) fn folder(state: &Path) -> PathBuf {
    state.join("tools")
}

/// Deletes the list of a connection.
pub(super) fn forget(state: Option<&Path>, connection: &str) {
    if let Some(state) = state {
        let _ = std::fs::remove_file(folder(state).join(format!("{connection}.json")));
    }
}

impl ToolList {
    pub(super) fn new(state: Option<&Path>, connection: &str, url: &Url) -> Self {
        let path = state.map(|folder| self::folder(folder).join(format!("{connection}.json")));
        Self { path, url: url.to_string() }
    }

    /// The list, if there is one for this address.
    pub(super) fn recall(&self) -> Option<Arc<RawValue>> {
        // A pipe would keep the program waiting, and with it everything else that it does.
        let file = plain::for_reading(self.path.as_ref()?).ok()?;
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text).ok()?;
        let recalled: Recalled = serde_json::from_str(&text).ok()?;
        (recalled.version == VERSION && recalled.url == self.url).then(|| recalled.tools.into())
    }

    fn write(&self, path: &Path, tools: &RawValue) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        super::private_folder(folder)?;
        let mut file = tempfile::Builder::new().prefix(".tools").tempfile_in(folder)?;
        serde_json::to_writer(&mut file, &Kept { version: VERSION, url: &self.url, tools })?;
        file.flush()?;
        file.persist(path)?;
        Ok(())
    }
}

impl Memory for ToolList {
    fn keep(&self, tools: &RawValue) {
        if let Some(path) = &self.path
            && let Err(error) = self.write(path, tools)
        {
            log::warn!("`{}` could not be written: {}", path.display(), error.kind());
        }
    }
}
