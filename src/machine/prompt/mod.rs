//! Reading lines from the person while something else may come first.
//!
//! A thread of its own waits for the input, so that neither a login that ends another way nor a signal has to wait for
//! somebody to press Enter. Dropping [`Lines`] ends the thread and gives the terminal its echo back.

use std::io::{self, Write};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zeroize::Zeroizing;

use super::Terminal;
use crate::secret::Secret;

#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod windows;

#[cfg(unix)]
pub use unix::Standard;
#[cfg(not(unix))]
pub use windows::Standard;

/// The longest line.
const LONGEST: usize = 16 * 1024;

/// Asks the person on standard input.
pub trait Prompt: Send + Sync {
    /// Begins to read lines.
    fn lines(&self, echo: Echo) -> io::Result<Lines>;

    /// Drops what was typed at the terminal before now, so that a line that is read next was typed after it. An error if
    /// that cannot be had, and nothing may be taken for an answer then. On Windows there is no safe way to it, and it is
    /// always an error.
    fn forget(&self) -> io::Result<()>;
}

/// Whether what is typed can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// It can.
    Shown,
    /// It cannot: it is a secret.
    Hidden,
}

/// One line.
#[derive(Debug)]
pub enum Line {
    /// Without its end.
    Text(Secret),
    /// It was longer than any answer and is forgotten.
    TooLong,
    /// There will be no more.
    End,
}

/// The lines as they come. Dropping this ends the reading.
pub struct Lines {
    lines: UnboundedReceiver<Line>,
    /// Ends the reading when it is dropped.
    _reading: Option<Box<dyn Send>>,
}

impl Lines {
    /// A pair of who sends lines and who receives them; `reading` is dropped with the receiver.
    pub fn channel(reading: Option<Box<dyn Send>>) -> (UnboundedSender<Line>, Self) {
        let (sender, lines) = unbounded_channel();
        (sender, Self { lines, _reading: reading })
    }

    /// The same lines; `guard` is dropped together with them.
    #[must_use]
    pub fn holding(self, guard: Box<dyn Send>) -> Self {
        Self { lines: self.lines, _reading: Some(Box::new((self._reading, guard))) }
    }

    /// The next line. After the end it is always the end.
    pub async fn next(&mut self) -> Line {
        self.lines.recv().await.unwrap_or(Line::End)
    }
}

/// Asks for a secret at the terminal, without echo.
pub async fn ask_secret(prompt: &dyn Prompt, terminal: &dyn Terminal, question: &str) -> io::Result<Secret> {
    let mut lines = prompt.lines(Echo::Hidden)?;
    let mut messages = terminal.messages();
    write!(messages, "{question}")?;
    messages.flush()?;
    let line = lines.next().await;
    // The terminal has its echo back before anything else is said, and the end of the line was not echoed either.
    drop(lines);
    writeln!(messages)?;
    match line {
        Line::Text(secret) => Ok(secret),
        Line::TooLong => Err(io::ErrorKind::InvalidInput.into()),
        Line::End => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Puts bytes together to lines, with the keys that a line editor of a terminal knows.
struct Editor {
    /// Never grows, so that no copy of a secret stays behind in memory.
    line: Zeroizing<Vec<u8>>,
    too_long: bool,
    keys: bool,
}

/// What a byte did.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// The line goes on.
    More,
    /// The line may be over.
    Enter,
    /// The person is done.
    End,
}

impl Editor {
    /// `keys`: the terminal passes on every key, so that erasing is up to us.
    fn new(keys: bool) -> Self {
        Self { line: Zeroizing::new(Vec::with_capacity(LONGEST)), too_long: false, keys }
    }

    fn take(&mut self, byte: u8) -> Step {
        match byte {
            b'\n' | b'\r' => return Step::Enter,
            // Ctrl-D on an empty line.
            0x04 if self.keys && self.line.is_empty() => return Step::End,
            0x04 if self.keys => {}
            // Backspace, and Ctrl-U, which takes back everything.
            0x08 | 0x7f if self.keys => drop(self.line.pop()),
            0x15 if self.keys => self.clear(),
            _ if self.line.len() >= LONGEST => self.too_long = true,
            _ => self.line.push(byte),
        }
        Step::More
    }

    fn is_empty(&self) -> bool {
        self.line.is_empty() && !self.too_long
    }

    fn clear(&mut self) {
        self.line.clear();
        self.too_long = false;
    }

    /// The line so far; a new one begins.
    fn line(&mut self) -> Line {
        let line = match std::str::from_utf8(&self.line) {
            _ if self.too_long => Line::TooLong,
            Ok(text) => Line::Text(Secret::new(text)),
            // Whoever judges it will find that it is nothing.
            Err(_) => Line::Text(Secret::new("\u{fffd}")),
        };
        self.clear();
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(editor: &mut Editor, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for byte in bytes {
            match editor.take(*byte) {
                Step::More => {}
                Step::Enter => lines.push(match editor.line() {
                    Line::Text(text) => text.expose().to_owned(),
                    other => format!("{other:?}"),
                }),
                Step::End => lines.push("end".to_owned()),
            }
        }
        lines
    }

    #[test]
    fn keys_take_back_what_was_typed() {
        let mut editor = Editor::new(true);
        assert_eq!(typed(&mut editor, b"abx\x7fc\n"), ["abc"]);
        assert_eq!(typed(&mut editor, b"\x08nonsense\x15abc\r"), ["abc"]);
        assert_eq!(typed(&mut editor, b"a\x04b\n\x04"), ["ab", "end"]);
        assert_eq!(typed(&mut Editor::new(false), b"a\x04\x7f\n"), ["a\u{4}\u{7f}"]);
    }

    #[test]
    fn a_line_has_a_longest_length_and_the_next_one_is_free_again() {
        let mut editor = Editor::new(true);
        let exact = "a".repeat(LONGEST);
        assert_eq!(typed(&mut editor, format!("{exact}\n{exact}b\nc\n").as_bytes()), [&exact, "TooLong", "c"]);
        assert_eq!(editor.line.capacity(), LONGEST);
        assert_eq!(typed(&mut editor, format!("{exact}bbb\x15d\n").as_bytes()), ["d"]);
    }

    #[test]
    fn what_is_no_text_is_nothing() {
        assert_eq!(typed(&mut Editor::new(true), b"\xff\xfe\n"), ["\u{fffd}"]);
    }

    #[tokio::test]
    async fn after_the_end_it_stays_the_end() {
        let (sender, mut lines) = Lines::channel(None);
        sender.send(Line::Text(Secret::new("a"))).expect("a receiver");
        drop(sender);
        assert!(matches!(lines.next().await, Line::Text(text) if text.matches("a")));
        for _ in 0..2 {
            assert!(matches!(lines.next().await, Line::End));
        }
    }
}
