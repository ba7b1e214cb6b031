//! The one writer: whole lines, several at once when they wait, flushed.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

/// A piece of a line. Large values are written as they are, never copied into a line first.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Static(&'static str),
    Text(String),
    Shared(Arc<str>),
    Raw(Box<RawValue>),
    /// No part of a line: tells, alone in its place, that all before it is written, and is the last that is.
    Written(SyncSender<()>),
}

impl Part {
    fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Text(text) => text,
            Self::Shared(text) => text,
            Self::Raw(raw) => raw.get(),
            Self::Written(_) => "",
        }
    }
}

/// One message in pieces.
pub(super) type Parts = Vec<Part>;

/// Lines that may wait for a slow reader before the loop waits, too.
const WAITING: usize = 256;
/// From this size on a piece is written without passing through the buffer.
const LARGE: usize = 64 << 10;

/// Starts the writing thread. The second value tells when it has ended, because all senders are gone or nobody reads.
pub(super) fn start(output: Box<dyn Write + Send>) -> (mpsc::Sender<Parts>, oneshot::Receiver<()>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        // An error means that nobody reads any more; the closed channel tells the loop.
        let _ = write(receiver, output);
        let _ = ended.send(());
    });
    (sender, end)
}

fn write(mut lines: mpsc::Receiver<Parts>, mut output: Box<dyn Write + Send>) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(LARGE);
    while let Some(first) = lines.blocking_recv() {
        let mut asked = append(&mut buffer, &mut *output, &first)?;
        // What waits already goes out with one system call.
        while asked.is_none() && buffer.len() < LARGE {
            let Ok(next) = lines.try_recv() else { break };
            asked = append(&mut buffer, &mut *output, &next)?;
        }
        output.write_all(&buffer)?;
        output.flush()?;
        buffer.clear();
        if let Some(asked) = asked {
            let _ = asked.try_send(());
            break;
        }
    }
    Ok(())
}

/// Adds a line. What comes back wants to be told that it is written.
fn append(buffer: &mut Vec<u8>, output: &mut dyn Write, line: &[Part]) -> io::Result<Option<SyncSender<()>>> {
    if let [Part::Written(asked)] = line {
        return Ok(Some(asked.clone()));
    }
    for part in line {
        let bytes = part.as_str().as_bytes();
        if bytes.len() < LARGE {
            without_breaks(buffer, bytes);
            // A line of many pieces must not grow in here.
            if buffer.len() >= LARGE {
                output.write_all(buffer)?;
                buffer.clear();
            }
            continue;
        }
        output.write_all(buffer)?;
        buffer.clear();
        for chunk in bytes.chunks(LARGE) {
            without_breaks(buffer, chunk);
            output.write_all(buffer)?;
            buffer.clear();
        }
    }
    buffer.push(b'\n');
    Ok(None)
}

/// JSON has line breaks only between its tokens, where a space does as well; in a message one would end the line.
fn without_breaks(buffer: &mut Vec<u8>, bytes: &[u8]) {
    let start = buffer.len();
    buffer.extend_from_slice(bytes);
    if memchr::memchr2(b'\n', b'\r', bytes).is_some() {
        for byte in buffer.iter_mut().skip(start).filter(|byte| matches!(byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
    }
}
