//! The documents in the folders of this machine, read when they are asked for.
//!
//! Every call walks through the folders, and reads what is new or changed: size, times and identity tell. What was changed
//! a moment ago is read again, because a file system counts time in steps, and a second change within one step looks like
//! none.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use cap_std::fs::Metadata;

use super::document::{self, Document, Held, LARGEST, Place, TOO_LARGE};
use super::shelf::LeftOut;
use crate::backends::Connection;
use crate::backends::folders::{self, Fault, walk};

/// The most documents.
pub(super) const MOST: usize = 20_000;
/// The most bytes of text that are kept in memory; what is beyond is read when it is needed.
const KEPT: usize = 32 << 20;
/// Longer than any step in which a file system counts time.
const STEP: Duration = Duration::from_millis(2_500);

/// The folders, and what was read of them. Cheap to clone.
#[derive(Clone)]
pub(super) struct Files {
    folders: Arc<[PathBuf]>,
    known: Arc<Known>,
}

/// What was read, by folder and path.
#[derive(Default)]
pub(super) struct Known(Mutex<Arc<Entries>>);

type Entries = HashMap<(usize, String), Entry>;

#[derive(Clone)]
struct Entry {
    stamp: Stamp,
    held: Held,
    /// What is wrong with it.
    flaw: Option<String>,
}

/// Tells whether a file is another one than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// Device, number, and when anything about it was changed, which nobody can set.
    identity: (u64, u64, i64, i64),
}

impl Files {
    /// Those of a connection, whose tools, prompts and resources share what was read.
    pub(super) fn of(connection: &Connection) -> Self {
        let known = connection.slot.get(|| Arc::new(Known::default()));
        Self { folders: connection.folders.as_slice().into(), known }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// All documents, in the order of the folders and of the names in them, and what was left out. A folder that cannot be
    /// used is left out, too, unless none can.
    pub(super) async fn documents(&self) -> Result<(Vec<Held>, LeftOut), (PathBuf, Fault)> {
        let Self { folders, known } = self.clone();
        let scanned = folders::aside(move || Ok(scan(&folders, &known))).await;
        scanned.unwrap_or_else(|fault| Err((PathBuf::new(), fault)))
    }

    /// The text of a document. Blocks.
    pub(super) fn text(folder: &Path, below: &str) -> Result<Arc<str>, String> {
        let file = walk::open(folder, below).map_err(|fault| fault.to_string())?;
        let text = document::read(file)?;
        Ok(super::front::split(&text).1.into())
    }
}

fn scan(folders: &[PathBuf], known: &Known) -> Result<(Vec<Held>, LeftOut), (PathBuf, Fault)> {
    let before = Arc::clone(&known.0.lock().unwrap_or_else(PoisonError::into_inner));
    let mut scan =
        Scan { before, now: HashMap::new(), all: Vec::new(), left_out: LeftOut::default(), kept: 0, at: None };
    let mut unusable = Vec::new();
    for (number, folder) in folders.iter().enumerate() {
        scan.at = Some((number, folder.clone()));
        if let Err(fault) = walk::walk(folder, &mut scan) {
            unusable.push((folder.clone(), fault));
        }
    }
    if unusable.len() == folders.len()
        && let Some(first) = unusable.pop()
    {
        return Err(first);
    }
    for (folder, fault) in unusable {
        scan.left_out.add(&folder.to_string_lossy(), fault.to_string());
    }
    *known.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(scan.now);
    Ok((scan.all, scan.left_out))
}

struct Scan {
    before: Arc<Entries>,
    now: Entries,
    all: Vec<Held>,
    left_out: LeftOut,
    /// Bytes of text that are kept.
    kept: usize,
    /// The folder that is walked through.
    at: Option<(usize, PathBuf)>,
}

impl Scan {
    fn read(&self, found: &walk::Found<'_>, folder: &Path) -> Result<Entry, String> {
        let file = found.open().map_err(|fault| fault.to_string())?;
        // Of what was opened, not of what had the name before.
        let metadata = Metadata::from_just_metadata(file.metadata().map_err(|error| error.kind().to_string())?);
        let stamp = Stamp::of(&metadata);
        let text = document::read(file)?;
        let place = Place::Below(folder.to_path_buf(), found.below.to_owned());
        let kind = document::kind_of(folder, found.below);
        let (mut document, text, flaw) = Document::new(kind, found.below.to_owned(), place, &text);
        document.size = Some(stamp.size);
        document.modified = stamp.modified.and_then(document::moment);
        Ok(Entry { stamp, held: Held { document: Arc::new(document), text: Some(text) }, flaw })
    }
}

impl walk::Visitor for Scan {
    fn wants(&self, name: &str) -> bool {
        document::is_document(name)
    }

    fn visit(&mut self, found: &walk::Found<'_>) {
        let Some((number, folder)) = self.at.clone() else { return };
        if self.all.len() >= MOST {
            return self.left_out.add(found.below, format!("there are more than {MOST} documents"));
        }
        if found.metadata.len() > LARGEST {
            return self.left_out.add(found.below, TOO_LARGE.to_owned());
        }
        let key = (number, found.below.to_owned());
        let stamp = Stamp::of(&found.metadata);
        let known = self.before.get(&key).filter(|entry| entry.stamp == stamp && stamp.is_settled());
        let mut entry = match known {
            Some(entry) => entry.clone(),
            None => match self.read(found, &folder) {
                Ok(entry) => entry,
                Err(why) => return self.left_out.add(found.below, why),
            },
        };
        if let Some(flaw) = &entry.flaw {
            self.left_out.add(found.below, flaw.clone());
        }
        let size = entry.held.text.as_ref().map_or(0, |text| text.len());
        if self.kept.saturating_add(size) > KEPT {
            entry.held.text = None;
        } else {
            self.kept += size;
        }
        self.all.push(entry.held.clone());
        self.now.insert(key, entry);
    }

    fn leave_out(&mut self, below: &str, why: String) {
        self.left_out.add(below, why);
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().map(cap_std::time::SystemTime::into_std);
        Self { size: metadata.len(), modified, identity: identity(metadata) }
    }

    /// Whether the last change is so long ago that another one would show.
    fn is_settled(&self) -> bool {
        // The file system's times are compared with the system's clock, which it takes them from.
        let changed =
            u64::try_from(self.identity.2).ok().map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let is_old = |time: SystemTime| time.elapsed().is_ok_and(|age| age > STEP);
        self.modified.is_some_and(is_old) && (changed.is_none_or(is_old))
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64, i64, i64) {
    use cap_std::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

/// Elsewhere, size and time must do.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64, i64, i64) {
    (0, 0, 0, 0)
}
