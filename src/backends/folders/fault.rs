//! Why a file was not read or written, told apart by what the caller can do next.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// What is wrong. The file's own name stands beside it, see [`super::super::Error::File`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is in none of the folders, or a link leads out of them.
    #[error("it is outside the folders that the configuration allows")]
    Outside {
        /// Whose configuration.
        connection: String,
        /// Which folders are allowed.
        allowed: Vec<PathBuf>,
    },
    /// A link on the way leads out of the folder.
    #[error("a link leads from there to a place outside the folder")]
    LeadsOut,
    /// An allowed folder cannot be used itself.
    #[error("the folder `{}` that the configuration allows cannot be used: {why}", folder.display())]
    Folder {
        /// Which one.
        folder: PathBuf,
        /// The system's reason.
        why: String,
    },
    /// No file may have such a name.
    #[error("no file can have that name: {why}")]
    Name {
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is nothing of that name.
    #[error("it does not exist")]
    NotThere,
    /// The folder that would hold it is not there.
    #[error("the folder for it does not exist")]
    NoParent,
    /// It is a folder.
    #[error("it is a folder, not a file")]
    IsFolder,
    /// It is a device, a pipe, or a link where a file is to be written.
    #[error("it is neither a file nor a folder")]
    NotAFile,
    /// There is one already.
    #[error("it exists already")]
    Exists,
    /// The system does not allow it to this person.
    #[error("the system does not allow it")]
    Denied,
    /// Nothing can be written there.
    #[error("nothing can be written there: {why}")]
    Unwritable {
        /// The system's reason.
        why: String,
    },
    /// The disk, or the person's share of it, is full.
    #[error("there is no space left")]
    Full,
    /// It became shorter while it was read.
    #[error("it was changed while it was read")]
    Changed,
    /// Something else.
    #[error("{0}")]
    System(String),
}

impl Fault {
    /// The system's error in our words.
    pub(super) fn of(error: &io::Error) -> Self {
        match error.kind() {
            // The library's own error has no number: a link on the way, or the last name, leads out.
            ErrorKind::PermissionDenied if error.raw_os_error().is_none() => Self::LeadsOut,
            ErrorKind::PermissionDenied => Self::Denied,
            ErrorKind::NotFound => Self::NotThere,
            ErrorKind::IsADirectory => Self::IsFolder,
            ErrorKind::NotADirectory => Self::NotAFile,
            ErrorKind::AlreadyExists => Self::Exists,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::Full,
            ErrorKind::ReadOnlyFilesystem | ErrorKind::Unsupported => {
                Self::Unwritable { why: error.kind().to_string() }
            }
            ErrorKind::InvalidFilename => Self::Name { why: "the system does not take it" },
            ErrorKind::UnexpectedEof => Self::Changed,
            kind => Self::System(kind.to_string()),
        }
    }
}
