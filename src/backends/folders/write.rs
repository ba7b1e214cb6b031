//! Writing a file that appears under its name when it is whole, and not before.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};

use cap_std::fs::{Dir, OpenOptions};

use super::super::random;
use super::{Error, Fault, Place, aside};

/// What happens to a file that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the new one is not written.
    Refuse,
    /// The new one takes its place in one step.
    Replace,
}

/// A file that is being written. Dropped before it is committed, it leaves nothing behind.
pub struct Partial {
    shown: String,
    existing: Existing,
    offset: u64,
    draft: Option<Draft>,
}

/// The file under a name of its own, in the folder that it is for; removed with this value.
struct Draft {
    folder: Dir,
    file: Option<File>,
    own_name: String,
    name: String,
}

impl Partial {
    /// How many bytes it has.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Adds these bytes.
    pub async fn append(&mut self, piece: impl AsRef<[u8]> + Send + 'static) -> Result<(), Error> {
        let length = piece.as_ref().len() as u64;
        self.with(move |draft| draft.file()?.write_all(piece.as_ref())).await?;
        self.offset = self.offset.saturating_add(length);
        Ok(())
    }

    /// Forgets what is behind this offset, for a transfer that begins again there.
    pub async fn truncate(&mut self, offset: u64) -> Result<(), Error> {
        let offset = offset.min(self.offset);
        self.with(move |draft| {
            draft.file()?.set_len(offset)?;
            draft.file()?.seek(SeekFrom::Start(offset)).map(drop)
        })
        .await?;
        self.offset = offset;
        Ok(())
    }

    /// Puts it on the disk and gives it its name, in one step.
    pub async fn commit(mut self) -> Result<(), Error> {
        let existing = self.existing;
        self.with(move |draft| draft.commit(existing)).await
    }

    /// Does this with the draft. A failure ends the writing: what is half there is worth nothing.
    async fn with(&mut self, work: impl FnOnce(&mut Draft) -> io::Result<()> + Send + 'static) -> Result<(), Error> {
        let draft = self.draft.take();
        let outcome = aside(move || {
            let mut draft = draft.ok_or_else(|| Fault::System("an earlier step has ended the writing".to_owned()))?;
            work(&mut draft).map_err(|error| Fault::of(&error))?;
            Ok(draft)
        });
        match outcome.await {
            Ok(draft) => {
                self.draft = Some(draft);
                Ok(())
            }
            Err(fault) => Err(Error::File { path: self.shown.clone(), fault }),
        }
    }
}

pub(super) async fn begin(place: Place, existing: Existing) -> Result<Partial, Error> {
    let shown = place.shown.clone();
    let draft = aside(move || {
        let folder = place.open()?;
        free(&folder, &place.name, existing)?;
        let random = random::text().ok_or_else(|| Fault::System("the system gives no random numbers".to_owned()))?;
        let own_name = format!(".keyward-{random}.part");
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = folder.open_with(&own_name, &options).map_err(|error| Fault::of(&error))?;
        Ok(Draft { folder, file: Some(file.into_std()), own_name, name: place.name })
    });
    match draft.await {
        Ok(draft) => Ok(Partial { shown, existing, offset: 0, draft: Some(draft) }),
        Err(fault) => Err(Error::File { path: shown, fault }),
    }
}

/// Says early what would fail at the end. That the end cannot be fooled is not its business.
fn free(folder: &Dir, name: &str, existing: Existing) -> Result<(), Fault> {
    match folder.symlink_metadata(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Fault::of(&error)),
        Ok(found) if found.is_dir() => Err(Fault::IsFolder),
        Ok(_) if existing == Existing::Refuse => Err(Fault::Exists),
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(Fault::NotAFile),
    }
}

impl Draft {
    fn file(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn commit(&mut self, existing: Existing) -> io::Result<()> {
        self.file()?.sync_all()?;
        // Windows renames no file that is open.
        self.file = None;
        match existing {
            Existing::Replace => self.folder.rename(&self.own_name, &self.folder, &self.name)?,
            Existing::Refuse => self.place_beside()?,
        }
        // The name is on the disk, too. Not every file system can say so, and the file is there all the same.
        #[cfg(unix)]
        let _ = self.folder.open(".").and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// Gives it its name if nothing has that. Looking first would let another program's file be lost in between.
    fn place_beside(&self) -> io::Result<()> {
        // Some file systems have no second names, others no such renaming.
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        {
            use rustix::fs::{RenameFlags, renameat_with};
            match renameat_with(&self.folder, &self.own_name, &self.folder, &self.name, RenameFlags::NOREPLACE) {
                Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {}
                outcome => return Ok(outcome?),
            }
        }
        self.folder.hard_link(&self.own_name, &self.folder, &self.name)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.file = None;
        // It has its name by now, and this one is gone or a second one; or it was never whole.
        let _ = self.folder.remove_file(&self.own_name);
    }
}
