//! Lines of standard input: UTF-8, one message each, bounded.

use std::future::poll_fn;
use std::io::BufRead;
use std::ops::Range;
use std::task::{Context, Poll, Waker, ready};

use tokio::sync::mpsc;

use super::at_once::Input;

/// What came between two line breaks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line with something in it, without its end.
    Text(String),
    /// A line that is not UTF-8.
    NotText,
    /// A line over the limit; it was skipped.
    TooLong,
}

/// The lines of a stream: read by the loop itself where that needs no waiting, and otherwise on a thread.
pub(super) struct Lines {
    limit: usize,
    source: Source,
}

enum Source {
    /// By the loop.
    Here(Box<Here>),
    Thread(mpsc::Receiver<Line>),
}

struct Here {
    input: Input,
    /// What is read on a thread if this cannot be read without waiting, which the first attempt shows.
    instead: Option<Box<dyn BufRead + Send>>,
    buffer: Box<[u8]>,
    /// What of the buffer was not looked at yet.
    unread: Range<usize>,
    cutter: Cutter,
    has_ended: bool,
}

impl Lines {
    /// Reads until the input ends or nobody wants it.
    pub(super) fn new(input: Box<dyn BufRead + Send>, direct: Option<Input>, limit: usize) -> Self {
        let source = match direct {
            None => Source::Thread(on_a_thread(input, limit)),
            Some(direct) => Source::Here(Box::new(Here {
                input: direct,
                instead: Some(input),
                buffer: vec![0; 16 << 10].into_boxed_slice(),
                unread: 0..0,
                cutter: Cutter::default(),
                has_ended: false,
            })),
        };
        Self { limit, source }
    }

    /// The next line that is not blank; `None` at the end. Nothing is lost if it is not waited for.
    pub(super) async fn next(&mut self) -> Option<Line> {
        poll_fn(|context| self.poll(context)).await
    }

    /// The next line, if it is there.
    pub(super) fn waiting(&mut self) -> Option<Line> {
        match self.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(line) => line,
            Poll::Pending => None,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Line>> {
        loop {
            let here = match &mut self.source {
                Source::Thread(lines) => return lines.poll_recv(context),
                Source::Here(here) => here,
            };
            if let Some(line) = here.cut(self.limit) {
                return Poll::Ready(Some(line));
            }
            if here.has_ended {
                return Poll::Ready(here.cutter.rest());
            }
            match ready!(here.input.poll(context, &mut here.buffer)) {
                Ok(0) => here.has_ended = true,
                Ok(size) => {
                    here.unread = 0..size;
                    here.instead = None;
                }
                // Not this way, it seems; if the input itself is broken, the other way finds out.
                Err(_) => match here.instead.take() {
                    Some(input) => self.source = Source::Thread(on_a_thread(input, self.limit)),
                    None => here.has_ended = true,
                },
            }
        }
    }
}

impl Here {
    /// The next line in the buffer.
    fn cut(&mut self, limit: usize) -> Option<Line> {
        while let Some(bytes) = self.buffer.get(self.unread.clone()).filter(|bytes| !bytes.is_empty()) {
            let (used, line) = self.cutter.push(bytes, limit);
            self.unread.start += used;
            if line.is_some() {
                return line;
            }
        }
        None
    }
}

fn on_a_thread(mut input: Box<dyn BufRead + Send>, limit: usize) -> mpsc::Receiver<Line> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        let mut cutter = Cutter::default();
        while let Some(line) = next(&mut *input, limit, &mut cutter) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The next line that is not blank; `None` at the end. A last line without a break counts.
fn next(input: &mut dyn BufRead, limit: usize, cutter: &mut Cutter) -> Option<Line> {
    loop {
        let available = match input.fill_buf() {
            Ok([]) | Err(_) => return cutter.rest(),
            Ok(available) => available,
        };
        let (used, line) = cutter.push(available, limit);
        input.consume(used);
        if line.is_some() {
            return line;
        }
    }
}

/// Puts lines together from pieces.
#[derive(Default)]
struct Cutter {
    bytes: Vec<u8>,
    is_long: bool,
    /// Whether a line was there before.
    is_later: bool,
}

impl Cutter {
    /// Looks at the bytes up to the first break: how many these are, and the line that it ends unless that is blank.
    fn push(&mut self, available: &[u8], limit: usize) -> (usize, Option<Line>) {
        let (part, used, is_end) = match memchr::memchr(b'\n', available) {
            Some(at) => (available.get(..at).unwrap_or_default(), at.saturating_add(1), true),
            None => (available, available.len(), false),
        };
        if !self.is_long && self.bytes.len().saturating_add(part.len()) <= limit {
            self.bytes.extend_from_slice(part);
        } else {
            // The rest of the line is read and forgotten, so that memory stays bounded.
            self.is_long = true;
            self.bytes = Vec::new();
        }
        (used, if is_end { self.rest() } else { None })
    }

    /// What was put together.
    fn rest(&mut self) -> Option<Line> {
        let (bytes, is_long) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.is_long));
        if !is_long && bytes.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        let is_first = !std::mem::replace(&mut self.is_later, true);
        Some(if is_long { Line::TooLong } else { text(bytes, is_first) })
    }
}

fn text(bytes: Vec<u8>, is_first: bool) -> Line {
    match String::from_utf8(bytes) {
        Ok(text) => match text.strip_prefix('\u{feff}').filter(|_| is_first) {
            Some(rest) => Line::Text(rest.to_owned()),
            None => Line::Text(text),
        },
        Err(_) => Line::NotText,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::*;

    fn lines(bytes: &[u8], limit: usize) -> Vec<Line> {
        // A tiny buffer, so that lines are put together from pieces.
        let mut input = BufReader::with_capacity(3, Cursor::new(bytes.to_vec()));
        let mut cutter = Cutter::default();
        std::iter::from_fn(|| next(&mut input, limit, &mut cutter)).collect()
    }

    fn text(text: &str) -> Line {
        Line::Text(text.to_owned())
    }

    #[test]
    fn breaks_blanks_a_mark_and_a_missing_end_are_accepted() {
        assert_eq!(lines(b"", 9), []);
        assert_eq!(lines(b"\n\r\n  \n", 9), []);
        assert_eq!(lines(b"a\nb\r\nc", 9), [text("a"), text("b\r"), text("c")]);
        assert_eq!(lines("\u{feff}a\n\u{feff}b\n".as_bytes(), 9), [text("a"), text("\u{feff}b")]);
    }

    #[test]
    fn a_long_line_is_skipped_to_its_end() {
        assert_eq!(lines(b"12345\n123456\n12345\n", 5), [text("12345"), Line::TooLong, text("12345")]);
        assert_eq!(lines(b"123456", 5), [Line::TooLong]);
    }

    #[test]
    fn bytes_that_are_no_text_are_told_apart() {
        assert_eq!(lines(b"\xff\xfe\na\n", 9), [Line::NotText, text("a")]);
    }
}
