//! Reading a file piece by piece.

use std::fs::File;
use std::io::{self, Read as _};
use std::time::SystemTime;

use bytes::Bytes;
use cap_std::fs::{Dir, OpenOptions};
use tokio::sync::mpsc;

use super::{Error, Fault, Place, aside};
use crate::http::Pieces;

/// The most bytes of one piece.
pub const PIECE: usize = 64 << 10;
/// How many pieces are read ahead.
const AHEAD: usize = 2;

/// An open file. Dropping it ends the reading.
pub struct Reading {
    /// The file's own name.
    pub name: String,
    /// How many bytes will come: what is added meanwhile is left out, what is cut off is an error.
    pub length: u64,
    /// When it was changed last, if the system knows.
    pub modified: Option<SystemTime>,
    shown: String,
    pieces: mpsc::Receiver<io::Result<Bytes>>,
}

impl Reading {
    /// The next piece, of at most [`PIECE`] bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let piece = self.pieces.recv().await.transpose();
        piece.map_err(|error| Error::File { path: self.shown.clone(), fault: Fault::of(&error) })
    }

    /// How many pieces are in memory.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.pieces.len()
    }

    /// What is left to read, as the body of a request. To be taken before the first piece is.
    pub fn into_pieces(self) -> Pieces {
        Pieces::new(self.length, self.pieces)
    }
}

pub(super) async fn open(place: Place) -> Result<Reading, Fault> {
    aside(move || {
        let file = regular(&place.open()?, &place.name)?;
        let found = file.metadata().map_err(|error| Fault::of(&error))?;
        let (send, pieces) = mpsc::channel(AHEAD);
        let length = found.len();
        let thread = std::thread::Builder::new().name("file".to_owned());
        thread.spawn(move || hand_over(file, length, &send)).map_err(|error| Fault::of(&error))?;
        Ok(Reading { name: place.name, length, modified: found.modified().ok(), shown: place.shown, pieces })
    })
    .await
}

/// Opens a file that has bytes of its own.
pub(super) fn regular(folder: &Dir, name: &str) -> Result<File, Fault> {
    let mut options = OpenOptions::new();
    options.read(true);
    // A pipe would keep whoever opens it waiting for its other end.
    #[cfg(unix)]
    without_waiting(&mut options);
    let file = match folder.open_with(name, &options) {
        Ok(file) => file.into_std(),
        // Windows opens no folder in this way, and says that it is not allowed.
        Err(error) => {
            let is_folder = folder.metadata(name).is_ok_and(|found| found.is_dir());
            return Err(if is_folder { Fault::IsFolder } else { opened(&error) });
        }
    };
    // What was opened is looked at, not what has the name now.
    let found = file.metadata().map_err(|error| Fault::of(&error))?;
    match (found.is_file(), found.is_dir()) {
        (true, _) => Ok(file),
        (_, true) => Err(Fault::IsFolder),
        _ => Err(Fault::NotAFile),
    }
}

/// A socket, and a pipe or device without its other side, say so with numbers of their own.
fn opened(error: &io::Error) -> Fault {
    #[cfg(unix)]
    if [rustix::io::Errno::NXIO, rustix::io::Errno::NODEV, rustix::io::Errno::OPNOTSUPP]
        .iter()
        .any(|number| error.raw_os_error() == Some(number.raw_os_error()))
    {
        return Fault::NotAFile;
    }
    Fault::of(error)
}

#[cfg(unix)]
fn without_waiting(options: &mut OpenOptions) {
    use cap_std::fs::OpenOptionsExt as _;
    use rustix::fs::OFlags;
    // The number of flags fits wherever it is used.
    options.custom_flags(i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default());
}

/// Reads until the end, an error, or nobody wants more.
fn hand_over(mut file: File, length: u64, send: &mpsc::Sender<io::Result<Bytes>>) {
    let mut left = length;
    while left > 0 {
        let piece = piece(&mut file, left);
        let is_over = piece.is_err();
        left = left.saturating_sub(piece.as_ref().map_or(0, |piece| piece.len() as u64));
        if send.blocking_send(piece).is_err() || is_over {
            return;
        }
    }
}

fn piece(file: &mut File, left: u64) -> io::Result<Bytes> {
    let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
    let mut piece = vec![0; most];
    file.read_exact(&mut piece)?;
    Ok(piece.into())
}
