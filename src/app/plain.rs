//! Opening files in the state folder: the user's own plain files and nothing else.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens the file for appending, and for reading what is there, making it for this user alone. A link in its place would let whoever planted it choose
/// which file grows.
#[cfg(unix)]
pub(super) fn for_appending(path: &Path) -> io::Result<File> {
    checked(OpenOptions::new().read(true).append(true).create(true), path)
}

/// Opens a file that must be there for reading.
#[cfg(unix)]
pub(super) fn for_reading(path: &Path) -> io::Result<File> {
    checked(OpenOptions::new().read(true), path)
}

#[cfg(unix)]
fn checked(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};

    // Without `NONBLOCK`, opening a pipe would wait for its other end.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = options.mode(0o600).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is not a plain file of this user"));
    }
    if found.mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Opens the file for appending, making it if need be; the user's folder is closed to others.
#[cfg(not(unix))]
pub(super) fn for_appending(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

/// Opens a file that must be there for reading.
#[cfg(not(unix))]
pub(super) fn for_reading(path: &Path) -> io::Result<File> {
    File::open(path)
}
