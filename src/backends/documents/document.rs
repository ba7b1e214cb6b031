//! One document: what its front matter and its place say about it, and its text.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use url::Url;

use super::front::{self, Value};
use crate::backends::days;

/// The largest file that is read.
pub(super) const LARGEST: u64 = 4 << 20;
/// The most characters of a name.
const LONGEST_NAME: usize = 200;
/// The kinds that a folder of that name is as a whole.
const KINDS: [&str; 2] = [CHECKLISTS, PROCESSES];
/// The kind of checklists.
pub(super) const CHECKLISTS: &str = "checklists";
/// The kind of processes.
pub(super) const PROCESSES: &str = "processes";

/// What is known of a document besides its text.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) kind: String,
    /// What its front matter calls it, or else the stem of its file.
    pub(super) name: String,
    /// The name of its file without the ending.
    pub(super) stem: String,
    /// Empty if there is none.
    pub(super) description: String,
    pub(super) tags: Vec<String>,
    /// What else stands in the front matter.
    pub(super) other: Vec<(String, Value)>,
    /// Where it is, for people: relative to the folder or the index.
    pub(super) file: String,
    /// In bytes, with its front matter, if known.
    pub(super) size: Option<u64>,
    /// When it was changed last, as RFC 3339 in UTC, if known.
    pub(super) modified: Option<String>,
    pub(super) place: Place,
}

/// Where the text is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Below a folder of this machine.
    Below(PathBuf, String),
    /// At an address.
    At(Url),
}

impl Default for Place {
    fn default() -> Self {
        Self::Below(PathBuf::new(), String::new())
    }
}

/// A document with its text, where that is at hand.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) document: Arc<Document>,
    pub(super) text: Option<Arc<str>>,
}

impl Document {
    /// A document in this place. The front matter of `text` is read; what is wrong with it is said.
    pub(super) fn new(kind: String, file: String, place: Place, text: &str) -> (Self, Arc<str>, Option<String>) {
        let stem = stem_of(&file);
        let (read, text) = front::split(text);
        let mut document = Self { kind, stem, file, place, ..Self::default() };
        let flaw = match read {
            Ok(front) => {
                front.into_iter().for_each(|(name, value)| document.take(name, value));
                None
            }
            Err(broken) => Some(format!("its front matter is not read, line {}: {}", broken.line, broken.why)),
        };
        if document.name.is_empty() {
            document.name.clone_from(&document.stem);
        }
        (document, text.into(), flaw)
    }

    fn take(&mut self, name: String, value: Value) {
        match (name.as_str(), value) {
            ("name", Value::Text(text)) => self.name = text.chars().take(LONGEST_NAME).collect(),
            ("description", Value::Text(text)) => self.description = text,
            ("tags", Value::Texts(all)) => self.tags = all,
            ("tags", Value::Text(text)) => {
                self.tags = text.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect();
            }
            (_, value) => self.other.push((name, value)),
        }
    }
}

/// The name of a file without its folders and its ending.
pub(super) fn stem_of(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    front::line(name.rsplit_once('.').map_or(name, |(stem, _)| stem)).chars().take(LONGEST_NAME).collect()
}

/// Whether a file of this name is a document.
pub(super) fn is_document(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    matches!(ending.as_deref(), Some("md" | "markdown"))
}

/// The kind of what lies at `below` in a folder: the name of the first folder on the way, or that of the folder itself.
pub(super) fn kind_of(folder: &Path, below: &str) -> String {
    let own = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let first = below.split_once('/').map(|(first, _)| first.to_lowercase());
    let kind = if KINDS.contains(&own.as_str()) { own } else { first.unwrap_or(own) };
    front::line(&kind)
}

/// The text of a file, or why there is none.
pub(super) fn read(file: File) -> Result<String, String> {
    let mut bytes = Vec::new();
    // It may have grown since it was looked at.
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| error.kind().to_string())?;
    text_of(bytes)
}

/// The bytes of a document as text.
pub(super) fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.len() as u64 > LARGEST {
        return Err(TOO_LARGE.to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// Why a file is not read.
pub(super) const TOO_LARGE: &str = "it is larger than 4 MiB";

/// A moment as RFC 3339 in UTC.
pub(super) fn moment(time: SystemTime) -> Option<String> {
    let seconds = i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let (day, time) = (seconds / 86_400, seconds % 86_400);
    Some(format!("{}T{:02}:{:02}:{:02}Z", days::day(day), time / 3600, time / 60 % 60, time % 60))
}
