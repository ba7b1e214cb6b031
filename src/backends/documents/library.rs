//! Everything that a connection can show: the documents in its folders, and those behind its address.

use std::sync::Arc;

use super::document::{Held, Place};
use super::files::Files;
use super::index::Index;
use super::shelf::{LeftOut, Shelf};
use crate::backends::folders::{self, Fault};
use crate::backends::{Connection, Error};

/// The most bytes of texts that are read for one search, beside those that are kept anyway.
pub(super) const ROOM: usize = 32 << 20;

/// Why a text beyond that is left out.
pub(super) fn no_room() -> String {
    format!("only {} MiB of texts are read for one search", ROOM >> 20)
}

/// The documents of a connection. Cheap to clone.
#[derive(Clone)]
pub(super) struct Library {
    connection: Arc<str>,
    files: Files,
    index: Option<Index>,
}

impl Library {
    pub(super) fn of(connection: &Connection) -> Self {
        let index = Index::of(connection);
        Self { connection: connection.name.as_str().into(), files: Files::of(connection), index }
    }

    /// All documents as they are now: those in folders first.
    pub(super) async fn shelf(&self) -> Result<Shelf, Error> {
        let (mut all, mut left_out) = match (self.files.is_empty(), &self.index) {
            (true, None) => {
                // The same words as for a file that no folder allows: what helps is the same.
                let fault = Fault::Outside { connection: self.connection.to_string(), allowed: Vec::new() };
                return Err(Error::File { path: "*.md".to_owned(), fault });
            }
            (true, Some(_)) => (Vec::new(), LeftOut::default()),
            (false, _) => {
                let found = self.files.documents().await;
                found.map_err(|(folder, fault)| Error::File { path: folder.display().to_string(), fault })?
            }
        };
        let mut notes = Vec::new();
        if let Some(index) = &self.index {
            let (more, missing, note) = index.documents().await?;
            all.extend(more);
            left_out.extend(missing);
            notes.extend(note);
        }
        let mut shelf = Shelf::new(all, left_out);
        shelf.notes = notes;
        Ok(shelf)
    }

    /// Takes off the shelf what is not of the kind, and brings the texts of the rest; what cannot be read is said.
    pub(super) async fn read(&self, mut shelf: Shelf, kind: Option<&str>) -> Result<Shelf, Error> {
        shelf.all.retain(|held| kind.is_none_or(|kind| held.document.kind == kind));
        if let Some(index) = &self.index {
            let Shelf { all, left_out, notes, .. } = &mut shelf;
            index.texts(all, left_out, notes).await?;
        }
        aside(move || {
            let Shelf { all, left_out, .. } = &mut shelf;
            let mut room = ROOM;
            for held in all.iter_mut().filter(|held| held.text.is_none()) {
                if let Place::Below(folder, below) = &held.document.place {
                    match Files::text(folder, below) {
                        Ok(text) if text.len() <= room => {
                            room = room.saturating_sub(text.len());
                            held.text = Some(text);
                        }
                        Ok(_) => left_out.add(&held.document.file, no_room()),
                        Err(why) => left_out.add(&held.document.file, why),
                    }
                }
            }
            shelf
        })
        .await
    }

    /// The text of one document, and what is to be said about it.
    pub(super) async fn text(&self, held: &Held) -> Result<(Arc<str>, Option<String>), Error> {
        if let Some(text) = &held.text {
            return Ok((Arc::clone(text), None));
        }
        match (&held.document.place, &self.index) {
            (Place::At(_), Some(index)) => index.text(&held.document).await,
            (Place::At(_), None) => Ok(("".into(), None)),
            (Place::Below(folder, below), _) => {
                let (folder, below) = (folder.clone(), below.clone());
                let text = aside(move || Files::text(&folder, &below)).await?;
                let path = held.document.file.clone();
                let text = text.map_err(|why| Error::File { path, fault: Fault::System(why) })?;
                Ok((text, None))
            }
        }
    }
}

/// Does this on a thread of its own: looking through thousands of documents takes longer than anything else may wait.
pub(super) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let done = folders::aside(move || Ok(work())).await;
    done.map_err(|fault| Error::File { path: "*.md".to_owned(), fault })
}
