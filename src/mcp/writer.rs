//! The one writer: whole lines, several at once when they wait, flushed.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IoSlice, Write};
use std::ops::Range;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use serde_json::value::RawValue;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::at_once::Output;
use super::definitions::Definitions;

/// A piece of a line. Large values are written as they are, never copied into a line first.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Static(&'static str),
    Text(String),
    /// A part of what was made for a list.
    Within(Arc<Definitions>, Range<usize>),
    Raw(Box<RawValue>),
    /// No part of a line: tells, alone in its place, that all before it is written, and is the last that is.
    Written(SyncSender<()>),
    /// The first in its place: so many bytes of the line that follows are written.
    Begun(usize),
}

impl Part {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Text(text) => text,
            Self::Within(list, range) => list.within(range),
            Self::Raw(raw) => raw.get(),
            Self::Written(_) | Self::Begun(_) => "",
        }
    }
}

/// One message in pieces.
pub(super) type Parts = Vec<Part>;

/// Lines that may wait for a slow reader before the loop waits, too.
const WAITING: usize = 256;
/// From this size on a piece is written without passing through the buffer, and a line makes the pipe hold more.
const LARGE: usize = 64 << 10;
/// How much of a line is written past the thread: as much as a pipe is made to hold for it.
const ROOM: usize = 256 << 10;
/// Pieces that are written at once; Linux takes 1,024.
const PIECES: usize = 1_000;

/// A handle to the writer. Cloning shares it; the writing thread ends with the last one.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Parts>,
    /// The thread, until it is needed.
    thread: Arc<Mutex<Option<Thread>>>,
    /// The way past the thread.
    direct: Option<Arc<Direct>>,
}

/// What the writing thread works with.
struct Thread {
    lines: mpsc::Receiver<Parts>,
    output: Box<dyn Write + Send>,
    direct: Option<Arc<Direct>>,
    ended: oneshot::Sender<()>,
}

impl Thread {
    fn start(self) {
        let Self { lines, output, direct, ended } = self;
        std::thread::spawn(move || {
            // An error means that nobody reads any more; the closed channel tells the loop.
            let _ = write(lines, output, direct.as_deref());
            let _ = ended.send(());
        });
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// Writes lines where they come from, as much as the stream has room for, as long as no earlier line waits for the thread.
struct Direct {
    output: Output,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Lines that were given to the thread and are not written yet.
    waiting: usize,
    /// Everything goes to the thread from here on.
    is_over: bool,
}

/// Starts the writing thread, at once or as soon as it is needed. The second value tells when it has ended, because all
/// handles are gone or nobody reads.
pub(super) fn start(output: Box<dyn Write + Send>, direct: Option<Output>) -> (Writer, oneshot::Receiver<()>) {
    let (queue, receiver) = mpsc::channel(WAITING);
    let (ended, end) = oneshot::channel();
    let output = direct.as_ref().and_then(Output::blocking).unwrap_or(output);
    let direct = direct.map(|output| Arc::new(Direct { output, state: Mutex::default() }));
    let thread = Thread { lines: receiver, output, direct: direct.clone(), ended };
    let writer = Writer { queue, thread: Arc::new(Mutex::new(Some(thread))), direct };
    if writer.direct.is_none() {
        writer.wake();
    }
    (writer, end)
}

impl Writer {
    /// Writes the line, or waits until there is room for it. An error means that nobody reads any more.
    pub(super) async fn send(&self, line: Parts) -> Result<(), Parts> {
        let line = match self.try_send(line) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Closed(line)) => return Err(line),
            Err(TrySendError::Full(line)) => line,
        };
        if let Some(direct) = &self.direct {
            direct.waits();
        }
        self.queue.send(line).await.map_err(|error| error.0)
    }

    /// Writes the line if there is room for it, and hands it back otherwise.
    pub(super) fn try_send(&self, line: Parts) -> Result<(), TrySendError<Parts>> {
        match &self.direct {
            None => self.queue.try_send(line),
            Some(direct) => {
                if direct.put(line, &self.queue)? {
                    self.wake();
                }
                Ok(())
            }
        }
    }

    /// Starts the thread if it does not run yet.
    fn wake(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.start();
        }
    }

    /// Whether the thread was started.
    #[cfg(test)]
    pub(super) fn has_thread(&self) -> bool {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Returns when nobody reads any more.
    pub(super) async fn closed(&self) {
        self.queue.closed().await;
    }

    /// From here on everything goes through the thread, which writes one line after the other; `false` if somebody writes at
    /// this moment. For a panic hook: what panicked may be who writes, and nothing here waits for it.
    pub(super) fn end_direct(&self) -> bool {
        let Some(direct) = &self.direct else { return true };
        match direct.state.try_lock() {
            Ok(mut state) => state.is_over = true,
            Err(TryLockError::Poisoned(state)) => state.into_inner().is_over = true,
            Err(TryLockError::WouldBlock) => return false,
        }
        true
    }

    /// Gives the line to the thread if there is room, and hands it back otherwise. After [`Writer::end_direct`].
    pub(super) fn give(&self, line: Parts) -> Result<(), TrySendError<Parts>> {
        self.wake();
        self.queue.try_send(line)
    }
}

impl Direct {
    /// Writes the line; whether the thread has something to do for it. A line that is begun is in the queue before anybody
    /// else can put one there.
    fn put(&self, line: Parts, queue: &mpsc::Sender<Parts>) -> Result<bool, TrySendError<Parts>> {
        let mut state = self.state();
        let left = if state.waiting > 0 || state.is_over { Some(line) } else { self.written(&mut state, line) };
        let Some(line) = left else { return Ok(false) };
        // There is room for a line that is begun: nothing waited.
        queue.try_send(line)?;
        state.waiting = state.waiting.saturating_add(1);
        Ok(true)
    }

    /// A line waits for its place in the queue.
    fn waits(&self) {
        let mut state = self.state();
        state.waiting = state.waiting.saturating_add(1);
    }

    /// Writes the line, or as much of it as there is room for; what the thread has to do about the rest.
    fn written(&self, state: &mut State, mut line: Parts) -> Option<Parts> {
        let size: usize = line.iter().map(|part| part.as_str().len()).sum();
        if size >= LARGE {
            self.output.enlarge(ROOM);
        }
        let mut begun = 0;
        while begun < ROOM {
            let pieces = pieces(&line, begun);
            let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
            match self.output.write(&slices) {
                Ok(written) => {
                    begun = begun.saturating_add(written);
                    // The line feed belongs to it.
                    if begun > size {
                        return None;
                    }
                    if written < slices.iter().map(|slice| slice.len()).sum() {
                        break;
                    }
                }
                Err(error) => {
                    // Not this way, it seems; if nobody reads, the thread finds out.
                    state.is_over |= error.kind() != io::ErrorKind::WouldBlock;
                    break;
                }
            }
        }
        line.insert(0, Part::Begun(begun));
        Some(line)
    }

    /// So many lines are written that waited for it.
    fn done(&self, lines: usize) {
        let mut state = self.state();
        state.waiting = state.waiting.saturating_sub(lines);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is written at once of a line whose first `begun` bytes are written.
fn pieces(line: &[Part], mut begun: usize) -> Vec<Cow<'_, [u8]>> {
    let (mut pieces, mut room) = (Vec::with_capacity(line.len().saturating_add(1)), ROOM.saturating_sub(begun));
    for part in line {
        let part = part.as_str().as_bytes();
        let (written, rest) = part.split_at_checked(begun).unwrap_or((part, &[]));
        begun = begun.saturating_sub(written.len());
        if rest.is_empty() {
            continue;
        }
        if room == 0 || pieces.len() >= PIECES {
            return pieces;
        }
        let piece = rest.get(..room).unwrap_or(rest);
        room = room.saturating_sub(piece.len());
        pieces.push(without_breaks(piece));
        if piece.len() < rest.len() {
            return pieces;
        }
    }
    pieces.push(Cow::Borrowed(b"\n"));
    pieces
}

fn write(
    mut lines: mpsc::Receiver<Parts>,
    mut output: Box<dyn Write + Send>,
    direct: Option<&Direct>,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(first) = lines.blocking_recv() {
        let mut asked = append(&mut buffer, &mut *output, &first)?;
        let mut count = 1_usize;
        // What waits already goes out with one system call.
        while asked.is_none() && buffer.len() < LARGE {
            let Ok(next) = lines.try_recv() else { break };
            asked = append(&mut buffer, &mut *output, &next)?;
            count = count.saturating_add(1);
        }
        output.write_all(&buffer)?;
        output.flush()?;
        buffer.clear();
        if let Some(direct) = direct {
            direct.done(count);
        }
        if let Some(asked) = asked {
            let _ = asked.try_send(());
            break;
        }
    }
    Ok(())
}

/// Adds a line. What comes back wants to be told that it is written.
fn append(buffer: &mut Vec<u8>, output: &mut dyn Write, line: &[Part]) -> io::Result<Option<SyncSender<()>>> {
    let (mut begun, line) = match line {
        [Part::Written(asked)] => return Ok(Some(asked.clone())),
        [Part::Begun(size), line @ ..] => (*size, line),
        _ => (0, line),
    };
    for part in line {
        let bytes = part.as_str().as_bytes();
        let (written, bytes) = bytes.split_at_checked(begun).unwrap_or((bytes, &[]));
        begun = begun.saturating_sub(written.len());
        // A line of many pieces must not grow in here.
        if buffer.len().saturating_add(bytes.len()) >= LARGE {
            output.write_all(buffer)?;
            buffer.clear();
        }
        if bytes.len() < LARGE {
            buffer.extend_from_slice(&without_breaks(bytes));
            continue;
        }
        for chunk in bytes.chunks(LARGE) {
            output.write_all(&without_breaks(chunk))?;
        }
    }
    buffer.push(b'\n');
    Ok(None)
}

/// JSON has line breaks only between its tokens, where a space does as well; in a message one would end the line.
fn without_breaks(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\n', b'\r', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let spaced = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
    bytes.iter().map(spaced).collect()
}
