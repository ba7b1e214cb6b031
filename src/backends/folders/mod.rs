//! Files of this machine, for tools: only below the folders that the configuration allows.
//!
//! What a model names is text from outside, and what lies in an allowed folder may be somebody else's doing: a shared
//! folder can hold a link to a private key. A folder is opened once per file and everything below it through that
//! handle, so that no name leads out: neither `..`, nor a link, nor one that is put there between two looks.
//!
//! A file system can hang. All of this happens on plain threads: one that hangs keeps neither the runtime nor the end of
//! the process waiting.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use tokio::sync::oneshot;

use super::{Connection, Error};

mod fault;
mod name;
mod read;
#[cfg(test)]
mod tests;
pub mod walk;
mod write;

pub use fault::Fault;
pub use read::{PIECE, Reading};
pub use write::{Existing, Partial};

/// The folders that a connection's tools may use. Cheap to clone; nothing is opened before it is needed.
#[derive(Clone, Debug)]
pub struct Folders {
    connection: Arc<str>,
    allowed: Arc<[PathBuf]>,
}

/// A file below one of the folders, named but not opened.
struct Place {
    /// As the caller named it.
    shown: String,
    /// The allowed folder.
    folder: PathBuf,
    /// The folder below it that holds the file; empty for itself.
    parent: PathBuf,
    /// The file's own name.
    name: String,
}

impl Folders {
    /// Those of the connection.
    pub fn of(connection: &Connection) -> Self {
        Self::new(&connection.name, &connection.folders)
    }

    /// These; the connection's name is for the command that allows more.
    pub fn new(connection: &str, allowed: &[PathBuf]) -> Self {
        Self { connection: connection.into(), allowed: allowed.into() }
    }

    /// Which they are.
    pub fn allowed(&self) -> &[PathBuf] {
        &self.allowed
    }

    /// Opens a file for reading. `path` begins with one of the folders, or is relative to the first.
    pub async fn read(&self, path: &str) -> Result<Reading, Error> {
        let place = self.place(path)?;
        let shown = place.shown.clone();
        read::open(place).await.map_err(|fault| Error::File { path: shown, fault })
    }

    /// Begins a file, which appears under its name when it is whole. `path` as for reading; its folder must be there.
    pub async fn write(&self, path: &str, existing: Existing) -> Result<Partial, Error> {
        let place = self.place(path)?;
        write::begin(place, existing).await
    }

    fn place(&self, path: &str) -> Result<Place, Error> {
        let shown = super::outside::line(path, 200);
        self.find(path, &shown).map_err(|fault| Error::File { path: shown, fault })
    }

    fn find(&self, path: &str, shown: &str) -> Result<Place, Fault> {
        let outside = || Fault::Outside { connection: self.connection.to_string(), allowed: self.allowed.to_vec() };
        let whole = Path::new(path);
        let (folder, below) = match whole.is_absolute() {
            // The longest, where one lies in another.
            true => {
                let found = self.allowed.iter().filter_map(|folder| Some((folder, whole.strip_prefix(folder).ok()?)));
                found.max_by_key(|(folder, _)| folder.components().count()).ok_or_else(outside)?
            }
            false => (self.allowed.first().ok_or_else(outside)?, whole),
        };
        let mut names = Vec::new();
        for part in below.components() {
            match part {
                Component::CurDir => {}
                Component::Normal(part) => {
                    let part = part.to_str().unwrap_or_default();
                    name::check(part)?;
                    names.push(part);
                }
                // A drive of Windows, a root, or the way up.
                Component::Prefix(_) | Component::RootDir | Component::ParentDir => return Err(outside()),
            }
        }
        let Some(name) = names.pop() else { return Err(Fault::IsFolder) };
        if path.ends_with(['/', std::path::MAIN_SEPARATOR]) {
            return Err(Fault::IsFolder);
        }
        Ok(Place {
            shown: shown.to_owned(),
            folder: folder.clone(),
            parent: names.iter().collect(),
            name: name.to_owned(),
        })
    }
}

impl Place {
    /// Opens the folder that holds the file.
    fn open(&self) -> Result<Dir, Fault> {
        let folder = Dir::open_ambient_dir(&self.folder, ambient_authority())
            .map_err(|error| Fault::Folder { folder: self.folder.clone(), why: error.kind().to_string() })?;
        if self.parent.as_os_str().is_empty() {
            return Ok(folder);
        }
        folder.open_dir(&self.parent).map_err(|error| match Fault::of(&error) {
            Fault::NotThere | Fault::NotAFile => Fault::NoParent,
            fault => fault,
        })
    }
}

/// Does this on a thread of its own and waits for it. What it answers to nobody, because the caller is gone, is dropped.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    let (done, answer) = oneshot::channel();
    let thread = std::thread::Builder::new().name("file".to_owned());
    thread.spawn(move || drop(done.send(work()))).map_err(|error| Fault::of(&error))?;
    answer.await.unwrap_or_else(|_| Err(Fault::System("the thread that does it ended".to_owned())))
}
