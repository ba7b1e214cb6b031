//! A host's file on the disk: read through links, replaced whole, with a copy of what was there.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

/// More than any host's file is worth reading.
const LARGEST: u64 = 64 << 20;
const BACKUP: &str = ".keyward-backup";

/// A file as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it really is: a link stays a link, what it leads to is replaced.
    pub(super) target: PathBuf,
    /// What is in it; `None` if there is none.
    pub(super) bytes: Option<Vec<u8>>,
}

/// Reads the file, through links.
pub(super) fn look(file: &Path) -> io::Result<Found> {
    let target = target(file)?;
    let bytes = read(&target)?;
    Ok(Found { target, bytes })
}

/// Where a file really is, also if nothing is there yet.
fn target(file: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(file) {
            // A link that leads to nothing: the file is made where it leads.
            Ok(leads) => {
                let leads = file.parent().unwrap_or(Path::new("")).join(leads);
                if leads.is_symlink() { Err(error) } else { Ok(leads) }
            }
            Err(_) => Ok(file.to_path_buf()),
        },
        other => other,
    }
}

fn read(target: &Path) -> io::Result<Option<Vec<u8>>> {
    let about = match fs::metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    if !about.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    let mut bytes = Vec::new();
    File::open(target)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST { Err(io::Error::other("it is too large")) } else { Ok(Some(bytes)) }
}

/// The copy of a file that was not ours alone.
pub(super) fn backup(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(BACKUP);
    PathBuf::from(name)
}

/// Whether the copy's place holds something else than what is to be copied.
pub(super) fn is_taken(file: &Path, bytes: &[u8]) -> bool {
    fs::symlink_metadata(backup(file)).is_ok() && backed_up(file).as_deref() != Some(bytes)
}

/// Whether a file is below a folder, wherever links on the way to it lead, also if it is not there yet.
pub(super) fn is_inside(target: &Path, base: &Path) -> bool {
    let goes_back = target.components().any(|part| part == Component::ParentDir);
    let there = target.ancestors().find_map(|part| fs::canonicalize(part).ok());
    // A project that is not there yet has no links.
    let base = fs::canonicalize(base).unwrap_or_else(|_| base.to_path_buf());
    !goes_back && there.is_some_and(|there| there.starts_with(&base) || base.starts_with(&there) && !base.exists())
}

/// What the copy holds; `None` if there is none that can be read.
pub(super) fn backed_up(file: &Path) -> Option<Vec<u8>> {
    let backup = backup(file);
    if backup.is_symlink() { None } else { read(&backup).ok()? }
}

/// What is to be in a file.
pub(super) struct New<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) is_shared: bool,
}

/// Refuses a target that its person has protected.
pub(super) fn writable(target: &Path) -> io::Result<()> {
    if fs::metadata(target).is_ok_and(|about| about.permissions().readonly()) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is write-protected"));
    }
    Ok(())
}

/// Replaces the target by a whole new file, which has its mode and owner, or is made for its person alone. False, and
/// nothing is done, if it is not as it was found any more: its host may write at any moment.
pub(super) fn replace(found: &Found, new: &New<'_>) -> io::Result<bool> {
    let target = &found.target;
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let file = written(folder, new, fs::metadata(target).ok().as_ref())?;
    if read(target)? != found.bytes {
        return Ok(false);
    }
    file.persist(target)?;
    Ok(true)
}

/// Keeps a copy of what is in the target beside the file.
pub(super) fn keep(file: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    let backup = backup(file);
    let folder = backup.parent().unwrap_or(Path::new("."));
    // It may hold what others wrote, so nobody reads it who could not read that.
    written(folder, &New { bytes, is_shared: false }, fs::metadata(target).ok().as_ref())?.persist(&backup)?;
    Ok(())
}

/// A whole file that has no name of its own yet.
fn written(folder: &Path, new: &New<'_>, like: Option<&Metadata>) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".keyward");
    #[cfg(unix)]
    let builder =
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(if new.is_shared { 0o666 } else { 0o600 }));
    #[cfg(not(unix))]
    let _ = new.is_shared;
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(new.bytes)?;
    if let Some(like) = like {
        own(file.as_file(), like)?;
        file.as_file().set_permissions(like.permissions())?;
    }
    file.as_file().sync_all()?;
    Ok(file)
}

/// Somebody's file stays theirs when another writes it, as root does under sudo.
#[cfg(unix)]
fn own(file: &File, like: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let now = file.metadata()?;
    let (user, group) = (like.uid(), like.gid());
    if (now.uid(), now.gid()) == (user, group) {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(user), Some(group))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "it can fail on other systems")]
fn own(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Removes a file that only we made, and the folders for it that are empty then, below `base`.
pub(super) fn remove(target: &Path, file: &Path, base: &Path) -> io::Result<()> {
    fs::remove_file(target)?;
    let inside = |folder: &&Path| *folder != base && folder.starts_with(base);
    for folder in file.ancestors().skip(1).take_while(inside) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

/// Forgets the copy.
pub(super) fn forget(file: &Path) {
    // What stays behind then is a file that nobody needs.
    let _ = fs::remove_file(backup(file));
}
