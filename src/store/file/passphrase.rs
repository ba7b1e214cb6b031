//! Where the passphrase of the encrypted file comes from: the environment, a credential that systemd hands to a service,
//! or the person at the terminal. Never an argument, which every user of the machine can read.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::Error;
use super::disk;
use crate::secret::Secret;

/// Asks the person for a secret, without echo.
pub trait Ask: Send + Sync {
    /// Waits for the answer; dropping this takes the question back.
    fn ask<'a>(&'a self, prompt: &'a str) -> Pin<Box<dyn Future<Output = io::Result<Secret>> + Send + 'a>>;
}

/// The sources, in the order in which they are tried. Without any the file stays closed.
#[derive(Clone, Default)]
pub struct Passphrase {
    /// The passphrase itself.
    pub given: Option<Secret>,
    /// A file that holds it; one that does not exist counts as none.
    pub credential: Option<PathBuf>,
    /// The person, if there is one to ask.
    pub person: Option<Arc<dyn Ask>>,
}

/// Shorter ones can be tried out, however much a guess costs.
const SHORTEST: usize = 8;

impl Passphrase {
    /// The passphrase of a file that exists, and whether the person has just typed it. `again`: the one before was wrong.
    pub async fn known(&self, again: bool) -> Result<(Secret, bool), Error> {
        if let Some(passphrase) = self.without_a_person()? {
            return Ok((passphrase, false));
        }
        let prompt = if again { "That is not it. Passphrase of the store: " } else { "Passphrase of the store: " };
        Ok((self.typed(prompt).await?, true))
    }

    /// The passphrase for a new file. A person types it twice: nobody can tell them a mistyped one later.
    pub async fn chosen(&self) -> Result<Secret, Error> {
        let passphrase = match self.without_a_person()? {
            Some(passphrase) => passphrase,
            None => {
                let first = self.typed("New passphrase for the store, at least 8 characters: ").await?;
                let second = self.typed("The same once more: ").await?;
                if !first.matches(second.expose()) {
                    return Err(Error::NoPassphrase { why: "the two that were typed differ" });
                }
                first
            }
        };
        if passphrase.expose().chars().count() < SHORTEST {
            return Err(Error::NoPassphrase { why: "a new one needs at least 8 characters" });
        }
        Ok(passphrase)
    }

    fn without_a_person(&self) -> Result<Option<Secret>, Error> {
        if let Some(passphrase) = &self.given {
            return Ok(Some(passphrase.clone()));
        }
        match &self.credential {
            Some(path) => Ok(disk::read_credential(path)?.map(|bytes| text(&bytes, path)).transpose()?),
            None => Ok(None),
        }
    }

    async fn typed(&self, prompt: &str) -> Result<Secret, Error> {
        let person = self.person.as_ref().ok_or(Error::NoPassphrase { why: "nobody can be asked here" })?;
        let typed =
            person.ask(prompt).await.map_err(|_| Error::NoPassphrase { why: "the terminal could not be read" })?;
        if typed.is_empty() {
            return Err(Error::NoPassphrase { why: "nothing was typed" });
        }
        Ok(typed)
    }
}

/// An editor leaves a line's end behind, which is not part of the passphrase.
fn text(bytes: &Zeroizing<Vec<u8>>, path: &Path) -> Result<Secret, Error> {
    let unusable = |why| Error::Unsafe { path: path.to_owned(), why };
    let text = std::str::from_utf8(bytes).map_err(|_| unusable("is not text"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() { Err(unusable("is empty")) } else { Ok(Secret::new(text)) }
}
