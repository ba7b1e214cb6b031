//! Why a host's file was left as it is.

use std::path::{Path, PathBuf};

use super::text::Trouble;
use super::{Host, Scope};

/// Why a host's file was left as it is. Nothing was written in any case.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The host has no such list, or the platform names no folder for it.
    #[error("`{}` has no file for that here", host.name)]
    NoFile {
        /// The host.
        host: &'static Host,
        /// Which list.
        scope: Scope,
    },
    /// The file, or the way to it, cannot be read.
    #[error("`{}` cannot be read: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The file is not written in the way its host writes it.
    #[error("`{}` is not whole in line {line}", file.display())]
    NotWhole {
        /// The file.
        file: PathBuf,
        /// Where it ceases to be.
        line: usize,
    },
    /// Something else stands where the servers should be.
    #[error("`{key}` in `{}` is no table of servers", file.display())]
    Kind {
        /// The file.
        file: PathBuf,
        /// Where.
        key: String,
    },
    /// A name is there twice, and hosts differ in which one counts.
    #[error("`{key}` is in `{}` twice", file.display())]
    Twice {
        /// The file.
        file: PathBuf,
        /// Which.
        key: String,
    },
    /// There is an entry of our name that runs something else.
    #[error("the entry `keyward` in `{}` is somebody else's", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it runs; `None` if it runs nothing that could be read.
        command: Option<String>,
    },
    /// The file is written in a way that cannot be changed without a risk.
    #[error("`{}` cannot be changed safely: {why}", file.display())]
    Unsure {
        /// The file.
        file: PathBuf,
        /// What is in the way.
        why: &'static str,
    },
    /// Somebody changed the file while the person was asked.
    #[error("`{}` was changed meanwhile", file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// The file cannot be written.
    #[error("`{}` cannot be written: {why}", file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
}

impl Trouble {
    pub(super) fn of(self, file: &Path) -> Error {
        let file = file.to_path_buf();
        match self {
            Self::NotWhole(line) => Error::NotWhole { file, line },
            Self::Kind(key) => Error::Kind { file, key },
            Self::Twice(key) => Error::Twice { file, key },
            Self::Unsure(why) => Error::Unsure { file, why },
        }
    }
}
