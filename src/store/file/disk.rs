//! The file on the disk: read only where nobody else could have put it, and replaced whole.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Error;

#[cfg(not(unix))]
use other as platform;
#[cfg(unix)]
use unix as platform;

/// The largest file that is read or written.
pub const LARGEST: usize = 2 << 20;
const LARGEST_CREDENTIAL: usize = 4096;
const NAME: &str = "store";
/// How many damaged files are kept.
const ASIDE: usize = 9;
// What a writer that died has left behind begins like this.
const DRAFT: &str = ".store-";

/// Where the file is.
#[derive(Clone, Debug)]
pub struct Place {
    folder: PathBuf,
    path: PathBuf,
}

impl Place {
    /// The file in this folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), path: folder.join(NAME) }
    }

    /// The file itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in the file; `None` if there is none.
    pub fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(file) = platform::open(&self.path)? else { return Ok(None) };
        platform::check_folder(&self.folder)?;
        platform::check(&file, &self.path)?;
        read(file, LARGEST, &self.path).map(Some)
    }

    /// Replaces the file, or leaves the old one. It is on the disk when this returns, and survives a loss of power.
    ///
    /// The caller holds the lock: what other writers left half-done is removed.
    pub fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        platform::make_folder(&self.folder)?;
        self.sweep();
        let failed = |error: &io::Error| Error::io(&self.path, error);
        let mut draft =
            tempfile::Builder::new().prefix(DRAFT).tempfile_in(&self.folder).map_err(|error| failed(&error))?;
        draft.write_all(bytes).and_then(|()| draft.as_file().sync_all()).map_err(|error| failed(&error))?;
        draft.persist(&self.path).map_err(|error| failed(&error.error))?;
        // Without this the name may still lead to the old file after a loss of power.
        platform::sync_folder(&self.folder).map_err(|error| failed(&error))
    }

    /// Gives a damaged file another name, under which it stays; at most nine of them.
    pub fn set_aside(&self) -> Result<PathBuf, Error> {
        let name = |number| self.folder.join(format!("{NAME}.damaged-{number}"));
        let free = (1..ASIDE).map(name).find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| name(ASIDE));
        std::fs::rename(&self.path, &free).map_err(|error| Error::io(&self.path, &error))?;
        Ok(free)
    }

    fn sweep(&self) {
        let Ok(entries) = self.folder.read_dir() else { return };
        for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(DRAFT)) {
            // Nothing depends on it, and the next writer tries again.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// What is in a file with a passphrase; `None` if there is none.
pub fn read_credential(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let Some(file) = platform::open(path)? else { return Ok(None) };
    platform::check_credential(&file, path)?;
    read(file, LARGEST_CREDENTIAL, path).map(|bytes| Some(Zeroizing::new(bytes)))
}

fn read(file: File, largest: usize, path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(largest).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(|error| Error::io(path, &error))?;
    if bytes.len() > largest {
        return Err(Error::Unsafe { path: path.to_owned(), why: "is too large" });
    }
    Ok(bytes)
}

#[cfg(unix)]
mod unix {
    use super::{Error, ErrorKind, File, OpenOptions, Path, io};

    use std::fs::{DirBuilder, Metadata, Permissions, metadata, set_permissions, symlink_metadata};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};

    use rustix::fs::OFlags;
    use rustix::process::geteuid;

    const ROOT: u32 = 0;

    /// Opens a file for reading. Whoever planted a link here would choose what is read.
    pub fn open(path: &Path) -> Result<Option<File>, Error> {
        // Without `NONBLOCK`, opening a pipe would wait for its other end.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        match OpenOptions::new().read(true).custom_flags(flags).open(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(_) if symlink_metadata(path).is_ok_and(|found| found.is_symlink()) => {
                Err(refuse(path, "is a symbolic link"))
            }
            Err(error) => Err(Error::io(path, &error)),
        }
    }

    /// Refuses a file that another user made, can read or can change. Entries of an access control list show as the bits
    /// of the group.
    pub fn check(file: &File, path: &Path) -> Result<(), Error> {
        let found = plain(file, path)?;
        if found.uid() != geteuid().as_raw() {
            return Err(refuse(path, "belongs to another user"));
        }
        if found.mode() & 0o077 != 0 {
            return Err(refuse(path, "can be read or written by others"));
        }
        // A file that was replaced while it was being opened has none.
        if found.nlink() > 1 {
            return Err(refuse(path, "has a second name, a hard link"));
        }
        Ok(())
    }

    /// systemd hands a credential over as a file of the service's user, or as one of its own that an access control list
    /// lets that user read, which shows as the bits of the group.
    pub fn check_credential(file: &File, path: &Path) -> Result<(), Error> {
        let found = plain(file, path)?;
        if found.uid() != geteuid().as_raw() && found.uid() != ROOT {
            return Err(refuse(path, "belongs to another user"));
        }
        if found.mode() & 0o037 != 0 {
            return Err(refuse(path, "can be read or written by others"));
        }
        Ok(())
    }

    /// Refuses a folder in which another user could plant or replace files.
    pub fn check_folder(folder: &Path) -> Result<(), Error> {
        owned(folder).map(drop)
    }

    /// Makes the folder, and closes it to others: they need not see when something is written.
    pub fn make_folder(folder: &Path) -> Result<(), Error> {
        let failed = |error: io::Error| Error::io(folder, &error);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        if owned(folder)?.mode() & 0o077 != 0 {
            set_permissions(folder, Permissions::from_mode(0o700)).map_err(failed)?;
        }
        Ok(())
    }

    /// Waits until the names in the folder are on the disk.
    pub fn sync_folder(folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn owned(folder: &Path) -> Result<Metadata, Error> {
        let found = metadata(folder).map_err(|error| Error::io(folder, &error))?;
        if !found.is_dir() {
            return Err(refuse(folder, "is not a folder"));
        }
        if found.uid() != geteuid().as_raw() {
            return Err(refuse(folder, "belongs to another user"));
        }
        if found.mode() & 0o022 != 0 {
            return Err(refuse(folder, "can be written by others"));
        }
        Ok(found)
    }

    fn plain(file: &File, path: &Path) -> Result<Metadata, Error> {
        let found = file.metadata().map_err(|error| Error::io(path, &error))?;
        if found.is_file() { Ok(found) } else { Err(refuse(path, "is not a plain file")) }
    }

    fn refuse(path: &Path, why: &'static str) -> Error {
        Error::Unsafe { path: path.to_owned(), why }
    }
}

#[cfg(not(unix))]
mod other {
    use super::{Error, ErrorKind, File, OpenOptions, Path, io};

    /// Opens a file for reading.
    pub fn open(path: &Path) -> Result<Option<File>, Error> {
        match OpenOptions::new().read(true).open(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(path, &error)),
        }
    }

    /// In the person's profile a file inherits a list of who may open it: nobody else.
    pub fn check(_: &File, _: &Path) -> Result<(), Error> {
        Ok(())
    }

    /// As [`check`].
    pub fn check_credential(_: &File, _: &Path) -> Result<(), Error> {
        Ok(())
    }

    /// As [`check`].
    pub fn check_folder(_: &Path) -> Result<(), Error> {
        Ok(())
    }

    /// Makes the folder.
    pub fn make_folder(folder: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, &error))
    }

    /// A folder cannot be waited for there; its journal keeps the change of a name whole.
    pub fn sync_folder(_: &Path) -> io::Result<()> {
        Ok(())
    }
}
