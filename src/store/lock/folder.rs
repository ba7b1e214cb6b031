//! The folder of the locks and the files in it: made for this person alone, and refused if anybody else could write.

use std::fs::{File, OpenOptions};
use std::path::Path;

use super::Error;

#[cfg(unix)]
pub use unix::{ensure, is_still, open};
#[cfg(not(unix))]
pub use windows::{ensure, is_still, open};

#[cfg(unix)]
mod unix {
    use super::{Error, File, OpenOptions, Path};

    use std::fs::{DirBuilder, Metadata, metadata, symlink_metadata};
    use std::io::{self, ErrorKind};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};

    use rustix::fs::OFlags;
    use rustix::process::geteuid;

    const OTHERS_MAY_WRITE: u32 = 0o022;

    /// Makes the folder if there is none, and refuses one in which another user could plant or replace files.
    pub fn ensure(folder: &Path) -> Result<(), Error> {
        let found = match metadata(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                DirBuilder::new().recursive(true).mode(0o700).create(folder).and_then(|()| metadata(folder))
            }
            found => found,
        };
        let found = found.map_err(|error| Error::io(folder, &error))?;
        let trusted = if found.is_dir() { owned_by_me_alone(&found) } else { Err("is not a folder") };
        trusted.map_err(|why| Error::Folder { path: folder.to_owned(), why })
    }

    /// Opens the lock file, making it if need be. Whoever planted a link here would choose which file is locked, or made.
    pub fn open(path: &Path) -> Result<File, Error> {
        let refuse = |why| Error::Folder { path: path.to_owned(), why };
        // Without `NONBLOCK`, opening a pipe would wait for its other end.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let opened = OpenOptions::new().read(true).write(true).create(true).mode(0o600).custom_flags(flags).open(path);
        let file = match opened {
            Ok(file) => file,
            Err(_) if symlink_metadata(path).is_ok_and(|found| found.is_symlink()) => {
                return Err(refuse("is a symbolic link"));
            }
            Err(error) => return Err(Error::io(path, &error)),
        };
        let found = file.metadata().map_err(|error| Error::io(path, &error))?;
        let trusted = if found.is_file() { owned_by_me_alone(&found) } else { Err("is not a plain file") };
        trusted.map(|()| file).map_err(refuse)
    }

    /// Whether the path still names this very file.
    pub fn is_still(path: &Path, file: &File) -> Result<bool, Error> {
        let same = |found: Metadata| -> io::Result<bool> {
            let own = file.metadata()?;
            Ok((found.dev(), found.ino()) == (own.dev(), own.ino()))
        };
        match symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            found => found.and_then(same).map_err(|error| Error::io(path, &error)),
        }
    }

    fn owned_by_me_alone(found: &Metadata) -> Result<(), &'static str> {
        if found.uid() != geteuid().as_raw() {
            return Err("belongs to another user");
        }
        if found.mode() & OTHERS_MAY_WRITE != 0 {
            return Err("can be written by others");
        }
        Ok(())
    }
}

#[cfg(not(unix))]
mod windows {
    use super::{Error, File, OpenOptions, Path};

    /// Makes the folder if there is none. In the person's profile it inherits a list of who may enter: nobody else.
    pub fn ensure(folder: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, &error))
    }

    /// Opens the lock file, making it if need be. Making links takes a privilege that other users lack there.
    pub fn open(path: &Path) -> Result<File, Error> {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        opened.map_err(|error| Error::io(path, &error))
    }

    /// Whether the path still names this file.
    pub fn is_still(path: &Path, _: &File) -> Result<bool, Error> {
        Ok(path.exists())
    }
}
