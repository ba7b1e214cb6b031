//! An encrypted file with a passphrase, for machines without a keychain: servers, containers, remote shells.
//!
//! One file holds the secrets of all connections; what is in it is told in `format`. It is read without a lock, because
//! it is only ever replaced whole, and changed under one between processes. Its passphrase may have to be asked for,
//! which happens before that lock is taken, so that nobody waits for a person in another window.

mod disk;
mod format;
mod passphrase;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::thread::Thread;
use super::{Answer, Key, Store, lock};
use crate::secret::Secret;

use disk::Place;
use format::{Items, Master, Sealed, Unreadable};

pub use format::Cost;
pub use passphrase::{Ask, Passphrase};

/// Why the file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The platform names no folder for it.
    #[error("there is no folder for the store's file")]
    NoFolder,
    /// No source has a passphrase, or what it has cannot be one.
    #[error("there is no passphrase: {why}")]
    NoPassphrase {
        /// What is missing or wrong, as a sentence.
        why: &'static str,
    },
    /// The passphrase is not the one that the file was made with.
    #[error("the passphrase does not open `{}`", path.display())]
    WrongPassphrase {
        /// Which file.
        path: PathBuf,
    },
    /// Somebody else could have put it there or changed it, or could read it.
    #[error("`{}` cannot be trusted: it {why}", path.display())]
    Unsafe {
        /// The file, its folder or a file with a passphrase.
        path: PathBuf,
        /// What is wrong, as the rest of a sentence about it.
        why: &'static str,
    },
    /// It is not what was written; a new login sets it aside.
    #[error("`{}` is damaged", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// No space is left. The old file is as it was.
    #[error("no space is left for `{}`", path.display())]
    Full {
        /// Which file.
        path: PathBuf,
    },
    /// The disk or the folder may not be written. The old file is as it was.
    #[error("`{}` may not be written", path.display())]
    ReadOnly {
        /// Which file or folder.
        path: PathBuf,
    },
    /// Another process is changing the file and does not come to an end.
    #[error("another process holds the store's file, waited {} s", waited.as_secs())]
    Held {
        /// How long this call waited.
        waited: Duration,
    },
    /// Anything else that the system said.
    #[error("`{}`: {kind}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// The system's reason.
        kind: ErrorKind,
    },
}

impl Error {
    fn io(path: &Path, error: &io::Error) -> Self {
        Self::of_kind(path, error.kind())
    }

    fn of_kind(path: &Path, kind: ErrorKind) -> Self {
        let path = path.to_owned();
        match kind {
            // The last: the limit for one file, which some systems set for a service.
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::Full { path },
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Self::ReadOnly { path },
            kind => Self::Io { path, kind },
        }
    }

    fn lock(error: lock::Error) -> Self {
        match error {
            lock::Error::Busy { waited } => Self::Held { waited },
            lock::Error::Folder { path, why } => Self::Unsafe { path, why },
            lock::Error::Io { path, kind } => Self::of_kind(&path, kind),
        }
    }
}

type Outcome<T> = Result<T, super::Error>;

/// The largest secret. All of them together must stay below the largest file that is read.
const LARGEST_SECRET: usize = 128 << 10;
/// How long a disk may take, and the derivation of the key on a slow machine.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long another process may hold the file. It holds it for milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(20);
const LOCK: &str = "store";
const SHARED_TRIES: usize = 25;
const SHARED_PAUSE: Duration = Duration::from_millis(20);

/// The encrypted file. Cloning shares the passphrase and the key, both of which are found with the first call.
#[derive(Clone)]
pub struct EncryptedFile {
    thread: Thread<Known>,
    settings: Arc<Settings>,
}

struct Settings {
    place: Option<Place>,
    locks: PathBuf,
    passphrase: Passphrase,
    cost: Cost,
}

impl EncryptedFile {
    /// The file in this folder, which need not exist; its lock is in the folder `locks` there. Touches nothing yet.
    pub fn new(folder: Option<&Path>, passphrase: Passphrase, cost: Cost) -> Self {
        let place = folder.map(Place::new);
        let locks = folder.map(|folder| folder.join("locks")).unwrap_or_default();
        Self { thread: Thread::new("file"), settings: Arc::new(Settings { place, locks, passphrase, cost }) }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut File<'_>) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let settings = Arc::clone(&self.settings);
        self.thread
            .run(DEADLINE, move |known| {
                let place = settings.place.as_ref().ok_or(Error::NoFolder)?;
                work(&mut File { known, place, settings: &settings })
            })
            .await
    }

    // Finds the passphrase, unless it is known or there is nothing to open. Takes no lock: a person may have to be asked.
    async fn unlock(&self, key: &Key, goal: Goal) -> Outcome<()> {
        for again in [false, true, true] {
            let asked = key.clone();
            match self.run(move |file| file.state(&asked)).await? {
                State::New if goal == Goal::Write => {
                    let passphrase = self.settings.passphrase.chosen().await?;
                    return self.run(move |file| file.start(passphrase)).await;
                }
                State::New | State::Open => return Ok(()),
                State::Closed => {
                    let (passphrase, typed) = self.settings.passphrase.known(again).await?;
                    let key = key.clone();
                    if self.run(move |file| file.open_with(&key, passphrase)).await? {
                        return Ok(());
                    }
                    if !typed {
                        break;
                    }
                }
            }
        }
        let path = self.settings.place.as_ref().map(|place| place.path().to_owned()).unwrap_or_default();
        Err(Error::WrongPassphrase { path }.into())
    }

    // Finds the passphrase first, then takes the lock, then reads again: another process may have written meanwhile.
    async fn change(&self, key: Key, edit: impl Fn(&mut Items) + Clone + Send + 'static) -> Outcome<()> {
        self.unlock(&key, Goal::Write).await?;
        let lock = Arc::new(lock::acquire(&self.settings.locks, LOCK, LOCK_WAIT).await.map_err(Error::lock)?);
        for _ in 0..SHARED_TRIES {
            // Held until the work is over, also if its caller has given up.
            let (lock, key, edit) = (Arc::clone(&lock), key.clone(), edit.clone());
            let outcome = self
                .run(move |file| {
                    let _lock = lock;
                    file.change(&key, edit)
                })
                .await;
            match outcome {
                // A reader or a virus scanner that has the file open keeps it from being replaced there, for a moment.
                Err(super::Error::File(Error::ReadOnly { .. })) if cfg!(windows) => {
                    tokio::time::sleep(SHARED_PAUSE).await;
                }
                outcome => return outcome,
            }
        }
        Err(Error::ReadOnly { path: self.settings.locks.clone() }.into())
    }
}

impl Store for EncryptedFile {
    fn load<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Secret>> {
        Box::pin(async move {
            self.unlock(key, Goal::Read).await?;
            let key = key.clone();
            self.run(move |file| Ok(file.items(&key)?.and_then(|mut items| items.remove(key.as_str())))).await
        })
    }

    fn save<'a>(&'a self, key: &'a Key, secret: &'a Secret) -> Answer<'a, ()> {
        Box::pin(async move {
            let size = secret.expose().len();
            if size > LARGEST_SECRET {
                return Err(super::Error::TooLarge { size, limit: LARGEST_SECRET });
            }
            let (name, secret) = (key.to_string(), secret.clone());
            self.change(key.clone(), move |items| drop(items.insert(name.clone(), secret.clone()))).await
        })
    }

    fn delete<'a>(&'a self, key: &'a Key) -> Answer<'a, bool> {
        Box::pin(async move {
            // Where there is nothing to delete, nothing is written.
            if self.load(key).await?.is_none() {
                return Ok(false);
            }
            let name = key.to_string();
            self.change(key.clone(), move |items| drop(items.remove(&name))).await?;
            Ok(true)
        })
    }

    /// Writes the file as a save does, with what is in it already.
    fn prove(&self) -> Answer<'_, ()> {
        Box::pin(self.change(Key::of("probe", "file"), |_| ()))
    }
}

// What was found out. Lives on the file's thread.
#[derive(Default)]
struct Known {
    passphrase: Option<Secret>,
    master: Option<Master>,
}

// The file, as long as one call works on it.
struct File<'a> {
    known: &'a mut Known,
    place: &'a Place,
    settings: &'a Settings,
}

/// What a call is about to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    Read,
    Write,
}

/// What is known of the file.
enum State {
    /// It can be opened.
    Open,
    /// It needs a passphrase.
    Closed,
    /// There is none, or a damaged one, and no key to make one with.
    New,
}

impl File<'_> {
    // What is in the file, if it can be opened with what is known; `None` if there is none.
    fn items(&mut self, key: &Key) -> Outcome<Option<Items>> {
        let Some(bytes) = self.place.read()? else { return Ok(None) };
        let sealed = self.sealed(&bytes, key)?;
        match self.open(&sealed)? {
            Some(items) => Ok(Some(items)),
            // Another process has made it anew, with another passphrase.
            None => Err(Error::WrongPassphrase { path: self.place.path().to_owned() }.into()),
        }
    }

    fn state(&mut self, key: &Key) -> Outcome<State> {
        let none = if self.known.master.is_some() { State::Open } else { State::New };
        let Some(bytes) = self.place.read()? else { return Ok(none) };
        match self.sealed(&bytes, key).and_then(|sealed| self.open(&sealed)) {
            Ok(Some(_)) => Ok(State::Open),
            Ok(None) => Ok(State::Closed),
            Err(super::Error::File(Error::Damaged { .. })) => Ok(none),
            Err(error) => Err(error),
        }
    }

    fn sealed<'a>(&self, bytes: &'a [u8], key: &Key) -> Outcome<Sealed<'a>> {
        Sealed::read(bytes).map_err(|why| match why {
            Unreadable::Newer => super::Error::Newer { key: key.clone() },
            Unreadable::Damaged => self.damaged().into(),
        })
    }

    fn open(&mut self, sealed: &Sealed<'_>) -> Outcome<Option<Items>> {
        if let Some(master) = self.known.master.as_ref().filter(|master| sealed.is_for(master)) {
            return sealed.open(master).map(Some).ok_or_else(|| self.damaged().into());
        }
        match self.known.passphrase.take() {
            Some(passphrase) => self.try_passphrase(sealed, passphrase),
            None => Ok(None),
        }
    }

    // A passphrase that opens nothing is forgotten.
    fn try_passphrase(&mut self, sealed: &Sealed<'_>, passphrase: Secret) -> Outcome<Option<Items>> {
        let master = sealed.master(&passphrase)?;
        let items = sealed.open(&master);
        if items.is_some() {
            *self.known = Known { passphrase: Some(passphrase), master: Some(master) };
        }
        Ok(items)
    }

    // Whether the passphrase is that of the file.
    fn open_with(&mut self, key: &Key, passphrase: Secret) -> Outcome<bool> {
        let Some(bytes) = self.place.read()? else { return Ok(true) };
        let sealed = self.sealed(&bytes, key)?;
        Ok(self.try_passphrase(&sealed, passphrase)?.is_some())
    }

    // Makes the key for a new file.
    fn start(&mut self, passphrase: Secret) -> Outcome<()> {
        let master = Master::fresh(&passphrase, self.settings.cost)?;
        *self.known = Known { passphrase: Some(passphrase), master: Some(master) };
        Ok(())
    }

    fn change(&mut self, key: &Key, edit: impl FnOnce(&mut Items)) -> Outcome<()> {
        let mut items = match self.items(key) {
            Err(super::Error::File(Error::Damaged { .. })) => self.start_over()?,
            found => found?.unwrap_or_default(),
        };
        edit(&mut items);
        let master = self.known.master.as_ref().ok_or_else(|| super::Error::Failed { cause: "no key".to_owned() })?;
        let bytes = format::seal(&items, master)?;
        if bytes.len() > disk::LARGEST {
            return Err(super::Error::TooLarge { size: bytes.len(), limit: disk::LARGEST });
        }
        self.place.write(&bytes)?;
        if self.place.read()?.is_none_or(|found| found != bytes) {
            return Err(super::Error::Failed { cause: "the disk does not keep what is stored".to_owned() });
        }
        Ok(())
    }

    // The other connections of the file have lost their logins, and the person must hear of it.
    fn start_over(&mut self) -> Outcome<Items> {
        let aside = self.place.set_aside()?;
        log::error!(
            "the encrypted file was damaged: it is kept as `{}`, and every connection in it needs a new login",
            aside.display()
        );
        Ok(Items::new())
    }

    fn damaged(&self) -> Error {
        Error::Damaged { path: self.place.path().to_owned() }
    }
}
